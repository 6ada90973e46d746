/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See scsi.h. A CDB is the guest's: its length is not trusted, and what lies behind it reads as zeros.
 * Linux takes INQUIRY and MODE SENSE for successful whatever the status says, so these two fill their
 * buffer even where nothing is there.
 */
#include "scsi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define BLOCK(command)        disk_sector_size((command)->disk)

#define KEY_MEDIUM_ERROR      0x03
#define KEY_HARDWARE_ERROR    0x04
#define KEY_ILLEGAL_REQUEST   0x05
#define KEY_DATA_PROTECT      0x07
#define KEY_ABORTED_COMMAND   0x0b

/* ASC << 8 | ASCQ (SPC-4 table D.2) */
#define ASC_WRITE_ERROR       0x0c00
#define ASC_READ_ERROR        0x1100
#define ASC_INVALID_OPCODE    0x2000
#define ASC_LBA_OUT_OF_RANGE  0x2100
#define ASC_INVALID_FIELD     0x2400
#define ASC_INVALID_PARAMETER 0x2600
#define ASC_WRITE_PROTECTED   0x2700
#define ASC_NO_SPACE          0x2707
#define ASC_INTERNAL_FAILURE  0x4400
#define ASC_DATA_PHASE        0x4b00

#define UNMAP_BLOCKS_MAX      0x400000u /* 2 GiB in one command */

static void put_sense(uint8_t *sense, uint8_t key, uint16_t asc)
{
	memset(sense, 0, SCSI_SENSE_SIZE);
	sense[0] = 0x70; /* current, fixed format */
	sense[2] = key;
	sense[7] = SCSI_SENSE_SIZE - 8;
	sense[12] = (uint8_t)(asc >> 8);
	sense[13] = (uint8_t)asc;
}

static void fail(struct scsi_command *c, uint8_t key, uint16_t asc)
{
	c->outcome = SCSI_DONE;
	c->status = SCSI_CHECK_CONDITION;
	c->data_size = 0;
	put_sense(c->sense, key, asc);
}

void scsi_fail_transfer(struct scsi_command *c)
{
	fail(c, KEY_ABORTED_COMMAND, ASC_DATA_PHASE);
}

void scsi_fail_length(struct scsi_command *c)
{
	fail(c, KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
}

/* As much as there is, and as the guest has room for. */
static void answer(struct scsi_command *c, uint32_t size, uint32_t room)
{
	c->data_size = MIN(size, room);
}

/* --- what a disk is --- */

static void put_text(uint8_t *to, size_t size, const char *text)
{
	size_t length = strlen(text);

	memset(to, ' ', size);
	memcpy(to, text, MIN(length, size));
}

static void inquiry_standard(struct scsi_command *c, uint32_t room)
{
	c->data[0] = c->disk ? 0x00 : 0x7f; /* a disk; or: no device, and there cannot be one */
	c->data[2] = 6;                     /* SPC-4 */
	c->data[3] = 0x02;
	c->data[4] = 36 - 5;
	c->data[7] = 0x02; /* command queuing */
	put_text(c->data + 8, 8, "KEELSON");
	put_text(c->data + 16, 16, "Disk");
	put_text(c->data + 32, 4, "1");
	answer(c, 36, room);
}

/* An NAA identifier, and the serial number as a vendor's. */
static uint32_t vpd_identification(struct scsi_command *c, const struct scsi_lun *lun)
{
	size_t length = strlen(lun->serial);
	uint8_t *at = c->data + 4;

	at[0] = 0x01; /* binary */
	at[1] = 0x03;
	at[3] = sizeof lun->id;
	memcpy(at + 4, lun->id, sizeof lun->id);
	at += 4 + sizeof lun->id;
	at[0] = 0x02; /* ASCII */
	at[1] = 0x01;
	at[3] = (uint8_t)(8 + length);
	put_text(at + 4, 8, "KEELSON");
	memcpy(at + 12, lun->serial, length);
	return (uint32_t)(at + 12 + length - c->data - 4);
}

static uint32_t vpd_limits(struct scsi_command *c, const struct scsi_target *target)
{
	bool writable = !disk_is_read_only(c->disk);

	bytes_put_be32(c->data + 8, target->max_transfer / BLOCK(c));
	bytes_put_be32(c->data + 20, writable ? UNMAP_BLOCKS_MAX : 0);
	bytes_put_be32(c->data + 24, writable ? 1 : 0); /* ranges in one command */
	return 0x3c;
}

static uint32_t vpd_provisioning(struct scsi_command *c)
{
	c->data[5] = disk_is_read_only(c->disk) ? 0 : 0x80; /* UNMAP */
	c->data[6] = 0x02;                                  /* thin */
	return 4;
}

static uint32_t vpd_size(struct scsi_command *c, const struct scsi_target *target,
			 const struct scsi_lun *lun, uint8_t page)
{
	static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};

	switch (page) {
	case 0x00:
		memcpy(c->data + 4, pages, sizeof pages);
		return sizeof pages;
	case 0x80:
		memcpy(c->data + 4, lun->serial, strlen(lun->serial));
		return (uint32_t)strlen(lun->serial);
	case 0x83:
		return vpd_identification(c, lun);
	case 0xb0:
		return vpd_limits(c, target);
	case 0xb1:
		c->data[5] = 1; /* nothing rotates */
		return 0x3c;
	case 0xb2:
		return vpd_provisioning(c);
	default:
		return UINT32_MAX;
	}
}

static void inquiry(struct scsi_command *c, const struct scsi_target *target,
		    const struct scsi_lun *lun, const uint8_t *cdb)
{
	uint32_t room = bytes_get_be16(cdb + 3), size;

	if (!(cdb[1] & 1) && cdb[2] == 0) {
		inquiry_standard(c, room);
		return;
	}
	size = c->disk && cdb[1] == 1 ? vpd_size(c, target, lun, cdb[2]) : UINT32_MAX;
	if (size == UINT32_MAX) {
		fail(c, KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
		return;
	}
	c->data[1] = cdb[2];
	bytes_put_be16(c->data + 2, (uint16_t)size);
	answer(c, size + 4, room);
}

static void report_luns(struct scsi_command *c, const struct scsi_target *target,
			const uint8_t *cdb)
{
	uint32_t size = 8;

	for (unsigned int i = 0; i < SCSI_LUNS_MAX; i++) {
		if (!target->lun[i].disk)
			continue;
		c->data[size + 1] = (uint8_t)i;
		size += 8;
	}
	bytes_put_be32(c->data, size - 8);
	answer(c, size, bytes_get_be32(cdb + 6));
}

static void read_capacity_10(struct scsi_command *c)
{
	uint64_t last = disk_size(c->disk) / BLOCK(c) - 1;

	bytes_put_be32(c->data, (uint32_t)MIN(last, (uint64_t)UINT32_MAX));
	bytes_put_be32(c->data + 4, BLOCK(c));
	c->data_size = 8;
}

static void read_capacity_16(struct scsi_command *c, const uint8_t *cdb)
{
	if ((cdb[1] & 0x1f) != 0x10) {
		fail(c, KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
		return;
	}
	bytes_put_be64(c->data, disk_size(c->disk) / BLOCK(c) - 1);
	bytes_put_be32(c->data + 8, BLOCK(c));
	c->data[14] = disk_is_read_only(c->disk) ? 0 : 0x80; /* thin */
	answer(c, 32, bytes_get_be32(cdb + 10));
}

/* The caching page alone: there is a write cache, and FUA goes past it. */
static void mode_sense(struct scsi_command *c, const uint8_t *cdb, bool ten)
{
	uint32_t header = ten ? 8 : 4, size = header;
	uint8_t page = cdb[2] & 0x3f, parameter = 0x10;

	if ((page != 0x08 && page != 0x3f) || cdb[2] >> 6 == 3) {
		fail(c, KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
		return;
	}
	if (disk_is_read_only(c->disk))
		parameter |= 0x80;
	c->data[size] = 0x08;
	c->data[size + 1] = 0x12;
	c->data[size + 2] = cdb[2] >> 6 == 1 ? 0 : 0x04; /* nothing can be changed */
	size += 20;
	if (ten)
		bytes_put_be16(c->data, (uint16_t)(size - 2));
	else
		c->data[0] = (uint8_t)(size - 1);
	c->data[ten ? 3 : 2] = parameter;
	answer(c, size, ten ? bytes_get_be16(cdb + 7) : cdb[4]);
}

static void request_sense(struct scsi_command *c, const uint8_t *cdb)
{
	put_sense(c->data, 0, 0);
	answer(c, SCSI_SENSE_SIZE, cdb[4]);
}

/* --- what goes to the disk --- */

static void start(struct scsi_command *c, enum disk_op op, uint64_t first, uint64_t count)
{
	uint64_t blocks = disk_size(c->disk) / BLOCK(c);

	if (first > blocks || count > blocks - first) {
		fail(c, KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
		return;
	}
	if (op != DISK_OP_READ && disk_is_read_only(c->disk)) {
		fail(c, KEY_DATA_PROTECT, ASC_WRITE_PROTECTED);
		return;
	}
	if (count == 0)
		return; /* nothing is to be moved: that is no error */
	c->outcome = SCSI_IO;
	c->op = op;
	c->offset = first * BLOCK(c);
	c->length = count * BLOCK(c);
}

/* READ and WRITE of 6, 10, 12 and 16 bytes; the upper three bits say which. */
static void transfer(struct scsi_command *c, const uint8_t *cdb)
{
	bool write = (cdb[0] & 0x1f) == 0x0a;
	enum disk_op op = write ? DISK_OP_WRITE : DISK_OP_READ;

	switch (cdb[0] >> 5) {
	case 0:
		start(c, op, bytes_get_be32(cdb) & 0x1fffff, cdb[4] ? cdb[4] : 256);
		return;
	case 1:
		start(c, op, bytes_get_be32(cdb + 2), bytes_get_be16(cdb + 7));
		break;
	case 5:
		start(c, op, bytes_get_be32(cdb + 2), bytes_get_be32(cdb + 6));
		break;
	default:
		start(c, op, bytes_get_be64(cdb + 2), bytes_get_be32(cdb + 10));
	}
	c->flush_after = write && cdb[1] & 0x08; /* FUA */
}

static void synchronize(struct scsi_command *c)
{
	c->outcome = SCSI_IO;
	c->op = DISK_OP_FLUSH;
}

/* Header of 8 bytes, descriptors of 16, of which the limits allow one. */
static void unmap(struct scsi_command *c, const uint8_t *cdb, const uint8_t *parameters)
{
	uint32_t length = bytes_get_be16(cdb + 7), size = bytes_get_be16(parameters + 2);

	if (length < 8 || size == 0)
		return;
	if (size != 16 || length < 24 || bytes_get_be32(parameters + 16) > UNMAP_BLOCKS_MAX) {
		fail(c, KEY_ILLEGAL_REQUEST, ASC_INVALID_PARAMETER);
		return;
	}
	start(c, DISK_OP_DISCARD, bytes_get_be64(parameters + 8), bytes_get_be32(parameters + 16));
}

static void of_disk(struct scsi_command *c, const uint8_t *cdb, const uint8_t *parameters)
{
	switch (cdb[0]) {
	case 0x00: /* TEST UNIT READY */
	case 0x1b: /* START STOP UNIT */
	case 0x1e: /* PREVENT ALLOW MEDIUM REMOVAL */
		return;
	case 0x03:
		request_sense(c, cdb);
		return;
	case 0x08: /* READ, WRITE (6), (10), (12), (16) */
	case 0x0a:
	case 0x28:
	case 0x2a:
	case 0xa8:
	case 0xaa:
	case 0x88:
	case 0x8a:
		transfer(c, cdb);
		return;
	case 0x1a:
	case 0x5a:
		mode_sense(c, cdb, cdb[0] == 0x5a);
		return;
	case 0x25:
		read_capacity_10(c);
		return;
	case 0x9e:
		read_capacity_16(c, cdb);
		return;
	case 0x35: /* SYNCHRONIZE CACHE (10), (16) */
	case 0x91:
		synchronize(c);
		return;
	case SCSI_UNMAP:
		unmap(c, cdb, parameters);
		return;
	default:
		fail(c, KEY_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	}
}

void scsi_begin(const struct scsi_target *target, unsigned int lun, const uint8_t *cdb,
		const uint8_t *parameters, struct scsi_command *c)
{
	static const struct scsi_lun nothing;
	static const struct scsi_target empty;
	const struct scsi_lun *l = lun < SCSI_LUNS_MAX ? &target->lun[lun] : &nothing;

	memset(c, 0, sizeof *c);
	c->disk = l->disk;
	switch (cdb[0]) {
	case 0x12:
		inquiry(c, target, l, cdb);
		return;
	case 0xa0:
		report_luns(c, lun < SCSI_LUNS_MAX ? target : &empty, cdb);
		return;
	default:
		if (c->disk)
			of_disk(c, cdb, parameters);
		else
			c->outcome = SCSI_NO_LUN;
	}
}

void scsi_finish(struct scsi_command *c, int result)
{
	c->outcome = SCSI_DONE;
	switch (result) {
	case 0:
		return;
	case -ENOSPC:
	case -EDQUOT:
		fail(c, KEY_DATA_PROTECT, ASC_NO_SPACE);
		return;
	case -EROFS:
	case -EPERM:
		fail(c, KEY_DATA_PROTECT, ASC_WRITE_PROTECTED);
		return;
	case -ERANGE:
		fail(c, KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
		return;
	case -EOPNOTSUPP:
		if (c->op != DISK_OP_DISCARD) /* a hint, which nobody can take */
			fail(c, KEY_HARDWARE_ERROR, ASC_INTERNAL_FAILURE);
		return;
	case -EIO:
	case -ENODATA:
		fail(c, KEY_MEDIUM_ERROR, c->op == DISK_OP_READ ? ASC_READ_ERROR : ASC_WRITE_ERROR);
		return;
	default:
		fail(c, KEY_HARDWARE_ERROR, ASC_INTERNAL_FAILURE);
	}
}
