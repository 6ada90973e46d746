/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the daemon: each call that a file system, a lock or another process can hold. While
 * $FAULTS/armed exists, such a call on one of the daemon's threads does not return before the daemon has
 * answered another HOLD_ANSWERS times, and $FAULTS/held gets its name. On the loop's thread, where it
 * must not be, it goes on, and $FAULTS/loop gets its name and what it was about.
 *
 * $FAULTS/answers counts what the loop has sent; it is for other programs that are held, too.
 *
 * The loop may use what is in memory alone (/proc, /sys, /dev, the runtime directory $LOOP_RUN, sockets)
 * and look for programs and users on the file system that it runs from itself ($LOOP_PROGRAMS,
 * /etc/passwd): without that there is no daemon.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOLD_ANSWERS = 20 };

static atomic_ulong *answers;
static pid_t loop;

static bool fault_path(const char *name, char path[static PATH_MAX])
{
	const char *directory = getenv("FAULTS");

	return directory && snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

__attribute__((constructor)) static void begin(void)
{
	char path[PATH_MAX];
	int fd;

	if (!fault_path("answers", path))
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	answers = mmap(NULL, sizeof(*answers), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (answers == MAP_FAILED)
		answers = NULL;
	loop = (pid_t)syscall(SYS_getpid);
}

static bool is_armed(void)
{
	char path[PATH_MAX];

	return answers && fault_path("armed", path) &&
	       syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

static void note(const char *name, const char *what, const char *about)
{
	char path[PATH_MAX], line[PATH_MAX + 64];
	int fd, length = snprintf(line, sizeof(line), "%s %s\n", what, about);

	if (!fault_path(name, path))
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			  0600);
	syscall(SYS_write, fd, line, (size_t)length);
	syscall(SYS_close, fd);
}

static bool is_below(const char *path, const char *folder)
{
	return folder && *folder && strncmp(path, folder, strlen(folder)) == 0;
}

static bool is_allowed(const char *path)
{
	return is_below(path, "/proc/") || is_below(path, "/sys/") || is_below(path, "/dev/") ||
	       is_below(path, "/usr/sbin/") || is_below(path, getenv("LOOP_RUN")) ||
	       is_below(path, getenv("LOOP_PROGRAMS")) || strcmp(path, "/etc/passwd") == 0;
}

static void hold(const char *what, const char *path)
{
	pid_t process = (pid_t)syscall(SYS_getpid), thread = (pid_t)syscall(SYS_gettid);
	unsigned long until;

	/* A child of the daemon, before it is another program, is not held. */
	if (process != loop || !is_armed() || is_allowed(path))
		return;
	if (thread == loop) {
		note("loop", what, path);
		return;
	}
	note("held", what, path);
	until = atomic_load(answers) + HOLD_ANSWERS;
	while (atomic_load(answers) < until && is_armed())
		usleep(500);
}

/* Of descriptors, those of files. */
static void hold_fd(const char *what, int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	if (fd < 3)
		return; /* the test's log */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
	if (length <= 0 || path[0] != '/' || is_below(path, "/memfd:"))
		return;
	path[length] = '\0';
	hold(what, path);
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#define HOLD_PATH(name, parameters, arguments, path) \
	int name parameters;                         \
	int name parameters                          \
	{                                            \
		hold(#name, path);                   \
		return REAL(name) arguments;         \
	}

#define HOLD_FD(type, name, parameters, arguments, fd) \
	type name parameters;                          \
	type name parameters                           \
	{                                              \
		hold_fd(#name, fd);                    \
		return REAL(name) arguments;           \
	}

#define PATH_STAT (const char *path, struct stat *st)
HOLD_PATH(stat, PATH_STAT, (path, st), path)
HOLD_PATH(lstat, PATH_STAT, (path, st), path)
HOLD_PATH(access, (const char *path, int mode), (path, mode), path)
HOLD_PATH(unlink, (const char *path), (path), path)
HOLD_PATH(rmdir, (const char *path), (path), path)
HOLD_PATH(mkdir, (const char *path, mode_t mode), (path, mode), path)
HOLD_PATH(chmod, (const char *path, mode_t mode), (path, mode), path)
HOLD_PATH(rename, (const char *from, const char *to), (from, to), to)
HOLD_PATH(renameat2, (int a, const char *from, int b, const char *to, unsigned int flags),
	  (a, from, b, to, flags), to)
HOLD_PATH(statx,
	  (int dir, const char *restrict path, int flags, unsigned int mask,
	   struct statx *restrict st),
	  (dir, path, flags, mask, st), path)
HOLD_FD(int, ftruncate, (int fd, off_t size), (fd, size), fd)
HOLD_FD(int, fsync, (int fd), (fd), fd)
HOLD_FD(int, fdatasync, (int fd), (fd), fd)
HOLD_FD(int, flock, (int fd, int operation), (fd, operation), fd)
HOLD_FD(int, fstat, (int fd, struct stat *st), (fd, st), fd)
HOLD_FD(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size), fd)
HOLD_FD(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size), fd)
HOLD_FD(ssize_t, pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at), fd)
HOLD_FD(ssize_t, pread64, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at), fd)
HOLD_FD(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at),
	fd)
HOLD_FD(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at),
	(fd, data, size, at), fd)
HOLD_FD(ssize_t, copy_file_range,
	(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned int flags),
	(in, in_at, out, out_at, size, flags), out)

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define HOLD_OPEN(name, parameters, dir)                                 \
	int name parameters;                                             \
	int name parameters                                              \
	{                                                                \
		va_list ap;                                              \
		mode_t mode;                                             \
                                                                         \
		va_start(ap, flags);                                     \
		mode = mode_of(flags, ap);                               \
		va_end(ap);                                              \
		hold("open", path);                                      \
		return (int)syscall(SYS_openat, dir, path, flags, mode); \
	}

HOLD_OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
HOLD_OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
HOLD_OPEN(openat, (int dir, const char *path, int flags, ...), dir)
HOLD_OPEN(openat64, (int dir, const char *path, int flags, ...), dir)

FILE *fopen(const char *path, const char *mode)
{
	hold("open", path);
	return REAL(fopen)(path, mode);
}

DIR *opendir(const char *path)
{
	hold("opendir", path);
	return REAL(opendir)(path);
}

/* The kernel's lock of the network's configuration. */
static bool is_netlink(int fd)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       domain == AF_NETLINK;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (is_netlink(fd))
		hold("sendmsg", "netlink");
	else if (answers && (pid_t)syscall(SYS_gettid) == loop)
		atomic_fetch_add(answers, 1);
	return syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	if (is_netlink(fd))
		hold("recvmsg", "netlink");
	return syscall(SYS_recvmsg, fd, message, flags);
}

/* For a child: only that one is asked whether it has ended. */
pid_t waitpid(pid_t pid, int *status, int options)
{
	if (!(options & WNOHANG))
		hold("waitpid", "child");
	return (pid_t)syscall(SYS_wait4, pid, status, options, NULL);
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	if (!(options & WNOHANG))
		hold("waitid", "child");
	return (int)syscall(SYS_waitid, type, id, info, options, NULL);
}

int xmlRelaxNGValidateDoc(void *context, void *doc);

int xmlRelaxNGValidateDoc(void *context, void *doc)
{
	hold("xmlRelaxNGValidateDoc", "XML");
	return REAL(xmlRelaxNGValidateDoc)(context, doc);
}
