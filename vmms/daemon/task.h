/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work with files on a thread of its own, so that the event loop never waits for a disk.
 *
 * `run` sees only the task and what its data points to, which nobody else touches meanwhile. It
 * looks at task_canceled() often and calls task_set_progress(). `done` is called in the loop.
 */
#ifndef VMMS_DAEMON_TASK_H
#define VMMS_DAEMON_TASK_H

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/macros.h"
#include "model/error.h"

struct task {
	struct ev_loop *loop;
	ev_async wake;
	pthread_t thread;
	atomic_uint permille;
	atomic_bool canceled, finished;
	bool runs;  /* not told to `done` yet */
	int result; /* of run */
	struct vm_error err;
	int (*run)(struct task *task);
	void (*progress)(struct task *task, unsigned int permille);
	void (*done)(struct task *task);
	void *data;
};

/* Fill in run, progress, done and data before. A task may be started again when it is done. */
int must_check task_start(struct task *task, struct ev_loop *loop);
void task_cancel(struct task *task);
/* At the daemon's end: cancels, waits for the thread, and calls nothing any more. */
void task_abandon(struct task *task);
/*
 * The same, but not for longer than until that time of the real-time clock. False: the thread still waits
 * for something, and what it sees must stay.
 */
bool must_check task_abandon_until(struct task *task, const struct timespec *until);

/* Has it been started, and `done` not been called since? */
bool task_runs(const struct task *task);

/* For `run`. */
bool task_canceled(const struct task *task);
void task_set_progress(struct task *task, unsigned int permille);

#endif
