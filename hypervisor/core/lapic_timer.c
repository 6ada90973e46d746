/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's timer. A count runs from `timer_start` (TSC) and expires when `timer_ticks` of
 * the virtual bus clock have passed; a period only adds to timer_ticks, so that no rounding adds
 * up. Deadlines are in the guest's TSC, which is the processor's plus vp->tsc_offset.
 *
 * A count that runs is queued; one that is not has run out, and stays zero until the guest writes it
 * again, whatever the mode becomes (SDM 3A 11.5.4). The registers may be looked at when the timer is due
 * and nobody has come yet: settle() makes up for that before anything changes.
 */
#include "core/arch.h"
#include "core/lapic_parts.h"
#include "core/partition.h"
#include "core/scale.h"

enum { MODE_ONE_SHOT, MODE_PERIODIC, MODE_DEADLINE, MODE_RESERVED };

#define FLOOR (LAPIC_HZ / TIMER_FLOOR_HZ)

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

static bool is_running(const struct lapic *l)
{
	return l->timer.deadline != TIMER_NEVER;
}

static u64 elapsed(const struct lapic *l)
{
	return scale_apply(ticks_per_tsc, vp_host_tsc(vp_of(l)) - l->timer_start);
}

static void arm_count(struct lapic *l)
{
	/* + 1: not before the last tick has passed. */
	timer_set(vp_of(l)->timers, &l->timer,
		  l->timer_start + scale_apply(tsc_per_tick, l->timer_ticks) + 1);
}

static void raise(struct lapic *l, u32 lvt)
{
	if (!(lvt & LAPIC_LVT_MASKED))
		lapic_post(l, (u8)lvt, false);
}

/* Periods that passed unseen, or are too short, are one interrupt, as in hardware that was held up. */
static void expire(struct lapic *l, u32 lvt)
{
	if (mode_of(lvt) == MODE_PERIODIC) {
		l->timer_ticks = timer_next(l->timer_ticks, period(l), elapsed(l), FLOOR);
		arm_count(l);
	}
	l->tsc_deadline = 0;
	raise(l, lvt);
}

static void fire(struct timer *t)
{
	struct lapic *l = container_of(t, struct lapic, timer);

	expire(l, l->lvt[LVT_TIMER]);
	vp_kick(vp_of(l));
}

static bool is_due(const struct lapic *l, u32 lvt)
{
	if (!is_running(l))
		return false;
	if (mode_of(lvt) >= MODE_DEADLINE)
		return l->timer.deadline <= vp_host_tsc(vp_of(l));
	return elapsed(l) >= l->timer_ticks;
}

/* What is due under `lvt`, which is about to change, or the count, happens first. */
static void settle(struct lapic *l, u32 lvt)
{
	if (!is_due(l, lvt))
		return;
	timer_cancel(vp_of(l)->timers, &l->timer);
	expire(l, lvt);
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

/* Ticks until the count is zero next, which with short periods is before the timer fires. */
static u64 ticks_left(const struct lapic *l, u32 lvt)
{
	u64 now = elapsed(l);
	bool periodic = mode_of(lvt) == MODE_PERIODIC;

	if (now < l->timer_ticks)
		return periodic ? (l->timer_ticks - now - 1) % period(l) + 1 : l->timer_ticks - now;
	return periodic ? period(l) - (now - l->timer_ticks) % period(l) : 0;
}

void lapic_timer_mode_changed(struct lapic *l, u32 old)
{
	bool deadline = mode_of(l->lvt[LVT_TIMER]) >= MODE_DEADLINE;

	settle(l, old);
	/* One-shot and periodic share the count; to or from the others, the timer stops. */
	if (deadline != (mode_of(old) >= MODE_DEADLINE)) {
		timer_cancel(vp_of(l)->timers, &l->timer);
		l->timer_initial = 0;
		l->tsc_deadline = 0;
	} else if (is_running(l) && mode_of(old) == MODE_PERIODIC) {
		l->timer_ticks = elapsed(l) + ticks_left(l, old);
		arm_count(l);
	}
}

/* From now, `ticks` of the bus clock to the first zero. */
static void start(struct lapic *l, u64 ticks)
{
	l->timer_start = vp_host_tsc(vp_of(l));
	l->timer_ticks = ticks;
	arm_count(l);
}

void lapic_timer_set_initial(struct lapic *l, u32 count)
{
	if (mode_of(l->lvt[LVT_TIMER]) >= MODE_DEADLINE)
		return;
	settle(l, l->lvt[LVT_TIMER]);
	l->timer_initial = count;
	if (count)
		start(l, period(l));
	else
		timer_cancel(vp_of(l)->timers, &l->timer);
}

u32 lapic_timer_current(const struct lapic *l)
{
	u32 lvt = l->lvt[LVT_TIMER];
	u64 left;

	if (mode_of(lvt) >= MODE_DEADLINE || !is_running(l))
		return 0;
	left = ticks_left(l, lvt);
	return left ? (u32)(((left - 1) >> divisor_shift(l->timer_divide)) + 1) : 0;
}

/* The count goes on from where it is, at the new speed. */
void lapic_timer_set_divide(struct lapic *l, u32 divide)
{
	u32 left;

	settle(l, l->lvt[LVT_TIMER]);
	left = lapic_timer_current(l);
	l->timer_divide = divide;
	if (left)
		start(l, (u64)left << divisor_shift(divide));
}

void lapic_timer_restore(struct lapic *l, u32 initial, u32 current, u32 divide)
{
	l->timer_initial = initial;
	l->timer_divide = divide;
	if (current && mode_of(l->lvt[LVT_TIMER]) < MODE_DEADLINE)
		start(l, (u64)current << divisor_shift(divide));
}

u64 lapic_timer_deadline(const struct lapic *l)
{
	return l->tsc_deadline;
}

static void arm_deadline(struct lapic *l)
{
	struct vp *vp = vp_of(l);
	u64 tsc = vp_host_tsc(vp), now = tsc + vp->tsc_offset;
	/* It may have passed since the caller looked. */
	u64 left = l->tsc_deadline > now ? l->tsc_deadline - now : 0;

	timer_set(vp->timers, &l->timer,
		  l->tsc_deadline && left < TIMER_NEVER - tsc ? tsc + left : TIMER_NEVER);
}

/* It fires when the guest's TSC is at the deadline or past it (SDM 3A 11.5.4.1). */
void lapic_timer_set_deadline(struct lapic *l, u64 deadline)
{
	struct vp *vp = vp_of(l);

	if (mode_of(l->lvt[LVT_TIMER]) != MODE_DEADLINE)
		return;
	settle(l, l->lvt[LVT_TIMER]);
	if (deadline && deadline <= vp_host_tsc(vp) + vp->tsc_offset) {
		timer_cancel(vp->timers, &l->timer);
		expire(l, l->lvt[LVT_TIMER]);
		return;
	}
	l->tsc_deadline = deadline;
	arm_deadline(l);
}

void lapic_timer_tsc_moved(struct lapic *l)
{
	settle(l, l->lvt[LVT_TIMER]);
	if (l->tsc_deadline)
		lapic_timer_set_deadline(l, l->tsc_deadline);
}
