/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers of one logical processor, kept in a short sorted list; the earliest arms the physical
 * timer. A timer belongs to the processor it was set on and is set, cancelled and expired there
 * only: no locks. The timers of a VP that runs nowhere are on a parked queue of its own.
 */
#pragma once

#include "core/types.h"

#define TIMER_NEVER    (~0ull)

/*
 * The floor of guests' periods, 200 µs: each expiry interrupts the guest, whose handler exits at least
 * once, so five timers with no floor can take a processor for good. No guest known to us asks for
 * less, and KVM has the same (its min_timer_period_us).
 */
#define TIMER_FLOOR_HZ 5000u

struct timer {
	u64 deadline; /* TSC ticks; TIMER_NEVER when not queued */
	struct timer *next;
	void (*fire)(struct timer *t); /* called from timers_expire() on the owning processor */
};

struct timer_queue {
	struct timer *first;
	u64 armed;      /* what arch_timer_arm() was last told: saves arming twice */
	u64 looking_at; /* inside timers_expire(): its `now`; else 0 */
	bool parked;    /* no physical timer behind it */
};

void timer_init(struct timer *t, void (*fire)(struct timer *));

/* Sets (or moves) a timer on this processor's queue. O(timers on this processor): three or four. */
void timer_set(struct timer_queue *q, struct timer *t, u64 deadline);
void timer_cancel(struct timer_queue *q, struct timer *t);

/*
 * Takes a timer, if it is set, from one queue to another with its deadline. The physical timer of the
 * first stays armed: the timer is likely to come back before it runs out, and if not, nothing is due.
 */
void timer_move(struct timer_queue *from, struct timer_queue *to, struct timer *t);

/*
 * The next expiry of a periodic timer that expired, or was started, at `last`, in any unit: later than
 * `now`, and a whole number of periods (not 0) after `last`. Periods that have passed unseen are
 * dropped; those of a period that is shorter than `floor` are coalesced, so that the next expiry is at
 * least `floor` after this one. TIMER_NEVER: further off than can be counted.
 */
u64 timer_next(u64 last, u64 period, u64 now, u64 floor);

/* timers_expire() comes by `deadline` even if nothing is due; until the next change of the queue. */
void timers_look_by(struct timer_queue *q, u64 deadline);

/*
 * Calls fire() of everything that is due, once each, and arms the physical timer for the rest. A timer
 * that is set meanwhile has its turn at a later look, whatever its deadline.
 */
void timers_expire(struct timer_queue *q, u64 now);
