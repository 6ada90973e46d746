// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timers of a child that are too fast, or too far off. For an emulator that counts (-icount shift=0):
 * the same work is done with and without them, and the root has a timer of its own all the while.
 */
#include "apic.h"
#include "check.h"
#include "child.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv/msr.h"
#include "hv/synic.h"
#include "x86/asm.h"

#define PAGES       64
#define WORK        5000000ull /* rounds, some 10 ms */
#define VECTOR_APIC 0x50
#define VECTOR_SYNT 0x51 /* and three more */
#define ROOT_VECTOR 0x71
#define DIVIDE_BY_1 0xb
#define APIC_X2     0xfee00c00ull
#define COUNT_750NS 150u
#define COUNT_1MS   200000u
#define FLOOR_HZ    5000u
#define MILLISECOND 1000u

static struct child c;
static struct child_vp *v;
static u64 came; /* interrupts of the child */

static u64 taken(u8 vector)
{
	return load(this_cpu()->irq_count[vector]);
}

static u64 taken_in_all(void)
{
	u64 sum = taken(VECTOR_APIC);

	for (u8 i = 0; i < HV_TIMER_COUNT; i++)
		sum += taken(VECTOR_SYNT + i);
	return sum;
}

static void work(void)
{
	u64 before = taken_in_all();

	irq_on();
	for (u64 i = 0; i < WORK; i++)
		__asm__ volatile("" ::: "memory");
	irq_off();
	came = taken_in_all() - before;
}

static void x2apic_on(void)
{
	wrmsr(MSR_APIC_BASE, APIC_X2 | (rdmsr(MSR_APIC_BASE) & BIT(8)));
	apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
}

static void apic_periodic(void)
{
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR_APIC);
	apic_write(APIC_TIMER_INITIAL, COUNT_750NS);
}

static void synthetic_timers(u64 mode, u64 count)
{
	for (u32 i = 0; i < HV_TIMER_COUNT; i++) {
		wrmsr(HV_MSR_STIMER0_CONFIG + 2 * i, HV_TIMER_DIRECT | HV_TIMER_ENABLE | mode |
							     (u64)(VECTOR_SYNT + i)
								     << HV_TIMER_VECTOR_SHIFT);
		wrmsr(HV_MSR_STIMER0_CONFIG + 2 * i + 1, count);
	}
}

static void do_nothing_else(void *arg)
{
	x2apic_on();
	work();
}

static void do_apic(void *arg)
{
	x2apic_on();
	apic_periodic();
	work();
}

static void do_synthetic(void *arg)
{
	x2apic_on();
	synthetic_timers(HV_TIMER_PERIODIC, 1);
	work();
}

static void do_all(void *arg)
{
	x2apic_on();
	apic_periodic();
	synthetic_timers(HV_TIMER_PERIODIC, 3);
	work();
}

static void do_far_periods(void *arg)
{
	x2apic_on();
	synthetic_timers(HV_TIMER_PERIODIC, BIT(63));
	synthetic_timers(HV_TIMER_PERIODIC, ~0ull);
	work();
}

static void do_far_moments(void *arg)
{
	x2apic_on();
	synthetic_timers(0, BIT(63) + 1);
	synthetic_timers(0, ~0ull);
	work();
}

/* Runs f in a child, the root's timer going every millisecond; returns the TSC ticks it took. */
static u64 run(const char *name, void (*f)(void *))
{
	u64 start, ticks, due, before;
	u32 stop;

	child_new(&c, PAGES);
	child_add_vp(&c, 0);
	child_map_image(&c);
	v = &c.vp[0];
	child_load(v, f, NULL);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIODIC | ROOT_VECTOR);
	before = taken(ROOT_VECTOR);
	apic_write(APIC_TIMER_INITIAL, COUNT_1MS);
	start = rdtsc();
	stop = child_run(v);
	ticks = rdtsc() - start;
	apic_write(APIC_TIMER_INITIAL, 0);
	irq_window();
	check(stop == HV_MESSAGE_IO_PORT, name, "stopped by %x", stop);
	due = ticks * MILLISECOND / rdmsr(HV_MSR_TSC_FREQUENCY);
	check(taken(ROOT_VECTOR) - before >= due && due, name, "%lu of the root's %lu interrupts",
	      taken(ROOT_VECTOR) - before, due);
	check_equal(name, child_end(&c), 0);
	return ticks;
}

/* With `timers` timers that are too fast, the work takes a quarter more at most. */
static void fast(const char *name, void (*f)(void *), u32 timers, u64 alone)
{
	u64 ticks = run(name, f), most;

	most = timers * (ticks * FLOOR_HZ / rdmsr(HV_MSR_TSC_FREQUENCY) + 1);
	print_line("%s: %lu%% of the time alone, %lu interrupts", name, ticks * 100 / alone, came);
	check(ticks <= alone + alone / 4, name, "%lu ticks, alone %lu", ticks, alone);
	check(came <= most && came >= most / 2, name, "%lu interrupts, at most %lu", came, most);
}

static void far(const char *name, void (*f)(void *), u64 alone)
{
	u64 ticks = run(name, f);

	check(!came && ticks <= alone + alone / 4, name, "%lu interrupts, %lu ticks, alone %lu",
	      came, ticks, alone);
}

void test_child_timer(void)
{
	u64 alone = run("child-timers-none", do_nothing_else);

	far("child-timers-far-periods", do_far_periods, alone);
	far("child-timers-far-moments", do_far_moments, alone);
	fast("child-timers-750-ns", do_apic, 1, alone);
	fast("child-timers-synthetic", do_synthetic, HV_TIMER_COUNT, alone);
	fast("child-timers-all", do_all, HV_TIMER_COUNT + 1, alone);
}
