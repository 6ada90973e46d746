/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup-config: the inventory, from the daemon that has it open, into a file of the caller's.
 * restore-config: the way back, by the program vmms, while no daemon runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bus/names.h"
#include "ctl/ctl.h"

static int copy(int from, int to)
{
	char buffer[65536];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0) {
		int r = fd_write_full(to, buffer, (size_t)n);

		if (r < 0)
			return r;
	}
	return n < 0 ? -errno : 0;
}

/* Its exit status; 127 if it cannot be run, 128 and more for a signal. */
static int run_program(const char *const argv[], int in, int out, int err)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
		    dup2(err, STDERR_FILENO) >= 0)
			execvp(argv[0], (char *const *)(uintptr_t)argv);
		fprintf(stderr, "%s cannot be run: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	if (pid < 0)
		return 127;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * Another machine's descriptors do not travel through ssh: its vmctl reads from our input, or writes to
 * our output, and says what is wrong.
 */
static int run_remote(const struct ctl *ctl, const char *verb, int in, int out)
{
	const char *const argv[] = {"ssh",
				    "--",
				    ctl->host,
				    "vmctl",
				    ctl->json ? "--json" : verb,
				    ctl->json ? verb : "-",
				    ctl->json ? "-" : NULL,
				    NULL};
	int status = run_program(argv, in, out, STDERR_FILENO);

	/* 255 is ssh's own; beyond that it has died. */
	if (status >= 127)
		return ctl_fail("The connection to %s by ssh has failed (status %d)", ctl->host,
				status);
	return status;
}

static int fetch(struct ctl *ctl, int to, const char *path)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	int fd, r;

	if (ctl_call(ctl, "BackupConfiguration", &reply, "") < 0)
		return EXIT_FAILURE;
	r = sd_bus_message_read(reply, "h", &fd);
	if (r < 0)
		return ctl_bad_reply(r);
	r = copy(fd, to);
	return r < 0 ? ctl_fail("%s: %s", path, strerror(-r)) : EXIT_SUCCESS;
}

static int run_backup(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_close_ int fd = -1;
	const char *path = argc > 1 ? argv[1] : "";
	int status;

	if (!ctl_arguments(argc, argv, 1, 1))
		return EXIT_FAILURE;
	if (strcmp(path, "-") == 0)
		return ctl->host ? run_remote(ctl, "backup-config", STDIN_FILENO, STDOUT_FILENO)
				 : fetch(ctl, STDOUT_FILENO, path);
	/* It has the configuration of every machine in it. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return ctl_fail("%s: %s", path, strerror(errno));
	status = ctl->host ? run_remote(ctl, "backup-config", STDIN_FILENO, fd)
			   : fetch(ctl, fd, path);
	if (status == EXIT_SUCCESS && fsync(fd) < 0)
		status = ctl_fail("%s: %s", path, strerror(errno));
	if (status != EXIT_SUCCESS)
		unlink(path); /* half a backup is none */
	else if (!ctl->json)
		printf("The inventory is in %s. While the daemon does not run, 'vmctl "
		       "restore-config FILE' makes it the inventory again\n",
		       path);
	return status;
}

/* ── back ──────────────────────────────────────────────────────────────────────────────────── */

/* Asked in a way that does not start it. Without a bus there is none: the inventory's lock decides. */
static bool daemon_runs(void)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	sd_bus *bus = NULL;
	int owned = 0;

	if (sd_bus_open_system(&bus) >= 0 &&
	    sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s",
			       BUS_NAME) >= 0 &&
	    sd_bus_message_read(reply, "b", &owned) < 0)
		owned = 0;
	sd_bus_flush_close_unref(bus);
	return owned;
}

/* The daemon's program: in a build directory beside this one; installed in a directory of its own. */
static void find_vmms(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	path[length > 0 ? length : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash && (size_t)(slash + 1 - path) + sizeof("vmms") <= size) {
		strcpy(slash + 1, "vmms");
		if (access(path, X_OK) == 0)
			return;
	}
	snprintf(path, size, "%s", "/usr/sbin/vmms");
}

/* All that it said, without the program's name. */
static char *read_words(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *words = calloc(1, (size_t)MAX(size, 0) + 1);

	if (!words || pread(fd, words, (size_t)MAX(size, 0), 0) < 0)
		return words;
	if (strncmp(words, "vmms: ", 6) == 0)
		memmove(words, words + 6, strlen(words + 6) + 1);
	while (*words && words[strlen(words) - 1] == '\n')
		words[strlen(words) - 1] = '\0';
	return words;
}

static int restore_from(const struct ctl *ctl, const char *file, const char *name)
{
	_cleanup_close_ int said = memfd_create("vmms", MFD_CLOEXEC);
	_cleanup_free_ char *words = NULL;
	char vmms[4096];
	const char *const argv[] = {vmms, "--restore-config", file, NULL};
	int status;

	if (said < 0)
		return ctl_fail("%s", strerror(errno));
	find_vmms(vmms, sizeof(vmms));
	status = run_program(argv, STDIN_FILENO, said, said);
	words = read_words(said);
	if (status != EXIT_SUCCESS)
		return ctl_fail("%s", words && *words ? words : "vmms has ended");
	if (ctl->json)
		return ctl_done(name, "restored");
	printf("%s\n'systemctl start vmms' goes on with it\n", words ? words : "");
	return EXIT_SUCCESS;
}

/* What comes by a pipe becomes a file that has no name but that of its descriptor. */
static int restore_from_input(const struct ctl *ctl)
{
	_cleanup_close_ int fd = memfd_create("backup", 0);
	char path[32];
	int r = fd < 0 ? -errno : copy(STDIN_FILENO, fd);

	if (r < 0)
		return ctl_fail("The backup cannot be read: %s", strerror(-r));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return restore_from(ctl, path, "-");
}

static int run_restore(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_close_ int fd = -1;
	const char *path = argc > 1 ? argv[1] : "";
	bool input = strcmp(path, "-") == 0;

	if (!ctl_arguments(argc, argv, 1, 1))
		return EXIT_FAILURE;
	if (ctl->host && !input) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return ctl_fail("%s: %s", path, strerror(errno));
	}
	if (ctl->host)
		return run_remote(ctl, "restore-config", input ? STDIN_FILENO : fd, STDOUT_FILENO);
	if (daemon_runs())
		return ctl_fail_as(
			VM_ERROR_BUSY,
			"The service vmms runs, and has the inventory open. Machines run on "
			"without it: systemctl stop vmms; vmctl restore-config %s; "
			"systemctl start vmms",
			path);
	return input ? restore_from_input(ctl) : restore_from(ctl, path, path);
}

const struct verb backup_verbs[] = {
	{"backup-config", "FILE", "write a copy of the inventory into a new file",
	 "The definitions of all machines and networks, their options and the history, while the\n"
	 "daemon runs. '-' is standard output. The disks are not in it: 'vmctl export', or what\n"
	 "copies files, is for those. 'vmctl restore-config' puts it back.\n",
	 run_backup, "file"},
	{"restore-config", "FILE", "make such a copy the inventory again",
	 "Only while the daemon does not run ('systemctl stop vmms'; machines run on). The copy "
	 "is\n"
	 "checked first, and the inventory in place is kept under another name. '-' is standard\n"
	 "input. Machines that run, and are in the copy, are taken over when the daemon starts.\n",
	 run_restore, "file"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
