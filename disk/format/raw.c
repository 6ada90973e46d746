/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw images: byte n of the disk is byte n of the file or block device. Where the descriptor is
 * open O_DIRECT and a request's memory does not suit it, the data goes through a buffer that does.
 * A range that cannot be zeroed by the file system is overwritten in pieces.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "disk/disk.h"
#include "format/format.h"

#define ZERO_PIECE       (256u << 10)
#define DIRECT_ALIGNMENT 4096u

struct raw {
	struct disk disk; /* first */
	int fd;
};

/* Never written. Not const, so that it takes no room in the program file. */
static uint8_t zeros[ZERO_PIECE] __attribute__((aligned(DIRECT_ALIGNMENT)));

static struct raw *raw_of(struct disk *disk)
{
	return container_of(disk, struct raw, disk);
}

/* What a request carries. */
struct raw_request {
	struct disk_io io;
	struct iovec single; /* of a bounce buffer or a piece of zeroes */
	void *bounce;
	uint64_t progress; /* bytes of zeroes that are written or under way */
};

static struct raw_request *own(struct disk_request *request)
{
	return request->area;
}

static void start(struct disk_request *request, enum disk_io_kind kind,
		  void (*done)(struct disk_io *io, int result))
{
	struct disk_io *io = &own(request)->io;

	io->kind = kind;
	io->fd = raw_of(request->disk)->fd;
	io->done = done;
	io->owner = request;
	disk_engine_submit(request->disk->engine, io);
}

static void plain_done(struct disk_io *io, int result)
{
	disk_request_done(io->owner, result);
}

/* --- memory that O_DIRECT does not take --- */

static bool suits(const struct disk *disk, const struct disk_request *request)
{
	for (unsigned int i = 0; i < request->iov_count; i++) {
		uintptr_t address = (uintptr_t)request->iov[i].iov_base;

		if ((address | request->iov[i].iov_len) % disk->alignment)
			return false;
	}
	return true;
}

static void copy_bounce(struct disk_request *request, bool to_bounce)
{
	char *bounce = own(request)->bounce;

	for (unsigned int i = 0; i < request->iov_count; i++) {
		void *memory = request->iov[i].iov_base;
		size_t n = request->iov[i].iov_len;

		memcpy(to_bounce ? bounce : memory, to_bounce ? memory : bounce, n);
		bounce += n;
	}
}

static void bounced_done(struct disk_io *io, int result)
{
	struct disk_request *request = io->owner;

	if (result == 0 && io->kind == DISK_IO_READ)
		copy_bounce(request, false);
	free(own(request)->bounce);
	disk_request_done(request, result);
}

static void use_single(struct disk_request *request, void *memory, size_t size)
{
	struct raw_request *raw = own(request);

	raw->single = (struct iovec){memory, size};
	raw->io.iov = &raw->single;
	raw->io.iov_count = 1;
}

static void transfer_bounced(struct disk_request *request, enum disk_io_kind kind)
{
	void *bounce = aligned_alloc(DIRECT_ALIGNMENT,
				     ALIGN_UP(request->length, (uint64_t)DIRECT_ALIGNMENT));

	if (!bounce) {
		disk_request_refuse(request, -ENOMEM);
		return;
	}
	own(request)->bounce = bounce;
	if (kind == DISK_IO_WRITE)
		copy_bounce(request, true);
	use_single(request, bounce, request->length);
	start(request, kind, bounced_done);
}

static void transfer(struct disk_request *request, enum disk_io_kind kind)
{
	struct disk_io *io = &own(request)->io;

	io->offset = request->offset;
	if (!suits(request->disk, request)) {
		transfer_bounced(request, kind);
		return;
	}
	io->iov = request->iov;
	io->iov_count = request->iov_count;
	start(request, kind, plain_done);
}

/* --- zeroing and discarding --- */

static bool is_unsupported(int result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENOTTY || result == -EINVAL;
}

static void zero_piece_done(struct disk_io *io, int result);

static void write_zeros(struct disk_request *request)
{
	struct raw_request *raw = own(request);
	uint64_t piece = MIN(request->length - raw->progress, (uint64_t)ZERO_PIECE);

	use_single(request, zeros, piece);
	raw->io.offset = request->offset + raw->progress;
	raw->progress += piece;
	start(request, DISK_IO_WRITE, zero_piece_done);
}

static void zero_piece_done(struct disk_io *io, int result)
{
	struct disk_request *request = io->owner;

	if (result < 0 || own(request)->progress == request->length)
		disk_request_done(request, result);
	else
		write_zeros(request);
}

static void zero_done(struct disk_io *io, int result)
{
	if (is_unsupported(result))
		write_zeros(io->owner);
	else
		disk_request_done(io->owner, result);
}

static void discard_done(struct disk_io *io, int result)
{
	disk_request_done(io->owner, is_unsupported(result) ? 0 : result);
}

static void allocate(struct disk_request *request, int mode,
		     void (*done)(struct disk_io *io, int result))
{
	struct disk_io *io = &own(request)->io;

	io->mode = mode;
	io->offset = request->offset;
	io->length = request->length;
	start(request, DISK_IO_ALLOCATE, done);
}

static void raw_submit(struct disk *disk, struct disk_request *request)
{
	*own(request) = (struct raw_request){0};
	switch (request->op) {
	case DISK_OP_READ:
		transfer(request, DISK_IO_READ);
		break;
	case DISK_OP_WRITE:
		transfer(request, DISK_IO_WRITE);
		break;
	case DISK_OP_FLUSH:
		start(request, DISK_IO_SYNC, plain_done);
		break;
	case DISK_OP_DISCARD:
		allocate(request, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, discard_done);
		break;
	case DISK_OP_ZERO:
		allocate(request, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, zero_done);
		break;
	}
}

static void raw_destroy(struct disk *disk)
{
	struct raw *raw = raw_of(disk);

	fd_close(raw->fd);
	free(raw);
}

static const struct disk_format raw_format = {
	.name = "raw",
	.area_size = sizeof(struct raw_request),
	.submit = raw_submit,
	.destroy = raw_destroy,
};

/* --- opening --- */

static int find_size(int fd, uint64_t *ret_size, struct disk_error *ret_error)
{
	struct stat st;
	int sector;

	if (fstat(fd, &st) < 0)
		return disk_error_set(ret_error, -errno, "cannot be examined: %s", strerror(errno));
	if (S_ISREG(st.st_mode)) {
		*ret_size = (uint64_t)st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return disk_error_set(ret_error, -EINVAL, "is neither a file nor a block device");
	if (ioctl(fd, BLKSSZGET, &sector) == 0 && sector > 512)
		return disk_error_set(ret_error, -EINVAL,
				      "is a device with sectors of %d bytes, not 512", sector);
	if (ioctl(fd, BLKGETSIZE64, ret_size) < 0)
		return disk_error_set(ret_error, -errno, "does not tell its size: %s",
				      strerror(errno));
	return 0;
}

static int check_size(uint64_t size, uint32_t sector_size, struct disk_error *ret_error)
{
	if (size == 0)
		return disk_error_set(ret_error, -EINVAL, "is empty");
	if (size > INT64_MAX)
		return disk_error_set(ret_error, -EINVAL, "is too large");
	if (size % sector_size)
		return disk_error_set(ret_error, -EINVAL,
				      "has %" PRIu64 " bytes, which is no multiple of %u", size,
				      sector_size);
	return 0;
}

static int check_mode(int fd, bool read_only, uint32_t *ret_alignment, struct disk_error *ret_error)
{
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0)
		return disk_error_set(ret_error, -errno, "is no open descriptor");
	if (mode & O_PATH || (mode & O_ACCMODE) == O_WRONLY)
		return disk_error_set(ret_error, -EACCES, "is not open for reading");
	if (!read_only && (mode & O_ACCMODE) != O_RDWR)
		return disk_error_set(ret_error, -EACCES, "is not open for writing");
	if (mode & O_APPEND && !read_only)
		return disk_error_set(ret_error, -EINVAL, "is open for appending");
	*ret_alignment = mode & O_DIRECT ? DIRECT_ALIGNMENT : 1;
	return 0;
}

int disk_open_raw(struct disk_engine *engine, int fd, uint32_t sector_size, unsigned int flags,
		  struct disk **ret_disk, struct disk_error *ret_error)
{
	bool read_only = flags & DISK_READ_ONLY;
	uint32_t alignment = 1;
	struct raw *raw;
	uint64_t size;
	int r;

	r = check_mode(fd, read_only, &alignment, ret_error);
	if (r == 0)
		r = find_size(fd, &size, ret_error);
	if (r == 0)
		r = check_size(size, sector_size, ret_error);
	if (r < 0)
		return r;
	raw = calloc(1, sizeof *raw);
	if (!raw)
		return disk_error_set(ret_error, -ENOMEM, "needs more memory than there is");
	raw->disk = (struct disk){.format = &raw_format,
				  .engine = engine,
				  .size = size,
				  .sector_size = sector_size,
				  .alignment = alignment,
				  .read_only = read_only};
	raw->fd = fd;
	*ret_disk = &raw->disk;
	return 0;
}
