/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the boot without firmware.
 */
#ifndef VMWP_KERNEL_PRIVATE_H
#define VMWP_KERNEL_PRIVATE_H

#include <stddef.h>

#include "machine/kernel_boot.h"

/* kernel_boot.c: words for a failure; returns `error`. */
int kernel_fail(struct kernel_error *ret_error, int error, const char *format, ...)
	printf_like(3, 4);
/* Of a regular file; `what` is what an error names. */
int must_check kernel_file_size(int fd, const char *what, uint64_t *ret_size,
				struct kernel_error *ret_error);
int must_check kernel_read_at(int fd, const char *what, void *buffer, size_t size, uint64_t offset,
			      struct kernel_error *ret_error);

struct kernel_initrd {
	uint64_t begin, end; /* both 0: there is none */
};

/*
 * Loads initrd=, if there is one, into whole pages of [begin, end): the last ones if `high`, the first
 * ones otherwise. Fails if it is empty or does not fit.
 */
int must_check kernel_load_initrd(const struct kernel_boot *boot, uint64_t begin, uint64_t end,
				  bool high, struct kernel_initrd *ret_initrd,
				  struct kernel_error *ret_error);

/* Memory as kernels are told of it; types as ACPI numbers them. */
#define KERNEL_RANGES   5u
#define KERNEL_RAM      1u
#define KERNEL_RESERVED 2u

struct kernel_range {
	uint64_t begin, end;
	uint32_t type;
};

/* Fills in at most KERNEL_RANGES; returns how many. */
size_t kernel_memory_map(uint64_t memory, struct kernel_range map[KERNEL_RANGES]);

/* Writes the GDT that all entries use, and the fields of *entry that tell of it. */
void kernel_put_gdt(uint8_t *ram, bool long_mode, struct kernel_entry *entry);

/*
 * linux_boot.c, multiboot.c: whether the first `size` bytes of the file, `head`, are of this kind;
 * and the load. Both are handed at least KERNEL_HEAD bytes, zeroes behind the file's end.
 */
#define KERNEL_HEAD 32768u

bool linux_boot_is(const uint8_t head[KERNEL_HEAD]);
int must_check linux_boot_load(const struct kernel_boot *boot, struct kernel_entry *ret_entry,
			       struct kernel_error *ret_error);
bool multiboot_is(const uint8_t head[KERNEL_HEAD]);
int must_check multiboot_load(const struct kernel_boot *boot, const uint8_t head[KERNEL_HEAD],
			      struct kernel_entry *ret_entry, struct kernel_error *ret_error);

/* kernel_image.c: where an image goes, by its ELF header or by the addresses of a flat one. */
struct kernel_flat {
	uint64_t offset;  /* in the file */
	uint64_t address; /* in memory */
	uint64_t size;    /* bytes that are loaded; UINT64_MAX: to the end of the file */
	uint64_t end;     /* of what is cleared behind them; 0: nothing is */
};

struct kernel_placed {
	uint64_t begin, end; /* what the image takes of memory */
	uint64_t entry;      /* ELF: the physical address of e_entry */
};

int must_check kernel_load_elf(const struct kernel_boot *boot, const uint8_t head[KERNEL_HEAD],
			       struct kernel_placed *ret_placed, struct kernel_error *ret_error);
int must_check kernel_load_flat(const struct kernel_boot *boot, const struct kernel_flat *flat,
				struct kernel_placed *ret_placed, struct kernel_error *ret_error);
bool kernel_is_elf(const uint8_t head[KERNEL_HEAD]);

#endif
