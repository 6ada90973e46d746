/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw images: what is refused at opening and why, every request, limits, and faults below. */
#include "disk/disk.h"
#include "engine_private.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTORS 2048
#define SIZE    (SECTORS * 512)

static struct disk_engine *engine;
static struct disk *disk;
static struct disk_error error;
static int fd;
static int finished, last_result;
static int fail_fallocate, fail_write_after; /* error; writes that still succeed, or -1 */

static int injected_fallocate(int f, int mode, off_t offset, off_t length)
{
	if (!fail_fallocate)
		return fallocate(f, mode, offset, length);
	errno = fail_fallocate;
	return -1;
}

static ssize_t injected_pwritev(int f, const struct iovec *iov, int count, off_t offset)
{
	if (fail_write_after < 0)
		return pwritev(f, iov, count, offset);
	if (fail_write_after-- > 0)
		return pwritev(f, iov, count, offset);
	errno = ENOSPC;
	return -1;
}

static int syncs;

static int counted_fdatasync(int f)
{
	syncs++;
	return fdatasync(f);
}

static const struct disk_system injected = {preadv, injected_pwritev, counted_fdatasync,
					    injected_fallocate};

/* The allocations that submitting a request needs fail when told so (-Wl,--wrap). */
static bool no_memory, starve;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
	return no_memory ? NULL : __real_malloc(size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return no_memory ? NULL : __real_aligned_alloc(alignment, size);
}

static void setup(void)
{
	fail_fallocate = 0;
	fail_write_after = -1;
	finished = syncs = 0;
	starve = false;
	fd = memfd_create("raw", 0);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	ck_assert_int_eq(disk_engine_create_sync(&injected, &engine), 0);
	ck_assert_int_eq(disk_open_raw(engine, fd, 512, 0, &disk, &error), 0);
}

static void teardown(void)
{
	disk_close(disk);
	disk_engine_destroy(engine);
}

static void note_done(struct disk_request *request, int result)
{
	finished++;
	last_result = result;
}

static int perform(enum disk_op op, uint64_t offset, void *buffer, size_t length)
{
	struct iovec iov = {buffer, length};
	struct disk_request request = {
		.op = op, .offset = offset, .length = length, .done = note_done};

	if (buffer) {
		request.iov = &iov;
		request.iov_count = 1;
	}
	finished = 0;
	no_memory = starve;
	disk_submit(disk, &request);
	no_memory = false;
	ck_assert_int_eq(finished, 0);
	disk_drain(disk);
	ck_assert_int_eq(finished, 1);
	return last_result;
}

START_TEST(test_write_then_read)
{
	uint8_t out[1024], in[1024];

	memset(out, 0xa5, sizeof out);
	ck_assert_int_eq(perform(DISK_OP_WRITE, SIZE - 1024, out, 1024), 0);
	ck_assert_int_eq(perform(DISK_OP_FLUSH, 0, NULL, 0), 0);
	ck_assert_int_eq(perform(DISK_OP_READ, SIZE - 1024, in, 1024), 0);
	ck_assert_int_eq(memcmp(in, out, 1024), 0);
	ck_assert_int_eq(perform(DISK_OP_READ, 0, in, 512), 0);
	ck_assert_uint_eq(in[0], 0);
	ck_assert_int_eq(perform(DISK_OP_READ, SIZE, in, 512), -ERANGE);
	ck_assert_uint_eq(disk_stats(disk).reads, 2);
	ck_assert_uint_eq(disk_stats(disk).read_bytes, 1536);
	ck_assert_uint_eq(disk_stats(disk).writes, 1);
	ck_assert_uint_eq(disk_stats(disk).write_bytes, 1024);
}
END_TEST

START_TEST(test_limits)
{
	uint8_t buffer[1024];

	ck_assert_int_eq(perform(DISK_OP_READ, SIZE, buffer, 512), -ERANGE);
	ck_assert_int_eq(perform(DISK_OP_READ, SIZE - 512, buffer, 1024), -ERANGE);
	ck_assert_int_eq(perform(DISK_OP_WRITE, UINT64_MAX - 511, buffer, 1024), -ERANGE);
	ck_assert_int_eq(perform(DISK_OP_ZERO, SIZE - 512, NULL, 1024), -ERANGE);
	ck_assert_int_eq(perform(DISK_OP_READ, 1, buffer, 512), -EINVAL);
	ck_assert_int_eq(perform(DISK_OP_READ, 0, buffer, 100), -EINVAL);
	ck_assert_int_eq(perform(DISK_OP_READ, 0, NULL, 0), -EINVAL);
	ck_assert_int_eq(perform(DISK_OP_DISCARD, 512, NULL, 0), -EINVAL);
	ck_assert_int_eq(perform(DISK_OP_READ, 0, NULL, 512), -EINVAL); /* no memory for it */
}
END_TEST

/* Results in the order of submission, each from a dispatch; `next` is submitted by the first end. */
static int results[8];
static struct disk_request next;

static void collect(struct disk_request *request, int result)
{
	results[finished++] = result;
	if (finished == 1 && next.done)
		disk_submit(disk, &next);
}

START_TEST(test_refusals_are_no_io)
{
	static uint8_t buffer[512];
	struct iovec iov = {buffer, sizeof buffer};
	struct disk_request requests[3] = {
		{.op = DISK_OP_READ, .offset = SIZE, .length = 512, .iov = &iov, .iov_count = 1},
		{.op = DISK_OP_DISCARD, .offset = 512, .length = 0},
		{.op = DISK_OP_READ, .offset = 1, .length = 512, .iov = &iov, .iov_count = 1},
	};

	next = (struct disk_request){
		.op = DISK_OP_ZERO, .offset = SIZE, .length = 512, .done = collect};
	for (int i = 0; i < 3; i++) {
		requests[i].done = collect;
		disk_submit(disk, &requests[i]);
	}
	ck_assert_int_eq(finished, 0);
	ck_assert_uint_eq(disk_pending(disk), 3);
	disk_engine_dispatch(engine);
	ck_assert_int_eq(finished, 3);
	ck_assert_uint_eq(disk_pending(disk), 1);
	disk_drain(disk);
	ck_assert_int_eq(finished, 4);
	ck_assert_int_eq(results[0], -ERANGE);
	ck_assert_int_eq(results[1], -EINVAL);
	ck_assert_int_eq(results[2], -EINVAL);
	ck_assert_int_eq(results[3], -ERANGE);
	ck_assert_int_eq(syncs, 0);
	next.done = NULL;
}
END_TEST

START_TEST(test_without_memory)
{
	uint8_t buffer[512];

	starve = true;
	ck_assert_int_eq(perform(DISK_OP_READ, 0, buffer, 512), -ENOMEM);
	ck_assert_int_eq(perform(DISK_OP_FLUSH, 0, NULL, 0), -ENOMEM);
	ck_assert_int_eq(syncs, 0);
	starve = false;
	ck_assert_int_eq(perform(DISK_OP_READ, 0, buffer, 512), 0);
	starve = true; /* the next request has that one's area */
	ck_assert_int_eq(perform(DISK_OP_READ, 0, buffer, 512), 0);
	ck_assert_uint_eq(disk_stats(disk).reads, 2);
}
END_TEST

START_TEST(test_read_only)
{
	struct disk *read_only;
	uint8_t buffer[512] = {0};

	ck_assert_int_eq(disk_open_raw(engine, dup(fd), 512, DISK_READ_ONLY, &read_only, &error),
			 0);
	ck_assert(disk_is_read_only(read_only));
	disk_close(disk);
	disk = read_only;
	ck_assert_int_eq(perform(DISK_OP_WRITE, 0, buffer, 512), -EROFS);
	ck_assert_int_eq(perform(DISK_OP_ZERO, 0, NULL, 512), -EROFS);
	ck_assert_int_eq(perform(DISK_OP_DISCARD, 0, NULL, 512), -EROFS);
	ck_assert_int_eq(perform(DISK_OP_READ, 0, buffer, 512), 0);
	ck_assert_int_eq(perform(DISK_OP_FLUSH, 0, NULL, 0), 0);
}
END_TEST

static void fill(void)
{
	static uint8_t ones[SIZE];

	memset(ones, 0xff, sizeof ones);
	ck_assert_int_eq(perform(DISK_OP_WRITE, 0, ones, SIZE), 0);
}

static void assert_zeroed_between(uint64_t from, uint64_t to)
{
	static uint8_t back[SIZE];

	ck_assert_int_eq(perform(DISK_OP_READ, 0, back, SIZE), 0);
	for (uint64_t i = 0; i < SIZE; i++)
		if (back[i] != (i >= from && i < to ? 0 : 0xff)) /* checks are slow */
			ck_abort_msg("byte %lu", i);
}

START_TEST(test_zero)
{
	fill();
	ck_assert_int_eq(perform(DISK_OP_ZERO, 512, NULL, 700 * 1024), 0);
	assert_zeroed_between(512, 512 + 700 * 1024);
}
END_TEST

START_TEST(test_zero_where_the_file_system_cannot)
{
	fill();
	fail_fallocate = EOPNOTSUPP;
	ck_assert_int_eq(perform(DISK_OP_ZERO, 512, NULL, 700 * 1024), 0);
	assert_zeroed_between(512, 512 + 700 * 1024);
}
END_TEST

START_TEST(test_zero_on_a_full_file_system)
{
	fill();
	fail_fallocate = EOPNOTSUPP;
	fail_write_after = 1;
	ck_assert_int_eq(perform(DISK_OP_ZERO, 0, NULL, 700 * 1024), -ENOSPC);
	fail_fallocate = ENOSPC;
	ck_assert_int_eq(perform(DISK_OP_ZERO, 0, NULL, 512), -ENOSPC);
}
END_TEST

START_TEST(test_discard_is_a_hint)
{
	fill();
	fail_fallocate = EOPNOTSUPP;
	ck_assert_int_eq(perform(DISK_OP_DISCARD, 0, NULL, 4096), 0);
	assert_zeroed_between(0, 0);
	fail_fallocate = 0;
	ck_assert_int_eq(perform(DISK_OP_DISCARD, 0, NULL, 4096), 0);
	fail_fallocate = EIO;
	ck_assert_int_eq(perform(DISK_OP_DISCARD, 0, NULL, 4096), -EIO);
}
END_TEST

START_TEST(test_image_that_shrank)
{
	uint8_t buffer[1024];

	ck_assert_int_eq(ftruncate(fd, 512), 0);
	ck_assert_int_eq(perform(DISK_OP_READ, 0, buffer, 1024), -EIO);
}
END_TEST

static int open_bad(int bad, uint32_t sector_size, unsigned int flags)
{
	struct disk *none = NULL;
	int r;

	error.text[0] = 0;
	r = disk_open_raw(engine, bad, sector_size, flags, &none, &error);
	ck_assert_int_lt(r, 0);
	ck_assert_ptr_null(none);
	ck_assert_uint_gt(strlen(error.text), 0);
	return r;
}

START_TEST(test_refused_images)
{
	int empty = memfd_create("empty", 0), odd = memfd_create("odd", 0), ends[2];
	int read_end = open("/dev/null", O_RDONLY), write_end = open("/dev/null", O_WRONLY);

	ck_assert_int_eq(open_bad(empty, 512, 0), -EINVAL);
	ck_assert_str_eq(error.text, "is empty");
	ck_assert_int_eq(ftruncate(odd, 1000), 0);
	ck_assert_int_eq(open_bad(odd, 512, 0), -EINVAL);
	ck_assert_str_eq(error.text, "has 1000 bytes, which is no multiple of 512");
	ck_assert_int_eq(ftruncate(odd, 512), 0);
	ck_assert_int_eq(open_bad(odd, 2048, 0), -EINVAL);
	ck_assert_int_eq(open_bad(read_end, 512, 0), -EACCES);
	ck_assert_str_eq(error.text, "is not open for writing");
	ck_assert_int_eq(open_bad(write_end, 512, DISK_READ_ONLY), -EACCES);
	ck_assert_int_eq(open_bad(read_end, 512, DISK_READ_ONLY), -EINVAL);
	ck_assert_str_eq(error.text, "is neither a file nor a block device");
	ck_assert_int_eq(open_bad(-1, 512, 0), -EBADF);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_lt(open_bad(ends[0], 512, DISK_READ_ONLY), 0);
	for (int i = 0; i < 2; i++)
		close(ends[i]);
	close(empty);
	close(odd);
	close(read_end);
	close(write_end);
}
END_TEST

/* O_DIRECT does not work on every file system; where it does, any memory is good enough for us. */
START_TEST(test_direct)
{
	char name[] = "disk_raw_test_XXXXXX";
	int direct = mkstemp(name);
	uint8_t out[1025], in[1025];

	ck_assert_int_ge(direct, 0);
	ck_assert_int_eq(ftruncate(direct, SIZE), 0);
	close(direct);
	direct = open(name, O_RDWR | O_DIRECT);
	unlink(name);
	if (direct < 0)
		return;
	disk_close(disk);
	ck_assert_int_eq(disk_open_raw(engine, direct, 512, 0, &disk, &error), 0);
	memset(out, 0x3c, sizeof out);
	memset(in, 0, sizeof in);
	ck_assert_int_eq(perform(DISK_OP_WRITE, 4096, out + 1, 1024), 0);
	ck_assert_int_eq(perform(DISK_OP_READ, 4096, in + 1, 1024), 0);
	ck_assert_int_eq(memcmp(in + 1, out + 1, 1024), 0);
	starve = true; /* for the buffer; the area is there */
	ck_assert_int_eq(perform(DISK_OP_READ, 4096, in + 1, 1024), -ENOMEM);
	ck_assert_int_eq(syncs, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("raw");
	TCase *tc = tcase_create("raw");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_write_then_read);
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_refusals_are_no_io);
	tcase_add_test(tc, test_without_memory);
	tcase_add_test(tc, test_read_only);
	tcase_add_test(tc, test_zero);
	tcase_add_test(tc, test_zero_where_the_file_system_cannot);
	tcase_add_test(tc, test_zero_on_a_full_file_system);
	tcase_add_test(tc, test_discard_is_a_hint);
	tcase_add_test(tc, test_image_that_shrank);
	tcase_add_test(tc, test_refused_images);
	tcase_add_test(tc, test_direct);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
