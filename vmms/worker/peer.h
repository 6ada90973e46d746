/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's end of the control protocol: requests in order, each with what happens on its
 * answer, and events. Never blocks.
 */
#ifndef VMMS_WORKER_PEER_H
#define VMMS_WORKER_PEER_H

#include <ev.h>
#include <stdbool.h>

#include "proto/message.h"

struct peer;

struct peer_request {
	struct peer_request *next;
	uint32_t serial;
	enum proto_type type;
	/* `answer` is NULL when the connection ended without one. May be NULL itself. */
	void (*done)(void *data, const struct proto_message *answer);
};

struct peer {
	struct ev_loop *loop;
	int fd; /* -1: not connected */
	ev_io watcher;
	uint32_t serial;
	struct peer_request *waiting; /* oldest first */
	void (*event)(void *data, const struct proto_message *message);
	/* The worker closed, or, if `broken`, sent what it must not. */
	void (*closed)(void *data, bool broken);
	void *data;
};

/* Connects to the socket at `path`. -ECONNREFUSED, -ENOENT: nobody listens. */
int must_check peer_connect(struct peer *peer, struct ev_loop *loop, const char *path);

/* Handles what has arrived already; for a worker that has ended. */
void peer_drain(struct peer *peer);

/* Answers outstanding requests with NULL. */
void peer_close(struct peer *peer);

/* Closes without a word to anybody. */
void peer_abandon(struct peer *peer);

/*
 * Sends; the serial is filled in, the descriptors stay the caller's. -EAGAIN when the worker has
 * not read for long.
 */
int must_check peer_send(struct peer *peer, struct proto_message *message,
			 void (*done)(void *data, const struct proto_message *answer));

#endif
