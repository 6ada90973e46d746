/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rings: both ends of one, against a model, and with nonsense from the other side.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "pages.h"
#include "vsp/ring.h"

/* ck_assert() writes to the runner each time, which is too much for the many of a model. */
#define SO(condition)                                   \
	do {                                            \
		if (!(condition))                       \
			ck_abort_msg("%s", #condition); \
	} while (0)

#define PAGES 3u
#define SIZE  ((PAGES - 1) * WIRE_RING_PAGE)

static struct pages pages;
static struct vsp_ring writer, reader;
static struct wire_ring_control *control;

static void setup(void)
{
	pages_init(&pages, PAGES);
	ck_assert_int_eq(vsp_ring_init(&writer, pages.page, PAGES, true), 0);
	ck_assert_int_eq(vsp_ring_init(&reader, pages.page, PAGES, false), 0);
	control = (void *)pages.page[0];
}

static void teardown(void)
{
	vsp_ring_fini(&writer);
	vsp_ring_fini(&reader);
	pages_fini(&pages);
}

static int put(uint64_t id, const void *data, size_t size, bool *ret_signal)
{
	const struct iovec part = {(void *)(uintptr_t)data, size};
	const struct vsp_message m = {WIRE_PACKET_IN_BAND, 1, id, &part, 1};

	return vsp_ring_write(&writer, &m, ret_signal);
}

static uint8_t byte_of(uint64_t id, size_t i)
{
	return (uint8_t)(id * 7 + i);
}

static void fill(uint8_t *data, uint64_t id, size_t size)
{
	for (size_t i = 0; i < size; i++)
		data[i] = byte_of(id, i);
}

static size_t size_of(uint64_t id)
{
	return (size_t)(id * 37 % 900);
}

static int put_number(uint64_t id, bool *ret_signal)
{
	uint8_t data[1024];

	fill(data, id, size_of(id));
	return put(id, data, size_of(id), ret_signal);
}

/* Takes one packet and compares it with what put_number() has sent. Returns vsp_ring_peek()'s result. */
static int take_number(uint64_t id, bool *ret_signal)
{
	size_t size = size_of(id);
	struct vsp_packet packet;
	uint8_t data[1024], wanted[1024];
	int r = vsp_ring_peek(&reader, &packet);

	if (r < 0)
		return r;
	SO(packet.type == WIRE_PACKET_IN_BAND && packet.flags == 1 && packet.id == id);
	SO(packet.payload == 16 && packet.size == 16 + ALIGN_UP(size, 8));
	vsp_ring_copy(&reader, packet.payload, data, size);
	fill(wanted, id, size);
	SO(memcmp(data, wanted, size) == 0);
	*ret_signal = vsp_ring_consume(&reader, &packet);
	return 0;
}

START_TEST(packets_pass_around_the_end)
{
	bool ring, room;

	for (uint64_t id = 0; id < 2000; id++) {
		ck_assert_int_eq(put_number(id, &ring), 0);
		ck_assert(ring);
		ck_assert_int_eq(take_number(id, &room), 0);
		ck_assert(!room);
	}
	ck_assert_int_eq(take_number(0, &room), -EAGAIN);
}
END_TEST

START_TEST(a_packet_is_as_the_wire_has_it)
{
	static const uint8_t wanted[] = {6, 0, 2, 0, 3, 0,   1,   0,   0x34, 0x12, 0,
					 0, 0, 0, 0, 0, 'h', 'e', 'l', 'l',  'o',  0,
					 0, 0, 0, 0, 0, 0,   0,   0,   0,    0};
	bool ring;

	ck_assert_int_eq(put(0x1234, "hello", 5, &ring), 0);
	ck_assert_mem_eq(pages.page[1], wanted, sizeof wanted);
	ck_assert_uint_eq(control->write, sizeof wanted);
	ck_assert_int_eq(put(0x1234, "hello", 5, &ring), 0);
	ck_assert_uint_eq(pages.page[1][sizeof wanted + 28], sizeof wanted); /* where it begins */
	ck_assert_uint_eq(control->features, 0);
	vsp_ring_announce(&writer);
	ck_assert_uint_eq(control->features, 1);
}
END_TEST

START_TEST(a_signal_is_for_who_waits)
{
	bool ring, room;

	vsp_ring_mask(&reader);
	ck_assert_int_eq(put_number(0, &ring), 0);
	ck_assert(!ring);
	ck_assert(vsp_ring_unmask(&reader)); /* it has come meanwhile */
	ck_assert_int_eq(put_number(1, &ring), 0);
	ck_assert(!ring); /* the reader is not through yet */
	ck_assert_int_eq(take_number(0, &room), 0);
	ck_assert_int_eq(take_number(1, &room), 0);
	ck_assert(!vsp_ring_unmask(&reader));
	ck_assert_int_eq(put_number(2, &ring), 0);
	ck_assert(ring);
}
END_TEST

START_TEST(room_is_waited_for)
{
	uint8_t data[992] = {0}; /* with descriptor and end 1,016: 8 of them are 64 bytes short */
	struct vsp_packet packet;
	bool ring, room;

	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(put(0, data, sizeof data, &ring), 0);
	ck_assert_int_eq(put(0, data, 40, &ring), -EAGAIN); /* 64 bytes would leave none free */
	ck_assert_uint_eq(control->pending_send, 72);
	ck_assert_int_eq(put(0, data, 32, &ring), 0);
	ck_assert_uint_eq(control->pending_send, 0);
	ck_assert_int_eq(put(0, data, 1500, &ring), -EAGAIN);
	ck_assert_int_eq(vsp_ring_peek(&reader, &packet), 0);
	ck_assert(!vsp_ring_consume(&reader, &packet)); /* not enough yet */
	ck_assert_int_eq(vsp_ring_peek(&reader, &packet), 0);
	room = vsp_ring_consume(&reader, &packet);
	ck_assert(room);
	ck_assert_int_eq(vsp_ring_peek(&reader, &packet), 0);
	ck_assert(!vsp_ring_consume(&reader, &packet)); /* it was told */
	ck_assert_int_eq(put(0, data, 992, &ring), 0);
}
END_TEST

START_TEST(what_never_fits_is_said)
{
	static uint8_t data[SIZE];
	bool ring;

	ck_assert_int_eq(put(0, data, SIZE - 32, &ring), -EMSGSIZE);
	ck_assert_int_eq(put(0, data, SIZE - 40, &ring), 0);
	ck_assert_int_eq(vsp_ring_init(&reader, pages.page, 1, false), -EINVAL);
	ck_assert_int_eq(vsp_ring_init(&reader, pages.page, 8193, false), -EINVAL);
}
END_TEST

START_TEST(an_index_that_cannot_be_breaks_the_ring)
{
	static const uint32_t bad[] = {SIZE, SIZE + 8, 4, UINT32_MAX, 8, 16};
	struct vsp_packet packet;
	bool ring;

	control->write = bad[_i];
	ck_assert_int_eq(vsp_ring_peek(&reader, &packet), -EPROTO);
	control->write = 0;
	ck_assert_int_eq(vsp_ring_peek(&reader, &packet), -EPROTO);
	ck_assert(!vsp_ring_unmask(&reader));
	if (_i >= 4) /* a packet is longer; as a reader's index they can be */
		return;
	control->read = bad[_i];
	ck_assert_int_eq(put(0, "x", 1, &ring), -EPROTO);
	control->read = 0;
	ck_assert_int_eq(put(0, "x", 1, &ring), -EPROTO);
	control->write = bad[_i];
	ck_assert_int_eq(vsp_ring_init(&writer, pages.page, PAGES, true), -EINVAL);
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_breaks_the_ring)
{
	static const struct wire_packet bad[] = {
		{6, 0, 3, 0, 0},          {6, 1, 3, 0, 0}, {6, 2, 1, 0, 0},
		{6, 3, 2, 0, 0},          {6, 2, 4, 0, 0}, {6, 2, UINT16_MAX, 0, 0},
		{6, UINT16_MAX, 2, 0, 0},
	};
	struct vsp_packet packet;

	memcpy(pages.page[1], &bad[_i], sizeof bad[_i]);
	control->write = 32;
	ck_assert_int_eq(vsp_ring_peek(&reader, &packet), -EPROTO);
}
END_TEST

/* What the other side does to this one's index is not looked at. */
START_TEST(an_end_keeps_its_own_index)
{
	bool ring, room;

	for (uint64_t id = 0; id < 100; id++) {
		ck_assert_int_eq(put_number(id, &ring), 0);
		control->read = 12345;
		ck_assert_int_eq(take_number(id, &room), 0);
		control->write = 54321;
		writer.broken = false;
	}
}
END_TEST

START_TEST(an_open_ring_can_be_taken_over)
{
	bool ring, room;

	for (uint64_t id = 0; id < 30; id++) {
		ck_assert_int_eq(put_number(id, &ring), 0);
		if (id < 25)
			ck_assert_int_eq(take_number(id, &room), 0);
	}
	vsp_ring_fini(&reader);
	vsp_ring_fini(&writer);
	ck_assert_int_eq(vsp_ring_init(&writer, pages.page, PAGES, true), 0);
	ck_assert_int_eq(vsp_ring_init(&reader, pages.page, PAGES, false), 0);
	ck_assert_int_eq(put_number(30, &ring), 0);
	for (uint64_t id = 25; id <= 30; id++)
		ck_assert_int_eq(take_number(id, &room), 0);
}
END_TEST

/*
 * A model: the packets in flight and the bytes that they take. Room, emptiness and both signals are
 * foretold.
 */
START_TEST(it_does_as_the_model)
{
	uint64_t first = 0, next = 0;
	uint32_t used = 0, pending = 0;
	bool masked = false, ring, room;

	srandom(1);
	for (int step = 0; step < 100000; step++) {
		long what = random() % 16;
		bool fits;

		if (what == 0) {
			masked = true;
			vsp_ring_mask(&reader);
		} else if (what == 1) {
			masked = false;
			SO(vsp_ring_unmask(&reader) == (used > 0));
		} else if (what < 10) {
			uint32_t size = 24 + (uint32_t)ALIGN_UP(size_of(next), 8);
			int r = put_number(next, &ring);

			fits = SIZE - used >= size + 8;
			SO(r == (fits ? 0 : -EAGAIN));
			pending = fits ? 0 : size + 8;
			SO(control->pending_send == pending);
			if (!fits)
				continue;
			SO(ring == (used == 0 && !masked));
			used += size;
			next++;
		} else {
			uint32_t size = 24 + (uint32_t)ALIGN_UP(size_of(first), 8);

			SO(take_number(first, &room) == (used ? 0 : -EAGAIN));
			if (!used)
				continue;
			SO(room ==
			   (pending && SIZE - used < pending && pending <= SIZE - used + size));
			used -= size;
			first++;
		}
	}
	ck_assert_uint_gt(first, 20000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("ring");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, packets_pass_around_the_end);
	tcase_add_test(tcase, a_packet_is_as_the_wire_has_it);
	tcase_add_test(tcase, a_signal_is_for_who_waits);
	tcase_add_test(tcase, room_is_waited_for);
	tcase_add_test(tcase, what_never_fits_is_said);
	tcase_add_loop_test(tcase, an_index_that_cannot_be_breaks_the_ring, 0, 6);
	tcase_add_loop_test(tcase, a_descriptor_that_cannot_be_breaks_the_ring, 0, 7);
	tcase_add_test(tcase, an_end_keeps_its_own_index);
	tcase_add_test(tcase, an_open_ring_can_be_taken_over);
	tcase_add_test(tcase, it_does_as_the_model);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
