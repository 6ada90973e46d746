/* SPDX-License-Identifier: GPL-2.0-or-later */
/* format_text() against what the C library makes of the same arguments. */
#include <stdio.h>

#include "core/format.h"
#include "runner.h"

#define SAME(...)                                                        \
	do {                                                             \
		char ours[128], theirs[128];                             \
		size_t n = format_text(ours, sizeof(ours), __VA_ARGS__); \
		int m = snprintf(theirs, sizeof(theirs), __VA_ARGS__);   \
		ck_assert_str_eq(ours, theirs);                          \
		ck_assert_uint_eq(n, (size_t)m);                         \
	} while (0)

START_TEST(integers)
{
	const long values[] = {0, 1, -1, 9, 10, -10, 123456, 2147483647, -2147483647 - 1};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		int v = (int)values[i];

		SAME("%d|%u|%x", v, (unsigned)v, (unsigned)v);
		SAME("%5d|%05d|%12d|%012d", v, v, v, v);
		SAME("%8x|%08x|", (unsigned)v, (unsigned)v);
		SAME("%ld|%lu|%lx", values[i], (unsigned long)values[i], (unsigned long)values[i]);
	}
}
END_TEST

START_TEST(wide_integers)
{
	SAME("%ld %lld", (-9223372036854775807l - 1), (-9223372036854775807ll - 1));
	SAME("%lu %llu", ~0ul, ~0ull);
	SAME("%lx %llx %016lx", ~0ul, 0x123456789abcdefull, 0xfffful);
}
END_TEST

START_TEST(text)
{
	const char *volatile none = NULL;
	char out[32];

	SAME("%s|%8s|%c|%3c|%%", "abc", "abc", 'x', 'y');
	SAME("%s%s", "", "end");
	format_text(out, sizeof(out), "%s", none);
	ck_assert_str_eq(out, "(null)");
}
END_TEST

START_TEST(short_buffers)
{
	char out[16];

	for (size_t size = 0; size <= sizeof(out); size++) {
		size_t want = size ? min_u64(size - 1, 11) : 0;

		memset(out, '#', sizeof(out));
		ck_assert_uint_eq(format_text(out, size, "%s %05d", "hello", 42), want);
		if (size)
			ck_assert_int_eq(out[want], '\0');
		for (size_t i = size; i < sizeof(out); i++)
			ck_assert_int_eq(out[i], '#');
		ck_assert_int_eq(strncmp(out, "hello 00042", want), 0);
	}
}
END_TEST

START_TEST(format_ends_in_the_middle)
{
	const char *const broken[] = {"a%", "a%0", "a%12", "a%l", "a%ll"};
	size_t (*f)(char *, size_t, const char *, ...) = format_text;
	char out[16];

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		ck_assert_uint_eq(f(out, sizeof(out), broken[i]), 1);
		ck_assert_str_eq(out, "a");
	}
}
END_TEST

TEST_MAIN("format", integers, wide_integers, text, short_buffers, format_ends_in_the_middle)
