// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions of one exit. For an emulator that counts (-icount shift=0): there one nanosecond of
 * the TSC is one instruction, and the figures are the same at every run. Elsewhere they are times.
 */
#include "apic.h"
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "hv/msr.h"

#define ROUNDS      1000
#define VECTOR_SELF 0x40
#define CPUID_LIMIT 300 /* what the root's CPUID may cost */

static u64 tsc_hz;

static void nothing(void)
{
	__asm__ volatile("" ::: "memory");
}

static void do_cpuid(void)
{
	u32 out[4];

	cpuid(1, 0, out);
}

static void do_rdmsr(void)
{
	(void)rdmsr(0x800 + APIC_TPR);
}

static void do_eoi(void)
{
	wrmsr(0x800 + APIC_EOI, 0);
}

static void do_deadline(void)
{
	wrmsr(0x6e0, ~0ull >> 1);
}

static void do_hypercall(void)
{
	(void)hypercall(0xffff, 0, 0); /* no such call: the way there and back */
}

static void do_self_ipi(void)
{
	wrmsr(0x83f, VECTOR_SELF);
	irq_window();
}

static u64 ticks_of(void (*volatile operation)(void))
{
	u64 start = rdtsc();

	for (u32 i = 0; i < ROUNDS; i++)
		operation();
	return rdtsc() - start;
}

static u64 measure(const char *name, void (*operation)(void))
{
	u64 empty = ticks_of(nothing), full = ticks_of(operation);
	u64 each = (full - empty) * (1000000000 / ROUNDS) / tsc_hz;

	print_line("bench %s %lu instructions", name, each);
	return each;
}

void test_bench(void)
{
	u64 cost;

	check(msr_get(HV_MSR_TSC_FREQUENCY, &tsc_hz) && tsc_hz, "bench-frequency", "no frequency");
	cost = measure("cpuid", do_cpuid);
	check(cost <= CPUID_LIMIT, "bench-cpuid", "%lu instructions, at most %u", cost,
	      CPUID_LIMIT);
	measure("rdmsr-x2apic", do_rdmsr);
	measure("wrmsr-eoi", do_eoi);
	wrmsr(0x800 + APIC_LVT_TIMER, 2 << 17 | 0x41); /* TSC-deadline */
	measure("wrmsr-tsc-deadline", do_deadline);
	wrmsr(0x6e0, 0);
	measure("hypercall", do_hypercall);
	measure("self-ipi", do_self_ipi);
}
