/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an image format implements. disk.c has checked a request against size, alignment and
 * read-only by then, and given it an area; the format turns it into I/O on files and ends it by
 * disk_request_done() or disk_request_refuse().
 */
#ifndef DISK_FORMAT_H
#define DISK_FORMAT_H

#include "disk/disk.h"

struct disk_format {
	const char *name;
	size_t area_size; /* bytes that a request carries for the format; not cleared */
	void (*submit)(struct disk *disk, struct disk_request *request);
	void (*destroy)(struct disk *disk); /* frees, closes descriptors */
};

/* Embedded in a format's own struct. */
struct disk {
	const struct disk_format *format;
	struct disk_engine *engine;
	uint64_t size;
	uint32_t sector_size;
	uint32_t
		alignment; /* of memory and offsets for file I/O; 1 unless the file is open O_DIRECT */
	bool read_only;
	unsigned int pending;
	struct disk_stats stats;
	void *spare_areas; /* each begins with the address of the next */
	/* First in, first out; `refusals` is posted as long as there are any. */
	struct disk_request *refused, **last_refused;
	struct disk_io refusals;
};

/* Ends a request: from a completion of the engine, never while submitting. */
void disk_request_done(struct disk_request *request, int result);

/* Ends a request without I/O; it hears of that as of any other end, from the engine's dispatch. */
void disk_request_refuse(struct disk_request *request, int error);

/* Fills in a message and returns `error`, a -errno. */
int disk_error_set(struct disk_error *ret_error, int error, const char *format, ...)
	printf_like(3, 4);

#endif
