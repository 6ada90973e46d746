/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What firmware and kernels want to know of the machine beside ACPI: the memory map and SMBIOS
 * (SMBIOS 2.8), and the settings that SeaBIOS reads, all as fw_cfg files.
 */
#ifndef VDEV_FIRMWARE_H
#define VDEV_FIRMWARE_H

#include <stdint.h>

#include "base/macros.h"

struct vdev_fw_cfg;
struct vid_partition;

struct vdev_firmware_config {
	uint64_t below_4g, above_4g; /* bytes of RAM */
	unsigned int processors;
	uint8_t uuid[16];          /* as SMBIOS stores it */
	const char *name;          /* of the machine: the SMBIOS serial number; at most 64 bytes */
	const char *boot_order;    /* lines of device paths, as SeaBIOS's "bootorder"; or NULL */
	uint16_t console_port;     /* SeaBIOS puts its text screen on this UART as well; 0: no */
	unsigned int boot_menu_ms; /* show the boot menu for this long; 0: no */
};

/* One piece of the memory map, in the layout of the file etc/e820. */
struct vdev_e820_entry {
	uint64_t address, size;
	uint32_t type;
} __attribute__((packed));

_Static_assert(sizeof(struct vdev_e820_entry) == 20, "ACPI 15.4, INT 15h E820h");

#define VDEV_E820_RAM      1
#define VDEV_E820_RESERVED 2

/*
 * SMBIOS without firmware: the tables at `tables`, below 4 GiB, and the anchor at `anchor`, of which
 * kernels want that it is 16-byte aligned within F0000h–FFFFFh (SMBIOS 5.2.1). -EINVAL as below, or
 * of the alignment; -EFAULT: no memory there.
 */
int must_check vdev_smbios_place(const uint8_t uuid[16], const char *name,
				 struct vid_partition *partition, uint64_t anchor, uint64_t tables);

/* -EINVAL: the name is too long or not printable. */
int must_check vdev_firmware_add(const struct vdev_firmware_config *config,
				 struct vdev_fw_cfg *fw_cfg);

#endif
