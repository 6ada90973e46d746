/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O by plain system calls. A submitted request only waits in a queue; the calls are made when the
 * engine is dispatched, so that the thread that submits does not block.
 */
#include "engine_private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct sync_engine {
	struct disk_engine engine; /* first */
	const struct disk_system *system;
	struct disk_io_queue waiting;
};

static struct sync_engine *sync_of(struct disk_engine *engine)
{
	return container_of(engine, struct sync_engine, engine);
}

static ssize_t call(const struct disk_system *system, const struct disk_io *io)
{
	int count = (int)MIN(io->iov_count, (unsigned int)IOV_MAX);
	ssize_t n = -1;

	switch (io->kind) {
	case DISK_IO_READ:
		n = system->preadv(io->fd, io->iov, count, (off_t)io->offset);
		break;
	case DISK_IO_WRITE:
		n = system->pwritev(io->fd, io->iov, count, (off_t)io->offset);
		break;
	case DISK_IO_SYNC:
		n = system->fdatasync(io->fd);
		break;
	case DISK_IO_ALLOCATE:
		n = system->fallocate(io->fd, io->mode, (off_t)io->offset, (off_t)io->length);
		break;
	}
	return n < 0 ? -errno : n;
}

static void perform(struct sync_engine *sync, struct disk_io *io)
{
	int result;

	while (!disk_io_advance(io, call(sync->system, io), &result))
		;
	disk_engine_complete(&sync->engine, io, result);
}

static void sync_submit(struct disk_engine *engine, struct disk_io *io)
{
	disk_io_queue_put(&sync_of(engine)->waiting, io);
	disk_engine_wake(engine);
}

static void sync_reap(struct disk_engine *engine, bool wait)
{
	struct sync_engine *sync = sync_of(engine);
	struct disk_io *io;

	while ((io = disk_io_queue_take(&sync->waiting)))
		perform(sync, io);
}

static void sync_destroy(struct disk_engine *engine)
{
	free(sync_of(engine));
}

static const struct disk_engine_ops sync_ops = {
	.submit = sync_submit,
	.reap = sync_reap,
	.destroy = sync_destroy,
};

int disk_engine_create_sync(const struct disk_system *system, struct disk_engine **ret_engine)
{
	struct sync_engine *sync = calloc(1, sizeof *sync);

	if (!sync)
		return -ENOMEM;
	sync->engine.ops = &sync_ops;
	sync->system = system;
	disk_io_queue_init(&sync->waiting);
	disk_io_queue_init(&sync->engine.completed);
	sync->engine.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sync->engine.event_fd < 0) {
		int r = -errno;

		free(sync);
		return r;
	}
	*ret_engine = &sync->engine;
	return 0;
}
