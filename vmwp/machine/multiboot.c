/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot images (Multiboot Specification 0.6.96; Multiboot2 Specification 2.0): finds the header,
 * loads the image, ELF or flat, and an initrd as its one module, and writes the boot information.
 * An image with both headers is booted by the newer one.
 *
 * The information is in one area below 128 KiB, built from its beginning on; kernel_image.c keeps
 * images out of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel_private.h"
#include "layout.h"

#define LOADER_NAME         "Keelson"
#define MODULE_NAME         "initrd"
#define RSDP_SIZE           20u /* of ACPI 1.0, which is the one that there is */

/* The header of 0.6.96, 3.1. */
#define MB1_SEARCH          8192u
#define MB1_MAGIC           0x1badb002u
#define MB1_LOADED          0x2badb002u
#define MB1_ADDRESSES       BIT(16)
#define MB1_KNOWN           0x0007u /* of the 16 that must be understood */

/* Its information, 3.3. */
#define MB1_INFO_SIZE       120u
#define MB1_HAS_MEMORY      BIT(0)
#define MB1_HAS_CMDLINE     BIT(2)
#define MB1_HAS_MODULES     BIT(3)
#define MB1_HAS_MAP         BIT(6)
#define MB1_HAS_LOADER      BIT(9)

/* The header of 2.0, 3.1. */
#define MB2_SEARCH          32768u
#define MB2_MAGIC           0xe85250d6u
#define MB2_LOADED          0x36d76289u
#define MB2_OPTIONAL        BIT(0)
#define MB2_TAG_END         0u
#define MB2_TAG_REQUEST     1u
#define MB2_TAG_ADDRESS     2u
#define MB2_TAG_ENTRY       3u
#define MB2_TAG_FLAGS       4u
#define MB2_TAG_FRAMEBUFFER 5u
#define MB2_TAG_LAST        10u

/* Its information, 3.6. */
#define MB2_INFO_END        0u
#define MB2_INFO_CMDLINE    1u
#define MB2_INFO_LOADER     2u
#define MB2_INFO_MODULE     3u
#define MB2_INFO_MEMORY     4u
#define MB2_INFO_MAP        6u
#define MB2_INFO_RSDP       14u

struct header {
	unsigned int version; /* 1 or 2; 0: none was found */
	size_t offset;        /* in the file */
	size_t length;
	bool has_addresses, has_entry;
	uint32_t header_address, load, load_end, bss_end, entry;
};

/* --- finding it --- */

static bool is_mb1(const uint8_t *at)
{
	uint32_t sum = bytes_get_le32(at) + bytes_get_le32(at + 4) + bytes_get_le32(at + 8);

	return bytes_get_le32(at) == MB1_MAGIC && sum == 0;
}

static bool is_mb2(const uint8_t *at)
{
	uint32_t sum = bytes_get_le32(at) + bytes_get_le32(at + 4) + bytes_get_le32(at + 8) +
		       bytes_get_le32(at + 12);

	return bytes_get_le32(at) == MB2_MAGIC && sum == 0;
}

static struct header find(const uint8_t head[KERNEL_HEAD])
{
	for (size_t at = 0; at + 16 <= MB2_SEARCH; at += 8)
		if (is_mb2(head + at))
			return (struct header){.version = 2,
					       .offset = at,
					       .length = bytes_get_le32(head + at + 8)};
	for (size_t at = 0; at + 12 <= MB1_SEARCH; at += 4)
		if (is_mb1(head + at))
			return (struct header){.version = 1, .offset = at};
	return (struct header){0};
}

bool multiboot_is(const uint8_t head[KERNEL_HEAD])
{
	return find(head).version != 0;
}

/* --- reading it --- */

static int refuse(const struct header *header, const char *why, unsigned int number,
		  struct kernel_error *ret_error)
{
	return kernel_fail(ret_error, -EINVAL, "kernel: has a multiboot %u header %s %u",
			   header->version, why, number);
}

static void take_addresses(struct header *header, const uint8_t *at)
{
	header->has_addresses = true;
	header->header_address = bytes_get_le32(at);
	header->load = bytes_get_le32(at + 4);
	header->load_end = bytes_get_le32(at + 8);
	header->bss_end = bytes_get_le32(at + 12);
}

/* Pages for modules and the memory map are given anyway; a video mode is a wish. */
static int read_mb1(const uint8_t *at, struct header *header, struct kernel_error *ret_error)
{
	uint32_t flags = bytes_get_le32(at + 4);
	uint32_t unknown = flags & 0xffff & ~MB1_KNOWN;

	if (unknown)
		return refuse(header, "that needs feature", (unsigned int)__builtin_ctz(unknown),
			      ret_error);
	if (flags & MB1_ADDRESSES) {
		take_addresses(header, at + 12);
		header->has_entry = true;
		header->entry = bytes_get_le32(at + 28);
	}
	return 0;
}

static bool is_given(uint32_t information)
{
	return information <= MB2_INFO_MEMORY || information == MB2_INFO_MAP ||
	       information == MB2_INFO_RSDP;
}

static int read_request(const uint8_t *tag, uint32_t size, struct header *header,
			struct kernel_error *ret_error)
{
	for (uint32_t at = 8; at + 4 <= size; at += 4)
		if (!is_given(bytes_get_le32(tag + at)))
			return refuse(header, "that needs information", bytes_get_le32(tag + at),
				      ret_error);
	return 0;
}

/* A console that is required, and a framebuffer, are on a screen; there is none. */
static int read_tag(const uint8_t *tag, uint32_t size, struct header *header,
		    struct kernel_error *ret_error)
{
	uint16_t type = bytes_get_le16(tag);
	bool optional = bytes_get_le16(tag + 2) & MB2_OPTIONAL;

	if (type == MB2_TAG_ADDRESS && size >= 24) {
		take_addresses(header, tag + 8);
	} else if (type == MB2_TAG_ENTRY && size >= 12) {
		header->has_entry = true;
		header->entry = bytes_get_le32(tag + 8);
	} else if (type == MB2_TAG_REQUEST) {
		return optional ? 0 : read_request(tag, size, header, ret_error);
	} else if (!optional && (type > MB2_TAG_LAST || type == MB2_TAG_FRAMEBUFFER ||
				 (type == MB2_TAG_FLAGS && size >= 12 && tag[8] & 1))) {
		return refuse(header, "that needs what its tag asks for, of type", type, ret_error);
	}
	return 0;
}

static int read_mb2(const uint8_t *at, struct header *header, struct kernel_error *ret_error)
{
	size_t tag = 16;

	if (bytes_get_le32(at + 4) != 0)
		return refuse(header, "for architecture", bytes_get_le32(at + 4), ret_error);
	if (header->length > MB2_SEARCH - header->offset)
		return refuse(header, "whose length is", (unsigned int)header->length, ret_error);
	while (tag + 8 <= header->length && bytes_get_le16(at + tag) != MB2_TAG_END) {
		uint32_t size = bytes_get_le32(at + tag + 4);
		int r;

		if (size < 8 || size > header->length - tag)
			return refuse(header, "with a tag whose size is", size, ret_error);
		r = read_tag(at + tag, size, header, ret_error);
		if (r < 0)
			return r;
		tag += ALIGN_UP((size_t)size, (size_t)8);
	}
	return 0;
}

/* --- loading --- */

static int load_flat(const struct kernel_boot *boot, const struct header *header,
		     struct kernel_placed *ret_placed, struct kernel_error *ret_error)
{
	struct kernel_flat flat = {
		.offset = header->offset - (header->header_address - header->load),
		.address = header->load,
		.size = header->load_end ? header->load_end - header->load : UINT64_MAX,
		.end = header->bss_end,
	};

	if (header->load == UINT32_MAX) { /* multiboot 2: from the beginning of the file */
		flat.offset = 0;
		flat.address = header->header_address - header->offset;
		flat.size = header->load_end ? header->load_end - flat.address : UINT64_MAX;
	}
	if (flat.address > header->header_address || flat.offset > header->offset ||
	    (header->load_end && header->load_end < flat.address))
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: has a multiboot header whose addresses do not fit "
				   "together");
	return kernel_load_flat(boot, &flat, ret_placed, ret_error);
}

static int load_image(const struct kernel_boot *boot, const uint8_t head[KERNEL_HEAD],
		      const struct header *header, struct kernel_placed *ret_placed,
		      struct kernel_error *ret_error)
{
	int r;

	if (header->has_addresses)
		r = load_flat(boot, header, ret_placed, ret_error);
	else if (kernel_is_elf(head))
		r = kernel_load_elf(boot, head, ret_placed, ret_error);
	else
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: has a multiboot %u header without addresses, and is no "
				   "ELF file",
				   header->version);
	if (r < 0)
		return r;
	if (header->has_entry)
		ret_placed->entry = header->entry;
	if (ret_placed->entry < ret_placed->begin || ret_placed->entry >= ret_placed->end)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: begins at 0x%" PRIx64 ", outside of what is loaded",
				   ret_placed->entry);
	return 0;
}

/* Behind the image: below it there is no place that every image leaves free. */
static int load_module(const struct kernel_boot *boot, const struct kernel_placed *placed,
		       struct kernel_initrd *ret_module, struct kernel_error *ret_error)
{
	return kernel_load_initrd(boot, MAX(placed->end, LAYOUT_EXTENDED_BEGIN),
				  layout_low_size(boot->memory), false, ret_module, ret_error);
}

/* --- the information --- */

struct area {
	uint8_t *ram;
	uint32_t at; /* address of the next free byte */
};

static uint32_t reserve(struct area *area, uint32_t size, uint32_t alignment)
{
	uint32_t at = ALIGN_UP(area->at, alignment);

	CHECK(at + size <= LAYOUT_BOOT_END); /* a command line of 2047 bytes leaves half of it */
	memset(area->ram + at, 0, size);
	area->at = at + size;
	return at;
}

static uint32_t put_text(struct area *area, const char *text)
{
	uint32_t size = (uint32_t)strlen(text) + 1, at = reserve(area, size, 1);

	memcpy(area->ram + at, text, size);
	return at;
}

static uint32_t lower_kib(void)
{
	return (uint32_t)(LAYOUT_BASE_END >> 10);
}

static uint32_t upper_kib(const struct kernel_boot *boot)
{
	return (uint32_t)((layout_low_size(boot->memory) - LAYOUT_EXTENDED_BEGIN) >> 10);
}

static void put_mb1_map(struct area *area, const struct kernel_boot *boot, uint8_t *info)
{
	struct kernel_range map[KERNEL_RANGES];
	size_t count = kernel_memory_map(boot->memory, map);
	uint32_t at = reserve(area, (uint32_t)count * 24, 4);

	bytes_put_le32(info + 44, (uint32_t)count * 24);
	bytes_put_le32(info + 48, at);
	for (size_t i = 0; i < count; i++) {
		uint8_t *entry = area->ram + at + i * 24;

		bytes_put_le32(entry, 20); /* what follows the size itself */
		bytes_put_le64(entry + 4, map[i].begin);
		bytes_put_le64(entry + 12, map[i].end - map[i].begin);
		bytes_put_le32(entry + 20, map[i].type);
	}
}

static void put_mb1_module(struct area *area, const struct kernel_initrd *module, uint8_t *info)
{
	uint32_t name, at;

	if (module->begin == module->end)
		return;
	name = put_text(area, MODULE_NAME);
	at = reserve(area, 16, 4);
	bytes_put_le32(area->ram + at, (uint32_t)module->begin);
	bytes_put_le32(area->ram + at + 4, (uint32_t)module->end);
	bytes_put_le32(area->ram + at + 8, name);
	bytes_put_le32(info + 20, 1);
	bytes_put_le32(info + 24, at);
}

static uint32_t put_mb1_info(struct area *area, const struct kernel_boot *boot,
			     const struct kernel_initrd *module)
{
	uint32_t address = reserve(area, MB1_INFO_SIZE, 8);
	uint8_t *info = area->ram + address;

	bytes_put_le32(info, MB1_HAS_MEMORY | MB1_HAS_CMDLINE | MB1_HAS_MODULES | MB1_HAS_MAP |
				     MB1_HAS_LOADER);
	bytes_put_le32(info + 4, lower_kib());
	bytes_put_le32(info + 8, upper_kib(boot));
	bytes_put_le32(info + 16, put_text(area, boot->cmdline));
	put_mb1_module(area, module, info);
	put_mb1_map(area, boot, info);
	bytes_put_le32(info + 64, put_text(area, LOADER_NAME));
	return address;
}

/* A tag with `size` bytes behind its type and size; returns where they go. */
static uint8_t *put_tag(struct area *area, uint32_t type, uint32_t size)
{
	uint32_t at = reserve(area, 8 + size, 8);

	bytes_put_le32(area->ram + at, type);
	bytes_put_le32(area->ram + at + 4, 8 + size);
	return area->ram + at + 8;
}

static void put_text_tag(struct area *area, uint32_t type, const char *text)
{
	uint32_t size = (uint32_t)strlen(text) + 1;

	memcpy(put_tag(area, type, size), text, size);
}

static void put_mb2_map(struct area *area, const struct kernel_boot *boot)
{
	struct kernel_range map[KERNEL_RANGES];
	size_t count = kernel_memory_map(boot->memory, map);
	uint8_t *at = put_tag(area, MB2_INFO_MAP, 8 + (uint32_t)count * 24);

	bytes_put_le32(at, 24); /* of an entry; and their version, 0 */
	for (size_t i = 0; i < count; i++) {
		uint8_t *entry = at + 8 + i * 24;

		bytes_put_le64(entry, map[i].begin);
		bytes_put_le64(entry + 8, map[i].end - map[i].begin);
		bytes_put_le32(entry + 16, map[i].type);
	}
}

static void put_mb2_module(struct area *area, const struct kernel_initrd *module)
{
	uint8_t *at;

	if (module->begin == module->end)
		return;
	at = put_tag(area, MB2_INFO_MODULE, 8 + sizeof MODULE_NAME);
	bytes_put_le32(at, (uint32_t)module->begin);
	bytes_put_le32(at + 4, (uint32_t)module->end);
	memcpy(at + 8, MODULE_NAME, sizeof MODULE_NAME);
}

static uint32_t put_mb2_info(struct area *area, const struct kernel_boot *boot,
			     const struct kernel_initrd *module)
{
	uint32_t address = reserve(area, 8, 8);
	uint8_t *at;

	put_text_tag(area, MB2_INFO_CMDLINE, boot->cmdline);
	put_text_tag(area, MB2_INFO_LOADER, LOADER_NAME);
	put_mb2_module(area, module);
	at = put_tag(area, MB2_INFO_MEMORY, 8);
	bytes_put_le32(at, lower_kib());
	bytes_put_le32(at + 4, upper_kib(boot));
	put_mb2_map(area, boot);
	if (boot->rsdp)
		memcpy(put_tag(area, MB2_INFO_RSDP, RSDP_SIZE), boot->ram + boot->rsdp, RSDP_SIZE);
	put_tag(area, MB2_INFO_END, 0);
	bytes_put_le32(area->ram + address, area->at - address);
	return address;
}

int multiboot_load(const struct kernel_boot *boot, const uint8_t head[KERNEL_HEAD],
		   struct kernel_entry *ret_entry, struct kernel_error *ret_error)
{
	struct area area = {boot->ram, (uint32_t)LAYOUT_BOOT_PARAMS};
	struct header header = find(head);
	struct kernel_placed placed = {0};
	struct kernel_initrd module;
	int r;

	r = header.version == 2 ? read_mb2(head + header.offset, &header, ret_error)
				: read_mb1(head + header.offset, &header, ret_error);
	if (r == 0)
		r = load_image(boot, head, &header, &placed, ret_error);
	if (r == 0)
		r = load_module(boot, &placed, &module, ret_error);
	if (r < 0)
		return r;
	ret_entry->rip = placed.entry;
	ret_entry->eax = header.version == 2 ? MB2_LOADED : MB1_LOADED;
	ret_entry->ebx = header.version == 2 ? put_mb2_info(&area, boot, &module)
					     : put_mb1_info(&area, boot, &module);
	kernel_put_gdt(boot->ram, false, ret_entry);
	return 0;
}
