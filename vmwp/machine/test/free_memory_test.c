/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc/meminfo says, and what it might say. */
#include "machine/free_memory.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/macros.h"

static uint64_t free_of(const char *text)
{
	int fd = memfd_create("meminfo", 0);
	uint64_t bytes;

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	bytes = free_memory(fd);
	close(fd);
	return bytes;
}

START_TEST(of_this_host)
{
	struct sysinfo info;
	int fd = free_memory_open();
	uint64_t bytes = free_memory(fd);

	ck_assert_int_eq(sysinfo(&info), 0);
	ck_assert(bytes > 0 && bytes < (uint64_t)info.totalram * info.mem_unit);
	ck_assert(free_memory(fd) > 0); /* and again */
	close(fd);
}
END_TEST

START_TEST(of_a_text)
{
	ck_assert_uint_eq(free_of("MemTotal: 9 kB\nMemAvailable:     20 kB\nX: 1\n"), 20 * 1024);
	ck_assert_uint_eq(free_of("MemTotal: 9 kB\n"), UINT64_MAX);
	ck_assert_uint_eq(free_of("MemAvailable: x kB\n"), UINT64_MAX);
	ck_assert_uint_eq(free_of("MemAvailable: 18446744073709551615 kB\n"), UINT64_MAX);
	ck_assert_uint_eq(free_of(""), UINT64_MAX);
	ck_assert_uint_eq(free_memory(-1), UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("free_memory");
	TCase *tc = tcase_create("free_memory");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, of_this_host);
	tcase_add_test(tc, of_a_text);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
