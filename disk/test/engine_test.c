/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both engines do the same with the same requests; and the plain one, on system calls that do less
 * than asked, fail, or are interrupted, goes on or reports.
 */
#include "engine_private.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 65536

static struct disk_engine *engine;
static int fd;
static int finished;
static int last_result;

static void note_done(struct disk_io *io, int result)
{
	finished++;
	last_result = result;
}

static void open_file(void)
{
	fd = memfd_create("engine", 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	finished = 0;
	last_result = 1;
}

static void close_all(void)
{
	disk_engine_destroy(engine);
	close(fd);
}

/* Not every place where this runs allows io_uring; the plain engine is there always. */
static bool open_kind(int kind)
{
	open_file();
	if (disk_engine_create(kind, &engine) == 0)
		return true;
	ck_assert_int_eq(kind, DISK_ENGINE_URING);
	fprintf(stderr, "no io_uring here: that half is left out\n");
	close(fd);
	return false;
}

static void submit(struct disk_io *io, enum disk_io_kind kind, uint64_t offset, struct iovec *iov,
		   unsigned int count)
{
	*io = (struct disk_io){.kind = kind,
			       .fd = fd,
			       .offset = offset,
			       .iov = iov,
			       .iov_count = count,
			       .done = note_done};
	disk_engine_submit(engine, io);
}

static void run(void)
{
	while (disk_engine_pending(engine))
		disk_engine_wait(engine);
}

static const int kinds[] = {DISK_ENGINE_SYNC, DISK_ENGINE_URING, DISK_ENGINE_BEST};

START_TEST(test_scatter_and_gather)
{
	char a[100], b[200], back[300];
	struct iovec out[] = {{a, sizeof a}, {b, sizeof b}};
	struct iovec in[] = {{back, 1}, {back + 1, sizeof back - 1}};
	struct disk_io io;

	if (!open_kind(kinds[_i]))
		return;
	memset(a, 'a', sizeof a);
	memset(b, 'b', sizeof b);
	submit(&io, DISK_IO_WRITE, 4000, out, 2);
	ck_assert_int_eq(finished, 0); /* never while submitting */
	run();
	ck_assert_int_eq(last_result, 0);
	submit(&io, DISK_IO_READ, 4000, in, 2);
	run();
	ck_assert_int_eq(last_result, 0);
	ck_assert_int_eq(finished, 2);
	ck_assert_int_eq(memcmp(back, a, sizeof a) | memcmp(back + sizeof a, b, sizeof b), 0);
	close_all();
}
END_TEST

/* Where a request waits for its `done`, its length is still what is left to do. */
START_TEST(test_a_result_has_its_own_place)
{
	char buffer[4096];
	struct iovec iov = {buffer, sizeof buffer};
	struct disk_io io;

	if (!open_kind(kinds[_i]))
		return;
	submit(&io, DISK_IO_READ, SIZE - 100, &iov, 1); /* 100 bytes are there */
	run();
	ck_assert_int_eq(last_result, -EIO);
	ck_assert_int_eq(io.result, -EIO);
	ck_assert_uint_eq(io.length, sizeof buffer - 100);
	close_all();
}
END_TEST

static void post_again(struct disk_io *io, int result)
{
	note_done(io, result);
	if (finished < 3)
		disk_engine_post(engine, io, result - 1);
}

/* What is posted comes with a dispatch of its own, the descriptor tells of it, and waiting ends. */
START_TEST(test_posted)
{
	struct disk_io io = {.fd = -1, .done = post_again}, sync;
	struct pollfd p;

	if (!open_kind(kinds[_i]))
		return;
	p = (struct pollfd){disk_engine_fd(engine), POLLIN, 0};
	disk_engine_post(engine, &io, -7);
	ck_assert_int_eq(finished, 0);
	ck_assert_uint_eq(disk_engine_pending(engine), 1);
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(poll(&p, 1, 0), 1);
		ck_assert_uint_eq(disk_engine_dispatch(engine), 1);
		ck_assert_int_eq(finished, i);
		ck_assert_int_eq(last_result, -6 - i);
	}
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_uint_eq(disk_engine_pending(engine), 0);
	finished = 2;
	disk_engine_post(engine, &io, -1);
	submit(&sync, DISK_IO_SYNC, 0, NULL, 0);
	run();
	ck_assert_int_eq(finished, 4);
	close_all();
}
END_TEST

START_TEST(test_descriptor_becomes_readable)
{
	struct disk_io io;
	struct pollfd p;

	if (!open_kind(kinds[_i]))
		return;
	p = (struct pollfd){disk_engine_fd(engine), POLLIN, 0};
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	submit(&io, DISK_IO_SYNC, 0, NULL, 0);
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	ck_assert_uint_eq(disk_engine_dispatch(engine), 1);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_uint_eq(disk_engine_dispatch(engine), 0);
	close_all();
}
END_TEST

START_TEST(test_end_of_file_is_an_error)
{
	char buffer[4096];
	struct iovec iov = {buffer, sizeof buffer};
	struct disk_io io;

	if (!open_kind(kinds[_i]))
		return;
	submit(&io, DISK_IO_READ, SIZE - 1024, &iov, 1);
	run();
	ck_assert_int_eq(last_result, -EIO);
	close_all();
}
END_TEST

START_TEST(test_bad_descriptor)
{
	struct disk_io io = {.kind = DISK_IO_SYNC, .fd = -1, .done = note_done};

	if (!open_kind(kinds[_i]))
		return;
	disk_engine_submit(engine, &io);
	run();
	ck_assert_int_eq(last_result, -EBADF);
	close_all();
}
END_TEST

START_TEST(test_more_than_the_ring_holds)
{
	static struct disk_io io[500];
	static char buffer[500];
	static struct iovec iov[500];

	if (!open_kind(kinds[_i]))
		return;
	for (int i = 0; i < 500; i++) {
		buffer[i] = (char)i;
		iov[i] = (struct iovec){&buffer[i], 1};
		submit(&io[i], DISK_IO_WRITE, (uint64_t)i, &iov[i], 1);
	}
	ck_assert_uint_eq(disk_engine_pending(engine), 500);
	run();
	ck_assert_int_eq(finished, 500);
	char back[500];
	ck_assert_int_eq(pread(fd, back, sizeof back, 0), sizeof back);
	ck_assert_int_eq(memcmp(back, buffer, sizeof back), 0);
	close_all();
}
END_TEST

static struct disk_io chained;

static void submit_again(struct disk_io *io, int result)
{
	if (++finished < 5)
		submit(&chained, DISK_IO_SYNC, 0, NULL, 0);
	chained.done = submit_again;
}

START_TEST(test_completion_submits)
{
	if (!open_kind(kinds[_i]))
		return;
	submit(&chained, DISK_IO_SYNC, 0, NULL, 0);
	chained.done = submit_again;
	run();
	ck_assert_int_eq(finished, 5);
	close_all();
}
END_TEST

START_TEST(test_destroy_waits)
{
	struct disk_io io;

	if (!open_kind(kinds[_i]))
		return;
	submit(&io, DISK_IO_SYNC, 0, NULL, 0);
	close_all();
	ck_assert_int_eq(finished, 1);
}
END_TEST

/* --- injected faults --- */

static int script[16]; /* of the next calls: > 0 at most so many bytes, < 0 -errno, 0 as asked */
static int calls;

static ssize_t limited(ssize_t (*call)(int, const struct iovec *, int, off_t),
		       const struct iovec *iov, off_t offset)
{
	int what = script[calls++];
	struct iovec one = *iov;

	if (what < 0) {
		errno = -what;
		return -1;
	}
	if (what > 0 && one.iov_len > (size_t)what)
		one.iov_len = (size_t)what;
	return call(fd, &one, 1, offset);
}

static ssize_t fake_preadv(int f, const struct iovec *iov, int count, off_t offset)
{
	return limited(preadv, iov, offset);
}

static ssize_t fake_pwritev(int f, const struct iovec *iov, int count, off_t offset)
{
	return limited(pwritev, iov, offset);
}

static int fake_fdatasync(int f)
{
	int what = script[calls++];

	errno = -what;
	return what < 0 ? -1 : 0;
}

static int fake_fallocate(int f, int mode, off_t offset, off_t length)
{
	return fake_fdatasync(f);
}

static const struct disk_system fake_system = {fake_preadv, fake_pwritev, fake_fdatasync,
					       fake_fallocate};

static void open_fake(void)
{
	open_file();
	calls = 0;
	memset(script, 0, sizeof script);
	ck_assert_int_eq(disk_engine_create_sync(&fake_system, &engine), 0);
}

START_TEST(test_short_counts_go_on)
{
	char data[1000], back[1000] = {0};
	struct iovec out[] = {{data, 300}, {data + 300, 700}};
	struct iovec in[] = {{back, 999}, {back + 999, 1}};
	struct disk_io io;

	open_fake();
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 7);
	script[0] = 1, script[1] = -EINTR, script[2] = 298, script[3] = 500;
	submit(&io, DISK_IO_WRITE, 77, out, 2);
	run();
	ck_assert_int_eq(last_result, 0);
	ck_assert_int_gt(calls, 4);
	calls = 0;
	submit(&io, DISK_IO_READ, 77, in, 2);
	run();
	ck_assert_int_eq(last_result, 0);
	ck_assert_int_eq(memcmp(data, back, sizeof data), 0);
	close_all();
}
END_TEST

START_TEST(test_errors_are_reported)
{
	static const int errors[] = {-ENOSPC, -EIO, -EDQUOT};
	char data[1000] = {0};
	struct iovec out = {data, sizeof data};
	struct disk_io io;

	open_fake();
	script[0] = 100, script[1] = errors[_i];
	submit(&io, DISK_IO_WRITE, 0, &out, 1);
	run();
	ck_assert_int_eq(last_result, errors[_i]);
	script[2] = errors[_i];
	submit(&io, DISK_IO_SYNC, 0, NULL, 0);
	run();
	ck_assert_int_eq(last_result, errors[_i]);
	ck_assert_int_eq(calls, 3);
	close_all();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tc = tcase_create("engine");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, test_scatter_and_gather, 0, 3);
	tcase_add_loop_test(tc, test_a_result_has_its_own_place, 0, 3);
	tcase_add_loop_test(tc, test_posted, 0, 3);
	tcase_add_loop_test(tc, test_descriptor_becomes_readable, 0, 3);
	tcase_add_loop_test(tc, test_end_of_file_is_an_error, 0, 3);
	tcase_add_loop_test(tc, test_bad_descriptor, 0, 3);
	tcase_add_loop_test(tc, test_more_than_the_ring_holds, 0, 3);
	tcase_add_loop_test(tc, test_completion_submits, 0, 3);
	tcase_add_loop_test(tc, test_destroy_waits, 0, 3);
	tcase_add_test(tc, test_short_counts_go_on);
	tcase_add_loop_test(tc, test_errors_are_reported, 0, 3);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
