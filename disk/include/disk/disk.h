/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk image, whatever its format: sectors that are read, written, flushed, discarded and zeroed
 * without waiting. Images are opened from descriptors that somebody else opened; no path is known
 * here, and every byte of an image's own structures is distrusted.
 *
 * Threads: nothing here locks. The worker holds its machine lock around every call.
 */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "disk/engine.h"

struct disk;

/* What went wrong with an image, for people: a sentence without the image's name and a full stop. */
struct disk_error {
	char text[160];
};

#define DISK_READ_ONLY BIT(0)

/*
 * Opens a raw image: a regular file or a block device. Takes over `fd` on success. sector_size is
 * 512, or 2048 for optical media; the image's size must be a multiple of it.
 * -EINVAL: the image is not usable; -EACCES: the descriptor is not open for what is wanted. Both,
 * as all others, say why in ret_error.
 */
int must_check disk_open_raw(struct disk_engine *engine, int fd, uint32_t sector_size,
			     unsigned int flags, struct disk **ret_disk,
			     struct disk_error *ret_error);

/* No request may be under way (disk_drain()). NULL is allowed. */
void disk_close(struct disk *disk);

/* Waits until no request is under way, those included that completions submit. */
void disk_drain(struct disk *disk);

uint64_t disk_size(const struct disk *disk); /* bytes */
uint32_t disk_sector_size(const struct disk *disk);
bool disk_is_read_only(const struct disk *disk);
struct disk_engine *disk_engine_of(const struct disk *disk);

enum disk_op {
	DISK_OP_READ,
	DISK_OP_WRITE,
	DISK_OP_FLUSH,   /* what was reported done before is on stable storage */
	DISK_OP_DISCARD, /* contents of the range become undefined; a hint */
	DISK_OP_ZERO,    /* the range reads as zeros */
};

/* One request: the caller's memory, from submission until `done`. */
struct disk_request {
	enum disk_op op;
	uint64_t offset; /* bytes, a multiple of the sector size */
	uint64_t length; /* bytes; READ and WRITE: the sum of iov */
	/* READ, WRITE. Any address; the array may be changed by the time of `done`. */
	struct iovec *iov;
	unsigned int iov_count;
	/*
	 * result: 0 or -errno: -EIO, -ENOSPC, … of the system; -EINVAL: alignment or length; -ERANGE:
	 * beyond the end; -EROFS; -ENOMEM. Never called while submitting; may submit again.
	 */
	void (*done)(struct disk_request *request, int result);
	void *owner;

	/* The disk's. */
	struct disk *disk;
	void *area;                /* the format's own, of the size that it asks for */
	struct disk_request *next; /* of those that are refused, with */
	int refusal;               /* -errno */
};

void disk_submit(struct disk *disk, struct disk_request *request);

/* What was done without an error since the image was opened. */
struct disk_stats {
	uint64_t reads, writes;
	uint64_t read_bytes, write_bytes;
};

struct disk_stats disk_stats(const struct disk *disk);

/* Requests submitted and not done. */
unsigned int disk_pending(const struct disk *disk);

#endif
