/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages and descriptors through a real socket, and hostile packets.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proto/channel.h"

static int ends[2];

static void setup(void)
{
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
}

static void teardown(void)
{
	fd_close(ends[0]);
	fd_close(ends[1]);
}

static int count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

START_TEST(descriptors_arrive)
{
	struct proto_message out = {.type = PROTO_KERNEL, .serial = 1, .fd_count = 2}, in;
	char letter = 0;
	int first[2], second[2];

	ck_assert_int_eq(pipe(first), 0);
	ck_assert_int_eq(pipe(second), 0);
	out.fds[0] = first[0];
	out.fds[1] = second[0];
	strcpy(out.text, "quiet");
	ck_assert_int_eq(proto_send(ends[0], &out), 0);
	ck_assert_int_eq(proto_receive(ends[1], &in), 0);
	ck_assert_int_eq(in.type, PROTO_KERNEL);
	ck_assert_str_eq(in.text, "quiet");
	ck_assert_uint_eq(in.fd_count, 2);
	ck_assert_int_eq(fd_write_full(second[1], "b", 1), 0);
	ck_assert_int_eq(fd_read_full(in.fds[1], &letter, 1), 0);
	ck_assert_int_eq(letter, 'b');
	ck_assert(fcntl(in.fds[0], F_GETFD) & FD_CLOEXEC);
	proto_message_close_fds(&in);
	for (int i = 0; i < 2; i++) {
		fd_close(first[i]);
		fd_close(second[i]);
	}
}
END_TEST

START_TEST(nothing_there_and_peer_gone)
{
	struct proto_message message = {.type = PROTO_STATS, .serial = 1};

	ck_assert_int_eq(proto_receive(ends[1], &message), -EAGAIN);
	ends[0] = fd_close(ends[0]);
	ck_assert_int_eq(proto_receive(ends[1], &message), -ECONNRESET);
	ck_assert_int_eq(
		proto_send(ends[1], &(struct proto_message){.type = PROTO_STATS, .serial = 1}),
		-EPIPE);
}
END_TEST

/* A packet with `count` descriptors, whatever its header says. */
static void send_raw(const void *data, size_t size, int count)
{
	union {
		char buffer[CMSG_SPACE(20 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	if (count > 0) {
		msg.msg_control = control.buffer;
		msg.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		for (int i = 0; i < count; i++)
			memcpy(CMSG_DATA(cmsg) + (size_t)i * sizeof(int), &ends[0], sizeof(int));
	}
	ck_assert_int_eq(sendmsg(ends[0], &msg, MSG_NOSIGNAL), (ssize_t)size);
}

START_TEST(hostile_packets_leak_no_descriptor)
{
	struct proto_message message = {.type = PROTO_STATS, .serial = 1};
	char buffer[PROTO_MAX_MESSAGE + 100] = {0};
	size_t length = 0;
	int before = count_open();

	ck_assert_int_eq(proto_encode(&message, buffer, sizeof(buffer), &length), 0);
	for (int count = 1; count <= 20; count++) {
		send_raw(buffer, length, count);
		ck_assert_int_eq(proto_receive(ends[1], &message), -EBADMSG);
		ck_assert_int_eq(count_open(), before);
	}
	send_raw("x", 1, 1);
	ck_assert_int_eq(proto_receive(ends[1], &message), -EBADMSG);
	send_raw(buffer, sizeof(buffer), 2);
	ck_assert_int_eq(proto_receive(ends[1], &message), -EBADMSG);
	ck_assert_int_eq(count_open(), before);
	/* and the socket is good for the next message */
	message = (struct proto_message){.type = PROTO_STATS, .serial = 2};
	ck_assert_int_eq(proto_send(ends[0], &message), 0);
	ck_assert_int_eq(proto_receive(ends[1], &message), 0);
	ck_assert_uint_eq(message.serial, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("channel");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, descriptors_arrive);
	tcase_add_test(tcase, nothing_there_and_peer_gone);
	tcase_add_test(tcase, hostile_packets_leak_no_descriptor);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
