/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup-config: the inventory, from the daemon that has it open, into a file of the caller's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
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

/* Another machine's descriptors do not travel through ssh: its vmctl writes to our output. */
static int run_remote(const struct ctl *ctl, int to)
{
	if (dup2(to, STDOUT_FILENO) < 0)
		return ctl_fail("%s", strerror(errno));
	execlp("ssh", "ssh", "--", ctl->host, "vmctl", "backup-config", "-", (char *)NULL);
	return ctl_fail("ssh cannot be run: %s", strerror(errno));
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
	if (r == 0 && strcmp(path, "-") != 0 && fsync(to) < 0)
		r = -errno;
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
		return ctl->host ? run_remote(ctl, STDOUT_FILENO) : fetch(ctl, STDOUT_FILENO, path);
	/* It has the configuration of every machine in it. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return ctl_fail("%s: %s", path, strerror(errno));
	if (ctl->host)
		return run_remote(ctl, fd);
	status = fetch(ctl, fd, path);
	if (status != EXIT_SUCCESS)
		unlink(path); /* half a backup is none */
	else if (!ctl->json)
		printf("The inventory is in %s. 'vmms --restore-config FILE' makes it the "
		       "inventory "
		       "again\n",
		       path);
	return status;
}

const struct verb backup_verbs[] = {
	{"backup-config", "FILE", "write a copy of the inventory into a new file",
	 "The definitions of all machines and networks, their options and the history, while the\n"
	 "daemon runs. '-' is standard output. The disks are not in it: 'vmctl export', or what\n"
	 "copies files, is for those. vmms(8) tells how to put it back.\n",
	 run_backup, "file"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
