/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBus registers (82371AB, 290562 section 7.3). Invariant: no transaction is ever in progress between two accesses.
 */
#include "piix4_smbus.h"

#define HST_STS     0x00
#define HST_CNT     0x02
#define BLK_DAT     0x07
#define SLV_CNT     0x08
#define SLV_EVT     0x0a /* two bytes */

#define STS_INTR    BIT(1)
#define STS_DEV_ERR BIT(2)
#define STS_CLEARED 0x1eu /* by writing ones */
#define CNT_START   BIT(6)

/* The bits that a register has; those of a slave that nobody addresses stay 0. */
static const uint8_t masks[SMBUS_SIZE] = {
	[HST_STS] = STS_CLEARED, [HST_CNT] = 0x1f,     [HST_CNT + 1] = 0xff,
	[HST_CNT + 2] = 0xff,    [HST_CNT + 3] = 0xff, [HST_CNT + 4] = 0xff,
	[SLV_CNT] = 0x0f,        [SLV_EVT] = 0xff,     [SLV_EVT + 1] = 0xff,
};

void smbus_mask(struct smbus *bus)
{
	for (unsigned int i = 0; i < SMBUS_SIZE; i++)
		bus->registers[i] &= masks[i];
}

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

/* A transaction begins only after the statuses of the last one were cleared (11.5.4.1). */
static void write_control(struct smbus *bus, uint8_t value)
{
	bus->registers[HST_CNT] = value & masks[HST_CNT];
	if ((value & CNT_START) && bus->registers[HST_STS] == 0)
		bus->registers[HST_STS] |= STS_INTR | STS_DEV_ERR;
}

static void smbus_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct smbus *bus = owner;

	switch (offset) {
	case HST_STS:
		bus->registers[offset] &= (uint8_t)~value;
		break;
	case HST_CNT:
		write_control(bus, (uint8_t)value);
		break;
	case BLK_DAT:
		bus->block[bus->block_index] = (uint8_t)value;
		bus->block_index = (uint8_t)((bus->block_index + 1) % SMBUS_BLOCK);
		break;
	default:
		bus->registers[offset] = (uint8_t)value & masks[offset];
	}
}

const struct vdev_range_ops smbus_ops = {.read = smbus_read, .write = smbus_write};
