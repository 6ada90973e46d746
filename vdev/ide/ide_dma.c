/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus master of a channel (data sheet 2.6, 5.2): registers at BMIBA, and the walk through the
 * table of physical region descriptors. A descriptor is read once, when its region begins; what is
 * left of the region is kept in the channel.
 */
#include "ide_private.h"

#include "base/bytes.h"

#define PRD_SIZE 8u
#define PRD_EOT  BIT(31)

void ide_dma_reset(struct ide_channel *channel)
{
	channel->s.bm = (struct ide_bus_master){0};
}

static int fetch(struct ide_channel *channel)
{
	struct ide_bus_master *bm = &channel->s.bm;
	uint8_t prd[PRD_SIZE];
	uint32_t count;
	int r = vdev_pci_dma_read(&channel->ide->function, bm->next, prd, sizeof prd);

	if (r < 0)
		return r;
	bm->next += PRD_SIZE;
	bm->address = bytes_get_le32(prd) & ~1u;
	count = bytes_get_le32(prd + 4);
	bm->last = count & PRD_EOT;
	bm->left = count & 0xfffe ? count & 0xfffe : 0x10000;
	return 0;
}

static int move(struct ide_channel *channel, struct ide_drive *drive)
{
	struct ide_bus_master *bm = &channel->s.bm;
	struct vdev_pci_function *f = &channel->ide->function;
	uint8_t *data = drive->io->buffer + drive->s.position;
	uint32_t n = MIN(bm->left, drive->s.length - drive->s.position);
	int r;

	if (drive->s.phase == IDE_PHASE_DMA_IN)
		r = vdev_pci_dma_write(f, bm->address, data, n);
	else
		r = vdev_pci_dma_read(f, bm->address, data, n);
	if (r < 0)
		return r;
	bm->address += n;
	bm->left -= n;
	drive->s.position += n;
	return 0;
}

/* The target of the bus master does not answer. The drive's command ends, too. */
static void fail(struct ide_channel *channel, struct ide_drive *drive)
{
	channel->s.bm.status &= (uint8_t)~BMISX_ACTIVE;
	channel->s.bm.status |= BMISX_ERROR;
	ide_abort(drive);
}

static bool is_transferring(const struct ide_drive *drive)
{
	return (drive->s.phase == IDE_PHASE_DMA_IN || drive->s.phase == IDE_PHASE_DMA_OUT) &&
	       drive->s.position < drive->s.length;
}

static bool is_direction_right(const struct ide_channel *channel, const struct ide_drive *drive)
{
	return !(channel->s.bm.command & BMICX_RWCON) == (drive->s.phase == IDE_PHASE_DMA_OUT);
}

/* Goes on until the drive's chunk is through, the table is, or the bus master is stopped. */
void ide_dma_run(struct ide_channel *channel)
{
	struct ide_bus_master *bm = &channel->s.bm;
	struct ide_drive *drive = ide_selected(channel);

	if (!is_transferring(drive) || !(bm->status & BMISX_ACTIVE))
		return;
	if (!is_direction_right(channel, drive)) {
		fail(channel, drive);
		return;
	}
	while (drive->s.position < drive->s.length && bm->status & BMISX_ACTIVE) {
		if ((bm->left == 0 && fetch(channel) < 0) || move(channel, drive) < 0) {
			fail(channel, drive);
			return;
		}
		if (bm->left == 0 && bm->last)
			bm->status &= (uint8_t)~BMISX_ACTIVE;
	}
	if (drive->s.position == drive->s.length)
		ide_dma_chunk_done(drive);
}

static void write_command(struct ide_channel *channel, uint8_t value)
{
	struct ide_bus_master *bm = &channel->s.bm;
	bool was_on = bm->command & BMICX_SSBM;

	bm->command = value & (BMICX_SSBM | BMICX_RWCON);
	if (!(value & BMICX_SSBM)) {
		bm->status &= (uint8_t)~BMISX_ACTIVE;
	} else if (!was_on) {
		bm->status |= BMISX_ACTIVE;
		bm->next = bm->table;
		bm->left = 0;
		bm->last = false;
		ide_dma_run(channel);
	}
}

static void write_byte(struct ide_channel *channel, unsigned int offset, uint8_t value)
{
	struct ide_bus_master *bm = &channel->s.bm;
	unsigned int shift = (offset & 3) * 8;

	if (offset == 0)
		write_command(channel, value);
	if (offset == 2) {
		bm->status &= (uint8_t) ~(value & (BMISX_ERROR | BMISX_INT));
		bm->status = (uint8_t)((bm->status & ~BMISX_CAPABLE) | (value & BMISX_CAPABLE));
	}
	if (offset >= 4)
		bm->table = ((bm->table & ~(0xffu << shift)) | (uint32_t)value << shift) & ~3u;
}

static uint8_t read_byte(const struct ide_channel *channel, unsigned int offset)
{
	const struct ide_bus_master *bm = &channel->s.bm;

	if (offset == 0)
		return bm->command;
	if (offset == 2)
		return bm->status;
	return offset >= 4 ? (uint8_t)(bm->table >> (offset & 3) * 8) : 0;
}

static uint64_t bus_master_read(void *owner, uint64_t offset, unsigned int width)
{
	struct ide *ide = owner;
	uint64_t value = 0;

	for (unsigned int i = 0; i < width; i++, offset++)
		value |= (uint64_t)read_byte(&ide->channel[offset >> 3], offset & 7) << i * 8;
	return value;
}

static void bus_master_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct ide *ide = owner;

	for (unsigned int i = 0; i < width; i++, offset++)
		write_byte(&ide->channel[offset >> 3], offset & 7, (uint8_t)(value >> i * 8));
}

const struct vdev_range_ops ide_bus_master_ops = {
	.read = bus_master_read,
	.write = bus_master_write,
	.max_width = 4,
};
