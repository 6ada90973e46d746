/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The argument checks of the common half, seen through the fake backend, and the fake's own records.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "vid/fake.h"

static struct vid_partition *partition;
static struct vid_vp *vp;

static void setup(void)
{
	ck_assert_int_eq(vid_fake_partition_create(&partition), 0);
	ck_assert_int_eq(vid_vp_create(partition, 3, &vp), 0);
}

static void teardown(void)
{
	vid_vp_destroy(vp);
	vid_partition_destroy(partition);
}

static void *kick(void *argument)
{
	vid_vp_kick(vp);
	return NULL;
}

START_TEST(run_returns_queued_exits_and_kicks)
{
	struct vid_exit out = {.kind = VID_EXIT_IO, .io = {.port = 0x80, .size = 1, .write = true}};
	struct vid_exit in = {.kind = VID_EXIT_HALT};
	pthread_t thread;

	ck_assert_int_eq(vid_fake_queue_exit(vp, &out), 0);
	ck_assert_int_eq(vid_vp_run(vp, &in), 0);
	ck_assert_int_eq(in.kind, VID_EXIT_IO);
	ck_assert_uint_eq(in.io.port, 0x80);
	ck_assert_int_eq(pthread_create(&thread, NULL, kick, NULL), 0);
	ck_assert_int_eq(vid_vp_run(vp, &in), 0);
	ck_assert_int_eq(in.kind, VID_EXIT_INTERRUPTED);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(vid_vp_index(vp), 3);
}
END_TEST

START_TEST(msi_is_taken_apart)
{
	struct vid_interrupt i = vid_interrupt_from_msi(0xfee0500cu, 0xc123);

	ck_assert_uint_eq(i.destination, 5);
	ck_assert(i.logical);
	ck_assert(i.level);
	ck_assert_uint_eq(i.mode, VID_DELIVER_LOWEST);
	ck_assert_uint_eq(i.vector, 0x23);
}
END_TEST

START_TEST(interrupts_are_recorded)
{
	struct vid_interrupt i = {.vector = 0x31}, back[4];

	ck_assert_int_eq(vid_partition_interrupt(partition, &i), 0);
	ck_assert_uint_eq(vid_fake_take_interrupts(partition, back, 4), 1);
	ck_assert_uint_eq(back[0].vector, 0x31);
	ck_assert_uint_eq(vid_fake_take_interrupts(partition, back, 4), 0);
}
END_TEST

START_TEST(doorbells_match_address_size_and_value)
{
	_cleanup_close_ int fd = eventfd(0, EFD_NONBLOCK);
	struct vid_doorbell d = {VID_DOORBELL_PORT, 0x510, 2, true, 7};
	struct vid_doorbell bad[] = {
		{VID_DOORBELL_PORT, 0x10000, 2, false, 0}, {VID_DOORBELL_PORT, 0x510, 3, false, 0},
		{VID_DOORBELL_PORT, 0x510, 8, false, 0},   {VID_DOORBELL_MMIO, 0x510, 0, false, 0},
		{VID_DOORBELL_SIGNAL, 1, 4, false, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(vid_doorbell_set(partition, &bad[i], fd), -EINVAL);
	ck_assert_int_eq(vid_doorbell_set(partition, &d, -1), -EINVAL);
	ck_assert_int_eq(vid_doorbell_set(partition, &d, fd), 0);
	ck_assert_int_eq(vid_doorbell_set(partition, &d, fd), -EEXIST);
	ck_assert(vid_fake_guest_writes(partition, &d));
	d.value = 8;
	ck_assert(!vid_fake_guest_writes(partition, &d));
	ck_assert_int_eq(vid_doorbell_clear(partition, &d), -ENOENT);
	d.value = 7;
	ck_assert_int_eq(vid_doorbell_clear(partition, &d), 0);
	ck_assert(!vid_fake_guest_writes(partition, &d));
}
END_TEST

START_TEST(irqfds_post_their_interrupt)
{
	_cleanup_close_ int fd = eventfd(1, EFD_NONBLOCK);
	struct vid_interrupt i = {.vector = 0x44}, back;

	ck_assert_int_eq(vid_irqfd_set(partition, fd, &i), 0);
	ck_assert_int_eq(vid_irqfd_set(partition, fd, &i), -EEXIST);
	ck_assert_uint_eq(vid_fake_run_irqfds(partition), 1);
	ck_assert_uint_eq(vid_fake_run_irqfds(partition), 0);
	ck_assert_uint_eq(vid_fake_take_interrupts(partition, &back, 1), 1);
	ck_assert_uint_eq(back.vector, 0x44);
	ck_assert_int_eq(vid_irqfd_clear(partition, fd), 0);
	ck_assert_int_eq(vid_irqfd_clear(partition, fd), -ENOENT);
}
END_TEST

START_TEST(irqfds_set_their_flag)
{
	_cleanup_close_ int fd = eventfd(1, EFD_NONBLOCK);
	const struct vid_event_flag flag = {.vp_index = 3, .sint = 2, .flag = 9};
	struct vid_fake_event event;

	ck_assert_int_eq(vid_irqfd_set_flag(partition, fd, &flag), 0);
	ck_assert_uint_eq(vid_fake_run_irqfds(partition), 1);
	ck_assert_uint_eq(vid_fake_take_events(partition, &event, 1), 1);
	ck_assert_uint_eq(event.vp_index, 3);
	ck_assert_uint_eq(event.flag, 9);
}
END_TEST

START_TEST(messages_and_flags_are_bounded)
{
	struct vid_fake_event e[4];
	char payload[241] = "hello";

	ck_assert_int_eq(vid_message_post(partition, 0, 16, 1, payload, 5), -EINVAL);
	ck_assert_int_eq(vid_message_post(partition, 0, 2, 1, payload, 241), -EINVAL);
	ck_assert_int_eq(vid_message_post(partition, 0, 2, 0, payload, 5), -EINVAL);
	ck_assert_int_eq(vid_event_flag_set(partition, 0, 2, 2048), -EINVAL);
	ck_assert_int_eq(vid_message_post(partition, 0, 2, 1, payload, 5), 0);
	ck_assert_int_eq(vid_event_flag_set(partition, 1, 2, 17), 0);
	ck_assert_int_eq(vid_message_post(partition, 0, 2, 1, payload, 5), -EAGAIN);
	ck_assert_uint_eq(vid_fake_take_events(partition, e, 4), 2);
	ck_assert_mem_eq(e[0].payload, "hello", 5);
	ck_assert_uint_eq(e[1].flag, 17);
}
END_TEST

START_TEST(a_slot_has_one_message)
{
	struct vid_fake_event e;
	bool wanted;

	ck_assert(!vid_fake_take_message(partition, &e, &wanted));
	ck_assert_int_eq(vid_event_flag_set(partition, 0, 2, 17), 0);
	ck_assert_int_eq(vid_message_post(partition, 0, 2, 1, "one", 3), 0);
	ck_assert_int_eq(vid_message_post(partition, 0, 3, 1, "other", 5), 0);
	ck_assert_int_eq(vid_message_post(partition, 1, 2, 1, "third", 5), 0);
	ck_assert(vid_fake_take_message(partition, &e, &wanted));
	ck_assert(!wanted);
	ck_assert_mem_eq(e.payload, "one", 3);
	ck_assert_int_eq(vid_message_post(partition, 0, 2, 1, "two", 3), 0);
	ck_assert_int_eq(vid_message_post(partition, 0, 2, 1, "no", 2), -EAGAIN);
	ck_assert(vid_fake_take_message(partition, &e, &wanted));
	ck_assert(wanted);
	ck_assert_int_eq(vid_event_flag_set(partition, 0, 2, 18), 0); /* flags have no slots */
}
END_TEST

START_TEST(state_and_registers_come_back)
{
	struct vid_register r[2] = {{0x20001, 10, 11}, {0x20002, 20, 21}};
	char buffer[8];
	size_t size;

	ck_assert_int_eq(vid_vp_set_registers(vp, r, 2), 0);
	r[1].low = 0;
	ck_assert_int_eq(vid_vp_get_registers(vp, r, 2), 0);
	ck_assert_uint_eq(r[1].low, 20);
	ck_assert_int_eq(vid_vp_set_state(vp, VID_VP_STATE_LAPIC, "lapic", 5), 0);
	ck_assert_int_eq(vid_vp_get_state(vp, VID_VP_STATE_LAPIC, buffer, 4, &size), -ENOSPC);
	ck_assert_int_eq(vid_vp_get_state(vp, VID_VP_STATE_LAPIC, buffer, 8, &size), 0);
	ck_assert_uint_eq(size, 5);
	ck_assert_mem_eq(buffer, "lapic", 5);
}
END_TEST

START_TEST(extint_waits_for_the_window)
{
	ck_assert_int_eq(vid_vp_extint(vp, 8), -EAGAIN);
	vid_fake_set_extint_ready(vp, true);
	ck_assert(vid_vp_extint_ready(vp));
	ck_assert_int_eq(vid_vp_extint(vp, 8), 0);
	ck_assert_int_eq(vid_fake_take_extint(vp), 8);
	ck_assert_int_eq(vid_fake_take_extint(vp), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vid/fake");
	TCase *tcase = tcase_create("fake");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, run_returns_queued_exits_and_kicks);
	tcase_add_test(tcase, msi_is_taken_apart);
	tcase_add_test(tcase, interrupts_are_recorded);
	tcase_add_test(tcase, doorbells_match_address_size_and_value);
	tcase_add_test(tcase, irqfds_post_their_interrupt);
	tcase_add_test(tcase, irqfds_set_their_flag);
	tcase_add_test(tcase, messages_and_flags_are_bounded);
	tcase_add_test(tcase, a_slot_has_one_message);
	tcase_add_test(tcase, state_and_registers_come_back);
	tcase_add_test(tcase, extint_waits_for_the_window);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
