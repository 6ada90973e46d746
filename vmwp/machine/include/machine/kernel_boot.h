/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot without firmware. What kernel= may be is told from the file itself:
 *
 *   - a Linux kernel (bzImage): linux_boot.c, by the 64-bit or the 32-bit boot protocol;
 *   - a multiboot 2 or multiboot image, ELF or flat: multiboot.c.
 *
 * Anything else is refused, and the refusal says which header was found. Puts kernel, initrd,
 * command line and what a kernel is told into guest memory and says what the processor starts with.
 *
 * The files are a user's: every number in them is checked before it is used.
 */
#ifndef VMWP_KERNEL_BOOT_H
#define VMWP_KERNEL_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct kernel_boot {
	uint8_t *ram;    /* guest memory from address 0 on */
	uint64_t memory; /* bytes in all; those below LAYOUT_LOW_END are at ram */
	int kernel_fd;
	int initrd_fd; /* or -1 */
	const char *cmdline;
	uint64_t rsdp; /* address of the ACPI root pointer, which is there already; or 0 */
};

/*
 * The bootstrap processor at the kernel's entry: flat segments, interrupts off; in long mode with
 * the first 4 GiB mapped one to one, or in protected mode without paging.
 */
struct kernel_entry {
	bool long_mode;
	uint64_t rip;
	uint64_t rsi;      /* Linux: boot parameters */
	uint32_t eax, ebx; /* multiboot: magic number and information */
	uint64_t cr3;      /* long mode */
	uint64_t gdt_base;
	uint16_t gdt_limit;
	uint16_t code_selector, data_selector;
};

struct kernel_error {
	char text[200];
};

/* -EINVAL, -ENOSPC (does not fit into memory), -errno of reading; with *ret_error in any case. */
int must_check kernel_boot_load(const struct kernel_boot *boot, struct kernel_entry *ret_entry,
				struct kernel_error *ret_error);

#endif
