/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The freestanding memory functions, compiled under other names, against the C library's. */
#include "runner.h"
#include <string.h>

#define memcpy  fs_memcpy
#define memmove fs_memmove
#define memset  fs_memset
#define memcmp  fs_memcmp
#define strlen  fs_strlen
#define strcmp  fs_strcmp
#define strncmp fs_strncmp
#undef KEELSON_HOSTED
#undef CORE_FORMAT_H
#include "core/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp

#define SIZE 64

static void fill(u8 *p)
{
	for (int i = 0; i < SIZE; i++)
		p[i] = (u8)(i * 7 + 1);
}

START_TEST(copy_and_set)
{
	u8 from[SIZE], a[SIZE], b[SIZE];

	fill(from);
	for (size_t at = 0; at < 16; at++)
		for (size_t n = 0; n <= SIZE - 16; n++) {
			memset(a, 0xee, SIZE);
			memset(b, 0xee, SIZE);
			ck_assert_ptr_eq(fs_memcpy(a + at, from, n), a + at);
			memcpy(b + at, from, n);
			ck_assert_mem_eq(a, b, SIZE);
			ck_assert_ptr_eq(fs_memset(a + at, 0x1a5, n), a + at);
			memset(b + at, 0x1a5, n);
			ck_assert_mem_eq(a, b, SIZE);
		}
}
END_TEST

START_TEST(move_overlapping)
{
	u8 a[SIZE], b[SIZE];

	for (size_t to = 0; to < 24; to++)
		for (size_t from = 0; from < 24; from++)
			for (size_t n = 0; n <= SIZE - 24; n++) {
				fill(a);
				fill(b);
				ck_assert_ptr_eq(fs_memmove(a + to, a + from, n), a + to);
				memmove(b + to, b + from, n);
				ck_assert_mem_eq(a, b, SIZE);
			}
}
END_TEST

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

START_TEST(compare)
{
	const char *const words[] = {"", "a", "ab", "abc", "abd", "b", "\xff", "ab\x80"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		ck_assert_uint_eq(fs_strlen(words[i]), strlen(words[i]));
		for (size_t j = 0; j < ARRAY_SIZE(words); j++) {
			const char *x = words[i], *y = words[j];
			size_t shorter = min_u64(strlen(x), strlen(y));

			ck_assert_int_eq(sign(fs_strcmp(x, y)), sign(strcmp(x, y)));
			for (size_t n = 0; n < 5; n++)
				ck_assert_int_eq(sign(fs_strncmp(x, y, n)), sign(strncmp(x, y, n)));
			ck_assert_int_eq(sign(fs_memcmp(x, y, shorter)),
					 sign(memcmp(x, y, shorter)));
		}
	}
}
END_TEST

TEST_MAIN("string", copy_and_set, move_overlapping, compare)
