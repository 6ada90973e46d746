/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The timer queue: order, what the physical timer is told, setting again while firing. */
#include "core/timer.h"
#include "runner.h"

static struct timer_queue queue;
static struct timer timers[3];
static int order[16], fired;
static u64 again_at; /* what firing timer 0 sets it to, or 0 */

static void note(struct timer *t)
{
	order[fired++] = (int)(t - timers);
	if (t == timers && again_at) {
		timer_set(&queue, t, again_at);
		again_at = 0;
	}
}

static void prepare(void)
{
	queue = (struct timer_queue){.first = NULL};
	fired = 0;
	again_at = 0;
	for (int i = 0; i < 3; i++)
		timer_init(&timers[i], note);
}

START_TEST(earliest_arms_once)
{
	prepare();
	timer_set(&queue, &timers[0], 300);
	ck_assert_uint_eq(fake.timer_armed, 300);
	timer_set(&queue, &timers[1], 200);
	ck_assert_uint_eq(fake.timer_armed, 200);
	timer_set(&queue, &timers[2], 400);
	ck_assert_uint_eq(fake.timer_armed, 200);
	ck_assert_uint_eq(fake.timer_arms, 2);
	timer_cancel(&queue, &timers[1]);
	ck_assert_uint_eq(fake.timer_armed, 300);
	timer_set(&queue, &timers[0], 500);
	ck_assert_uint_eq(fake.timer_armed, 400);
	timer_cancel(&queue, &timers[2]);
	timer_cancel(&queue, &timers[0]);
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
	timer_cancel(&queue, &timers[0]);
	ck_assert_uint_eq(timers[0].deadline, TIMER_NEVER);
}
END_TEST

START_TEST(fires_what_is_due_in_order)
{
	prepare();
	timer_set(&queue, &timers[0], 30);
	timer_set(&queue, &timers[1], 10);
	timer_set(&queue, &timers[2], 30);
	timers_expire(&queue, 9);
	ck_assert_int_eq(fired, 0);
	timers_expire(&queue, 30);
	ck_assert_int_eq(fired, 3);
	ck_assert_int_eq(order[0], 1);
	ck_assert_int_eq(order[1], 0);
	ck_assert_int_eq(order[2], 2);
	ck_assert_uint_eq(fake.timer_armed, 10);
	timer_set(&queue, &timers[1], 40);
	ck_assert_uint_eq(fake.timer_armed, 40);
}
END_TEST

START_TEST(too_early_arms_again)
{
	prepare();
	timer_set(&queue, &timers[0], 100);
	timers_expire(&queue, 99);
	ck_assert_uint_eq(fake.timer_arms, 2);
	ck_assert_uint_eq(fake.timer_armed, 100);
}
END_TEST

START_TEST(set_again_while_firing)
{
	prepare();
	again_at = 20;
	timer_set(&queue, &timers[0], 10);
	timer_set(&queue, &timers[1], 15);
	timers_expire(&queue, 15);
	ck_assert_int_eq(fired, 2);
	ck_assert_uint_eq(fake.timer_armed, 20);
	again_at = 25; /* due within the same look: at the next one */
	timers_expire(&queue, 30);
	ck_assert_int_eq(fired, 3);
	ck_assert_uint_eq(fake.timer_armed, 31);
	timers_expire(&queue, 30);
	ck_assert_int_eq(fired, 3);
	timers_expire(&queue, 31);
	ck_assert_int_eq(fired, 4);
	ck_assert_ptr_null(queue.first);
}
END_TEST

TEST_MAIN("timer", earliest_arms_once, fires_what_is_due_in_order, too_early_arms_again,
	  set_again_while_firing)
