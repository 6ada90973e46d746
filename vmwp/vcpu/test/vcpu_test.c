/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VP's thread makes of each exit, and the threads themselves, on the fake backend. */
#include "vcpu/vcpu.h"

#include <check.h>
#include <semaphore.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel_image.h"
#include "machine_bench.h"
#include "machine_memory.h"
#include "registers.h"
#include "vdev/i8259.h"
#include "vid/partition.h"

#define CODE 0x2000ull

static struct bench b;
static struct vcpus set;
static unsigned int reports[VCPU_ERROR + 1];
static char report_text[256];
static sem_t reported;

static void note_report(void *owner, enum vcpu_report what, const char *text,
			const uint64_t crash[5])
{
	reports[what]++;
	strncpy(report_text, text, sizeof report_text - 1);
	sem_post(&reported);
}

static const struct vcpu_ops ops = {note_report};

static void setup(void)
{
	sem_init(&reported, 0, 0);
	bench_init(&b);
	b.config.processors = 2;
	ck_assert_msg(bench_make(&b) == 0, "%s", b.error.text);
	ck_assert_int_eq(vcpus_init(&set, &b.machine, 2, &ops, NULL), 0);
}

static void teardown(void)
{
	vcpus_fini(&set);
	bench_fini(&b);
}

static struct vid_regs *regs(void)
{
	return vid_vp_regs(set.vcpu[0].vp, 0);
}

/* Flat 32-bit code without paging. */
static void enter_flat(const void *code, size_t size)
{
	struct vid_regs *r = regs();

	memset(r, 0, sizeof *r);
	for (int i = 0; i < 6; i++)
		r->segment[i] = (struct vid_segment){.limit = UINT32_MAX, .attributes = 0xc093};
	r->segment[VID_CS].attributes = 0xc09b;
	r->cr0 = 0x31;
	r->cr4 = 0x200;
	r->rip = CODE;
	r->rflags = 2;
	memcpy(machine_memory_host(&b.machine) + CODE, code, size);
}

static uint64_t register_of(struct vid_vp *vp, uint32_t name, uint64_t *ret_high)
{
	struct vid_register r = {.name = name};

	ck_assert_int_eq(vid_vp_get_registers(vp, &r, 1), 0);
	if (ret_high)
		*ret_high = r.high;
	return r.low;
}

START_TEST(the_first_processor_begins_at_the_kernel)
{
	struct vid_vp *vp = set.vcpu[0].vp;
	uint64_t base, segment;

	ck_assert_uint_eq(register_of(vp, REGISTER_RIP, NULL), KERNEL_IMAGE_ADDRESS + 0x200);
	ck_assert_uint_eq(register_of(vp, REGISTER_RSI, NULL), b.machine.entry.rsi);
	ck_assert_uint_eq(register_of(vp, REGISTER_CR0, NULL), 0x80000031);
	ck_assert_uint_eq(register_of(vp, REGISTER_EFER, NULL), 0x500);
	ck_assert_uint_eq(register_of(vp, REGISTER_CS, &segment), 0);
	ck_assert_uint_eq(segment, 0xa09b0010ffffffff);
	ck_assert_uint_eq(register_of(vp, REGISTER_GDTR, &base), 31ull << 48);
	ck_assert_uint_eq(base, b.machine.entry.gdt_base);
	ck_assert_uint_eq(register_of(set.vcpu[1].vp, REGISTER_RIP, NULL), 0);
}
END_TEST

START_TEST(a_kernel_without_long_mode_begins_in_protected_mode)
{
	struct vid_vp *vp;
	uint64_t segment;

	b.machine.entry.long_mode = false;
	b.machine.entry.cr3 = 0;
	b.machine.entry.eax = 0x2badb002;
	b.machine.entry.ebx = 0x7000;
	ck_assert_int_eq(vcpus_reset(&set), 0);
	vp = set.vcpu[0].vp;
	ck_assert_uint_eq(register_of(vp, REGISTER_CR0, NULL), 0x31);
	ck_assert_uint_eq(register_of(vp, REGISTER_CR3, NULL), 0);
	ck_assert_uint_eq(register_of(vp, REGISTER_CR4, NULL), 0);
	ck_assert_uint_eq(register_of(vp, REGISTER_EFER, NULL), 0);
	ck_assert_uint_eq(register_of(vp, REGISTER_RAX, NULL), 0x2badb002);
	ck_assert_uint_eq(register_of(vp, REGISTER_RBX, NULL), 0x7000);
	register_of(vp, REGISTER_CS, &segment);
	ck_assert_uint_eq(segment, 0xc09b0010ffffffff);
}
END_TEST

START_TEST(port_output)
{
	struct vid_exit exit = {.kind = VID_EXIT_IO, .instruction.length = 1};

	exit.io = (struct vid_exit_io){.port = 0x3f8, .size = 1, .write = true, .value = 'x'};
	regs()->rip = 100;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(b.serial_size, 1);
	ck_assert_int_eq(b.serial[0], 'x');
	ck_assert_uint_eq(regs()->rip, 101);
}
END_TEST

START_TEST(port_input_keeps_what_is_above_it)
{
	struct vid_exit exit = {.kind = VID_EXIT_IO, .instruction.length = 2};

	regs()->gpr[VID_RAX] = 0x1111111122222222;
	exit.io = (struct vid_exit_io){.port = 0x3fd, .size = 1};
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x1111111122222260);
	exit.io = (struct vid_exit_io){.port = 0x999, .size = 2};
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x111111112222ffff);
	exit.io.size = 4;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0xffffffff);
}
END_TEST

START_TEST(length_is_decoded_where_it_is_not_told)
{
	struct vid_exit exit = {.kind = VID_EXIT_IO};

	enter_flat("\xe4\x80", 2); /* in al,80h */
	exit.io = (struct vid_exit_io){.port = 0x80, .size = 1};
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->rip, CODE + 2);
}
END_TEST

START_TEST(string_output)
{
	struct vid_exit exit = {.kind = VID_EXIT_IO};

	enter_flat("\xf3\x6e", 2);
	memcpy(machine_memory_host(&b.machine) + 0x3000, "hello", 5);
	regs()->gpr[VID_RSI] = 0x3000;
	regs()->gpr[VID_RCX] = 5;
	regs()->gpr[VID_RDX] = 0x3f8;
	exit.io = (struct vid_exit_io){
		.port = 0x3f8, .size = 1, .write = true, .string = true, .rep = true};
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(b.serial_size, 5);
	ck_assert_int_eq(memcmp(b.serial, "hello", 5), 0);
	ck_assert_uint_eq(regs()->gpr[VID_RCX], 0);
	ck_assert_uint_eq(regs()->rip, CODE + 2);
}
END_TEST

START_TEST(memory_mapped_registers)
{
	struct vid_exit exit = {.kind = VID_EXIT_MMIO, .mmio.gpa = 0xfec00000};

	enter_flat("\x89\x03", 2); /* mov [ebx],eax: IOREGSEL */
	regs()->gpr[VID_RBX] = 0xfec00000;
	regs()->gpr[VID_RAX] = 1;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	enter_flat("\x8b\x43\x10", 3); /* mov eax,[ebx+10h]: IOWIN */
	regs()->gpr[VID_RBX] = 0xfec00000;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->gpr[VID_RAX] >> 16 & 0xff, 23); /* entries - 1 */
	ck_assert_uint_eq(regs()->rip, CODE + 3);
}
END_TEST

/* One instruction of 64-bit code at a register of the IOAPIC; RBX is its address. */
static void move_64(const char *code, uint8_t size, uint64_t rbx, uint64_t gpa, unsigned int access)
{
	struct vid_exit exit = {.kind = VID_EXIT_MMIO, .instruction.byte_count = size};
	uint64_t rax = regs()->gpr[VID_RAX];

	memcpy(exit.instruction.bytes, code, size);
	exit.mmio = (struct vid_exit_mmio){.gpa = gpa, .access = (uint8_t)access};
	enter_flat(code, size);
	regs()->segment[VID_CS].attributes = 0xa09b;
	regs()->efer = 0x500;
	regs()->gpr[VID_RAX] = rax;
	regs()->gpr[VID_RBX] = rbx;
	regs()->segment[VID_FS].base = 0xfec00000;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->rip, CODE + size);
}

START_TEST(plain_moves_of_64_bit_code)
{
	const uint64_t window = 0xfec00010;

	move_64("\xc7\x03\x01\x00\x00\x00", 6, 0xfec00000, 0xfec00000, VID_ACCESS_WRITE);
	regs()->gpr[VID_RAX] = UINT64_MAX;
	move_64("\x8b\x43\x10\x90", 3, 0xfec00000, window, VID_ACCESS_READ); /* mov eax,[rbx+10h] */
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x170011);
	regs()->gpr[VID_RAX] = 0x1111111122222222;
	move_64("\x8a\x43\x10\x90", 3, 0xfec00000, window, VID_ACCESS_READ); /* mov al,[rbx+10h] */
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x1111111122222211);
	move_64("\x66\x0f\xb6\x43\x10", 5, 0xfec00000, window, VID_ACCESS_READ); /* movzx ax,[] */
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x1111111122220011);
	/* These go the long way: a segment with a base, a high register, not a MOV. */
	move_64("\x64\x8b\x03\x90", 3, 0x10, window, VID_ACCESS_READ); /* mov eax,fs:[rbx] */
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x170011);
	move_64("\x8a\x63\x10\x90", 3, 0xfec00000, window, VID_ACCESS_READ); /* mov ah,[rbx+10h] */
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x171111);
	move_64("\x0b\x43\x10\x90", 3, 0xfec00000, window, VID_ACCESS_READ); /* or eax,[rbx+10h] */
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x171111);
	/* What is written. */
	regs()->gpr[VID_RAX] = 0xffffffff00000010;
	move_64("\x89\x03\x90\x90", 2, 0xfec00000, 0xfec00000, VID_ACCESS_WRITE); /* entry 0 */
	regs()->gpr[VID_RAX] = 0x18055;
	move_64("\x89\x43\x10\x90", 3, 0xfec00000, window, VID_ACCESS_WRITE);
	regs()->gpr[VID_RAX] = 0;
	move_64("\x8b\x43\x10\x90", 3, 0xfec00000, window, VID_ACCESS_READ);
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x18055);
}
END_TEST

/* The map may have changed since the access: then it is made again, and nothing is emulated. */
START_TEST(what_is_mapped_now_is_run_again)
{
	struct vid_exit exit = {.kind = VID_EXIT_MMIO,
				.mmio = {.gpa = 0x3000, .access = VID_ACCESS_WRITE}};

	enter_flat("\x89\x03", 2); /* mov [ebx],eax */
	regs()->gpr[VID_RBX] = 0xfec00000;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->rip, CODE);
}
END_TEST

/* As after a race, the access has stopped elsewhere than the instruction says, which counts. */
START_TEST(vectors_come_from_the_xsave_state)
{
	struct vid_exit exit = {.kind = VID_EXIT_MMIO, .mmio.gpa = 0xd0000800};
	static uint8_t xsave[832];
	size_t size;

	bytes_put_le64(xsave + 512, 2);
	memset(xsave + 160 + 3 * 16, 0x5c, 16);
	ck_assert_int_eq(vid_vp_set_state(set.vcpu[0].vp, VID_VP_STATE_XSAVE, xsave, sizeof xsave),
			 0);
	enter_flat("\x0f\x11\x1b", 3); /* movups [ebx],xmm3 */
	regs()->gpr[VID_RBX] = 0x4000;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_int_eq(memcmp(machine_memory_host(&b.machine) + 0x4000, xsave + 208, 16), 0);
	enter_flat("\xc5\xfc\x10\x0b", 4); /* vmovups ymm1,[ebx] */
	regs()->gpr[VID_RBX] = 0x4000;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_int_eq(
		vid_vp_get_state(set.vcpu[0].vp, VID_VP_STATE_XSAVE, xsave, sizeof xsave, &size),
		0);
	ck_assert_uint_eq(bytes_get_le64(xsave + 512), 6);
	ck_assert_int_eq(memcmp(xsave + 160 + 16, xsave + 208, 16), 0);
}
END_TEST

START_TEST(what_cannot_be_emulated_ends_the_machine)
{
	struct vid_exit exit = {.kind = VID_EXIT_MMIO, .mmio.gpa = 0xfec00000};

	enter_flat("\xd8\x03", 2); /* fadd dword [ebx] */
	memcpy(exit.instruction.bytes, "\xd8\x03", 2);
	exit.instruction.byte_count = 2;
	ck_assert(!vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(reports[VCPU_GUEST_ERROR], 1);
	ck_assert_uint_eq(reports[VCPU_ERROR], 0);
	ck_assert_ptr_nonnull(strstr(report_text, "processor 0 at 0x"));
	ck_assert_ptr_nonnull(
		strstr(report_text, "access to 0xfec00000, where no memory is, cannot be emulated, "
				    "bytes d8 03"));
}
END_TEST

START_TEST(a_fault_of_the_instruction_is_the_guests)
{
	struct vid_exit exit = {.kind = VID_EXIT_MMIO, .mmio.gpa = 0xfec00000};

	enter_flat("\x8b\x03", 2);
	regs()->segment[VID_DS].limit = 0xff;
	regs()->gpr[VID_RBX] = 0xfec00000;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(register_of(set.vcpu[0].vp, REGISTER_PENDING_EVENT0, NULL),
			  1 | 1 << 8 | 13 << 16);
	ck_assert_uint_eq(regs()->rip, CODE);
}
END_TEST

/* Whoever carries out an instruction moves RIP in its width; the trap of a step is not its part. */
START_TEST(rip_has_the_width_of_the_code)
{
	const struct {
		uint16_t cs;
		uint64_t efer, from, to;
	} rows[] = {
		{0x009b, 0, 0xffff, 1},
		{0xc09b, 0, 0xffffffff, 1},
		{0xa09b, 0x500, 0xffffffff, 0x100000001},
	};
	struct vid_exit exit = {.kind = VID_EXIT_IO, .instruction.length = 2};

	exit.io = (struct vid_exit_io){.port = 0x80, .size = 1, .write = true};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		regs()->segment[VID_CS].attributes = rows[i].cs;
		regs()->efer = rows[i].efer;
		regs()->rip = rows[i].from;
		regs()->rflags = 0x102;
		ck_assert(vcpu_handle(&set.vcpu[0], &exit));
		ck_assert_uint_eq(regs()->rip, rows[i].to);
		ck_assert_uint_eq(register_of(set.vcpu[0].vp, REGISTER_PENDING_EVENT0, NULL), 0);
	}
}
END_TEST

/* With TF, a repetition stops behind each iteration. */
START_TEST(a_repetition_is_stepped)
{
	struct vid_exit exit = {.kind = VID_EXIT_IO};

	enter_flat("\xf3\x6e", 2);
	memcpy(machine_memory_host(&b.machine) + 0x3000, "ab", 2);
	regs()->gpr[VID_RSI] = 0x3000;
	regs()->gpr[VID_RCX] = 2;
	regs()->gpr[VID_RDX] = 0x3f8;
	regs()->rflags = 0x102;
	exit.io = (struct vid_exit_io){
		.port = 0x3f8, .size = 1, .write = true, .string = true, .rep = true};
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(b.serial_size, 1);
	ck_assert_uint_eq(regs()->gpr[VID_RCX], 1);
	ck_assert_uint_eq(regs()->rip, CODE);
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(b.serial_size, 2);
	ck_assert_uint_eq(regs()->rip, CODE + 2);
}
END_TEST

/* What an event's delivery touches, its stack or the IDT, is no instruction's. */
START_TEST(a_delivery_is_not_emulated)
{
	struct vid_exit exit = {.kind = VID_EXIT_MMIO, .mmio.gpa = 0xfec00000};

	enter_flat("\x89\x03", 2);
	regs()->gpr[VID_RBX] = 0xfec00000;
	regs()->pending_interruption = VID_PENDING;
	ck_assert(!vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->rip, CODE);
	ck_assert_uint_eq(reports[VCPU_GUEST_ERROR], 1);
	ck_assert_ptr_nonnull(strstr(report_text, "an event's delivery by way of 0xfec00000"));
}
END_TEST

START_TEST(an_unknown_msr_is_a_protection_fault)
{
	struct vid_exit exit = {.kind = VID_EXIT_MSR, .msr.msr = 0x1234};

	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(register_of(set.vcpu[0].vp, REGISTER_PENDING_EVENT0, NULL),
			  1 | 1 << 8 | 13 << 16);
}
END_TEST

START_TEST(cpuid_is_what_the_hypervisor_says)
{
	struct vid_exit exit = {.kind = VID_EXIT_CPUID, .instruction.length = 2};

	exit.cpuid = (struct vid_exit_cpuid){.default_leaf = {1, 2, 3, 4}};
	regs()->rip = 10;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 1);
	ck_assert_uint_eq(regs()->gpr[VID_RBX], 2);
	ck_assert_uint_eq(regs()->gpr[VID_RCX], 3);
	ck_assert_uint_eq(regs()->gpr[VID_RDX], 4);
	ck_assert_uint_eq(regs()->rip, 12);
}
END_TEST

/* RAX, which says that nobody is at the other end, becomes what VMBus has to say. */
START_TEST(messages_go_to_vmbus)
{
	struct vid_exit exit = {.kind = VID_EXIT_MESSAGE};
	struct vid_exit room = {.kind = VID_EXIT_MESSAGE_FREE};
	const uint32_t contact[10] = {14, 0, 0x50003, 0, 2}, teardown[4] = {11};
	struct vid_fake_event event;
	bool wanted;

	exit.message.connection = 9;
	exit.message.type = 1;
	exit.message.size = sizeof contact;
	memcpy(exit.message.payload, contact, sizeof contact);
	regs()->gpr[VID_RAX] = 0x12;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x12);
	exit.message.connection = 4;
	ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0);
	memcpy(exit.message.payload, teardown, sizeof teardown);
	for (int i = 0; i < 100 && regs()->gpr[VID_RAX] == 0; i++)
		ck_assert(vcpu_handle(&set.vcpu[0], &exit));
	ck_assert_uint_eq(regs()->gpr[VID_RAX], 0x13); /* nobody reads: try again */
	ck_assert(vid_fake_take_message(b.partition, &event, &wanted));
	ck_assert(wanted);
	ck_assert_uint_eq(event.payload[0], 15);
	ck_assert(vcpu_handle(&set.vcpu[0], &room));
	ck_assert(vid_fake_take_message(b.partition, &event, &wanted));
	ck_assert_uint_eq(event.payload[0], 12);
}
END_TEST

START_TEST(a_hang_is_when_all_have_halted)
{
	const struct vid_exit halt = {.kind = VID_EXIT_HALT};
	const struct vid_exit msr = {.kind = VID_EXIT_MSR};

	ck_assert(vcpu_handle(&set.vcpu[0], &halt));
	ck_assert_uint_eq(reports[VCPU_HANG], 0);
	ck_assert(vcpu_handle(&set.vcpu[0], &msr)); /* an NMI woke it */
	ck_assert(vcpu_handle(&set.vcpu[1], &halt));
	ck_assert_uint_eq(reports[VCPU_HANG], 0);
	ck_assert(vcpu_handle(&set.vcpu[0], &halt));
	ck_assert_uint_eq(reports[VCPU_HANG], 1);
	ck_assert(vcpu_handle(&set.vcpu[0], &halt));
	ck_assert_uint_eq(reports[VCPU_HANG], 1); /* said once */
}
END_TEST

START_TEST(crash_and_triple_fault_are_told_apart)
{
	const struct vid_exit crash = {.kind = VID_EXIT_CRASH, .crash = {0xa, 0xb, 0xc, 0xd, 0xe}};
	const struct vid_exit shutdown = {.kind = VID_EXIT_SHUTDOWN};
	const struct vid_exit invalid = {.kind = VID_EXIT_INVALID_STATE};

	ck_assert(vcpu_handle(&set.vcpu[0], &crash));
	ck_assert_uint_eq(reports[VCPU_CRASH], 1);
	ck_assert_str_eq(report_text, "the guest crashed: 0xa 0xb 0xc 0xd 0xe");
	ck_assert(!vcpu_handle(&set.vcpu[1], &shutdown));
	ck_assert_uint_eq(reports[VCPU_TRIPLE_FAULT], 1);
	ck_assert_str_eq(report_text, "triple fault of processor 1");
	ck_assert(!vcpu_handle(&set.vcpu[1], &invalid));
	ck_assert_uint_eq(reports[VCPU_GUEST_ERROR], 1);
	ck_assert_ptr_nonnull(strstr(report_text, "the processor refuses its state, bytes"));
}
END_TEST

/* --- threads --- */

START_TEST(threads_start_and_stop_again_and_again)
{
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(vcpus_start(&set), 0);
		vcpus_interrupt(&set, true);
		vcpus_interrupt(&set, false);
		vcpus_stop(&set);
	}
	ck_assert_int_eq(vcpus_reset(&set), 0);
	ck_assert_uint_eq(set.count, 2);
	ck_assert_int_eq(vcpus_start(&set), 0);
	vcpus_stop(&set);
	ck_assert_uint_eq(reports[VCPU_ERROR], 0);
}
END_TEST

/* A turn of VP 0: the last exit reports, so that the test knows when the thread is through. */
static void run_until_crash(void)
{
	const struct vid_exit crash = {.kind = VID_EXIT_CRASH};

	ck_assert_int_eq(vid_fake_queue_exit(set.vcpu[0].vp, &crash), 0);
	ck_assert_int_eq(vcpus_start(&set), 0);
	sem_wait(&reported);
	vcpus_stop(&set);
}

static void raise_irq_1(void)
{
	static const uint8_t init[][2] = {
		{0x20, 0x11}, {0x21, 0x30}, {0x21, 4}, {0x21, 1}, {0x21, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(init); i++)
		vdev_bus_write(&b.machine.board.ports, init[i][0], 1, init[i][1]);
	vdev_i8259_set(b.machine.pic, 1, true);
	ck_assert(vdev_i8259_pending(b.machine.pic));
	ck_assert_uint_gt(b.intr_count, 0);
	vcpus_interrupt(&set, true);
}

START_TEST(the_8259_interrupts_the_first_processor)
{
	raise_irq_1();
	vid_fake_set_extint_ready(set.vcpu[0].vp, true);
	run_until_crash();
	ck_assert_int_eq(vid_fake_take_extint(set.vcpu[0].vp), 0x31);
	ck_assert(!vdev_i8259_pending(b.machine.pic));
}
END_TEST

START_TEST(the_8259_is_not_acknowledged_too_early)
{
	raise_irq_1();
	run_until_crash();
	ck_assert_int_eq(vid_fake_take_extint(set.vcpu[0].vp), -1);
	ck_assert(vdev_i8259_pending(b.machine.pic));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vcpu");
	TCase *tc = tcase_create("vcpu");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_first_processor_begins_at_the_kernel);
	tcase_add_test(tc, a_kernel_without_long_mode_begins_in_protected_mode);
	tcase_add_test(tc, port_output);
	tcase_add_test(tc, port_input_keeps_what_is_above_it);
	tcase_add_test(tc, length_is_decoded_where_it_is_not_told);
	tcase_add_test(tc, string_output);
	tcase_add_test(tc, memory_mapped_registers);
	tcase_add_test(tc, plain_moves_of_64_bit_code);
	tcase_add_test(tc, what_is_mapped_now_is_run_again);
	tcase_add_test(tc, vectors_come_from_the_xsave_state);
	tcase_add_test(tc, what_cannot_be_emulated_ends_the_machine);
	tcase_add_test(tc, a_fault_of_the_instruction_is_the_guests);
	tcase_add_test(tc, rip_has_the_width_of_the_code);
	tcase_add_test(tc, a_repetition_is_stepped);
	tcase_add_test(tc, a_delivery_is_not_emulated);
	tcase_add_test(tc, an_unknown_msr_is_a_protection_fault);
	tcase_add_test(tc, cpuid_is_what_the_hypervisor_says);
	tcase_add_test(tc, messages_go_to_vmbus);
	tcase_add_test(tc, a_hang_is_when_all_have_halted);
	tcase_add_test(tc, crash_and_triple_fault_are_told_apart);
	tcase_add_test(tc, threads_start_and_stop_again_and_again);
	tcase_add_test(tc, the_8259_interrupts_the_first_processor);
	tcase_add_test(tc, the_8259_is_not_acknowledged_too_early);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
