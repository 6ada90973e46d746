/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a disk that is the same for all formats: limits, alignment, bookkeeping. A request
 * that fails the checks is reported like one that failed later, from the engine's dispatch: it goes
 * there as a sync of no descriptor and its result is put in on the way back.
 */
#include "disk/disk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "format/format.h"

uint64_t disk_size(const struct disk *disk)
{
	return disk->size;
}

uint32_t disk_sector_size(const struct disk *disk)
{
	return disk->sector_size;
}

bool disk_is_read_only(const struct disk *disk)
{
	return disk->read_only;
}

struct disk_engine *disk_engine_of(const struct disk *disk)
{
	return disk->engine;
}

unsigned int disk_pending(const struct disk *disk)
{
	return disk->pending;
}

int disk_error_set(struct disk_error *ret_error, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret_error->text, sizeof ret_error->text, format, arguments);
	va_end(arguments);
	return error;
}

struct disk_stats disk_stats(const struct disk *disk)
{
	return disk->stats;
}

static void count(struct disk_stats *stats, const struct disk_request *request)
{
	if (request->op == DISK_OP_READ) {
		stats->reads++;
		stats->read_bytes += request->length;
	} else if (request->op == DISK_OP_WRITE) {
		stats->writes++;
		stats->write_bytes += request->length;
	}
}

void disk_request_done(struct disk_request *request, int result)
{
	request->disk->pending--;
	if (result == 0)
		count(&request->disk->stats, request);
	request->done(request, result);
}

static uint64_t iov_length(const struct disk_request *request)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < request->iov_count; i++)
		sum += request->iov[i].iov_len;
	return sum;
}

static int check(const struct disk *disk, const struct disk_request *request)
{
	bool moves_data = request->op == DISK_OP_READ || request->op == DISK_OP_WRITE;

	if (request->op == DISK_OP_FLUSH)
		return 0;
	if (disk->read_only && request->op != DISK_OP_READ)
		return -EROFS;
	if (request->length == 0 || request->length % disk->sector_size ||
	    request->offset % disk->sector_size)
		return -EINVAL;
	if (moves_data && iov_length(request) != request->length)
		return -EINVAL;
	if (request->offset > disk->size || request->length > disk->size - request->offset)
		return -ERANGE;
	return 0;
}

static void refusal_done(struct disk_io *io, int result)
{
	struct disk_request *request = io->owner;

	disk_request_done(request, (int)(int64_t)request->progress);
}

static void refuse(struct disk *disk, struct disk_request *request, int error)
{
	request->progress = (uint64_t)(int64_t)error;
	request->io = (struct disk_io){
		.kind = DISK_IO_SYNC, .fd = -1, .done = refusal_done, .owner = request};
	disk_engine_submit(disk->engine, &request->io);
}

void disk_submit(struct disk *disk, struct disk_request *request)
{
	int r = check(disk, request);

	request->disk = disk;
	request->bounce = NULL;
	request->progress = 0;
	disk->pending++;
	if (r < 0)
		refuse(disk, request, r);
	else
		disk->format->submit(disk, request);
}

void disk_drain(struct disk *disk)
{
	while (disk->pending)
		disk_engine_wait(disk->engine);
}

void disk_close(struct disk *disk)
{
	if (!disk)
		return;
	CHECK(disk->pending == 0);
	disk->format->destroy(disk);
}
