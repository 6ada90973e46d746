/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File I/O that does not wait: requests go in, completions come out of disk_engine_dispatch(),
 * called when the engine's descriptor is readable. By io_uring where the system allows it, else by
 * plain system calls made inside disk_engine_dispatch().
 *
 * Threads: nothing here locks. The worker holds its machine lock around every call.
 */
#ifndef DISK_ENGINE_H
#define DISK_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/macros.h"

struct disk_engine;

enum disk_io_kind {
	DISK_IO_READ,
	DISK_IO_WRITE,
	DISK_IO_SYNC,     /* data and what is needed to find it again are on stable storage */
	DISK_IO_ALLOCATE, /* fallocate(2) with `mode` */
};

/* One request: the caller's memory, from submission until `done`. */
struct disk_io {
	enum disk_io_kind kind;
	int fd;
	int mode;
	uint64_t offset; /* bytes */
	uint64_t length; /* ALLOCATE; for READ and WRITE it is what iov has, set by the engine */
	/* Counted forward by the engine when the system does less than it was asked for. */
	struct iovec *iov;
	unsigned int iov_count;
	/*
	 * Called from disk_engine_dispatch() or disk_engine_wait() alone, never while submitting; may
	 * submit again. result is 0 or -errno; a file that ends before the buffers are full is -EIO.
	 */
	void (*done)(struct disk_io *io, int result);
	void *owner;

	/* The engine's. */
	struct disk_io *next;
	int result;
};

enum disk_engine_kind {
	DISK_ENGINE_BEST, /* io_uring, or plain calls where it is not allowed */
	DISK_ENGINE_URING,
	DISK_ENGINE_SYNC,
};

/* -ENOSYS, -EPERM, …: no io_uring here (kind URING); -ENOMEM; -EMFILE. */
int must_check disk_engine_create(enum disk_engine_kind kind, struct disk_engine **ret_engine);

/* Waits for what is under way and calls its `done`. NULL is allowed. */
void disk_engine_destroy(struct disk_engine *engine);

bool disk_engine_is_uring(const struct disk_engine *engine);

/* Readable when there is something to dispatch. Stays owned by the engine. */
int disk_engine_fd(const struct disk_engine *engine);

void disk_engine_submit(struct disk_engine *engine, struct disk_io *io);

/*
 * For what is over without any I/O: `done` of `io`, whose other fields mean nothing, is called with
 * `result` from the next dispatch, like that of all others.
 */
void disk_engine_post(struct disk_engine *engine, struct disk_io *io, int result);

/* Calls `done` of all that is complete; returns how many. Does not wait. */
unsigned int disk_engine_dispatch(struct disk_engine *engine);

/* As disk_engine_dispatch(), but waits for at least one if any is under way. */
unsigned int disk_engine_wait(struct disk_engine *engine);

/* Requests submitted and not done. */
unsigned int disk_engine_pending(const struct disk_engine *engine);

#endif
