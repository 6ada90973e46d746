/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the boot loader told us, in one form for multiboot1 and multiboot2. Strings and modules
 * stay where the loader put them; boot_mem.c keeps others away from there.
 */
#pragma once

#include "core/types.h"

#define BOOT_MAX_RANGES  128
#define BOOT_MAX_MODULES 4

enum memory_type {
	MEMORY_RAM = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3,
	MEMORY_NVS = 4,
	MEMORY_BAD = 5
};

struct memory_range {
	u64 start, size;
	u32 type; /* as in E820 */
};

struct boot_module {
	u64 start, size;
	const char *command_line;
};

struct boot_info {
	const char *command_line;
	const char *loader;
	u64 info_start, info_size; /* the loader's own structure */
	u32 range_count;
	struct memory_range range[BOOT_MAX_RANGES]; /* sorted by start */
	u32 module_count;
	struct boot_module module[BOOT_MAX_MODULES];
	u8 rsdp[36]; /* copy, from the boot tags; signature is zero if none came */
};

extern struct boot_info boot_info;

/* Reads the loader's structure. False: the magic number is not one of a multiboot loader. */
bool boot_info_read(u32 magic, u64 info);

/*
 * Boot-time memory: contiguous RAM that nothing else uses. Takes it out of what is free, so the
 * root does not get it when `keep` is true. 0: no such memory.
 */
u64 boot_mem_alloc(u64 size, u64 align, u64 min, u64 max, bool keep);

/* The end of the highest RAM. */
u64 boot_ram_top(void);

/* Ranges the hypervisor keeps (image, pool, records of pages): the root's map has holes there. */
extern struct memory_range boot_mem_kept[4];
extern u32 boot_mem_kept_count;

void boot_mem_init(void);
