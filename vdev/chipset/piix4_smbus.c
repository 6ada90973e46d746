/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBus registers. Invariant: no transaction is ever in progress between two accesses.
 */
#include "piix4_smbus.h"

#define HST_STS     0x00
#define SLV_STS     0x01
#define HST_CNT     0x02
#define BLK_DAT     0x07

#define STS_INTR    BIT(1)
#define STS_DEV_ERR BIT(2)
#define STS_CLEARED 0x1eu /* by writing ones */
#define CNT_START   BIT(6)

static uint64_t smbus_read(void *owner, uint64_t offset, unsigned int width)
{
	struct smbus *bus = owner;

	if (offset == HST_CNT)
		bus->block_index = 0;
	if (offset != BLK_DAT)
		return bus->registers[offset];
	bus->block_index = (uint8_t)((bus->block_index + 1) % SMBUS_BLOCK);
	return bus->block[(bus->block_index + SMBUS_BLOCK - 1) % SMBUS_BLOCK];
}

static void write_control(struct smbus *bus, uint8_t value)
{
	bus->registers[HST_CNT] = value & (uint8_t)~CNT_START;
	if (value & CNT_START)
		bus->registers[HST_STS] |= STS_INTR | STS_DEV_ERR;
}

static void smbus_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct smbus *bus = owner;

	switch (offset) {
	case HST_STS:
	case SLV_STS:
		bus->registers[offset] &= (uint8_t) ~(value & STS_CLEARED);
		break;
	case HST_CNT:
		write_control(bus, (uint8_t)value);
		break;
	case BLK_DAT:
		bus->block[bus->block_index] = (uint8_t)value;
		bus->block_index = (uint8_t)((bus->block_index + 1) % SMBUS_BLOCK);
		break;
	default:
		bus->registers[offset] = (uint8_t)value;
	}
}

const struct vdev_range_ops smbus_ops = {.read = smbus_read, .write = smbus_write};
