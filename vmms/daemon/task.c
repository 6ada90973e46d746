/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread, and its way back into the loop.
 */
#include "daemon/task.h"

#include <signal.h>

static void *thread_main(void *data)
{
	struct task *task = data;

	task->result = task->run(task);
	atomic_store(&task->finished, true);
	ev_async_send(task->loop, &task->wake);
	return NULL;
}

static void on_wake(struct ev_loop *loop, ev_async *watcher, int events)
{
	struct task *task = watcher->data;

	if (!atomic_load(&task->finished)) {
		task->progress(task, atomic_load(&task->permille));
		return;
	}
	ev_async_stop(loop, watcher);
	pthread_join(task->thread, NULL);
	task->runs = false;
	task->done(task);
}

int task_start(struct task *task, struct ev_loop *loop)
{
	sigset_t all, old;
	int r;

	task->loop = loop;
	task->result = 0;
	atomic_store(&task->finished, false);
	atomic_store(&task->canceled, false);
	ev_async_init(&task->wake, on_wake);
	task->wake.data = task;
	ev_async_start(loop, &task->wake);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&task->thread, NULL, thread_main, task);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	task->runs = r == 0;
	if (r != 0)
		ev_async_stop(loop, &task->wake);
	return -r;
}

void task_cancel(struct task *task)
{
	atomic_store(&task->canceled, true);
}

void task_abandon(struct task *task)
{
	task_cancel(task);
	pthread_join(task->thread, NULL);
	ev_async_stop(task->loop, &task->wake);
	task->runs = false;
}

bool task_abandon_until(struct task *task, const struct timespec *until)
{
	task_cancel(task);
	ev_async_stop(task->loop, &task->wake);
	if (pthread_timedjoin_np(task->thread, NULL, until) != 0)
		return false;
	task->runs = false;
	return true;
}

bool task_runs(const struct task *task)
{
	return task->runs;
}

bool task_canceled(const struct task *task)
{
	return atomic_load(&task->canceled);
}

void task_set_progress(struct task *task, unsigned int permille)
{
	if (atomic_exchange(&task->permille, permille) != permille)
		ev_async_send(task->loop, &task->wake);
}
