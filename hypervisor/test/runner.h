/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One check(3) program: a list of tests, each on a freshly reset stand-in machine. */
#ifndef TEST_RUNNER_H
#define TEST_RUNNER_H

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "fake/fake.h"

/* `signal`: what each test must end with; 0: it returns. */
static inline int run_tests_to(const char *name, const TTest *const *tests, size_t count,
			       int signal)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, fake_reset, NULL);
	tcase_set_timeout(tcase, 120);
	for (size_t i = 0; i < count; i++)
		tcase_add_test_raise_signal(tcase, tests[i], signal);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int run_tests(const char *name, const TTest *const *tests, size_t count)
{
	return run_tests_to(name, tests, count, 0);
}

/* Tests that must end in panic(). */
static inline int run_aborting_tests(const char *name, const TTest *const *tests, size_t count)
{
	return run_tests_to(name, tests, count, SIGABRT);
}

#define TEST_MAIN(name, ...)                                      \
	int main(void)                                            \
	{                                                         \
		const TTest *const tests[] = {__VA_ARGS__};       \
		return run_tests(name, tests, ARRAY_SIZE(tests)); \
	}

#endif
