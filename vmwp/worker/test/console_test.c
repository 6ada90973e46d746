/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A serial port between a guest's port accesses and a socket, with the loop turning in between. */
#include "console.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "machine_bench.h"

static struct bench b;
static struct console c;
static struct ev_loop *loop;
static int host; /* the other end */

static void setup(void)
{
	int pair[2], size = 65536;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
	host = pair[0];
	ck_assert_int_eq(fd_set_nonblock(host, true), 0);
	loop = ev_loop_new(EVBACKEND_EPOLL);
	bench_init(&b);
	console_init(&c, loop, &b.machine);
	ck_assert_int_eq(console_open_fd(&c, pair[1]), 0);
	b.config.serial[0] = console_chardev(&c);
	ck_assert_int_eq(bench_make(&b), 0);
	console_start(&c, b.machine.serial[0]);
}

static void teardown(void)
{
	bench_fini(&b);
	console_fini(&c);
	ev_loop_destroy(loop);
	close(host);
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	machine_lock(&b.machine);
	value = (uint8_t)vdev_bus_read(&b.machine.board.ports, port, 1);
	machine_unlock(&b.machine);
	return value;
}

static void out(uint8_t value)
{
	machine_lock(&b.machine);
	vdev_bus_write(&b.machine.board.ports, 0x3f8, 1, value);
	machine_unlock(&b.machine);
}

static bool is_empty(void)
{
	return in(0x3fd) & 0x20;
}

/* As a guest would read: the loop turns until there is a byte. */
static uint8_t read_byte(void)
{
	while (!(in(0x3fd) & 1))
		ev_run(loop, EVRUN_ONCE);
	return in(0x3f8);
}

START_TEST(input_reaches_the_guest_whole)
{
	uint8_t text[1000];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i * 7);
	ck_assert_int_eq(write(host, text, sizeof text), sizeof text);
	for (size_t i = 0; i < sizeof text; i++)
		ck_assert_uint_eq(read_byte(), text[i]);
}
END_TEST

/* Reads what is there, checks that it goes on where it left off. */
static size_t drain(uint8_t *next)
{
	uint8_t buffer[4096];
	size_t sum = 0;
	ssize_t n;

	while ((n = read(host, buffer, sizeof buffer)) > 0)
		for (ssize_t i = 0; i < n; i++, sum++)
			ck_assert_uint_eq(buffer[i], (*next)++);
	return sum;
}

static size_t fill(uint8_t *next)
{
	size_t sum = 0;

	for (; is_empty(); sum++) {
		ck_assert_uint_lt(sum, 1u << 20);
		out((*next)++);
	}
	return sum;
}

START_TEST(output_waits_for_a_slow_reader)
{
	uint8_t sent_next = 0, read_next = 0;
	size_t sent, got = 0;

	sent = fill(&sent_next);
	ck_assert_uint_gt(sent, 16);
	got += drain(&read_next);
	while (!is_empty())
		ev_run(loop, EVRUN_ONCE);
	sent += fill(&sent_next);
	while (got < sent) {
		got += drain(&read_next);
		if (got < sent)
			ev_run(loop, EVRUN_ONCE);
	}
	ck_assert_uint_eq(got, sent);
}
END_TEST

START_TEST(output_does_not_wait_for_an_absent_reader)
{
	uint8_t next = 0;

	fill(&next);
	while (!is_empty())
		ev_run(loop, EVRUN_ONCE);
	for (int i = 0; i < 10000; i++) {
		out('x');
		ck_assert(is_empty());
	}
	next = 0;
	ck_assert_uint_gt(drain(&next), 0); /* the old bytes are whole; and then it goes on */
	out('y');
	ck_assert(is_empty());
}
END_TEST

START_TEST(the_other_end_goes_away)
{
	ck_assert_int_eq(shutdown(host, SHUT_RDWR), 0);
	ev_run(loop, EVRUN_ONCE);
	for (int i = 0; i < 100; i++) {
		out('x');
		ck_assert(is_empty());
	}
}
END_TEST

START_TEST(another_end_is_attached)
{
	uint8_t next = 0;
	int pair[2];
	char byte;

	fill(&next); /* the guest waits for the old one */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(console_attach(&c, pair[1]), 0);
	ck_assert(is_empty());
	out('!');
	while (read(pair[0], &byte, 1) == 1 && byte != '!')
		;
	ck_assert_int_eq(byte, '!');
	ck_assert_int_eq(write(pair[0], "?", 1), 1);
	ck_assert_uint_eq(read_byte(), '?');
	close(pair[0]);
}
END_TEST

START_TEST(a_terminal)
{
	char name[64];
	int fd;

	ck_assert_int_eq(console_open_pty(&c, name, sizeof name), 0);
	fd = open(name, O_RDWR | O_NOCTTY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(c.fd, "a\n", 2), 2);
	ck_assert_int_eq(read(fd, name, 2), 2);
	ck_assert_int_eq(memcmp(name, "a\n", 2), 0); /* raw: no carriage return added */
	close(fd);
}
END_TEST

static volatile sig_atomic_t interrupts;

static void note_interrupt(int number)
{
	interrupts++;
}

/* Standard input and output are a terminal: raw meanwhile, then as before. */
START_TEST(a_terminal_of_the_user)
{
	struct termios before, now;
	int lead, follow, flags;

	ck_assert_int_eq(openpty(&lead, &follow, NULL, NULL, NULL), 0);
	dup2(follow, 0);
	dup2(follow, 1);
	flags = fcntl(0, F_GETFL);
	tcgetattr(0, &before);
	console_fini(&c);
	console_init(&c, loop, &b.machine);
	ck_assert_int_eq(console_open_stdio(&c), 0);
	console_start(&c, b.machine.serial[0]);
	tcgetattr(0, &now);
	ck_assert_uint_eq(now.c_lflag & (ICANON | ECHO | ISIG), 0);
	out('x');
	ck_assert_int_eq(write(lead, "\3", 1), 1); /* Ctrl-C is the guest's */
	ck_assert_uint_eq(read_byte(), 3);
	signal(SIGINT, note_interrupt);
	ck_assert_int_eq(write(lead, "a\x1d", 2), 2);
	while (!interrupts)
		ev_run(loop, EVRUN_ONCE);
	console_fini(&c);
	tcgetattr(0, &now);
	ck_assert_uint_eq(now.c_lflag, before.c_lflag);
	ck_assert_int_eq(fcntl(0, F_GETFL), flags);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("console");
	TCase *tc = tcase_create("console");
	SRunner *runner = srunner_create(suite);
	int failed;

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, input_reaches_the_guest_whole);
	tcase_add_test(tc, output_waits_for_a_slow_reader);
	tcase_add_test(tc, output_does_not_wait_for_an_absent_reader);
	tcase_add_test(tc, the_other_end_goes_away);
	tcase_add_test(tc, another_end_is_attached);
	tcase_add_test(tc, a_terminal);
	tcase_add_test(tc, a_terminal_of_the_user);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
