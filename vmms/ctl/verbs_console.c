/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console: the terminal and a serial port of a guest, joined.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/terminal.h"

enum { ESCAPE = 0x1d /* Ctrl-] */ };

static bool raw;

/* What waits to be written to one side. */
struct queue {
	size_t used;
	char data[16384];
};

/*
 * Neither side may keep the other waiting, and none of them the key that leaves: a guest that reads
 * nothing, or a terminal that shows nothing, blocks no write.
 */
struct session {
	int console, output;
	struct queue to_guest, to_output;
	bool input_ended;
};

static void queue_drop(struct queue *queue, size_t size)
{
	queue->used -= size;
	memmove(queue->data, queue->data + size, queue->used);
}

/* Keys that do not fit are lost, as on a real line; the terminal's bell tells. */
static void queue_keys(struct session *s, const char *keys, size_t size)
{
	struct queue *queue = &s->to_guest;
	size_t room = MIN(size, sizeof(queue->data) - queue->used);

	memcpy(queue->data + queue->used, keys, room);
	queue->used += room;
	if (room < size && s->to_output.used == 0)
		s->to_output.data[s->to_output.used++] = '\a';
}

/* 1: goes on, 0: the end of it, negative: an error. */
static int from_keyboard(struct session *s)
{
	char buffer[256];
	ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
	const char *escape;

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	if (n == 0) {
		s->input_ended = true;
		return raw ? 0 : 1;
	}
	escape = raw ? memchr(buffer, ESCAPE, (size_t)n) : NULL;
	queue_keys(s, buffer, escape ? (size_t)(escape - buffer) : (size_t)n);
	return !escape;
}

static int from_guest(struct session *s)
{
	struct queue *queue = &s->to_output;
	ssize_t n = read(s->console, queue->data + queue->used, sizeof(queue->data) - queue->used);

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN) ? 1 : 0;
	queue->used += (size_t)n;
	return 1;
}

static int to_guest(struct session *s)
{
	ssize_t n =
		send(s->console, s->to_guest.data, s->to_guest.used, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		queue_drop(&s->to_guest, (size_t)n);
	return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 1;
}

static int to_output(struct session *s)
{
	/* Up to PIPE_BUF a pipe that is ready takes without waiting; a terminal is not waited for. */
	ssize_t n = write(s->output, s->to_output.data, MIN(s->to_output.used, (size_t)PIPE_BUF));

	if (n > 0)
		queue_drop(&s->to_output, (size_t)n);
	return n < 0 && errno != EAGAIN && errno != EINTR ? -EIO : 1;
}

/* Input is taken while there is room; keys always, since one of them may be the one that leaves. */
static bool wants_input(const struct session *s)
{
	size_t room = sizeof(s->to_guest.data) - s->to_guest.used;

	return !s->input_ended && (raw || room >= 256);
}

static void what_to_wait_for(const struct session *s, struct pollfd fds[static 3])
{
	bool room = s->to_output.used < sizeof(s->to_output.data);

	fds[0] = (struct pollfd){.fd = wants_input(s) ? STDIN_FILENO : -1, .events = POLLIN};
	fds[1] = (struct pollfd){
		.fd = s->console,
		.events = (short)((room ? POLLIN : 0) | (s->to_guest.used ? POLLOUT : 0))};
	fds[2] = (struct pollfd){.fd = s->to_output.used ? s->output : -1, .events = POLLOUT};
	/* A closed line is always ready; what it has left waits for room. */
	if (!fds[1].events)
		fds[1].fd = -1;
}

static int turn(struct session *s)
{
	struct pollfd fds[3];
	int r = 1;

	what_to_wait_for(s, fds);
	if (poll(fds, 3, -1) < 0)
		return errno == EINTR ? 1 : -errno;
	if (fds[0].revents)
		r = from_keyboard(s);
	if (r > 0 && fds[2].revents)
		r = to_output(s);
	if (r > 0 && fds[1].revents & POLLOUT)
		r = to_guest(s);
	if (r > 0 && fds[1].revents & ~POLLOUT)
		r = from_guest(s);
	return r;
}

/*
 * Input that ends, of a script's pipe, does not end the session: the guest's answer may still
 * come. The guest's side decides then.
 */
static int join(struct session *s)
{
	int r;

	do {
		r = turn(s);
	} while (r > 0);
	/* The guest has closed: its last words. */
	while (r == 0 && s->to_output.used > 0) {
		size_t before = s->to_output.used;

		if (to_output(s) < 0 || s->to_output.used == before)
			break;
	}
	return r;
}

/* A terminal by a description of its own: not to wait for it is then nobody else's business. */
static int open_output(void)
{
	const char *name = isatty(STDOUT_FILENO) ? ttyname(STDOUT_FILENO) : NULL;
	int fd = name ? open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;

	return fd >= 0 ? fd : dup(STDOUT_FILENO);
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
	_cleanup_close_ int console = -1, output = -1;
	struct session session = {0};
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
	output = open_output();
	session.console = console;
	session.output = output;
	raw = terminal_take(true);
	/* Not before: until then the terminal itself takes the keys, and drops those of a long line. */
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "Connected to %s, serial port %lu. Ctrl-] leaves.\r\n", argv[1],
			port);
	r = join(&session);
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
