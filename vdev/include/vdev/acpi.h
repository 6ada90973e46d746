/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's ACPI tables (ACPI 3.0, sections 5.2 and following): FACS, DSDT, FADT, MADT, WAET, an
 * SSDT with the processors, RSDT and RSDP; and their two ways to the guest: through fw_cfg with a
 * loader script that SeaBIOS carries out, or put into guest memory for a kernel that is booted
 * without firmware.
 */
#ifndef VDEV_ACPI_H
#define VDEV_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define VDEV_ACPI_PROCESSORS_MAX 64u

struct vdev_fw_cfg;
struct vid_partition;

struct vdev_acpi_config {
	unsigned int processors; /* 1 to VDEV_ACPI_PROCESSORS_MAX; local APIC ids count from 0 */
	uint32_t pci_window;     /* start of the PCI window, which ends at FEBFFFFFh */
	uint64_t pci_window64;   /* start and size of the one above 4 GiB; size 0: none */
	uint64_t pci_window64_size;
};

/* A place in `tables` or `rsdp` that holds an offset into `tables` and wants an address. */
struct vdev_acpi_pointer {
	bool in_rsdp;
	uint32_t at;
};

/* The byte at `at` makes the sum of [start, start + length) zero, after all pointers are set. */
struct vdev_acpi_checksum {
	bool in_rsdp;
	uint32_t at, start, length;
};

#define VDEV_ACPI_TABLES_MAX    16384u
#define VDEV_ACPI_RSDP_SIZE     20u
#define VDEV_ACPI_POINTERS_MAX  16u
#define VDEV_ACPI_CHECKSUMS_MAX 16u
#define VDEV_ACPI_ALIGNMENT     64u /* of the address of `tables`; 16 of the RSDP's */

struct vdev_acpi {
	uint8_t tables[VDEV_ACPI_TABLES_MAX];
	size_t size;
	uint8_t rsdp[VDEV_ACPI_RSDP_SIZE];
	struct vdev_acpi_pointer pointers[VDEV_ACPI_POINTERS_MAX]; /* 4 bytes each */
	size_t pointer_count;
	struct vdev_acpi_checksum checksums[VDEV_ACPI_CHECKSUMS_MAX]; /* in this order */
	size_t checksum_count;
};

/* -EINVAL: the configuration is not one of a machine. */
int must_check vdev_acpi_build(struct vdev_acpi *acpi, const struct vdev_acpi_config *config);

/* As the files etc/acpi/tables, etc/acpi/rsdp and etc/table-loader. */
int must_check vdev_acpi_add_to_fw_cfg(const struct vdev_acpi *acpi, struct vdev_fw_cfg *fw_cfg);

/*
 * Into guest memory: the RSDP at `rsdp` (firmware's place is E0000h–FFFFFh) and the tables at
 * `tables`, below 4 GiB. -EINVAL: alignment; -EFAULT: no memory there.
 */
int must_check vdev_acpi_place(const struct vdev_acpi *acpi, struct vid_partition *partition,
			       uint64_t rsdp, uint64_t tables);

#endif
