/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker's configuration: every key, and one clear sentence for everything that is wrong. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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
	take("crash=exit");
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
	ck_assert(config.resets == 0 && config.exit_on_triple_fault && config.exit_on_crash);
}
END_TEST

START_TEST(takes_paths)
{
	ck_assert_uint_eq(config.resets, CONFIG_RESETS_ANY);
	take("partition=/dev/x");
	take("kernel=./7");
	take("hda=/srv/a,ro,ro");
	take("hdb=cdroms/b");
	take("hdc=cdrom,c,ro");
	take("hdd=,ro");
	take("sda=/srv/root");
	take("sdd=/srv/data,ro");
	take("com1=stdio");
	take("reset=3");
	ck_assert_str_eq(config.path[CONFIG_PARTITION], "/dev/x");
	ck_assert_str_eq(config.path[CONFIG_KERNEL], "./7");
	ck_assert_int_eq(config.kernel_fd, -1);
	ck_assert_str_eq(config.path[CONFIG_HDA], "/srv/a,ro");
	ck_assert(config.drive[0].read_only && !config.drive[1].read_only);
	ck_assert_str_eq(config.path[CONFIG_HDA + 1], "cdroms/b");
	ck_assert_str_eq(config.path[CONFIG_HDA + 2], "c,ro");
	ck_assert(config.drive[2].kind == CONFIG_DRIVE_CDROM);
	ck_assert_str_eq(config.path[CONFIG_HDA + 3], ",ro");
	ck_assert_str_eq(config.path[CONFIG_HDA + CONFIG_IDE_DRIVES], "/srv/root");
	ck_assert(config.drive[4].kind == CONFIG_DRIVE_DISK && !config.drive[4].read_only);
	ck_assert_str_eq(config.path[CONFIG_HDA + CONFIG_IDE_DRIVES + 3], "/srv/data");
	ck_assert(config.drive[7].read_only && config.drive[5].kind == CONFIG_DRIVE_NONE);
	ck_assert(config.serial[0].kind == CONFIG_SERIAL_STDIO);
	ck_assert_uint_eq(config.resets, 3);
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
	{"kernel=", "kernel: \"\" is not a path, or the number of a descriptor"},
	{"kernel=99999999999",
	 "kernel: \"99999999999\" is not a path, or the number of a descriptor"},
	{"hda=", "hda: \"\" is not FILE, FILE,ro, cdrom or cdrom,FILE"},
	{"hda=cdrom,", "hda: \"cdrom,\" is not FILE, FILE,ro, cdrom or cdrom,FILE"},
	{"com1=tty", "com1: \"tty\" is not the number of a descriptor, pty or stdio"},
	{"com1=/dev/ttyS1", "com1: \"/dev/ttyS1\" is not the number of a descriptor, pty or stdio"},
	{"reset=maybe", "reset: \"maybe\" is not restart, exit or a number of resets"},
	{"reset=4294967295", "reset: \"4294967295\" is not restart, exit or a number of resets"},
	{"crash=", "crash: \"\" is not continue or exit"},
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
	ck_assert_int_eq(config_arguments(&config, 1, (char *[]){"config=/x/y"}, &error), -EINVAL);
	ck_assert_str_eq(error.text, "config: /x/y: No such file or directory");
	ck_assert_int_eq(config_arguments(&config, 1, (char *[]){"config="}, &error), -EINVAL);
	ck_assert_str_eq(error.text, "config: \"\" is not a path, or the number of a descriptor");
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

/* --- opening --- */

static char folder[] = "/tmp/config_test.XXXXXX";
static char word[128];

static void setup_folder(void)
{
	setup();
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown_folder(void)
{
	char command[64];

	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static void make_file(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

/* KEY=FOLDER/NAME */
static void take_path(const char *key, const char *name)
{
	snprintf(word, sizeof word, "%s=%s/%s", key, folder, name);
	take(word);
}

static void assert_open(int fd, int mode)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), mode);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

START_TEST(opens_paths)
{
	make_file("a");
	make_file("b");
	take_path("kernel", "a");
	take_path("hda", "a");
	take_path("hdb", "b,ro");
	snprintf(word, sizeof word, "hdc=cdrom,%s/b", folder);
	take(word);
	take_path("debug", "log");
	ck_assert_msg(config_open(&config, &error) == 0, "%s", error.text);
	assert_open(config.kernel_fd, O_RDONLY);
	assert_open(config.drive[0].fd, O_RDWR);
	assert_open(config.drive[1].fd, O_RDONLY);
	assert_open(config.drive[2].fd, O_RDONLY);
	assert_open(config.debug_fd, O_WRONLY);
	ck_assert_int_eq(config.initrd_fd, -1);
	ck_assert_int_eq(config.drive[3].fd, -1);
}
END_TEST

static void assert_cannot_be_opened(const char *key, const char *name, const char *why)
{
	char expected[256];

	config_init(&config);
	take_path(key, name);
	ck_assert_int_lt(config_open(&config, &error), 0);
	snprintf(expected, sizeof expected, "%s: %s/%s: %s", key, folder, name, why);
	ck_assert_str_eq(error.text, expected);
}

START_TEST(says_what_cannot_be_opened)
{
	assert_cannot_be_opened("kernel", "none", "No such file or directory");
	assert_cannot_be_opened("partition", "none",
				"No such file or directory; it is there when Linux runs on the "
				"hypervisor and the module vid is loaded");
	assert_cannot_be_opened("hda", ".", "Is a directory");
}
END_TEST

START_TEST(a_disk_has_one_writer)
{
	struct config other;

	make_file("a");
	config_init(&other);
	take_path("hda", "a");
	ck_assert_int_eq(config_word(&other, word, &error), 0);
	ck_assert_int_eq(config_open(&other, &error), 0);
	ck_assert_int_eq(config_open(&config, &error), -EWOULDBLOCK);
	ck_assert_ptr_nonnull(
		strstr(error.text, "a: is in use; another machine or program has it"));
	close(other.drive[0].fd);
	ck_assert_int_eq(config_open(&config, &error), 0);
}
END_TEST

START_TEST(paths_in_errors)
{
	char text[128];

	take("kernel=/x");
	config_add_path(&config, "kernel: is truncated", text, sizeof text);
	ck_assert_str_eq(text, "kernel: /x: is truncated");
	config_add_path(&config, "initrd: is empty", text, sizeof text);
	ck_assert_str_eq(text, "initrd: is empty");
	config_add_path(&config, "kernels", text, sizeof text);
	ck_assert_str_eq(text, "kernels");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup_folder, teardown_folder);
	tcase_add_test(tc, takes_every_key);
	tcase_add_test(tc, takes_paths);
	tcase_add_test(tc, opens_paths);
	tcase_add_test(tc, says_what_cannot_be_opened);
	tcase_add_test(tc, a_disk_has_one_writer);
	tcase_add_test(tc, paths_in_errors);
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
