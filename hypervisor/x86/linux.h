/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a Linux kernel by the 64-bit boot protocol (Documentation/arch/x86/boot.rst): kernel
 * image, boot parameters, command line, first page tables, all in memory that stays the root's.
 */
#pragma once

#include "core/types.h"

struct linux_entry {
	u64 rip;
	u64 boot_params; /* for RSI */
	u64 cr3;         /* identity map of the low 4 GiB */
	u64 gdt;         /* selector 0x10 code, 0x18 data */
	u16 gdt_limit;
};

/* Loads module 0 (kernel) and module 1 (initrd, optional). 0, or why not. */
const char *linux_load(struct linux_entry *ret_entry);

/*
 * Writes the memory map into the boot parameters. `holes`: the hypervisor stays, its memory is
 * reserved.
 */
void linux_write_e820(const struct linux_entry *entry, bool holes);

/* Starts it on the bare machine: the hypervisor is gone after this. */
_Noreturn void linux_start_native(const struct linux_entry *entry);
