/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual time: order of timers, stopping, restoring, and arithmetic without overflow.
 */
#include <string.h>

#include "board/clock.h"
#include "test_main.h"

static uint64_t host, wanted;
static struct vdev_clock virtual;
static struct vdev_timer timers[3];
static char order[16];

static uint64_t read_host(void *owner)
{
	return host;
}

static void note_rearm(void *owner, uint64_t deadline)
{
	wanted = deadline;
}

static const struct vdev_clock_source source = {read_host, note_rearm};

static void note_expiry(void *owner)
{
	size_t n = strlen(order);

	order[n] = (char)('a' + ((struct vdev_timer *)owner - timers));
	order[n + 1] = 0;
}

static void setup(void)
{
	host = 5000;
	order[0] = 0;
	vdev_clock_init(&virtual, &source, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
		vdev_timer_init(&timers[i], &virtual, note_expiry, &timers[i]);
}

static void teardown(void)
{
}

START_TEST(timers_expire_in_order_of_deadline)
{
	vdev_timer_arm(&timers[0], 30);
	vdev_timer_arm(&timers[1], 10);
	vdev_timer_arm(&timers[2], 20);
	ck_assert_uint_eq(wanted, 5010);
	host = 5025;
	vdev_clock_run(&virtual);
	ck_assert_str_eq(order, "bc");
	ck_assert_uint_eq(wanted, 5030);
	vdev_timer_cancel(&timers[0]);
	ck_assert_uint_eq(wanted, VDEV_NEVER);
	host = 6000;
	vdev_clock_run(&virtual);
	ck_assert_str_eq(order, "bc");
}
END_TEST

START_TEST(a_later_arm_replaces)
{
	vdev_timer_arm(&timers[0], 10);
	vdev_timer_arm(&timers[0], 50);
	host += 20;
	vdev_clock_run(&virtual);
	ck_assert_str_eq(order, "");
	host += 30;
	vdev_clock_run(&virtual);
	ck_assert_str_eq(order, "a");
	ck_assert(!timers[0].armed);
}
END_TEST

static void rearm_in_the_past(void *owner)
{
	note_expiry(owner);
	vdev_timer_arm(owner, 1);
}

START_TEST(a_timer_that_rearms_itself_does_not_hang)
{
	timers[0].expire = rearm_in_the_past;
	vdev_timer_arm(&timers[0], 0);
	vdev_clock_run(&virtual);
	ck_assert_str_eq(order, "a");
	vdev_timer_cancel(&timers[0]);
}
END_TEST

static void cancel_the_next(void *owner)
{
	note_expiry(owner);
	vdev_timer_cancel(&timers[1]);
}

START_TEST(a_timer_may_cancel_another_that_is_due)
{
	timers[0].expire = cancel_the_next;
	vdev_timer_arm(&timers[0], 1);
	vdev_timer_arm(&timers[1], 2);
	vdev_timer_arm(&timers[2], 3);
	host += 10;
	vdev_clock_run(&virtual);
	ck_assert_str_eq(order, "ac");
}
END_TEST

START_TEST(stopped_time_stands_still)
{
	vdev_timer_arm(&timers[0], 100);
	host += 40;
	vdev_clock_stop(&virtual);
	ck_assert_uint_eq(wanted, VDEV_NEVER);
	host += 1000;
	ck_assert_uint_eq(vdev_clock_now(&virtual), 40);
	vdev_clock_run(&virtual);
	ck_assert_str_eq(order, "");
	vdev_clock_start(&virtual);
	ck_assert_uint_eq(wanted, host + 60);
	ck_assert_uint_eq(vdev_clock_now(&virtual), 40);
	host += 60;
	vdev_clock_run(&virtual);
	ck_assert_str_eq(order, "a");
}
END_TEST

START_TEST(restored_time_goes_on)
{
	vdev_clock_stop(&virtual);
	vdev_clock_set(&virtual, 1000000);
	vdev_clock_start(&virtual);
	host += 5;
	ck_assert_uint_eq(vdev_clock_now(&virtual), 1000005);
}
END_TEST

START_TEST(conversions_round_the_right_way)
{
	const uint32_t pit = 1193182, pm = 3579545;

	ck_assert_uint_eq(vdev_ns_to_ticks(VDEV_SECOND, pit), pit);
	ck_assert_uint_eq(vdev_ns_to_ticks(UINT64_C(500) * 365 * 86400 * VDEV_SECOND, pm),
			  UINT64_C(500) * 365 * 86400 * pm);
	for (uint64_t ticks = 0; ticks < 100000; ticks += 7)
		ck_assert_uint_eq(vdev_ns_to_ticks(vdev_ticks_to_ns(ticks, pit), pit), ticks);
}
END_TEST

TEST_MAIN("vdev/clock", setup, teardown, timers_expire_in_order_of_deadline, a_later_arm_replaces,
	  a_timer_that_rearms_itself_does_not_hang, a_timer_may_cancel_another_that_is_due,
	  stopped_time_stands_still, restored_time_goes_on, conversions_round_the_right_way)
