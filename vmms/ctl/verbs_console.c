/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console: the terminal and a serial port of a guest, joined.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/terminal.h"

enum { ESCAPE = 0x1d /* Ctrl-] */ };

static bool raw;

/* 1: goes on, 0: the end of it, negative: an error. */
static int from_keyboard(int console)
{
	char buffer[256];
	ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
	const char *escape;
	int r;

	if (n <= 0)
		return n < 0 && errno == EINTR ? 1 : 0;
	escape = raw ? memchr(buffer, ESCAPE, (size_t)n) : NULL;
	r = fd_write_full(console, buffer, escape ? (size_t)(escape - buffer) : (size_t)n);
	return r < 0 ? r : !escape;
}

static int from_guest(int console)
{
	char buffer[4096];
	ssize_t n = read(console, buffer, sizeof(buffer));

	if (n <= 0)
		return n < 0 && errno == EINTR ? 1 : 0;
	return fd_write_full(STDOUT_FILENO, buffer, (size_t)n) < 0 ? -EIO : 1;
}

/*
 * Input that ends, of a script's pipe, does not end the session: the guest's answer may still
 * come. The guest's side decides then.
 */
static int join(int console)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = console, .events = POLLIN}};
	int r = 1;

	while (r > 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			r = from_guest(console);
		if (r > 0 && fds[0].revents) {
			r = from_keyboard(console);
			if (r == 0 && !raw) {
				fds[0].fd = -1;
				r = 1;
			}
		}
	}
	return r;
}

/* Descriptors do not travel through ssh: the other machine's vmctl does it. */
static int run_remote(const struct ctl *ctl, const char *name, const char *port)
{
	execlp("ssh", "ssh", "-t", "--", ctl->host, "vmctl", "console", name, port, (char *)NULL);
	return ctl_fail("ssh cannot be run: %s", strerror(errno));
}

static int run_console(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_close_ int console = -1;
	char *end;
	unsigned long port = 0;
	int fd, r;

	if (!ctl_arguments(argc, argv, 1, 2))
		return EXIT_FAILURE;
	if (argc == 3 && ((port = strtoul(argv[2], &end, 10)) > 1 || *end))
		return ctl_usage(argv[0]);
	if (ctl->host)
		return run_remote(ctl, argv[1], argc == 3 ? argv[2] : "0");
	if (ctl_call(ctl, "OpenConsole", &reply, "su", argv[1], (uint32_t)port) < 0)
		return EXIT_FAILURE;
	r = sd_bus_message_read(reply, "h", &fd);
	if (r < 0)
		return ctl_bad_reply(r);
	console = dup(fd);
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "Connected to %s, serial port %lu. Ctrl-] leaves.\r\n", argv[1],
			port);
	raw = terminal_take(true);
	r = join(console);
	terminal_give_back();
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "\r\nDisconnected from %s.\n", argv[1]);
	return r < 0 ? ctl_fail("%s", strerror(-r)) : EXIT_SUCCESS;
}

const struct verb console_verbs[] = {
	{"console", "VM [PORT]", "join the terminal with a guest's serial port",
	 "Ctrl-] leaves. PORT is 0 (the default) or 1. One console a port: a new one takes over\n"
	 "from the one before.\n",
	 run_console, "vm"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
