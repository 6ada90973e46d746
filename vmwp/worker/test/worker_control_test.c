/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker under a daemon, which is this test: it sends requests through the real socket to a
 * worker in a process of its own, in its sandbox, on the fake backend.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_image.h"
#include "layout.h"
#include "proto/channel.h"
#include "vid/fake.h"
#include "worker.h"

#define UUID  "00112233-4455-6677-8899-aabbccddeeff"
#define NONCE "000102030405060708090a0b0c0d0e0f"

static const uint8_t uuid[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
				 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

/* What VP 0 does in its first lives. */
static struct vid_exit script[2];
static unsigned int script_size, made;

int __real_vid_vp_create(struct vid_partition *partition, uint32_t index, struct vid_vp **ret_vp);
int __wrap_vid_vp_create(struct vid_partition *partition, uint32_t index, struct vid_vp **ret_vp);

int __wrap_vid_vp_create(struct vid_partition *partition, uint32_t index, struct vid_vp **ret_vp)
{
	int r = __real_vid_vp_create(partition, index, ret_vp);

	if (r == 0 && index == 0 && made++ == 0)
		for (unsigned int i = 0; i < script_size; i++)
			if (vid_fake_queue_exit(*ret_vp, &script[i]) < 0)
				abort();
	return r;
}

static int open_fake(int fd, struct vid_partition **ret_partition)
{
	return vid_fake_partition_create(ret_partition);
}

static pid_t child;
static int child_log = -1; /* where its log goes, if not to this process's */
static struct sockaddr_un address;
static int daemon_fd;
static uint32_t serial;
static struct proto_message answer;

static void connect_daemon(void)
{
	daemon_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(daemon_fd, (struct sockaddr *)&address, sizeof address), 0);
}

/* The reading end of a pipe with the text in it. */
static int nonce_pipe(const char *text)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	return ends[0];
}

static void start(void)
{
	static const struct worker_options options = {.sandbox = true, .open_partition = open_fake};
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char fd[16], nonce_fd[16];
	char *words[] = {"--control-fd", fd, "--uuid", UUID, "--nonce-fd", nonce_fd};
	int nonce = nonce_pipe(NONCE);

	address.sun_family = AF_UNIX;
	snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "worker-test-%d", getpid());
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 2), 0);
	snprintf(fd, sizeof fd, "%d", listener);
	snprintf(nonce_fd, sizeof nonce_fd, "%d", nonce);
	child = fork();
	if (child == 0 && child_log >= 0)
		dup2(child_log, STDERR_FILENO);
	if (child == 0)
		_exit(worker_main(6, words, &options));
	close(listener);
	close(nonce);
	connect_daemon();
}

static void setup(void)
{
	script_size = made = serial = 0;
}

static void assert_ends(int status)
{
	int got;

	ck_assert_int_eq(waitpid(child, &got, 0), child);
	ck_assert_msg(WIFEXITED(got) && WEXITSTATUS(got) == status, "status %x", got);
}

/* --- messages --- */

/* The next answer; events before it are kept in `events`. */
static struct proto_message events[16];
static unsigned int event_count;

static void receive(void)
{
	for (;;) {
		int r = proto_receive(daemon_fd, &answer);

		ck_assert_int_eq(r, 0);
		if (answer.type != PROTO_EVENT_STATE && answer.type != PROTO_EVENT_GUEST)
			return;
		ck_assert_uint_lt(event_count, 16);
		events[event_count++] = answer;
	}
}

static void wait_event(void)
{
	ck_assert_int_eq(proto_receive(daemon_fd, &answer), 0);
	events[event_count++] = answer;
}

static int request(struct proto_message *message)
{
	message->serial = ++serial;
	ck_assert_int_eq(proto_send(daemon_fd, message), 0);
	receive();
	ck_assert_uint_eq(answer.serial, serial);
	return answer.type == PROTO_REPLY ? answer.reply.status : 0;
}

static int ask(enum proto_type type)
{
	struct proto_message message = {.type = type};

	return request(&message);
}

static void hello(void)
{
	struct proto_message message = {.type = PROTO_HELLO};

	message.hello.min_version = message.hello.max_version = PROTO_VERSION;
	memcpy(message.hello.uuid, uuid, sizeof uuid);
	ck_assert_int_eq(request(&message), 0);
	ck_assert_int_eq(answer.type, PROTO_HELLO_REPLY);
	ck_assert_uint_eq(answer.hello_reply.nonce[15], 15);
}

static void describe(bool stop_on_reboot)
{
	struct proto_message message = {.type = PROTO_MACHINE};

	message.machine.memory = MIB(64);
	message.machine.vcpus = 2;
	message.machine.boot[0] = PROTO_BOOT_HD;
	message.machine.boot[1] = PROTO_BOOT_CD;
	message.machine.stop_on_reboot = stop_on_reboot;
	ck_assert_int_eq(request(&message), 0);
}

static int give_kernel(int fd)
{
	struct proto_message message = {
		.type = PROTO_KERNEL, .text = "quiet", .fd_count = 1, .fds = {fd}};

	return request(&message);
}

static int give_disk(unsigned int unit, enum proto_disk_kind kind, int fd)
{
	struct proto_message message = {
		.type = PROTO_DISK, .text = "S-1", .fd_count = fd >= 0, .fds = {fd}};

	message.disk.unit = (uint8_t)unit;
	message.disk.kind = (uint8_t)kind;
	return request(&message);
}

static int give_port(enum proto_type type, unsigned int number, int fd)
{
	struct proto_message message = {.type = type, .fd_count = fd >= 0, .fds = {fd}};

	message.port.number = number;
	return request(&message);
}

static void make_ready(bool stop_on_reboot)
{
	static uint8_t sectors[4096];

	start();
	hello();
	describe(stop_on_reboot);
	ck_assert_int_eq(give_kernel(kernel_image_file()), 0);
	ck_assert_int_eq(give_disk(0, PROTO_DISK_HD, file_of(sectors, sizeof sectors)), 0);
	ck_assert_int_eq(give_disk(2, PROTO_DISK_CD, -1), 0);
}

static void power_on(bool stop_on_reboot)
{
	make_ready(stop_on_reboot);
	ck_assert_msg(ask(PROTO_POWER_ON) == 0, "%s", answer.text);
	ck_assert_uint_ge(event_count, 1);
	ck_assert_uint_eq(events[0].state.state, PROTO_STATE_RUNNING);
}

static void guest_will(struct vid_exit exit)
{
	script[script_size++] = exit;
}

static struct vid_exit port_write(uint16_t port, uint8_t size, uint32_t value)
{
	struct vid_exit exit = {.kind = VID_EXIT_IO, .instruction.length = 1};

	exit.io = (struct vid_exit_io){.port = port, .size = size, .write = true, .value = value};
	return exit;
}

/* --- a life --- */

START_TEST(a_whole_life)
{
	static uint8_t sectors[4096];
	int pair[2];

	power_on(false);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(give_port(PROTO_CONSOLE, 0, pair[0]), 0);
	ck_assert_int_eq(give_port(PROTO_CONSOLE, 0, pair[1]), 0);
	ck_assert_int_eq(ask(PROTO_PAUSE), 0);
	ck_assert_uint_eq(events[event_count - 1].state.state, PROTO_STATE_PAUSED);
	ck_assert_int_eq(ask(PROTO_RESET), 0);
	ck_assert_int_eq(ask(PROTO_RESUME), 0);
	ck_assert_uint_eq(events[event_count - 1].state.state, PROTO_STATE_RUNNING);
	ck_assert_int_eq(ask(PROTO_RESET), 0);
	ck_assert_int_eq(give_port(PROTO_MEDIUM, 2, file_of(sectors, sizeof sectors)), 0);
	ck_assert_int_eq(give_port(PROTO_MEDIUM, 2, file_of(sectors, 100)), -EINVAL);
	ck_assert_str_eq(answer.text, "has 100 bytes, which is no multiple of 2048");
	ck_assert_int_eq(give_port(PROTO_MEDIUM, 2, -1), 0);
	ck_assert_int_eq(give_port(PROTO_MEDIUM, 0, -1), -ENODEV);
	ck_assert_int_eq(ask(PROTO_SHUTDOWN), 0);
	ck_assert_int_eq(ask(PROTO_REBOOT), -EOPNOTSUPP);
	ck_assert_int_eq(ask(PROTO_STATS), 0);
	ck_assert_int_eq(answer.type, PROTO_STATS_REPLY);
	ck_assert_int_eq(ask(PROTO_POWER_OFF), 0);
	ck_assert_uint_eq(events[event_count - 1].state.state, PROTO_STATE_STOPPED);
	ck_assert_uint_eq(events[event_count - 1].state.cause, PROTO_CAUSE_REQUEST);
	assert_ends(WORKER_OFF);
}
END_TEST

START_TEST(a_daemon_that_comes_back)
{
	power_on(false);
	close(daemon_fd);
	connect_daemon();
	hello();
	ck_assert_uint_eq(answer.hello_reply.state, PROTO_STATE_RUNNING);
	ck_assert_int_eq(ask(PROTO_POWER_OFF), 0);
	assert_ends(WORKER_OFF);
}
END_TEST

START_TEST(the_guest_turns_itself_off)
{
	guest_will(port_write(0x604, 2, 0x2000));
	power_on(false);
	while (events[event_count - 1].state.state != PROTO_STATE_STOPPED)
		wait_event();
	ck_assert_uint_eq(events[event_count - 1].state.cause, PROTO_CAUSE_GUEST_OFF);
	assert_ends(WORKER_OFF);
}
END_TEST

/* Until the child's log has a line with this. */
static void wait_log(int fd, const char *text)
{
	char line[4096];
	ssize_t n;

	do {
		n = read(fd, line, sizeof line - 1);
		ck_assert_int_gt(n, 0);
		line[n] = '\0';
	} while (!strstr(line, text));
}

START_TEST(the_next_daemon_hears_of_the_end)
{
	struct proto_message on = {.type = PROTO_POWER_ON, .serial = 100};
	int log[2];

	ck_assert_int_eq(pipe(log), 0);
	child_log = log[1];
	guest_will(port_write(0x604, 2, 0x2000));
	make_ready(false);
	/* The daemon is gone before the machine begins to run. */
	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	ck_assert_int_eq(proto_send(daemon_fd, &on), 0);
	close(daemon_fd);
	ck_assert_int_eq(kill(child, SIGCONT), 0);
	wait_log(log[0], "the guest turned the machine off");
	connect_daemon();
	hello();
	ck_assert_uint_eq(answer.hello_reply.state, PROTO_STATE_STOPPED);
	ck_assert_uint_eq(answer.hello_reply.cause, PROTO_CAUSE_GUEST_OFF);
	assert_ends(WORKER_OFF);
}
END_TEST

START_TEST(the_guest_resets_itself)
{
	guest_will(port_write(0xcf9, 1, 6));
	power_on(false);
	while (events[event_count - 1].type != PROTO_EVENT_GUEST)
		wait_event();
	ck_assert_uint_eq(events[event_count - 1].guest.event, PROTO_GUEST_RESET);
	ck_assert_int_eq(ask(PROTO_POWER_OFF), 0);
	assert_ends(WORKER_OFF);
}
END_TEST

START_TEST(a_reset_may_end_the_worker)
{
	guest_will(port_write(0xcf9, 1, 6));
	power_on(true);
	while (events[event_count - 1].state.state != PROTO_STATE_STOPPED)
		wait_event();
	ck_assert_uint_eq(events[event_count - 1].state.cause, PROTO_CAUSE_GUEST_REBOOT);
	assert_ends(WORKER_RESET_WANTED);
}
END_TEST

START_TEST(a_crash_comes_with_its_parameters)
{
	guest_will((struct vid_exit){.kind = VID_EXIT_CRASH, .crash = {1, 2, 3, 4, 5}});
	guest_will((struct vid_exit){.kind = VID_EXIT_SHUTDOWN});
	power_on(true);
	while (events[event_count - 1].state.state != PROTO_STATE_STOPPED)
		wait_event();
	ck_assert_uint_eq(events[event_count - 1].state.cause, PROTO_CAUSE_GUEST_CRASH);
	ck_assert_int_eq(events[event_count - 2].type, PROTO_EVENT_GUEST);
	ck_assert_uint_eq(events[event_count - 2].guest.event, PROTO_GUEST_TRIPLE_FAULT);
	ck_assert_int_eq(events[event_count - 3].type, PROTO_EVENT_GUEST);
	ck_assert_uint_eq(events[event_count - 3].guest.event, PROTO_GUEST_CRASH);
	ck_assert_uint_eq(events[event_count - 3].guest.parameters[4], 5);
	assert_ends(WORKER_TRIPLE_FAULT);
}
END_TEST

START_TEST(a_crash_comes_with_its_words)
{
	/* where the kernel's command line is */
	guest_will((struct vid_exit){.kind = VID_EXIT_CRASH,
				     .crash = {0, 0, 0, LAYOUT_BOOT_CMDLINE, 6},
				     .crash_text = true});
	power_on(false);
	while (events[event_count - 1].type != PROTO_EVENT_GUEST)
		wait_event();
	ck_assert_uint_eq(events[event_count - 1].guest.event, PROTO_GUEST_CRASH);
	ck_assert_str_eq(events[event_count - 1].text, "quiet");
	ck_assert_int_eq(ask(PROTO_STATS), 0);
	ck_assert_uint_eq(answer.stats.deposit_free, 5);
	ck_assert_uint_eq(answer.stats.deposit_used, 3);
	ck_assert_int_eq(ask(PROTO_POWER_OFF), 0);
	assert_ends(WORKER_OFF);
}
END_TEST

/* --- bad input --- */

START_TEST(power_on_says_what_is_wrong)
{
	start();
	hello();
	describe(false);
	ck_assert_int_eq(ask(PROTO_POWER_ON), -EINVAL);
	ck_assert_str_eq(answer.text, "neither firmware nor kernel is given");
	ck_assert_int_eq(ask(PROTO_POWER_ON), -EINVAL); /* and says it again */
	ck_assert_str_eq(answer.text, "neither firmware nor kernel is given");
	ck_assert_int_eq(ask(PROTO_POWER_OFF), 0);
	assert_ends(WORKER_OFF);
}
END_TEST

START_TEST(bad_files)
{
	start();
	hello();
	describe(false);
	ck_assert_int_eq(give_kernel(file_of("no kernel", 9)), 0);
	ck_assert_int_eq(give_kernel(file_of("another", 7)), -EEXIST);
	ck_assert_int_eq(give_disk(1, PROTO_DISK_HD, file_of("x", 1)), 0);
	ck_assert_int_eq(give_disk(1, PROTO_DISK_HD, file_of("x", 1)), -EEXIST);
	ck_assert_int_eq(ask(PROTO_POWER_ON), -EINVAL);
	ck_assert_ptr_nonnull(strstr(answer.text, "hdb: descriptor"));
	ck_assert_ptr_nonnull(strstr(answer.text, "has 1 bytes, which is no multiple of 512"));
	kill(child, SIGTERM);
	assert_ends(WORKER_OFF);
}
END_TEST

static int status_of_words(int count, char **words)
{
	static const struct worker_options options = {.open_partition = open_fake};
	int status;

	child = fork();
	if (child == 0)
		_exit(worker_main(count, words, &options));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

START_TEST(bad_words)
{
	char good[16], bad[16], cut[16];
	char *no_fd[] = {"--control-fd", "x", "--uuid", UUID, "--nonce-fd", good};
	char *closed[] = {"--control-fd", "900", "--uuid", UUID, "--nonce-fd", good};
	char *no_uuid[] = {"--control-fd", "0", "--uuid", UUID "0", "--nonce-fd", good};
	char *no_nonce[] = {"--control-fd", "0", "--uuid", UUID, "--nonce-fd", "xy"};
	char *bad_nonce[] = {"--control-fd", "0", "--uuid", UUID, "--nonce-fd", bad};
	char *cut_nonce[] = {"--control-fd", "0", "--uuid", UUID, "--nonce-fd", cut};
	char *no_pipe[] = {"--control-fd", "0", "--uuid", UUID, "--nonce-fd", "901"};
	char *on_the_line[] = {"--control-fd", "0", "--uuid", UUID, "--nonce", NONCE};

	snprintf(good, sizeof good, "%d", nonce_pipe(NONCE));
	snprintf(bad, sizeof bad, "%d", nonce_pipe("zz" NONCE));
	snprintf(cut, sizeof cut, "%d", nonce_pipe("0123"));
	ck_assert_int_eq(status_of_words(6, no_fd), WORKER_BAD_START << 8);
	ck_assert_int_eq(status_of_words(5, closed), WORKER_BAD_START << 8);
	ck_assert_int_eq(status_of_words(6, closed), WORKER_BAD_START << 8);
	ck_assert_int_eq(status_of_words(6, no_uuid), WORKER_BAD_START << 8);
	ck_assert_int_eq(status_of_words(6, no_nonce), WORKER_BAD_START << 8);
	ck_assert_int_eq(status_of_words(6, bad_nonce), WORKER_BAD_START << 8);
	ck_assert_int_eq(status_of_words(6, cut_nonce), WORKER_BAD_START << 8);
	ck_assert_int_eq(status_of_words(6, no_pipe), WORKER_BAD_START << 8);
	ck_assert_int_eq(status_of_words(6, on_the_line), WORKER_BAD_START << 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker_control");
	TCase *tc = tcase_create("worker_control");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_whole_life);
	tcase_add_test(tc, a_daemon_that_comes_back);
	tcase_add_test(tc, the_guest_turns_itself_off);
	tcase_add_test(tc, the_next_daemon_hears_of_the_end);
	tcase_add_test(tc, the_guest_resets_itself);
	tcase_add_test(tc, a_reset_may_end_the_worker);
	tcase_add_test(tc, a_crash_comes_with_its_parameters);
	tcase_add_test(tc, a_crash_comes_with_its_words);
	tcase_add_test(tc, power_on_says_what_is_wrong);
	tcase_add_test(tc, bad_files);
	tcase_add_test(tc, bad_words);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
