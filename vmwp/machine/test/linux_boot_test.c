/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The direct boot: what is in guest memory after loading a made-up kernel, and what is said of
 * kernels and initrds that are no such, are cut off, or do not fit.
 */
#include "machine/kernel_boot.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "kernel_image.h"
#include "layout.h"

#define MEMORY      MIB(64)
#define SETUP_SIZE  KERNEL_IMAGE_SETUP
#define KERNEL_SIZE KERNEL_IMAGE_KERNEL
#define FILE_SIZE   KERNEL_IMAGE_SIZE
#define PREFERRED   KERNEL_IMAGE_ADDRESS

static uint8_t image[FILE_SIZE];
static struct kernel_boot boot;
static struct kernel_entry entry;
static struct kernel_error error;

static void setup(void)
{
	kernel_image_make(image);
	boot = (struct kernel_boot){.memory = MEMORY,
				    .kernel_fd = -1,
				    .initrd_fd = -1,
				    .cmdline = "console=ttyS0",
				    .rsdp = 0xe0000};
	boot.ram = calloc(1, MEMORY);
	ck_assert_ptr_nonnull(boot.ram);
}

static void teardown(void)
{
	close(boot.kernel_fd);
	close(boot.initrd_fd);
	free(boot.ram);
}

static int load(size_t size)
{
	close(boot.kernel_fd);
	boot.kernel_fd = file_of(image, size);
	error.text[0] = 0;
	return kernel_boot_load(&boot, &entry, &error);
}

static uint64_t get64(uint64_t address)
{
	return bytes_get_le64(boot.ram + address);
}

START_TEST(loads)
{
	uint8_t *params = boot.ram + LAYOUT_BOOT_PARAMS;

	ck_assert_msg(load(FILE_SIZE) == 0, "%s", error.text);
	ck_assert_int_eq(memcmp(boot.ram + PREFERRED, image + SETUP_SIZE, KERNEL_SIZE), 0);
	ck_assert(entry.long_mode);
	ck_assert_uint_eq(entry.rip, PREFERRED + 0x200);
	ck_assert_uint_eq(entry.rsi, LAYOUT_BOOT_PARAMS);
	ck_assert_str_eq((char *)boot.ram + bytes_get_le32(params + 0x228), "console=ttyS0");
	ck_assert_uint_eq(params[0x210], 0xff);
	ck_assert_int_eq(memcmp(params + 0x202, "HdrS", 4), 0);
	ck_assert_uint_eq(bytes_get_le64(params + 0x70), 0xe0000);
	ck_assert_uint_eq(bytes_get_le32(params + 0x218), 0);
}
END_TEST

START_TEST(maps_the_first_4_gib)
{
	uint64_t pml4 = 0, pdpt, pd;

	ck_assert_int_eq(load(FILE_SIZE), 0);
	pml4 = get64(entry.cr3);
	ck_assert_uint_eq(pml4 & 0xfff, 3);
	for (uint64_t gib = 0; gib < 4; gib++) {
		pdpt = get64((pml4 & ~0xfffull) + gib * 8);
		pd = get64((pdpt & ~0xfffull) + 511 * 8);
		ck_assert_uint_eq(pd, (gib << 30) + MIB(1022) + 0x83);
	}
	ck_assert_uint_eq(get64(entry.gdt_base + entry.code_selector), 0x00af9b000000ffff);
	ck_assert_uint_eq(get64(entry.gdt_base + entry.data_selector), 0x00cf93000000ffff);
}
END_TEST

START_TEST(tells_of_all_memory)
{
	const uint8_t *params = boot.ram + LAYOUT_BOOT_PARAMS;
	uint64_t sum = 0;

	boot.memory = GIB(5); /* of which only what is below 4 GiB is looked at */
	free(boot.ram);
	boot.ram = mmap(NULL, LAYOUT_LOW_END, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(boot.ram, MAP_FAILED);
	params = boot.ram + LAYOUT_BOOT_PARAMS;
	ck_assert_int_eq(load(FILE_SIZE), 0);
	for (unsigned int i = 0; i < params[0x1e8]; i++)
		if (params[0x2d0 + i * 20 + 16] == 1)
			sum += bytes_get_le64(params + 0x2d0 + i * 20 + 8);
	ck_assert_uint_eq(sum, GIB(5) - MIB(1) + LAYOUT_BASE_END);
	ck_assert_uint_eq(bytes_get_le64(params + 0x2d0 + 4 * 20), GIB(4));
	munmap(boot.ram, LAYOUT_LOW_END);
	boot.ram = NULL;
}
END_TEST

START_TEST(puts_the_initrd_on_top)
{
	static uint8_t initrd[5000];
	const uint8_t *params = boot.ram + LAYOUT_BOOT_PARAMS;

	memset(initrd, 0xcd, sizeof initrd);
	boot.initrd_fd = file_of(initrd, sizeof initrd);
	ck_assert_int_eq(load(FILE_SIZE), 0);
	ck_assert_uint_eq(bytes_get_le32(params + 0x218), MEMORY - 8192);
	ck_assert_uint_eq(bytes_get_le32(params + 0x21c), 5000);
	ck_assert_int_eq(memcmp(boot.ram + MEMORY - 8192, initrd, 5000), 0);
	bytes_put_le32(image + 0x22c, MIB(32) - 1); /* the kernel reaches no further */
	ck_assert_int_eq(load(FILE_SIZE), 0);
	ck_assert_uint_eq(bytes_get_le32(params + 0x218), MIB(32) - 8192);
}
END_TEST

static void assert_refused(int r, int expected, const char *text)
{
	ck_assert_int_eq(r, expected);
	ck_assert_str_eq(error.text, text);
}

START_TEST(refuses_what_is_no_kernel)
{
	assert_refused(load(100), -EINVAL,
		       "kernel: is not a Linux kernel (bzImage) and has no multiboot header");
	assert_refused(load(0), -EINVAL,
		       "kernel: is not a Linux kernel (bzImage) and has no multiboot header");
	image[0x202] = 'X';
	assert_refused(load(FILE_SIZE), -EINVAL,
		       "kernel: is not a Linux kernel (bzImage) and has no multiboot header (it "
		       "begins with a boot sector: a disk or a floppy image)");
	kernel_image_make(image);
	assert_refused(load(0x240), -EINVAL, "kernel: has 576 bytes and no header");
	close(boot.kernel_fd);
	boot.kernel_fd = -1;
	assert_refused(kernel_boot_load(&boot, &entry, &error), -EBADF,
		       "kernel: cannot be examined: Bad file descriptor");
}
END_TEST

START_TEST(refuses_a_truncated_kernel)
{
	assert_refused(load(FILE_SIZE - 100), -EINVAL,
		       "kernel: is truncated: 101948 bytes of 102048");
	bytes_put_le32(image + 0x1f4, 0xffffffff);
	assert_refused(load(FILE_SIZE), -EINVAL,
		       "kernel: is truncated: 102048 bytes of 68719478768");
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
	bytes_put_le32(image + 0x260, MIB(60));
	assert_refused(load(FILE_SIZE), -ENOSPC,
		       "kernel: needs 76 MiB of memory, and the machine has 64");
	kernel_image_make(image);
	bytes_put_le64(image + 0x258, UINT64_MAX - 10);
	ck_assert_int_eq(load(FILE_SIZE), -ENOSPC);
	bytes_put_le64(image + 0x258, 0x1000);
	assert_refused(load(FILE_SIZE), -EINVAL, "kernel: wants to be at 0x1000");
	kernel_image_make(image);
	boot.initrd_fd = file_of("", 0);
	assert_refused(load(FILE_SIZE), -EINVAL, "initrd: is empty");
	ck_assert_int_eq(ftruncate(boot.initrd_fd, (off_t)MIB(44)), 0);
	ck_assert_int_eq(load(FILE_SIZE), 0);
	ck_assert_int_eq(ftruncate(boot.initrd_fd, (off_t)MIB(44) + 1), 0);
	assert_refused(load(FILE_SIZE), -ENOSPC,
		       "initrd: has 44 MiB, and beside the kernel there are 44");
	close(boot.initrd_fd);
	boot.initrd_fd = -1;
	bytes_put_le32(image + 0x238, 5);
	assert_refused(load(FILE_SIZE), -EINVAL, "cmdline: has 13 bytes, and this kernel takes 5");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("linux_boot");
	TCase *tc = tcase_create("linux_boot");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, loads);
	tcase_add_test(tc, maps_the_first_4_gib);
	tcase_add_test(tc, tells_of_all_memory);
	tcase_add_test(tc, puts_the_initrd_on_top);
	tcase_add_test(tc, refuses_what_is_no_kernel);
	tcase_add_test(tc, refuses_a_truncated_kernel);
	tcase_add_test(tc, refuses_what_does_not_fit);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
