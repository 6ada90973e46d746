/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the engine and its two ways of doing I/O. A way tries one system call's worth of a
 * request at a time and hands its result to disk_io_advance(); what remains is tried again.
 */
#ifndef DISK_ENGINE_PRIVATE_H
#define DISK_ENGINE_PRIVATE_H

#include "disk/engine.h"

/* First in, first out. */
struct disk_io_queue {
	struct disk_io *first;
	struct disk_io **last;
};

struct disk_engine {
	const struct disk_engine_ops *ops;
	int event_fd;
	unsigned int pending;
	struct disk_io_queue completed; /* with their results */
};

struct disk_engine_ops {
	void (*submit)(struct disk_engine *engine, struct disk_io *io);
	/* Moves what is complete to `completed`; with wait, blocks until there is something. */
	void (*reap)(struct disk_engine *engine, bool wait);
	void (*destroy)(struct disk_engine *engine);
	bool is_uring;
};

/* The system calls that the plain way makes; a test puts its own in. */
struct disk_system {
	ssize_t (*preadv)(int fd, const struct iovec *iov, int count, off_t offset);
	ssize_t (*pwritev)(int fd, const struct iovec *iov, int count, off_t offset);
	int (*fdatasync)(int fd);
	int (*fallocate)(int fd, int mode, off_t offset, off_t length);
};

int must_check disk_engine_create_uring(struct disk_engine **ret_engine);
int must_check disk_engine_create_sync(const struct disk_system *system,
				       struct disk_engine **ret_engine);

void disk_io_queue_init(struct disk_io_queue *queue);
void disk_io_queue_put(struct disk_io_queue *queue, struct disk_io *io);
struct disk_io *disk_io_queue_take(struct disk_io_queue *queue);

/* Takes in a system call's result (-errno or bytes). True: the request is over with *ret_result. */
bool disk_io_advance(struct disk_io *io, ssize_t got, int *ret_result);

void disk_engine_complete(struct disk_engine *engine, struct disk_io *io, int result);

/* Makes the engine's descriptor readable. */
void disk_engine_wake(struct disk_engine *engine);

#endif
