/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells what a kernel file is and hands it to its loader; and what the loaders share: reading,
 * words for a failure, the memory map and the GDT.
 */
#include "kernel_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "layout.h"

#define PAGE UINT64_C(4096)

int kernel_fail(struct kernel_error *ret_error, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret_error->text, sizeof ret_error->text, format, arguments);
	va_end(arguments);
	return error;
}

int kernel_file_size(int fd, const char *what, uint64_t *ret_size, struct kernel_error *ret_error)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return kernel_fail(ret_error, -errno, "%s: cannot be examined: %s", what,
				   strerror(errno));
	if (!S_ISREG(st.st_mode))
		return kernel_fail(ret_error, -EINVAL, "%s: is not a regular file", what);
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int kernel_read_at(int fd, const char *what, void *buffer, size_t size, uint64_t offset,
		   struct kernel_error *ret_error)
{
	int r = fd_pread_full(fd, buffer, size, offset);

	if (r == -ENODATA)
		return kernel_fail(ret_error, -EINVAL, "%s: is truncated", what);
	if (r < 0)
		return kernel_fail(ret_error, r, "%s: cannot be read: %s", what, strerror(-r));
	return 0;
}

static size_t put_range(struct kernel_range *map, size_t n, uint64_t begin, uint64_t end,
			uint32_t type)
{
	if (begin >= end)
		return n;
	map[n] = (struct kernel_range){begin, end, type};
	return n + 1;
}

size_t kernel_memory_map(uint64_t memory, struct kernel_range map[KERNEL_RANGES])
{
	uint64_t high = layout_high_size(memory);
	size_t n = 0;

	n = put_range(map, n, 0, LAYOUT_BASE_END, KERNEL_RAM);
	n = put_range(map, n, LAYOUT_BASE_END, LAYOUT_VIDEO_BEGIN, KERNEL_RESERVED);
	n = put_range(map, n, LAYOUT_FIRMWARE_BEGIN, LAYOUT_EXTENDED_BEGIN, KERNEL_RESERVED);
	n = put_range(map, n, LAYOUT_EXTENDED_BEGIN, layout_low_size(memory), KERNEL_RAM);
	return put_range(map, n, LAYOUT_HIGH_BEGIN, LAYOUT_HIGH_BEGIN + high, KERNEL_RAM);
}

/* Selectors 10h and 18h, as Linux's boot protocols want them. */
void kernel_put_gdt(uint8_t *ram, bool long_mode, struct kernel_entry *entry)
{
	const uint64_t gdt[] = {0, 0, long_mode ? 0x00af9b000000ffff : 0x00cf9b000000ffff,
				0x00cf93000000ffff};

	for (size_t i = 0; i < ARRAY_SIZE(gdt); i++)
		bytes_put_le64(ram + LAYOUT_BOOT_GDT + i * 8, gdt[i]);
	entry->long_mode = long_mode;
	entry->gdt_base = LAYOUT_BOOT_GDT;
	entry->gdt_limit = sizeof gdt - 1;
	entry->code_selector = 0x10;
	entry->data_selector = 0x18;
}

int kernel_load_initrd(const struct kernel_boot *boot, uint64_t begin, uint64_t end, bool high,
		       struct kernel_initrd *ret_initrd, struct kernel_error *ret_error)
{
	uint64_t first = ALIGN_UP(begin, PAGE), size;
	int r;

	*ret_initrd = (struct kernel_initrd){0};
	if (boot->initrd_fd < 0)
		return 0;
	r = kernel_file_size(boot->initrd_fd, "initrd", &size, ret_error);
	if (r < 0)
		return r;
	if (size == 0)
		return kernel_fail(ret_error, -EINVAL, "initrd: is empty");
	if (first > end || size > end - first)
		return kernel_fail(ret_error, -ENOSPC,
				   "initrd: has %" PRIu64
				   " MiB, and beside the kernel there are %" PRIu64,
				   size >> 20, end > first ? (end - first) >> 20 : 0);
	if (high)
		first = ALIGN_DOWN(end - size, PAGE);
	*ret_initrd = (struct kernel_initrd){first, first + size};
	return kernel_read_at(boot->initrd_fd, "initrd", boot->ram + first, size, 0, ret_error);
}

/* --- what it is --- */

/* What people hand over by mistake is told by name. */
static const char *known_as(const uint8_t head[KERNEL_HEAD])
{
	if (kernel_is_elf(head))
		return " (it is an ELF file; of Linux, boot the bzImage instead of vmlinux)";
	if (head[0] == 0x1f && head[1] == 0x8b)
		return " (it is compressed by gzip)";
	if (memcmp(head, "MZ", 2) == 0)
		return " (it is an EFI program)";
	if (bytes_get_le16(head + 0x1fe) == 0xaa55)
		return " (it begins with a boot sector: a disk or a floppy image)";
	return "";
}

static int load_known(const struct kernel_boot *boot, const uint8_t head[KERNEL_HEAD],
		      struct kernel_entry *ret_entry, struct kernel_error *ret_error)
{
	if (linux_boot_is(head))
		return linux_boot_load(boot, ret_entry, ret_error);
	if (multiboot_is(head))
		return multiboot_load(boot, head, ret_entry, ret_error);
	return kernel_fail(ret_error, -EINVAL,
			   "kernel: is not a Linux kernel (bzImage) and has no multiboot header%s",
			   known_as(head));
}

int kernel_boot_load(const struct kernel_boot *boot, struct kernel_entry *ret_entry,
		     struct kernel_error *ret_error)
{
	_cleanup_free_ uint8_t *head = calloc(1, KERNEL_HEAD);
	uint64_t size;
	int r;

	if (!head)
		return kernel_fail(ret_error, -ENOMEM, "kernel: there is not enough memory");
	r = kernel_file_size(boot->kernel_fd, "kernel", &size, ret_error);
	if (r == 0)
		r = kernel_read_at(boot->kernel_fd, "kernel", head, MIN(size, KERNEL_HEAD), 0,
				   ret_error);
	if (r < 0)
		return r;
	*ret_entry = (struct kernel_entry){0};
	return load_known(boot, head, ret_entry, ret_error);
}
