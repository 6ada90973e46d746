/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sendmsg and recvmsg, with SCM_RIGHTS.
 */
#include "proto/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

/* Room for more descriptors than any message has, so that too many are seen rather than cut off. */
enum { RECEIVE_FDS = PROTO_MAX_FDS + 2 };

union control {
	char buffer[CMSG_SPACE(RECEIVE_FDS * sizeof(int))];
	struct cmsghdr align;
};

static void attach_fds(struct msghdr *msg, union control *control,
		       const struct proto_message *message)
{
	size_t size = message->fd_count * sizeof(int);
	struct cmsghdr *cmsg;

	if (message->fd_count == 0)
		return;
	memset(control, 0, sizeof(*control));
	msg->msg_control = control->buffer;
	msg->msg_controllen = CMSG_SPACE(size);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(cmsg), message->fds, size);
}

int proto_send(int socket, const struct proto_message *message)
{
	char buffer[PROTO_MAX_MESSAGE];
	struct iovec iov = {.iov_base = buffer};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;
	ssize_t sent;
	int r = proto_encode(message, buffer, sizeof(buffer), &iov.iov_len);

	if (r < 0)
		return r;
	attach_fds(&msg, &control, message);
	do {
		sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* Takes all descriptors out of the control data; those beyond the array are closed. */
static size_t collect_fds(struct msghdr *msg, int fds[static RECEIVE_FDS])
{
	size_t count = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t n;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (count < RECEIVE_FDS)
				fds[count++] = fd;
			else
				fd_close(fd);
		}
	}
	return count;
}

static int decode_packet(const char *buffer, size_t length, const struct msghdr *msg,
			 const int *fds, size_t count, struct proto_message *ret)
{
	int r;

	if (msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC) || count > PROTO_MAX_FDS)
		return -EBADMSG;
	r = proto_decode(buffer, length, count, ret);
	if (r == 0)
		memcpy(ret->fds, fds, count * sizeof(int));
	return r;
}

int proto_receive(int socket, struct proto_message *ret)
{
	char buffer[PROTO_MAX_MESSAGE];
	struct iovec iov = {.iov_base = buffer, .iov_len = sizeof(buffer)};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.buffer,
			     .msg_controllen = sizeof(control.buffer)};
	int fds[RECEIVE_FDS];
	ssize_t length;
	size_t count;
	int r;

	do {
		length = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	count = collect_fds(&msg, fds);
	r = length == 0 ? -ECONNRESET
			: decode_packet(buffer, (size_t)length, &msg, fds, count, ret);
	for (size_t i = 0; r < 0 && i < count; i++)
		fd_close(fds[i]);
	return r;
}

void proto_message_close_fds(struct proto_message *message)
{
	for (size_t i = 0; i < message->fd_count; i++)
		message->fds[i] = fd_close(message->fds[i]);
}
