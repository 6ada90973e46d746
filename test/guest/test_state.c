// SPDX-License-Identifier: GPL-2.0-or-later
/* What a processor holds survives thousands of exits of every kind, on all processors at once. */
#include "apic.h"
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "state.h"

#define ROUNDS       1700u /* of every kind: ten thousand exits a processor */
#define VECTOR_STATE 0x35

enum { RAX, RCX, RDX, RBX, RBP, RSI, RDI, R8, GPRS = 15 };
enum kind { BY_CPUID, BY_RDMSR, BY_WRMSR, BY_HYPERCALL, BY_MEMORY, BY_INTERRUPT, KINDS };

void state_pass(u64 regs[GPRS], u32 kind);

/* What the exit needs in registers, and which it may change (bits by number). */
static const struct {
	u64 rax, rcx, rdx;
	u32 changes;
} kinds[KINDS] = {
	[BY_CPUID] = {0x40000000, 0, 0, 1 << RAX | 1 << RBX | 1 << RCX | 1 << RDX},
	[BY_RDMSR] = {0, MSR_X2APIC + APIC_ID, 0, 1 << RAX | 1 << RDX},
	[BY_WRMSR] = {0, MSR_X2APIC + APIC_EOI, 0, 0},
	[BY_HYPERCALL] = {0, 0xfff0, 0, 1 << RAX},
	[BY_MEMORY] = {0, 0, 0, 0},
	[BY_INTERRUPT] = {VECTOR_STATE, MSR_X2APIC + APIC_SELF_IPI, 0, 0},
};

/* MSRs that the world switch carries, with values that are valid and unusual. */
static const struct {
	u32 msr;
	u64 value;
} msrs[] = {
	{0xc0000100, 0x00007123456789ab}, /* FS base */
	{0xc0000101, 0xffff8123456789ab}, /* GS base */
	{0xc0000102, 0x00007edcba987654}, /* KERNEL_GS base */
	{0xc0000081, 0x0023001012345678}, /* STAR */
	{0xc0000082, 0xffffffff81234567}, /* LSTAR */
	{0xc0000083, 0xffffffff82345678}, /* CSTAR */
	{0xc0000084, 0x0000000000047700}, /* SFMASK */
	{0x174, 0x10},                    /* SYSENTER CS, ESP, EIP */
	{0x175, 0xffffffff83456789},
	{0x176, 0xffffffff8456789a},
	{0xc0000103, 0x12345678},    /* TSC_AUX */
	{0x277, 0x0107040600070406}, /* PAT */
};

#define XSAVE_SIZE   832
#define XSAVE_HEADER 512
#define FXSAVE_USED  416 /* what follows is for software */

struct state {
	u8 before[XSAVE_SIZE] aligned_to(64), after[XSAVE_SIZE] aligned_to(64);
	u64 saved_msr[ARRAY_SIZE(msrs)];
	u32 wrong_registers, wrong_msrs, wrong_debug, wrong_extended;
};

static struct state states[MAX_CPUS];
static u64 foreign;

static void xsave(u8 *area)
{
	__asm__ volatile("xsave (%0)" ::"r"(area), "a"(7), "d"(0) : "memory");
}

static void xrstor(const u8 *area)
{
	__asm__ volatile("xrstor (%0)" ::"r"(area), "a"(7), "d"(0) : "memory");
}

/* Patterns into ST, XMM and the upper halves of YMM; other rounding modes than usual. */
static void load_extended(struct state *s, u32 cpu)
{
	memset(s->before, 0, sizeof(s->before));
	for (u32 i = 32; i < FXSAVE_USED; i++)
		s->before[i] = (u8)(i * 7 + cpu);
	for (u32 i = 0; i < 8; i++)
		memset(s->before + 32 + i * 16 + 10, 0, 6); /* ST are 80 bits */
	for (u32 i = 576; i < XSAVE_SIZE; i++)
		s->before[i] = (u8)(i * 11 + cpu);
	s->before[0] = 0x7f; /* FCW: round up, all masked */
	s->before[1] = 0x0b;
	s->before[4] = 0xff;  /* abridged tags: all valid */
	s->before[24] = 0x80; /* MXCSR: round down, all masked */
	s->before[25] = 0x3f;
	s->before[XSAVE_HEADER] = 7;
	xrstor(s->before);
}

static bool extended_kept(struct state *s)
{
	memset(s->after, 0, sizeof(s->after));
	xsave(s->after);
	return !memcmp(s->before, s->after, 8) && !memcmp(s->before + 24, s->after + 24, 2) &&
	       !memcmp(s->before + 32, s->after + 32, FXSAVE_USED - 32) &&
	       !memcmp(s->before + 576, s->after + 576, XSAVE_SIZE - 576);
}

#define WRITE_DR(n, v) __asm__ volatile("mov %0, %%dr" #n ::"r"((u64)(v)))
#define READ_DR(n)                                                 \
	({                                                         \
		u64 v_;                                            \
		__asm__ volatile("mov %%dr" #n ", %0" : "=r"(v_)); \
		v_;                                                \
	})

/* Addresses without breakpoints enabled; DR6 with bits that only software clears. */
static void load_debug(u32 cpu)
{
	WRITE_DR(0, 0x1111111111110000ull + cpu);
	WRITE_DR(1, 0x2222222222220000ull + cpu);
	WRITE_DR(2, 0x3333333333330000ull + cpu);
	WRITE_DR(3, 0x4444444444440000ull + cpu);
	WRITE_DR(6, 0xffff4ff3);
	WRITE_DR(7, 0x00550700);
}

static bool debug_kept(u32 cpu)
{
	bool kept = READ_DR(0) == 0x1111111111110000ull + cpu &&
		    READ_DR(1) == 0x2222222222220000ull + cpu &&
		    READ_DR(2) == 0x3333333333330000ull + cpu &&
		    READ_DR(3) == 0x4444444444440000ull + cpu && READ_DR(6) == 0xffff4ff3 &&
		    READ_DR(7) == 0x00550700;

	WRITE_DR(7, 0x400);
	WRITE_DR(6, 0xffff0ff0);
	return kept;
}

static void pass(struct state *s, enum kind kind, u64 salt)
{
	u64 before[GPRS], after[GPRS];

	for (u32 i = 0; i < GPRS; i++)
		before[i] = salt * 0x9e3779b97f4a7c15 + i * 0x0123456789abcdef;
	before[RAX] = kinds[kind].rax;
	before[RCX] = kinds[kind].rcx;
	before[RDX] = kinds[kind].rdx;
	if (kind == BY_MEMORY)
		before[RDI] = foreign;
	memcpy(after, before, sizeof(after));
	state_pass(after, kind);
	for (u32 i = 0; i < GPRS; i++)
		s->wrong_registers += before[i] != after[i] && !(kinds[kind].changes >> i & 1);
}

#define MSR_TSC_AUX 0xc0000103
#define MSR_STAR    0xc0000081

/* A child has no TSC_AUX. Two of them hold another value on each processor. */
static bool has_msr(u32 msr, u32 cpu)
{
	return msr != MSR_TSC_AUX || cpu < cpu_count;
}

static u64 value_of(u32 i, u32 cpu)
{
	return msrs[i].value + (msrs[i].msr == MSR_TSC_AUX || msrs[i].msr == MSR_STAR ? cpu : 0);
}

void state_load(void)
{
	u32 cpu = this_cpu()->index;
	struct state *s = &states[cpu];

	memset(s, 0, sizeof(*s));
	for (u32 i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (!has_msr(msrs[i].msr, cpu))
			continue;
		s->saved_msr[i] = rdmsr(msrs[i].msr);
		wrmsr(msrs[i].msr, value_of(i, cpu));
	}
	load_debug(cpu);
	load_extended(s, cpu);
}

u32 state_lost(void)
{
	u32 cpu = this_cpu()->index;
	struct state *s = &states[cpu];

	s->wrong_extended = !extended_kept(s);
	s->wrong_debug = !debug_kept(cpu);
	for (u32 i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (!has_msr(msrs[i].msr, cpu))
			continue;
		s->wrong_msrs += rdmsr(msrs[i].msr) != value_of(i, cpu);
		wrmsr(msrs[i].msr, s->saved_msr[i]);
	}
	return (s->wrong_extended ? STATE_EXTENDED : 0) | (s->wrong_debug ? STATE_DEBUG : 0) |
	       (s->wrong_msrs ? STATE_MSRS : 0);
}

static void run_state(void *arg)
{
	u32 cpu = this_cpu()->index;

	state_load();
	for (u32 i = 0; i < ROUNDS * KINDS; i++)
		pass(&states[cpu], i % KINDS, i + cpu);
	state_lost();
}

void test_state(void)
{
	struct hv_range own[HV_MAX_RANGES];
	struct state sum = {0};
	bool all;

	hv_memory(own);
	foreign = own[0].start + 64;
	all = cpu_run_all(run_state, NULL);
	for (u32 i = 0; i < cpu_count; i++) {
		sum.wrong_registers += states[i].wrong_registers;
		sum.wrong_msrs += states[i].wrong_msrs;
		sum.wrong_debug += states[i].wrong_debug;
		sum.wrong_extended += states[i].wrong_extended;
	}
	check(all && !sum.wrong_registers, "state-general", "%u values changed",
	      sum.wrong_registers);
	check(all && !sum.wrong_msrs, "state-msrs", "%u values changed", sum.wrong_msrs);
	check(all && !sum.wrong_debug, "state-debug", "on %u processors", sum.wrong_debug);
	check(all && !sum.wrong_extended, "state-x87-sse-avx", "on %u processors",
	      sum.wrong_extended);
}
