/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole-buffer transfers, clean-up attributes and flags of descriptors.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"

START_TEST(pread_past_the_end_is_enodata)
{
	_cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
	char buffer[8] = {0};

	ck_assert_int_eq(fd_pwrite_full(fd, "abcdef", 6, 2), 0);
	ck_assert_int_eq(fd_pread_full(fd, buffer, 6, 2), 0);
	ck_assert_mem_eq(buffer, "abcdef", 6);
	ck_assert_int_eq(fd_pread_full(fd, buffer, 8, 2), -ENODATA);
}
END_TEST

static void *write_in_pieces(void *fd)
{
	for (const char *piece = "piecemeal"; *piece; piece++)
		ck_assert_int_eq(fd_write_full(*(int *)fd, piece, 1), 0);
	return NULL;
}

START_TEST(read_goes_on_after_short_counts)
{
	int ends[2];
	char buffer[9];
	pthread_t writer;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(pthread_create(&writer, NULL, write_in_pieces, &ends[1]), 0);
	ck_assert_int_eq(fd_read_full(ends[0], buffer, sizeof(buffer)), 0);
	ck_assert_mem_eq(buffer, "piecemeal", 9);
	pthread_join(writer, NULL);
	fd_close(ends[1]);
	ck_assert_int_eq(fd_read_full(ends[0], buffer, 1), -ENODATA);
	fd_close(ends[0]);
}
END_TEST

START_TEST(close_keeps_errno_and_take_fd_disarms)
{
	int kept = -1;

	errno = ENOENT;
	{
		_cleanup_close_ int fd = dup(0);
		_cleanup_close_ int closed = dup(0);

		kept = TAKE_FD(fd);
		ck_assert_int_eq(fd, -1);
		ck_assert_int_ge(closed, 0);
	}
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_ge(fcntl(kept, F_GETFD), 0);
	fd_close(kept);
	ck_assert_int_eq(fcntl(kept, F_GETFD), -1);
}
END_TEST

START_TEST(flags_go_on_and_off)
{
	_cleanup_close_ int fd = memfd_create("test", 0);

	ck_assert_int_eq(fd_set_cloexec(fd, true), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(fd_set_cloexec(fd, false), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fd_set_nonblock(fd, true), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(fd_set_nonblock(fd, false), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fd_set_nonblock(-1, true), -EBADF);
}
END_TEST

START_TEST(bytes_have_their_order)
{
	unsigned char raw[9] = {0};

	bytes_put_le32(raw + 1, 0x11223344);
	ck_assert_int_eq(raw[1], 0x44);
	ck_assert_uint_eq(bytes_get_be32(raw + 1), 0x44332211);
	bytes_put_be64(raw + 1, 1);
	ck_assert_int_eq(raw[8], 1);
	ck_assert_uint_eq(bytes_get_le16(raw + 7), 0x100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/fd");
	TCase *tcase = tcase_create("fd");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, pread_past_the_end_is_enodata);
	tcase_add_test(tcase, read_goes_on_after_short_counts);
	tcase_add_test(tcase, close_keeps_errno_and_take_fd_disarms);
	tcase_add_test(tcase, flags_go_on_and_off);
	tcase_add_test(tcase, bytes_have_their_order);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
