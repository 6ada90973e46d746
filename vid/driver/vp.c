/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VPs by the ioctls of vid.ko. A run is one ioctl; why it ended and the registers are read in the
 * two pages that the hypervisor shares with this process. What the intercept page says is the
 * hypervisor's word; the guest cannot write it.
 */
#include "driver.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "hv/msr.h"

#define PAGE 4096u

struct driver_vp {
	struct vid_vp base;
	int fd;
	bool window; /* the last exit said that an ExtINT can be taken */
	struct hv_register_page *registers;
	const struct hv_intercept_page *intercept;
};

static struct driver_vp *driver_vp(struct vid_vp *base)
{
	return container_of(base, struct driver_vp, base);
}

static int map_pages(struct driver_vp *vp)
{
	void *registers =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, vp->fd, VID_MMAP_REGISTERS);
	void *intercept;
	int r;

	if (registers == MAP_FAILED)
		return -errno;
	intercept = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, vp->fd, VID_MMAP_INTERCEPT);
	if (intercept == MAP_FAILED) {
		r = -errno;
		munmap(registers, PAGE);
		return r;
	}
	vp->registers = registers;
	vp->intercept = intercept;
	return 0;
}

int driver_vp_create(struct vid_partition *p, uint32_t index, struct vid_vp **ret_vp)
{
	struct vid_ioctl_create_vp arguments = {.index = index};
	_cleanup_free_ struct driver_vp *vp = calloc(1, sizeof(*vp));
	_cleanup_close_ int fd = -1;
	int r;

	if (!vp)
		return -ENOMEM;
	fd = driver_ioctl(driver_partition(p)->fd, VID_IOCTL_CREATE_VP, &arguments);
	if (fd < 0)
		return fd;
	vp->fd = fd;
	r = map_pages(vp);
	if (r < 0)
		return r;
	TAKE_FD(fd);
	*ret_vp = &TAKE_PTR(vp)->base;
	return 0;
}

void driver_vp_destroy(struct vid_vp *base)
{
	struct driver_vp *vp = driver_vp(base);

	munmap(vp->registers, PAGE);
	munmap((void *)(uintptr_t)vp->intercept, PAGE);
	fd_close(vp->fd);
	free(vp);
}

/* ---- what the intercept page says ---- */

static void set_instruction(struct vid_exit *exit, const struct hv_intercept_header *header,
			    const uint8_t *bytes, unsigned int count)
{
	exit->instruction.length = header->length_cr8 & 15;
	exit->instruction.byte_count = (uint8_t)MIN(count, (unsigned int)VID_INSTRUCTION_MAX);
	memcpy(exit->instruction.bytes, bytes, exit->instruction.byte_count);
}

static void io_exit(struct vid_exit *exit, const struct hv_io_intercept *m)
{
	unsigned int size = m->info & HV_IO_SIZE;

	exit->kind = VID_EXIT_IO;
	set_instruction(exit, &m->header, m->bytes, m->byte_count);
	exit->io = (struct vid_exit_io){
		.port = m->port,
		.size = (uint8_t)size,
		.write = m->header.access == HV_INTERCEPT_WRITE,
		.string = m->info & HV_IO_STRING,
		.rep = m->info & HV_IO_REP,
		.value = (uint32_t)(m->rax & ((UINT64_C(1) << size * 8) - 1)),
	};
}

static void mmio_exit(struct vid_exit *exit, const struct hv_memory_intercept *m)
{
	static const uint8_t access[] = {
		[HV_INTERCEPT_READ] = VID_ACCESS_READ,
		[HV_INTERCEPT_WRITE] = VID_ACCESS_WRITE,
		[HV_INTERCEPT_EXECUTE] = VID_ACCESS_EXECUTE,
	};

	exit->kind = VID_EXIT_MMIO;
	set_instruction(exit, &m->header, m->bytes, m->byte_count);
	exit->mmio = (struct vid_exit_mmio){
		.gpa = m->gpa,
		.gva = m->gva,
		.gva_valid = m->info & HV_MEMORY_GVA_VALID,
		.access = m->header.access < ARRAY_SIZE(access) ? access[m->header.access] : 0,
	};
}

static void msr_exit(struct vid_exit *exit, const struct hv_msr_intercept *m)
{
	exit->kind = VID_EXIT_MSR;
	set_instruction(exit, &m->header, NULL, 0);
	exit->msr = (struct vid_exit_msr){
		.msr = m->msr,
		.write = m->header.access == HV_INTERCEPT_WRITE,
		.value = m->rdx << 32 | (uint32_t)m->rax,
	};
}

static void cpuid_exit(struct vid_exit *exit, const struct hv_cpuid_intercept *m)
{
	exit->kind = VID_EXIT_CPUID;
	set_instruction(exit, &m->header, NULL, 0);
	exit->cpuid = (struct vid_exit_cpuid){
		.eax = (uint32_t)m->rax,
		.ecx = (uint32_t)m->rcx,
		.default_leaf = {(uint32_t)m->default_rax, (uint32_t)m->default_rbx,
				 (uint32_t)m->default_rcx, (uint32_t)m->default_rdx},
	};
}

/* The guest posts a message: its RAX says already that the connection is not known. */
static void message_exit(struct vid_exit *exit, const struct hv_hypercall_intercept *m)
{
	exit->kind = VID_EXIT_MESSAGE;
	exit->message.connection = m->connection;
	exit->message.type = m->type;
	exit->message.size = MIN(m->size, HV_MESSAGE_PAYLOAD);
	memcpy(exit->message.payload, m->payload, sizeof(exit->message.payload));
}

static int translate_exit(const struct hv_intercept_page *page, struct vid_exit *exit)
{
	switch (page->type) {
	case HV_MESSAGE_IO_PORT:
		io_exit(exit, &page->io);
		return 0;
	case HV_MESSAGE_UNMAPPED_GPA:
	case HV_MESSAGE_GPA_INTERCEPT:
		mmio_exit(exit, &page->memory);
		return 0;
	case HV_MESSAGE_MSR:
		msr_exit(exit, &page->msr);
		return 0;
	case HV_MESSAGE_CPUID:
		cpuid_exit(exit, &page->cpuid);
		return 0;
	case HV_MESSAGE_KEELSON_HYPERCALL:
		message_exit(exit, &page->hypercall);
		return 0;
	case HV_MESSAGE_APIC_EOI:
		exit->kind = VID_EXIT_EOI;
		exit->eoi_vector = (uint8_t)page->eoi.vector;
		return 0;
	case HV_MESSAGE_KEELSON_CRASH:
		exit->kind = VID_EXIT_CRASH;
		memcpy(exit->crash, page->crash.parameter, sizeof(exit->crash));
		exit->crash_text = page->crash.control & HV_CRASH_MESSAGE;
		return 0;
	case HV_MESSAGE_HALT:
		exit->kind = VID_EXIT_HALT;
		return 0;
	case HV_MESSAGE_INTERRUPTION_DELIVERABLE:
		exit->kind = VID_EXIT_EXTINT_WINDOW;
		return 0;
	case HV_MESSAGE_KEELSON_MESSAGE_FREE:
		exit->kind = VID_EXIT_MESSAGE_FREE;
		return 0;
	case HV_MESSAGE_UNRECOVERABLE_EXCEPTION:
		exit->kind = VID_EXIT_SHUTDOWN;
		return 0;
	case HV_MESSAGE_INVALID_VP_REGISTER:
		exit->kind = VID_EXIT_INVALID_STATE;
		return 0;
	}
	return -EIO;
}

int driver_vp_run(struct vid_vp *base, struct vid_exit *ret_exit)
{
	struct driver_vp *vp = driver_vp(base);
	int r = driver_ioctl(vp->fd, VID_IOCTL_RUN, NULL);

	vp->window = false;
	if (r == -EINTR) {
		ret_exit->kind = VID_EXIT_INTERRUPTED;
		return 0;
	}
	if (r < 0)
		return r;
	r = translate_exit(vp->intercept, ret_exit);
	vp->window = r == 0 && ret_exit->kind == VID_EXIT_EXTINT_WINDOW;
	return r;
}

/* It cannot fail on a descriptor that is a VP's. */
void driver_vp_kick(struct vid_vp *base)
{
	CHECK(driver_ioctl(driver_vp(base)->fd, VID_IOCTL_KICK, NULL) == 0);
}

/* ---- the 8259's interrupt ---- */

static int ask_for_window(struct vid_vp *base)
{
	const struct vid_register notify = {
		.name = HV_REGISTER_DELIVERABILITY_NOTIFICATIONS,
		.low = HV_NOTIFY_INTERRUPT,
	};
	int r = driver_vp_set_registers(base, &notify, 1);

	return r < 0 ? r : -EAGAIN;
}

int driver_vp_extint(struct vid_vp *base, uint8_t vector)
{
	struct vid_ioctl_interrupt i = {
		.vector = vector,
		.mode = VID_DELIVER_EXTINT,
		.destination = base->index,
	};

	if (!driver_vp(base)->window)
		return ask_for_window(base);
	driver_vp(base)->window = false;
	return driver_ioctl(driver_partition(base->partition)->fd, VID_IOCTL_ASSERT_INTERRUPT, &i);
}

bool driver_vp_extint_ready(struct vid_vp *base)
{
	return driver_vp(base)->window;
}

/* ---- registers ---- */

#define PAGE_OFFSET offsetof(struct hv_register_page, gpr)
#define SAME_PLACE(mine, hvs)                                           \
	_Static_assert(offsetof(struct vid_regs, mine) + PAGE_OFFSET == \
			       offsetof(struct hv_register_page, hvs),  \
		       "struct vid_regs is a part of the register page")
SAME_PLACE(gpr, gpr);
SAME_PLACE(rip, rip);
SAME_PLACE(rflags, rflags);
SAME_PLACE(segment, segment);
SAME_PLACE(cr0, cr0);
SAME_PLACE(efer, efer);
SAME_PLACE(interrupt_state, interrupt_state);
_Static_assert(sizeof(struct vid_segment) == sizeof(struct hv_segment), "the same");
_Static_assert(offsetof(struct vid_segment, attributes) == offsetof(struct hv_segment, attributes),
	       "the same");

struct vid_regs *driver_vp_regs(struct vid_vp *base, unsigned int dirty)
{
	struct hv_register_page *page = driver_vp(base)->registers;

	page->dirty |= (dirty & VID_REGS_GPR ? HV_DIRTY_GENERAL : 0) |
		       (dirty & VID_REGS_RIP ? HV_DIRTY_RIP : 0) |
		       (dirty & VID_REGS_RFLAGS ? HV_DIRTY_RFLAGS : 0) |
		       (dirty & VID_REGS_SEGMENT ? HV_DIRTY_SEGMENT : 0);
	return (struct vid_regs *)page->gpr;
}

static int transfer_registers(struct driver_vp *vp, unsigned long request,
			      struct vid_ioctl_register *registers, size_t count)
{
	struct vid_ioctl_registers arguments = {
		.registers = (uintptr_t)registers,
		.count = (uint32_t)count,
	};

	return driver_ioctl(vp->fd, request, &arguments);
}

static int get_some(struct driver_vp *vp, struct vid_register *registers, size_t count)
{
	struct vid_ioctl_register raw[VID_IOCTL_REGISTERS_MAX] = {0};
	int r;

	for (size_t i = 0; i < count; i++)
		raw[i].name = registers[i].name;
	r = transfer_registers(vp, VID_IOCTL_GET_REGISTERS, raw, count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		registers[i].low = raw[i].low;
		registers[i].high = raw[i].high;
	}
	return r;
}

int driver_vp_get_registers(struct vid_vp *base, struct vid_register *registers, size_t count)
{
	for (size_t done = 0; done < count; done += VID_IOCTL_REGISTERS_MAX) {
		int r = get_some(driver_vp(base), registers + done,
				 MIN(count - done, (size_t)VID_IOCTL_REGISTERS_MAX));

		if (r < 0)
			return r;
	}
	return 0;
}

static int set_some(struct driver_vp *vp, const struct vid_register *registers, size_t count)
{
	struct vid_ioctl_register raw[VID_IOCTL_REGISTERS_MAX] = {0};

	for (size_t i = 0; i < count; i++)
		raw[i] = (struct vid_ioctl_register){
			.name = registers[i].name,
			.low = registers[i].low,
			.high = registers[i].high,
		};
	return transfer_registers(vp, VID_IOCTL_SET_REGISTERS, raw, count);
}

int driver_vp_set_registers(struct vid_vp *base, const struct vid_register *registers, size_t count)
{
	for (size_t done = 0; done < count; done += VID_IOCTL_REGISTERS_MAX) {
		int r = set_some(driver_vp(base), registers + done,
				 MIN(count - done, (size_t)VID_IOCTL_REGISTERS_MAX));

		if (r < 0)
			return r;
	}
	return 0;
}

int driver_vp_translate(struct vid_vp *base, uint64_t gva, unsigned int access, uint64_t *ret_gpa)
{
	struct vid_ioctl_translate t = {
		.gva = gva,
		.flags = (access & VID_ACCESS_READ ? HV_TRANSLATE_READ : 0) |
			 (access & VID_ACCESS_WRITE ? HV_TRANSLATE_WRITE : 0) |
			 (access & VID_ACCESS_EXECUTE ? HV_TRANSLATE_EXECUTE : 0),
	};
	int r = driver_ioctl(driver_vp(base)->fd, VID_IOCTL_TRANSLATE, &t);

	if (r < 0)
		return r;
	if (t.result != HV_TRANSLATE_SUCCESS)
		return -EFAULT;
	*ret_gpa = t.gpa;
	return 0;
}

/* ---- state ---- */

static const uint32_t states[] = {
	[VID_VP_STATE_LAPIC] = HV_VP_STATE_LAPIC,   [VID_VP_STATE_XSAVE] = HV_VP_STATE_XSAVE,
	[VID_VP_STATE_SIM_PAGE] = HV_VP_STATE_SIMP, [VID_VP_STATE_SIEF_PAGE] = HV_VP_STATE_SIEFP,
	[VID_VP_STATE_TIMERS] = HV_VP_STATE_TIMERS,
};

int driver_vp_get_state(struct vid_vp *base, enum vid_vp_state state, void *buffer, size_t size,
			size_t *ret_size)
{
	struct vid_ioctl_state s = {
		.type = states[state],
		.size = MIN(size, (size_t)VID_IOCTL_STATE_MAX),
		.buffer = (uintptr_t)buffer,
	};
	int r = driver_ioctl(driver_vp(base)->fd, VID_IOCTL_GET_STATE, &s);

	if (r < 0)
		return r;
	*ret_size = s.size;
	return 0;
}

int driver_vp_set_state(struct vid_vp *base, enum vid_vp_state state, const void *buffer,
			size_t size)
{
	struct vid_ioctl_state s = {
		.type = states[state],
		.size = size,
		.buffer = (uintptr_t)buffer,
	};

	return driver_ioctl(driver_vp(base)->fd, VID_IOCTL_SET_STATE, &s);
}
