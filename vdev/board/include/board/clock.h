/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual time of one machine, in nanoseconds: monotonic, standing still while the machine is
 * paused, and carried over by save and restore. Devices know no other time (but the RTC, which also
 * asks for the date). Where it comes from is the worker's or the test's business.
 */
#ifndef BOARD_CLOCK_H
#define BOARD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define VDEV_SECOND      UINT64_C(1000000000)
#define VDEV_MILLISECOND UINT64_C(1000000)
#define VDEV_NEVER       UINT64_MAX

struct vdev_clock_source {
	/* Monotonic nanoseconds since any moment. */
	uint64_t (*read)(void *owner);
	/*
	 * The earliest timer is now due at `deadline` of this source (VDEV_NEVER: there is none): call
	 * vdev_clock_run() then. May be NULL if the owner polls vdev_clock_deadline().
	 */
	void (*rearm)(void *owner, uint64_t deadline);
};

struct vdev_timer {
	struct vdev_timer *next; /* in the clock's list, by deadline */
	struct vdev_clock *clock;
	uint64_t deadline; /* valid while armed */
	bool armed;
	void (*expire)(void *owner);
	void *owner;
};

struct vdev_clock {
	const struct vdev_clock_source *source;
	void *owner;
	uint64_t offset; /* virtual = source + offset, modulo 2^64 */
	bool stopped;
	uint64_t stopped_at;
	struct vdev_timer *first;
};

/* Virtual time begins at 0, running. */
void vdev_clock_init(struct vdev_clock *clock, const struct vdev_clock_source *source, void *owner);

uint64_t vdev_clock_now(const struct vdev_clock *clock);

/* Stops or continues time; nothing expires while it is stopped. */
void vdev_clock_stop(struct vdev_clock *clock);
void vdev_clock_start(struct vdev_clock *clock);
/* Puts a stopped clock to `now`, before the devices are restored. */
void vdev_clock_set(struct vdev_clock *clock, uint64_t now);

/* Calls what is due at the moment of the call, in the order of deadlines; not what that arms anew. */
void vdev_clock_run(struct vdev_clock *clock);

/* Virtual time of the earliest timer, or VDEV_NEVER. */
uint64_t vdev_clock_deadline(const struct vdev_clock *clock);

void vdev_timer_init(struct vdev_timer *timer, struct vdev_clock *clock,
		     void (*expire)(void *owner), void *owner);
/* At virtual time `deadline`, also a past one; replaces an earlier deadline. VDEV_NEVER cancels. */
void vdev_timer_arm(struct vdev_timer *timer, uint64_t deadline);
void vdev_timer_cancel(struct vdev_timer *timer);

/*
 * ticks = ns × hz / 10⁹ and back (rounded up, so that the tick is reached), without overflow for
 * spans of 500 years and frequencies below 2³².
 */
uint64_t vdev_ns_to_ticks(uint64_t ns, uint32_t hz);
uint64_t vdev_ticks_to_ns(uint64_t ticks, uint32_t hz);

#endif
