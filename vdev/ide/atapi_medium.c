/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets about the medium (MMC-3 chapter 6): reading, table of contents, mode pages, the tray. The
 * medium is one data track of 2048-byte sectors.
 */
#include "ide_private.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "vdev/ide.h"

#define LEAD_OUT      0xaa

/* MODE SENSE, page control; 2 asks for the values after power-on. */
#define PC_CURRENT    0u
#define PC_CHANGEABLE 1u
#define PC_SAVED      3u

static void refuse_field(struct ide_drive *drive)
{
	atapi_sense(drive, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
}

static uint32_t sectors(const struct ide_drive *drive)
{
	return (uint32_t)MIN(disk_size(drive->disk) / IDE_CD_SECTOR, (uint64_t)UINT32_MAX);
}

static void put_msf(uint8_t *to, uint32_t sector)
{
	sector += 150; /* two seconds of lead-in */
	to[0] = 0;
	to[1] = (uint8_t)(sector / 75 / 60);
	to[2] = (uint8_t)(sector / 75 % 60);
	to[3] = (uint8_t)(sector % 75);
}

/* --- reading --- */

static void read_sectors(struct ide_drive *drive, uint32_t lba, uint32_t count)
{
	uint32_t size = sectors(drive);

	if (count == 0) {
		atapi_complete(drive);
	} else if (lba >= size || count > size - lba) {
		atapi_sense(drive, SENSE_ILLEGAL, ASC_OUT_OF_RANGE, 0);
	} else {
		drive->s.lba = lba;
		drive->s.left = count;
		ide_read_start(drive);
	}
}

/* Of READ CD only what is the same as READ: user data of mode 1, or nothing. */
static void read_cd(struct ide_drive *drive)
{
	const uint8_t *packet = drive->s.packet;
	uint32_t count = (uint32_t)packet[6] << 16 | bytes_get_be16(packet + 7);

	if ((packet[9] & 0xf8) == 0)
		atapi_complete(drive);
	else if ((packet[9] & 0xf8) != 0x10 || packet[10] & 7)
		refuse_field(drive);
	else
		read_sectors(drive, bytes_get_be32(packet + 2), count);
}

static void seek(struct ide_drive *drive)
{
	if (bytes_get_be32(drive->s.packet + 2) >= sectors(drive))
		atapi_sense(drive, SENSE_ILLEGAL, ASC_OUT_OF_RANGE, 0);
	else
		atapi_complete(drive);
}

static void read_capacity(struct ide_drive *drive)
{
	bytes_put_be32(drive->io->buffer, sectors(drive) - 1);
	bytes_put_be32(drive->io->buffer + 4, IDE_CD_SECTOR);
	atapi_reply(drive, 8, 8);
}

/* --- table of contents --- */

static void put_address(uint8_t *to, uint32_t sector, bool msf)
{
	if (msf)
		put_msf(to, sector);
	else
		bytes_put_be32(to, sector);
}

static uint32_t put_track(uint8_t *to, uint8_t track, uint32_t sector, bool msf)
{
	to[0] = 0;
	to[1] = 0x14; /* data */
	to[2] = track;
	to[3] = 0;
	put_address(to + 4, sector, msf);
	return 8;
}

/* Format 0: tracks from `first` on, and the lead-out. */
static uint32_t put_toc(const struct ide_drive *drive, uint8_t *data, uint8_t first, bool msf)
{
	uint32_t n = 4;

	data[2] = data[3] = 1;
	if (first <= 1)
		n += put_track(data + n, 1, 0, msf);
	return n + put_track(data + n, LEAD_OUT, sectors(drive), msf);
}

static uint32_t put_session(uint8_t *data, bool msf)
{
	data[2] = data[3] = 1;
	return 4 + put_track(data + 4, 1, 0, msf);
}

static void put_point(uint8_t *to, uint8_t point, uint8_t minute, const uint8_t *msf)
{
	memset(to, 0, 11);
	to[0] = 1; /* session */
	to[1] = 0x14;
	to[3] = point;
	to[8] = minute;
	if (msf)
		memcpy(to + 8, msf + 1, 3);
}

/* Format 2, always MSF: first and last track, lead-out, track 1. */
static uint32_t put_full_toc(const struct ide_drive *drive, uint8_t *data)
{
	uint8_t end[4], begin[4];

	put_msf(end, sectors(drive));
	put_msf(begin, 0);
	data[2] = data[3] = 1;
	put_point(data + 4, 0xa0, 1, NULL);
	put_point(data + 15, 0xa1, 1, NULL);
	put_point(data + 26, 0xa2, 0, end);
	put_point(data + 37, 1, 0, begin);
	return 48;
}

static void read_toc(struct ide_drive *drive)
{
	const uint8_t *packet = drive->s.packet;
	bool msf = packet[1] & 2;
	uint8_t format = packet[2] & 15;
	uint8_t *data = drive->io->buffer;
	uint32_t n;

	if (format == 0)
		format = packet[9] >> 6; /* where SFF-8020 had it */
	if (format > 2 || (format == 0 && packet[6] > 1 && packet[6] != LEAD_OUT)) {
		refuse_field(drive);
		return;
	}
	n = format == 0   ? put_toc(drive, data, packet[6], msf)
	    : format == 1 ? put_session(data, msf)
			  : put_full_toc(drive, data);
	bytes_put_be16(data, (uint16_t)(n - 2));
	atapi_reply(drive, n, bytes_get_be16(packet + 7));
}

static void read_disc_information(struct ide_drive *drive)
{
	uint8_t *data = drive->io->buffer;

	memset(data, 0, 34);
	bytes_put_be16(data, 32);
	data[2] = 0x0e; /* complete, last session complete */
	data[3] = data[4] = data[5] = data[6] = 1;
	data[7] = 0x20; /* unrestricted use */
	memset(data + 16, 0xff, 8);
	atapi_reply(drive, 34, bytes_get_be16(drive->s.packet + 7));
}

/* --- mode pages --- */

static uint32_t put_error_page(uint8_t *to)
{
	memset(to, 0, 8);
	to[0] = 0x01;
	to[1] = 6;
	to[3] = 5; /* retries */
	return 8;
}

/* CD capabilities and mechanical status. */
static uint32_t put_capabilities_page(uint8_t *to, bool locked)
{
	memset(to, 0, 20);
	to[0] = 0x2a;
	to[1] = 18;
	to[2] = 0x3b; /* reads CD-R, CD-RW, DVD-ROM, DVD-R */
	to[4] = 0x70; /* mode 2 forms, multisession */
	to[6] = (uint8_t)(0x29 | locked << 1);
	bytes_put_be16(to + 8, 706 * 10); /* KB/s */
	bytes_put_be16(to + 12, 512);     /* KiB of buffer */
	bytes_put_be16(to + 14, 706 * 10);
	return 20;
}

/* A page in the form that was asked for (SPC-2 5.6.1.2). There is no MODE SELECT: nothing changes. */
static uint32_t finish_page(uint8_t *page, uint32_t size, unsigned int control)
{
	if (control == PC_CHANGEABLE)
		memset(page + 2, 0, size - 2);
	return size;
}

static uint8_t medium_type(const struct ide_drive *drive)
{
	if (drive->s.tray_open)
		return 0x71;
	return drive->disk ? 0x01 : 0x70;
}

static void mode_sense(struct ide_drive *drive)
{
	const uint8_t *packet = drive->s.packet;
	uint8_t page = packet[2] & 0x3f;
	unsigned int control = packet[2] >> 6;
	uint8_t *data = drive->io->buffer;
	uint32_t n = 8;

	if (control == PC_SAVED) {
		atapi_sense(drive, SENSE_ILLEGAL, ASC_SAVING_PARAMETERS, 0);
		return;
	}
	memset(data, 0, n);
	if (page == 0x01 || page == 0x3f)
		n += finish_page(data + n, put_error_page(data + n), control);
	if (page == 0x2a || page == 0x3f)
		n += finish_page(
			data + n,
			put_capabilities_page(data + n, drive->s.locked && control == PC_CURRENT),
			control);
	if (n == 8) {
		refuse_field(drive);
		return;
	}
	data[2] = medium_type(drive);
	bytes_put_be16(data, (uint16_t)(n - 2));
	atapi_reply(drive, n, bytes_get_be16(packet + 7));
}

static void mechanism_status(struct ide_drive *drive)
{
	uint8_t *data = drive->io->buffer;

	memset(data, 0, 8);
	data[1] = (uint8_t)(drive->s.tray_open << 4);
	data[5] = 1; /* slots */
	atapi_reply(drive, 8, bytes_get_be16(drive->s.packet + 8));
}

/* --- the tray --- */

static void open_tray(struct ide_drive *drive)
{
	if (drive->s.locked) {
		atapi_sense(drive, SENSE_ILLEGAL, ASC_REMOVAL_PREVENTED, 2);
		return;
	}
	if (!drive->s.tray_open && drive->disk)
		drive->s.media_event = MEDIA_EVENT_REMOVAL;
	drive->s.tray_open = true;
	atapi_complete(drive);
}

static void close_tray(struct ide_drive *drive)
{
	if (drive->s.tray_open && drive->disk) {
		drive->s.media_event = MEDIA_EVENT_NEW;
		drive->s.attention = true;
	}
	drive->s.tray_open = false;
	atapi_complete(drive);
}

static void start_stop(struct ide_drive *drive)
{
	switch (drive->s.packet[4] & 3) {
	case 2:
		open_tray(drive);
		break;
	case 3:
		close_tray(drive);
		break;
	default:
		atapi_complete(drive);
	}
}

static void prevent_allow(struct ide_drive *drive)
{
	drive->s.locked = drive->s.packet[4] & 1;
	atapi_complete(drive);
}

/* Packets that mean something without a medium, too. */
static bool tray_command(struct ide_drive *drive)
{
	switch (drive->s.packet[0]) {
	case 0x1b:
		start_stop(drive);
		return true;
	case 0x1e:
		prevent_allow(drive);
		return true;
	case 0x5a:
		mode_sense(drive);
		return true;
	case 0xbd:
		mechanism_status(drive);
		return true;
	}
	return false;
}

static bool needs_medium(uint8_t op)
{
	static const uint8_t ops[] = {0x00, 0x25, 0x28, 0x2b, 0x43, 0x51, 0xa8, 0xbe};

	return memchr(ops, op, sizeof ops) != NULL;
}

void atapi_media_command(struct ide_drive *drive)
{
	const uint8_t *packet = drive->s.packet;

	if (tray_command(drive))
		return;
	if (needs_medium(packet[0]) && !atapi_is_ready(drive)) {
		atapi_sense(drive, SENSE_NOT_READY, ASC_NO_MEDIUM, drive->s.tray_open ? 2 : 1);
		return;
	}
	switch (packet[0]) {
	case 0x00: /* TEST UNIT READY */
		atapi_complete(drive);
		break;
	case 0x25:
		read_capacity(drive);
		break;
	case 0x28: /* READ (10) */
		read_sectors(drive, bytes_get_be32(packet + 2), bytes_get_be16(packet + 7));
		break;
	case 0x2b:
		seek(drive);
		break;
	case 0x43:
		read_toc(drive);
		break;
	case 0x51:
		read_disc_information(drive);
		break;
	case 0xa8: /* READ (12) */
		read_sectors(drive, bytes_get_be32(packet + 2), bytes_get_be32(packet + 6));
		break;
	case 0xbe:
		read_cd(drive);
		break;
	default:
		atapi_sense(drive, SENSE_ILLEGAL, ASC_INVALID_OPCODE, 0);
	}
}

/* --- the host's side of the tray --- */

static struct ide_drive *cdrom_of(struct vdev_device *device, unsigned int drive)
{
	struct ide *ide = ide_of(device);
	struct ide_drive *d;

	if (drive >= VDEV_IDE_DRIVES)
		return NULL;
	d = &ide->channel[drive / 2].drive[drive % 2];
	return d->kind == VDEV_IDE_CDROM ? d : NULL;
}

int vdev_ide_insert(struct vdev_device *device, unsigned int drive, struct disk *disk)
{
	struct ide_drive *d = cdrom_of(device, drive);

	if (!d)
		return -ENODEV;
	if (d->disk)
		return -EBUSY;
	if (disk_sector_size(disk) != IDE_CD_SECTOR)
		return -EINVAL;
	d->disk = disk;
	d->s.tray_open = false;
	d->s.attention = true;
	d->s.media_event = MEDIA_EVENT_NEW;
	return 0;
}

/* A read under way fails like one of a medium that was pulled out: not ready. */
static void interrupt_read(struct ide_drive *drive)
{
	if (drive->s.phase != IDE_PHASE_LOAD && drive->s.left == 0)
		return;
	ide_cancel(drive);
	atapi_sense(drive, SENSE_NOT_READY, ASC_NO_MEDIUM, 2);
}

int vdev_ide_eject(struct vdev_device *device, unsigned int drive, bool force,
		   struct disk **ret_disk)
{
	struct ide_drive *d = cdrom_of(device, drive);

	if (!d)
		return -ENODEV;
	if (!d->disk)
		return -ENOENT;
	if (d->s.locked && !force) {
		d->s.media_event = MEDIA_EVENT_EJECT_REQUEST;
		return -EBUSY;
	}
	interrupt_read(d);
	*ret_disk = d->disk;
	d->disk = NULL;
	d->s.tray_open = true;
	d->s.locked = false;
	d->s.media_event = MEDIA_EVENT_REMOVAL;
	return 0;
}
