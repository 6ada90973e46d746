/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the daemon: files that do not answer and disks that are full, in $FAULTS, a
 * directory of the test's.
 *
 *   $FAULTS/full           is there: what is written to the inventory gets "no space left"
 *   $FAULTS/hang-write     is there: a write to the inventory does not return while that is so;
 *                          $FAULTS/hangs is there once somebody has tried
 *   $FAULTS/hang-sync      the same for fdatasync() and fsync(), of whatever file
 *   $FAULTS/hang-xml       the same for the check of XML against the schema
 *   $FAULTS/hang-open      holds a path: opening it does not return while that is so;
 *                          $FAULTS/hangs is there once somebody has tried
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int xmlRelaxNGValidateDoc(void *context, void *doc);
int fdatasync(int fd);
int fsync(int fd);
int open(const char *path, int flags, ...);
int open64(const char *path, int flags, ...);
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset);

static bool fault_path(const char *name, char path[static PATH_MAX])
{
	const char *directory = getenv("FAULTS");

	return directory && snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

/* Not open(), which is replaced here. */
static bool hangs(const char *opened)
{
	char path[PATH_MAX], held[PATH_MAX] = "";
	ssize_t length = 0;
	int fd;

	if (!fault_path("hang-open", path))
		return false;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, held, sizeof(held) - 1);
	close(fd);
	held[length > 0 ? length : 0] = '\0';
	held[strcspn(held, "\n")] = '\0';
	return *held && strcmp(held, opened) == 0;
}

static void tell_hang(void)
{
	char sign[PATH_MAX];

	if (fault_path("hangs", sign))
		close((int)syscall(SYS_openat, AT_FDCWD, sign, O_CREAT | O_WRONLY | O_CLOEXEC,
				   0600));
}

static void hang_while(const char *name)
{
	char path[PATH_MAX];

	while (fault_path(name, path) && access(path, F_OK) == 0) {
		tell_hang();
		usleep(10000);
	}
}

static int open_file(const char *path, int flags, mode_t mode)
{
	while (hangs(path)) {
		tell_hang();
		usleep(10000);
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_file(path, flags, mode);
}

/* Only the inventory writes at offsets. */
static bool is_full(void)
{
	char path[PATH_MAX];

	return fault_path("full", path) && access(path, F_OK) == 0;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
	hang_while("hang-write");
	if (is_full()) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return pwrite64(fd, data, size, offset);
}

int fdatasync(int fd)
{
	hang_while("hang-sync");
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	hang_while("hang-sync");
	return (int)syscall(SYS_fsync, fd);
}

int xmlRelaxNGValidateDoc(void *context, void *doc)
{
	static int (*real)(void *, void *);

	if (!real)
		real = (int (*)(void *, void *))dlsym(RTLD_NEXT, "xmlRelaxNGValidateDoc");
	hang_while("hang-xml");
	return real(context, doc);
}
