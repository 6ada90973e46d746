/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reference time: the MSR, the page and the timers say the same, at every clock rate. */
#include "core/reftime.h"
#include "core/scale.h"
#include "hv/reference_tsc.h"
#include "runner.h"

static const u64 rates[] = {100000007, 1000000000, 1999999999, 2894561237, 3792874001, 5100000003};

/* What the guest computes from the page. */
static u64 by_page(const struct hv_reference_tsc *page, u64 guest_tsc)
{
	__extension__ unsigned __int128 product = (unsigned __int128)guest_tsc * page->scale;

	return (u64)(product >> 64) + (u64)page->offset;
}

static void prepare(u64 hz)
{
	fake_reset();
	fake.tsc_hz = hz;
	fake_root(1);
}

START_TEST(follows_the_clock)
{
	prepare(2000000000);
	ck_assert_uint_eq(reftime_now(&root_partition), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		prepare(rates[i]);
		for (u64 s = 1; s < 1ull << 31; s = s * 3 + 1) {
			u64 now;

			fake.tsc = s * rates[i];
			now = reftime_now(&root_partition);
			/* Rounded down: at most one unit in 2^64 / rate seconds behind. */
			ck_assert_uint_le(now, s * 10000000);
			ck_assert_uint_ge(now + 2, s * 10000000);
		}
	}
}
END_TEST

START_TEST(page_agrees)
{
	struct hv_reference_tsc page = {.sequence = 7};

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		prepare(rates[i]);
		root_partition.reference_offset = -12345;
		reftime_write_page(&root_partition, 0, &page);
		ck_assert_uint_ne(page.sequence, 0);
		for (u64 t = 1; t < 1ull << 60; t = t * 5 + 7) {
			fake.tsc = t;
			ck_assert_uint_eq(by_page(&page, t), reftime_now(&root_partition));
		}
	}
}
END_TEST

START_TEST(page_of_an_offset_guest)
{
	const s64 offsets[] = {0, 1, 1000000007, -999999937, -5000000000000, 1ll << 50};
	struct hv_reference_tsc page = {0};

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		prepare(2894561237);
		root_partition.reference_offset = 42;
		reftime_write_page(&root_partition, (u64)offsets[i], &page);
		for (u64 t = 10000000000000; t < 1ull << 60; t = t * 5 + 7) {
			s64 d;

			fake.tsc = t;
			d = (s64)(by_page(&page, t + (u64)offsets[i]) -
				  reftime_now(&root_partition));
			ck_assert_int_ge(d, -1); /* two roundings instead of one */
			ck_assert_int_le(d, 1);
		}
	}
}
END_TEST

START_TEST(to_tsc_is_the_first_moment)
{
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		prepare(rates[i]);
		root_partition.reference_offset = 777;
		ck_assert_uint_eq(reftime_to_tsc(&root_partition, 776), 0);
		for (u64 time = 778; time < 1ull << 53; time = time * 3 + 1) {
			fake.tsc = reftime_to_tsc(&root_partition, time);
			ck_assert_uint_ge(reftime_now(&root_partition), time);
			ck_assert_uint_le(reftime_now(&root_partition), time + 2);
		}
		ck_assert_uint_eq(reftime_to_tsc(&root_partition, 1ull << 62), TIMER_NEVER);
	}
}
END_TEST

START_TEST(scales)
{
	const u64 n[] = {1, 3, 10000000, 200000000, 2894561237, 1ull << 40};

	for (size_t i = 0; i < ARRAY_SIZE(n); i++)
		for (size_t j = 0; j < ARRAY_SIZE(n); j++) {
			struct scale s = scale_make(n[i], n[j]);

			for (u64 v = 1; v < 1ull << 22; v = v * 3 + 1) {
				ck_assert_uint_eq(scale_apply(s, v * n[j]), v * n[i]);
				ck_assert_uint_eq(scale_apply(s, v),
						  (u64)((u128_value)v * n[i] / n[j]));
			}
		}
}
END_TEST

TEST_MAIN("reftime", follows_the_clock, page_agrees, page_of_an_offset_guest,
	  to_tsc_is_the_first_moment, scales)
