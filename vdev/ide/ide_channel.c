/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command block and control block registers of a channel (ATA/ATAPI-6 chapter 7). A write goes
 * to both drives, as on the cable; a read comes from the selected one. While a drive is busy, it
 * takes no register but the control register, and DEVICE RESET.
 */
#include "ide_private.h"

#include <string.h>

enum {
	REG_DATA,
	REG_ERROR,
	REG_COUNT,
	REG_LBA_LOW,
	REG_LBA_MID,
	REG_LBA_HIGH,
	REG_DEVICE,
	REG_STATUS
};

#define COMMAND_DEVICE_RESET 0x08
#define COMMAND_DIAGNOSTIC   0x90

void ide_channel_update_irq(struct ide_channel *channel)
{
	const struct ide_drive *drive = ide_selected(channel);

	vdev_irq_set(&channel->irq, drive->s.interrupt && !(channel->s.control & IDE_NIEN));
}

static bool is_empty(const struct ide_channel *channel)
{
	return channel->drive[0].kind == VDEV_IDE_NONE && channel->drive[1].kind == VDEV_IDE_NONE;
}

/* Settings of power-on, or after a hardware reset. */
static void reset_settings(struct ide_drive *drive)
{
	struct ide_state *s = &drive->s;

	s->multiple = 0;
	s->heads = 16;
	s->sectors = 63;
	s->transfer_mode = 0;
	s->write_cache = true;
	s->look_ahead = true;
	s->smart = true;
	s->standby = false;
}

static void reset_drive(struct ide_drive *drive)
{
	ide_cancel(drive);
	drive->s.interrupt = false;
	ide_signature(drive);
	drive->s.error = 1; /* diagnostic code: passed */
}

void ide_channel_reset(struct ide_channel *channel)
{
	for (int i = 0; i < 2; i++) {
		struct ide_drive *drive = &channel->drive[i];
		bool tray_open = drive->s.tray_open;

		ide_cancel(drive);
		memset(&drive->s, 0, sizeof drive->s);
		drive->s.tray_open = tray_open; /* the host's side stays as it is */
		drive->s.attention = drive->kind == VDEV_IDE_CDROM && drive->disk;
		reset_settings(drive);
		reset_drive(drive);
	}
	channel->s.control = 0;
	channel->s.selected = 0;
	ide_dma_reset(channel);
	ide_channel_update_irq(channel);
}

/* --- control block --- */

static void begin_software_reset(struct ide_channel *channel)
{
	for (int i = 0; i < 2; i++) {
		struct ide_drive *drive = &channel->drive[i];

		ide_cancel(drive);
		drive->s.phase = IDE_PHASE_RESET;
		drive->s.status = IDE_BSY;
		drive->s.interrupt = false;
	}
}

static void end_software_reset(struct ide_channel *channel)
{
	channel->s.selected = 0;
	for (int i = 0; i < 2; i++)
		reset_drive(&channel->drive[i]);
}

static void write_control(struct ide_channel *channel, uint8_t value)
{
	bool was_reset = channel->s.control & IDE_SRST;

	channel->s.control = value & (IDE_HOB | IDE_SRST | IDE_NIEN);
	if (value & IDE_SRST && !was_reset)
		begin_software_reset(channel);
	if (!(value & IDE_SRST) && was_reset)
		end_software_reset(channel);
	ide_channel_update_irq(channel);
}

/* --- command block --- */

static void diagnose(struct ide_channel *channel)
{
	channel->s.selected = 0;
	for (int i = 0; i < 2; i++)
		reset_drive(&channel->drive[i]);
	if (channel->drive[0].kind != VDEV_IDE_NONE)
		ide_raise(&channel->drive[0]);
}

static void run_command(struct ide_drive *drive, uint8_t command)
{
	struct ide_state *s = &drive->s;

	s->interrupt = false;
	ide_channel_update_irq(drive->channel);
	s->command = command;
	s->error = 0;
	s->dma = false;
	s->long_lba = false;
	s->force_unit_access = false;
	s->length = s->position = s->block_end = 0;
	s->block = IDE_SECTOR;
	s->left = 0;
	if (drive->kind == VDEV_IDE_CDROM)
		atapi_command(drive);
	else
		ide_disk_command(drive);
}

static void write_command(struct ide_channel *channel, uint8_t command)
{
	struct ide_drive *drive = ide_selected(channel);

	if (channel->s.control & IDE_SRST)
		return;
	if (command == COMMAND_DIAGNOSTIC && !is_empty(channel)) {
		diagnose(channel);
		return;
	}
	if (drive->kind == VDEV_IDE_NONE)
		return;
	if (command == COMMAND_DEVICE_RESET && drive->kind == VDEV_IDE_CDROM) {
		reset_drive(drive);
		ide_channel_update_irq(channel);
		return;
	}
	if (drive->s.phase == IDE_PHASE_IDLE)
		run_command(drive, command);
}

static void latch(struct ide_state *s, unsigned int reg, uint8_t value)
{
	switch (reg) {
	case REG_ERROR:
		s->hob_features = s->features;
		s->features = value;
		break;
	case REG_COUNT:
		s->hob_count = s->count;
		s->count = value;
		break;
	case REG_LBA_LOW:
		s->hob_lba_low = s->lba_low;
		s->lba_low = value;
		break;
	case REG_LBA_MID:
		s->hob_lba_mid = s->lba_mid;
		s->lba_mid = value;
		break;
	case REG_LBA_HIGH:
		s->hob_lba_high = s->lba_high;
		s->lba_high = value;
		break;
	case REG_DEVICE:
		s->device = value;
		break;
	}
}

static void write_register(struct ide_channel *channel, unsigned int reg, uint8_t value)
{
	channel->s.control &= (uint8_t)~IDE_HOB;
	if (reg == REG_STATUS) {
		write_command(channel, value);
		return;
	}
	for (int i = 0; i < 2; i++)
		if (!(channel->drive[i].s.status & (IDE_BSY | IDE_DRQ)))
			latch(&channel->drive[i].s, reg, value);
	if (reg == REG_DEVICE) {
		channel->s.selected = value & IDE_DEV ? 1 : 0;
		ide_channel_update_irq(channel);
	}
}

/* A drive that is not there: the other one answers for it, with a status of 0. */
static uint8_t read_status(struct ide_channel *channel, bool acknowledge)
{
	struct ide_drive *drive = ide_selected(channel);

	if (is_empty(channel))
		return 0xff;
	if (drive->kind == VDEV_IDE_NONE)
		return 0;
	if (acknowledge) {
		drive->s.interrupt = false;
		ide_channel_update_irq(channel);
	}
	return drive->s.status;
}

static uint8_t read_register(struct ide_channel *channel, unsigned int reg)
{
	const struct ide_state *s = &ide_selected(channel)->s;
	bool hob = channel->s.control & IDE_HOB;

	if (reg == REG_STATUS)
		return read_status(channel, true);
	if (is_empty(channel))
		return 0xff;
	switch (reg) {
	case REG_ERROR:
		return hob ? s->hob_features : s->error;
	case REG_COUNT:
		return hob ? s->hob_count : s->count;
	case REG_LBA_LOW:
		return hob ? s->hob_lba_low : s->lba_low;
	case REG_LBA_MID:
		return hob ? s->hob_lba_mid : s->lba_mid;
	case REG_LBA_HIGH:
		return hob ? s->hob_lba_high : s->lba_high;
	}
	return (uint8_t)((s->device & ~IDE_DEV) | channel->s.selected << 4 | 0xa0);
}

static uint64_t command_read(void *owner, uint64_t offset, unsigned int width)
{
	struct ide_channel *channel = owner;
	uint8_t bytes[8] = {0};
	uint64_t value;

	if (offset == REG_DATA)
		ide_data_read(ide_selected(channel), bytes, width);
	else
		for (unsigned int i = 0; i < width; i++)
			bytes[i] = read_register(channel, (unsigned int)offset + i);
	memcpy(&value, bytes, sizeof value);
	return value;
}

static void command_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct ide_channel *channel = owner;
	uint8_t bytes[8];

	memcpy(bytes, &value, sizeof bytes);
	if (offset == REG_DATA)
		ide_data_write(ide_selected(channel), bytes, width);
	else
		for (unsigned int i = 0; i < width; i++)
			write_register(channel, (unsigned int)offset + i, bytes[i]);
}

static uint64_t control_read(void *owner, uint64_t offset, unsigned int width)
{
	return read_status(owner, false);
}

static void control_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	write_control(owner, (uint8_t)value);
}

const struct vdev_range_ops ide_command_ops = {
	.read = command_read,
	.write = command_write,
	.max_width = 4,
};

const struct vdev_range_ops ide_control_ops = {
	.read = control_read,
	.write = control_write,
};
