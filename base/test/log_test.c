/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form of log lines, and the limit on their rate.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* What one call of log_write() puts on standard error. */
static ssize_t capture(char *buffer, size_t size, enum log_level level, const char *text)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t length;

	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	log_write(level, "%s", text);
	dup2(saved, STDERR_FILENO);
	length = read(ends[0], buffer, size);
	fd_close(ends[0]);
	fd_close(ends[1]);
	fd_close(saved);
	return length;
}

START_TEST(a_line_has_priority_name_and_no_controls)
{
	char line[64];

	log_init("prog", LOG_LEVEL_INFO, true);
	ck_assert_int_eq(capture(line, sizeof(line), LOG_LEVEL_WARNING, "a\033b\n"), 14);
	ck_assert_mem_eq(line, "<4>prog: a?b?\n", 14);
	ck_assert_int_eq(capture(line, sizeof(line), LOG_LEVEL_DEBUG, "hidden"), -1);
}
END_TEST

START_TEST(long_lines_are_cut_and_still_end)
{
	char text[4096], line[4096];
	ssize_t length;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	log_init(NULL, LOG_LEVEL_INFO, false);
	length = capture(line, sizeof(line), LOG_LEVEL_ERROR, text);
	ck_assert_int_gt(length, 1000);
	ck_assert_int_le(length, 1024);
	ck_assert_int_eq(line[length - 1], '\n');
}
END_TEST

START_TEST(rate_limit_drops_and_tells)
{
	struct log_ratelimit limit = {.interval_ns = 1000, .burst = 2};
	unsigned int dropped = 9;

	ck_assert(log_ratelimit_pass(&limit, 0, &dropped));
	ck_assert_uint_eq(dropped, 0);
	ck_assert(log_ratelimit_pass(&limit, 10, NULL));
	ck_assert(!log_ratelimit_pass(&limit, 20, NULL));
	ck_assert(!log_ratelimit_pass(&limit, 999, NULL));
	ck_assert(log_ratelimit_pass(&limit, 1000, &dropped));
	ck_assert_uint_eq(dropped, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/log");
	TCase *tcase = tcase_create("log");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_line_has_priority_name_and_no_controls);
	tcase_add_test(tcase, long_lines_are_cut_and_still_end);
	tcase_add_test(tcase, rate_limit_drops_and_tells);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
