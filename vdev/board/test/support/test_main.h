/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main() of a check(3) program with one test case:
 *
 *	TEST_MAIN("vdev/i8254", setup, teardown, counts_down, reads_back)
 */
#ifndef TEST_MAIN_H
#define TEST_MAIN_H

#include <check.h>
#include <stdlib.h>

#include "base/macros.h"

static inline int test_run(const char *name, SFun setup, SFun teardown, const TTest *const *tests,
			   size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define TEST_MAIN(name, setup, teardown, ...)                                     \
	int main(void)                                                            \
	{                                                                         \
		const TTest *const tests[] = {__VA_ARGS__};                       \
		return test_run(name, setup, teardown, tests, ARRAY_SIZE(tests)); \
	}

#endif
