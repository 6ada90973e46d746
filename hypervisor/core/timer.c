/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A singly linked list, earliest first; timers of one deadline fire in the order they were set. What
 * is set while due timers fire is not due before the next look, so a look always comes to its end.
 */
#include "core/timer.h"
#include "core/arch.h"

void timer_init(struct timer *t, void (*fire)(struct timer *))
{
	*t = (struct timer){.deadline = TIMER_NEVER, .fire = fire};
}

static void arm(struct timer_queue *q)
{
	u64 deadline = q->first ? q->first->deadline : TIMER_NEVER;

	if (q->armed == deadline || q->parked)
		return;
	q->armed = deadline;
	arch_timer_arm(deadline);
}

static void unlink_timer(struct timer_queue *q, struct timer *t)
{
	struct timer **at = &q->first;

	if (t->deadline == TIMER_NEVER)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->deadline = TIMER_NEVER;
}

void timer_set(struct timer_queue *q, struct timer *t, u64 deadline)
{
	struct timer **at = &q->first;

	unlink_timer(q, t);
	if (deadline <= q->looking_at)
		deadline = q->looking_at + 1;
	if (deadline != TIMER_NEVER) {
		while (*at && (*at)->deadline <= deadline)
			at = &(*at)->next;
		t->deadline = deadline;
		t->next = *at;
		*at = t;
	}
	arm(q);
}

void timer_cancel(struct timer_queue *q, struct timer *t)
{
	timer_set(q, t, TIMER_NEVER);
}

void timer_move(struct timer_queue *from, struct timer_queue *to, struct timer *t)
{
	u64 deadline = t->deadline;

	unlink_timer(from, t);
	timer_set(to, t, deadline);
}

u64 timer_next(u64 last, u64 period, u64 now, u64 floor)
{
	u64 late = now > last ? now - last : 0, next;

	if (period < floor)
		late += floor - 1;
	if (__builtin_mul_overflow(late / period + 1, period, &next) ||
	    __builtin_add_overflow(next, last, &next))
		return TIMER_NEVER;
	return next;
}

void timers_look_by(struct timer_queue *q, u64 deadline)
{
	if (q->armed && q->armed <= deadline) /* 0: never told */
		return;
	q->armed = deadline;
	arch_timer_arm(deadline);
}

void timers_expire(struct timer_queue *q, u64 now)
{
	struct timer *t;

	/* The physical timer is spent, even if it fired a little early. */
	q->armed = TIMER_NEVER;
	q->looking_at = now;
	while ((t = q->first) && t->deadline <= now) {
		q->first = t->next;
		t->deadline = TIMER_NEVER;
		t->fire(t);
	}
	q->looking_at = 0;
	arm(q);
}
