// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The error of a measurement is how long it takes to read the two clocks one after the other. So
 * each end point is the best – the quickest – of several readings: an emulator or an SMI that
 * comes in between costs a retry instead of accuracy.
 */
#include "core/arch.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/clock.h"

#define PM_TIMER_HZ   3579545
#define PM_TIMER_MASK 0xffffff /* 24 bits always work; it wraps after 4.7 s */
#define MEASURE_TICKS (PM_TIMER_HZ / 20)
#define READINGS      16

struct reading {
	u32 pm;
	u64 tsc;
	u32 apic;
};

u64 clock_tsc_hz, clock_apic_hz, clock_ticks_per_tsc;

static struct reading read_clocks(void)
{
	struct reading best = {0};
	u64 best_gap = ~0ull;

	for (u32 i = 0; i < READINGS; i++) {
		u64 before = rdtsc();
		u32 pm = in32(acpi_facts.pm_timer_port) & PM_TIMER_MASK;
		u32 apic = apic_read(APIC_TIMER_CURRENT);
		u64 after = rdtsc();

		if (after - before < best_gap) {
			best_gap = after - before;
			best = (struct reading){pm, before + best_gap / 2, apic};
		}
	}
	return best;
}

static u64 per_second(u64 ticks, u32 pm_ticks)
{
	/* 50 ms of any clock below 100 GHz: no overflow. */
	return ticks * PM_TIMER_HZ / pm_ticks;
}

void clock_measure(void)
{
	struct reading start, end;
	u32 elapsed;

	apic_write(APIC_LVT_TIMER, APIC_LVT_MASK | VECTOR_TIMER);
	apic_timer_start(~0u);
	start = read_clocks();
	while (((in32(acpi_facts.pm_timer_port) - start.pm) & PM_TIMER_MASK) < MEASURE_TICKS)
		arch_pause();
	end = read_clocks();
	apic_timer_start(0);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);

	elapsed = (end.pm - start.pm) & PM_TIMER_MASK;
	clock_tsc_hz = per_second(end.tsc - start.tsc, elapsed);
	clock_apic_hz = per_second(start.apic - end.apic, elapsed);
	clock_ticks_per_tsc = (clock_apic_hz << 32) / clock_tsc_hz;
}

void clock_delay_us(u32 us)
{
	u64 end = rdtsc() + clock_tsc_hz / 1000000 * us;

	while (rdtsc() < end)
		arch_pause();
}
