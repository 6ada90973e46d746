/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dispatch: who answers, how accesses are cut, what is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "board/bus.h"
#include "test_main.h"

static struct vdev_bus bus;
static char trace[512];

/* Each access leaves "r<offset>.<width> " or "w<offset>.<width>=<value> ". */
static uint64_t trace_read(void *owner, uint64_t offset, unsigned int width)
{
	size_t used = strlen(trace);

	snprintf(trace + used, sizeof(trace) - used, "r%x.%u ", (unsigned int)offset, width);
	return UINT64_C(0x8877665544332211) >> (8 * offset);
}

static void trace_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	size_t used = strlen(trace);

	snprintf(trace + used, sizeof(trace) - used, "w%x.%u=%llx ", (unsigned int)offset, width,
		 (unsigned long long)value);
}

static const struct vdev_range_ops bytes = {trace_read, trace_write, 1, 1, false};
static const struct vdev_range_ops words = {trace_read, trace_write, 4, 4, false};
static const struct vdev_range_ops any = {trace_read, trace_write, 1, 8, true};

static void setup(void)
{
	vdev_bus_init(&bus, VDEV_PORT_LIMIT);
	trace[0] = 0;
}

static void teardown(void)
{
	vdev_bus_fini(&bus);
}

static struct vdev_range range(uint64_t base, uint64_t size, const struct vdev_range_ops *ops)
{
	return (struct vdev_range){.name = "test", .base = base, .size = size, .ops = ops};
}

START_TEST(overlaps_and_bad_places_are_refused)
{
	struct vdev_range a = range(0x100, 0x10, &bytes);
	struct vdev_range bad[] = {range(0xf8, 9, &bytes), range(0x10f, 1, &bytes),
				   range(0x104, 2, &bytes), range(0x80, 0x100, &bytes),
				   range(0x100, 0x10, &bytes)};
	struct vdev_range beyond = range(0xfff8, 9, &bytes), empty = range(0, 0, &bytes);
	struct vdev_range wrap = range(0x10, UINT64_MAX, &bytes);
	struct vdev_range below = range(0xf0, 0x10, &bytes), above = range(0x110, 1, &bytes);

	ck_assert_int_eq(vdev_bus_add(&bus, &a), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(vdev_bus_add(&bus, &bad[i]), -EEXIST);
	ck_assert_int_eq(vdev_bus_add(&bus, &beyond), -EINVAL);
	ck_assert_int_eq(vdev_bus_add(&bus, &empty), -EINVAL);
	ck_assert_int_eq(vdev_bus_add(&bus, &wrap), -EINVAL);
	ck_assert_int_eq(vdev_bus_add(&bus, &below), 0);
	ck_assert_int_eq(vdev_bus_add(&bus, &above), 0);
	vdev_bus_remove(&bus, &a);
	ck_assert_int_eq(vdev_bus_add(&bus, &bad[4]), 0);
}
END_TEST

START_TEST(nobody_reads_as_ones)
{
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x80, 1), 0xff);
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x80, 4), 0xffffffff);
	ck_assert_uint_eq(vdev_bus_read(&bus, 0xffff, 2), 0xffff);
	vdev_bus_write(&bus, 0x80, 4, 1);
	ck_assert_uint_gt(bus.unclaimed, 0);
}
END_TEST

START_TEST(wide_accesses_are_cut)
{
	struct vdev_range a = range(0x100, 4, &bytes);

	ck_assert_int_eq(vdev_bus_add(&bus, &a), 0);
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x100, 4), 0x44332211);
	ck_assert_str_eq(trace, "r0.1 r1.1 r2.1 r3.1 ");
	trace[0] = 0;
	vdev_bus_write(&bus, 0x102, 2, 0xabcd);
	ck_assert_str_eq(trace, "w2.1=cd w3.1=ab ");
	ck_assert_uint_eq(a.reads, 4);
	ck_assert_uint_eq(a.writes, 2);
}
END_TEST

START_TEST(an_access_may_cross_ranges)
{
	struct vdev_range a = range(0x100, 2, &bytes), b = range(0x103, 1, &any);

	ck_assert_int_eq(vdev_bus_add(&bus, &a), 0);
	ck_assert_int_eq(vdev_bus_add(&bus, &b), 0);
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x100, 4), 0x11ff2211);
	ck_assert_str_eq(trace, "r0.1 r1.1 r0.1 ");
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x0fe, 4), 0x2211ffff);
}
END_TEST

START_TEST(narrow_accesses_of_wide_registers)
{
	struct vdev_range a = range(0x100, 8, &words);

	ck_assert_int_eq(vdev_bus_add(&bus, &a), 0);
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x102, 1), 0x33);
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x104, 2), 0x6655);
	ck_assert_str_eq(trace, "r0.4 r4.4 ");
	trace[0] = 0;
	vdev_bus_write(&bus, 0x104, 1, 0x1ab);
	vdev_bus_write(&bus, 0x105, 1, 0xcd);
	ck_assert_str_eq(trace, "w4.4=ab ");
}
END_TEST

START_TEST(unaligned_goes_through_where_allowed)
{
	struct vdev_range a = range(0x100, 8, &any);

	ck_assert_int_eq(vdev_bus_add(&bus, &a), 0);
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x101, 4), 0x55443322);
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x100, 8), 0x8877665544332211);
	ck_assert_uint_eq(vdev_bus_read(&bus, 0x106, 4), 0xffff8877);
	ck_assert_str_eq(trace, "r1.4 r0.8 r6.2 ");
}
END_TEST

START_TEST(many_ranges_are_all_found)
{
	static struct vdev_range ranges[200];

	for (unsigned int i = 0; i < 200; i++) {
		ranges[i] = range((i * 7 % 200) * 16, 8, &bytes);
		ck_assert_int_eq(vdev_bus_add(&bus, &ranges[i]), 0);
	}
	for (unsigned int i = 0; i < 200; i++) {
		ck_assert_ptr_eq(vdev_bus_find(&bus, ranges[i].base + 7), &ranges[i]);
		ck_assert_ptr_null(vdev_bus_find(&bus, ranges[i].base + 8));
	}
	for (unsigned int i = 0; i < 200; i += 2)
		vdev_bus_remove(&bus, &ranges[i]);
	for (unsigned int i = 0; i < 200; i++)
		ck_assert_ptr_eq(vdev_bus_find(&bus, ranges[i].base), i % 2 ? &ranges[i] : NULL);
}
END_TEST

TEST_MAIN("vdev/bus", setup, teardown, overlaps_and_bad_places_are_refused, nobody_reads_as_ones,
	  wide_accesses_are_cut, an_access_may_cross_ranges, narrow_accesses_of_wide_registers,
	  unaligned_goes_through_where_allowed, many_ranges_are_all_found)
