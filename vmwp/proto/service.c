/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's end of the protocol.
 */
#include "proto/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proto/channel.h"

void proto_service_init(struct proto_service *service, int listener,
			const struct proto_service_ops *ops, void *data)
{
	*service = (struct proto_service){
		.ops = ops,
		.data = data,
		.listener = listener,
		.peer = -1,
		.owner = getuid(),
		.state = PROTO_STATE_CREATED,
	};
}

static void drop_peer(struct proto_service *service)
{
	service->peer = fd_close(service->peer);
	service->greeted = false;
}

void proto_service_fini(struct proto_service *service)
{
	drop_peer(service);
	service->listener = fd_close(service->listener);
}

/* Root's, or the worker's own user's. */
static bool peer_allowed(const struct proto_service *service, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	return peer.uid == 0 || peer.uid == service->owner;
}

void proto_service_accept(struct proto_service *service)
{
	_cleanup_close_ int fd =
		accept4(service->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 || service->peer >= 0 || !peer_allowed(service, fd))
		return;
	service->peer = TAKE_FD(fd);
	service->greeted = false;
}

/* A daemon that does not read for so long that the socket is full is as good as gone. */
static void transmit(struct proto_service *service, const struct proto_message *message)
{
	if (service->peer >= 0 && proto_send(service->peer, message) < 0)
		drop_peer(service);
}

static void reply(struct proto_service *service, uint32_t serial, int status, const char *text)
{
	struct proto_message message = {.type = PROTO_REPLY, .serial = serial};

	message.reply.status = status;
	snprintf(message.text, sizeof(message.text), "%s", text);
	transmit(service, &message);
}

static void greet(struct proto_service *service, const struct proto_message *hello)
{
	struct proto_message message = {.type = PROTO_HELLO_REPLY, .serial = hello->serial};

	if (hello->hello.min_version > PROTO_VERSION) {
		reply(service, hello->serial, -EPROTONOSUPPORT,
		      "the worker speaks an older version of the protocol");
		return;
	}
	if (memcmp(hello->hello.uuid, service->uuid, sizeof(service->uuid)) != 0) {
		reply(service, hello->serial, -ENXIO, "the worker runs another machine");
		return;
	}
	service->greeted = true;
	message.hello_reply.version = PROTO_VERSION;
	message.hello_reply.state = (uint16_t)service->state;
	message.hello_reply.cause = service->cause;
	memcpy(message.hello_reply.uuid, service->uuid, sizeof(service->uuid));
	memcpy(message.hello_reply.nonce, service->nonce, sizeof(service->nonce));
	transmit(service, &message);
	if (service->crashed)
		transmit(service, &service->crash);
	service->told = service->greeted;
}

/* NULL when the request is allowed now, otherwise why it is not. */
static const char *why_not(const struct proto_service *service, enum proto_type type)
{
	bool created = service->state == PROTO_STATE_CREATED;

	switch (type) {
	case PROTO_MACHINE:
		return created && !service->machine_known ? NULL : "the machine is already built";
	case PROTO_FIRMWARE:
	case PROTO_KERNEL:
	case PROTO_DISK:
	case PROTO_NIC:
	case PROTO_POWER_ON:
		if (!created)
			return "the machine is already powered on";
		return service->machine_known ? NULL : "MACHINE must come first";
	case PROTO_PAUSE:
	case PROTO_SHUTDOWN:
	case PROTO_REBOOT:
		return service->state == PROTO_STATE_RUNNING ? NULL : "the machine does not run";
	case PROTO_RESUME:
		return service->state == PROTO_STATE_PAUSED ? NULL : "the machine is not paused";
	case PROTO_RESET:
	case PROTO_MEDIUM:
		return service->state == PROTO_STATE_RUNNING || service->state == PROTO_STATE_PAUSED
			       ? NULL
			       : "the machine is not powered on";
	case PROTO_POWER_OFF:
	case PROTO_CONSOLE:
		return service->state != PROTO_STATE_STOPPED ? NULL : "the machine is off";
	default:
		return NULL;
	}
}

static void answer_stats(struct proto_service *service, uint32_t serial)
{
	struct proto_message message = {.type = PROTO_STATS_REPLY, .serial = serial};

	service->ops->stats(service->data, &message.stats);
	transmit(service, &message);
}

static void dispatch(struct proto_service *service, struct proto_message *message)
{
	const char *refusal = why_not(service, message->type);
	char text[PROTO_MAX_TEXT + 1] = "";
	int r;

	if (refusal) {
		reply(service, message->serial, -EBADFD, refusal);
		return;
	}
	if (message->type == PROTO_STATS) {
		answer_stats(service, message->serial);
		return;
	}
	r = service->ops->request(service->data, message, text);
	if (r == 0 && message->type == PROTO_MACHINE)
		service->machine_known = true;
	if (r == 0 && message->type == PROTO_RESET)
		service->crashed = false;
	reply(service, message->serial, r, text);
}

void proto_service_handle(struct proto_service *service)
{
	struct proto_message message;
	int r = proto_receive(service->peer, &message);

	if (r == -EAGAIN)
		return;
	if (r < 0) {
		drop_peer(service);
		return;
	}
	if (message.type == PROTO_HELLO)
		greet(service, &message);
	else if (service->greeted && proto_is_request(message.type))
		dispatch(service, &message);
	else
		drop_peer(service);
	proto_message_close_fds(&message);
}

void proto_service_set_state(struct proto_service *service, enum proto_state state,
			     enum proto_cause cause, const char *text)
{
	struct proto_message message = {.type = PROTO_EVENT_STATE};

	service->state = state;
	service->cause = cause;
	message.state.state = state;
	message.state.cause = cause;
	snprintf(message.text, sizeof(message.text), "%s", text ? text : "");
	if (service->greeted)
		transmit(service, &message);
	service->told = service->greeted;
}

void proto_service_guest_event(struct proto_service *service, enum proto_guest_event event,
			       const uint64_t parameters[static 5], const char *text)
{
	struct proto_message message = {.type = PROTO_EVENT_GUEST};

	message.guest.event = event;
	memcpy(message.guest.parameters, parameters, sizeof(message.guest.parameters));
	snprintf(message.text, sizeof(message.text), "%s", text ? text : "");
	service->crashed = event == PROTO_GUEST_CRASH;
	if (service->crashed)
		service->crash = message;
	if (service->greeted)
		transmit(service, &message);
}
