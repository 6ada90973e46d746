/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMBus host controller of the PIIX4 (290562 section 7.3), 16 ports. No slave is on the bus: a
 * transaction ends at once with DEV_ERR, which is what probing drivers expect.
 */
#ifndef VDEV_PIIX4_SMBUS_H
#define VDEV_PIIX4_SMBUS_H

#include "board/bus.h"

#define SMBUS_SIZE  16u
#define SMBUS_BLOCK 32u

struct smbus {
	uint8_t registers[SMBUS_SIZE];
	uint8_t block[SMBUS_BLOCK];
	uint8_t block_index;
};

extern const struct vdev_range_ops smbus_ops; /* the owner is the struct smbus */

/* Takes out of registers that come from a saved state what no guest could have written. */
void smbus_mask(struct smbus *bus);

#endif
