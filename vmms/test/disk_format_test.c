/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk images by their marks, and who on the host holds a disk, from files made for that.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/disk_format.h"
#include "daemon/disk_holder.h"

/* ── formats ───────────────────────────────────────────────────────────────────────────────── */

static const struct {
	const char *qemu, *bytes;
	size_t length;
	long offset; /* negative: from the end */
} images[] = {
	{"qcow2", "QFI\xfb\0\0\0\2", 8, 0},
	{"qcow2", "QFI\xfb\0\0\0\3", 8, 0},
	{"qcow", "QFI\xfb\0\0\0\1", 8, 0},
	{"qed", "QED\0", 4, 0},
	{"vmdk", "KDMV\1\0\0\0", 8, 0},
	{"vmdk", "COWD", 4, 0},
	{"vmdk", "# Disk DescriptorFile\n", 22, 0},
	{"vdi", "\x7f\x10\xda\xbe", 4, 64},
	{"vhdx", "vhdxfile", 8, 0},
	{"vpc", "conectix", 8, 0},
	{"vpc", "cxsparse", 8, 512},
	{"vpc", "conectix", 8, -512},
	{"vpc", "conectix", 8, -511},
	{"parallels", "WithoutFreeSpace", 16, 0},
	{"parallels", "WithouFreSpacExt", 16, 0},
	{"bochs", "Bochs Virtual HD Image", 22, 0},
};

static int make_file(off_t size)
{
	char path[] = "/tmp/keelson-format-XXXXXX";
	int fd = mkstemp(path);

	ck_assert(fd >= 0);
	unlink(path);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	return fd;
}

static const char *probe(int fd, uint64_t size)
{
	const struct disk_format *format = NULL;

	ck_assert_int_eq(disk_format_probe(fd, size, &format), 0);
	return format ? format->qemu : "raw";
}

START_TEST(each_mark)
{
	enum { SIZE = 1 << 20 };
	_cleanup_close_ int fd = make_file(SIZE);
	off_t at = images[_i].offset < 0 ? SIZE + images[_i].offset : images[_i].offset;

	ck_assert_str_eq(probe(fd, SIZE), "raw");
	ck_assert(pwrite(fd, images[_i].bytes, images[_i].length, at) ==
		  (ssize_t)images[_i].length);
	ck_assert_str_eq(probe(fd, SIZE), images[_i].qemu);
	/* one byte off, and one bit other */
	ck_assert(pwrite(fd, "\x55", 1, at) == 1);
	ck_assert_str_eq(probe(fd, SIZE), "raw");
}
END_TEST

START_TEST(raw_disks)
{
	_cleanup_close_ int empty = make_file(0), tiny = make_file(3), odd = make_file(700);
	_cleanup_close_ int booted = make_file(4096);

	ck_assert_str_eq(probe(empty, 0), "raw");
	ck_assert(pwrite(tiny, "QFI", 3, 0) == 3);
	ck_assert_str_eq(probe(tiny, 3), "raw");
	ck_assert_str_eq(probe(odd, 700), "raw");
	ck_assert(pwrite(booted, "\x55\xaa", 2, 510) == 2);
	ck_assert(pwrite(booted, "EFI PART", 8, 512) == 8);
	ck_assert_str_eq(probe(booted, 4096), "raw");
}
END_TEST

/* ── holders ───────────────────────────────────────────────────────────────────────────────── */

static char root[64], mountinfo[128], swaps[128], sys[128];
static struct disk_holder_sources sources;

static void put(const char *path, const char *text)
{
	_cleanup_free_ char *whole = NULL;
	_cleanup_close_ int fd = -1;

	ck_assert(asprintf(&whole, "%s/%s", root, path) > 0);
	for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(whole, 0700);
		*slash = '/';
	}
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void setup(void)
{
	strcpy(root, "/tmp/keelson-holder-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(mountinfo, sizeof(mountinfo), "%s/mountinfo", root);
	snprintf(swaps, sizeof(swaps), "%s/swaps", root);
	snprintf(sys, sizeof(sys), "%s/sys", root);
	sources = (struct disk_holder_sources){NULL, mountinfo, swaps, sys};
	put("mountinfo",
	    "22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/nowhere rw\n"
	    "40 22 8:17 /a\\040b /srv/my\\040disk rw shared:2 master:1 - xfs /dev/x rw\n"
	    "41 22 0:35 / /proc rw - proc proc rw\n");
	put("swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	put("sys/dev/block/8:0/dev", "8:0\n");
	put("sys/dev/block/8:0/sda1/partition", "1\n");
	put("sys/dev/block/8:0/sda1/dev", "8:1\n");
	put("sys/dev/block/8:0/sda2/partition", "2\n");
	put("sys/dev/block/8:0/sda2/dev", "8:2\n");
	put("sys/dev/block/8:32/holders/dm-0/dev", "253:0\n");
	put("sys/block/dm-0/dm/name", "vg-root\n");
	put("sys/block/dm-0/dm/uuid", "LVM-abc\n");
	put("sys/dev/block/8:48/holders/md0/dev", "9:0\n");
	put("sys/dev/block/8:64/holders/dm-1/dev", "253:1\n");
	put("sys/block/dm-1/dm/name", "luks-1\n");
	put("sys/block/dm-1/dm/uuid", "CRYPT-LUKS2-abc\n");
}

static void teardown(void)
{
	_cleanup_free_ char *command = NULL;

	ck_assert(asprintf(&command, "rm -r %s", root) > 0);
	ck_assert_int_eq(system(command), 0);
}

static const char *holder_of(unsigned int major, unsigned int minor)
{
	static char text[DISK_HOLDER_TEXT];
	struct stat st = {.st_mode = S_IFBLK, .st_rdev = makedev(major, minor)};

	return disk_holder_find(&sources, &st, text) ? text : NULL;
}

START_TEST(devices)
{
	ck_assert_str_eq(holder_of(8, 2), "it is mounted on /");
	ck_assert_str_eq(holder_of(8, 17), "it is mounted on /srv/my disk");
	ck_assert_str_eq(holder_of(8, 0), "its partition sda2 is mounted on /");
	ck_assert_str_eq(holder_of(8, 32), "it is part of the LVM volume vg-root (dm-0)");
	ck_assert_str_eq(holder_of(8, 48), "it is part of the RAID md0");
	ck_assert_str_eq(holder_of(8, 64), "it is part of the encrypted volume luks-1 (dm-1)");
	ck_assert_ptr_null(holder_of(8, 1));
	ck_assert_ptr_null(holder_of(8, 80));
}
END_TEST

/* As a partition lies in the directory of its disk. */
START_TEST(partition_of_used_disk)
{
	_cleanup_free_ char *link = NULL;

	put("sys/block/sdx/dev", "65:0\n");
	put("sys/block/sdx/holders/dm-0/dev", "253:0\n");
	put("sys/block/sdx/sdx1/dev", "65:1\n");
	put("sys/block/sdx/sdx1/partition", "1\n");
	ck_assert(asprintf(&link, "%s/dev/block/65:1", sys) > 0);
	ck_assert_int_eq(symlink("../../block/sdx/sdx1", link), 0);
	ck_assert_str_eq(holder_of(65, 1), "the disk that it is a partition of is part of the "
					   "LVM volume vg-root (dm-0)");
}
END_TEST

START_TEST(files)
{
	char text[DISK_HOLDER_TEXT];
	_cleanup_free_ char *path = NULL, *line = NULL;
	struct stat st;

	put("my disk.raw", "x");
	ck_assert(asprintf(&path, "%s/my disk.raw", root) > 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(!disk_holder_find(&sources, &st, text));
	put("sys/block/loop3/ro", "1\n");
	put("sys/block/loop3/loop/backing_file", path);
	ck_assert_msg(!disk_holder_find(&sources, &st, text), "a loop device that only reads");
	put("sys/block/loop3/ro", "0\n");
	ck_assert(disk_holder_find(&sources, &st, text));
	ck_assert_str_eq(text, "it is attached to /dev/loop3 ('losetup -d' ends that)");
	put("sys/block/loop3/loop/backing_file", "/nowhere");
	ck_assert(asprintf(&line, "Filename\n%s/my\\040disk.raw file 1 0 -2\n", root) > 0);
	put("swaps", line);
	ck_assert(disk_holder_find(&sources, &st, text));
	ck_assert_str_eq(text, "it is used as swap");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("disk_format");
	TCase *formats = tcase_create("formats"), *holders = tcase_create("holders");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(formats, each_mark, 0, ARRAY_SIZE(images));
	tcase_add_test(formats, raw_disks);
	suite_add_tcase(suite, formats);
	tcase_add_checked_fixture(holders, setup, teardown);
	tcase_add_test(holders, devices);
	tcase_add_test(holders, partition_of_used_disk);
	tcase_add_test(holders, files);
	suite_add_tcase(suite, holders);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
