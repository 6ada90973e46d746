/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory: what overlaps is refused, what is copied is checked to the last byte.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vid/fake.h"
#include "vid/memory.h"

static struct vid_partition *partition;
static struct vid_memory *memory;

static void setup(void)
{
	ck_assert_int_eq(vid_fake_partition_create(&partition), 0);
	ck_assert_int_eq(vid_memory_create("ram", 16 * VID_PAGE_SIZE, &memory), 0);
}

static void teardown(void)
{
	vid_partition_destroy(partition);
	vid_memory_destroy(memory);
}

/* Maps `pages` pages of memory from page `from` at page `at`. */
static int map(uint64_t at, uint64_t from, uint64_t pages, unsigned int access)
{
	return vid_partition_map(partition, at * VID_PAGE_SIZE, memory, from * VID_PAGE_SIZE,
				 pages * VID_PAGE_SIZE, access);
}

START_TEST(memory_is_sealed_and_aligned)
{
	int fd = vid_memory_fd(memory);

	ck_assert_int_eq(ftruncate(fd, 4096), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_uint_eq((uintptr_t)vid_memory_host(memory) % MIB(2), 0);
	ck_assert_uint_eq(vid_memory_size(memory), 16 * VID_PAGE_SIZE);
}
END_TEST

START_TEST(bad_sizes_are_refused)
{
	struct vid_memory *none;

	ck_assert_int_eq(vid_memory_create("x", 0, &none), -EINVAL);
	ck_assert_int_eq(vid_memory_create("x", 100, &none), -EINVAL);
	ck_assert_int_eq(map(0, 16, 1, VID_ACCESS_ALL), -EINVAL);
	ck_assert_int_eq(map(0, 0, 17, VID_ACCESS_ALL), -EINVAL);
	ck_assert_int_eq(map(0, 0, 0, VID_ACCESS_ALL), -EINVAL);
	ck_assert_int_eq(map(0, 0, 1, 0), -EINVAL);
	ck_assert_int_eq(map(0, 0, 1, 8), -EINVAL);
	ck_assert_int_eq(map(UINT64_MAX / VID_PAGE_SIZE, 0, 2, VID_ACCESS_ALL), -EINVAL);
	ck_assert_int_eq(vid_partition_map(partition, 1, memory, 0, 4096, VID_ACCESS_ALL), -EINVAL);
}
END_TEST

START_TEST(overlaps_are_refused)
{
	ck_assert_int_eq(map(4, 0, 4, VID_ACCESS_ALL), 0);
	ck_assert_int_eq(map(0, 4, 5, VID_ACCESS_ALL), -EEXIST);
	ck_assert_int_eq(map(7, 4, 1, VID_ACCESS_ALL), -EEXIST);
	ck_assert_int_eq(map(5, 4, 1, VID_ACCESS_ALL), -EEXIST);
	ck_assert_int_eq(map(0, 4, 4, VID_ACCESS_ALL), 0);
	ck_assert_int_eq(map(8, 8, 1, VID_ACCESS_ALL), 0);
}
END_TEST

START_TEST(unmap_wants_the_same_piece)
{
	ck_assert_int_eq(map(4, 0, 4, VID_ACCESS_ALL), 0);
	ck_assert_int_eq(vid_partition_unmap(partition, 4 * 4096, 4096), -ENOENT);
	ck_assert_int_eq(vid_partition_unmap(partition, 5 * 4096, 3 * 4096), -ENOENT);
	ck_assert_int_eq(vid_partition_unmap(partition, 4 * 4096, 4 * 4096), 0);
	ck_assert_int_eq(vid_partition_unmap(partition, 4 * 4096, 4 * 4096), -ENOENT);
	ck_assert_int_eq(map(4, 0, 4, VID_ACCESS_ALL), 0);
}
END_TEST

START_TEST(copies_cross_mappings_and_stop_at_holes)
{
	char buffer[8192], back[8192];

	memset(buffer, 'k', sizeof(buffer));
	ck_assert_int_eq(map(0, 8, 1, VID_ACCESS_ALL), 0);
	ck_assert_int_eq(map(1, 2, 1, VID_ACCESS_ALL), 0);
	ck_assert_int_eq(vid_gpa_write(partition, 100, buffer, 8092), 0);
	ck_assert_int_eq(vid_gpa_read(partition, 100, back, 8092), 0);
	ck_assert_mem_eq(buffer, back, 8092);
	ck_assert_int_eq(((char *)vid_memory_host(memory))[2 * 4096], 'k');
	ck_assert_int_eq(vid_gpa_read(partition, 100, back, 8093), -EFAULT);
	ck_assert_int_eq(vid_gpa_read(partition, UINT64_MAX, back, 2), -EFAULT);
	ck_assert_int_eq(vid_gpa_read(partition, 1 << 20, back, 0), 0);
}
END_TEST

START_TEST(a_refused_write_changes_nothing)
{
	char buffer[4096] = "new";

	ck_assert_int_eq(map(0, 0, 1, VID_ACCESS_ALL), 0);
	ck_assert_int_eq(map(1, 1, 1, VID_ACCESS_READ), 0);
	ck_assert_int_eq(vid_gpa_write(partition, 4094, buffer, 4), -EFAULT);
	ck_assert_int_eq(((char *)vid_memory_host(memory))[4094], 0);
	ck_assert_int_eq(vid_gpa_read(partition, 4094, buffer, 4), 0);
}
END_TEST

START_TEST(host_pointers_end_with_the_mapping)
{
	size_t size = 0;
	char *base = vid_memory_host(memory);

	ck_assert_int_eq(map(1, 3, 2, VID_ACCESS_READ), 0);
	ck_assert_ptr_eq(vid_gpa_host(partition, 4096 + 16, 1 << 20, VID_ACCESS_READ, &size),
			 base + 3 * 4096 + 16);
	ck_assert_uint_eq(size, 8192 - 16);
	ck_assert_ptr_null(vid_gpa_host(partition, 4096, 1, VID_ACCESS_WRITE, &size));
	ck_assert_ptr_null(vid_gpa_host(partition, 0, 1, VID_ACCESS_READ, &size));
	ck_assert_ptr_null(vid_gpa_host(partition, 4096, 0, VID_ACCESS_READ, &size));
}
END_TEST

START_TEST(many_mappings_are_all_found)
{
	uint8_t byte;

	for (unsigned int i = 0; i < 200; i++)
		ck_assert_int_eq(map((i * 7) % 200, i % 16, 1, VID_ACCESS_ALL), 0);
	for (unsigned int i = 0; i < 16; i++)
		((uint8_t *)vid_memory_host(memory))[i * 4096] = (uint8_t)(i + 1);
	for (unsigned int i = 0; i < 200; i++) {
		ck_assert_int_eq(vid_gpa_read(partition, ((i * 7) % 200) * 4096, &byte, 1), 0);
		ck_assert_uint_eq(byte, i % 16 + 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vid/gpa_map");
	TCase *tcase = tcase_create("gpa_map");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, memory_is_sealed_and_aligned);
	tcase_add_test(tcase, bad_sizes_are_refused);
	tcase_add_test(tcase, overlaps_are_refused);
	tcase_add_test(tcase, unmap_wants_the_same_piece);
	tcase_add_test(tcase, copies_cross_mappings_and_stop_at_holes);
	tcase_add_test(tcase, a_refused_write_changes_nothing);
	tcase_add_test(tcase, host_pointers_end_with_the_mapping);
	tcase_add_test(tcase, many_mappings_are_all_found);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
