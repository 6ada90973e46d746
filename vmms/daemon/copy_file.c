/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying disk images without their holes.
 */
#include "daemon/copy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { COPY_CHUNK = 4 << 20 };

struct copying {
	struct task *task;
	uint64_t done, total; /* bytes of all files */
	const char *from, *to;
	int in, out;
};

static int file_error(struct task *task, const char *path, int error)
{
	if (error == ENOSPC)
		return vm_error_set(&task->err, VM_ERROR_FILE,
				    "There is no space left for %s; nothing was kept", path);
	return vm_error_set_errno(&task->err, VM_ERROR_FILE, error, "%s", path);
}

static void advance(struct copying *copying, uint64_t bytes)
{
	copying->done += bytes;
	if (copying->total > 0)
		task_set_progress(copying->task,
				  (unsigned int)(copying->done * 1000 / copying->total));
}

/* The way that works between any two file systems. */
static ssize_t copy_by_hand(const struct copying *copying, off_t offset, size_t want)
{
	char buffer[64 << 10];
	ssize_t n = pread(copying->in, buffer, MIN(want, sizeof(buffer)), offset);
	int r;

	if (n <= 0)
		return n;
	r = fd_pwrite_full(copying->out, buffer, (size_t)n, (uint64_t)offset);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	return n;
}

static ssize_t copy_some(const struct copying *copying, off_t offset, size_t want)
{
	off_t in_at = offset, out_at = offset;
	ssize_t n = copy_file_range(copying->in, &in_at, copying->out, &out_at, want, 0);

	if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
		return copy_by_hand(copying, offset, want);
	return n;
}

/* Copies [offset, end), which is data. */
static int copy_range(struct copying *copying, off_t offset, off_t end)
{
	while (offset < end) {
		size_t want = (size_t)MIN(end - offset, (off_t)COPY_CHUNK);
		ssize_t n;

		if (task_canceled(copying->task))
			return -ECANCELED;
		n = copy_some(copying, offset, want);
		if (n < 0)
			return file_error(copying->task, copying->to, errno);
		if (n == 0) /* the source has become shorter */
			return file_error(copying->task, copying->from, ENODATA);
		offset += n;
		advance(copying, (uint64_t)n);
	}
	return 0;
}

static int copy_data(struct copying *copying, off_t size)
{
	off_t offset = 0;

	while (offset < size) {
		off_t data = lseek(copying->in, offset, SEEK_DATA), hole;
		int r;

		if (data < 0 && errno == ENXIO)
			data = size; /* a hole up to the end */
		if (data < 0)
			return file_error(copying->task, copying->from, errno);
		advance(copying, (uint64_t)(data - offset));
		if (data >= size)
			return 0;
		hole = lseek(copying->in, data, SEEK_HOLE);
		if (hole < 0)
			return file_error(copying->task, copying->from, errno);
		r = copy_range(copying, data, MIN(hole, size));
		if (r < 0)
			return r;
		offset = hole;
	}
	return 0;
}

static int copy_one(struct copying *copying)
{
	struct stat st;
	int r;

	if (fstat(copying->in, &st) < 0)
		return file_error(copying->task, copying->from, errno);
	if (flock(copying->in, LOCK_SH | LOCK_NB) < 0)
		return vm_error_set(&copying->task->err, VM_ERROR_FILE,
				    "%s is in use by a machine or program", copying->from);
	if (ftruncate(copying->out, st.st_size) < 0)
		return file_error(copying->task, copying->to, errno);
	r = copy_data(copying, st.st_size);
	if (r == 0 && fsync(copying->out) < 0)
		r = file_error(copying->task, copying->to, errno);
	return r;
}

static int make_one(struct copying *copying, const struct file_step *step)
{
	_cleanup_close_ int in = -1, out = -1;

	copying->from = step->source;
	copying->to = step->temporary;
	out = open(step->temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return file_error(copying->task, step->temporary, errno);
	if (!step->source) {
		if (ftruncate(out, (off_t)step->size) < 0 || fsync(out) < 0)
			return file_error(copying->task, step->temporary, errno);
		return 0;
	}
	in = open(step->source, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return file_error(copying->task, step->source, errno);
	copying->in = in;
	copying->out = out;
	return copy_one(copying);
}

int copy_plan(struct task *task, const struct file_plan *plan)
{
	struct copying copying = {.task = task};
	int r = 0;

	for (size_t i = 0; i < plan->count; i++) {
		struct stat st;

		if (plan->steps[i].source && stat(plan->steps[i].source, &st) == 0)
			copying.total += (uint64_t)st.st_size;
	}
	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		if (task_canceled(task))
			return -ECANCELED;
		r = make_one(&copying, &plan->steps[i]);
	}
	return r;
}
