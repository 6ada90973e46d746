/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IDENTIFY DEVICE and IDENTIFY PACKET DEVICE data (ATA/ATAPI-6 8.15, 8.16). Words are numbered as
 * there.
 */
#include "ide_private.h"

#include <string.h>

#include "base/bytes.h"

#define FIRMWARE "1.0"

static void put(uint8_t *identify, unsigned int word, uint16_t value)
{
	bytes_put_le16(identify + word * 2, value);
}

static void put32(uint8_t *identify, unsigned int word, uint32_t value)
{
	bytes_put_le32(identify + word * 2, value);
}

/* Text: padded with blanks, the first character in the high byte of a word. */
static void put_text(uint8_t *identify, unsigned int word, const char *text, size_t size)
{
	uint8_t *to = identify + word * 2;
	size_t length = strnlen(text, size);

	for (size_t i = 0; i < size; i++)
		to[i ^ 1] = i < length ? (uint8_t)text[i] : ' ';
}

static void put_names(const struct ide_drive *drive, uint8_t *identify)
{
	put_text(identify, 10, drive->serial, VDEV_IDE_SERIAL_SIZE);
	put_text(identify, 23, FIRMWARE, 8);
	put_text(identify, 27, drive->model, VDEV_IDE_MODEL_SIZE);
}

/* Words 49 to 88: DMA modes, and which of them SET FEATURES has chosen. */
static void put_modes(const struct ide_drive *drive, uint8_t *identify)
{
	uint8_t mode = drive->s.transfer_mode;
	uint16_t multiword = mode >> 3 == 4 ? (uint16_t)(0x100 << (mode & 7)) : 0;
	uint16_t ultra = mode >> 3 == 8 ? (uint16_t)(0x100 << (mode & 7)) : 0;

	put(identify, 53, 0x0007); /* words 54–58, 64–70 and 88 are valid */
	put(identify, 63, 0x0007 | multiword);
	put(identify, 64, 0x0003); /* PIO modes 3 and 4 */
	for (unsigned int word = 65; word <= 68; word++)
		put(identify, word, 120); /* ns a cycle */
	put(identify, 80, 0x007e);        /* ATA-1 to ATA/ATAPI-6 */
	put(identify, 88, 0x0007 | ultra);
}

static uint16_t cylinders(uint64_t sectors, unsigned int heads, unsigned int per_track)
{
	uint64_t cylinders = sectors / (heads * per_track);

	return (uint16_t)MIN(cylinders, UINT64_C(16383));
}

static void put_geometry(const struct ide_drive *drive, uint8_t *identify)
{
	const struct ide_state *s = &drive->s;
	uint64_t sectors = ide_disk_sectors(drive);
	uint16_t current = cylinders(sectors, s->heads, s->sectors);

	put(identify, 1, cylinders(sectors, 16, 63));
	put(identify, 3, 16);
	put(identify, 6, 63);
	put(identify, 54, current);
	put(identify, 55, s->heads);
	put(identify, 56, s->sectors);
	put32(identify, 57, (uint32_t)current * s->heads * s->sectors);
	put32(identify, 60, (uint32_t)MIN(sectors, UINT64_C(0x0fffffff)));
	bytes_put_le64(identify + 200, sectors);
}

static void put_features(const struct ide_drive *drive, uint8_t *identify)
{
	const struct ide_state *s = &drive->s;

	put(identify, 82, 0x0069); /* SMART, power management, write cache, look-ahead */
	put(identify, 83, 0x7400); /* 48-bit addresses, FLUSH CACHE, FLUSH CACHE EXT */
	put(identify, 84, 0x4040); /* WRITE DMA FUA EXT */
	put(identify, 85,
	    (uint16_t)(0x0008 | s->smart << 0 | s->write_cache << 5 | s->look_ahead << 6));
	put(identify, 86, 0x3400);
	put(identify, 87, 0x4040);
}

static void put_checksum(uint8_t *identify)
{
	uint8_t sum = 0xa5;

	for (unsigned int i = 0; i < 510; i++)
		sum = (uint8_t)(sum + identify[i]);
	identify[510] = 0xa5;
	identify[511] = (uint8_t)-sum;
}

void ide_identify_disk(const struct ide_drive *drive, uint8_t identify[IDE_SECTOR])
{
	uint8_t multiple = drive->s.multiple;

	memset(identify, 0, IDE_SECTOR);
	put(identify, 0, 0x0040); /* not removable */
	put_names(drive, identify);
	put(identify, 47, 0x8000 | IDE_MULTIPLE_MAX);
	put(identify, 49, 0x0f00); /* LBA, DMA, IORDY */
	put(identify, 50, 0x4000);
	put(identify, 51, 0x0200); /* PIO timing mode */
	put(identify, 59, multiple ? 0x100 | multiple : 0);
	put_modes(drive, identify);
	put_geometry(drive, identify);
	put_features(drive, identify);
	put_checksum(identify);
}

void ide_identify_cdrom(const struct ide_drive *drive, uint8_t identify[IDE_SECTOR])
{
	memset(identify, 0, IDE_SECTOR);
	put(identify, 0, 0x85c0); /* CD-ROM, removable, DRQ within 50 µs, packets of 12 bytes */
	put_names(drive, identify);
	put(identify, 49, 0x0f00);
	put(identify, 50, 0x4000);
	put(identify, 51, 0x0200);
	put_modes(drive, identify);
	put(identify, 82, 0x0218); /* DEVICE RESET, PACKET, power management */
	put(identify, 83, 0x4000);
	put(identify, 84, 0x4000);
	put(identify, 85, 0x0218);
	put(identify, 87, 0x4000);
	put_checksum(identify);
}
