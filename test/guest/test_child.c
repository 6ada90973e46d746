// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Child partitions, instruction by instruction: what stops a VP for its worker, what the worker is
 * told, and what the guest sees of its answer.
 */
#include "boot.h"
#include "check.h"
#include "child.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "hv/cpuid.h"
#include "hv/msr.h"
#include "state.h"
#include "x86/asm.h"

#define PORT        0x1f0
#define MMIO        0xd0000000ull
#define READ_ONLY   0x40000000ull /* a page that the child may not write */
#define PAGES       64
#define MSR_UNKNOWN 0x12345
#define MSR_LSTAR   0xc0000082
#define CS          (HV_REGISTER_ES + 1)

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

static struct child c;
static struct child_vp *v;

/* What a function of the child found. */
static struct {
	u64 value[8];
	bool ok[8];
	struct fault fault[24];
} said;

static void new_child(void)
{
	memset(&said, 0, sizeof(said));
	child_new(&c, PAGES);
	child_add_vp(&c, 0);
	v = &c.vp[0];
}

/* A child whose VP runs f. */
static void start(void (*f)(void *))
{
	new_child();
	child_map_image(&c);
	child_load(v, f, NULL);
}

static bool stops(const char *name, u32 type)
{
	u32 found = child_run(v);

	return check(found == type, name, "expected %x, found %x, rip %lx", type, found,
		     v->regs->rip);
}

static bool stops_at_port(const char *name, u16 port, u8 info, u32 access)
{
	const struct hv_io_intercept *io = &v->stop->io;

	return stops(name, HV_MESSAGE_IO_PORT) &&
	       check(io->port == port && io->info == info && io->header.access == access, name,
		     "port %x, info %x, access %u", io->port, io->info, io->header.access);
}

/* The function has come to its end, and so does the child. */
static void finish(const char *name)
{
	if (stops(name, HV_MESSAGE_IO_PORT))
		check_equal(name, v->stop->io.port, CHILD_DONE_PORT);
	check_equal(name, child_end(&c), 0);
}

/* mov $0x40000000, %eax; cpuid; out %al, $0x80; hlt */
static const u8 real_code[] = {0x66, 0xb8, 0, 0, 0, 0x40, 0x0f, 0xa2, 0xe6, 0x80, 0xf4};

static void test_real_mode(void)
{
	new_child();
	child_load_real(&c, real_code, sizeof(real_code));
	stops_at_port("child-real-mode", 0x80, 1, HV_INTERCEPT_WRITE);
	check_equal("child-real-mode-rip", v->stop->io.header.rip, 0x1008);
	check_equal("child-real-mode-state", v->stop->io.header.execution_state, 0);
	check(v->regs->gpr[RBX] == 0x7263694d && v->regs->gpr[RCX] == 0x666f736f, "child-cpuid",
	      "rbx %lx, rcx %lx", v->regs->gpr[RBX], v->regs->gpr[RCX]);
	child_answer(v, v->regs->gpr[RAX]);
	stops("child-halt-without-interrupts", HV_MESSAGE_HALT);
	check_equal("child-halt-rip", v->regs->rip, 0x100b);
	check_equal("child-real-mode-end", child_end(&c), 0);
}

static u8 text[16] = "hello";
static u16 words[4];

static void do_ports(void *arg)
{
	const u8 *from = text;
	u16 *to = words;
	u64 count = 5;

	said.value[0] = in32(PORT);
	out8(PORT + 1, 0x5a);
	__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(PORT));
	said.value[1] = (u64)from;
	said.value[2] = count;
	count = 3;
	__asm__ volatile("rep insw" : "+D"(to), "+c"(count) : "d"(PORT) : "memory");
	said.value[3] = (u64)to;
}

/* As a worker answers a string instruction: all of it at once. */
static void answer_string(u32 pointer, u64 bytes)
{
	v->regs->gpr[RCX] = 0;
	v->regs->gpr[pointer] += bytes;
	child_answer(v, v->regs->gpr[RAX]);
}

static void test_ports(void)
{
	const struct hv_io_intercept *io;

	start(do_ports);
	stops_at_port("child-port-read", PORT, 4, HV_INTERCEPT_READ);
	io = &v->stop->io;
	check_equal("child-port-length", io->header.length_cr8, 1);
	check_equal("child-port-long-mode", io->header.execution_state, BIT(2) | BIT(4));
	child_answer(v, 0x12345678);
	stops_at_port("child-port-write", PORT + 1, 1, HV_INTERCEPT_WRITE);
	check_equal("child-port-write-value", io->rax & 0xff, 0x5a);
	child_answer(v, 0);
	stops_at_port("child-port-rep-outsb", PORT, 1 | HV_IO_STRING | HV_IO_REP,
		      HV_INTERCEPT_WRITE);
	check(io->rcx == 5 && io->rsi == (u64)text, "child-port-rep-registers", "rcx %lx, rsi %lx",
	      io->rcx, io->rsi);
	check(io->byte_count == 15 && io->bytes[0] == 0xf3 && io->bytes[1] == 0x6e,
	      "child-port-rep-bytes", "%u bytes, %x %x", io->byte_count, io->bytes[0],
	      io->bytes[1]);
	check_equal("child-port-rep-length", io->header.length_cr8, 2);
	answer_string(RSI, 5);
	stops_at_port("child-port-rep-insw", PORT, 2 | HV_IO_STRING | HV_IO_REP, HV_INTERCEPT_READ);
	check(io->rdi == (u64)words && io->rcx == 3, "child-port-insw-registers",
	      "rcx %lx, rdi %lx", io->rcx, io->rdi);
	answer_string(RDI, 6);
	finish("child-ports-end");
	check_equal("child-port-read-value", said.value[0], 0x12345678);
	check(said.value[1] == (u64)text + 5 && !said.value[2] && said.value[3] == (u64)words + 6,
	      "child-port-rep-done", "%lx %lx %lx", said.value[1], said.value[2], said.value[3]);
}

static void do_msrs(void *arg)
{
	said.ok[0] = msr_get(MSR_UNKNOWN, &said.value[0]);
	said.ok[1] = msr_set(MSR_UNKNOWN, 0x1122334455667788);
	said.ok[2] = msr_set(MSR_LSTAR, 0xffffffff81000000) && msr_get(MSR_LSTAR, &said.value[2]);
	said.ok[3] = msr_get(0xc0000103, &said.value[3]); /* TSC_AUX: it has none */
	said.ok[4] = msr_get(HV_MSR_VP_INDEX, &said.value[4]);
}

/* As old kernels and test suites do without looking at CPUID: performance counters off. */
static void do_counters(void *arg)
{
	said.ok[0] = true;
	for (u32 msr = 0xc0010000; msr < 0xc0010008; msr++)
		said.ok[0] &= msr_set(msr, 0) && msr_get(msr, &said.value[0]) && !said.value[0];
	for (u32 msr = 0xc0010200; msr < 0xc001020c; msr++)
		said.ok[0] &= msr_set(msr, 0) && msr_get(msr, &said.value[0]) && !said.value[0];
	said.ok[1] = msr_set(0x186, 0) && msr_set(0xc1, 0);
}

static void test_counters(void)
{
	start(do_counters);
	finish("child-msr-counters-end");
	check(said.ok[0] && said.ok[1], "child-msr-counters-off", "AMD's %d, others %d", said.ok[0],
	      said.ok[1]);
}

static void test_msrs(void)
{
	struct hv_install_intercept_input in = {.access = 3, .type = HV_INTERCEPT_MSR};

	start(do_msrs);
	finish("child-msrs-end");
	check(!said.ok[0] && !said.ok[1], "child-msr-unknown-gp", "read %d, write %d", said.ok[0],
	      said.ok[1]);
	check_equal("child-msr-own", said.value[2], 0xffffffff81000000);
	check(!said.ok[3], "child-msr-tsc-aux-gp", "read %lx", said.value[3]);
	check(said.ok[4] && !said.value[4], "child-msr-vp-index", "read %d: %lx", said.ok[4],
	      said.value[4]);
	start(do_msrs);
	in.partition_id = c.id;
	check_equal("child-msr-intercept",
		    child_call(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in), NULL, 0), 0);
	stops("child-msr-read", HV_MESSAGE_MSR);
	check_equal("child-msr-number", v->stop->msr.msr, MSR_UNKNOWN);
	v->regs->gpr[RDX] = 0xaaaa;
	child_answer(v, 0xbbbb);
	stops("child-msr-write", HV_MESSAGE_MSR);
	check(v->stop->msr.header.access == HV_INTERCEPT_WRITE &&
		      (u32)v->stop->msr.rdx == 0x11223344 && (u32)v->stop->msr.rax == 0x55667788,
	      "child-msr-write-value", "%lx %lx", v->stop->msr.rdx, v->stop->msr.rax);
	child_answer(v, 0);
	stops("child-msr-tsc-aux", HV_MESSAGE_MSR);
	check_equal("child-msr-register", child_get(v, HV_REGISTER_LSTAR), 0xffffffff81000000);
	child_answer(v, 0);
	finish("child-msrs-intercepted-end");
	check_equal("child-msr-read-value", said.value[0], 0xaaaa0000bbbb);
}

static void do_cpuid(void *arg)
{
	u32 out[4];

	for (u32 i = 0; i < 3; i++) {
		static const u32 leaves[] = {0x8fffffff, 0x80000008, 0x40000003};

		cpuid(leaves[i], 0, out);
		said.value[2 * i] = (u64)out[1] << 32 | out[0];
		said.value[2 * i + 1] = (u64)out[3] << 32 | out[2];
	}
}

static void test_cpuid_leaves(void)
{
	struct hv_intercept_result_input r = {.vp_index = ~0u,
					      .type = HV_INTERCEPT_CPUID,
					      .leaf = 0x8fffffff,
					      .result = {{0x11, ~0u}, {0x22, ~0u}}};
	struct hv_install_intercept_input in = {
		.access = 4, .type = HV_INTERCEPT_CPUID, .parameter = 0x80000008};

	start(do_cpuid);
	in.partition_id = r.partition_id = c.id;
	check_equal("child-cpuid-result",
		    child_call(HV_CALL_REGISTER_INTERCEPT_RESULT, &r, sizeof(r), NULL, 0), 0);
	check_equal("child-cpuid-intercept",
		    child_call(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in), NULL, 0), 0);
	stops("child-cpuid-stops", HV_MESSAGE_CPUID);
	check(v->stop->cpuid.rax == 0x80000008 && v->stop->cpuid.default_rax >> 8 == 48,
	      "child-cpuid-default", "leaf %lx, eax %lx", v->stop->cpuid.rax,
	      v->stop->cpuid.default_rax);
	v->regs->gpr[RBX] = 0x44;
	child_answer(v, 0x33);
	finish("child-cpuid-end");
	check_equal("child-cpuid-registered", said.value[0], 0x2200000011);
	check_equal("child-cpuid-answered", said.value[2], 0x4400000033);
	check((u32)said.value[4] & HV_ACCESS_SYNTHETIC_TIMERS, "child-cpuid-features", "%lx",
	      said.value[4]);
}

static void do_mmio(void *arg)
{
	u32 value = 0xcafe;

	__asm__ volatile("movl %1, (%0)" ::"a"(MMIO + 4), "c"(value) : "memory");
	__asm__ volatile("movl (%1), %0" : "=c"(value) : "a"(MMIO + 8));
	said.value[0] = value;
	*(volatile u8 *)(READ_ONLY + 8) = 1;
}

static void test_mmio(void)
{
	const struct hv_memory_intercept *m;
	u64 page = child_page();

	start(do_mmio);
	child_map(&c, READ_ONLY >> PAGE_SHIFT, page, 1, HV_MAP_READABLE);
	stops("child-mmio-write", HV_MESSAGE_UNMAPPED_GPA);
	m = &v->stop->memory;
	check(m->gpa == MMIO + 4 && m->header.access == HV_INTERCEPT_WRITE, "child-mmio-write-gpa",
	      "%lx, access %u", m->gpa, m->header.access);
	check(m->byte_count == 15 && !memcmp(m->bytes, (void *)m->header.rip, 15),
	      "child-mmio-bytes", "%u bytes", m->byte_count);
	check(m->bytes[0] == 0x89 && m->bytes[1] == 0x08, "child-mmio-instruction", "%x %x",
	      m->bytes[0], m->bytes[1]);
	v->regs->rip += 2;
	v->regs->dirty = HV_DIRTY_RIP;
	stops("child-mmio-read", HV_MESSAGE_UNMAPPED_GPA);
	check(m->gpa == MMIO + 8 && m->header.access == HV_INTERCEPT_READ, "child-mmio-read-gpa",
	      "%lx, access %u", m->gpa, m->header.access);
	/* Now there is memory. */
	child_map(&c, MMIO >> PAGE_SHIFT, page, 1, CHILD_RWX);
	*(u32 *)(page + 8) = 0xbeef;
	stops("child-write-protected", HV_MESSAGE_GPA_INTERCEPT);
	check(m->gpa == READ_ONLY + 8 && m->header.access == HV_INTERCEPT_WRITE,
	      "child-write-protected-gpa", "%lx, access %u", m->gpa, m->header.access);
	child_map(&c, READ_ONLY >> PAGE_SHIFT, page, 1, CHILD_RWX);
	finish("child-mmio-end");
	check_equal("child-mmio-read-value", said.value[0], 0xbeef);
	check_equal("child-memory-written", *(u8 *)(page + 8), 1);
}

static void do_triple_fault(void *arg)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) none = {0, 0};

	__asm__ volatile("lidt %0; ud2" ::"m"(none));
}

static void test_triple_fault(void)
{
	start(do_triple_fault);
	stops("child-triple-fault", HV_MESSAGE_UNRECOVERABLE_EXCEPTION);
	check_equal("child-triple-fault-end", child_end(&c), 0);
	/* A state that the processor refuses to run. */
	start(do_triple_fault);
	child_set(v, HV_REGISTER_CR0, 0x80000010); /* paging without protection */
	stops("child-invalid-state", HV_MESSAGE_INVALID_VP_REGISTER);
	check_equal("child-invalid-state-end", child_end(&c), 0);
}

#define ILLEGAL(name, code)             \
	static void name(void *arg)     \
	{                               \
		__asm__ volatile(code); \
	}
ILLEGAL(vmrun, "xor %eax, %eax; vmrun")
ILLEGAL(vmload, "xor %eax, %eax; vmload")
ILLEGAL(vmsave, "xor %eax, %eax; vmsave")
ILLEGAL(stgi_, "stgi")
ILLEGAL(clgi_, "clgi")
ILLEGAL(invlpga, "xor %ecx, %ecx; invlpga")
ILLEGAL(monitor, "xor %ecx, %ecx; xor %edx, %edx; lea -64(%rsp), %rax; monitor")
ILLEGAL(mwait, "xor %ecx, %ecx; xor %eax, %eax; mwait")
ILLEGAL(rsm_, "rsm")
ILLEGAL(call_without_page, "vmmcall")

static void xsetbv_nothing(void *arg)
{
	xsetbv(0, 0);
}

static void xsetbv_more(void *arg)
{
	xsetbv(0, 5);
}

static void harmless(void *arg)
{
	__asm__ volatile("invd; wbinvd; pause; mfence" ::: "memory");
	xsetbv(0, 3);
}

static const struct {
	const char *name;
	void (*f)(void *);
	u8 vector; /* 0: none */
} instructions[] = {
	{"child-vmrun", vmrun, VECTOR_UD},
	{"child-vmload", vmload, VECTOR_UD},
	{"child-vmsave", vmsave, VECTOR_UD},
	{"child-stgi", stgi_, VECTOR_UD},
	{"child-clgi", clgi_, VECTOR_UD},
	{"child-invlpga", invlpga, VECTOR_UD},
	{"child-monitor", monitor, VECTOR_UD},
	{"child-mwait", mwait, VECTOR_UD},
	{"child-rsm", rsm_, VECTOR_UD},
	{"child-vmmcall-too-early", call_without_page, VECTOR_UD},
	{"child-xsetbv-nothing", xsetbv_nothing, VECTOR_GP},
	{"child-xsetbv-avx-alone", xsetbv_more, VECTOR_GP},
	{"child-harmless", harmless, 0},
};

static void do_instructions(void *arg)
{
	for (u32 i = 0; i < ARRAY_SIZE(instructions); i++)
		said.fault[i] = try_call(instructions[i].f, NULL);
}

static void test_instructions(void)
{
	u64 xcr0 = xgetbv(0);

	start(do_instructions);
	finish("child-instructions-end");
	for (u32 i = 0; i < ARRAY_SIZE(instructions); i++)
		check(said.fault[i].taken == !!instructions[i].vector &&
			      (!said.fault[i].taken ||
			       said.fault[i].vector == instructions[i].vector),
		      instructions[i].name, "expected %u, found %d: %u", instructions[i].vector,
		      said.fault[i].taken, said.fault[i].vector);
	check_equal("child-xcr0-of-the-root", xgetbv(0), xcr0);
}

static u8 call_page[PAGE_SIZE] aligned_to(PAGE_SIZE);
static struct hv_post_message_input message aligned_to(PAGE_SIZE);

static u64 call_out(u64 control, u64 input)
{
	register u64 r8 __asm__("r8") = 0;
	u64 result;

	__asm__ volatile("call *%1"
			 : "=a"(result)
			 : "r"(call_page), "c"(control), "d"(input), "r"(r8)
			 : "memory");
	return result;
}

static void call_from_user(void *arg)
{
	call_out(HV_CALL_SIGNAL_EVENT | HV_CONTROL_FAST, 1);
}

static void do_hypercalls(void *arg)
{
	wrmsr(HV_MSR_GUEST_OS_ID, GUEST_OS_ID);
	wrmsr(HV_MSR_HYPERCALL, (u64)call_page | HV_MSR_PAGE_ENABLE);
	message.connection = 4;
	message.type = 1;
	message.size = 5;
	memcpy(message.payload, "hello", 5);
	said.value[0] = call_out(HV_CALL_POST_MESSAGE, (u64)&message);
	said.value[1] = call_out(HV_CALL_SIGNAL_EVENT | HV_CONTROL_FAST, 0x10005 | 7ull << 32);
	said.value[2] = call_out(HV_CALL_CREATE_PARTITION, (u64)&message);
	said.fault[0] = try_user(call_from_user, NULL);
}

static void test_hypercalls(void)
{
	const struct hv_hypercall_intercept *h;

	start(do_hypercalls);
	stops("child-post-message", HV_MESSAGE_KEELSON_HYPERCALL);
	h = &v->stop->hypercall;
	check(h->code == HV_CALL_POST_MESSAGE && h->connection == 4 && h->type == 1 &&
		      h->size == 5 && !memcmp(h->payload, "hello", 5),
	      "child-post-message-content", "code %x, connection %x, type %x, size %u", h->code,
	      h->connection, h->type, h->size);
	v->regs->gpr[RAX] = 0;
	v->regs->dirty = HV_DIRTY_GENERAL;
	stops("child-signal-event", HV_MESSAGE_KEELSON_HYPERCALL);
	check(h->code == HV_CALL_SIGNAL_EVENT && h->connection == 0x10005 && h->flag == 7,
	      "child-signal-event-content", "code %x, connection %x, flag %u", h->code,
	      h->connection, h->flag);
	finish("child-hypercalls-end");
	check_equal("child-post-message-answer", said.value[0], HV_STATUS_SUCCESS);
	check_equal("child-signal-event-refused", said.value[1], HV_STATUS_INVALID_CONNECTION_ID);
	check_equal("child-may-not-create", said.value[2], HV_STATUS_ACCESS_DENIED);
	check(said.fault[0].taken && said.fault[0].vector == VECTOR_UD, "child-hypercall-cpl3",
	      "taken %d, vector %u", said.fault[0].taken, said.fault[0].vector);
}

#define STATE_STOPS 20

static void read_tsc_aux(void *arg)
{
	u32 low, high, aux;

	__asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
	said.value[1] |= aux;
}

static void keep_state(void *arg)
{
	state_load();
	try_call(read_tsc_aux, NULL); /* #UD or nothing of the root's */
	for (u32 i = 0; i < STATE_STOPS; i++)
		out8(PORT, (u8)i);
	said.value[0] = state_lost();
}

/* The same on two VPs and the root, by turns: nobody finds anything of the others. */
static void test_isolation(void)
{
	u32 wrong = 0;

	start(keep_state);
	child_add_vp(&c, 1);
	child_load(&c.vp[1], keep_state, NULL);
	state_load();
	for (u32 i = 0; i < 2 * STATE_STOPS; i++) {
		v = &c.vp[i % 2];
		wrong += child_run(v) != HV_MESSAGE_IO_PORT || v->stop->io.port != PORT;
		child_answer(v, v->regs->gpr[RAX]);
	}
	check_equal("child-state-of-the-root", state_lost(), 0);
	check_equal("child-state-stops", wrong, 0);
	check_equal("child-state-tsc-aux", said.value[1], 0);
	v = &c.vp[1];
	stops("child-state-second", HV_MESSAGE_IO_PORT);
	check_equal("child-state-of-the-second", said.value[0], 0);
	said.value[0] = ~0ull;
	v = &c.vp[0];
	finish("child-state-end");
	check_equal("child-state-of-the-first", said.value[0], 0);
}

static void do_registers(void *arg)
{
	u64 a, b;

	__asm__ volatile("mov $0x1111, %%r10; mov $0x2222, %%r11; out %%al, $0x90\n\t"
			 "mov %%r10, %0; mov %%r11, %1"
			 : "=r"(a), "=r"(b)
			 :
			 : "r10", "r11");
	said.value[0] = a;
	said.value[1] = b;
}

/* By the page and by the calls one sees the same. */
static void test_register_page(void)
{
	start(do_registers);
	stops_at_port("child-registers", 0x90, 1, HV_INTERCEPT_WRITE);
	check(v->regs->valid && v->regs->gpr[10] == 0x1111 &&
		      child_get(v, HV_REGISTER_RAX + 11) == 0x2222,
	      "child-registers-found", "r10 %lx", v->regs->gpr[10]);
	check(v->regs->rip == child_get(v, HV_REGISTER_RIP) &&
		      v->regs->cr3 == child_get(v, HV_REGISTER_CR3) &&
		      v->regs->rflags == child_get(v, HV_REGISTER_RFLAGS) &&
		      v->regs->gpr[RSP] == child_get(v, HV_REGISTER_RAX + RSP),
	      "child-registers-agree", "rip %lx", v->regs->rip);
	check_equal("child-registers-segment", v->regs->segment[1].selector, SEL_CODE);
	v->regs->gpr[10] = 0xaaaa;
	child_answer(v, 0);
	child_set(v, HV_REGISTER_RAX + 12, 1);
	finish("child-registers-end");
	check(said.value[0] == 0xaaaa && said.value[1] == 0x2222, "child-registers-changed",
	      "r10 %lx, r11 %lx", said.value[0], said.value[1]);
}

void test_child(void)
{
	u64 free = hv_statistics(0).pool_free;

	test_real_mode();
	test_ports();
	test_msrs();
	test_counters();
	test_cpuid_leaves();
	test_mmio();
	if (!boot.bochs) /* either would be its own end */
		test_triple_fault();
	test_instructions();
	test_hypercalls();
	test_register_page();
	test_isolation();
	check_equal("child-boot-pool", hv_statistics(0).pool_free, free);
}
