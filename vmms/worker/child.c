/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child's side of a worker's birth: descriptors, wait, root, limits, user, exec.
 *
 * Another thread of the daemon may have held any lock at the clone, so only system calls are made
 * here, and dprintf-like output through a buffer on the stack.
 */
#include "worker/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FD_CONTROL = 3, FD_GO = 4 };

_Noreturn static void fail(const char *what)
{
	char message[128] = "<3>worker not started: ";
	size_t length;

	strncat(message, what, sizeof(message) - strlen(message) - 2);
	strcat(message, "\n");
	length = strlen(message);
	if (write(STDERR_FILENO, message, length) != (ssize_t)length)
		_exit(126);
	_exit(125);
}

/* Control socket to 3, pipe to 4, nothing above. The program finds its nonce in the pipe. */
static void arrange_descriptors(int listener, int go)
{
	int null;

	/* Out of each other's way first. */
	listener = fcntl(listener, F_DUPFD, 10);
	go = fcntl(go, F_DUPFD, 10);
	if (listener < 0 || go < 0 || dup2(listener, FD_CONTROL) < 0 || dup2(go, FD_GO) < 0)
		fail("descriptors");
	if (syscall(SYS_close_range, FD_GO + 1, ~0U, 0) < 0)
		fail("close_range");
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		fail("/dev/null");
	close(null);
}

static void wait_for_go(void)
{
	char byte;
	ssize_t n;

	do {
		n = read(FD_GO, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(124); /* the daemon is gone, or has changed its mind */
}

static void bind_readonly(const char *from, const char *to)
{
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;

	if (mkdir(to, 0755) < 0 || mount(from, to, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, to, NULL, flags, NULL) < 0)
		fail("bind mount of its program");
}

/* A root with nothing in it but what exec needs; spawn_empty_root() takes that out afterwards. */
static void enter_root(const char *root, const char *program_dir)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=0755") < 0 ||
	    chdir(root) < 0)
		fail("mount of its root");
	bind_readonly("/usr", "usr");
	if (program_dir)
		bind_readonly(program_dir, &CHILD_PROGRAM_DIR[1]);
	if (symlink("usr/lib", "lib") < 0 || symlink("usr/lib64", "lib64") < 0)
		fail("links");
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail("pivot_root");
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) <
	    0)
		fail("read-only root");
}

/* Lowers a limit; one that is lower already stays. */
static void set_limit(int resource, uint64_t value)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
		fail("resource limits");
	limit.rlim_max = MIN(limit.rlim_max, value);
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit((__rlimit_resource_t)resource, &limit) < 0)
		fail("resource limits");
}

static void set_limits(uint64_t locked_bytes)
{
	set_limit(RLIMIT_CORE, 0);
	set_limit(RLIMIT_NOFILE, 256);
	set_limit(RLIMIT_NPROC, 256); /* its threads, as it has a user of its own */
	set_limit(RLIMIT_MEMLOCK, locked_bytes);
	set_limit(RLIMIT_MSGQUEUE, 0);
}

static void drop_privileges(uint32_t uid)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
		if (prctl(PR_CAPBSET_DROP, capability) < 0)
			fail("capabilities");
	}
	/* The system calls themselves: the library's would ask other threads to follow. */
	if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, uid, uid, uid) < 0 ||
	    syscall(SYS_setresuid, uid, uid, uid) < 0)
		fail("change of user");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("no_new_privs");
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < 32; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The directory of the program unless it is under /usr; `path` becomes what to execute. */
static const char *locate(const char *program, char *directory, char *path, size_t size)
{
	const char *slash = strrchr(program, '/');
	size_t length = (size_t)(slash - program);

	if (strlen(program) >= size || strlen(CHILD_PROGRAM_DIR) + strlen(slash) >= size)
		fail("path of its program is too long");
	strcpy(path, program);
	if (strncmp(program, "/usr/", 5) == 0)
		return NULL;
	memcpy(directory, program, length);
	directory[length] = '\0';
	strcpy(path, CHILD_PROGRAM_DIR);
	strcat(path, slash);
	return directory;
}

_Noreturn static void execute(const char *path, const struct spawn_request *request)
{
	/* Everybody can read a command line; the nonce is not on it. */
	const char *const argv[] = {"vmwp",        "--control-fd", "3", "--uuid",
				    request->uuid, "--nonce-fd",   "4", NULL};
	const char *const environment[] = {"LC_ALL=C.UTF-8", NULL};

	execve(path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
	fail("exec of its program");
}

void child_main(const struct spawn_request *request, int go)
{
	char directory[512], path[512];
	const char *program_dir = locate(request->program, directory, path, sizeof(path));

	arrange_descriptors(request->listener, go);
	wait_for_go();
	reset_signals();
	setsid();
	umask(0077);
	if (!request->sandbox)
		execute(request->program, request);
	enter_root(request->root_dir, program_dir);
	set_limits(request->locked_bytes);
	drop_privileges(request->uid);
	execute(path, request);
}
