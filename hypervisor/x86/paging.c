// SPDX-License-Identifier: GPL-2.0-or-later
/* See paging.h. Table pages come from below 4 GiB: starting processors load CR3 in 32 bits. */
#include "core/arch.h"
#include "core/panic.h"
#include "x86/acpi.h"
#include "x86/asm.h"
#include "core/format.h"
#include "x86/boot_info.h"
#include "x86/cpu.h"
#include "x86/image.h"
#include "x86/paging.h"
#include "x86/pool.h"

#define PTE_P         BIT(0)
#define PTE_W         BIT(1)
#define PTE_PWT       BIT(3)
#define PTE_PCD       BIT(4)
#define PTE_LARGE     BIT(7)
#define PTE_GLOBAL    BIT(8)
#define PTE_NX        BIT(63)

#define PTE_ADDRESS   0x000ffffffffff000ull

#define MAP_RO        (PTE_P | PTE_GLOBAL | PTE_NX)
#define MAP_RX        (PTE_P | PTE_GLOBAL)
#define MAP_RW        (PTE_P | PTE_W | PTE_GLOBAL | PTE_NX)

#define TABLE_ENTRIES 512

static struct page_pool *table_pool;
static u64 *root; /* what all processors have in common */

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

/* What the hypervisor keeps for itself, but for the image, which has its own mapping. */
static void map_own(void)
{
	for (u32 i = 0; i < boot_mem_kept_count; i++) {
		const struct memory_range *k = &boot_mem_kept[i];

		if (k->start != IMAGE_PHYS)
			map(DIRECT_BASE + k->start, k->start, k->size, MAP_RW);
	}
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

/* Memory of any kind, above all the firmware's tables; not the image: its rights differ. */
static bool is_memory(u64 page)
{
	if (page >= IMAGE_PHYS && page < image_phys_end())
		return false;
	for (u32 i = 0; i < boot_info.range_count; i++) {
		const struct memory_range *r = &boot_info.range[i];

		if (r->type != MEMORY_BAD && page + PAGE_SIZE > r->start &&
		    page < r->start + r->size)
			return true;
	}
	return page < 0x100000; /* the BIOS area */
}

static u64 *own_table(const struct cpu *cpu, u64 entry)
{
	u64 *table = arch_map(SPA(entry & PTE_ADDRESS));

	return table >= cpu->tables && table < cpu->tables + CPU_TABLES * TABLE_ENTRIES ? table
											: NULL;
}

/* The processor's own table behind an entry: new, or a copy of the one that all share. */
static u64 *descend(struct cpu *cpu, u64 *entry)
{
	u64 *table = *entry & PTE_P ? own_table(cpu, *entry) : NULL;

	if (table)
		return table;
	if (cpu->tables_used == CPU_TABLES)
		return NULL;
	table = cpu->tables + cpu->tables_used++ * TABLE_ENTRIES;
	if (*entry & PTE_P)
		memcpy(table, arch_map(SPA(*entry & PTE_ADDRESS)), PAGE_SIZE);
	else
		memset(table, 0, PAGE_SIZE);
	*entry = arch_unmap(table).v | PTE_P | PTE_W;
	return table;
}

static bool map_page(struct cpu *cpu, u64 va)
{
	u64 *table = cpu->tables;

	for (int level = 3; level > 0; level--) {
		table = descend(cpu, &table[va >> (12 + 9 * level) & (TABLE_ENTRIES - 1)]);
		if (!table)
			return false;
	}
	table[va >> 12 & (TABLE_ENTRIES - 1)] = (va - DIRECT_BASE) | PTE_P | PTE_W | PTE_NX;
	return true;
}

bool paging_fault(u64 va)
{
	u64 page = align_down(va, PAGE_SIZE);

	if (va < DIRECT_BASE || va >= STACK_BASE || !is_memory(page - DIRECT_BASE))
		return false;
	if (!map_page(this_cpu(), page)) {
		paging_forget();
		CHECK(map_page(this_cpu(), page));
	}
	return true;
}

void paging_forget(void)
{
	struct cpu *cpu = this_cpu();

	memcpy(cpu->tables, root, PAGE_SIZE);
	cpu->tables_used = 1;
	write_cr3(cpu->cr3);
}

void paging_init_cpu(struct cpu *cpu)
{
	cpu->tables = pool_alloc(CPU_TABLES * PAGE_SIZE);
	memcpy(cpu->tables, root, PAGE_SIZE);
	cpu->tables_used = 1;
	cpu->cr3 = arch_unmap(cpu->tables).v;
}

void paging_init(struct page_pool *pool)
{
	table_pool = pool;
	root = take_table();
	map_image();
	map_own();
	for (u32 i = 0; i < acpi_facts.cpu_count; i++)
		map_stack(i);
	map(APIC_WINDOW, 0xfee00000, PAGE_SIZE, MAP_RW | PTE_PCD | PTE_PWT);
	paging_init_cpu(this_cpu());
	write_cr3(this_cpu()->cr3);
}
