/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of an ATA disk (ATA/ATAPI-6 chapter 8): the general feature set, 48-bit addresses,
 * power management and SMART as far as drivers ask for them. What is not in the table is aborted.
 */
#include "ide_private.h"

#include <string.h>

#include "base/bytes.h"

enum transfer { READ, WRITE, VERIFY };

/* How a data command moves its sectors. */
struct access {
	enum transfer transfer;
	bool dma;
	bool multiple;
	bool long_lba;
	bool force_unit_access;
};

uint64_t ide_disk_sectors(const struct ide_drive *drive)
{
	return disk_size(drive->disk) / IDE_SECTOR;
}

/* What a reset, or a command that is not for this kind of drive, leaves in the registers. */
void ide_signature(struct ide_drive *drive)
{
	struct ide_state *s = &drive->s;
	bool cdrom = drive->kind == VDEV_IDE_CDROM;

	s->count = s->lba_low = 1;
	s->lba_mid = cdrom ? 0x14 : 0;
	s->lba_high = cdrom ? 0xeb : 0;
	s->device &= IDE_DEV;
	s->status = 0;
	if (drive->kind == VDEV_IDE_DISK)
		s->status = IDE_DRDY | IDE_DSC;
}

/* --- addresses --- */

static uint64_t chs_address(const struct ide_state *s)
{
	uint64_t cylinder = s->lba_mid | s->lba_high << 8;

	if (s->lba_low == 0)
		return UINT64_MAX; /* sectors are counted from 1 */
	return (cylinder * s->heads + (s->device & 15)) * s->sectors + s->lba_low - 1;
}

static uint64_t first_sector(const struct ide_state *s, bool long_lba)
{
	uint64_t low = s->lba_low | s->lba_mid << 8 | s->lba_high << 16;

	if (long_lba)
		return low | (uint64_t)s->hob_lba_low << 24 | (uint64_t)s->hob_lba_mid << 32 |
		       (uint64_t)s->hob_lba_high << 40;
	if (s->device & IDE_LBA)
		return low | (uint64_t)(s->device & 15) << 24;
	return chs_address(s);
}

static uint32_t sector_count(const struct ide_state *s, bool long_lba)
{
	uint32_t count = s->count | (long_lba ? s->hob_count << 8 : 0);

	return count ? count : long_lba ? 65536 : 256;
}

static bool is_inside(const struct ide_drive *drive, uint64_t first, uint32_t count)
{
	uint64_t sectors = ide_disk_sectors(drive);

	return first < sectors && count <= sectors - first;
}

static void access_sectors(struct ide_drive *drive, struct access a)
{
	struct ide_state *s = &drive->s;

	if (a.multiple && s->multiple == 0) {
		ide_abort(drive);
		return;
	}
	s->dma = a.dma;
	s->long_lba = a.long_lba;
	s->force_unit_access = a.force_unit_access;
	s->block = a.multiple ? s->multiple * IDE_SECTOR : IDE_SECTOR;
	s->lba = 0;
	s->left = sector_count(s, a.long_lba);
	if (!is_inside(drive, first_sector(s, a.long_lba), s->left)) {
		ide_fail(drive, IDE_IDNF);
		return;
	}
	s->lba = first_sector(s, a.long_lba);
	if (a.transfer == WRITE && disk_is_read_only(drive->disk))
		ide_fail(drive, IDE_ABRT);
	else if (a.transfer == READ)
		ide_read_start(drive);
	else if (a.transfer == WRITE)
		ide_write_start(drive);
	else
		ide_finish(drive); /* verify: the address is what there is to check */
}

static bool find_access(uint8_t command, struct access *ret_access)
{
	static const struct {
		uint8_t command;
		struct access access;
	} table[] = {
		{0x20, {READ, false, false, false, false}},
		{0x21, {READ, false, false, false, false}},
		{0x24, {READ, false, false, true, false}},
		{0x25, {READ, true, false, true, false}},
		{0x29, {READ, false, true, true, false}},
		{0x30, {WRITE, false, false, false, false}},
		{0x31, {WRITE, false, false, false, false}},
		{0x34, {WRITE, false, false, true, false}},
		{0x35, {WRITE, true, false, true, false}},
		{0x39, {WRITE, false, true, true, false}},
		{0x3d, {WRITE, true, false, true, true}},
		{0x40, {VERIFY, false, false, false, false}},
		{0x41, {VERIFY, false, false, false, false}},
		{0x42, {VERIFY, false, false, true, false}},
		{0xc4, {READ, false, true, false, false}},
		{0xc5, {WRITE, false, true, false, false}},
		{0xc8, {READ, true, false, false, false}},
		{0xc9, {READ, true, false, false, false}},
		{0xca, {WRITE, true, false, false, false}},
		{0xcb, {WRITE, true, false, false, false}},
		{0xce, {WRITE, false, true, true, true}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].command != command)
			continue;
		*ret_access = table[i].access;
		return true;
	}
	return false;
}

/* --- settings --- */

static void initialize_parameters(struct ide_drive *drive)
{
	struct ide_state *s = &drive->s;

	if (s->count == 0) {
		ide_abort(drive);
		return;
	}
	s->sectors = s->count;
	s->heads = (s->device & 15) + 1;
	ide_finish(drive);
}

static void set_multiple(struct ide_drive *drive)
{
	uint8_t n = drive->s.count;

	if (n > IDE_MULTIPLE_MAX || n & (n - 1)) {
		ide_abort(drive);
		return;
	}
	drive->s.multiple = n;
	ide_finish(drive);
}

/* PIO modes 0 to 4, multiword DMA 0 to 2, Ultra DMA 0 to 2 (33 MB/s: all that PIIX4 has). */
static bool is_transfer_mode(uint8_t mode)
{
	return mode <= 1 || (mode >= 0x08 && mode <= 0x0c) || (mode >= 0x20 && mode <= 0x22) ||
	       (mode >= 0x40 && mode <= 0x42);
}

void ide_set_features(struct ide_drive *drive)
{
	struct ide_state *s = &drive->s;

	switch (s->features) {
	case 0x02:
	case 0x82:
		s->write_cache = s->features == 0x02;
		if (!s->write_cache && drive->kind == VDEV_IDE_DISK) {
			ide_flush_start(drive);
			return;
		}
		break;
	case 0x03:
		if (!is_transfer_mode(s->count)) {
			ide_abort(drive);
			return;
		}
		s->transfer_mode = s->count;
		break;
	case 0x55:
	case 0xaa:
		s->look_ahead = s->features == 0xaa;
		break;
	case 0x66: /* keep settings over a software reset, or not: they are kept */
	case 0xcc:
		break;
	default:
		ide_abort(drive);
		return;
	}
	ide_finish(drive);
}

static void read_native_max(struct ide_drive *drive, bool long_lba)
{
	struct ide_state *s = &drive->s;
	uint64_t last = ide_disk_sectors(drive) - 1;

	if (!long_lba)
		last = MIN(last, UINT64_C(0x0fffffff));
	s->lba_low = (uint8_t)last;
	s->lba_mid = (uint8_t)(last >> 8);
	s->lba_high = (uint8_t)(last >> 16);
	if (long_lba) {
		s->hob_lba_low = (uint8_t)(last >> 24);
		s->hob_lba_mid = (uint8_t)(last >> 32);
		s->hob_lba_high = (uint8_t)(last >> 40);
	} else {
		s->device = (uint8_t)((s->device & 0xf0) | last >> 24);
	}
	ide_finish(drive);
}

/* --- SMART --- */

static void put_checksum(uint8_t *sector)
{
	uint8_t sum = 0;

	for (unsigned int i = 0; i < IDE_SECTOR - 1; i++)
		sum = (uint8_t)(sum + sector[i]);
	sector[IDE_SECTOR - 1] = (uint8_t)-sum;
}

/* No attributes, no thresholds, no self-tests: a disk that is well. */
static void send_smart_data(struct ide_drive *drive)
{
	uint8_t *data = drive->io->buffer;

	memset(data, 0, IDE_SECTOR);
	bytes_put_le16(data, 0x0010); /* revision of the structure */
	put_checksum(data);
	ide_send(drive, IDE_SECTOR);
}

static void smart(struct ide_drive *drive)
{
	struct ide_state *s = &drive->s;
	bool key = s->lba_mid == 0x4f && s->lba_high == 0xc2;

	if (!key || (!s->smart && s->features != 0xd8)) {
		ide_abort(drive);
		return;
	}
	switch (s->features) {
	case 0xd0: /* read data */
	case 0xd1: /* read thresholds */
		send_smart_data(drive);
		return;
	case 0xd2: /* attribute autosave */
	case 0xda: /* return status: the key stays as it is, all is well */
		break;
	case 0xd8:
	case 0xd9:
		s->smart = s->features == 0xd8;
		break;
	default:
		ide_abort(drive);
		return;
	}
	ide_finish(drive);
}

static void identify(struct ide_drive *drive)
{
	ide_identify_disk(drive, drive->io->buffer);
	ide_send(drive, IDE_SECTOR);
}

static void check_power(struct ide_drive *drive)
{
	drive->s.count = drive->s.standby ? 0 : 0xff;
	ide_finish(drive);
}

static void set_standby(struct ide_drive *drive, bool standby)
{
	drive->s.standby = standby;
	ide_finish(drive);
}

/* Commands without data, and those of one sector. */
static void other_command(struct ide_drive *drive)
{
	switch (drive->s.command) {
	case 0x10 ... 0x1f: /* RECALIBRATE */
	case 0x70 ... 0x7f: /* SEEK */
		ide_finish(drive);
		break;
	case 0x27: /* READ NATIVE MAX ADDRESS EXT */
	case 0xf8:
		read_native_max(drive, drive->s.command == 0x27);
		break;
	case 0x91:
		initialize_parameters(drive);
		break;
	case 0xb0:
		smart(drive);
		break;
	case 0xc6:
		set_multiple(drive);
		break;
	case 0xe0: /* STANDBY IMMEDIATE */
	case 0xe2: /* STANDBY */
	case 0xe6: /* SLEEP */
		set_standby(drive, true);
		break;
	case 0xe1: /* IDLE IMMEDIATE */
	case 0xe3: /* IDLE */
		set_standby(drive, false);
		break;
	case 0xe5:
		check_power(drive);
		break;
	case 0xe7: /* FLUSH CACHE */
	case 0xea:
		ide_flush_start(drive);
		break;
	case 0xec:
		identify(drive);
		break;
	case 0xef:
		ide_set_features(drive);
		break;
	default:
		ide_abort(drive);
	}
}

void ide_disk_command(struct ide_drive *drive)
{
	struct access access;

	if (!find_access(drive->s.command, &access)) {
		other_command(drive);
		return;
	}
	drive->s.standby = false;
	access_sectors(drive, access);
}
