/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox, each time in a process of its own: what a worker does goes on, what it has no
 * business doing kills it.
 */
#include "sandbox.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk/engine.h"

static int ends[2];
static struct disk_engine *engine;

/* Wait status of a child that enters the sandbox, does it, and exits with what it returns. */
static int status_of(int (*act)(void))
{
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (sandbox_enter() != 0)
			_exit(99);
		_exit(act());
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

static void assert_allowed(int (*act)(void))
{
	int status = status_of(act);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}

static void assert_killed(int (*act)(void))
{
	int status = status_of(act);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "status %x", status);
}

/* --- what a worker does --- */

static int talk(void)
{
	char byte;
	struct stat st;

	return write(ends[0], "x", 1) != 1 || read(ends[1], &byte, 1) != 1 || fstat(ends[0], &st);
}

static void *nothing(void *argument)
{
	return argument;
}

static int make_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL);
}

static int allocate(void)
{
	for (size_t size = 16; size < (64u << 20); size *= 4) {
		void *memory = malloc(size);

		if (!memory)
			return 1;
		memset(memory, 1, size);
		free(memory);
	}
	return 0;
}

static int failed;

static void note_done(struct disk_io *io, int result)
{
	failed = result != 0;
}

static int use_disk(void)
{
	char buffer[512] = {0};
	struct iovec iov = {buffer, sizeof buffer};
	struct disk_io io = {
		.kind = DISK_IO_WRITE, .fd = -1, .iov = &iov, .iov_count = 1, .done = note_done};

	io.fd = memfd_create("disk", MFD_CLOEXEC);
	disk_engine_submit(engine, &io);
	disk_engine_wait(engine);
	return failed;
}

static int privileges(void)
{
	cap_t caps = cap_get_proc();
	cap_t none = cap_init();
	struct rlimit core;

	if (!caps || cap_compare(caps, none))
		return 1;
	return getrlimit(RLIMIT_CORE, &core) || core.rlim_max != 0 ||
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

START_TEST(the_workers_business_goes_on)
{
	assert_allowed(talk);
	assert_allowed(make_thread);
	assert_allowed(allocate);
}
END_TEST

static void use_disk_with(enum disk_engine_kind kind)
{
	if (disk_engine_create(kind, &engine) < 0)
		return; /* no io_uring here; the plain engine is tested in any case */
	assert_allowed(use_disk);
	disk_engine_destroy(engine);
}

START_TEST(disks_work_inside)
{
	use_disk_with(DISK_ENGINE_SYNC);
	use_disk_with(DISK_ENGINE_URING);
}
END_TEST

/* --- what it does not --- */

static int open_file(void)
{
	return open("/etc/passwd", O_RDONLY) < 0;
}

static int make_process(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return child < 0;
}

static int run_program(void)
{
	char *const words[] = {"/bin/true", NULL};

	return execve(words[0], words, words + 1);
}

static int make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static int turn_data_into_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int trace(void)
{
	return kill(getppid(), 0);
}

static int (*const forbidden[])(void) = {open_file, make_process,        run_program, make_socket,
					 map_code,  turn_data_into_code, trace};

START_TEST(the_rest_kills)
{
	assert_killed(forbidden[_i]);
}
END_TEST

/* Asked before the filter, which would not let it ask. */
START_TEST(privileges_are_gone)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		bool kept = sandbox_give_up_privileges() != 0 || privileges();

		_exit(kept);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(other_descriptors_are_closed)
{
	int a = dup(0), b = dup(0), c = dup(0), d = dup2(0, 100);
	const int keep[] = {c, -1, a, 100};

	ck_assert_int_eq(sandbox_close_others(keep, 4), 0);
	ck_assert_int_ge(fcntl(a, F_GETFD), 0);
	ck_assert_int_lt(fcntl(b, F_GETFD), 0);
	ck_assert_int_ge(fcntl(c, F_GETFD), 0);
	ck_assert_int_ge(fcntl(d, F_GETFD), 0);
	for (int fd = 3; fd < 200; fd++)
		if (fd != a && fd != c && fd != 100)
			ck_assert_msg(fcntl(fd, F_GETFD) < 0, "%d", fd);
}
END_TEST

static void setup(void)
{
	ck_assert_int_eq(pipe(ends), 0);
	int t = ends[0];
	ends[0] = ends[1];
	ends[1] = t;
}

int main(void)
{
	Suite *suite = suite_create("sandbox");
	TCase *tc = tcase_create("sandbox");
	SRunner *runner = srunner_create(suite);
	int count;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, the_workers_business_goes_on);
	tcase_add_test(tc, disks_work_inside);
	tcase_add_loop_test(tc, the_rest_kills, 0, sizeof forbidden / sizeof forbidden[0]);
	tcase_add_test(tc, privileges_are_gone);
	TCase *closing = tcase_create("descriptors");
	tcase_add_test(closing, other_descriptors_are_closed);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, closing);
	srunner_run_all(runner, CK_NORMAL);
	count = srunner_ntests_failed(runner);
	srunner_free(runner);
	return count ? 1 : 0;
}
