/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fork, exec, and what the program said.
 */
#include "net/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};

_Noreturn static void execute(const char *const argv[], int in, int out)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (in >= 0)
		dup2(in, STDIN_FILENO);
	if (out >= 0) {
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
	}
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

static int report(const char *program, int status, int output, struct vm_error *err)
{
	char said[256] = "";
	ssize_t size = pread(output, said, sizeof(said) - 1, 0);

	said[size > 0 ? size : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return vm_error_set(err, VM_ERROR_NETWORK,
				    "The program %s is not installed, which networks need",
				    program);
	return vm_error_set(err, VM_ERROR_NETWORK, "%s failed: %s", program,
			    *said ? said : "it said nothing");
}

int command_run(const char *const argv[], const char *input, struct vm_error *err)
{
	_cleanup_close_ int in = memory_file(input), out = memory_file("");
	int status = 0;
	pid_t pid;

	if (in < 0 || out < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, errno, "%s", argv[0]);
	pid = fork();
	if (pid == 0)
		execute(argv, in, out);
	if (pid < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, errno, "%s", argv[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return report(argv[0], status, out, err);
}

int command_spawn(const char *const argv[], pid_t *ret, struct vm_error *err)
{
	_cleanup_close_ int in = memory_file("");
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(0);
		execute(argv, in, -1);
	}
	if (pid < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, errno, "%s", argv[0]);
	*ret = pid;
	return 0;
}
