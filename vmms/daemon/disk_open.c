/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and block devices of machines.
 */
#include "daemon/disk_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/disk_holder.h"

static const char *advice(int error)
{
	switch (error) {
	case ENOENT:
		return "Is the path right, and its file system mounted? Home directories and /tmp "
		       "are hidden from the service; /var/lib/keelson/disks is a good place";
	case EACCES:
	case EPERM:
		return "The service opens files as root, by owner and mode: let root own it, or "
		       "make it readable";
	case EROFS:
		return "Mark the disk <readonly/> if that is meant; else the service must be let "
		       "write there ('systemctl edit vmms', ReadWritePaths=)";
	default:
		return "";
	}
}

int disk_open_failed(const char *machine, const char *what, const char *path, int error,
		     struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_FILE,
			    "Machine %s: %s %s cannot be opened (by uid %u): %s. %s", machine, what,
			    path, geteuid(), strerror(error), advice(error));
}

static int in_use(const char *machine, const char *what, const char *path, const char *holder,
		  struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_FILE,
			    "Machine %s: %s %s is in use by the host: %s. A machine that writes to "
			    "it would destroy what is there",
			    machine, what, path, holder);
}

int disk_unused(const char *machine, const char *what, const char *path, int fd,
		struct vm_error *err)
{
	char holder[DISK_HOLDER_TEXT];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return disk_open_failed(machine, what, path, errno, err);
	if (disk_holder_find(&disk_holder_host, &st, holder))
		return in_use(machine, what, path, holder, err);
	return 0;
}

/* What `fd` reads, once more for writing: the path may lead elsewhere by now. */
static int open_for_writing(const char *machine, const char *what, const char *path, int fd,
			    bool exclusively, int *ret, struct vm_error *err)
{
	char link[64];
	int r;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	*ret = open(link, O_RDWR | (exclusively ? O_EXCL : 0) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*ret >= 0)
		return 0;
	r = -errno;
	if (r != -EBUSY)
		return disk_open_failed(machine, what, path, -r, err);
	r = disk_unused(machine, what, path, fd, err);
	if (r < 0)
		return r;
	return vm_error_set(err, VM_ERROR_FILE,
			    "Machine %s: %s %s is in use by another machine or program, which has "
			    "opened it exclusively",
			    machine, what, path);
}

int disk_open(const char *machine, const char *what, const char *path, bool write, int *ret,
	      struct vm_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return disk_open_failed(machine, what, path, errno, err);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return vm_error_set(err, VM_ERROR_FILE,
				    "Machine %s: %s %s is neither a file nor a block device",
				    machine, what, path);
	if (!write) {
		*ret = TAKE_FD(fd);
		return 0;
	}
	if (S_ISBLK(st.st_mode))
		return open_for_writing(machine, what, path, fd, true, ret, err);
	r = disk_unused(machine, what, path, fd, err);
	return r == 0 ? open_for_writing(machine, what, path, fd, false, ret, err) : r;
}
