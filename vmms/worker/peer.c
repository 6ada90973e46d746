/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's end of the control protocol.
 */
#include "worker/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "proto/channel.h"

static void fail_waiting(struct peer *peer)
{
	while (peer->waiting) {
		struct peer_request *request = peer->waiting;

		peer->waiting = request->next;
		if (request->done)
			request->done(peer->data, NULL);
		free(request);
	}
}

void peer_close(struct peer *peer)
{
	if (peer->fd < 0)
		return;
	ev_io_stop(peer->loop, &peer->watcher);
	peer->fd = fd_close(peer->fd);
	fail_waiting(peer);
}

void peer_abandon(struct peer *peer)
{
	for (struct peer_request *request = peer->waiting; request; request = request->next)
		request->done = NULL;
	peer_close(peer);
}

static bool answers(const struct peer_request *request, const struct proto_message *message)
{
	if (!request || request->serial != message->serial)
		return false;
	switch (message->type) {
	case PROTO_REPLY:
		return true;
	case PROTO_HELLO_REPLY:
		return request->type == PROTO_HELLO;
	case PROTO_STATS_REPLY:
		return request->type == PROTO_STATS;
	default:
		return false;
	}
}

/* False for a message that a worker must not send. */
static bool handle(struct peer *peer, const struct proto_message *message)
{
	struct peer_request *request = peer->waiting;

	if (message->type == PROTO_EVENT_STATE || message->type == PROTO_EVENT_GUEST) {
		peer->event(peer->data, message);
		return true;
	}
	if (!answers(request, message))
		return false;
	peer->waiting = request->next;
	if (request->done)
		request->done(peer->data, message);
	free(request);
	return true;
}

/* Takes one message; false when there is none, or the connection has ended with this. */
static bool receive_one(struct peer *peer)
{
	struct proto_message message;
	int r = proto_receive(peer->fd, &message);
	bool good;

	if (r == -EAGAIN)
		return false;
	good = r == 0 && handle(peer, &message);
	if (r == 0)
		proto_message_close_fds(&message);
	if (good)
		return peer->fd >= 0;
	peer_close(peer);
	peer->closed(peer->data, r == 0 || r == -EBADMSG);
	return false;
}

/* One message a turn, so that a talkative worker does not starve the loop. */
static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	receive_one(watcher->data);
}

void peer_drain(struct peer *peer)
{
	while (peer->fd >= 0 && receive_one(peer))
		;
}

int peer_connect(struct peer *peer, struct ev_loop *loop, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	peer->loop = loop;
	peer->fd = TAKE_FD(fd);
	peer->waiting = NULL;
	peer->serial = 0;
	ev_io_init(&peer->watcher, on_readable, peer->fd, EV_READ);
	peer->watcher.data = peer;
	ev_io_start(loop, &peer->watcher);
	return 0;
}

int peer_send(struct peer *peer, struct proto_message *message,
	      void (*done)(void *data, const struct proto_message *answer))
{
	struct peer_request **at = &peer->waiting, *request;
	int r;

	if (peer->fd < 0)
		return -ENOTCONN;
	request = calloc(1, sizeof(*request));
	if (!request)
		return -ENOMEM;
	if (++peer->serial == 0)
		peer->serial = 1;
	message->serial = peer->serial;
	r = proto_send(peer->fd, message);
	if (r < 0) {
		free(request);
		return r;
	}
	request->serial = peer->serial;
	request->type = message->type;
	request->done = done;
	while (*at)
		at = &(*at)->next;
	*at = request;
	return 0;
}
