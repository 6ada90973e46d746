/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The management lock goes to who waits longest, and who waits answers flushes. */
#include <pthread.h>
#include <sched.h>

#include "core/manage.h"
#include "runner.h"

#define WAITERS 3
#define ROUNDS  20

static u32 waiting, served;
static u32 order[WAITERS];
static __thread bool told;

static void note_wait(void)
{
	if (!told)
		__atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
	told = true;
	sched_yield();
}

static void *take(void *number)
{
	manage_lock();
	order[served++] = *(u32 *)number;
	manage_unlock();
	return NULL;
}

START_TEST(first_come_first_served)
{
	pthread_t thread[WAITERS];
	u32 number[WAITERS];

	fake.on_quiet = note_wait;
	for (u32 round = 0; round < ROUNDS; round++) {
		waiting = served = 0;
		manage_lock();
		for (u32 i = 0; i < WAITERS; i++) {
			number[i] = i;
			ck_assert_int_eq(pthread_create(&thread[i], NULL, take, &number[i]), 0);
			while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) <= i)
				sched_yield();
		}
		manage_unlock();
		for (u32 i = 0; i < WAITERS; i++)
			ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
		for (u32 i = 0; i < WAITERS; i++)
			ck_assert_uint_eq(order[i], i);
	}
}
END_TEST

TEST_MAIN("manage", first_come_first_served)
