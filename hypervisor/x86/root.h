/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root partition: all the machine but the hypervisor's memory, one VP per processor. */
#pragma once

#include "core/format.h"
#include "x86/linux.h"

/*
 * How many bits of physical addresses the root's map has, by CPUID 80000008 EAX and 8000001F EAX and
 * EBX: as many as four levels of tables reach, and not the C-bit of memory encryption, above which all
 * memory, the hypervisor's too, lies once more.
 */
static inline u32 root_map_bits(u32 addresses, u32 encryption_eax, u32 encryption_ebx)
{
	u32 bits = (u32)min_u64(addresses & 0xff, 48);

	return encryption_eax & 3 ? (u32)min_u64(bits, encryption_ebx & 0x3f) : bits;
}

/* Creates the partition and its VPs. After cpu_enumerate(); before smp_start(). */
void root_create(void);

/* Puts VP 0 at the kernel's entry. */
void root_enter_linux(const struct linux_entry *entry);

/* Runs this processor's root VP, for ever. */
_Noreturn void root_run_cpu(void);
