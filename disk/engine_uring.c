/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O by io_uring. The completion queue signals the engine's eventfd. At most QUEUE requests are in
 * the ring; what is more waits in a queue of our own.
 */
#include "engine_private.h"

#include <errno.h>
#include <limits.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/fd.h"

#define QUEUE 64u

struct uring_engine {
	struct disk_engine engine; /* first */
	struct io_uring ring;
	unsigned int in_ring;
	struct disk_io_queue waiting;
};

static struct uring_engine *uring_of(struct disk_engine *engine)
{
	return container_of(engine, struct uring_engine, engine);
}

static void prepare(struct io_uring_sqe *sqe, struct disk_io *io)
{
	unsigned int count = MIN(io->iov_count, (unsigned int)IOV_MAX);

	switch (io->kind) {
	case DISK_IO_READ:
		io_uring_prep_readv(sqe, io->fd, io->iov, count, io->offset);
		break;
	case DISK_IO_WRITE:
		io_uring_prep_writev(sqe, io->fd, io->iov, count, io->offset);
		break;
	case DISK_IO_SYNC:
		io_uring_prep_fsync(sqe, io->fd, IORING_FSYNC_DATASYNC);
		break;
	case DISK_IO_ALLOCATE:
		io_uring_prep_fallocate(sqe, io->fd, io->mode, (off_t)io->offset,
					(off_t)io->length);
		break;
	}
	io_uring_sqe_set_data(sqe, io);
}

/* Fills the ring from the queue, and enters the kernel once. */
static void feed(struct uring_engine *uring)
{
	while (uring->waiting.first && uring->in_ring < QUEUE) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

		if (!sqe)
			break;
		prepare(sqe, disk_io_queue_take(&uring->waiting));
		uring->in_ring++;
	}
	/* What the kernel does not take now (-EAGAIN, -EBUSY) stays in the ring for the next call. */
	io_uring_submit(&uring->ring);
}

static void uring_submit(struct disk_engine *engine, struct disk_io *io)
{
	struct uring_engine *uring = uring_of(engine);

	disk_io_queue_put(&uring->waiting, io);
	feed(uring);
}

static void take(struct uring_engine *uring, struct io_uring_cqe *cqe)
{
	struct disk_io *io = io_uring_cqe_get_data(cqe);
	ssize_t got = cqe->res;
	int result;

	io_uring_cqe_seen(&uring->ring, cqe);
	uring->in_ring--;
	if (disk_io_advance(io, got, &result))
		disk_engine_complete(&uring->engine, io, result);
	else
		disk_io_queue_put(&uring->waiting, io);
}

static void uring_reap(struct disk_engine *engine, bool wait)
{
	struct uring_engine *uring = uring_of(engine);
	struct io_uring_cqe *cqe;

	do {
		feed(uring);
		/* What was posted is complete without an entry in the ring. */
		if (wait && !engine->completed.first && io_uring_wait_cqe(&uring->ring, &cqe) == 0)
			take(uring, cqe);
		while (io_uring_peek_cqe(&uring->ring, &cqe) == 0)
			take(uring, cqe);
	} while (wait && !engine->completed.first);
	feed(uring);
}

static void uring_destroy(struct disk_engine *engine)
{
	struct uring_engine *uring = uring_of(engine);

	io_uring_queue_exit(&uring->ring);
	free(uring);
}

static const struct disk_engine_ops uring_ops = {
	.submit = uring_submit,
	.reap = uring_reap,
	.destroy = uring_destroy,
	.is_uring = true,
};

/* Are the operations there that are used, and not the ring alone? */
static int check_operations(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	int r = 0;

	if (!probe)
		return -ENOSYS;
	if (!io_uring_opcode_supported(probe, IORING_OP_READV) ||
	    !io_uring_opcode_supported(probe, IORING_OP_WRITEV) ||
	    !io_uring_opcode_supported(probe, IORING_OP_FSYNC) ||
	    !io_uring_opcode_supported(probe, IORING_OP_FALLOCATE))
		r = -ENOSYS;
	io_uring_free_probe(probe);
	return r;
}

static int set_up(struct uring_engine *uring)
{
	int r = io_uring_queue_init(QUEUE, &uring->ring, 0);

	if (r < 0)
		return r;
	r = check_operations(&uring->ring);
	if (r == 0) {
		uring->engine.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r = uring->engine.event_fd < 0 ? -errno : 0;
	}
	if (r == 0)
		r = io_uring_register_eventfd(&uring->ring, uring->engine.event_fd);
	if (r < 0) {
		fd_close(uring->engine.event_fd);
		io_uring_queue_exit(&uring->ring);
	}
	return r;
}

int disk_engine_create_uring(struct disk_engine **ret_engine)
{
	struct uring_engine *uring = calloc(1, sizeof *uring);
	int r;

	if (!uring)
		return -ENOMEM;
	uring->engine.ops = &uring_ops;
	uring->engine.event_fd = -1;
	disk_io_queue_init(&uring->waiting);
	disk_io_queue_init(&uring->engine.completed);
	r = set_up(uring);
	if (r < 0) {
		free(uring);
		return r;
	}
	*ret_engine = &uring->engine;
	return 0;
}
