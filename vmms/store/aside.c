/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread and one piece of work at a time, handed over by a semaphore and back by an eventfd.
 */
#include "store/aside.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/fd.h"

struct aside {
	pthread_t thread;
	sem_t work;
	int done;
	void (*run)(void *argument); /* NULL: the thread ends */
	void *argument;
	bool busy;
	void (*serve)(void *data, int done_fd);
	void *data;
};

static void *thread_main(void *data)
{
	struct aside *aside = data;
	uint64_t one = 1;

	for (;;) {
		while (sem_wait(&aside->work) < 0)
			;
		if (!aside->run)
			return NULL;
		aside->run(aside->argument);
		CHECK(fd_write_full(aside->done, &one, sizeof(one)) == 0);
	}
}

static int start_thread(struct aside *aside)
{
	sigset_t all, old;
	int r;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&aside->thread, NULL, thread_main, aside);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int aside_create(void (*serve)(void *data, int done_fd), void *data, struct aside **ret)
{
	struct aside *aside = calloc(1, sizeof(*aside));
	int r;

	if (!aside)
		return -ENOMEM;
	aside->serve = serve;
	aside->data = data;
	aside->done = eventfd(0, EFD_CLOEXEC);
	r = aside->done < 0 ? -errno : 0;
	if (r == 0) {
		CHECK(sem_init(&aside->work, 0, 0) == 0);
		r = start_thread(aside);
	}
	if (r < 0) {
		fd_close(aside->done);
		free(aside);
		return r;
	}
	*ret = aside;
	return 0;
}

struct aside *aside_destroy(struct aside *aside)
{
	if (!aside)
		return NULL;
	CHECK(!aside->busy);
	aside->run = NULL;
	sem_post(&aside->work);
	pthread_join(aside->thread, NULL);
	sem_destroy(&aside->work);
	fd_close(aside->done);
	free(aside);
	return NULL;
}

void aside_run(struct aside *aside, void (*run)(void *argument), void *argument)
{
	uint64_t count;

	if (!aside) {
		run(argument);
		return;
	}
	CHECK(!aside->busy); /* whoever is served changes nothing */
	aside->busy = true;
	aside->run = run;
	aside->argument = argument;
	sem_post(&aside->work);
	aside->serve(aside->data, aside->done);
	CHECK(fd_read_full(aside->done, &count, sizeof(count)) == 0);
	aside->busy = false;
}
