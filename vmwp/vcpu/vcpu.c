/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop of a VP's thread. Order within a turn: offer the 8259's interrupt (VP 0), run, handle. A
 * request to stop is a flag and a kick; a thread looks at the flag before each run, and a kick that
 * comes between look and run makes that run return, so none is missed.
 */
#include "vcpu/vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "registers.h"
#include "vdev/i8259.h"
#include "vdev/ioapic.h"
#include "vid/partition.h"
#include "vid/vp.h"
#include "vsp/vmbus.h"

#define VECTOR_GP                      13

/* TLFS 3.8 */
#define HV_STATUS_SUCCESS              0x00
#define HV_STATUS_INSUFFICIENT_BUFFERS 0x13

static void report(struct vcpu *vcpu, enum vcpu_report what, const char *text)
{
	vcpu->set->ops->report(vcpu->set->owner, what, text, NULL);
}

static bool fail(struct vcpu *vcpu, const char *what, int error)
{
	const struct vid_regs *regs = vid_vp_regs(vcpu->vp, 0);
	char text[160];

	snprintf(text, sizeof text, "processor %" PRIu32 " at 0x%" PRIx64 ": %s: %s", vcpu->index,
		 regs->rip, what, strerror(-error));
	report(vcpu, VCPU_ERROR, text);
	return false;
}

static void append(char *text, size_t size, const char *format, ...) printf_like(3, 4);

static void append(char *text, size_t size, const char *format, ...)
{
	size_t n = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + n, size - n, format, arguments);
	va_end(arguments);
}

/* The guest has come to where no processor goes on: said with RIP and the bytes there. */
static bool guest_error(struct vcpu *vcpu, const struct vid_exit *exit, const char *what)
{
	uint8_t bytes[VCPU_INSTRUCTION_MAX];
	size_t count = vcpu_instruction_bytes(vcpu, exit, bytes);
	char text[240] = "";

	append(text, sizeof text, "processor %" PRIu32 " at 0x%" PRIx64 ": %s, bytes", vcpu->index,
	       vid_vp_regs(vcpu->vp, 0)->rip, what);
	for (size_t i = 0; i < count; i++)
		append(text, sizeof text, " %02x", bytes[i]);
	if (count == 0)
		append(text, sizeof text, " not readable");
	report(vcpu, VCPU_GUEST_ERROR, text);
	return false;
}

/* -EOPNOTSUPP, -EFAULT: of the guest's doing; anything else is the host's. */
static bool emulation_failed(struct vcpu *vcpu, const struct vid_exit *exit, const char *what,
			     int error)
{
	if (error == -EOPNOTSUPP || error == -EFAULT)
		return guest_error(vcpu, exit, what);
	return fail(vcpu, what, error);
}

/* --- exits --- */

static void step_over(struct vcpu *vcpu, const struct vid_exit *exit)
{
	vcpu_advance(vcpu, vcpu_instruction_length(vcpu, exit));
}

static void set_rax(struct vcpu *vcpu, unsigned int size, uint64_t value)
{
	struct vid_regs *regs = vid_vp_regs(vcpu->vp, VID_REGS_GPR);
	uint64_t mask = size == 4 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;

	regs->gpr[VID_RAX] = (regs->gpr[VID_RAX] & ~mask) | (value & mask);
}

static bool handle_io(struct vcpu *vcpu, const struct vid_exit *exit)
{
	struct machine *m = vcpu->set->machine;
	uint32_t value = 0;

	if (exit->io.string) {
		int r = vcpu_emulate(vcpu, exit);

		return r < 0 ? emulation_failed(vcpu, exit, "string I/O cannot be emulated", r)
			     : true;
	}
	machine_lock(m);
	if (exit->io.write)
		vdev_bus_write(&m->board.ports, exit->io.port, exit->io.size, exit->io.value);
	else
		value = (uint32_t)vdev_bus_read(&m->board.ports, exit->io.port, exit->io.size);
	machine_unlock(m);
	if (!exit->io.write)
		set_rax(vcpu, exit->io.size, value);
	step_over(vcpu, exit);
	return true;
}

static bool handle_mmio(struct vcpu *vcpu, const struct vid_exit *exit)
{
	char text[112];
	int r = vcpu_emulate(vcpu, exit);

	if (r == 0)
		return true;
	snprintf(text, sizeof text, "%s 0x%" PRIx64 ", where no memory is, cannot be emulated",
		 vid_vp_regs(vcpu->vp, 0)->pending_interruption & VID_PENDING
			 ? "an event's delivery by way of"
			 : "access to",
		 exit->mmio.gpa);
	return emulation_failed(vcpu, exit, text, r);
}

/* What the hypervisor does not know, the worker does not either. */
static bool handle_msr(struct vcpu *vcpu)
{
	vcpu_inject(vcpu, VECTOR_GP, true, 0, 0);
	return true;
}

static bool handle_cpuid(struct vcpu *vcpu, const struct vid_exit *exit)
{
	struct vid_regs *regs = vid_vp_regs(vcpu->vp, VID_REGS_GPR);

	regs->gpr[VID_RAX] = exit->cpuid.default_leaf[0];
	regs->gpr[VID_RBX] = exit->cpuid.default_leaf[1];
	regs->gpr[VID_RCX] = exit->cpuid.default_leaf[2];
	regs->gpr[VID_RDX] = exit->cpuid.default_leaf[3];
	step_over(vcpu, exit);
	return true;
}

static bool handle_eoi(struct vcpu *vcpu, uint8_t vector)
{
	machine_lock(vcpu->set->machine);
	vdev_ioapic_eoi(vcpu->set->machine->ioapic, vector);
	machine_unlock(vcpu->set->machine);
	return true;
}

/* The status is in RAX, as of the hypercall that stopped; so far it says that nobody is there (TLFS 11.10). */
static bool handle_message(struct vcpu *vcpu, const struct vid_exit_message *message)
{
	int r = vsp_vmbus_message(vcpu->set->machine->vmbus, message->connection, message->type,
				  message->payload, message->size);

	if (r != -ENXIO)
		vid_vp_regs(vcpu->vp, VID_REGS_GPR)->gpr[VID_RAX] =
			r == -EAGAIN ? HV_STATUS_INSUFFICIENT_BUFFERS : HV_STATUS_SUCCESS;
	return true;
}

static bool handle_message_free(struct vcpu *vcpu)
{
	vsp_vmbus_slot_free(vcpu->set->machine->vmbus);
	return true;
}

static bool all_halted(const struct vcpus *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (!atomic_load(&set->vcpu[i].halted))
			return false;
	return true;
}

/* An NMI or INIT may still end it, so the VP is run again, and waits there. */
static bool handle_halt(struct vcpu *vcpu)
{
	atomic_store(&vcpu->halted, true);
	if (all_halted(vcpu->set) && !atomic_exchange(&vcpu->set->hang_reported, true))
		report(vcpu, VCPU_HANG, "all processors wait with interrupts off");
	return true;
}

static bool handle_crash(struct vcpu *vcpu, const struct vid_exit *exit)
{
	char text[128];

	snprintf(text, sizeof text,
		 "the guest crashed: 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64
		 " 0x%" PRIx64,
		 exit->crash[0], exit->crash[1], exit->crash[2], exit->crash[3], exit->crash[4]);
	vcpu->set->ops->report(vcpu->set->owner, exit->crash_text ? VCPU_CRASH_TEXT : VCPU_CRASH,
			       text, exit->crash);
	return true;
}

static bool handle_shutdown(struct vcpu *vcpu)
{
	char text[64];

	snprintf(text, sizeof text, "triple fault of processor %" PRIu32, vcpu->index);
	report(vcpu, VCPU_TRIPLE_FAULT, text);
	return false;
}

bool vcpu_handle(struct vcpu *vcpu, const struct vid_exit *exit)
{
	if (exit->kind != VID_EXIT_HALT && exit->kind != VID_EXIT_INTERRUPTED)
		atomic_store(&vcpu->halted, false);
	switch (exit->kind) {
	case VID_EXIT_IO:
		return handle_io(vcpu, exit);
	case VID_EXIT_MMIO:
		return handle_mmio(vcpu, exit);
	case VID_EXIT_MSR:
		return handle_msr(vcpu);
	case VID_EXIT_CPUID:
		return handle_cpuid(vcpu, exit);
	case VID_EXIT_HALT:
		return handle_halt(vcpu);
	case VID_EXIT_EOI:
		return handle_eoi(vcpu, exit->eoi_vector);
	case VID_EXIT_MESSAGE:
		return handle_message(vcpu, &exit->message);
	case VID_EXIT_MESSAGE_FREE:
		return handle_message_free(vcpu);
	case VID_EXIT_CRASH:
		return handle_crash(vcpu, exit);
	case VID_EXIT_SHUTDOWN:
		return handle_shutdown(vcpu);
	case VID_EXIT_INVALID_STATE:
		return guest_error(vcpu, exit, "the processor refuses its state");
	case VID_EXIT_INTERRUPTED:
	case VID_EXIT_EXTINT_WINDOW:
		return true;
	}
	return fail(vcpu, "an exit of an unknown kind", -EPROTO);
}

/* --- the 8259's interrupt --- */

static int take_vector(struct vcpu *vcpu)
{
	struct machine *m = vcpu->set->machine;
	bool pending;
	int vector = -1;

	machine_lock(m);
	pending = vdev_i8259_pending(m->pic);
	if (pending && vid_vp_extint_ready(vcpu->vp))
		vector = vdev_i8259_acknowledge(m->pic);
	machine_unlock(m);
	return pending ? vector : -ENOENT;
}

/*
 * Only VP 0 has the line. When it cannot take the interrupt, asking anyway has the one effect that a
 * window is opened; the vector is then not looked at.
 */
static int offer_extint(struct vcpu *vcpu)
{
	int vector, r;

	if (vcpu->index != 0 || !atomic_load(&vcpu->set->intr))
		return 0;
	vector = take_vector(vcpu);
	if (vector == -ENOENT)
		return 0;
	r = vid_vp_extint(vcpu->vp, vector < 0 ? 0 : (uint8_t)vector);
	return r == -EAGAIN && vector < 0 ? 0 : r;
}

/* --- threads --- */

static _Thread_local const struct vcpu *own; /* the one whose thread this is */

static void *run(void *argument)
{
	struct vcpu *vcpu = argument;
	struct vid_exit exit;
	bool go_on = true;

	own = vcpu;
	while (go_on && !atomic_load(&vcpu->set->stop)) {
		int r = offer_extint(vcpu);

		if (r == 0)
			r = vid_vp_run(vcpu->vp, &exit);
		if (r < 0) {
			fail(vcpu, "cannot be run", r);
			break;
		}
		atomic_fetch_add(&vcpu->exits, 1);
		go_on = vcpu_handle(vcpu, &exit);
	}
	return NULL;
}

int vcpus_start(struct vcpus *set)
{
	atomic_store(&set->stop, false);
	for (uint32_t i = 0; i < set->count; i++) {
		int r = pthread_create(&set->vcpu[i].thread, NULL, run, &set->vcpu[i]);

		if (r) {
			vcpus_stop(set);
			return -r;
		}
		set->vcpu[i].started = true;
	}
	return 0;
}

void vcpus_request_stop(struct vcpus *set)
{
	atomic_store(&set->stop, true);
	for (uint32_t i = 0; i < set->count; i++)
		vid_vp_kick(set->vcpu[i].vp);
}

static uint64_t thread_time(const struct vcpu *vcpu)
{
	struct timespec now = {0};
	clockid_t clock;

	if (!vcpu->started || pthread_getcpuclockid(vcpu->thread, &clock) != 0)
		return 0;
	clock_gettime(clock, &now); /* a thread that has ended, unjoined, has no clock: 0 */
	return (uint64_t)now.tv_sec * VDEV_SECOND + (uint64_t)now.tv_nsec;
}

void vcpus_stop(struct vcpus *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		set->vcpu[i].time += thread_time(&set->vcpu[i]);
	vcpus_request_stop(set);
	for (uint32_t i = 0; i < set->count; i++) {
		if (set->vcpu[i].started)
			pthread_join(set->vcpu[i].thread, NULL);
		set->vcpu[i].started = false;
	}
}

uint64_t vcpus_time(const struct vcpus *set)
{
	uint64_t sum = set->time;

	for (uint32_t i = 0; i < set->count; i++)
		sum += set->vcpu[i].time + thread_time(&set->vcpu[i]);
	return sum;
}

/* VP 0's own thread looks at the line anyway, before it runs again. */
void vcpus_interrupt(struct vcpus *set, bool level)
{
	atomic_store(&set->intr, level);
	if (level && set->count && own != &set->vcpu[0])
		vid_vp_kick(set->vcpu[0].vp);
}

uint64_t vcpus_exits(const struct vcpus *set)
{
	uint64_t sum = set->exits;

	for (uint32_t i = 0; i < set->count; i++)
		sum += atomic_load(&set->vcpu[i].exits);
	return sum;
}

/* --- making them --- */

/* Flat segments, as the GDT of kernel_boot.c has them. */
static int set_segments(struct vid_vp *vp, const struct kernel_entry *entry)
{
	uint16_t code = entry->long_mode ? 0xa09b : 0xc09b;
	const struct vid_register registers[] = {
		register_table(REGISTER_GDTR, entry->gdt_base, entry->gdt_limit),
		register_table(REGISTER_IDTR, 0, 0),
		register_segment(REGISTER_CS, entry->code_selector, UINT32_MAX, code),
		register_segment(REGISTER_DS, entry->data_selector, UINT32_MAX, 0xc093),
		register_segment(REGISTER_ES, entry->data_selector, UINT32_MAX, 0xc093),
		register_segment(REGISTER_SS, entry->data_selector, UINT32_MAX, 0xc093),
		register_segment(REGISTER_FS, entry->data_selector, UINT32_MAX, 0xc093),
		register_segment(REGISTER_GS, entry->data_selector, UINT32_MAX, 0xc093),
		register_segment(REGISTER_LDTR, 0, 0, 0x0082),
		register_segment(REGISTER_TR, 0, 0x67, 0x008b),
	};

	return vid_vp_set_registers(vp, registers, ARRAY_SIZE(registers));
}

/* The bootstrap processor of a direct boot; firmware begins at the reset vector by itself. */
static int set_entry(struct vid_vp *vp, const struct kernel_entry *entry)
{
	const struct vid_register registers[] = {
		{REGISTER_EFER, entry->long_mode ? 0x500 : 0, 0}, /* LME, LMA */
		{REGISTER_CR4, entry->long_mode ? 0x20 : 0, 0},   /* PAE */
		{REGISTER_CR3, entry->cr3, 0},
		{REGISTER_CR0, entry->long_mode ? 0x80000031 : 0x31, 0}, /* PG; NE, ET, PE */
		{REGISTER_RFLAGS, 2, 0},
		{REGISTER_RAX, entry->eax, 0},
		{REGISTER_RBX, entry->ebx, 0},
		{REGISTER_RSI, entry->rsi, 0},
		{REGISTER_RIP, entry->rip, 0},
	};
	int r = set_segments(vp, entry);

	return r < 0 ? r : vid_vp_set_registers(vp, registers, ARRAY_SIZE(registers));
}

static int create_vp(struct vcpus *set, uint32_t index)
{
	struct vcpu *vcpu = &set->vcpu[index];
	int r;

	*vcpu = (struct vcpu){.set = set, .index = index};
	r = vid_vp_create(set->machine->partition, index, &vcpu->vp);
	if (r < 0)
		return r;
	set->count = index + 1;
	if (index == 0 && machine_boots_directly(set->machine))
		return set_entry(vcpu->vp, &set->machine->entry);
	return 0;
}

static int create_all(struct vcpus *set, uint32_t count)
{
	atomic_store(&set->hang_reported, false);
	for (uint32_t i = 0; i < count; i++) {
		int r = create_vp(set, i);

		if (r < 0)
			return r;
	}
	return 0;
}

static void destroy_all(struct vcpus *set)
{
	while (set->count)
		vid_vp_destroy(set->vcpu[--set->count].vp);
}

int vcpus_init(struct vcpus *set, struct machine *machine, uint32_t count,
	       const struct vcpu_ops *ops, void *owner)
{
	int r;

	CHECK(count > 0 && count <= VCPUS_MAX);
	memset(set, 0, sizeof *set);
	set->machine = machine;
	set->ops = ops;
	set->owner = owner;
	set->intr = vdev_i8259_pending(machine->pic);
	r = create_all(set, count);
	if (r < 0)
		destroy_all(set);
	return r;
}

void vcpus_fini(struct vcpus *set)
{
	destroy_all(set);
}

int vcpus_reset(struct vcpus *set)
{
	uint32_t count = set->count;
	int r;

	set->exits = vcpus_exits(set);
	set->time = vcpus_time(set);
	destroy_all(set);
	r = create_all(set, count);
	if (r < 0)
		destroy_all(set);
	return r;
}
