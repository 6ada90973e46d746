// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads multiboot1 (QEMU's -kernel, old loaders) and multiboot2 (GRUB) information into struct
 * boot_info. The loader is trusted; sizes are checked only so that a short table ends the loop.
 */
#include "core/format.h"
#include "core/arch.h"
#include "x86/boot_info.h"

#define MB1_LOADER_MAGIC 0x2badb002
#define MB2_LOADER_MAGIC 0x36d76289

#define MB1_HAS_CMDLINE  BIT(2)
#define MB1_HAS_MODULES  BIT(3)
#define MB1_HAS_MMAP     BIT(6)
#define MB1_HAS_LOADER   BIT(9)

struct mb1_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name;
};

struct mb1_module {
	u32 start, end, string, reserved;
};

struct mb1_mmap {
	u32 size;
	u64 start, length;
	u32 type;
} __attribute__((packed));

enum mb2_tag_type {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_LOADER = 2,
	MB2_MODULE = 3,
	MB2_MMAP = 6,
	MB2_RSDP1 = 14,
	MB2_RSDP2 = 15,
};

struct mb2_tag {
	u32 type, size;
};

struct mb2_module {
	struct mb2_tag tag;
	u32 start, end;
	char string[];
};

struct mb2_mmap {
	struct mb2_tag tag;
	u32 entry_size, version;
	struct {
		u64 start, length;
		u32 type, reserved;
	} entry[];
};

struct boot_info boot_info;

static const void *low(u64 address)
{
	return arch_map(SPA(address));
}

static void add_range(u64 start, u64 size, u32 type)
{
	struct boot_info *b = &boot_info;
	u32 i = b->range_count;

	if (!size || i == BOOT_MAX_RANGES)
		return;
	for (; i > 0 && b->range[i - 1].start > start; i--)
		b->range[i] = b->range[i - 1];
	b->range[i] = (struct memory_range){start, size, type};
	b->range_count++;
}

static void add_module(u64 start, u64 end, const char *string)
{
	struct boot_info *b = &boot_info;

	if (b->module_count < BOOT_MAX_MODULES)
		b->module[b->module_count++] = (struct boot_module){start, end - start, string};
}

/* QEMU's strings begin with the name of the file, which is none of the reader's business. */
static const char *arguments(u64 address)
{
	const char *s = low(address);

	if (strcmp(boot_info.loader, "qemu"))
		return s;
	while (*s && *s != ' ')
		s++;
	return *s ? s + 1 : s;
}

static void read_multiboot1(const struct mb1_info *info)
{
	const struct mb1_module *m = low(info->mods_addr);
	u32 offset = 0;

	boot_info.info_size = sizeof(*info);
	if (info->flags & MB1_HAS_LOADER)
		boot_info.loader = low(info->loader_name);
	if (info->flags & MB1_HAS_CMDLINE)
		boot_info.command_line = arguments(info->cmdline);
	if (info->flags & MB1_HAS_MODULES)
		for (u32 i = 0; i < info->mods_count; i++)
			add_module(m[i].start, m[i].end, arguments(m[i].string));
	while ((info->flags & MB1_HAS_MMAP) && offset < info->mmap_length) {
		const struct mb1_mmap *e = low(info->mmap_addr + offset);

		add_range(e->start, e->length, e->type);
		offset += e->size + sizeof(e->size);
	}
}

static void read_multiboot2_tag(const struct mb2_tag *tag)
{
	const struct mb2_module *m = (const void *)tag;
	const struct mb2_mmap *map = (const void *)tag;

	switch (tag->type) {
	case MB2_CMDLINE:
		boot_info.command_line = (const char *)(tag + 1);
		break;
	case MB2_LOADER:
		boot_info.loader = (const char *)(tag + 1);
		break;
	case MB2_MODULE:
		add_module(m->start, m->end, m->string);
		break;
	case MB2_MMAP:
		for (u32 i = 0; i < (tag->size - sizeof(*map)) / map->entry_size; i++)
			add_range(map->entry[i].start, map->entry[i].length, map->entry[i].type);
		break;
	case MB2_RSDP1:
	case MB2_RSDP2: /* version 2 comes last and wins: it holds the XSDT */
		memcpy(boot_info.rsdp, tag + 1,
		       min_u64(tag->size - sizeof(*tag), sizeof(boot_info.rsdp)));
		break;
	}
}

static void read_multiboot2(u64 info)
{
	const u32 *total = low(info);
	u32 offset = 8;

	boot_info.info_size = *total;
	while (offset + sizeof(struct mb2_tag) <= *total) {
		const struct mb2_tag *tag = low(info + offset);

		if (tag->type == MB2_END || tag->size < sizeof(*tag))
			return;
		read_multiboot2_tag(tag);
		offset += (u32)align_up(tag->size, 8);
	}
}

bool boot_info_read(u32 magic, u64 info)
{
	boot_info.command_line = "";
	boot_info.loader = "unknown loader";
	boot_info.info_start = info;
	if (magic == MB1_LOADER_MAGIC)
		read_multiboot1(low(info));
	else if (magic == MB2_LOADER_MAGIC)
		read_multiboot2(info);
	else
		return false;
	return true;
}
