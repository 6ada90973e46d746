/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both ways of doing I/O share: counting, going on after a short count, and calling `done`
 * from disk_engine_dispatch() alone.
 */
#include "engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

void disk_io_queue_init(struct disk_io_queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

void disk_io_queue_put(struct disk_io_queue *queue, struct disk_io *io)
{
	io->next = NULL;
	*queue->last = io;
	queue->last = &io->next;
}

struct disk_io *disk_io_queue_take(struct disk_io_queue *queue)
{
	struct disk_io *io = queue->first;

	if (!io)
		return NULL;
	queue->first = io->next;
	if (!queue->first)
		queue->last = &queue->first;
	return io;
}

static void skip(struct disk_io *io, size_t n)
{
	io->offset += n;
	io->length -= n;
	while (io->iov_count && n >= io->iov->iov_len) {
		n -= io->iov->iov_len;
		io->iov++;
		io->iov_count--;
	}
	if (n) {
		io->iov->iov_base = (char *)io->iov->iov_base + n;
		io->iov->iov_len -= n;
	}
}

bool disk_io_advance(struct disk_io *io, ssize_t got, int *ret_result)
{
	if (got == -EINTR || got == -EAGAIN)
		return false;
	*ret_result = got < 0 ? (int)got : 0;
	if (got < 0 || io->kind == DISK_IO_SYNC || io->kind == DISK_IO_ALLOCATE)
		return true;
	if (got == 0 && io->length) {
		*ret_result = -EIO; /* the file is shorter than the image was when it was opened */
		return true;
	}
	skip(io, (size_t)got);
	return io->length == 0;
}

void disk_engine_complete(struct disk_engine *engine, struct disk_io *io, int result)
{
	io->result = result;
	disk_io_queue_put(&engine->completed, io);
}

static void measure(struct disk_io *io)
{
	if (io->kind != DISK_IO_READ && io->kind != DISK_IO_WRITE)
		return;
	io->length = 0;
	for (unsigned int i = 0; i < io->iov_count; i++)
		io->length += io->iov[i].iov_len;
}

void disk_engine_submit(struct disk_engine *engine, struct disk_io *io)
{
	measure(io);
	engine->pending++;
	engine->ops->submit(engine, io);
}

void disk_engine_wake(struct disk_engine *engine)
{
	uint64_t one = 1;

	/* Cannot fail: the counter is nowhere near its end. */
	CHECK(write(engine->event_fd, &one, sizeof one) == sizeof one);
}

void disk_engine_post(struct disk_engine *engine, struct disk_io *io, int result)
{
	engine->pending++;
	disk_engine_complete(engine, io, result);
	disk_engine_wake(engine);
}

static unsigned int call_done(struct disk_engine *engine)
{
	struct disk_io_queue batch = engine->completed;
	unsigned int count = 0;
	struct disk_io *io;

	if (!batch.first)
		return 0;
	disk_io_queue_init(&engine->completed);
	while ((io = disk_io_queue_take(&batch))) {
		engine->pending--;
		count++;
		io->done(io, io->result);
	}
	return count;
}

unsigned int disk_engine_dispatch(struct disk_engine *engine)
{
	uint64_t value;

	if (read(engine->event_fd, &value, sizeof value) < 0 && errno != EAGAIN)
		return 0;
	engine->ops->reap(engine, false);
	return call_done(engine);
}

unsigned int disk_engine_wait(struct disk_engine *engine)
{
	unsigned int count = disk_engine_dispatch(engine);

	if (count || !engine->pending)
		return count;
	engine->ops->reap(engine, true);
	return call_done(engine);
}

unsigned int disk_engine_pending(const struct disk_engine *engine)
{
	return engine->pending;
}

int disk_engine_fd(const struct disk_engine *engine)
{
	return engine->event_fd;
}

bool disk_engine_is_uring(const struct disk_engine *engine)
{
	return engine->ops->is_uring;
}

static const struct disk_system real_system = {
	.preadv = preadv,
	.pwritev = pwritev,
	.fdatasync = fdatasync,
	.fallocate = fallocate,
};

int disk_engine_create(enum disk_engine_kind kind, struct disk_engine **ret_engine)
{
	int r = -ENOSYS;

	if (kind != DISK_ENGINE_SYNC)
		r = disk_engine_create_uring(ret_engine);
	if (r < 0 && kind != DISK_ENGINE_URING)
		r = disk_engine_create_sync(&real_system, ret_engine);
	return r;
}

void disk_engine_destroy(struct disk_engine *engine)
{
	if (!engine)
		return;
	while (engine->pending)
		disk_engine_wait(engine);
	fd_close(engine->event_fd);
	engine->ops->destroy(engine);
}
