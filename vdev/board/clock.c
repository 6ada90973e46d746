/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual time and its timers, a list sorted by deadline: a machine has about ten. Invariants: a
 * timer is in the list if and only if it is armed; the source is told whenever the head changes.
 */
#include "board/clock.h"

#include <stddef.h>

#include "base/macros.h"

void vdev_clock_init(struct vdev_clock *clock, const struct vdev_clock_source *source, void *owner)
{
	*clock = (struct vdev_clock){.source = source, .owner = owner};
	clock->offset = 0 - source->read(owner);
}

uint64_t vdev_clock_now(const struct vdev_clock *clock)
{
	if (clock->stopped)
		return clock->stopped_at;
	return clock->source->read(clock->owner) + clock->offset;
}

uint64_t vdev_clock_deadline(const struct vdev_clock *clock)
{
	return clock->first ? clock->first->deadline : VDEV_NEVER;
}

static void tell_source(struct vdev_clock *clock)
{
	uint64_t deadline = vdev_clock_deadline(clock);

	if (!clock->source->rearm)
		return;
	if (clock->stopped || deadline == VDEV_NEVER)
		clock->source->rearm(clock->owner, VDEV_NEVER);
	else
		clock->source->rearm(clock->owner, deadline - clock->offset);
}

void vdev_clock_stop(struct vdev_clock *clock)
{
	if (clock->stopped)
		return;
	clock->stopped_at = vdev_clock_now(clock);
	clock->stopped = true;
	tell_source(clock);
}

void vdev_clock_start(struct vdev_clock *clock)
{
	if (!clock->stopped)
		return;
	clock->stopped = false;
	clock->offset = clock->stopped_at - clock->source->read(clock->owner);
	tell_source(clock);
}

void vdev_clock_set(struct vdev_clock *clock, uint64_t now)
{
	CHECK(clock->stopped);
	clock->stopped_at = now;
}

static void unlink_timer(struct vdev_timer *timer)
{
	struct vdev_timer **at = &timer->clock->first;

	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer->armed = false;
}

static void link_timer(struct vdev_timer *timer)
{
	struct vdev_timer **at = &timer->clock->first;

	while (*at && (*at)->deadline <= timer->deadline)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
	timer->armed = true;
}

void vdev_timer_init(struct vdev_timer *timer, struct vdev_clock *clock,
		     void (*expire)(void *owner), void *owner)
{
	*timer = (struct vdev_timer){.clock = clock, .expire = expire, .owner = owner};
}

void vdev_timer_arm(struct vdev_timer *timer, uint64_t deadline)
{
	uint64_t before = vdev_clock_deadline(timer->clock);

	if (timer->armed)
		unlink_timer(timer);
	timer->deadline = deadline;
	if (deadline != VDEV_NEVER)
		link_timer(timer);
	if (vdev_clock_deadline(timer->clock) != before)
		tell_source(timer->clock);
}

void vdev_timer_cancel(struct vdev_timer *timer)
{
	if (timer->armed)
		vdev_timer_arm(timer, VDEV_NEVER);
}

/*
 * A device that arms a timer for a moment already past would keep this loop busy for ever; so a
 * timer expires at most once in a call. Those that were due are taken out of the list first.
 */
void vdev_clock_run(struct vdev_clock *clock)
{
	uint64_t now = vdev_clock_now(clock);
	size_t due = 0;

	if (clock->stopped)
		return;
	for (struct vdev_timer *t = clock->first; t && t->deadline <= now; t = t->next)
		due++;
	for (; due > 0 && vdev_clock_deadline(clock) <= now; due--) {
		struct vdev_timer *timer = clock->first;

		unlink_timer(timer);
		timer->expire(timer->owner);
	}
	tell_source(clock);
}

uint64_t vdev_ns_to_ticks(uint64_t ns, uint32_t hz)
{
	return (uint64_t)((unsigned __int128)ns * hz / VDEV_SECOND);
}

uint64_t vdev_ticks_to_ns(uint64_t ticks, uint32_t hz)
{
	return (uint64_t)(((unsigned __int128)ticks * VDEV_SECOND + hz - 1) / hz);
}
