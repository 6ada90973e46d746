/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying disk images without their holes.
 */
#include "daemon/copy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { COPY_CHUNK = 4 << 20, COPY_WRITE_BACK = 64 << 20 };

struct copying {
	struct task *task;
	const struct file_plan *plan;
	uint64_t done, total; /* bytes of all files */
	uint64_t unwritten;
	bool device; /* the source is a block device: it has no holes */
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

static bool all_zero(const char *buffer, size_t size)
{
	return size == 0 || (buffer[0] == 0 && memcmp(buffer, buffer + 1, size - 1) == 0);
}

/* The way that works between any two file systems, and from a device, whose zeroes become holes. */
static ssize_t copy_by_hand(const struct copying *copying, off_t offset, size_t want)
{
	char buffer[64 << 10];
	ssize_t n = pread(copying->in, buffer, MIN(want, sizeof(buffer)), offset);
	int r;

	if (n <= 0 || all_zero(buffer, (size_t)n))
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
	ssize_t n = copying->device
			    ? -1
			    : copy_file_range(copying->in, &in_at, copying->out, &out_at, want, 0);

	if (copying->device || (n < 0 && (errno == EXDEV || errno == EINVAL ||
					  errno == EOPNOTSUPP || errno == ENOSYS)))
		return copy_by_hand(copying, offset, want);
	return n;
}

/* Now and then, so that the last fsync(), which nobody can cancel, has little to do. */
static int write_back(struct copying *copying, uint64_t bytes)
{
	copying->unwritten += bytes;
	if (copying->unwritten < COPY_WRITE_BACK)
		return 0;
	copying->unwritten = 0;
	return fdatasync(copying->out) < 0 ? -errno : 0;
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
		n = write_back(copying, (uint64_t)n);
		if (n < 0)
			return file_error(copying->task, copying->to, (int)-n);
	}
	return 0;
}

static int copy_data(struct copying *copying, off_t size)
{
	off_t offset = 0;

	if (copying->device)
		return copy_range(copying, 0, size);
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

static int copy_one(struct copying *copying, uint64_t *ret_size)
{
	off_t size = lseek(copying->in, 0, SEEK_END); /* of a device, too */

	if (size < 0)
		return file_error(copying->task, copying->from, errno);
	if (flock(copying->in, LOCK_SH | LOCK_NB) < 0)
		return vm_error_set(&copying->task->err, VM_ERROR_FILE,
				    "%s is in use by a machine or program", copying->from);
	if (ftruncate(copying->out, size) < 0)
		return file_error(copying->task, copying->to, errno);
	*ret_size = (uint64_t)size;
	return copy_data(copying, size);
}

static int open_source(struct copying *copying, const char *path)
{
	struct stat st;

	/* Not to wait for the other end of a FIFO. */
	copying->in = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (copying->in < 0 || fstat(copying->in, &st) < 0)
		return file_error(copying->task, path, errno);
	copying->device = S_ISBLK(st.st_mode);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return vm_error_set(&copying->task->err, VM_ERROR_FILE,
				    "%s is neither a file nor a block device and is not copied",
				    path);
	return 0;
}

/* The copies in the folder; what is text may be edited there. */
static int list_sizes(const struct copying *copying, const struct file_step *until)
{
	int r = 0;

	for (const struct file_step *step = copying->plan->steps; r == 0 && step < until; step++) {
		if (step->kind == FILE_STEP_COPY)
			r = dprintf(copying->out, "Size.%s=%" PRIu64 "\n",
				    strrchr(step->temporary, '/') + 1, step->size);
		r = r < 0 ? -errno : 0;
	}
	return r;
}

static int fill(struct copying *copying, struct file_step *step)
{
	int r;

	switch (step->kind) {
	case FILE_STEP_COPY:
		copying->from = step->source;
		r = open_source(copying, step->source);
		if (r == 0)
			r = copy_one(copying, &step->size);
		copying->in = fd_close(copying->in);
		return r;
	case FILE_STEP_TEXT:
	case FILE_STEP_LIST:
		step->size = strlen(step->text);
		r = fd_write_full(copying->out, step->text, step->size);
		if (r == 0 && step->kind == FILE_STEP_LIST)
			r = list_sizes(copying, step);
		return r < 0 ? file_error(copying->task, copying->to, -r) : 0;
	default:
		if (ftruncate(copying->out, (off_t)step->size) < 0)
			return file_error(copying->task, copying->to, errno);
		return 0;
	}
}

static int make_file(struct copying *copying, struct file_step *step)
{
	_cleanup_close_ int out =
		open(step->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	copying->to = step->temporary;
	copying->out = out;
	copying->in = -1;
	if (out < 0)
		return file_error(copying->task, step->temporary, errno);
	r = fill(copying, step);
	if (r == 0 && fsync(out) < 0)
		r = file_error(copying->task, step->temporary, errno);
	if (r < 0)
		return r;
	r = file_birth_get(out, &step->birth);
	return r < 0 ? file_error(copying->task, step->temporary, -r) : 0;
}

static int make_folder(struct copying *copying, struct file_step *step)
{
	_cleanup_close_ int dir = -1;
	int r;

	if (mkdir(step->temporary, 0700) < 0)
		return file_error(copying->task, step->temporary, errno);
	dir = open(step->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : file_birth_get(dir, &step->birth);
	return r < 0 ? file_error(copying->task, step->temporary, -r) : 0;
}

static uint64_t size_of(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

	return size < 0 ? 0 : (uint64_t)size;
}

/* The entries of the directories, too, before the journal says that all is there. */
static int sync_directories(struct task *task, const struct file_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		int r = file_plan_sync_directory(plan->steps[i].temporary);

		if (r < 0)
			return file_error(task, plan->steps[i].temporary, -r);
	}
	return 0;
}

int copy_plan(struct task *task, struct file_plan *plan)
{
	struct copying copying = {.task = task, .plan = plan, .in = -1, .out = -1};
	int r = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].source)
			copying.total += size_of(plan->steps[i].source);
	}
	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		if (task_canceled(task))
			return -ECANCELED;
		r = plan->steps[i].kind == FILE_STEP_FOLDER ? make_folder(&copying, &plan->steps[i])
							    : make_file(&copying, &plan->steps[i]);
	}
	return r == 0 ? sync_directories(task, plan) : r;
}
