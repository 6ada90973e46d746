// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Children: exceptions, those that the worker injects among them, what is on its way into the guest
 * when a VP stops, and single steps over instructions that somebody else carries out.
 */
#include "apic.h"
#include "boot.h"
#include "check.h"
#include "child.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "hv/msr.h"
#include "state.h"
#include "x86/asm.h"

#define PORT               0x1f0
#define NMI_PORT           0x91 /* the stub's below */
#define MMIO               0xd0000000ull
#define STACK              0x50000000ull /* a stack of one page, which can be taken away */
#define PAGES              64
#define VECTOR_1           0x51
#define VECTOR_SS          12
#define DR6_INIT           0xffff0ff0ull
#define DR6_BS             BIT(14)
#define DR6_BLD            BIT(11)
#define DR7_INIT           0x400ull
#define DR7_LOCAL_0        BIT(0)
#define DR7_WRITE_0        (BIT(16) | 3 << 18) /* four bytes, when written */
#define DR7_GENERAL_DETECT BIT(13)
#define INTERRUPTION       HV_REGISTER_PENDING_INTERRUPTION
#define EVENT              HV_REGISTER_PENDING_EVENT0
#define NO_ERROR_CODE      (~0u)

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

static struct child c;
static struct child_vp *v;

static struct {
	u64 value[16];
	struct fault fault[16];
} said;

static void start(void (*f)(void *))
{
	memset(&said, 0, sizeof(said));
	child_new(&c, PAGES);
	child_add_vp(&c, 0);
	v = &c.vp[0];
	child_map_image(&c);
	child_load(v, f, NULL);
}

static bool stops(const char *name, u32 type)
{
	u32 found = child_run(v);

	return check(found == type, name, "expected %x, found %x, rip %lx", type, found,
		     v->regs->rip);
}

static bool stops_at(const char *name, u16 port)
{
	return stops(name, HV_MESSAGE_IO_PORT) &&
	       check(v->stop->io.port == port, name, "port %x, rip %lx", v->stop->io.port,
		     v->regs->rip);
}

static void finish(const char *name)
{
	stops_at(name, CHILD_DONE_PORT);
	check_equal(name, child_end(&c), 0);
}

static void send(u32 delivery, u32 vector)
{
	const struct hv_assert_interrupt_input in = {
		.partition_id = c.id, .control = delivery, .vector = vector};

	check_equal("child-send",
		    child_call(HV_CALL_ASSERT_VIRTUAL_INTERRUPT, &in, sizeof(in), NULL, 0), 0);
}

/* ---- exceptions that the worker injects ---- */

static u64 interruption(u32 type, u8 vector, u32 error)
{
	u64 with = error != NO_ERROR_CODE ? HV_INTERRUPTION_HAS_ERROR | (u64)error << 32 : 0;

	return HV_PENDING | type << 1 | (u64)vector << 16 | with;
}

static void inject(u8 vector, u32 error, u64 parameter)
{
	u64 with = error != NO_ERROR_CODE ? HV_EVENT_HAS_ERROR | (u64)error << 32 : 0;

	child_set_pair(v, EVENT, HV_PENDING | (u64)vector << 16 | with, parameter);
}

static const struct {
	const char *name;
	u64 parameter, dr6; /* dr6: with which it has to come, all else being clear */
	u32 error;
	u8 vector;
} injected[] = {
	{"child-inject-pf", 0xdead1000, 0, 7, VECTOR_PF},
	{"child-inject-gp", 0, 0, 0, VECTOR_GP},
	{"child-inject-gp-selector", 0, 0, 0x123a, VECTOR_GP},
	{"child-inject-ss", 0, 0, 0, VECTOR_SS},
	{"child-inject-ud", 0, 0, NO_ERROR_CODE, VECTOR_UD},
	{"child-inject-ac", 0, 0, 0, VECTOR_AC},
	{"child-inject-db-step", DR6_BS, DR6_BS, NO_ERROR_CODE, VECTOR_DB},
	{"child-inject-db-bus-lock", DR6_BLD, DR6_BLD, NO_ERROR_CODE, VECTOR_DB},
	{"child-inject-db-hit", 2, 2, NO_ERROR_CODE, VECTOR_DB},
};

static void read_port(void *arg)
{
	in8(PORT);
}

static void read_memory(void *arg)
{
	*(volatile u32 *)MMIO;
}

static void take_injected(void *arg)
{
	for (u32 i = 0; i < ARRAY_SIZE(injected); i++) {
		write_dr6(DR6_INIT);
		said.fault[i] = try_call(i % 2 ? read_memory : read_port, NULL);
		said.value[i] = read_dr6();
	}
}

static void check_fault(const char *name, const struct fault *f, u8 vector, u32 error)
{
	check(f->taken && f->vector == vector && f->error == (error == NO_ERROR_CODE ? 0 : error),
	      name, "taken %d, vector %u, error %lx", f->taken, f->vector, f->error);
}

/* At each stop, an exception in place of the answer: what the guest then sees of it. */
static void test_injected(void)
{
	u64 rip[ARRAY_SIZE(injected)];

	start(take_injected);
	for (u32 i = 0; i < ARRAY_SIZE(injected); i++) {
		stops(injected[i].name, i % 2 ? HV_MESSAGE_UNMAPPED_GPA : HV_MESSAGE_IO_PORT);
		rip[i] = v->regs->rip;
		if (injected[i].vector == VECTOR_DB) /* which lets its handler look at DR6 */
			child_set(v, HV_REGISTER_DR7, DR7_INIT | DR7_GENERAL_DETECT);
		inject(injected[i].vector, injected[i].error, injected[i].parameter);
		check(child_get(v, EVENT) & HV_PENDING &&
			      HV_PENDING_VECTOR(child_get(v, EVENT)) == injected[i].vector,
		      injected[i].name, "waiting: %lx", child_get(v, EVENT));
	}
	stops_at("child-injected-end", CHILD_DONE_PORT);
	check_equal("child-inject-db-clears-gd", child_get(v, HV_REGISTER_DR7), DR7_INIT);
	check_equal("child-injected-end", child_end(&c), 0);
	for (u32 i = 0; i < ARRAY_SIZE(injected); i++) {
		const struct fault *f = &said.fault[i];
		u64 rf = injected[i].vector == VECTOR_DB ? 0 : RFLAGS_RF;

		check_fault(injected[i].name, f, injected[i].vector, injected[i].error);
		check(f->rip == rip[i] && (f->rflags & RFLAGS_RF) == rf, injected[i].name,
		      "rip %lx, rflags %lx", f->rip, f->rflags);
		check_equal(injected[i].name, said.value[i], DR6_INIT ^ injected[i].dr6);
	}
	check_equal("child-inject-pf-cr2", said.fault[0].cr2, injected[0].parameter);
}

static void take_two(void *arg)
{
	said.fault[0] = try_call(read_port, NULL); /* cancelled: the answer instead */
	said.fault[1] = try_call(read_port, NULL);
	said.fault[2] = try_call(read_port, NULL);
	said.fault[3] = try_call(read_port, NULL);
	read_port(NULL);
}

/* What is being delivered, by the other register; and two that meet (SDM 3A table 6-5). */
static void test_two_exceptions(void)
{
	start(take_two);
	stops_at("child-event-cancelled", PORT);
	inject(VECTOR_GP, 0, 0);
	child_set(v, EVENT, 0);
	child_answer(v, 0);
	stops_at("child-interruption", PORT);
	child_set(v, INTERRUPTION, interruption(HV_INTERRUPTION_EXCEPTION, VECTOR_GP, 0x55));
	check_equal("child-interruption-shown", child_get(v, INTERRUPTION),
		    interruption(HV_INTERRUPTION_EXCEPTION, VECTOR_GP, 0x55));
	stops_at("child-double-fault", PORT);
	child_set(v, INTERRUPTION, interruption(HV_INTERRUPTION_EXCEPTION, VECTOR_PF, 2));
	inject(VECTOR_GP, 0, 0);
	stops_at("child-benign-second", PORT);
	child_set(v, INTERRUPTION, interruption(HV_INTERRUPTION_EXCEPTION, VECTOR_PF, 2));
	inject(VECTOR_UD, NO_ERROR_CODE, 0);
	stops_at("child-third", PORT);
	child_set(v, INTERRUPTION, interruption(HV_INTERRUPTION_EXCEPTION, VECTOR_DF, 0));
	inject(VECTOR_PF, 2, 0);
	stops("child-shutdown-of-three", HV_MESSAGE_UNRECOVERABLE_EXCEPTION);
	check_equal("child-two-end", child_end(&c), 0);
	check(!said.fault[0].taken, "child-event-cancelled", "vector %u", said.fault[0].vector);
	check_fault("child-interruption", &said.fault[1], VECTOR_GP, 0x55);
	check_fault("child-double-fault", &said.fault[2], VECTOR_DF, 0);
	check_fault("child-benign-second", &said.fault[3], VECTOR_UD, NO_ERROR_CODE);
}

static void no_eoi(u8 vector)
{
}

static void take_interruptions(void *arg)
{
	read_port(NULL);
	said.value[0] = this_cpu()->nmi_count;
	read_port(NULL);
	said.value[1] = this_cpu()->irq_count[VECTOR_1];
	__asm__ volatile("sti; in %%dx, %%al; cli" ::"d"(PORT) : "rax");
	said.value[2] = this_cpu()->nmi_count;
	read_port(NULL);
	said.value[3] = this_cpu()->nmi_count;
}

/* NMI, interrupt, interrupt shadow, blocked NMIs. */
static void test_interruptions(void)
{
	start(take_interruptions);
	interrupt_set(VECTOR_1, no_eoi);
	stops_at("child-interruption-nmi", PORT);
	check_equal("child-no-shadow", child_get(v, HV_REGISTER_INTERRUPT_STATE), 0);
	child_set(v, INTERRUPTION, interruption(HV_INTERRUPTION_NMI, VECTOR_NMI, NO_ERROR_CODE));
	check_equal("child-nmi-masked", child_get(v, HV_REGISTER_INTERRUPT_STATE),
		    HV_INTERRUPT_STATE_NMI_MASKED);
	child_answer(v, 0);
	stops_at("child-interruption-interrupt", PORT);
	child_set(v, INTERRUPTION,
		  interruption(HV_INTERRUPTION_INTERRUPT, VECTOR_1, NO_ERROR_CODE));
	child_answer(v, 0);
	stops_at("child-shadow", PORT);
	check_equal("child-shadow", child_get(v, HV_REGISTER_INTERRUPT_STATE),
		    HV_INTERRUPT_STATE_SHADOW);
	check_equal("child-shadow-page", v->regs->interrupt_state, HV_INTERRUPT_STATE_SHADOW);
	child_set(v, HV_REGISTER_RAX + 12, 1);
	check_equal("child-shadow-stays", child_get(v, HV_REGISTER_INTERRUPT_STATE),
		    HV_INTERRUPT_STATE_SHADOW);
	child_set(v, HV_REGISTER_INTERRUPT_STATE, HV_INTERRUPT_STATE_NMI_MASKED);
	send(APIC_MODE_NMI >> 8, 0);
	child_answer(v, 0);
	stops_at("child-masked-nmi", PORT);
	child_set(v, HV_REGISTER_INTERRUPT_STATE, 0);
	child_answer(v, 0);
	finish("child-interruptions-end");
	interrupt_set(VECTOR_1, NULL);
	check_equal("child-interruption-nmi", said.value[0], 1);
	check_equal("child-interruption-interrupt", said.value[1], 1);
	check_equal("child-masked-nmi", said.value[2], 1);
	check_equal("child-unmasked-nmi", said.value[3], 2);
}

static const struct {
	u32 name;
	u64 value;
} refused[] = {
	{INTERRUPTION, HV_PENDING | HV_INTERRUPTION_EXCEPTION << 1 | 2 << 16},
	{INTERRUPTION, HV_PENDING | HV_INTERRUPTION_EXCEPTION << 1 | 32 << 16},
	{INTERRUPTION, HV_PENDING | HV_INTERRUPTION_NMI << 1 | 3 << 16},
	{INTERRUPTION, HV_PENDING | HV_INTERRUPTION_INTERRUPT << 1 | 256 << 16},
	{INTERRUPTION, HV_PENDING | 4 << 1 | 0x80 << 16},
	{INTERRUPTION, HV_PENDING | HV_INTERRUPTION_EXCEPTION << 1 | 0x20 | 13 << 16},
	{INTERRUPTION, 2},
	{EVENT, HV_PENDING | 1 << 1 | 13 << 16},
	{EVENT, HV_PENDING | 0x10 | 13 << 16},
	{EVENT, HV_PENDING | 2 << 16},
	{EVENT + 1, HV_PENDING},
	{HV_REGISTER_INTERRUPT_STATE, 4},
	{HV_REGISTER_INTERNAL_ACTIVITY, 3},
	{HV_REGISTER_INTERNAL_ACTIVITY, HV_ACTIVITY_IDLE_SUSPEND},
};

static void test_refused(void)
{
	struct {
		struct hv_vp_input header;
		struct hv_set_register set;
	} in = {0};

	start(read_port);
	in.header.partition_id = c.id;
	for (u32 i = 0; i < ARRAY_SIZE(refused); i++) {
		in.set = (struct hv_set_register){.name = refused[i].name};
		in.set.value.word[0] = refused[i].value;
		check_equal(
			"child-event-refused",
			child_call(HV_CALL_SET_VP_REGISTERS | REPS(1), &in, sizeof(in), NULL, 0) &
				0xffff,
			HV_STATUS_INVALID_REGISTER_VALUE);
	}
	/* Waits for SIPI, halted: in the bits of the TLFS. */
	stops_at("child-activity", PORT);
	child_set(v, HV_REGISTER_INTERNAL_ACTIVITY, HV_ACTIVITY_STARTUP_SUSPEND);
	stops("child-activity-startup", CHILD_BLOCKED);
	check_equal("child-activity-startup", child_get(v, HV_REGISTER_INTERNAL_ACTIVITY),
		    HV_ACTIVITY_STARTUP_SUSPEND);
	child_set(v, HV_REGISTER_INTERNAL_ACTIVITY, HV_ACTIVITY_HALT_SUSPEND);
	stops("child-activity-halt", CHILD_BLOCKED);
	send(APIC_MODE_NMI >> 8, 0);
	stops_at("child-activity-awake", PORT);
	check_equal("child-activity-awake", child_get(v, HV_REGISTER_INTERNAL_ACTIVITY), 0);
	check_equal("child-refused-end", child_end(&c), 0);
}

/* ---- single steps ---- */

/* NAME sets TF; NAME_end is where the trap has to come. */
#define STEPPED(name, code)                                                               \
	extern const char name##_end[];                                                   \
	static __attribute__((noinline)) void name(void *arg)                             \
	{                                                                                 \
		__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t" code "\n" #name \
				 "_end: nop; nop" ::"a"(0),                               \
				 "c"(0x1b), "d"(PORT), "b"(MMIO)                          \
				 : "memory");                                             \
	}

STEPPED(step_nop, "nop")
STEPPED(step_cpuid, "cpuid")
STEPPED(step_rdmsr, "rdmsr")
STEPPED(step_hypercall, "vmmcall")
STEPPED(step_wbinvd, "wbinvd")
STEPPED(step_in, "in %%dx, %%al")
STEPPED(step_out, "out %%al, %%dx")
STEPPED(step_load, "mov (%%rbx), %%eax")
STEPPED(step_hlt, "hlt")

static const struct {
	const char *name;
	void (*f)(void *);
	const char *end;
	u32 stop; /* the worker's, or 0 */
	u8 length;
} steps[] = {
	{"child-step-nop", step_nop, step_nop_end, 0, 0},
	{"child-step-cpuid", step_cpuid, step_cpuid_end, 0, 0},
	{"child-step-rdmsr", step_rdmsr, step_rdmsr_end, 0, 0},
	{"child-step-hypercall", step_hypercall, step_hypercall_end, 0, 0},
	{"child-step-wbinvd", step_wbinvd, step_wbinvd_end, 0, 0},
	{"child-step-in", step_in, step_in_end, HV_MESSAGE_IO_PORT, 1},
	{"child-step-out", step_out, step_out_end, HV_MESSAGE_IO_PORT, 1},
	{"child-step-load", step_load, step_load_end, HV_MESSAGE_UNMAPPED_GPA, 2},
	{"child-step-hlt", step_hlt, step_hlt_end, HV_MESSAGE_HALT, 0},
};

static u8 call_page[PAGE_SIZE] aligned_to(PAGE_SIZE);

static void take_steps(void *arg)
{
	wrmsr(HV_MSR_GUEST_OS_ID, GUEST_OS_ID);
	wrmsr(HV_MSR_HYPERCALL, (u64)call_page | HV_MSR_PAGE_ENABLE);
	for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
		write_dr6(DR6_INIT);
		said.fault[i] = try_call(steps[i].f, NULL);
		said.value[i] = read_dr6();
	}
}

static void check_step(const char *name, u32 i, const char *end)
{
	const struct fault *f = &said.fault[i];

	check(f->taken && f->vector == VECTOR_DB && f->rip == (u64)end, name,
	      "taken %d, vector %u, rip %lx, not %lx", f->taken, f->vector, f->rip, (u64)end);
	check_equal(name, said.value[i], DR6_INIT | DR6_BS);
}

static void test_steps(void)
{
	start(take_steps);
	for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
		if (!steps[i].stop)
			continue;
		stops(steps[i].name, steps[i].stop);
		if (!steps[i].length)
			continue;
		v->regs->rip += steps[i].length;
		v->regs->dirty = HV_DIRTY_RIP;
	}
	finish("child-steps-end");
	for (u32 i = 0; i < ARRAY_SIZE(steps); i++)
		check_step(steps[i].name, i, steps[i].end);
}

/* The root's instructions that the hypervisor carries out. */
static void test_steps_of_root(void)
{
	for (u32 i = 0; i < 4; i++) {
		write_dr6(DR6_INIT);
		said.fault[i] = try_call(steps[i].f, NULL);
		said.value[i] = read_dr6();
		check_step("root-step", i, steps[i].end);
	}
}

/* ---- #DB and #AC of the guest's own ---- */

static u32 watched;

static void write_watched(void *arg)
{
	__asm__ volatile("movl $1, %0\n\tnop" : "=m"(watched));
}

static void breakpoint_here(void *arg)
{
	__asm__ volatile("write_here: nop\n\tnop" ::: "memory");
}
extern const char write_here[];

static void write_dr7(u64 value)
{
	__asm__ volatile("mov %0, %%dr7" ::"r"(value));
}

static bool pass_breakpoint(struct trap_frame *f)
{
	said.value[4]++;
	said.value[5] = f->rip;
	said.value[6] = read_dr6();
	f->rflags |= RFLAGS_RF;
	return true;
}

static void take_debug(void *arg)
{
	write_dr6(DR6_INIT);
	__asm__ volatile("mov %0, %%dr0" ::"r"(&watched));
	write_dr7(DR7_INIT | DR7_LOCAL_0 | DR7_WRITE_0);
	said.fault[0] = try_call(write_watched, NULL);
	said.value[0] = read_dr6();
	said.value[1] = watched;
	write_dr7(DR7_INIT);
	write_dr6(DR6_INIT);
	__asm__ volatile("mov %0, %%dr0" ::"r"(write_here));
	write_dr7(DR7_INIT | DR7_LOCAL_0);
	this_cpu()->debug = pass_breakpoint;
	breakpoint_here(NULL);
	this_cpu()->debug = NULL;
	write_dr7(DR7_INIT);
}

static void test_debug(void)
{
	u64 hit = DR6_INIT | !boot.bochs; /* there #DB exits before DR6 tells of it */

	start(take_debug);
	finish("child-debug-end");
	check(said.fault[0].taken && said.fault[0].vector == VECTOR_DB && said.value[1] == 1,
	      "child-debug-write", "taken %d, vector %u, written %lu", said.fault[0].taken,
	      said.fault[0].vector, said.value[1]);
	check_equal("child-debug-write-dr6", said.value[0], hit);
	check(said.value[4] == 1 && said.value[5] == (u64)write_here, "child-debug-execute",
	      "%lu times, rip %lx", said.value[4], said.value[5]);
	check_equal("child-debug-execute-dr6", said.value[6], hit);
}

/* ---- the end of an NMI handler ---- */

extern const char nmi_stub[];
__asm__("nmi_stub: out %al, $0x91\n\tiretq");

static struct {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
} gates[3];

static void take_nmis_elsewhere(void *arg)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = {sizeof(gates) - 1, (u64)gates};
	u64 stub = (u64)nmi_stub;

	gates[2].offset_low = (u16)stub;
	gates[2].offset_middle = (u16)(stub >> 16);
	gates[2].offset_high = (u32)(stub >> 32);
	gates[2].selector = SEL_CODE;
	gates[2].type = 0x8e;
	__asm__ volatile("lidt %0" ::"m"(idtr));
	__asm__ volatile(
		"mov %%rsp, %%rbx; mov %0, %%rsp; in %%dx, %%al; nop; mov %%rbx, %%rsp" ::"r"(
			STACK + PAGE_SIZE),
		"d"(PORT)
		: "rax", "rbx", "memory");
}

/* While IRET waits for its stack to be mapped, the handler is not at its end: no NMI comes. */
static void test_nmi_return(void)
{
	struct hv_map_gpa_input unmap = {0};
	u64 page = child_page(), first;

	start(take_nmis_elsewhere);
	unmap.partition_id = c.id;
	unmap.gpa_page = STACK >> PAGE_SHIFT;
	child_map(&c, STACK >> PAGE_SHIFT, page, 1, CHILD_RWX);
	stops_at("child-nmi-waits", PORT);
	send(APIC_MODE_NMI >> 8, 0);
	child_answer(v, 0);
	stops_at("child-nmi-first", NMI_PORT);
	first = v->regs->gpr[RSP];
	send(APIC_MODE_NMI >> 8, 0);
	check_equal("child-nmi-unmap",
		    child_call(HV_CALL_UNMAP_GPA_PAGES | REPS(1), &unmap, sizeof(unmap), NULL, 0) &
			    0xffff,
		    0);
	child_answer(v, 0);
	stops("child-nmi-iret-stops", HV_MESSAGE_UNMAPPED_GPA);
	check(child_get(v, HV_REGISTER_INTERRUPT_STATE) & HV_INTERRUPT_STATE_NMI_MASKED,
	      "child-nmi-still-masked", "%lx", child_get(v, HV_REGISTER_INTERRUPT_STATE));
	child_map(&c, STACK >> PAGE_SHIFT, page, 1, CHILD_RWX);
	stops_at("child-nmi-second", NMI_PORT);
	check_equal("child-nmi-not-nested", v->regs->gpr[RSP], first);
	check(!(child_get(v, HV_REGISTER_RFLAGS) & RFLAGS_TF), "child-nmi-no-step", "%lx",
	      child_get(v, HV_REGISTER_RFLAGS));
	child_answer(v, 0);
	finish("child-nmi-end");
}

/* ---- PKRU, which CR4.PKE alone gives access to ---- */

#define CR4_PKE    BIT(22)
#define ROOT_PKRU  0x55555554u
#define CHILD_PKRU 0xaaaaaaa8u

static u32 read_pkru(void)
{
	u32 value, high;

	__asm__ volatile("rdpkru" : "=a"(value), "=d"(high) : "c"(0));
	return value;
}

static void write_pkru(u32 value)
{
	__asm__ volatile("wrpkru" ::"a"(value), "c"(0), "d"(0) : "memory");
}

static void change_pkru(void *arg)
{
	write_cr4(read_cr4() | CR4_PKE);
	said.value[0] = read_pkru();
	write_pkru(CHILD_PKRU);
	read_port(NULL);
	write_pkru(CHILD_PKRU);
}

static void test_pkru(void)
{
	u64 cr4 = read_cr4();
	u32 leaf[4], basic[4];

	cpuid(1, 0, basic);
	cpuid(7, 0, leaf);
	if (!(leaf[2] & BIT(3)) ||
	    !(basic[2] & BIT(26))) /* only an emulator has PKRU without XSAVE */
		return;
	write_cr4(cr4 | CR4_PKE);
	for (u32 round = 0; round < 2; round++) {
		write_pkru(ROOT_PKRU);
		start(change_pkru);
		stops_at("child-pkru", PORT);
		check_equal("child-pkru-of-the-root", read_pkru(), ROOT_PKRU);
		child_answer(v, 0);
		finish("child-pkru-end");
		check_equal("child-pkru-of-the-root", read_pkru(), ROOT_PKRU);
		check_equal("child-pkru-of-others", said.value[0], 0);
	}
	write_pkru(0);
	write_cr4(cr4);
}

static void test_index(void)
{
	struct hv_create_vp_input in = {.vp_index = 255};

	child_new(&c, PAGES);
	in.partition_id = c.id;
	check_equal("child-index-255",
		    child_call(HV_CALL_CREATE_VP, &in, sizeof(in), NULL, 0) & 0xffff,
		    HV_STATUS_INVALID_VP_INDEX);
	check_equal("child-index-end", child_end(&c), 0);
}

void test_child_event(void)
{
	test_pkru();
	test_index();
	test_steps();
	test_steps_of_root();
	test_debug();
	test_nmi_return();
	test_injected();
	test_two_exceptions();
	test_interruptions();
	test_refused();
}
