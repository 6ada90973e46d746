/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a machine's memory is in guest physical address space, and where the direct boot puts its
 * things in the first megabyte.
 */
#ifndef VMWP_LAYOUT_H
#define VMWP_LAYOUT_H

#include <stdint.h>

#include "base/macros.h"

/* RAM below 4 GiB ends here at the latest; from there to 4 GiB is for devices and firmware. */
#define LAYOUT_LOW_END        UINT64_C(0xc0000000)
#define LAYOUT_HIGH_BEGIN     UINT64_C(0x100000000)
#define LAYOUT_DEVICES_END    LAYOUT_HIGH_BEGIN

/* Conventional memory ends below the extended BIOS data area; then video memory and firmware. */
#define LAYOUT_BASE_END       UINT64_C(0x9fc00)
#define LAYOUT_VIDEO_BEGIN    UINT64_C(0xa0000)
#define LAYOUT_FIRMWARE_BEGIN UINT64_C(0xe0000)
#define LAYOUT_EXTENDED_BEGIN UINT64_C(0x100000)

/* Direct boot: GDT; then Linux's, or the information of multiboot, whose images begin behind it. */
#define LAYOUT_BOOT_GDT       UINT64_C(0x500)
#define LAYOUT_BOOT_PARAMS    UINT64_C(0x7000)
#define LAYOUT_BOOT_TABLES    UINT64_C(0x9000) /* 6 pages: 4 GiB identity-mapped */
#define LAYOUT_BOOT_END       UINT64_C(0x20000)
#define LAYOUT_BOOT_CMDLINE   UINT64_C(0x20000)

/* Direct boot: ACPI and SMBIOS, where firmware would be and kernels look for them. */
#define LAYOUT_RSDP           UINT64_C(0xe0000)
#define LAYOUT_ACPI           UINT64_C(0xe1000)
#define LAYOUT_SMBIOS         UINT64_C(0xf0000) /* the anchor; in F0000h–FFFFFh, SMBIOS 5.2 */
#define LAYOUT_SMBIOS_TABLES  UINT64_C(0xf0020)

static inline uint64_t layout_low_size(uint64_t memory)
{
	return MIN(memory, LAYOUT_LOW_END);
}

static inline uint64_t layout_high_size(uint64_t memory)
{
	return memory - layout_low_size(memory);
}

#endif
