// SPDX-License-Identifier: GPL-2.0-or-later
/* A flag in flight never reaches its next owner: a number rests until it has been cleaned. */
#include <check.h>
#include <stdlib.h>

#include "flag_numbers.h"

START_TEST(lowest_first)
{
	struct flag_numbers n = {.taken = {0}};

	for (int i = 0; i < (int)HV_EVENT_FLAGS; i++)
		ck_assert_int_eq(flag_numbers_take(&n, 0), i);
	ck_assert_int_eq(flag_numbers_take(&n, 0), -1);
	n = (struct flag_numbers){.taken = {0}};
	ck_assert_int_eq(flag_numbers_take(&n, 1000), 1000);
	ck_assert_int_eq(flag_numbers_take(&n, 1000), 1001);
	ck_assert_int_eq(flag_numbers_take(&n, 999), 999);
	ck_assert_int_eq(flag_numbers_take(&n, 999), 1002);
	ck_assert_int_eq(flag_numbers_take(&n, HV_EVENT_FLAGS - 1), HV_EVENT_FLAGS - 1);
	ck_assert_int_eq(flag_numbers_take(&n, HV_EVENT_FLAGS - 1), -1);
}
END_TEST

START_TEST(rests_until_it_is_clean)
{
	struct flag_numbers n = {.taken = {0}};

	ck_assert_int_eq(flag_numbers_take(&n, 64), 64);
	ck_assert_int_eq(flag_numbers_begin_cleaning(&n), 0);
	flag_numbers_retire(&n, 64);
	ck_assert_int_eq(flag_numbers_take(&n, 64), 65);
	ck_assert_int_ne(flag_numbers_begin_cleaning(&n), 0);
	ck_assert_uint_eq(n.cleaning[1], 1);
	ck_assert_int_eq(flag_numbers_take(&n, 64), 66);
	/* Given back while others are cleaned: its turn comes. */
	flag_numbers_retire(&n, 65);
	flag_numbers_end_cleaning(&n);
	ck_assert_int_eq(flag_numbers_take(&n, 64), 64);
	ck_assert_int_eq(flag_numbers_take(&n, 64), 67);
	ck_assert_int_ne(flag_numbers_begin_cleaning(&n), 0);
	ck_assert_uint_eq(n.cleaning[1], 2);
	flag_numbers_end_cleaning(&n);
	ck_assert_int_eq(flag_numbers_take(&n, 64), 65);
	ck_assert_int_eq(flag_numbers_begin_cleaning(&n), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flag_numbers");
	TCase *tcase = tcase_create("flag_numbers");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, lowest_first);
	tcase_add_test(tcase, rests_until_it_is_clean);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
