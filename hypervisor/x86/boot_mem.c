// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory at boot: the loader's RAM ranges minus what is in use. A short list of reservations is
 * all the state; nothing allocates here once the root runs.
 */
#include "core/format.h"
#include "core/panic.h"
#include "x86/boot_info.h"
#include "x86/image.h"

#define MAX_RESERVED 32

struct memory_range boot_mem_kept[4];
u32 boot_mem_kept_count;

static struct memory_range reserved[MAX_RESERVED];
static u32 reserved_count;

static void reserve(u64 start, u64 size)
{
	CHECK(reserved_count < MAX_RESERVED);
	reserved[reserved_count++] = (struct memory_range){start, size, MEMORY_RESERVED};
}

static void keep_range(u64 start, u64 size)
{
	CHECK(boot_mem_kept_count < ARRAY_SIZE(boot_mem_kept));
	boot_mem_kept[boot_mem_kept_count++] = (struct memory_range){start, size, MEMORY_RESERVED};
}

void boot_mem_init(void)
{
	u64 end = align_up(image_phys_end(), SIZE_2M);

	reserve(IMAGE_PHYS, end - IMAGE_PHYS);
	keep_range(IMAGE_PHYS, end - IMAGE_PHYS);
	reserve(0,
		0x8000); /* real-mode vectors, BIOS data, and what firmware likes to scribble on */
	reserve(boot_info.info_start, boot_info.info_size);
	for (u32 i = 0; i < boot_info.module_count; i++) {
		const struct boot_module *m = &boot_info.module[i];

		reserve(m->start, m->size);
		reserve(image_phys_of(m->command_line), strlen(m->command_line) + 1);
	}
	reserve(image_phys_of(boot_info.command_line), strlen(boot_info.command_line) + 1);
}

u64 boot_ram_top(void)
{
	u64 top = 0;

	for (u32 i = 0; i < boot_info.range_count; i++)
		if (boot_info.range[i].type == MEMORY_RAM)
			top = max_u64(top, boot_info.range[i].start + boot_info.range[i].size);
	return top;
}

/* The end of a reservation that [start, start + size) touches, or 0. */
static const struct memory_range *conflict(u64 start, u64 size)
{
	for (u32 i = 0; i < reserved_count; i++)
		if (start < reserved[i].start + reserved[i].size &&
		    reserved[i].start < start + size)
			return &reserved[i];
	for (u32 i = 0; i < boot_info.range_count; i++) {
		const struct memory_range *r = &boot_info.range[i];

		if (r->type != MEMORY_RAM && start < r->start + r->size && r->start < start + size)
			return r;
	}
	return NULL;
}

/* Lowest fit in one RAM range; 0: none. */
static u64 fit(const struct memory_range *r, u64 size, u64 align, u64 min, u64 max)
{
	u64 start = align_up(max_u64(r->start, min), align);
	u64 end = min_u64(r->start + r->size, max);

	while (start + size <= end) {
		const struct memory_range *c = conflict(start, size);

		if (!c)
			return start;
		start = align_up(c->start + c->size, align);
	}
	return 0;
}

u64 boot_mem_alloc(u64 size, u64 align, u64 min, u64 max, bool keep)
{
	for (u32 i = 0; i < boot_info.range_count; i++) {
		u64 start;

		if (boot_info.range[i].type != MEMORY_RAM)
			continue;
		start = fit(&boot_info.range[i], size, align, min, max);
		if (!start)
			continue;
		reserve(start, size);
		if (keep)
			keep_range(start, size);
		return start;
	}
	return 0;
}
