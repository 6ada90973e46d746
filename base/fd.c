/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptor helpers. The four whole-buffer functions are one loop over a system call that may do
 * less than asked.
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct transfer {
	int fd;
	char *buffer;
	size_t size;
	uint64_t offset;
	ssize_t (*step)(const struct transfer *t);
};

static ssize_t step_read(const struct transfer *t)
{
	return read(t->fd, t->buffer, t->size);
}

static ssize_t step_pread(const struct transfer *t)
{
	return pread(t->fd, t->buffer, t->size, (off_t)t->offset);
}

static ssize_t step_write(const struct transfer *t)
{
	return write(t->fd, t->buffer, t->size);
}

static ssize_t step_pwrite(const struct transfer *t)
{
	return pwrite(t->fd, t->buffer, t->size, (off_t)t->offset);
}

static int transfer_all(struct transfer t)
{
	while (t.size > 0) {
		ssize_t done = t.step(&t);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (done == 0)
			return -ENODATA;
		t.buffer += done;
		t.size -= (size_t)done;
		t.offset += (uint64_t)done;
	}
	return 0;
}

int fd_close(int fd)
{
	int saved_errno = errno;

	if (fd >= 0)
		close(fd);
	errno = saved_errno;
	return -1;
}

int fd_read_full(int fd, void *buffer, size_t size)
{
	return transfer_all((struct transfer){fd, buffer, size, 0, step_read});
}

int fd_pread_full(int fd, void *buffer, size_t size, uint64_t offset)
{
	return transfer_all((struct transfer){fd, buffer, size, offset, step_pread});
}

int fd_write_full(int fd, const void *buffer, size_t size)
{
	return transfer_all((struct transfer){fd, (char *)(uintptr_t)buffer, size, 0, step_write});
}

int fd_pwrite_full(int fd, const void *buffer, size_t size, uint64_t offset)
{
	return transfer_all(
		(struct transfer){fd, (char *)(uintptr_t)buffer, size, offset, step_pwrite});
}

static int change_flag(int fd, int get, int set, int flag, bool on)
{
	int flags = fcntl(fd, get);

	if (flags < 0)
		return -errno;
	flags = on ? flags | flag : flags & ~flag;
	return fcntl(fd, set, flags) < 0 ? -errno : 0;
}

int fd_set_nonblock(int fd, bool nonblock)
{
	return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, nonblock);
}

int fd_set_cloexec(int fd, bool cloexec)
{
	return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, cloexec);
}
