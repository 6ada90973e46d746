/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A minimal SMBIOS 2.8: BIOS, system, enclosure, end.
 */
#ifndef VDEV_SMBIOS_H
#define VDEV_SMBIOS_H

#include <stddef.h>
#include <stdint.h>

#define SMBIOS_ANCHOR_SIZE 31u
#define SMBIOS_TABLES_MAX  512u
#define SMBIOS_NAME_MAX    64u

struct smbios {
	uint8_t anchor[SMBIOS_ANCHOR_SIZE]; /* the tables' address is 0 at first */
	uint8_t tables[SMBIOS_TABLES_MAX];
	size_t size;
};

/* `name` is at most SMBIOS_NAME_MAX printable bytes. */
void smbios_build(struct smbios *smbios, const uint8_t uuid[16], const char *name);

/* Firmware puts the tables where it likes, and then does this; without firmware it is done here. */
void smbios_set_address(struct smbios *smbios, uint32_t tables);

#endif
