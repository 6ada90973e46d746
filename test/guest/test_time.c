// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clocks against each other. Readings are bracketed, so what is compared is exact however slow the
 * machine; rates are compared as ratios over many readings, the quickest of which count.
 */
#include "apic.h"
#include "boot.h"
#include "check.h"
#include "core/scale.h"
#include "cpu.h"
#include "groups.h"
#include "hv/msr.h"
#include "hv/reference_tsc.h"

/* Where SeaBIOS puts it on both of QEMU's PCs, and the BIOS of Bochs. */
#define PORT_PM_TIMER (boot.bochs ? 0xb008 : 0x608)
#define PM_TIMER_HZ   3579545u
#define PM_TIMER_MASK 0xffffffu
#define REFERENCE_HZ  10000000u
#define LAPIC_HZ      200000000u
#define ROUNDS        2000u
#define PER_MILLE     5 /* how far rates may be apart */

static struct hv_reference_tsc reference aligned_to(PAGE_SIZE);
static u64 latest;    /* atomic: the highest time that any processor has seen */
static u64 backwards; /* atomic */

static u64 msr_time(void)
{
	return rdmsr(HV_MSR_TIME_REF_COUNT);
}

static u64 page_time(void)
{
	return (u64)((u128_value)rdtsc() * reference.scale >> 64) + (u64)reference.offset;
}

/* What was read by anybody before is not later than what is read now. */
static void watch(u64 (*clock)(void))
{
	for (u32 i = 0; i < ROUNDS; i++) {
		u64 before = load(latest), now = clock();

		if (now < before)
			__atomic_fetch_add(&backwards, 1, __ATOMIC_RELAXED);
		while (before < now &&
		       !__atomic_compare_exchange_n(&latest, &before, now, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
	}
}

static void watch_msr(void *arg)
{
	watch(msr_time);
}

static void watch_page(void *arg)
{
	watch(page_time);
}

static void test_monotonic(void)
{
	bool all;

	backwards = 0;
	latest = 0;
	all = cpu_run_all(watch_msr, NULL);
	check(all && !backwards, "time-msr-monotonic", "%lu times backwards", backwards);
	latest = 0;
	all = cpu_run_all(watch_page, NULL);
	check(all && !backwards, "time-page-monotonic", "%lu times backwards", backwards);
}

static void test_page(void)
{
	u64 wrong = 0;

	check(reference.sequence && reference.scale, "time-page-valid", "sequence %u, scale %lx",
	      reference.sequence, reference.scale);
	for (u32 i = 0; i < ROUNDS; i++) {
		u64 before = page_time(), middle = msr_time(), after = page_time();

		wrong += middle < before || middle > after;
	}
	check(!wrong, "time-page-is-msr", "%lu of %u readings differ", wrong, ROUNDS);
}

struct reading {
	u64 tsc, reference, pm, lapic;
};

/* All clocks, of the quickest of several times. */
static struct reading read_clocks(void)
{
	struct reading best = {0};
	u64 shortest = ~0ull;

	for (u32 i = 0; i < 50; i++) {
		u64 start = rdtsc();
		struct reading r = {
			.pm = in32(PORT_PM_TIMER) & PM_TIMER_MASK,
			.reference = msr_time(),
			.lapic = apic_read(APIC_TIMER_CURRENT),
		};

		r.tsc = rdtsc();
		if (r.tsc - start < shortest) {
			shortest = r.tsc - start;
			best = r;
		}
	}
	return best;
}

/* `ticks` of a clock of `hz` in `pm` ticks of the ACPI timer: as many as there should be? */
static void check_rate(const char *name, u64 ticks, u64 hz, u64 pm)
{
	u64 expected = pm * (hz / 1000) / PM_TIMER_HZ * 1000;
	u64 apart = ticks > expected ? ticks - expected : expected - ticks;

	check(apart < expected / 1000 * PER_MILLE, name, "%lu ticks where %lu are expected", ticks,
	      expected);
}

static void test_rates(void)
{
	struct reading start, end;
	u64 pm;

	apic_write(APIC_LVT_TIMER, APIC_MASKED);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_TIMER_INITIAL, ~0u);
	start = read_clocks();
	while (((in32(PORT_PM_TIMER) - start.pm) & PM_TIMER_MASK) < PM_TIMER_HZ / 2)
		cpu_pause();
	end = read_clocks();
	apic_write(APIC_TIMER_INITIAL, 0);
	pm = (end.pm - start.pm) & PM_TIMER_MASK;
	check_rate("time-rate-tsc", end.tsc - start.tsc, rdmsr(HV_MSR_TSC_FREQUENCY), pm);
	check_rate("time-rate-reference", end.reference - start.reference, REFERENCE_HZ, pm);
	check_rate("time-rate-lapic", start.lapic - end.lapic, LAPIC_HZ, pm);
}

void test_time(void)
{
	wrmsr(HV_MSR_REFERENCE_TSC, (u64)&reference | HV_MSR_PAGE_ENABLE);
	check_equal("time-apic-frequency", rdmsr(HV_MSR_APIC_FREQUENCY), LAPIC_HZ);
	test_page();
	test_monotonic();
	test_rates();
	wrmsr(HV_MSR_REFERENCE_TSC, 0);
}
