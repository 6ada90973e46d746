/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct boot of a Linux kernel by the 64-bit boot protocol (Documentation/arch/x86/boot.rst in the
 * kernel's sources; protocol 2.12 or later). Puts kernel, initrd, command line, boot parameters,
 * page tables and a GDT into guest memory and says what the processor starts with.
 *
 * The image is a user's: every number in it is checked before it is used.
 */
#ifndef VMWP_LINUX_BOOT_H
#define VMWP_LINUX_BOOT_H

#include <stdint.h>

#include "base/macros.h"

struct linux_boot {
	uint8_t *ram;    /* guest memory from address 0 on */
	uint64_t memory; /* bytes in all; those below LAYOUT_LOW_END are at ram */
	int kernel_fd;
	int initrd_fd; /* or -1 */
	const char *cmdline;
	uint64_t rsdp; /* address of the ACPI root pointer, or 0 */
};

/* The bootstrap processor at the kernel's entry: long mode, flat segments, interrupts off. */
struct linux_boot_entry {
	uint64_t rip;
	uint64_t rsi; /* boot parameters */
	uint64_t cr3;
	uint64_t gdt_base;
	uint16_t gdt_limit;
	uint16_t code_selector, data_selector;
};

struct linux_boot_error {
	char text[200];
};

/* -EINVAL, -ENOSPC (does not fit into memory), -errno of reading; with *ret_error in any case. */
int must_check linux_boot_load(const struct linux_boot *boot, struct linux_boot_entry *ret_entry,
			       struct linux_boot_error *ret_error);

#endif
