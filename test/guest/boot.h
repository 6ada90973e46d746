/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the loader left: command line and memory map (Linux's boot protocol), copied. */
#ifndef GUEST_BOOT_H
#define GUEST_BOOT_H

#include "core/types.h"

struct boot_params;

struct boot_range {
	u64 start, size;
	u32 type;
} __attribute__((packed));

struct boot {
	char words[256];
	bool bochs; /* the emulator is Bochs: what it is known to do wrong is left out */
	u64 rsdp;
	u32 range_count;
	struct boot_range range[128];
};
extern struct boot boot;

void boot_read(const struct boot_params *params);

#endif
