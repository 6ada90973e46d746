/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker's configuration: every key, and one clear sentence for everything that is wrong. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct config config;
static struct config_error error;

static void setup(void)
{
	config_init(&config);
	memset(&error, 0, sizeof error);
}

static void take(const char *word)
{
	ck_assert_msg(config_word(&config, word, &error) == 0, "%s: %s", word, error.text);
}

START_TEST(takes_every_key)
{
	take("name=web 1");
	take("memory=512");
	take("processors=64");
	take("partition=10");
	take("firmware=11");
	take("kernel=12");
	take("initrd=13");
	take("debug=14");
	take("cmdline=console=ttyS0 root=/dev/sda1");
	take("hda=20");
	take("hdb=21,ro");
	take("hdc=cdrom");
	take("hdd=cdrom,22");
	take("com1=pty");
	take("com2=23");
	take("reset=exit");
	take("triple-fault=exit");
	ck_assert_str_eq(config.name, "web 1");
	ck_assert_uint_eq(config.memory_mib, 512);
	ck_assert_uint_eq(config.processors, 64);
	ck_assert_int_eq(config.partition_fd, 10);
	ck_assert_int_eq(config.firmware_fd, 11);
	ck_assert_int_eq(config.kernel_fd, 12);
	ck_assert_int_eq(config.initrd_fd, 13);
	ck_assert_int_eq(config.debug_fd, 14);
	ck_assert_str_eq(config.cmdline, "console=ttyS0 root=/dev/sda1");
	ck_assert(config.drive[0].kind == CONFIG_DRIVE_DISK && config.drive[0].fd == 20);
	ck_assert(!config.drive[0].read_only && config.drive[1].read_only);
	ck_assert(config.drive[2].kind == CONFIG_DRIVE_CDROM && config.drive[2].fd == -1);
	ck_assert(config.drive[3].kind == CONFIG_DRIVE_CDROM && config.drive[3].fd == 22);
	ck_assert(config.serial[0].kind == CONFIG_SERIAL_PTY);
	ck_assert(config.serial[1].kind == CONFIG_SERIAL_FD && config.serial[1].fd == 23);
	ck_assert(config.exit_on_reset && config.exit_on_triple_fault);
}
END_TEST

static const struct {
	const char *word;
	const char *text;
} bad[] = {
	{"memory", "\"memory\" is not of the form key=value"},
	{"memorx=1", "\"memorx=1\": there is no such key"},
	{"=1", "\"=1\": there is no such key"},
	{"memory=", "memory: \"\" is not 16 to 1048576 (MiB)"},
	{"memory=15", "memory: \"15\" is not 16 to 1048576 (MiB)"},
	{"memory=1048577", "memory: \"1048577\" is not 16 to 1048576 (MiB)"},
	{"memory=18446744073709551632",
	 "memory: \"18446744073709551632\" is not 16 to 1048576 (MiB)"},
	{"memory=64M", "memory: \"64M\" is not 16 to 1048576 (MiB)"},
	{"memory= 64", "memory: \" 64\" is not 16 to 1048576 (MiB)"},
	{"memory=-64", "memory: \"-64\" is not 16 to 1048576 (MiB)"},
	{"processors=0", "processors: \"0\" is not 1 to 64"},
	{"processors=65", "processors: \"65\" is not 1 to 64"},
	{"name=", "name: \"\" is not 1 to 64 printable characters"},
	{"name=a\nb", "name: \"a\nb\" is not 1 to 64 printable characters"},
	{"kernel=/boot/vmlinuz", "kernel: \"/boot/vmlinuz\" is not the number of a descriptor"},
	{"kernel=99999999999", "kernel: \"99999999999\" is not the number of a descriptor"},
	{"hda=3,rw", "hda: \"3,rw\" is not FD, FD,ro, cdrom or cdrom,FD"},
	{"hda=,ro", "hda: \",ro\" is not FD, FD,ro, cdrom or cdrom,FD"},
	{"hda=cdromx", "hda: \"cdromx\" is not FD, FD,ro, cdrom or cdrom,FD"},
	{"hda=cdrom,", "hda: \"cdrom,\" is not FD, FD,ro, cdrom or cdrom,FD"},
	{"hda=3,ro,ro", "hda: \"3,ro,ro\" is not FD, FD,ro, cdrom or cdrom,FD"},
	{"com1=tty", "com1: \"tty\" is not the number of a descriptor, or pty"},
	{"reset=maybe", "reset: \"maybe\" is not restart or exit"},
	{"triple-fault=", "triple-fault: \"\" is not reset or exit"},
};

START_TEST(says_what_is_wrong)
{
	ck_assert_int_eq(config_word(&config, bad[_i].word, &error), -EINVAL);
	ck_assert_str_eq(error.text, bad[_i].text);
}
END_TEST

START_TEST(no_key_twice)
{
	take("memory=64");
	ck_assert_int_eq(config_word(&config, "memory=64", &error), -EINVAL);
	ck_assert_str_eq(error.text, "memory is given twice");
}
END_TEST

START_TEST(too_long_values)
{
	char word[4000];

	memset(word, 'x', sizeof word);
	word[sizeof word - 1] = 0;
	memcpy(word, "cmdline=", 8);
	ck_assert_int_eq(config_word(&config, word, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "at most 2047 bytes"));
	setup();
	memcpy(word, "name=xxx", 8);
	ck_assert_int_eq(config_word(&config, word, &error), -EINVAL);
}
END_TEST

static int file_with(const char *text, size_t size)
{
	int fd = memfd_create("config", 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

START_TEST(reads_a_file)
{
	static const char text[] = "# a machine\n\nmemory=64\ncmdline=a  b\nprocessors=2";
	int fd = file_with(text, sizeof text - 1);
	char word[32];
	char *words[] = {"name=x", word};

	snprintf(word, sizeof word, "config=%d", fd);
	ck_assert_int_eq(config_arguments(&config, 2, words, &error), 0);
	ck_assert_uint_eq(config.memory_mib, 64);
	ck_assert_uint_eq(config.processors, 2);
	ck_assert_str_eq(config.cmdline, "a  b");
	ck_assert_str_eq(config.name, "x");
	close(fd);
}
END_TEST

START_TEST(refuses_files)
{
	static char large[70000];
	int fd = file_with("memory=64\0\n", 11);

	ck_assert_int_eq(config_file(&config, fd, &error), -EINVAL);
	ck_assert_str_eq(error.text, "config: holds a zero byte");
	close(fd);
	memset(large, '\n', sizeof large);
	fd = file_with(large, sizeof large);
	ck_assert_int_eq(config_file(&config, fd, &error), -EINVAL);
	ck_assert_str_eq(error.text, "config: is longer than 65535 bytes");
	close(fd);
	ck_assert_int_eq(config_file(&config, fd, &error), -EINVAL);
	ck_assert_str_eq(error.text, "config: cannot be read: Bad file descriptor");
	ck_assert_int_eq(config_arguments(&config, 1, (char *[]){"config=x"}, &error), -EINVAL);
	ck_assert_str_eq(error.text, "config: \"x\" is not the number of a descriptor");
}
END_TEST

static void assert_incomplete(const char *text)
{
	ck_assert_int_eq(config_check(&config, &error), -EINVAL);
	ck_assert_str_eq(error.text, text);
}

START_TEST(checks_what_belongs_together)
{
	assert_incomplete("memory is not given");
	take("memory=64");
	assert_incomplete("neither firmware nor kernel is given");
	take("cmdline=");
	take("firmware=0");
	assert_incomplete("cmdline is given without kernel");
	setup();
	take("memory=64");
	take("firmware=0");
	take("initrd=1");
	assert_incomplete("initrd is given without kernel");
	take("kernel=2");
	assert_incomplete("both firmware and kernel are given");
	setup();
	take("memory=64");
	take("kernel=0");
	take("hdc=0");
	assert_incomplete("kernel and hdc: both have descriptor 0");
	setup();
	take("memory=64");
	take("kernel=0");
	take("com2=900");
	assert_incomplete("com2: descriptor 900 is not open");
	setup();
	take("memory=64");
	take("kernel=0");
	ck_assert_int_eq(config_check(&config, &error), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, takes_every_key);
	tcase_add_loop_test(tc, says_what_is_wrong, 0, sizeof bad / sizeof bad[0]);
	tcase_add_test(tc, no_key_twice);
	tcase_add_test(tc, too_long_values);
	tcase_add_test(tc, reads_a_file);
	tcase_add_test(tc, refuses_files);
	tcase_add_test(tc, checks_what_belongs_together);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
