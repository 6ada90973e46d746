/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a disk that is the same for all formats: limits, alignment, bookkeeping, and the areas
 * that requests carry for the format. A request that is refused is reported like one that failed
 * later, from the engine's dispatch.
 */
#include "disk/disk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

/* --- areas: those of finished requests are kept for the next ones --- */

struct spare {
	struct spare *next;
};

static void *take_area(struct disk *disk)
{
	struct spare *spare = disk->spare_areas;

	if (!spare)
		return malloc(MAX(disk->format->area_size, sizeof *spare));
	disk->spare_areas = spare->next;
	return spare;
}

static void give_area(struct disk *disk, void *area)
{
	struct spare *spare = area;

	if (!spare)
		return;
	spare->next = disk->spare_areas;
	disk->spare_areas = spare;
}

static void free_areas(struct disk *disk)
{
	struct spare *spare = disk->spare_areas;

	while (spare) {
		struct spare *next = spare->next;

		free(spare);
		spare = next;
	}
}

/* --- ends --- */

void disk_request_done(struct disk_request *request, int result)
{
	struct disk *disk = request->disk;

	give_area(disk, request->area);
	request->area = NULL;
	disk->pending--;
	if (result == 0)
		count(&disk->stats, request);
	request->done(request, result);
}

/* Those that are refused meanwhile, by what `done` submits, have the next dispatch. */
static void refusals_done(struct disk_io *io, int result)
{
	struct disk *disk = io->owner;
	struct disk_request *request = disk->refused;

	disk->refused = NULL;
	while (request) {
		struct disk_request *next = request->next;

		disk_request_done(request, request->refusal);
		request = next;
	}
}

void disk_request_refuse(struct disk_request *request, int error)
{
	struct disk *disk = request->disk;

	request->refusal = error;
	request->next = NULL;
	if (disk->refused) {
		*disk->last_refused = request;
	} else {
		disk->refused = request;
		disk->refusals.done = refusals_done;
		disk->refusals.owner = disk;
		disk_engine_post(disk->engine, &disk->refusals, 0);
	}
	disk->last_refused = &request->next;
}

/* --- submission --- */

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

void disk_submit(struct disk *disk, struct disk_request *request)
{
	int r = check(disk, request);

	request->disk = disk;
	request->area = r == 0 ? take_area(disk) : NULL;
	if (r == 0 && !request->area)
		r = -ENOMEM;
	disk->pending++;
	if (r < 0)
		disk_request_refuse(request, r);
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
	free_areas(disk);
	disk->format->destroy(disk);
}
