/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's timer. A count runs from `timer_start` (TSC) and expires when `timer_ticks` of
 * the virtual bus clock have passed; a period only adds to timer_ticks, so that no rounding adds
 * up. Deadlines are in the guest's TSC, which is the processor's plus vp->tsc_offset.
 */
#include "core/arch.h"
#include "core/lapic_parts.h"
#include "core/partition.h"
#include "core/scale.h"

enum { MODE_ONE_SHOT, MODE_PERIODIC, MODE_DEADLINE, MODE_RESERVED };

static struct scale ticks_per_tsc, tsc_per_tick;

void lapic_init_clock(void)
{
	ticks_per_tsc = scale_make(LAPIC_HZ, arch_tsc_hz());
	tsc_per_tick = scale_make(arch_tsc_hz(), LAPIC_HZ);
}

static struct vp *vp_of(const struct lapic *l)
{
	return container_of(l, struct vp, lapic);
}

static u32 mode_of(u32 lvt)
{
	return lvt >> 17 & 3;
}

/* Divide configuration: bits 3, 1, 0; 0 … 6 are 2 … 128, 7 is 1. */
static u32 divisor_shift(u32 divide)
{
	return (((divide & 3) | (divide >> 1 & 4)) + 1) & 7;
}

static u64 period(const struct lapic *l)
{
	return (u64)l->timer_initial << divisor_shift(l->timer_divide);
}

static u64 elapsed(const struct lapic *l)
{
	return scale_apply(ticks_per_tsc, arch_tsc() - l->timer_start);
}

static void arm_count(struct lapic *l)
{
	/* + 1: not before the last tick has passed. */
	timer_set(vp_of(l)->timers, &l->timer,
		  l->timer_start + scale_apply(tsc_per_tick, l->timer_ticks) + 1);
}

static void raise(struct lapic *l)
{
	u32 lvt = l->lvt[LVT_TIMER];

	if (!(lvt & LAPIC_LVT_MASKED))
		lapic_post(l, (u8)lvt, false);
}

static void next_period(struct lapic *l)
{
	u64 late = max_u64(elapsed(l), l->timer_ticks) - l->timer_ticks;

	/* Periods that passed unseen are one interrupt, as in hardware. */
	l->timer_ticks += (late / period(l) + 1) * period(l);
	arm_count(l);
}

static void fire(struct timer *t)
{
	struct lapic *l = container_of(t, struct lapic, timer);

	if (mode_of(l->lvt[LVT_TIMER]) == MODE_PERIODIC)
		next_period(l);
	l->tsc_deadline = 0;
	raise(l);
	vp_kick(vp_of(l));
}

void lapic_timer_init(struct lapic *l)
{
	timer_init(&l->timer, fire);
	l->timer_initial = l->timer_divide = 0;
	l->timer_start = l->timer_ticks = 0;
	l->tsc_deadline = 0;
}

void lapic_timer_stop(struct lapic *l)
{
	timer_cancel(vp_of(l)->timers, &l->timer);
	lapic_timer_init(l);
}

void lapic_timer_mode_changed(struct lapic *l, u32 old)
{
	bool deadline = mode_of(l->lvt[LVT_TIMER]) >= MODE_DEADLINE;

	/* One-shot and periodic share the count; to or from the others, the timer stops. */
	if (deadline == (mode_of(old) >= MODE_DEADLINE))
		return;
	timer_cancel(vp_of(l)->timers, &l->timer);
	l->timer_initial = 0;
	l->tsc_deadline = 0;
}

void lapic_timer_set_initial(struct lapic *l, u32 count)
{
	if (mode_of(l->lvt[LVT_TIMER]) >= MODE_DEADLINE)
		return;
	l->timer_initial = count;
	if (!count) {
		timer_cancel(vp_of(l)->timers, &l->timer);
		return;
	}
	l->timer_start = arch_tsc();
	l->timer_ticks = period(l);
	arm_count(l);
}

u32 lapic_timer_current(const struct lapic *l)
{
	u64 now, left;

	if (!l->timer_initial)
		return 0;
	now = elapsed(l);
	if (now < l->timer_ticks)
		left = l->timer_ticks - now;
	else if (mode_of(l->lvt[LVT_TIMER]) == MODE_PERIODIC)
		left = period(l) - (now - l->timer_ticks) % period(l);
	else
		return 0;
	return (u32)(((left - 1) >> divisor_shift(l->timer_divide)) + 1);
}

/* The count goes on from where it is, at the new speed. */
void lapic_timer_set_divide(struct lapic *l, u32 divide)
{
	u32 left = lapic_timer_current(l);

	l->timer_divide = divide;
	if (!left)
		return;
	l->timer_start = arch_tsc();
	l->timer_ticks = (u64)left << divisor_shift(divide);
	arm_count(l);
}

void lapic_timer_restore(struct lapic *l, u32 initial, u32 current, u32 divide)
{
	l->timer_initial = initial;
	l->timer_divide = divide;
	if (!current || mode_of(l->lvt[LVT_TIMER]) >= MODE_DEADLINE)
		return;
	l->timer_start = arch_tsc();
	l->timer_ticks = (u64)current << divisor_shift(divide);
	arm_count(l);
}

u64 lapic_timer_deadline(const struct lapic *l)
{
	return l->tsc_deadline;
}

void lapic_timer_set_deadline(struct lapic *l, u64 deadline)
{
	struct vp *vp = vp_of(l);
	u64 tsc = arch_tsc(), left = deadline - (tsc + vp->tsc_offset);

	if (mode_of(l->lvt[LVT_TIMER]) != MODE_DEADLINE)
		return;
	if (deadline && deadline <= tsc + vp->tsc_offset) {
		l->tsc_deadline = 0;
		timer_cancel(vp->timers, &l->timer);
		raise(l);
		return;
	}
	l->tsc_deadline = deadline;
	timer_set(vp->timers, &l->timer,
		  deadline && left < TIMER_NEVER - tsc ? tsc + left : TIMER_NEVER);
}
