/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's end of the protocol: who may connect, which request is allowed in which state,
 * one answer to each, and events.
 *
 * The worker owns a listening socket that it was given at its start. One daemon at a time is
 * connected; it may go away and another one, after a restart or upgrade, come in its place, while
 * the machine runs on. What happened meanwhile the new one learns from the state in HELLO_REPLY, and
 * of a crash, as long as the guest has not been reset since, from that event, which comes once more.
 *
 * One thread.
 */
#ifndef PROTO_SERVICE_H
#define PROTO_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/message.h"

struct proto_service;

/*
 * What the worker does. `message` is decoded and allowed in the state. Descriptors that are wanted
 * are duplicated, or taken out of it (-1 left in their place); the others are closed after the
 * call. Returns 0 or -errno, with a sentence for people in reply_text[PROTO_MAX_TEXT + 1], which
 * is empty before.
 *
 * After a request that changes the state, `request` calls proto_service_set_state() itself, at
 * once or later: a guest takes its time to shut down.
 */
struct proto_service_ops {
	int (*request)(void *data, const struct proto_message *message, char *reply_text);
	void (*stats)(void *data, struct proto_stats *ret);
};

struct proto_service {
	const struct proto_service_ops *ops;
	void *data;
	int listener, peer; /* to be watched for reading; peer is -1 without a daemon */
	uid_t owner;        /* who may connect, beside root */
	bool greeted;       /* HELLO has come on this connection */
	bool machine_known; /* MACHINE has come */
	bool told;          /* a daemon has been sent the present state */
	enum proto_state state;
	enum proto_cause cause;
	uint8_t uuid[16], nonce[16];
	bool crashed;               /* the guest has told of its crash, */
	struct proto_message crash; /* with this, and has not been reset */
};

/* The service takes the listener over; it must be a listening, non-blocking SOCK_SEQPACKET. */
void proto_service_init(struct proto_service *service, int listener,
			const struct proto_service_ops *ops, void *data);
void proto_service_fini(struct proto_service *service);

/* When the listener is readable: lets a daemon in, or turns one away while another is there. */
void proto_service_accept(struct proto_service *service);

/* When the peer is readable: handles one message. The peer may be gone (-1) afterwards. */
void proto_service_handle(struct proto_service *service);

/* Enters a state and tells the daemon, if there is one. `text` may be NULL. */
void proto_service_set_state(struct proto_service *service, enum proto_state state,
			     enum proto_cause cause, const char *text);

/* Tells of a guest's reset or crash. `text` may be NULL. */
void proto_service_guest_event(struct proto_service *service, enum proto_guest_event event,
			       const uint64_t parameters[static 5], const char *text);

#endif
