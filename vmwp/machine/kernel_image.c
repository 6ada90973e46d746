/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts an image where it says it wants to be: the loadable segments of an ELF file (System V ABI,
 * chapter 5), at their physical addresses, or a flat image. Places that are not RAM, and the one
 * where the boot information goes, are refused.
 */
#include "kernel_private.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "layout.h"

#define SEGMENTS_MAX 64u

static int check_place(const struct kernel_boot *boot, uint64_t address, uint64_t size,
		       struct kernel_error *ret_error)
{
	uint64_t low = layout_low_size(boot->memory);

	if (address >= LAYOUT_BOOT_END && address <= LAYOUT_BASE_END &&
	    size <= LAYOUT_BASE_END - address)
		return 0;
	if (address < LAYOUT_EXTENDED_BEGIN)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: wants to be at 0x%" PRIx64 ", 0x%" PRIx64
				   " bytes, which is not free RAM",
				   address, size);
	if (address <= low && size <= low - address)
		return 0;
	return kernel_fail(ret_error, -ENOSPC,
			   "kernel: wants to be at 0x%" PRIx64 ", 0x%" PRIx64
			   " bytes, and memory ends at 0x%" PRIx64,
			   address, size, low);
}

/* `size` bytes of the file, then zeroes up to `total`. */
static int place(const struct kernel_boot *boot, uint64_t address, uint64_t offset, uint64_t size,
		 uint64_t total, struct kernel_error *ret_error)
{
	int r = check_place(boot, address, total, ret_error);

	if (r == 0)
		r = kernel_read_at(boot->kernel_fd, "kernel", boot->ram + address, size, offset,
				   ret_error);
	if (r == 0)
		memset(boot->ram + address + size, 0, total - size);
	return r;
}

/* --- flat --- */

int kernel_load_flat(const struct kernel_boot *boot, const struct kernel_flat *flat,
		     struct kernel_placed *ret_placed, struct kernel_error *ret_error)
{
	uint64_t size = flat->size, file, total;
	int r = kernel_file_size(boot->kernel_fd, "kernel", &file, ret_error);

	if (r < 0)
		return r;
	if (flat->offset > file)
		return kernel_fail(ret_error, -EINVAL, "kernel: is truncated");
	if (size == UINT64_MAX)
		size = file - flat->offset;
	total = size;
	if (flat->end && flat->end < flat->address + size)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: has a multiboot header whose addresses do not fit "
				   "together");
	if (flat->end)
		total = flat->end - flat->address;
	r = place(boot, flat->address, flat->offset, size, total, ret_error);
	if (r == 0)
		*ret_placed = (struct kernel_placed){flat->address, flat->address + total, 0};
	return r;
}

/* --- ELF: both classes as the larger one --- */

struct elf {
	bool is_64;
	uint16_t type, machine, count, entry_size;
	uint64_t entry, table;
};

bool kernel_is_elf(const uint8_t head[KERNEL_HEAD])
{
	return memcmp(head, ELFMAG, SELFMAG) == 0;
}

static struct elf read_header(const uint8_t *head)
{
	Elf64_Ehdr h64;
	Elf32_Ehdr h32;

	memcpy(&h64, head, sizeof h64);
	memcpy(&h32, head, sizeof h32);
	if (head[EI_CLASS] == ELFCLASS64)
		return (struct elf){true,        h64.e_type,      h64.e_machine,
				    h64.e_phnum, h64.e_phentsize, h64.e_entry,
				    h64.e_phoff};
	return (struct elf){false,           h32.e_type,  h32.e_machine, h32.e_phnum,
			    h32.e_phentsize, h32.e_entry, h32.e_phoff};
}

static int check_header(const uint8_t *head, const struct elf *elf, struct kernel_error *ret_error)
{
	bool machine = elf->is_64 ? elf->machine == EM_X86_64 : elf->machine == EM_386;

	if (head[EI_CLASS] < ELFCLASS32 || head[EI_CLASS] > ELFCLASS64 ||
	    head[EI_DATA] != ELFDATA2LSB || !machine)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: is an ELF file, but not of an x86 processor");
	if (elf->type != ET_EXEC && elf->type != ET_DYN)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: is an ELF file that is not linked (type %u)",
				   elf->type);
	if (elf->count == 0 || elf->count > SEGMENTS_MAX ||
	    elf->entry_size != (elf->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: is an ELF file with %u program headers of %u bytes",
				   elf->count, elf->entry_size);
	return 0;
}

static int read_segment(const struct kernel_boot *boot, const struct elf *elf, unsigned int i,
			Elf64_Phdr *ret_segment, struct kernel_error *ret_error)
{
	uint64_t at;
	Elf32_Phdr h32;
	int r;

	if (__builtin_add_overflow(elf->table, (uint64_t)i * elf->entry_size, &at))
		return kernel_fail(ret_error, -EINVAL, "kernel: is truncated");
	if (elf->is_64)
		return kernel_read_at(boot->kernel_fd, "kernel", ret_segment, sizeof *ret_segment,
				      at, ret_error);
	r = kernel_read_at(boot->kernel_fd, "kernel", &h32, sizeof h32, at, ret_error);
	if (r == 0)
		*ret_segment = (Elf64_Phdr){.p_type = h32.p_type,
					    .p_offset = h32.p_offset,
					    .p_vaddr = h32.p_vaddr,
					    .p_paddr = h32.p_paddr,
					    .p_filesz = h32.p_filesz,
					    .p_memsz = h32.p_memsz};
	return r;
}

static int load_segment(const struct kernel_boot *boot, const struct elf *elf,
			const Elf64_Phdr *segment, struct kernel_placed *placed,
			struct kernel_error *ret_error)
{
	int r;

	if (segment->p_type != PT_LOAD || segment->p_memsz == 0)
		return 0;
	if (segment->p_filesz > segment->p_memsz)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: has a segment that is larger in the file than in "
				   "memory");
	r = place(boot, segment->p_paddr, segment->p_offset, segment->p_filesz, segment->p_memsz,
		  ret_error);
	if (r < 0)
		return r;
	placed->begin = MIN(placed->begin, segment->p_paddr);
	placed->end = MAX(placed->end, segment->p_paddr + segment->p_memsz);
	if (elf->entry - segment->p_vaddr < segment->p_memsz)
		placed->entry = elf->entry - segment->p_vaddr + segment->p_paddr;
	return 0;
}

/* The processor starts without paging: e_entry, a virtual address, goes to where its segment is. */
int kernel_load_elf(const struct kernel_boot *boot, const uint8_t head[KERNEL_HEAD],
		    struct kernel_placed *ret_placed, struct kernel_error *ret_error)
{
	struct elf elf = read_header(head);
	struct kernel_placed placed = {.begin = UINT64_MAX, .entry = elf.entry};
	Elf64_Phdr segment;
	int r = check_header(head, &elf, ret_error);

	for (unsigned int i = 0; r == 0 && i < elf.count; i++) {
		r = read_segment(boot, &elf, i, &segment, ret_error);
		if (r == 0)
			r = load_segment(boot, &elf, &segment, &placed, ret_error);
	}
	if (r < 0)
		return r;
	if (placed.end == 0)
		return kernel_fail(ret_error, -EINVAL, "kernel: is an ELF file without a segment");
	if (placed.entry < placed.begin || placed.entry >= placed.end)
		return kernel_fail(ret_error, -EINVAL,
				   "kernel: begins at 0x%" PRIx64 ", outside of what is loaded",
				   elf.entry);
	*ret_placed = placed;
	return 0;
}
