/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IDE function of Intel's PIIX4 (82371AB, data sheet chapters 2.3 and 2.6, order 290562): two
 * channels at the legacy ports, bus master DMA, and on each channel up to two drives, ATA disks
 * (ATA/ATAPI-6) or ATAPI CD-ROMs (MMC-3).
 */
#ifndef VDEV_IDE_H
#define VDEV_IDE_H

#include <stdbool.h>

#include "base/macros.h"

struct disk;
struct vdev_board;
struct vdev_device;
struct vdev_irq_line;
struct vdev_pci_bus;

#define VDEV_IDE_CHANNELS    2u
#define VDEV_IDE_DRIVES      4u /* primary master and slave, secondary master and slave */

#define VDEV_IDE_SERIAL_SIZE 20u
#define VDEV_IDE_MODEL_SIZE  40u

enum vdev_ide_kind { VDEV_IDE_NONE, VDEV_IDE_DISK, VDEV_IDE_CDROM };

struct vdev_ide_drive {
	enum vdev_ide_kind kind;
	/* Stays the caller's and outlives the device. A disk: 512-byte sectors. A CD-ROM: 2048-byte
	 * sectors, read only; NULL is an empty drive. */
	struct disk *disk;
	const char *serial; /* NULL: one by the drive's number */
	const char *model;  /* NULL: a name of ours */
};

struct vdev_ide_config {
	struct vdev_ide_drive drive[VDEV_IDE_DRIVES];
	struct vdev_irq_line *irq[VDEV_IDE_CHANNELS]; /* IRQ 14 and 15 */
};

/*
 * The channels answer at their ports once the guest (or firmware) has enabled them in IDETIM and
 * PCICMD. -EINVAL: a disk of the wrong sector size; -EEXIST: the PCI function is there already.
 */
int must_check vdev_ide_create(struct vdev_board *board, struct vdev_pci_bus *bus,
			       unsigned int devfn, const struct vdev_ide_config *config,
			       struct vdev_device **ret_device);

/*
 * Puts a medium into the CD-ROM `drive` and closes the tray; the guest gets a unit attention.
 * -EBUSY: there is one already; -ENODEV: no CD-ROM there; -EINVAL: sector size.
 */
int must_check vdev_ide_insert(struct vdev_device *device, unsigned int drive, struct disk *disk);

/*
 * Takes the medium out; *ret_disk may be closed when its requests are drained. -EBUSY: the guest has
 * locked the tray (it is told that somebody wishes to eject), unless `force`; -ENOENT: empty.
 */
int must_check vdev_ide_eject(struct vdev_device *device, unsigned int drive, bool force,
			      struct disk **ret_disk);

#endif
