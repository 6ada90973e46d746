/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fork, exec, and what the program said.
 */
#include "net/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { OUTPUT_SIZE = 64 << 10 };
#define LIMIT_SECONDS 20

static const char *const directories[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};

struct command {
	struct ev_loop *loop;
	const char *program;
	ev_child child;
	ev_timer limit;
	int output;
	bool killed;
	void (*done)(void *data, const char *output, const struct vm_error *err);
	void *data;
};

int command_check(const char *program, const char *package, struct vm_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", directories[i], program);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return vm_error_set(err, VM_ERROR_NETWORK,
			    "The program %s is not installed, which networks need: install the "
			    "package %s",
			    program, package);
}

_Noreturn static void execute(const char *const argv[], int in, int out)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	execvpe(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
	_exit(127);
}

/* A file in memory, positioned at its beginning. */
static int memory_file(const char *content)
{
	_cleanup_close_ int fd = memfd_create("keelson", MFD_CLOEXEC);

	if (fd < 0 || fd_write_full(fd, content, strlen(content)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return TAKE_FD(fd);
}

static void command_free(struct command *command)
{
	ev_child_stop(command->loop, &command->child);
	ev_timer_stop(command->loop, &command->limit);
	fd_close(command->output);
	free(command);
}

static int judge(const struct command *command, const char *output, struct vm_error *err)
{
	int status = command->child.rstatus;

	if (command->killed)
		return vm_error_set(err, VM_ERROR_TIMEOUT, "%s did not end within %.0f s",
				    command->program, LIMIT_SECONDS * 1.0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return vm_error_set(err, VM_ERROR_NETWORK, "%s failed: %.*s", command->program,
			    (int)MIN(strcspn(output, "\n"), 200u),
			    *output ? output : "it said nothing");
}

static void on_ended(struct ev_loop *loop, ev_child *watcher, int events)
{
	struct command *command = watcher->data;
	_cleanup_free_ char *output = calloc(1, OUTPUT_SIZE);
	struct vm_error err = {0};

	if (output && pread(command->output, output, OUTPUT_SIZE - 1, 0) < 0)
		output[0] = '\0';
	command->done(command->data, output ? output : "",
		      judge(command, output ? output : "", &err) < 0 ? &err : NULL);
	command_free(command);
}

static void on_limit(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct command *command = watcher->data;

	ev_timer_stop(loop, watcher);
	command->killed = true;
	kill(command->child.pid, SIGKILL); /* its end is seen as any other */
}

static struct command *command_new(struct ev_loop *loop, const char *program)
{
	struct command *command = calloc(1, sizeof(*command));

	if (!command)
		return NULL;
	command->loop = loop;
	command->program = program;
	ev_child_init(&command->child, on_ended, 0, 0);
	ev_timer_init(&command->limit, on_limit, LIMIT_SECONDS, 0);
	command->child.data = command->limit.data = command;
	command->output = memory_file("");
	if (command->output >= 0)
		return command;
	command_free(command);
	return NULL;
}

int command_start(struct ev_loop *loop, const char *const argv[], const char *input,
		  void (*done)(void *data, const char *output, const struct vm_error *err),
		  void *data, struct command **ret, struct vm_error *err)
{
	_cleanup_close_ int in = memory_file(input);
	struct command *command = command_new(loop, argv[0]);
	pid_t pid = -1;

	if (in >= 0 && command)
		pid = fork();
	if (pid == 0)
		execute(argv, in, command->output);
	if (pid < 0) {
		if (command)
			command_free(command);
		return vm_error_set_errno(err, VM_ERROR_NETWORK, errno, "%s", argv[0]);
	}
	command->done = done;
	command->data = data;
	ev_child_set(&command->child, pid, 0);
	ev_child_start(loop, &command->child);
	ev_now_update(loop);
	ev_timer_start(loop, &command->limit);
	*ret = command;
	return 0;
}

struct command *command_abandon(struct command *command)
{
	if (!command)
		return NULL;
	kill(command->child.pid, SIGKILL);
	command_free(command);
	return NULL;
}

int command_spawn(const char *const argv[], pid_t *ret, int *ret_said, struct vm_error *err)
{
	_cleanup_close_ int in = memory_file(""), said = -1, say = -1;
	pid_t parent = getpid(), pid = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == 0) {
		said = ends[0];
		say = ends[1];
		if (in >= 0 && fd_set_nonblock(said, true) == 0)
			pid = fork();
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(0);
		execute(argv, in, say);
	}
	if (pid < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, errno, "%s", argv[0]);
	*ret = pid;
	*ret_said = TAKE_FD(said);
	return 0;
}
