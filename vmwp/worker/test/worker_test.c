/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker as a program, in a process of its own and on the fake backend: bad starts and what is
 * said of them, and each way that a machine ends. What the guest does is queued in the VPs as they
 * are made (vid_vp_create is wrapped by the linker).
 */
#include "worker.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_image.h"
#include "vid/fake.h"

#define EXITS 8

/* What VP 0 does, one list for each time that it is made. */
static struct vid_exit scripts[3][EXITS];
static unsigned int script_sizes[3];
static unsigned int made;

int __real_vid_vp_create(struct vid_partition *partition, uint32_t index, struct vid_vp **ret_vp);
int __wrap_vid_vp_create(struct vid_partition *partition, uint32_t index, struct vid_vp **ret_vp);

int __wrap_vid_vp_create(struct vid_partition *partition, uint32_t index, struct vid_vp **ret_vp)
{
	int r = __real_vid_vp_create(partition, index, ret_vp);

	if (r < 0 || index != 0 || made == 3)
		return r;
	for (unsigned int i = 0; i < script_sizes[made]; i++)
		if (vid_fake_queue_exit(*ret_vp, &scripts[made][i]) < 0)
			abort();
	made++;
	return 0;
}

static void will(unsigned int life, struct vid_exit exit)
{
	scripts[life][script_sizes[life]++] = exit;
}

static void will_write(unsigned int life, uint16_t port, uint8_t size, uint32_t value)
{
	struct vid_exit exit = {.kind = VID_EXIT_IO, .instruction.length = 1};

	exit.io = (struct vid_exit_io){.port = port, .size = size, .write = true, .value = value};
	will(life, exit);
}

/* PM1 control: SLP_EN, sleep type of S5. */
static void will_turn_off(unsigned int life)
{
	will_write(life, 0x604, 2, 0x2000);
}

/* --- the worker's process --- */

struct ended {
	int status;
	char log[4096];
};

static pid_t child;
static int log_end;
static char kernel_word[32], image_word[64], com1_word[32];
static int com1;

static int open_fake(int fd, struct vid_partition **ret_partition)
{
	return vid_fake_partition_create(ret_partition);
}

static void start(bool sandbox, int count, char **words)
{
	const struct worker_options options = {.sandbox = sandbox, .open_partition = open_fake};
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		_exit(worker_main(count, words, &options));
	}
	close(ends[1]);
	log_end = ends[0];
}

/* Reads the log until `text` has come, or to its end. */
static void read_log(struct ended *ended, const char *text)
{
	size_t size = strlen(ended->log);
	ssize_t n;

	while ((!text || !strstr(ended->log, text)) &&
	       (n = read(log_end, ended->log + size, sizeof ended->log - 1 - size)) > 0)
		size += (size_t)n;
}

static void finish(struct ended *ended)
{
	int status;

	read_log(ended, NULL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "status %x, log: %s", status, ended->log);
	ended->status = WEXITSTATUS(status);
	close(log_end);
}

static void run_words(struct ended *ended, bool sandbox, int count, char **words)
{
	memset(ended, 0, sizeof *ended);
	start(sandbox, count, words);
	finish(ended);
}

#define RUN(ended, ...)                                                           \
	do {                                                                      \
		char *words_[] = {__VA_ARGS__};                                   \
		run_words(ended, true, sizeof words_ / sizeof words_[0], words_); \
	} while (0)

static void setup(void)
{
	int pair[2];

	snprintf(kernel_word, sizeof kernel_word, "kernel=%d", kernel_image_file());
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	com1 = pair[0];
	snprintf(com1_word, sizeof com1_word, "com1=%d", pair[1]);
	memset(script_sizes, 0, sizeof script_sizes);
	made = 0;
}

static void assert_ended(const struct ended *ended, int status, const char *text)
{
	ck_assert_msg(ended->status == status, "status %d, log: %s", ended->status, ended->log);
	ck_assert_msg(strstr(ended->log, text) != NULL, "log: %s", ended->log);
}

/* Bad input: status 1 and one line. */
static void assert_bad(const struct ended *ended, const char *line)
{
	char expected[512];

	snprintf(expected, sizeof expected, "vmwp: %s\n", line);
	ck_assert_msg(ended->status == WORKER_BAD_START, "status %d", ended->status);
	ck_assert_str_eq(ended->log, expected);
}

START_TEST(bad_starts)
{
	static uint8_t bytes[100000];
	struct ended e;

	RUN(&e, "memory=0");
	assert_bad(&e, "memory: \"0\" is not 16 to 1048576 (MiB)");
	RUN(&e, "memory=64");
	assert_bad(&e, "neither firmware nor kernel is given");
	RUN(&e, "memory=64", "kernel=77");
	assert_bad(&e, "kernel: descriptor 77 is not open");
	snprintf(image_word, sizeof image_word, "kernel=%d", file_of(bytes, 100));
	RUN(&e, "memory=64", image_word);
	assert_bad(&e, "kernel: is not a Linux kernel (bzImage) and has no multiboot header");
	snprintf(image_word, sizeof image_word, "initrd=%d", file_of("", 0));
	RUN(&e, "memory=64", kernel_word, image_word);
	assert_bad(&e, "initrd: is empty");
	snprintf(image_word, sizeof image_word, "firmware=%d", file_of(bytes, 1000));
	RUN(&e, "memory=64", image_word);
	assert_bad(&e, "firmware: has 1000 bytes; an image has 64 KiB to 16 MiB, whole pages");
}
END_TEST

START_TEST(bad_disks)
{
	static uint8_t bytes[1000];
	char expected[128];
	struct ended e;
	int fd = file_of(bytes, sizeof bytes);

	snprintf(image_word, sizeof image_word, "hdb=%d", fd);
	RUN(&e, "memory=64", kernel_word, image_word);
	snprintf(expected, sizeof expected,
		 "hdb: descriptor %d has 1000 bytes, which is no multiple of 512", fd);
	assert_bad(&e, expected);
	ck_assert_int_eq(ftruncate(fd, 512), 0);
	snprintf(image_word, sizeof image_word, "hdc=cdrom,%d", fd);
	RUN(&e, "memory=64", kernel_word, image_word);
	snprintf(expected, sizeof expected,
		 "hdc: descriptor %d has 512 bytes, which is no multiple of 2048", fd);
	assert_bad(&e, expected);
}
END_TEST

START_TEST(more_memory_than_there_is)
{
	struct ended e;

	will_turn_off(0);
	RUN(&e, "memory=1048576", kernel_word);
	if (e.status != WORKER_OFF) /* a host with a TiB of memory may well run it */
		assert_ended(&e, WORKER_BAD_START, "memory: 1048576 MiB are not to be had");
}
END_TEST

START_TEST(power_off)
{
	struct ended e;

	will_turn_off(0);
	RUN(&e, "memory=64", kernel_word, "processors=4", "name=x");
	assert_ended(&e, WORKER_OFF, "the guest turned the machine off");
}
END_TEST

START_TEST(reset_starts_again)
{
	struct ended e;

	will_write(0, 0xcf9, 1, 6);
	will_write(1, 0x64, 1, 0xfe); /* the keyboard controller's way */
	will_turn_off(2);
	RUN(&e, "memory=64", kernel_word, "processors=2");
	assert_ended(&e, WORKER_OFF, "reset\nvmwp: reset\n");
}
END_TEST

START_TEST(reset_may_end_the_worker)
{
	struct ended e;

	will_write(0, 0xcf9, 1, 6);
	RUN(&e, "memory=64", kernel_word, "reset=exit");
	assert_ended(&e, WORKER_RESET_WANTED, "the guest reset the machine");
}
END_TEST

START_TEST(resets_may_be_limited)
{
	struct ended e;

	will_write(0, 0xcf9, 1, 6);
	will(1, (struct vid_exit){.kind = VID_EXIT_SHUTDOWN});
	will_write(2, 0xcf9, 1, 6);
	RUN(&e, "memory=64", kernel_word, "reset=2");
	assert_ended(&e, WORKER_RESET_WANTED,
		     "the guest reset the machine, and 2 resets are allowed");
}
END_TEST

START_TEST(crash_may_end_the_worker)
{
	struct ended e;

	will(0, (struct vid_exit){.kind = VID_EXIT_CRASH, .crash = {1, 2, 3, 4, 5}});
	RUN(&e, "memory=64", kernel_word, "crash=exit");
	assert_ended(&e, WORKER_GUEST_CRASH, "the guest crashed: 0x1 0x2 0x3 0x4 0x5");
	ck_assert_ptr_nonnull(strstr(e.log, "vmwp: the guest crashed\n"));
}
END_TEST

START_TEST(triple_fault)
{
	struct ended e;

	will(0, (struct vid_exit){.kind = VID_EXIT_SHUTDOWN});
	will_turn_off(1);
	RUN(&e, "memory=64", kernel_word);
	assert_ended(&e, WORKER_OFF, "triple fault of processor 0\nvmwp: reset\n");
	RUN(&e, "memory=64", kernel_word, "triple-fault=exit");
	assert_ended(&e, WORKER_TRIPLE_FAULT, "triple fault of processor 0");
}
END_TEST

/* What a guest brings about is told as its end, with RIP and the bytes there. */
START_TEST(guest_error)
{
	struct ended e;

	will(0, (struct vid_exit){.kind = VID_EXIT_INVALID_STATE});
	RUN(&e, "memory=64", kernel_word);
	assert_ended(&e, WORKER_GUEST_ERROR,
		     "the guest cannot go on: processor 0 at 0x0: the processor refuses its "
		     "state, bytes ");
}
END_TEST

/* INIT begins at the reset vector, and there is nothing without firmware. */
START_TEST(init_without_firmware_is_a_reset)
{
	struct ended e;

	will_write(0, 0x92, 1, 1);
	will_write(1, 0xcf9, 1, 4); /* RCPU without SRST */
	will_turn_off(2);
	RUN(&e, "memory=64", kernel_word);
	assert_ended(&e, WORKER_OFF, "reset\nvmwp: reset\n");
}
END_TEST

START_TEST(hang_and_crash_are_told_and_signals_end)
{
	char *words[] = {"memory=64", kernel_word};
	struct ended e = {0};

	will(0, (struct vid_exit){.kind = VID_EXIT_CRASH, .crash = {1, 2, 3, 4, 5}});
	will(0, (struct vid_exit){.kind = VID_EXIT_HALT});
	start(true, 2, words);
	read_log(&e, "interrupts off");
	ck_assert_ptr_nonnull(strstr(e.log, "the guest crashed: 0x1 0x2 0x3 0x4 0x5"));
	kill(child, SIGTERM);
	finish(&e);
	assert_ended(&e, WORKER_OFF, "stopped by signal 15");
}
END_TEST

/* Output goes to standard output; where there is no input, the machine runs all the same. */
START_TEST(console_of_standard_output)
{
	char text[8] = "";
	struct ended e;
	int ends[2], before = dup(1);

	ck_assert_int_eq(pipe(ends), 0);
	dup2(ends[1], 1);
	for (const char *c = "hi"; *c; c++)
		will_write(0, 0x3f8, 1, (uint8_t)*c);
	will_turn_off(0);
	RUN(&e, "memory=64", kernel_word, "com1=stdio");
	ck_assert_int_eq(fcntl(1, F_GETFL) & O_NONBLOCK, 0);
	dup2(before, 1);
	assert_ended(&e, WORKER_OFF, "off");
	ck_assert_int_eq(read(ends[0], text, sizeof text), 2);
	ck_assert_str_eq(text, "hi");
}
END_TEST

START_TEST(files_by_path)
{
	struct ended e;

	will_turn_off(0);
	RUN(&e, "memory=64", "kernel=/nowhere/vmlinuz");
	assert_bad(&e, "kernel: /nowhere/vmlinuz: No such file or directory");
	RUN(&e, "memory=64", "kernel=/dev/null");
	assert_bad(&e, "kernel: /dev/null: is not a regular file");
	RUN(&e, "memory=64", kernel_word, "hda=/dev/null");
	assert_bad(&e, "hda: /dev/null is neither a file nor a block device");
}
END_TEST

START_TEST(console_of_a_descriptor)
{
	char text[8] = "";
	struct ended e;

	for (const char *c = "hi"; *c; c++)
		will_write(0, 0x3f8, 1, (uint8_t)*c);
	will_turn_off(0);
	RUN(&e, "memory=64", kernel_word, com1_word);
	assert_ended(&e, WORKER_OFF, "off");
	ck_assert_int_eq(read(com1, text, sizeof text), 2);
	ck_assert_str_eq(text, "hi");
}
END_TEST

/* More than a socket holds while nobody reads: the guest goes on, and the worker ends. */
START_TEST(pty_console)
{
	struct ended e;

	for (int i = 0; i < EXITS - 1; i++)
		will_write(0, 0x3f8, 1, 'x');
	will_turn_off(0);
	RUN(&e, "memory=64", kernel_word, "com1=pty");
	assert_ended(&e, WORKER_OFF, "com1 is /dev/pts/");
}
END_TEST

START_TEST(a_disk_request_of_the_guest)
{
	static uint8_t sector[4096];
	struct ended e;

	snprintf(image_word, sizeof image_word, "hda=%d", file_of(sector, sizeof sector));
	will_write(0, 0x1f6, 1, 0xe0);
	will_write(0, 0x1f2, 1, 1);
	will_write(0, 0x1f7, 1, 0x20);
	will_turn_off(0);
	RUN(&e, "memory=64", kernel_word, image_word);
	assert_ended(&e, WORKER_OFF, "off");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tc = tcase_create("worker");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, bad_starts);
	tcase_add_test(tc, bad_disks);
	tcase_add_test(tc, more_memory_than_there_is);
	tcase_add_test(tc, power_off);
	tcase_add_test(tc, reset_starts_again);
	tcase_add_test(tc, reset_may_end_the_worker);
	tcase_add_test(tc, resets_may_be_limited);
	tcase_add_test(tc, crash_may_end_the_worker);
	tcase_add_test(tc, triple_fault);
	tcase_add_test(tc, guest_error);
	tcase_add_test(tc, init_without_firmware_is_a_reset);
	tcase_add_test(tc, hang_and_crash_are_told_and_signals_end);
	tcase_add_test(tc, console_of_standard_output);
	tcase_add_test(tc, files_by_path);
	tcase_add_test(tc, console_of_a_descriptor);
	tcase_add_test(tc, pty_console);
	tcase_add_test(tc, a_disk_request_of_the_guest);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
