/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's end: every state × every request, connections that come and go, hostile daemons.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proto/channel.h"
#include "proto/service.h"

static struct proto_service service;
static struct sockaddr_un address;
static socklen_t address_length;
static enum proto_type last_request;
static int request_result;

static int on_request(void *data, const struct proto_message *message, char *text)
{
	last_request = message->type;
	if (request_result < 0)
		strcpy(text, "because");
	return request_result;
}

static void on_stats(void *data, struct proto_stats *ret)
{
	ret->vcpu_ns = 42;
}

static const struct proto_service_ops ops = {.request = on_request, .stats = on_stats};

static void setup(void)
{
	struct sockaddr_un any = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	/* an abstract name of the kernel's choice */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	address_length = sizeof(address);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &address_length), 0);
	proto_service_init(&service, fd, &ops, NULL);
	service.uuid[0] = 0xaa;
	service.nonce[0] = 0xbb;
	request_result = 0;
}

static void teardown(void)
{
	proto_service_fini(&service);
}

static int connect_daemon(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, address_length), 0);
	proto_service_accept(&service);
	return fd;
}

/* Sends, lets the service handle it, and receives the answer. */
static struct proto_message ask(int fd, struct proto_message request)
{
	struct proto_message answer;

	ck_assert_int_eq(proto_send(fd, &request), 0);
	proto_service_handle(&service);
	ck_assert_int_eq(proto_receive(fd, &answer), 0);
	ck_assert_uint_eq(answer.serial, request.serial);
	return answer;
}

static struct proto_message hello(void)
{
	struct proto_message m = {.type = PROTO_HELLO, .serial = 1};

	m.hello = (struct proto_hello){.min_version = 1, .max_version = 9, .uuid = {0xaa}};
	return m;
}

static int greeted_daemon(void)
{
	int fd = connect_daemon();

	ck_assert_int_eq(ask(fd, hello()).type, PROTO_HELLO_REPLY);
	return fd;
}

START_TEST(hello_tells_state_and_nonce)
{
	_cleanup_close_ int fd = connect_daemon();
	struct proto_message answer;

	proto_service_set_state(&service, PROTO_STATE_PAUSED, PROTO_CAUSE_LOW_DISK, NULL);
	answer = ask(fd, hello());
	ck_assert_int_eq(answer.type, PROTO_HELLO_REPLY);
	ck_assert_uint_eq(answer.hello_reply.version, PROTO_VERSION);
	ck_assert_uint_eq(answer.hello_reply.state, PROTO_STATE_PAUSED);
	ck_assert_uint_eq(answer.hello_reply.cause, PROTO_CAUSE_LOW_DISK);
	ck_assert_uint_eq(answer.hello_reply.nonce[0], 0xbb);
}
END_TEST

START_TEST(hello_of_a_later_version_or_another_machine_is_refused)
{
	_cleanup_close_ int fd = connect_daemon();
	struct proto_message request = hello();

	request.hello.min_version = 2;
	ck_assert_int_eq(ask(fd, request).reply.status, -EPROTONOSUPPORT);
	request = hello();
	request.hello.uuid[0] = 1;
	ck_assert_int_eq(ask(fd, request).reply.status, -ENXIO);
	ck_assert(!service.greeted);
}
END_TEST

START_TEST(without_hello_the_connection_ends)
{
	_cleanup_close_ int fd = connect_daemon();
	struct proto_message m = {.type = PROTO_POWER_OFF, .serial = 1};

	ck_assert_int_eq(proto_send(fd, &m), 0);
	proto_service_handle(&service);
	ck_assert_int_eq(service.peer, -1);
	ck_assert_int_eq(proto_receive(fd, &m), -ECONNRESET);
}
END_TEST

START_TEST(garbage_and_answers_end_the_connection)
{
	_cleanup_close_ int first = greeted_daemon(), second = -1;
	struct proto_message m = {.type = PROTO_REPLY, .serial = 1};

	ck_assert_int_eq(send(first, "garbage", 7, 0), 7);
	proto_service_handle(&service);
	ck_assert_int_eq(service.peer, -1);
	second = greeted_daemon();
	ck_assert_int_eq(proto_send(second, &m), 0);
	proto_service_handle(&service);
	ck_assert_int_eq(service.peer, -1);
}
END_TEST

START_TEST(one_daemon_at_a_time_and_the_next_after_it)
{
	int first = greeted_daemon();
	_cleanup_close_ int second = connect_daemon(), third = -1;
	struct proto_message m;

	ck_assert_int_eq(proto_receive(second, &m), -ECONNRESET);
	fd_close(first);
	proto_service_handle(&service);
	ck_assert_int_eq(service.peer, -1);
	third = greeted_daemon();
	ck_assert_int_ge(service.peer, 0);
}
END_TEST

START_TEST(events_reach_the_daemon)
{
	_cleanup_close_ int fd = greeted_daemon();
	const uint64_t parameters[5] = {1, 2, 3, 4, 5};
	struct proto_message m;

	proto_service_guest_event(&service, PROTO_GUEST_CRASH, parameters, "panic");
	proto_service_set_state(&service, PROTO_STATE_STOPPED, PROTO_CAUSE_GUEST_CRASH, "why");
	ck_assert_int_eq(proto_receive(fd, &m), 0);
	ck_assert_int_eq(m.type, PROTO_EVENT_GUEST);
	ck_assert_uint_eq(m.guest.parameters[4], 5);
	ck_assert_str_eq(m.text, "panic");
	ck_assert_int_eq(proto_receive(fd, &m), 0);
	ck_assert_int_eq(m.type, PROTO_EVENT_STATE);
	ck_assert_uint_eq(m.state.cause, PROTO_CAUSE_GUEST_CRASH);
	ck_assert_str_eq(m.text, "why");
}
END_TEST

/* Without a daemon, or with one that went before it did anything about it. */
START_TEST(the_next_daemon_hears_of_a_crash)
{
	const uint64_t parameters[5] = {1, 2, 3, 4, 5};
	struct proto_message m;

	service.state = PROTO_STATE_RUNNING;
	proto_service_guest_event(&service, PROTO_GUEST_CRASH, parameters, "panic");
	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int fd = greeted_daemon();

		ck_assert_int_eq(proto_receive(fd, &m), 0);
		ck_assert_int_eq(m.type, PROTO_EVENT_GUEST);
		ck_assert_uint_eq(m.guest.event, PROTO_GUEST_CRASH);
		ck_assert_uint_eq(m.guest.parameters[4], 5);
		ck_assert_str_eq(m.text, "panic");
		fd = fd_close(fd);
		proto_service_handle(&service);
	}
}
END_TEST

START_TEST(a_reset_ends_a_crash)
{
	const uint64_t none[5] = {0};
	struct proto_message m;

	for (int by_daemon = 0; by_daemon < 2; by_daemon++) {
		_cleanup_close_ int fd = greeted_daemon(), next = -1;

		service.state = PROTO_STATE_RUNNING;
		proto_service_guest_event(&service, PROTO_GUEST_CRASH, none, NULL);
		ck_assert_int_eq(proto_receive(fd, &m), 0);
		if (by_daemon)
			ask(fd, (struct proto_message){.type = PROTO_RESET, .serial = 3});
		else
			proto_service_guest_event(&service, PROTO_GUEST_RESET, none, NULL);
		fd = fd_close(fd);
		proto_service_handle(&service);
		next = greeted_daemon();
		ck_assert_int_eq(proto_receive(next, &m), -EAGAIN);
		next = fd_close(next);
		proto_service_handle(&service);
	}
}
END_TEST

START_TEST(a_deaf_daemon_is_dropped_and_harms_nobody)
{
	_cleanup_close_ int deaf = greeted_daemon(), next = -1;

	ck_assert_int_ge(deaf, 0);
	for (int i = 0; service.peer >= 0; i++) {
		ck_assert_int_lt(i, 100000);
		proto_service_set_state(&service, PROTO_STATE_RUNNING, PROTO_CAUSE_REQUEST, "x");
	}
	next = greeted_daemon();
	ck_assert_int_eq(ask(next, (struct proto_message){.type = PROTO_STATS, .serial = 3}).type,
			 PROTO_STATS_REPLY);
}
END_TEST

START_TEST(errors_come_back_with_their_words)
{
	_cleanup_close_ int fd = greeted_daemon();
	struct proto_message m;

	service.state = PROTO_STATE_RUNNING;
	request_result = -EIO;
	m = ask(fd, (struct proto_message){.type = PROTO_PAUSE, .serial = 9});
	ck_assert_int_eq(m.reply.status, -EIO);
	ck_assert_str_eq(m.text, "because");
}
END_TEST

static struct proto_message request_of(enum proto_type type)
{
	struct proto_message m = {.type = type, .serial = 5};

	if (type == PROTO_MACHINE)
		m.machine = (struct proto_machine){.memory = MIB(64), .vcpus = 1};
	if (type == PROTO_DISK)
		m.disk.kind = PROTO_DISK_CD;
	if (type == PROTO_FIRMWARE || type == PROTO_KERNEL || type == PROTO_NIC ||
	    type == PROTO_CONSOLE) {
		m.fd_count = 1;
		m.fds[0] = STDERR_FILENO;
	}
	return m;
}

/* Columns: created without MACHINE, created with it, running, paused, stopped. y: allowed. */
static const struct {
	enum proto_type type;
	const char *allowed;
} rules[] = {
	{PROTO_MACHINE, "ynnnn"},  {PROTO_FIRMWARE, "nynnn"}, {PROTO_KERNEL, "nynnn"},
	{PROTO_DISK, "nynnn"},     {PROTO_NIC, "nynnn"},      {PROTO_POWER_ON, "nynnn"},
	{PROTO_PAUSE, "nnynn"},    {PROTO_RESUME, "nnnyn"},   {PROTO_RESET, "nnyyn"},
	{PROTO_SHUTDOWN, "nnynn"}, {PROTO_REBOOT, "nnynn"},   {PROTO_POWER_OFF, "yyyyn"},
	{PROTO_CONSOLE, "yyyyn"},  {PROTO_MEDIUM, "nnyyn"},
};

START_TEST(every_state_and_every_request)
{
	_cleanup_close_ int fd = greeted_daemon();
	static const enum proto_state states[] = {PROTO_STATE_CREATED, PROTO_STATE_CREATED,
						  PROTO_STATE_RUNNING, PROTO_STATE_PAUSED,
						  PROTO_STATE_STOPPED};

	for (int column = 0; column < 5; column++) {
		for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
			bool allowed = rules[i].allowed[column] == 'y';
			struct proto_message answer;

			service.state = states[column];
			service.machine_known = column > 0;
			last_request = PROTO_HELLO;
			answer = ask(fd, request_of(rules[i].type));
			ck_assert_msg(answer.reply.status == (allowed ? 0 : -EBADFD),
				      "%s in column %d: %d", proto_type_name(rules[i].type), column,
				      answer.reply.status);
			ck_assert_int_eq(last_request, allowed ? rules[i].type : PROTO_HELLO);
			if (!allowed)
				ck_assert_str_ne(answer.text, "");
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, hello_tells_state_and_nonce);
	tcase_add_test(tcase, hello_of_a_later_version_or_another_machine_is_refused);
	tcase_add_test(tcase, without_hello_the_connection_ends);
	tcase_add_test(tcase, garbage_and_answers_end_the_connection);
	tcase_add_test(tcase, one_daemon_at_a_time_and_the_next_after_it);
	tcase_add_test(tcase, events_reach_the_daemon);
	tcase_add_test(tcase, the_next_daemon_hears_of_a_crash);
	tcase_add_test(tcase, a_reset_ends_a_crash);
	tcase_add_test(tcase, a_deaf_daemon_is_dropped_and_harms_nobody);
	tcase_add_test(tcase, errors_come_back_with_their_words);
	tcase_add_test(tcase, every_state_and_every_request);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
