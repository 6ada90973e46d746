/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the daemon: what can happen at each step that it makes with files. Steps are calls
 * that create, fill, synchronize, rename or remove what is below $FILE_FAULT_BELOW, in their order.
 * The file $FILE_FAULT says what happens, and at which of them; steps are counted from the first on
 * that finds another line in it:
 *
 *   kill N    the process is gone before step N
 *   full N    step N finds no space left, where it is one that can
 *   hang N    step N waits while the file $FILE_FAULT.hold exists
 *
 * When it happens, $FILE_FAULT.sign comes into being. Without $FILE_FAULT nothing happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the two below */
static char fault[64];
static int steps;

static bool is_below(const char *path)
{
	const char *below = getenv("FILE_FAULT_BELOW");

	/* The inventory has tests of its own. */
	return below && *below && strncmp(path, below, strlen(below)) == 0 &&
	       !strstr(path, "/vmms.db");
}

static bool is_fd_below(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (!getenv("FILE_FAULT_BELOW"))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return is_below(path);
}

static void control_path(char path[static PATH_MAX], const char *ending)
{
	const char *control = getenv("FILE_FAULT");

	snprintf(path, PATH_MAX, "%s%s", control ? control : "/nowhere", ending);
}

static void give_sign(void)
{
	char path[PATH_MAX];

	control_path(path, ".sign");
	close((int)syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void hold(void)
{
	char path[PATH_MAX];

	control_path(path, ".hold");
	give_sign();
	while (access(path, F_OK) == 0)
		usleep(10000);
}

/* Is this the step that the fault is for? Puts its kind into `kind`. */
static bool is_the_step(char kind[static 64])
{
	char path[PATH_MAX], line[64] = "";
	int fd, at = -1;
	bool is_it;

	control_path(path, "");
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		line[0] = '\0';
	close(fd);
	pthread_mutex_lock(&lock);
	if (strcmp(line, fault) != 0) {
		strcpy(fault, line);
		steps = 0;
	}
	is_it = sscanf(line, "%63s %d", kind, &at) == 2 && ++steps == at;
	pthread_mutex_unlock(&lock);
	return is_it;
}

/* True if the step shall fail. */
static bool step(bool takes_space)
{
	char kind[64] = "";

	if (!is_the_step(kind))
		return false;
	if (strcmp(kind, "hang") == 0) {
		hold();
		return false;
	}
	if (strcmp(kind, "full") == 0 && !takes_space)
		return false;
	give_sign();
	if (strcmp(kind, "kill") == 0)
		kill(getpid(), SIGKILL);
	errno = ENOSPC;
	return true;
}

#define STEP(below, takes_space)                \
	do {                                    \
		if (below && step(takes_space)) \
			return -1;              \
	} while (0)

static int open_file(const char *path, int flags, mode_t mode)
{
	STEP((flags & O_CREAT) && is_below(path), true);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return open_file(path, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
	STEP(is_below(path), true);
	return (int)syscall(SYS_mkdir, path, mode);
}

int ftruncate(int fd, off_t size)
{
	STEP(is_fd_below(fd), true);
	return (int)syscall(SYS_ftruncate, fd, size);
}

ssize_t write(int fd, const void *buffer, size_t size)
{
	STEP(is_fd_below(fd), true);
	return syscall(SYS_write, fd, buffer, size);
}

ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t size,
			unsigned int flags)
{
	STEP(is_fd_below(out), true);
	return syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags);
}

int fsync(int fd)
{
	STEP(is_fd_below(fd), true);
	return (int)syscall(SYS_fsync, fd);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	STEP(is_below(from), true);
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int unlink(const char *path)
{
	STEP(is_below(path), false);
	return (int)syscall(SYS_unlink, path);
}

int rmdir(const char *path)
{
	STEP(is_below(path), false);
	return (int)syscall(SYS_rmdir, path);
}
