/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The saved-state format: what is written comes back, what is damaged is refused.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "board/state.h"
#include "test_main.h"

struct sample {
	uint8_t index;
	bool flag;
	uint32_t word;
	uint16_t array[3];
	int private;
};

static const struct vdev_field fields[] = {
	VDEV_FIELD_MAX(1, struct sample, index, 3),
	VDEV_FIELD(2, struct sample, flag),
	VDEV_FIELD(3, struct sample, word),
	VDEV_FIELD_ARRAY_MAX(4, struct sample, array, 100),
};

static const struct sample good = {2, true, 0xdeadbeef, {1, 50, 100}, 7};
static struct vdev_state_writer writer;

static void setup(void)
{
	vdev_state_writer_init(&writer);
	vdev_state_begin(&writer, "first", 3);
	vdev_state_put_fields(&writer, fields, ARRAY_SIZE(fields), &good);
	vdev_state_put(&writer, 9, "raw", 3);
	vdev_state_put_u64(&writer, 10, 77);
	vdev_state_end(&writer);
	vdev_state_begin(&writer, "second", 1);
	vdev_state_end(&writer);
	ck_assert_int_eq(vdev_state_writer_error(&writer), 0);
}

static void teardown(void)
{
	vdev_state_writer_fini(&writer);
}

static int read_sample(const void *data, size_t size, struct sample *ret)
{
	struct vdev_state_reader reader;
	struct vdev_state_record record;
	int r = vdev_state_reader_init(&reader, data, size);

	if (r == 0)
		r = vdev_state_find(&reader, "first", 3, &record);
	return r < 0 ? r : vdev_state_get_fields(&record, fields, ARRAY_SIZE(fields), ret);
}

START_TEST(everything_comes_back)
{
	struct vdev_state_reader reader;
	struct vdev_state_record record;
	struct sample back = {.private = 5};
	uint64_t number = 0;
	size_t size = 0;

	ck_assert_int_eq(read_sample(writer.data, writer.size, &back), 0);
	ck_assert_uint_eq(back.index, 2);
	ck_assert(back.flag);
	ck_assert_uint_eq(back.word, 0xdeadbeef);
	ck_assert_uint_eq(back.array[2], 100);
	ck_assert_int_eq(back.private, 5);
	ck_assert_int_eq(vdev_state_reader_init(&reader, writer.data, writer.size), 0);
	ck_assert_int_eq(vdev_state_find(&reader, "first", 3, &record), 0);
	ck_assert_uint_eq(record.version, 3);
	ck_assert_mem_eq(vdev_state_bytes(&record, 9, &size), "raw", 3);
	ck_assert_uint_eq(size, 3);
	ck_assert_int_eq(vdev_state_get_u64(&record, 10, &number), 0);
	ck_assert_uint_eq(number, 77);
}
END_TEST

/* Another version may put its fields in another order, with others between them. */
START_TEST(fields_come_back_from_any_order)
{
	static const unsigned int orders[][4] = {{3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		_cleanup_(vdev_state_writer_fini) struct vdev_state_writer w;
		struct sample back = {.private = good.private};

		vdev_state_writer_init(&w);
		vdev_state_begin(&w, "first", 1);
		for (unsigned int j = 0; j < 4; j++) {
			vdev_state_put_u64(&w, (uint16_t)(20 + j), j);
			vdev_state_put_fields(&w, &fields[orders[i][j]], 1, &good);
		}
		vdev_state_end(&w);
		ck_assert_int_eq(read_sample(w.data, w.size, &back), 0);
		ck_assert_uint_eq(back.index, good.index);
		ck_assert_uint_eq(back.flag, good.flag);
		ck_assert_uint_eq(back.word, good.word);
		ck_assert_mem_eq(back.array, good.array, sizeof(back.array));
	}
}
END_TEST

START_TEST(absent_and_newer_are_told_apart)
{
	struct vdev_state_reader reader;
	struct vdev_state_record record;
	uint64_t number;
	size_t size;

	ck_assert_int_eq(vdev_state_reader_init(&reader, writer.data, writer.size), 0);
	ck_assert_int_eq(vdev_state_find(&reader, "third", 9, &record), -ENOENT);
	ck_assert_int_eq(vdev_state_find(&reader, "first", 2, &record), -EPROTONOSUPPORT);
	ck_assert_int_eq(vdev_state_find(&reader, "second", 1, &record), 0);
	ck_assert_int_eq(vdev_state_get_u64(&record, 10, &number), -EBADMSG);
	ck_assert_ptr_null(vdev_state_bytes(&record, 9, &size));
	ck_assert_int_eq(vdev_state_reader_init(&reader, "", 0), 0);
	ck_assert_int_eq(vdev_state_find(&reader, "first", 3, &record), -ENOENT);
}
END_TEST

START_TEST(cut_states_are_refused)
{
	struct sample back;

	for (size_t size = 0; size < writer.size; size++) {
		_cleanup_free_ uint8_t *exact = malloc(size + 1);

		memcpy(exact, writer.data, size);
		if (size == writer.size - 32) /* the second, empty record is gone: well-formed */
			ck_assert_int_eq(read_sample(exact, size, &back), 0);
		else
			ck_assert_int_lt(read_sample(exact, size, &back), 0);
	}
}
END_TEST

/* Saves `bad` under the same tags and expects nothing of it to be taken over. */
static void refuse(const struct sample *bad)
{
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer w;
	struct sample back = good;

	vdev_state_writer_init(&w);
	vdev_state_begin(&w, "first", 1);
	vdev_state_put_fields(&w, fields, ARRAY_SIZE(fields), bad);
	vdev_state_end(&w);
	ck_assert_int_eq(read_sample(w.data, w.size, &back), -EBADMSG);
	ck_assert_int_eq(memcmp(&back, &good, sizeof(back)), 0);
}

START_TEST(numbers_out_of_range_are_refused)
{
	struct sample index = good, array = good, flag = good;

	index.index = 4;
	refuse(&index);
	array.array[1] = 101;
	refuse(&array);
	memset(&flag.flag, 2, 1);
	refuse(&flag);
}
END_TEST

START_TEST(twice_the_same_name_or_tag_is_refused)
{
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer w;
	struct vdev_state_reader reader;

	vdev_state_begin(&writer, "first", 3);
	vdev_state_end(&writer);
	ck_assert_int_eq(vdev_state_reader_init(&reader, writer.data, writer.size), -EBADMSG);
	vdev_state_writer_init(&w);
	vdev_state_begin(&w, "x", 1);
	vdev_state_put_u64(&w, 1, 1);
	vdev_state_put_u64(&w, 1, 2);
	vdev_state_end(&w);
	ck_assert_int_eq(vdev_state_reader_init(&reader, w.data, w.size), -EBADMSG);
}
END_TEST

START_TEST(names_without_end_are_refused)
{
	struct vdev_state_reader reader;

	memset(writer.data, 'n', VDEV_STATE_NAME_SIZE);
	ck_assert_int_eq(vdev_state_reader_init(&reader, writer.data, writer.size), -EBADMSG);
	memset(writer.data, 0, VDEV_STATE_NAME_SIZE);
	ck_assert_int_eq(vdev_state_reader_init(&reader, writer.data, writer.size), -EBADMSG);
}
END_TEST

START_TEST(the_number_of_records_and_fields_is_bounded)
{
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer w;
	struct vdev_state_reader reader;

	vdev_state_writer_init(&w);
	vdev_state_begin(&w, "x", 1);
	for (unsigned int tag = 0; tag <= VDEV_STATE_FIELDS_MAX; tag++)
		vdev_state_put(&w, (uint16_t)tag, NULL, 0);
	vdev_state_end(&w);
	ck_assert_int_eq(vdev_state_reader_init(&reader, w.data, w.size), -EBADMSG);
}
END_TEST

TEST_MAIN("vdev/state", setup, teardown, everything_comes_back, fields_come_back_from_any_order,
	  absent_and_newer_are_told_apart, cut_states_are_refused, numbers_out_of_range_are_refused,
	  twice_the_same_name_or_tag_is_refused, names_without_end_are_refused,
	  the_number_of_records_and_fields_is_bounded)
