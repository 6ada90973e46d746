/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet interface of a CD-ROM drive (ATA/ATAPI-6 9.8): the ATA commands it knows, the transfer
 * of a packet and of its reply, sense data. The packets about the medium are in atapi_medium.c.
 *
 * A packet that fails sets the sense data and ends with CHK; REQUEST SENSE hands it over and clears
 * it. A changed medium fails the next packet but INQUIRY, REQUEST SENSE and the event commands.
 */
#include "ide_private.h"

#include <string.h>

#include "base/bytes.h"

#define OP_REQUEST_SENSE     0x03
#define OP_INQUIRY           0x12
#define OP_GET_CONFIGURATION 0x46
#define OP_GET_EVENT         0x4a

static void set_sense(struct ide_drive *drive, uint8_t key, uint8_t asc, uint8_t ascq)
{
	drive->s.sense_key = key;
	drive->s.asc = asc;
	drive->s.ascq = ascq;
}

/* The last phase: command, input and completion are told apart by the interrupt reason. */
void atapi_complete(struct ide_drive *drive)
{
	drive->s.count = IDE_REASON_IO | IDE_REASON_CD;
	ide_finish(drive);
}

void atapi_sense(struct ide_drive *drive, uint8_t key, uint8_t asc, uint8_t ascq)
{
	struct ide_state *s = &drive->s;

	set_sense(drive, key, asc, ascq);
	s->phase = IDE_PHASE_IDLE;
	s->left = 0;
	s->error = (uint8_t)(key << 4 | (key == SENSE_ILLEGAL ? IDE_ABRT : 0));
	s->count = IDE_REASON_IO | IDE_REASON_CD;
	s->status = IDE_DRDY | IDE_DSC | IDE_ERR;
	ide_raise(drive);
}

void atapi_offer(struct ide_drive *drive, uint32_t bytes)
{
	drive->s.count = IDE_REASON_IO;
	drive->s.lba_mid = (uint8_t)bytes;
	drive->s.lba_high = (uint8_t)(bytes >> 8);
}

/* Sends at most what the packet allowed for. Nothing at all is no data phase. */
void atapi_reply(struct ide_drive *drive, uint32_t length, uint32_t allocation)
{
	length = MIN(length, allocation);
	if (length == 0)
		atapi_complete(drive);
	else
		ide_send(drive, length);
}

/* --- packets that need no medium --- */

static void inquiry(struct ide_drive *drive)
{
	uint8_t *data = drive->io->buffer;
	const uint8_t *packet = drive->s.packet;
	char product[17];

	if (packet[1] & 1 || packet[2]) {
		atapi_sense(drive, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
		return;
	}
	memset(data, 0, 36);
	data[0] = 5;    /* CD-ROM */
	data[1] = 0x80; /* removable */
	data[3] = 0x21; /* ATAPI, response format 1 */
	data[4] = 36 - 5;
	memcpy(data + 8, "Keelson ", 8);
	memset(product, ' ', sizeof product);
	memcpy(product, "Virtual CD-ROM", 14);
	memcpy(data + 16, product, 16);
	memcpy(data + 32, "1.0 ", 4);
	atapi_reply(drive, 36, packet[4]);
}

static void request_sense(struct ide_drive *drive)
{
	uint8_t *data = drive->io->buffer;

	if (drive->s.sense_key == SENSE_NONE && drive->s.attention) {
		drive->s.attention = false;
		set_sense(drive, SENSE_ATTENTION, ASC_MEDIUM_CHANGED, 0);
	}
	memset(data, 0, 18);
	data[0] = 0x70;
	data[2] = drive->s.sense_key;
	data[7] = 18 - 8;
	data[12] = drive->s.asc;
	data[13] = drive->s.ascq;
	set_sense(drive, SENSE_NONE, 0, 0);
	atapi_reply(drive, 18, drive->s.packet[4]);
}

struct feature {
	uint16_t code;
	uint8_t flags; /* version, persistent, current */
	uint8_t length;
	uint8_t data[8];
};

#define FEATURE_CURRENT    BIT(0)
#define FEATURE_PERSISTENT BIT(1)
#define FEATURES           5u

#define RT_CURRENT         1u /* of these features, those that are current */
#define RT_ONE             2u
#define RT_RESERVED        3u

/* Profile list, core (ATAPI), removable medium (tray, eject, lock), CD read, DVD read (MMC-3 5.3). */
static void list_features(bool cd, bool dvd, struct feature features[FEATURES])
{
	const struct feature list[FEATURES] = {
		{0x0000, FEATURE_PERSISTENT | FEATURE_CURRENT, 8, {0, 0x10, dvd, 0, 0, 0x08, cd}},
		{0x0001, FEATURE_PERSISTENT | FEATURE_CURRENT, 4, {0, 0, 0, 2}},
		{0x0003, FEATURE_PERSISTENT | FEATURE_CURRENT, 4, {0x29}},
		{0x001e, cd ? FEATURE_CURRENT : 0, 4, {0}},
		{0x001f, dvd ? FEATURE_CURRENT : 0, 0, {0}},
	};

	memcpy(features, list, sizeof list);
}

static bool is_asked_for(const struct feature *feature, unsigned int rt, uint16_t first)
{
	if (rt == RT_ONE)
		return feature->code == first;
	return feature->code >= first && (rt != RT_CURRENT || feature->flags & FEATURE_CURRENT);
}

static unsigned int put_feature(uint8_t *to, const struct feature *feature)
{
	bytes_put_be16(to, feature->code);
	to[2] = feature->flags;
	to[3] = feature->length;
	memcpy(to + 4, feature->data, feature->length);
	return 4u + feature->length;
}

/* MMC-3 6.6. */
static void get_configuration(struct ide_drive *drive)
{
	const uint8_t *packet = drive->s.packet;
	uint8_t *data = drive->io->buffer;
	bool ready = atapi_is_ready(drive);
	bool dvd = ready && disk_size(drive->disk) > MIB(800);
	struct feature features[FEATURES];
	unsigned int rt = packet[1] & 3, n = 8;

	if (rt == RT_RESERVED) {
		atapi_sense(drive, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
		return;
	}
	list_features(ready && !dvd, dvd, features);
	memset(data, 0, 8);
	bytes_put_be16(data + 6, !ready ? 0 : dvd ? 0x10 : 0x08);
	for (unsigned int i = 0; i < FEATURES; i++)
		if (is_asked_for(&features[i], rt, bytes_get_be16(packet + 2)))
			n += put_feature(data + n, &features[i]);
	bytes_put_be32(data, n - 4);
	atapi_reply(drive, n, bytes_get_be16(packet + 7));
}

static void get_event(struct ide_drive *drive)
{
	const uint8_t *packet = drive->s.packet;
	uint8_t *data = drive->io->buffer;
	uint32_t length = 4;

	if (!(packet[1] & 1)) { /* only polled operation */
		atapi_sense(drive, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
		return;
	}
	memset(data, 0, 8);
	data[3] = 0x10; /* classes: media */
	if (packet[4] & 0x10) {
		length = 8;
		data[2] = 4;
		data[4] = drive->s.media_event;
		data[5] = (uint8_t)(drive->s.tray_open | (drive->disk != NULL) << 1);
		drive->s.media_event = MEDIA_EVENT_NONE;
	} else {
		data[2] = 0x80;
	}
	bytes_put_be16(data, (uint16_t)(length - 2));
	atapi_reply(drive, length, bytes_get_be16(packet + 7));
}

bool atapi_is_ready(const struct ide_drive *drive)
{
	return drive->disk && !drive->s.tray_open;
}

static bool passes_attention(uint8_t op)
{
	return op == OP_INQUIRY || op == OP_REQUEST_SENSE || op == OP_GET_EVENT ||
	       op == OP_GET_CONFIGURATION;
}

/* The packet is in state.packet. */
void atapi_packet(struct ide_drive *drive)
{
	uint8_t op = drive->s.packet[0];

	if (!passes_attention(op) && drive->s.attention) {
		drive->s.attention = false;
		atapi_sense(drive, SENSE_ATTENTION, ASC_MEDIUM_CHANGED, 0);
		return;
	}
	if (op != OP_REQUEST_SENSE)
		set_sense(drive, SENSE_NONE, 0, 0);
	switch (op) {
	case OP_INQUIRY:
		inquiry(drive);
		break;
	case OP_REQUEST_SENSE:
		request_sense(drive);
		break;
	case OP_GET_CONFIGURATION:
		get_configuration(drive);
		break;
	case OP_GET_EVENT:
		get_event(drive);
		break;
	default:
		atapi_media_command(drive);
	}
}

/* --- ATA commands --- */

/* How much the host takes at once: the byte count registers. */
static uint32_t byte_count_limit(const struct ide_state *s)
{
	uint32_t limit = s->lba_mid | (uint32_t)s->lba_high << 8;

	if (limit == 0xffff || limit == 0)
		return 0xfffe;
	return limit > 1 ? limit & ~1u : limit;
}

static void accept_packet(struct ide_drive *drive)
{
	struct ide_state *s = &drive->s;

	if (s->features & ~1) { /* overlapped */
		ide_abort(drive);
		return;
	}
	s->dma = s->features & 1;
	s->block = byte_count_limit(s);
	s->phase = IDE_PHASE_PACKET;
	s->position = 0;
	s->block_end = s->length = IDE_PACKET_SIZE;
	s->count = IDE_REASON_CD;
	s->status = IDE_DRDY | IDE_DSC | IDE_DRQ;
}

static void abort_with_signature(struct ide_drive *drive)
{
	ide_signature(drive);
	ide_abort(drive);
}

void atapi_command(struct ide_drive *drive)
{
	switch (drive->s.command) {
	case 0xa0: /* PACKET */
		accept_packet(drive);
		break;
	case 0xa1: /* IDENTIFY PACKET DEVICE */
		ide_identify_cdrom(drive, drive->io->buffer);
		ide_send(drive, IDE_SECTOR);
		break;
	case 0x20: /* READ SECTORS */
	case 0xec: /* IDENTIFY DEVICE */
		abort_with_signature(drive);
		break;
	case 0xe0: /* STANDBY IMMEDIATE */
	case 0xe1: /* IDLE IMMEDIATE */
	case 0xe6: /* SLEEP */
		ide_finish(drive);
		break;
	case 0xe5: /* CHECK POWER MODE */
		drive->s.count = 0xff;
		ide_finish(drive);
		break;
	case 0xef:
		ide_set_features(drive);
		break;
	default:
		ide_abort(drive);
	}
}
