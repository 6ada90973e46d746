// SPDX-License-Identifier: GPL-2.0-or-later
/* See paging.h. Table pages come from below 4 GiB: starting processors load CR3 in 32 bits. */
#include "core/arch.h"
#include "core/panic.h"
#include "x86/acpi.h"
#include "x86/asm.h"
#include "x86/boot_info.h"
#include "x86/image.h"
#include "x86/paging.h"

#define PTE_P       BIT(0)
#define PTE_W       BIT(1)
#define PTE_PWT     BIT(3)
#define PTE_PCD     BIT(4)
#define PTE_LARGE   BIT(7)
#define PTE_GLOBAL  BIT(8)
#define PTE_NX      BIT(63)

#define PTE_ADDRESS 0x000ffffffffff000ull

#define MAP_RO      (PTE_P | PTE_GLOBAL | PTE_NX)
#define MAP_RX      (PTE_P | PTE_GLOBAL)
#define MAP_RW      (PTE_P | PTE_W | PTE_GLOBAL | PTE_NX)

static struct page_pool *table_pool;
static u64 *root;

static u64 *take_table(void)
{
	u64 *t = page_pool_take(table_pool);

	CHECK(t);
	return t;
}

/* Entry for `va` at `level` (0: 4 KiB, 1: 2 MiB, 2: 1 GiB), making the tables above it. */
static u64 *entry_at(u64 va, int level)
{
	u64 *table = root;

	for (int l = 3;; l--) {
		u64 *e = &table[va >> (12 + 9 * l) & 511];

		if (l == level)
			return e;
		CHECK(!(*e & PTE_LARGE) || l == 3);
		if (!*e)
			*e = arch_unmap(take_table()).v | PTE_P | PTE_W;
		table = arch_map(SPA(*e & PTE_ADDRESS));
	}
}

static bool fits(u64 va, u64 pa, u64 left, u64 size)
{
	return !((va | pa) & (size - 1)) && left >= size;
}

static void map(u64 va, u64 pa, u64 size, u64 flags)
{
	while (size) {
		int level = fits(va, pa, size, SIZE_1G) ? 2 : fits(va, pa, size, SIZE_2M) ? 1 : 0;
		u64 step = PAGE_SIZE << (9 * level);

		*entry_at(va, level) = pa | flags | (level ? PTE_LARGE : 0);
		va += step;
		pa += step;
		size -= step;
	}
}

/* [start, end) of physical memory by direct map, without the image (it has its own mapping). */
static void map_direct(u64 start, u64 end)
{
	u64 image_end_2m = align_up(image_phys_end(), SIZE_2M);
	u64 cut = min_u64(end, IMAGE_PHYS);

	if (start < cut)
		map(DIRECT_BASE + start, start, cut - start, MAP_RW);
	start = max_u64(start, image_end_2m);
	if (start < end)
		map(DIRECT_BASE + start, start, end - start, MAP_RW);
}

/* RAM and the firmware's tables; page-rounded outwards, adjoining ranges as one. */
static void map_memory(void)
{
	u64 start = 0, end = 0x100000; /* the BIOS area, for ACPI */

	for (u32 i = 0; i < boot_info.range_count; i++) {
		const struct memory_range *r = &boot_info.range[i];
		u64 s = align_down(r->start, PAGE_SIZE),
		    e = align_up(r->start + r->size, PAGE_SIZE);

		if (r->type == MEMORY_RESERVED || r->type == MEMORY_BAD || e <= end)
			continue;
		if (s > end) {
			map_direct(start, end);
			start = s;
		}
		end = e;
	}
	map_direct(start, end);
}

static void map_image(void)
{
	u64 text = image_phys_of(image_text_start), rodata = image_phys_of(image_text_end);
	u64 data = image_phys_of(image_rodata_end), end = image_phys_end();

	map(IMAGE_BASE + IMAGE_PHYS, IMAGE_PHYS, text - IMAGE_PHYS, MAP_RO); /* .boot */
	map(IMAGE_BASE + text, text, rodata - text, MAP_RX);
	map(IMAGE_BASE + rodata, rodata, data - rodata, MAP_RO);
	map(IMAGE_BASE + data, data, end - data, MAP_RW);
}

static void map_stack(u32 cpu)
{
	/* Offsets in the slot, in pages: 1–4 stack, 6 #DF, 8 NMI, 10 #MC; the rest is unmapped. */
	static const u8 pages[] = {1, 2, 3, 4, 6, 8, 10};

	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		u64 va = STACK_BASE + (u64)cpu * STACK_SLOT_SIZE + pages[i] * PAGE_SIZE;

		map(va, arch_unmap(take_table()).v, PAGE_SIZE, MAP_RW);
	}
}

void paging_init(struct page_pool *pool)
{
	table_pool = pool;
	root = take_table();
	map_image();
	map_memory();
	for (u32 i = 0; i < acpi_facts.cpu_count; i++)
		map_stack(i);
	map(APIC_WINDOW, 0xfee00000, PAGE_SIZE, MAP_RW | PTE_PCD | PTE_PWT);
	write_cr3(paging_cr3());
}

u64 paging_cr3(void)
{
	return arch_unmap(root).v;
}
