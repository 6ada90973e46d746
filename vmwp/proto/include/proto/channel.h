/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages through a socket, with their descriptors.
 */
#ifndef PROTO_CHANNEL_H
#define PROTO_CHANNEL_H

#include "proto/message.h"

/*
 * Sends one message; message->fds stay the caller's. -EAGAIN on a full non-blocking socket,
 * -EPIPE (never a signal) when the peer is gone.
 */
int must_check proto_send(int socket, const struct proto_message *message);

/*
 * Receives one message. The descriptors in ret->fds, close-on-exec, are the caller's: take them
 * out or call proto_message_close_fds(). -ECONNRESET: the peer closed its end. -EBADMSG and
 * -EPROTONOSUPPORT as proto_decode(): drop the connection. -EAGAIN: nothing there.
 */
int must_check proto_receive(int socket, struct proto_message *ret);

/* Closes what has not been taken out (with TAKE_FD). */
void proto_message_close_fds(struct proto_message *message);

#endif
