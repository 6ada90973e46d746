/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux kernels (Documentation/arch/x86/boot.rst in the kernel's sources): by the 64-bit boot
 * protocol where the kernel has it (2.12 or later, XLF_KERNEL_64), else by the 32-bit one (2.02 or
 * later). Order: read and check the header; place kernel, then initrd above it; then write what the
 * kernel is told. Offsets of the header are those of boot.rst, relative to the image and to the boot
 * parameters alike.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel_private.h"
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
#define HDR_JUMP            0x201 /* its operand: how far the header reaches behind 202h */
#define HDR_MAGIC           0x202
#define HDR_VERSION         0x206
#define HDR_TYPE_OF_LOADER  0x210
#define HDR_LOADFLAGS       0x211
#define HDR_CODE32_START    0x214
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
#define MIN_VERSION         0x0202 /* the first with a 32-bit pointer to the command line */
#define VERSION_INITRD_MAX  0x0203
#define VERSION_CMDLINE     0x0206 /* has its length */
#define VERSION_PLACE       0x020a /* has its preferred address, and how much room it needs */
#define VERSION_64          0x020c

/* What holds of kernels that are too old to say so. */
#define OLD_INITRD_MAX      0x37ffffffu
#define OLD_CMDLINE_SIZE    255u
#define PARAGRAPH           16u /* bytes; the unit of HDR_SYSSIZE, whose last may be part of one */

struct image {
	uint8_t setup[HDR_END]; /* zeroes where the kernel's header is shorter */
	unsigned int version;
	bool is_64;
	size_t setup_size;    /* bytes in the file before the protected-mode kernel */
	uint64_t kernel_size; /* bytes of that */
	uint64_t address;     /* where it goes */
	uint64_t end;         /* of what it needs while it unpacks itself */
};

/* --- the image --- */

bool linux_boot_is(const uint8_t head[KERNEL_HEAD])
{
	return bytes_get_le16(head + HDR_BOOT_FLAG) == 0xaa55 &&
	       memcmp(head + HDR_MAGIC, "HdrS", 4) == 0;
}

static int check_version(struct image *image, struct kernel_error *ret_error)
{
	uint8_t *setup = image->setup;
	unsigned int end = HDR_MAGIC + setup[HDR_JUMP];

	image->version = bytes_get_le16(setup + HDR_VERSION);
	if (image->version < MIN_VERSION)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: has boot protocol %u.%02u, and 2.02 is the least",
				   image->version >> 8, image->version & 0xff);
	if (!(setup[HDR_LOADFLAGS] & LOADFLAGS_HIGH))
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: is a Linux kernel that is loaded low (zImage); a "
				   "bzImage is needed");
	if (end < HDR_END)
		memset(setup + end, 0, HDR_END - end);
	image->is_64 = image->version >= VERSION_64 &&
		       bytes_get_le16(setup + HDR_XLOADFLAGS) & XLOADFLAGS_64;
	return 0;
}

static int read_header(int fd, struct image *image, struct kernel_error *ret_error)
{
	uint64_t size, claimed;
	int r = kernel_file_size(fd, "kernel", &size, ret_error);

	if (r < 0)
		return r;
	if (size < HDR_END)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: has %" PRIu64 " bytes and no header", size);
	r = kernel_read_at(fd, "kernel", image->setup, HDR_END, 0, ret_error);
	if (r == 0)
		r = check_version(image, ret_error);
	if (r < 0)
		return r;
	image->setup_size =
		((image->setup[HDR_SETUP_SECTS] ? image->setup[HDR_SETUP_SECTS] : 4u) + 1) * 512u;
	claimed = (uint64_t)bytes_get_le32(image->setup + HDR_SYSSIZE) * PARAGRAPH;
	if (size + PARAGRAPH - 1 < image->setup_size + claimed || size <= image->setup_size ||
	    claimed == 0)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: is truncated: %" PRIu64 " bytes of %" PRIu64, size,
				   image->setup_size + claimed);
	image->kernel_size = size - image->setup_size;
	return 0;
}

/* At its preferred address; if RAM begins later or ends sooner there is no other that is better. */
static int place_kernel(const struct kernel_boot *boot, struct image *image,
			struct kernel_error *ret_error)
{
	uint64_t low = layout_low_size(boot->memory);
	uint64_t room =
		MAX((uint64_t)bytes_get_le32(image->setup + HDR_INIT_SIZE), image->kernel_size);
	uint64_t address = bytes_get_le64(image->setup + HDR_PREF_ADDRESS);

	if (image->version < VERSION_PLACE)
		address = LAYOUT_EXTENDED_BEGIN;
	if (address < LAYOUT_EXTENDED_BEGIN)
		return kernel_fail(ret_error, -EINVAL, "kernel: wants to be at 0x%" PRIx64,
				   address);
	if (address >= low || room > low - address)
		return kernel_fail(
			ret_error, -ENOSPC,
			"kernel: needs %" PRIu64 " MiB of memory, and the machine has %" PRIu64,
			address < (UINT64_C(1) << 40) ? (address + room + MIB(1) - 1) >> 20
						      : address >> 20,
			low >> 20);
	image->address = address;
	image->end = address + room;
	return 0;
}

static int load_kernel(const struct kernel_boot *boot, struct image *image,
		       struct kernel_error *ret_error)
{
	int r = read_header(boot->kernel_fd, image, ret_error);

	if (r == 0)
		r = place_kernel(boot, image, ret_error);
	if (r < 0)
		return r;
	return kernel_read_at(boot->kernel_fd, "kernel", boot->ram + image->address,
			      image->kernel_size, image->setup_size, ret_error);
}

/* --- initrd: as high as the kernel can reach --- */

static int load_initrd(const struct kernel_boot *boot, const struct image *image, uint8_t *params,
		       struct kernel_error *ret_error)
{
	uint64_t reach = image->version < VERSION_INITRD_MAX
				 ? OLD_INITRD_MAX
				 : bytes_get_le32(image->setup + HDR_INITRD_ADDR_MAX);
	uint64_t top = MIN(layout_low_size(boot->memory), reach + 1);
	struct kernel_initrd initrd;
	int r = kernel_load_initrd(boot, image->end, top, true, &initrd, ret_error);

	if (r < 0)
		return r;
	bytes_put_le32(params + HDR_RAMDISK_IMAGE, (uint32_t)initrd.begin);
	bytes_put_le32(params + HDR_RAMDISK_SIZE, (uint32_t)(initrd.end - initrd.begin));
	return 0;
}

/* --- what the kernel is told --- */

static int put_cmdline(const struct kernel_boot *boot, const struct image *image, uint8_t *params,
		       struct kernel_error *ret_error)
{
	size_t length = strlen(boot->cmdline);
	uint32_t max = image->version < VERSION_CMDLINE
			       ? OLD_CMDLINE_SIZE
			       : bytes_get_le32(image->setup + HDR_CMDLINE_SIZE);

	if (length > max)
		return kernel_fail(ret_error, -EINVAL,
				   "cmdline: has %zu bytes, and this kernel takes %u", length, max);
	memcpy(boot->ram + LAYOUT_BOOT_CMDLINE, boot->cmdline, length + 1);
	bytes_put_le32(params + HDR_CMDLINE_PTR, LAYOUT_BOOT_CMDLINE);
	return 0;
}

static void put_memory_map(const struct kernel_boot *boot, uint8_t *params)
{
	struct kernel_range map[KERNEL_RANGES];
	size_t count = kernel_memory_map(boot->memory, map);

	for (size_t i = 0; i < count; i++) {
		uint8_t *entry = params + PARAMS_E820_TABLE + i * 20;

		bytes_put_le64(entry, map[i].begin);
		bytes_put_le64(entry + 8, map[i].end - map[i].begin);
		bytes_put_le32(entry + 16, map[i].type);
	}
	params[PARAMS_E820_COUNT] = (uint8_t)count;
}

/* Of the setup header what is known here; later fields, of newer kernels, mean their defaults. */
static void init_params(const struct kernel_boot *boot, const struct image *image, uint8_t *params)
{
	memset(params, 0, PARAMS_SIZE);
	memcpy(params + HDR_SETUP_SECTS, image->setup + HDR_SETUP_SECTS, HDR_END - HDR_SETUP_SECTS);
	params[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	bytes_put_le32(params + HDR_CODE32_START, (uint32_t)image->address);
	bytes_put_le64(params + PARAMS_RSDP, boot->rsdp);
	put_memory_map(boot, params);
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

int linux_boot_load(const struct kernel_boot *boot, struct kernel_entry *ret_entry,
		    struct kernel_error *ret_error)
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
		r = put_cmdline(boot, &image, params, ret_error);
	if (r < 0)
		return r;
	kernel_put_gdt(boot->ram, image.is_64, ret_entry);
	ret_entry->rip = image.address + (image.is_64 ? ENTRY_64 : 0);
	ret_entry->rsi = LAYOUT_BOOT_PARAMS;
	if (image.is_64) {
		put_page_tables(boot->ram);
		ret_entry->cr3 = LAYOUT_BOOT_TABLES;
	}
	return 0;
}
