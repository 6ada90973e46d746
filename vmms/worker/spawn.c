/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clone, and the parent's side of a worker's birth.
 */
#include "worker/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/journal.h"
#include "worker/child.h"

#define SANDBOX_NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

int spawn_start_time(pid_t pid, uint64_t *ret)
{
	char path[64], text[1024];
	_cleanup_close_ int fd = -1;
	const char *field;
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof(text) - 1);
	if (size <= 0)
		return -ESRCH;
	text[size] = '\0';
	/* The name, field 2, may hold anything; field 3 follows its last parenthesis. */
	field = strrchr(text, ')');
	for (int number = 2; field && number < 22; number++)
		field = strchr(field + 1, ' ');
	if (!field)
		return -EBADMSG;
	*ret = strtoull(field, NULL, 10);
	return 0;
}

/* Not clone3(): under RestrictNamespaces= systemd lets that one fail, as it cannot see its flags. */
static pid_t clone_child(unsigned long flags, int *ret_pidfd)
{
	return (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD | flags, NULL, ret_pidfd, NULL, 0);
}

static int open_mount_namespace(pid_t pid, int *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

int spawn_worker(const struct spawn_request *request, struct spawn_result *ret)
{
	int pipe_fds[2], pidfd = -1, mount_namespace = -1, r;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	pid = clone_child(request->sandbox ? SANDBOX_NAMESPACES : 0, &pidfd);
	if (pid == 0)
		child_main(request, pipe_fds[0]);
	r = pid < 0 ? -errno : 0;
	fd_close(pipe_fds[0]);
	if (r == 0)
		r = spawn_start_time(pid, &ret->start_time);
	if (r == 0 && request->sandbox)
		r = open_mount_namespace(pid, &mount_namespace);
	if (r < 0) {
		fd_close(pipe_fds[1]); /* the child, if there is one, ends by itself */
		fd_close(pidfd);
		return r;
	}
	ret->pid = pid;
	ret->pidfd = pidfd;
	ret->go = pipe_fds[1];
	ret->mount_namespace = mount_namespace;
	return 0;
}

/* In a process of its own, because entering a mount namespace is for good. */
_Noreturn static void empty_root_child(int mount_namespace)
{
	if (setns(mount_namespace, CLONE_NEWNS) < 0)
		_exit(1);
	if (chdir("/") < 0 || umount2("/usr", MNT_DETACH) < 0)
		_exit(2);
	/* The directory of a program outside /usr, where there is one. */
	if (umount2(CHILD_PROGRAM_DIR, MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
		_exit(3);
	_exit(0);
}

struct emptying {
	ev_child watcher;
	char uuid[37], name[64]; /* of the machine, which may be gone by then */
};

static void on_emptied(struct ev_loop *loop, ev_child *watcher, int events)
{
	struct emptying *emptying = watcher->data;
	struct journal_line line = {.uuid = emptying->uuid, .name = emptying->name};

	ev_child_stop(loop, watcher);
	if (!WIFEXITED(watcher->rstatus) || WEXITSTATUS(watcher->rstatus) != 0)
		journal_write(LOG_LEVEL_WARNING, &line,
			      "%s: the worker's root directory could not be emptied (status %#x)",
			      emptying->name, watcher->rstatus);
	free(emptying);
}

int spawn_empty_root(int mount_namespace, struct ev_loop *loop, const struct domain *config)
{
	struct emptying *emptying = calloc(1, sizeof(*emptying));
	int helper_fd = -1;
	pid_t pid;

	if (!emptying)
		return -ENOMEM;
	snprintf(emptying->uuid, sizeof(emptying->uuid), "%s", config->uuid);
	snprintf(emptying->name, sizeof(emptying->name), "%s", config->name);
	pid = clone_child(0, &helper_fd);
	if (pid == 0)
		empty_root_child(mount_namespace);
	if (pid < 0) {
		free(emptying);
		return -errno;
	}
	fd_close(helper_fd);
	ev_child_init(&emptying->watcher, on_emptied, pid, 0);
	emptying->watcher.data = emptying;
	ev_child_start(loop, &emptying->watcher);
	return 0;
}
