/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How data moves between host, buffer and disk. The buffer holds at most IDE_BUFFER_SIZE; a longer
 * command goes round: load, send, load, send, or receive, store, receive, store.
 */
#include "ide_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void io_done(struct disk_request *request, int result);

uint32_t ide_sector_size(const struct ide_drive *drive)
{
	return drive->kind == VDEV_IDE_CDROM ? IDE_CD_SECTOR : IDE_SECTOR;
}

/* --- ends of a command --- */

void ide_raise(struct ide_drive *drive)
{
	struct ide_channel *channel = drive->channel;

	drive->s.interrupt = true;
	if (drive == ide_selected(channel) && !(channel->s.control & IDE_NIEN))
		channel->s.bm.status |= BMISX_INT;
	ide_channel_update_irq(channel);
}

static void end(struct ide_drive *drive, uint8_t status, uint8_t error)
{
	drive->s.phase = IDE_PHASE_IDLE;
	drive->s.left = 0;
	drive->s.status = status;
	drive->s.error = error;
	ide_raise(drive);
}

void ide_finish(struct ide_drive *drive)
{
	end(drive, IDE_DRDY | IDE_DSC, 0);
}

void ide_abort(struct ide_drive *drive)
{
	end(drive, IDE_DRDY | IDE_DSC | IDE_ERR, IDE_ABRT);
}

void ide_fail(struct ide_drive *drive, uint8_t error)
{
	end(drive, IDE_DRDY | IDE_DSC | IDE_ERR, error);
}

static void report_chs(struct ide_state *s)
{
	uint64_t track = s->lba / s->sectors;
	uint64_t cylinder = track / s->heads;

	s->lba_low = (uint8_t)(s->lba % s->sectors + 1);
	s->lba_mid = (uint8_t)cylinder;
	s->lba_high = (uint8_t)(cylinder >> 8);
	s->device = (uint8_t)((s->device & 0xf0) | track % s->heads);
}

/* The registers name the first sector that was not transferred. */
static void report_address(struct ide_state *s)
{
	if (!s->long_lba && !(s->device & IDE_LBA)) {
		report_chs(s);
		return;
	}
	s->lba_low = (uint8_t)s->lba;
	s->lba_mid = (uint8_t)(s->lba >> 8);
	s->lba_high = (uint8_t)(s->lba >> 16);
	if (s->long_lba) {
		s->hob_lba_low = (uint8_t)(s->lba >> 24);
		s->hob_lba_mid = (uint8_t)(s->lba >> 32);
		s->hob_lba_high = (uint8_t)(s->lba >> 40);
	} else {
		s->device = (uint8_t)((s->device & 0xf0) | (s->lba >> 24 & 15));
	}
}

static void fail_at(struct ide_drive *drive, uint8_t error)
{
	report_address(&drive->s);
	ide_fail(drive, error);
}

/* --- disk requests --- */

static struct ide_io *io_create(struct ide_drive *drive)
{
	struct ide_io *io = calloc(1, sizeof *io);

	if (!io)
		return NULL;
	io->buffer = aligned_alloc(4096, IDE_BUFFER_SIZE);
	if (!io->buffer) {
		free(io);
		return NULL;
	}
	memset(io->buffer, 0, IDE_BUFFER_SIZE);
	io->drive = drive;
	return io;
}

static void io_destroy(struct ide_io *io)
{
	if (!io)
		return;
	free(io->buffer);
	free(io);
}

int ide_drive_init(struct ide_drive *drive)
{
	drive->io = io_create(drive);
	return drive->io ? 0 : -ENOMEM;
}

void ide_drive_fini(struct ide_drive *drive)
{
	ide_cancel(drive);
	if (drive->disk)
		disk_drain(drive->disk);
	io_destroy(drive->io);
	io_destroy(drive->orphan);
}

static void io_send(struct ide_drive *drive)
{
	drive->io_held = drive->orphan != NULL;
	if (!drive->io_held)
		disk_submit(drive->disk, &drive->io->request);
}

static void io_start(struct ide_drive *drive, enum disk_op op, uint32_t length)
{
	struct ide_io *io = drive->io;

	io->iov = (struct iovec){io->buffer, length};
	io->request = (struct disk_request){
		.op = op,
		.offset = drive->s.lba * ide_sector_size(drive),
		.length = length,
		.iov = &io->iov,
		.iov_count = op == DISK_OP_FLUSH ? 0 : 1,
		.done = io_done,
		.owner = io,
	};
	drive->io_pending = true;
	io_send(drive);
}

static void orphan_done(struct ide_io *orphan)
{
	struct ide_drive *drive = orphan->drive;

	drive->orphan = NULL;
	io_destroy(orphan);
	if (drive->io_pending && drive->io_held)
		io_send(drive);
}

/* Without memory for a second buffer the drive waits for the request: slower, never wrong. */
static void let_go(struct ide_drive *drive)
{
	struct ide_io *fresh = io_create(drive);

	if (!fresh) {
		disk_drain(drive->disk);
		return;
	}
	drive->io->orphan = true;
	drive->orphan = drive->io;
	drive->io = fresh;
}

void ide_cancel(struct ide_drive *drive)
{
	bool submitted = drive->io_pending && !drive->io_held;

	drive->io_pending = false;
	drive->io_held = false;
	drive->s.phase = IDE_PHASE_IDLE;
	if (submitted)
		let_go(drive);
	drive->s.length = drive->s.position = drive->s.block_end = 0;
	drive->s.left = 0;
}

/* --- reading --- */

static uint32_t chunk_length(const struct ide_drive *drive)
{
	uint32_t size = ide_sector_size(drive);

	return MIN(drive->s.left, IDE_BUFFER_SIZE / size) * size;
}

static void load(struct ide_drive *drive)
{
	drive->s.phase = IDE_PHASE_LOAD;
	drive->s.status = IDE_BSY | IDE_DRDY | IDE_DSC;
	io_start(drive, DISK_OP_READ, chunk_length(drive));
}

void ide_read_start(struct ide_drive *drive)
{
	load(drive);
}

static void offer_block(struct ide_drive *drive)
{
	struct ide_state *s = &drive->s;
	uint32_t bytes = MIN(s->block, s->length - s->position);

	s->phase = IDE_PHASE_PIO_IN;
	s->block_end = s->position + bytes;
	s->status = IDE_DRDY | IDE_DSC | IDE_DRQ;
	if (drive->kind == VDEV_IDE_CDROM && s->command == 0xa0)
		atapi_offer(drive, bytes);
	else if (drive->kind == VDEV_IDE_CDROM) /* IDENTIFY PACKET DEVICE */
		s->count = IDE_REASON_IO;
	ide_raise(drive);
}

/* The buffer holds what the host is to get next. */
static void send_buffer(struct ide_drive *drive)
{
	if (!drive->s.dma) {
		offer_block(drive);
		return;
	}
	drive->s.phase = IDE_PHASE_DMA_IN;
	drive->s.status = IDE_DRDY | IDE_DSC | IDE_DRQ;
	ide_dma_run(drive->channel);
}

void ide_send(struct ide_drive *drive, uint32_t length)
{
	drive->s.position = 0;
	drive->s.length = length;
	drive->s.left = 0;
	send_buffer(drive);
}

static void loaded(struct ide_drive *drive, int result)
{
	struct ide_state *s = &drive->s;

	if (result < 0 && drive->kind == VDEV_IDE_CDROM) {
		atapi_sense(drive, SENSE_MEDIUM_ERROR, ASC_READ_ERROR, 0);
		return;
	}
	if (result < 0) {
		fail_at(drive, result == -ERANGE ? IDE_IDNF : IDE_UNC);
		return;
	}
	s->length = chunk_length(drive);
	s->position = 0;
	s->lba += s->length / ide_sector_size(drive);
	s->left -= s->length / ide_sector_size(drive);
	send_buffer(drive);
}

/* The host has all that was in the buffer. PIO of a disk ends without an interrupt. */
static void sent(struct ide_drive *drive)
{
	if (drive->s.left)
		load(drive);
	else if (drive->kind == VDEV_IDE_CDROM && drive->s.command == 0xa0)
		atapi_complete(drive);
	else if (drive->s.dma)
		ide_finish(drive);
	else {
		drive->s.phase = IDE_PHASE_IDLE;
		drive->s.status = IDE_DRDY | IDE_DSC;
		if (drive->kind == VDEV_IDE_CDROM)
			drive->s.count = IDE_REASON_IO | IDE_REASON_CD;
	}
}

/* --- writing --- */

static void receive(struct ide_drive *drive)
{
	struct ide_state *s = &drive->s;

	s->position = 0;
	s->length = chunk_length(drive);
	if (!s->dma)
		s->length = MIN(s->length, s->block);
	s->block_end = s->length;
	s->phase = s->dma ? IDE_PHASE_DMA_OUT : IDE_PHASE_PIO_OUT;
	s->status = IDE_DRDY | IDE_DSC | IDE_DRQ;
	if (s->dma)
		ide_dma_run(drive->channel);
}

void ide_write_start(struct ide_drive *drive)
{
	receive(drive);
}

static void store(struct ide_drive *drive)
{
	drive->s.phase = IDE_PHASE_STORE;
	drive->s.status = IDE_BSY | IDE_DRDY | IDE_DSC;
	io_start(drive, DISK_OP_WRITE, drive->s.length);
}

void ide_flush_start(struct ide_drive *drive)
{
	drive->s.phase = IDE_PHASE_FLUSH;
	drive->s.status = IDE_BSY | IDE_DRDY | IDE_DSC;
	io_start(drive, DISK_OP_FLUSH, 0);
}

static void stored(struct ide_drive *drive, int result)
{
	struct ide_state *s = &drive->s;

	if (result < 0) {
		fail_at(drive, result == -ERANGE ? IDE_IDNF : IDE_ABRT);
		return;
	}
	s->lba += s->length / IDE_SECTOR;
	s->left -= s->length / IDE_SECTOR;
	if (s->left) {
		receive(drive);
		if (!s->dma)
			ide_raise(drive);
	} else if (!s->write_cache || s->force_unit_access) {
		ide_flush_start(drive);
	} else {
		ide_finish(drive);
	}
}

/* --- completions --- */

static void io_done(struct disk_request *request, int result)
{
	struct ide_io *io = request->owner;
	struct ide_drive *drive = io->drive;

	if (io->orphan) {
		orphan_done(io);
		return;
	}
	if (!drive->io_pending)
		return; /* cancelled, and waited for */
	drive->io_pending = false;
	if (drive->s.phase == IDE_PHASE_LOAD)
		loaded(drive, result);
	else if (drive->s.phase == IDE_PHASE_STORE)
		stored(drive, result);
	else if (result < 0)
		ide_abort(drive);
	else
		ide_finish(drive);
}

void ide_resume(struct ide_drive *drive)
{
	if (drive->s.phase == IDE_PHASE_LOAD)
		io_start(drive, DISK_OP_READ, chunk_length(drive));
	else if (drive->s.phase == IDE_PHASE_STORE)
		io_start(drive, DISK_OP_WRITE, drive->s.length);
	else if (drive->s.phase == IDE_PHASE_FLUSH)
		io_start(drive, DISK_OP_FLUSH, 0);
}

/* --- the host's side --- */

static void received(struct ide_drive *drive)
{
	if (drive->s.phase == IDE_PHASE_PACKET) {
		memcpy(drive->s.packet, drive->io->buffer, IDE_PACKET_SIZE);
		drive->s.status = IDE_BSY;
		atapi_packet(drive);
	} else {
		store(drive);
	}
}

void ide_dma_chunk_done(struct ide_drive *drive)
{
	if (drive->s.phase == IDE_PHASE_DMA_IN)
		sent(drive);
	else
		store(drive);
}

void ide_data_read(struct ide_drive *drive, uint8_t *bytes, unsigned int width)
{
	struct ide_state *s = &drive->s;
	uint32_t n;

	memset(bytes, 0xff, width);
	if (s->phase != IDE_PHASE_PIO_IN)
		return;
	n = MIN(width, s->block_end - s->position);
	memcpy(bytes, drive->io->buffer + s->position, n);
	s->position += n;
	if (s->position < s->block_end)
		return;
	if (s->position < s->length)
		offer_block(drive);
	else
		sent(drive);
}

void ide_data_write(struct ide_drive *drive, const uint8_t *bytes, unsigned int width)
{
	struct ide_state *s = &drive->s;
	uint32_t n;

	if (s->phase != IDE_PHASE_PIO_OUT && s->phase != IDE_PHASE_PACKET)
		return;
	n = MIN(width, s->block_end - s->position);
	memcpy(drive->io->buffer + s->position, bytes, n);
	s->position += n;
	if (s->position == s->block_end)
		received(drive);
}
