// SPDX-License-Identifier: GPL-2.0-or-later
/* The local APIC's timer: one-shot, periodic, TSC deadline, masks and changes of mode. */
#include "apic.h"
#include "check.h"
#include "cpu.h"
#include "groups.h"
#include "hv/msr.h"

#define VECTOR_TIMER_TEST 0x71
#define COUNT             20000u   /* 100 µs of the 200 MHz clock */
#define LONG_COUNT        2000000u /* 10 ms: time enough to stop it */
#define DIVIDE_BY_1       0xb
#define DIVIDE_BY_16      0x3

static u64 *fired(void)
{
	return &this_cpu()->irq_count[VECTOR_TIMER_TEST];
}

/* Interrupts come in until the timer has fired `n` more times; false: it does not. */
static bool fires(u64 n)
{
	u64 goal = load(*fired()) + n;
	bool came;

	irq_on();
	came = wait_until(load(*fired()) >= goal);
	irq_off();
	return came;
}

/* Waits, interrupts on, twice as long as LONG_COUNT. */
static bool stays_silent(void)
{
	u64 before = load(*fired()), ticks = rdmsr(HV_MSR_TSC_FREQUENCY) / 50, start = rdtsc();

	irq_on();
	while (rdtsc() - start < ticks)
		cpu_pause();
	irq_off();
	return load(*fired()) == before;
}

/*
 * What was armed at `start` for LONG_COUNT or as long, and then stopped, does not fire. On a busy host
 * the time can be over before it was stopped: that says nothing.
 */
static bool stopped_since(u64 start)
{
	if (rdtsc() - start > rdmsr(HV_MSR_TSC_FREQUENCY) / 100) {
		irq_window();
		return true;
	}
	return stays_silent();
}

static void setup(u32 lvt)
{
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, lvt | VECTOR_TIMER_TEST);
}

static void test_one_shot(void)
{
	u64 current, later, start;

	setup(0);
	apic_write(APIC_TIMER_INITIAL, ~0u);
	current = apic_read(APIC_TIMER_CURRENT);
	later = apic_read(APIC_TIMER_CURRENT);
	check(current && later && later < current && current < 0xffffffff, "timer-counts-down",
	      "%lx, then %lx", current, later);
	apic_write(APIC_TIMER_INITIAL, COUNT);
	check(fires(1) && stays_silent(), "timer-one-shot", "fired %lu times", *fired());
	check_equal("timer-one-shot-end", apic_read(APIC_TIMER_CURRENT), 0);
	check_equal("timer-initial-stays", apic_read(APIC_TIMER_INITIAL), COUNT);
	start = rdtsc();
	apic_write(APIC_TIMER_INITIAL, LONG_COUNT);
	apic_write(APIC_TIMER_INITIAL, 0);
	check(stopped_since(start), "timer-stopped", "it fired");
}

static void test_masked(void)
{
	bool silent;

	setup(APIC_MASKED);
	apic_write(APIC_TIMER_INITIAL, COUNT);
	silent = stays_silent();
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER_TEST);
	check(silent && stays_silent(), "timer-masked", "it fired");
	setup(APIC_TIMER_PERIODIC | APIC_MASKED);
	apic_write(APIC_TIMER_INITIAL, COUNT);
	silent = stays_silent();
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR_TIMER_TEST);
	check(silent && fires(2), "timer-unmasked-goes-on", "masked: silent %d", silent);
}

static void test_periodic(void)
{
	u64 current;

	setup(APIC_TIMER_PERIODIC);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
	apic_write(APIC_TIMER_INITIAL, COUNT / 16);
	check(fires(20), "timer-periodic", "fired %lu times only", *fired());
	current = apic_read(APIC_TIMER_CURRENT);
	check(current && current <= COUNT / 16, "timer-periodic-current", "found %lx", current);
	apic_write(APIC_TIMER_INITIAL, 0);
	irq_window();
	check(stays_silent(), "timer-periodic-stopped", "it fired");
}

static void test_hlt(void)
{
	setup(0);
	apic_write(APIC_TIMER_INITIAL, COUNT);
	for (u64 before = *fired(); load(*fired()) == before;)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	check(true, "timer-ends-hlt", "unreached");
}

static void test_deadline(void)
{
	u64 tick = rdmsr(HV_MSR_TSC_FREQUENCY) / 10000, far = rdtsc() + tick * 1000000, v;

	setup(APIC_TIMER_DEADLINE);
	check_equal("timer-deadline-none", rdmsr(MSR_TSC_DEADLINE), 0);
	wrmsr(MSR_TSC_DEADLINE, far);
	v = rdmsr(MSR_TSC_DEADLINE);
	check(v == far && stays_silent(), "timer-deadline-far", "reads %lx, written %lx", v, far);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + tick);
	check(fires(1) && stays_silent(), "timer-deadline-near", "fired %lu times", *fired());
	check_equal("timer-deadline-spent", rdmsr(MSR_TSC_DEADLINE), 0);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() - tick);
	check(fires(1) && stays_silent(), "timer-deadline-past", "fired %lu times", *fired());
	wrmsr(MSR_TSC_DEADLINE, 1);
	check(fires(1) && stays_silent(), "timer-deadline-1", "fired %lu times", *fired());
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + tick * 100);
	wrmsr(MSR_TSC_DEADLINE, 0);
	check(stays_silent(), "timer-deadline-off", "it fired");
	wrmsr(MSR_TSC_DEADLINE, ~0ull);
	check(stays_silent(), "timer-deadline-never", "it fired");
}

/* Not before its time. */
static void test_deadline_not_early(void)
{
	u64 tick = rdmsr(HV_MSR_TSC_FREQUENCY) / 20000, early = 0;

	setup(APIC_TIMER_DEADLINE);
	for (u32 i = 0; i < 100; i++) {
		u64 deadline = rdtsc() + tick, before = *fired();

		wrmsr(MSR_TSC_DEADLINE, deadline);
		irq_on();
		while (load(*fired()) == before)
			cpu_pause();
		irq_off();
		early += rdtsc() < deadline;
	}
	check_equal("timer-deadline-not-early", early, 0);
}

static void test_mode_changes(void)
{
	u64 tick = rdmsr(HV_MSR_TSC_FREQUENCY) / 100, start, v;

	setup(APIC_TIMER_DEADLINE);
	start = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, start + tick);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER_TEST);
	check(stopped_since(start), "timer-deadline-then-one-shot", "it fired");
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + tick);
	v = rdmsr(MSR_TSC_DEADLINE);
	check(!v && stays_silent(), "timer-deadline-in-one-shot", "reads %lx", v);
	start = rdtsc();
	apic_write(APIC_TIMER_INITIAL, LONG_COUNT);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR_TIMER_TEST);
	check(stopped_since(start), "timer-one-shot-then-deadline", "it fired");
	apic_write(APIC_TIMER_INITIAL, LONG_COUNT);
	check(stays_silent(), "timer-count-in-deadline", "it fired");
}

static void many_deadlines(void *arg)
{
	u64 tick = rdmsr(HV_MSR_TSC_FREQUENCY) / 100000;

	setup(APIC_TIMER_DEADLINE);
	for (u32 i = 0; i < 200; i++) {
		u64 before = *fired();

		wrmsr(MSR_TSC_DEADLINE, rdtsc() + tick * (i % 7));
		irq_on();
		while (load(*fired()) == before)
			__asm__ volatile(
				"cli; cmp %1, %0; jne 1f; sti; hlt; 1: sti" ::"m"(*fired()),
				"r"(before)
				: "memory", "cc");
		irq_off();
	}
	apic_write(APIC_LVT_TIMER, APIC_MASKED);
}

void test_timer(void)
{
	test_one_shot();
	test_masked();
	test_periodic();
	test_hlt();
	test_deadline();
	test_deadline_not_early();
	test_mode_changes();
	check(cpu_run_all(many_deadlines, NULL), "timer-all-processors", "one was not woken");
	apic_write(APIC_LVT_TIMER, APIC_MASKED);
}
