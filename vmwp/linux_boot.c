/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loader. Order: read and check the header; place kernel, then initrd above it; then write what
 * the kernel is told. Offsets of the header are those of boot.rst, relative to the image and to the
 * boot parameters alike.
 */
#include "linux_boot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "layout.h"

/* Boot parameters ("zero page"). */
#define PARAMS_SIZE         4096
#define PARAMS_RSDP         0x070
#define PARAMS_E820_COUNT   0x1e8
#define PARAMS_E820_TABLE   0x2d0

/* Header. */
#define HDR_SETUP_SECTS     0x1f1
#define HDR_SYSSIZE         0x1f4
#define HDR_BOOT_FLAG       0x1fe
#define HDR_MAGIC           0x202
#define HDR_VERSION         0x206
#define HDR_TYPE_OF_LOADER  0x210
#define HDR_LOADFLAGS       0x211
#define HDR_RAMDISK_IMAGE   0x218
#define HDR_RAMDISK_SIZE    0x21c
#define HDR_CMDLINE_PTR     0x228
#define HDR_INITRD_ADDR_MAX 0x22c
#define HDR_XLOADFLAGS      0x236
#define HDR_CMDLINE_SIZE    0x238
#define HDR_PREF_ADDRESS    0x258
#define HDR_INIT_SIZE       0x260
#define HDR_END             0x264

#define LOADER_UNDEFINED    0xff
#define LOADFLAGS_HIGH      BIT(0)
#define XLOADFLAGS_64       BIT(0)
#define ENTRY_64            0x200
#define MIN_VERSION         0x020c

enum { E820_RAM = 1, E820_RESERVED = 2 };

struct image {
	uint8_t setup[HDR_END];
	size_t setup_size;    /* bytes in the file before the protected-mode kernel */
	uint64_t kernel_size; /* bytes of that */
	uint64_t address;     /* where it goes */
	uint64_t end;         /* of what it needs while it unpacks itself */
};

static int fail(struct linux_boot_error *ret_error, int error, const char *format, ...)
	printf_like(3, 4);

static int fail(struct linux_boot_error *ret_error, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret_error->text, sizeof ret_error->text, format, arguments);
	va_end(arguments);
	return error;
}

static int file_size(int fd, const char *what, uint64_t *ret_size,
		     struct linux_boot_error *ret_error)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(ret_error, -errno, "%s: cannot be examined: %s", what, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(ret_error, -EINVAL, "%s: is not a regular file", what);
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

static int read_at(int fd, const char *what, void *buffer, size_t size, uint64_t offset,
		   struct linux_boot_error *ret_error)
{
	int r = fd_pread_full(fd, buffer, size, offset);

	if (r == -ENODATA)
		return fail(ret_error, -EINVAL, "%s: is truncated", what);
	if (r < 0)
		return fail(ret_error, r, "%s: cannot be read: %s", what, strerror(-r));
	return 0;
}

/* --- the image --- */

static int check_magic(const uint8_t *setup, struct linux_boot_error *ret_error)
{
	unsigned int version = bytes_get_le16(setup + HDR_VERSION);

	if (bytes_get_le16(setup + HDR_BOOT_FLAG) != 0xaa55 || memcmp(setup + HDR_MAGIC, "HdrS", 4))
		return fail(ret_error, -EINVAL, "kernel: is not a Linux kernel (bzImage)");
	if (version < MIN_VERSION)
		return fail(ret_error, -EINVAL,
			    "kernel: has boot protocol %u.%02u, and 2.12 is the least",
			    version >> 8, version & 0xff);
	if (!(setup[HDR_LOADFLAGS] & LOADFLAGS_HIGH) ||
	    !(bytes_get_le16(setup + HDR_XLOADFLAGS) & XLOADFLAGS_64))
		return fail(ret_error, -EINVAL, "kernel: is not a 64-bit kernel");
	return 0;
}

static int read_header(int fd, struct image *image, struct linux_boot_error *ret_error)
{
	uint64_t size, claimed;
	int r = file_size(fd, "kernel", &size, ret_error);

	if (r < 0)
		return r;
	if (size < HDR_END)
		return fail(ret_error, -EINVAL, "kernel: has %" PRIu64 " bytes and no header",
			    size);
	r = read_at(fd, "kernel", image->setup, HDR_END, 0, ret_error);
	if (r == 0)
		r = check_magic(image->setup, ret_error);
	if (r < 0)
		return r;
	image->setup_size =
		((image->setup[HDR_SETUP_SECTS] ? image->setup[HDR_SETUP_SECTS] : 4u) + 1) * 512u;
	claimed = (uint64_t)bytes_get_le32(image->setup + HDR_SYSSIZE) * 16;
	if (size < image->setup_size + claimed || claimed == 0)
		return fail(ret_error, -EINVAL,
			    "kernel: is truncated: %" PRIu64 " bytes of %" PRIu64, size,
			    image->setup_size + claimed);
	image->kernel_size = size - image->setup_size;
	return 0;
}

/* At its preferred address; if RAM begins later or ends sooner there is no other that is better. */
static int place_kernel(const struct linux_boot *boot, struct image *image,
			struct linux_boot_error *ret_error)
{
	uint64_t low = layout_low_size(boot->memory);
	uint64_t room =
		MAX((uint64_t)bytes_get_le32(image->setup + HDR_INIT_SIZE), image->kernel_size);
	uint64_t address = bytes_get_le64(image->setup + HDR_PREF_ADDRESS);

	if (address < LAYOUT_EXTENDED_BEGIN)
		return fail(ret_error, -EINVAL, "kernel: wants to be at 0x%" PRIx64, address);
	if (address >= low || room > low - address)
		return fail(ret_error, -ENOSPC,
			    "kernel: needs %" PRIu64 " MiB of memory, and the machine has %" PRIu64,
			    address < (UINT64_C(1) << 40) ? (address + room + MIB(1) - 1) >> 20
							  : address >> 20,
			    low >> 20);
	image->address = address;
	image->end = address + room;
	return 0;
}

static int load_kernel(const struct linux_boot *boot, struct image *image,
		       struct linux_boot_error *ret_error)
{
	int r = read_header(boot->kernel_fd, image, ret_error);

	if (r == 0)
		r = place_kernel(boot, image, ret_error);
	if (r < 0)
		return r;
	return read_at(boot->kernel_fd, "kernel", boot->ram + image->address, image->kernel_size,
		       image->setup_size, ret_error);
}

/* --- initrd: as high as the kernel can reach, whole pages --- */

static int load_initrd(const struct linux_boot *boot, const struct image *image, uint8_t *params,
		       struct linux_boot_error *ret_error)
{
	uint64_t top = MIN(layout_low_size(boot->memory),
			   (uint64_t)bytes_get_le32(image->setup + HDR_INITRD_ADDR_MAX) + 1);
	uint64_t size, address;
	int r;

	if (boot->initrd_fd < 0)
		return 0;
	r = file_size(boot->initrd_fd, "initrd", &size, ret_error);
	if (r < 0)
		return r;
	if (size == 0)
		return fail(ret_error, -EINVAL, "initrd: is empty");
	if (top < image->end || size > top - image->end ||
	    ALIGN_DOWN(top - size, UINT64_C(4096)) < image->end)
		return fail(ret_error, -ENOSPC,
			    "initrd: has %" PRIu64 " MiB, and beside the kernel there are %" PRIu64,
			    size >> 20, top > image->end ? (top - image->end) >> 20 : 0);
	address = ALIGN_DOWN(top - size, UINT64_C(4096));
	bytes_put_le32(params + HDR_RAMDISK_IMAGE, (uint32_t)address);
	bytes_put_le32(params + HDR_RAMDISK_SIZE, (uint32_t)size);
	return read_at(boot->initrd_fd, "initrd", boot->ram + address, size, 0, ret_error);
}

/* --- what the kernel is told --- */

static int put_cmdline(const struct linux_boot *boot, uint8_t *params,
		       struct linux_boot_error *ret_error)
{
	size_t length = strlen(boot->cmdline);
	uint32_t max = bytes_get_le32(params + HDR_CMDLINE_SIZE);

	if (length > max)
		return fail(ret_error, -EINVAL, "cmdline: has %zu bytes, and this kernel takes %u",
			    length, max);
	memcpy(boot->ram + LAYOUT_BOOT_CMDLINE, boot->cmdline, length + 1);
	bytes_put_le32(params + HDR_CMDLINE_PTR, LAYOUT_BOOT_CMDLINE);
	return 0;
}

static void put_range(uint8_t *params, uint64_t begin, uint64_t end, uint32_t type)
{
	uint8_t *entry = params + PARAMS_E820_TABLE + params[PARAMS_E820_COUNT] * 20;

	if (begin >= end)
		return;
	bytes_put_le64(entry, begin);
	bytes_put_le64(entry + 8, end - begin);
	bytes_put_le32(entry + 16, type);
	params[PARAMS_E820_COUNT]++;
}

static void put_memory_map(const struct linux_boot *boot, uint8_t *params)
{
	uint64_t high = layout_high_size(boot->memory);

	put_range(params, 0, LAYOUT_BASE_END, E820_RAM);
	put_range(params, LAYOUT_BASE_END, LAYOUT_VIDEO_BEGIN, E820_RESERVED);
	put_range(params, LAYOUT_FIRMWARE_BEGIN, LAYOUT_EXTENDED_BEGIN, E820_RESERVED);
	put_range(params, LAYOUT_EXTENDED_BEGIN, layout_low_size(boot->memory), E820_RAM);
	put_range(params, LAYOUT_HIGH_BEGIN, LAYOUT_HIGH_BEGIN + high, E820_RAM);
}

/* Of the setup header what is known here; later fields, of newer kernels, mean their defaults. */
static void init_params(const struct linux_boot *boot, const struct image *image, uint8_t *params)
{
	memset(params, 0, PARAMS_SIZE);
	memcpy(params + HDR_SETUP_SECTS, image->setup + HDR_SETUP_SECTS, HDR_END - HDR_SETUP_SECTS);
	params[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	bytes_put_le64(params + PARAMS_RSDP, boot->rsdp);
	put_memory_map(boot, params);
}

static void put_gdt(uint8_t *ram)
{
	static const uint64_t gdt[] = {0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff};

	for (size_t i = 0; i < ARRAY_SIZE(gdt); i++)
		bytes_put_le64(ram + LAYOUT_BOOT_GDT + i * 8, gdt[i]);
}

/* The first 4 GiB one to one, in pages of 2 MiB. */
static void put_page_tables(uint8_t *ram)
{
	uint64_t table = LAYOUT_BOOT_TABLES;
	uint64_t directories = table + 0x2000;

	memset(ram + table, 0, 0x6000);
	bytes_put_le64(ram + table, (table + 0x1000) | 3);
	for (uint64_t i = 0; i < 4; i++)
		bytes_put_le64(ram + table + 0x1000 + i * 8, (directories + i * 0x1000) | 3);
	for (uint64_t i = 0; i < 4 * 512; i++)
		bytes_put_le64(ram + directories + i * 8, i << 21 | 0x83);
}

int linux_boot_load(const struct linux_boot *boot, struct linux_boot_entry *ret_entry,
		    struct linux_boot_error *ret_error)
{
	uint8_t *params = boot->ram + LAYOUT_BOOT_PARAMS;
	struct image image;
	int r;

	r = load_kernel(boot, &image, ret_error);
	if (r < 0)
		return r;
	init_params(boot, &image, params);
	r = load_initrd(boot, &image, params, ret_error);
	if (r == 0)
		r = put_cmdline(boot, params, ret_error);
	if (r < 0)
		return r;
	put_gdt(boot->ram);
	put_page_tables(boot->ram);
	*ret_entry = (struct linux_boot_entry){
		.rip = image.address + ENTRY_64,
		.rsi = LAYOUT_BOOT_PARAMS,
		.cr3 = LAYOUT_BOOT_TABLES,
		.gdt_base = LAYOUT_BOOT_GDT,
		.gdt_limit = 4 * 8 - 1,
		.code_selector = 0x10,
		.data_selector = 0x18,
	};
	return 0;
}
