// SPDX-License-Identifier: GPL-2.0-or-later
/* See linux.h. Field offsets are those of struct boot_params, whose layout is Linux's ABI. */
#include "core/arch.h"
#include "core/format.h"
#include "core/log.h"
#include "x86/acpi.h"
#include "x86/boot_info.h"
#include "x86/linux.h"
#include "x86/linux_offsets.h"

enum boot_params_offset {
	BP_VIDEO_MODE = 0x006,
	BP_VIDEO_COLUMNS = 0x007,
	BP_VIDEO_LINES = 0x00e,
	BP_VIDEO_IS_VGA = 0x00f,
	BP_VIDEO_POINTS = 0x010,
	BP_ACPI_RSDP = 0x070,
	BP_E820_ENTRIES = 0x1e8,
	BP_SETUP_SECTS = 0x1f1,
	BP_BOOT_FLAG = 0x1fe,
	BP_SIGNATURE = 0x202,
	BP_VERSION = 0x206,
	BP_LOADER_TYPE = 0x210,
	BP_RAMDISK_IMAGE = 0x218,
	BP_RAMDISK_SIZE = 0x21c,
	BP_CMDLINE = 0x228,
	BP_KERNEL_ALIGNMENT = 0x230,
	BP_RELOCATABLE = 0x234,
	BP_XLOADFLAGS = 0x236,
	BP_CMDLINE_SIZE = 0x238,
	BP_PREF_ADDRESS = 0x258,
	BP_INIT_SIZE = 0x260,
	BP_E820_TABLE = 0x2d0,
};

#define BOOT_FLAG        0xaa55
#define SIGNATURE        0x53726448 /* "HdrS" */
#define VERSION_64BIT    0x020c
#define XLF_KERNEL_64    1
#define LOADER_UNDEFINED 0xff
#define E820_MAX         128
#define ENTRY_64         0x200

/* Pages of the root's low memory that hold what the kernel needs until it has its own. */
enum scratch_page {
	SCRATCH_PARAMS,
	SCRATCH_CMDLINE,
	SCRATCH_GDT,
	SCRATCH_PML4,
	SCRATCH_PDPT,
	SCRATCH_PD,
	SCRATCH_PAGES = SCRATCH_PD + 4
};

struct e820_entry {
	u64 start, size;
	u32 type;
} __attribute__((packed));
_Static_assert(sizeof(struct e820_entry) == 20, "E820 entry");

static u64 get(const u8 *base, u32 offset, u32 size)
{
	u64 v = 0;

	memcpy(&v, base + offset, size);
	return v;
}

static void put(u8 *base, u32 offset, u32 size, u64 value)
{
	memcpy(base + offset, &value, size);
}

static const char *check_image(const u8 *image, u64 size)
{
	if (size < 0x1000 || get(image, BP_BOOT_FLAG, 2) != BOOT_FLAG ||
	    get(image, BP_SIGNATURE, 4) != SIGNATURE)
		return "the first module is not a Linux kernel (bzImage)";
	if (get(image, BP_VERSION, 2) < VERSION_64BIT ||
	    !(get(image, BP_XLOADFLAGS, 2) & XLF_KERNEL_64))
		return "the root kernel has no 64-bit entry point";
	return NULL;
}

/* Copies the protected-mode part to free memory; 0: there is none. */
static u64 load_kernel(const u8 *image, u64 size)
{
	u64 setup_sects = get(image, BP_SETUP_SECTS, 1);
	u64 offset = ((setup_sects ? setup_sects : 4) + 1) * 512;
	u64 align = max_u64(get(image, BP_KERNEL_ALIGNMENT, 4), PAGE_SIZE);
	u64 preferred = get(image, BP_PREF_ADDRESS, 8), init_size = get(image, BP_INIT_SIZE, 4);
	bool relocatable = get(image, BP_RELOCATABLE, 1);
	u64 room = max_u64(init_size, size - offset);
	u64 at = boot_mem_alloc(room, align, preferred, relocatable ? 1ull << 32 : preferred + room,
				false);

	if (at)
		memcpy(arch_map(SPA(at)), image + offset, size - offset);
	return at;
}

static void write_page_tables(u64 scratch)
{
	u64 *pml4 = arch_map(SPA(scratch + SCRATCH_PML4 * PAGE_SIZE));
	u64 *pdpt = arch_map(SPA(scratch + SCRATCH_PDPT * PAGE_SIZE));
	u64 *pd = arch_map(SPA(scratch + SCRATCH_PD * PAGE_SIZE));

	pml4[0] = (scratch + SCRATCH_PDPT * PAGE_SIZE) | 3;
	for (u32 i = 0; i < 4; i++)
		pdpt[i] = (scratch + (SCRATCH_PD + i) * PAGE_SIZE) | 3;
	for (u32 i = 0; i < 4 * 512; i++)
		pd[i] = i * SIZE_2M | 0x83;
}

static void write_gdt(u64 scratch, struct linux_entry *e)
{
	u64 *gdt = arch_map(SPA(scratch + SCRATCH_GDT * PAGE_SIZE));

	gdt[2] = 0x00af9b000000ffffull;
	gdt[3] = 0x00cf93000000ffffull;
	e->gdt = scratch + SCRATCH_GDT * PAGE_SIZE;
	e->gdt_limit = 4 * 8 - 1;
}

static void write_video(u8 *params)
{
	put(params, BP_VIDEO_MODE, 1, 3); /* 80 × 25 text, as the firmware left it */
	put(params, BP_VIDEO_COLUMNS, 1, 80);
	put(params, BP_VIDEO_LINES, 1, 25);
	put(params, BP_VIDEO_IS_VGA, 1, 1);
	put(params, BP_VIDEO_POINTS, 2, 16);
}

static void write_params(const u8 *image, u64 scratch)
{
	u8 *params = arch_map(SPA(scratch));
	u8 *cmdline = arch_map(SPA(scratch + SCRATCH_CMDLINE * PAGE_SIZE));
	const struct boot_module *initrd = &boot_info.module[1];
	const char *words = boot_info.module[0].command_line;
	size_t header = BP_SIGNATURE + image[0x201] - BP_SETUP_SECTS;
	u64 limit = min_u64(get(image, BP_CMDLINE_SIZE, 4), PAGE_SIZE - 1);

	memcpy(params + BP_SETUP_SECTS, image + BP_SETUP_SECTS, header);
	write_video(params);
	put(params, BP_LOADER_TYPE, 1, LOADER_UNDEFINED);
	put(params, BP_ACPI_RSDP, 8, acpi_facts.rsdp);
	if (boot_info.module_count > 1) {
		put(params, BP_RAMDISK_IMAGE, 4, initrd->start);
		put(params, BP_RAMDISK_SIZE, 4, initrd->size);
	}
	if (strlen(words) > limit)
		log_warning("the root's command line is cut to %lu characters", limit);
	memcpy(cmdline, words, min_u64(strlen(words), limit));
	put(params, BP_CMDLINE, 4, scratch + SCRATCH_CMDLINE * PAGE_SIZE);
}

const char *linux_load(struct linux_entry *e)
{
	const struct boot_module *kernel = &boot_info.module[0];
	const u8 *image = arch_map(SPA(kernel->start));
	u64 scratch = boot_mem_alloc(SCRATCH_PAGES * PAGE_SIZE, PAGE_SIZE, 0x10000, 0x90000, false);
	const char *problem;
	u64 at;

	if (!boot_info.module_count)
		return "the boot menu entry names no root kernel (module)";
	problem = check_image(image, kernel->size);
	if (problem)
		return problem;
	at = load_kernel(image, kernel->size);
	if (!at || !scratch)
		return "there is no free memory to load the root kernel to";
	memset(arch_map(SPA(scratch)), 0, SCRATCH_PAGES * PAGE_SIZE);
	write_params(image, scratch);
	write_page_tables(scratch);
	write_gdt(scratch, e);
	e->rip = at + ENTRY_64;
	e->boot_params = scratch + SCRATCH_PARAMS * PAGE_SIZE;
	e->cr3 = scratch + SCRATCH_PML4 * PAGE_SIZE;
	return NULL;
}

static void add_entry(u8 *params, u64 start, u64 end, u32 type)
{
	u32 n = params[BP_E820_ENTRIES];
	struct e820_entry e = {start, end - start, type};

	if (start >= end)
		return;
	if (n == E820_MAX) {
		log_warning("memory map: %lx-%lx does not fit, the root will not use it", start,
			    end);
		return;
	}
	memcpy(params + BP_E820_TABLE + n * sizeof(e), &e, sizeof(e));
	params[BP_E820_ENTRIES] = (u8)(n + 1);
}

/* The first kept range that begins in [start, end), or NULL. */
static const struct memory_range *next_hole(u64 start, u64 end)
{
	const struct memory_range *best = NULL;

	for (u32 i = 0; i < boot_mem_kept_count; i++) {
		const struct memory_range *k = &boot_mem_kept[i];

		if (k->start >= start && k->start < end && (!best || k->start < best->start))
			best = k;
	}
	return best;
}

static void add_with_holes(u8 *params, u64 start, u64 end)
{
	const struct memory_range *hole;

	while ((hole = next_hole(start, end))) {
		add_entry(params, start, hole->start, MEMORY_RAM);
		add_entry(params, hole->start, hole->start + hole->size, MEMORY_RESERVED);
		start = hole->start + hole->size;
	}
	add_entry(params, start, end, MEMORY_RAM);
}

void linux_write_e820(const struct linux_entry *e, bool holes)
{
	u8 *params = arch_map(SPA(e->boot_params));

	params[BP_E820_ENTRIES] = 0;
	for (u32 i = 0; i < boot_info.range_count; i++) {
		const struct memory_range *r = &boot_info.range[i];

		if (holes && r->type == MEMORY_RAM)
			add_with_holes(params, r->start, r->start + r->size);
		else
			add_entry(params, r->start, r->start + r->size, r->type);
	}
}

_Static_assert(offsetof(struct linux_entry, rip) == ENTRY_RIP, "native.S");
_Static_assert(offsetof(struct linux_entry, boot_params) == ENTRY_PARAMS, "native.S");
_Static_assert(offsetof(struct linux_entry, cr3) == ENTRY_CR3, "native.S");
_Static_assert(offsetof(struct linux_entry, gdt) == ENTRY_GDT, "native.S");
_Static_assert(offsetof(struct linux_entry, gdt_limit) == ENTRY_GDT_LIMIT, "native.S");

void native_jump(const struct linux_entry *e);

void linux_start_native(const struct linux_entry *e)
{
	native_jump(e);
	__builtin_unreachable();
}
