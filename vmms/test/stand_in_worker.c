/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker for tests: a real process on the real protocol (proto/service.h), whose "guest" is what
 * is written to its console. A line there makes it happen:
 *
 *   poweroff, reboot, crash, triple-fault   the guest does that
 *   reboot-loop                             the guest resets 3000 times
 *   panic                                   the guest tells of its crash, and waits for ever
 *   foreign                                 as crash, with words that are no proper text
 *   die                                     the worker ends without a word
 *   deaf                                    the guest does not react to a shutdown or reboot
 *   low-disk                                the worker pauses the machine
 *   lock-drive                              CDs stay where they are
 *   bye                                     the console is closed
 *   anything else                           is echoed
 *
 * A command line (direct boot) of "refuse" makes POWER_ON fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proto/service.h"

struct stand_in {
	struct proto_service service;
	int console;
	int disks[PROTO_DISK_UNITS]; /* held for the locks on them */
	int taps[8];                 /* held so that they stay */
	size_t tap_count;
	bool deaf, refuse, ending, stop_on_reboot, locked;
	struct proto_stats stats;
};

static const uint64_t no_parameters[5];

static void stop(struct stand_in *w, enum proto_cause cause, const char *why)
{
	proto_service_set_state(&w->service, PROTO_STATE_STOPPED, cause, why);
	w->ending = true;
}

static void guest_reset(struct stand_in *w)
{
	if (w->stop_on_reboot)
		stop(w, PROTO_CAUSE_GUEST_REBOOT, NULL);
	else
		proto_service_guest_event(&w->service, PROTO_GUEST_RESET, no_parameters, NULL);
}

static int on_power_on(struct stand_in *w, char *text)
{
	if (w->refuse) {
		strcpy(text, "told to refuse");
		return -EINVAL;
	}
	proto_service_set_state(&w->service, PROTO_STATE_RUNNING, PROTO_CAUSE_REQUEST, NULL);
	return 0;
}

/* The service closes its own descriptors after the request. */
static int take_fd(const struct proto_message *message)
{
	return message->fd_count > 0 ? fcntl(message->fds[0], F_DUPFD_CLOEXEC, 0) : -1;
}

static int on_console(struct stand_in *w, const struct proto_message *message)
{
	fd_close(w->console);
	w->console = take_fd(message);
	if (fd_set_nonblock(w->console, true) < 0)
		return -EIO;
	return write(w->console, "ready\n", 6) == 6 ? 0 : -EIO;
}

static int on_request(void *data, const struct proto_message *message, char *text)
{
	struct stand_in *w = data;

	switch (message->type) {
	case PROTO_MACHINE:
		w->stop_on_reboot = message->machine.stop_on_reboot;
		return 0;
	case PROTO_DISK:
		w->disks[message->disk.unit] = take_fd(message);
		return 0;
	case PROTO_NIC:
		if (w->tap_count == ARRAY_SIZE(w->taps))
			return -ENOSPC;
		w->taps[w->tap_count++] = take_fd(message);
		return 0;
	case PROTO_KERNEL:
		w->refuse = strcmp(message->text, "refuse") == 0;
		return 0;
	case PROTO_POWER_ON:
		return on_power_on(w, text);
	case PROTO_PAUSE:
		proto_service_set_state(&w->service, PROTO_STATE_PAUSED, PROTO_CAUSE_REQUEST, NULL);
		return 0;
	case PROTO_RESUME:
		proto_service_set_state(&w->service, PROTO_STATE_RUNNING, PROTO_CAUSE_REQUEST,
					NULL);
		return 0;
	case PROTO_SHUTDOWN:
		if (!w->deaf)
			stop(w, PROTO_CAUSE_GUEST_OFF, NULL);
		return 0;
	case PROTO_REBOOT:
		if (!w->deaf)
			guest_reset(w);
		return 0;
	case PROTO_POWER_OFF:
		stop(w, PROTO_CAUSE_REQUEST, NULL);
		return 0;
	case PROTO_MEDIUM:
		if (w->locked)
			strcpy(text, "the drive is locked");
		return w->locked ? -EBUSY : 0;
	case PROTO_CONSOLE:
		return on_console(w, message);
	default:
		return 0;
	}
}

static void on_stats(void *data, struct proto_stats *ret)
{
	struct stand_in *w = data;

	w->stats.exits++;
	w->stats.deposit_free = 1;
	w->stats.deposit_used = 3;
	*ret = w->stats;
}

static const struct proto_service_ops ops = {.request = on_request, .stats = on_stats};

static void obey(struct stand_in *w, const char *line)
{
	static const uint64_t parameters[5] = {1, 2, 3, 4, 5};
	static const char foreign[] = "nasty \033[31m K\xc3\xa4se \xff cut \xc3";

	if (strcmp(line, "poweroff") == 0) {
		stop(w, PROTO_CAUSE_GUEST_OFF, NULL);
	} else if (strcmp(line, "reboot") == 0) {
		guest_reset(w);
	} else if (strcmp(line, "reboot-loop") == 0) {
		for (int i = 0; i < 3000; i++)
			guest_reset(w);
	} else if (strcmp(line, "crash") == 0 || strcmp(line, "panic") == 0) {
		proto_service_guest_event(&w->service, PROTO_GUEST_CRASH, parameters,
					  "Kernel panic - not syncing\x07");
		if (*line == 'c')
			stop(w, PROTO_CAUSE_GUEST_CRASH, NULL);
	} else if (strcmp(line, "foreign") == 0) {
		proto_service_guest_event(&w->service, PROTO_GUEST_CRASH, parameters, foreign);
		stop(w, PROTO_CAUSE_GUEST_CRASH, foreign);
	} else if (strcmp(line, "triple-fault") == 0) {
		proto_service_guest_event(&w->service, PROTO_GUEST_TRIPLE_FAULT, no_parameters,
					  NULL);
		stop(w, PROTO_CAUSE_GUEST_CRASH, NULL);
	} else if (strcmp(line, "die") == 0) {
		_exit(9);
	} else if (strcmp(line, "deaf") == 0) {
		w->deaf = true;
	} else if (strcmp(line, "lock-drive") == 0) {
		w->locked = true;
	} else if (strcmp(line, "low-disk") == 0) {
		proto_service_set_state(&w->service, PROTO_STATE_PAUSED, PROTO_CAUSE_LOW_DISK,
					"disk full");
	}
	if (strcmp(line, "bye") == 0)
		w->console = fd_close(w->console);
	else if (w->console >= 0 && dprintf(w->console, "%s\n", line) < 0)
		w->console = fd_close(w->console);
}

static void on_console_input(struct stand_in *w)
{
	char buffer[256], *save = NULL;
	ssize_t n = read(w->console, buffer, sizeof(buffer) - 1);

	if (n <= 0) {
		w->console = fd_close(w->console);
		return;
	}
	buffer[n] = '\0';
	for (char *line = strtok_r(buffer, "\r\n", &save); line && !w->ending;
	     line = strtok_r(NULL, "\r\n", &save))
		obey(w, line);
}

static void run(struct stand_in *w)
{
	while (!w->ending || !w->service.told) {
		struct pollfd fds[] = {{.fd = w->service.listener, .events = POLLIN},
				       {.fd = w->service.peer, .events = POLLIN},
				       {.fd = w->console, .events = POLLIN}};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return;
		/* the peer first: a daemon that is gone makes room for the next */
		if (fds[1].revents && w->service.peer >= 0)
			proto_service_handle(&w->service);
		if (fds[0].revents)
			proto_service_accept(&w->service);
		if (fds[2].revents && w->console >= 0)
			on_console_input(w);
	}
}

static void parse_hex(const char *text, uint8_t bytes[static 16])
{
	for (int i = 0; i < 16 && *text; i++) {
		unsigned int byte = 0;

		text += *text == '-';
		if (sscanf(text, "%2x", &byte) == 1)
			bytes[i] = (uint8_t)byte;
		text += 2;
	}
}

int main(int argc, char **argv)
{
	struct stand_in w = {.console = -1};
	char nonce[33] = "";

	if (argc != 7 || fd_read_full(atoi(argv[6]), nonce, 32) < 0 ||
	    fd_set_nonblock(atoi(argv[2]), true) < 0)
		return EXIT_FAILURE;
	proto_service_init(&w.service, atoi(argv[2]), &ops, &w);
	parse_hex(argv[4], w.service.uuid);
	close(atoi(argv[6]));
	parse_hex(nonce, w.service.nonce);
	run(&w);
	return EXIT_SUCCESS;
}
