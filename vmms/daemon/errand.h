/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task that a call waits for before it can be answered: short, without a job.
 */
#ifndef VMMS_DAEMON_ERRAND_H
#define VMMS_DAEMON_ERRAND_H

#include "daemon/manager.h"
#include "daemon/task.h"

struct errand {
	struct errand *next;
	struct manager *manager;
	struct task task;
	struct caller caller; /* whose call it is */
	/* On the thread; 0 or -errno with *err. */
	int (*run)(struct errand *errand, struct vm_error *err);
	/* In the loop, once, and never if errand_start() failed. `err` is NULL for success. */
	void (*done)(struct errand *errand, const struct vm_error *err);
};

int must_check errand_start(struct errand *errand, struct manager *manager, struct vm_error *err);
/*
 * At the daemon's end: those that are over by then are told of it. False if a thread still waits for a
 * file; what it sees stays, and its errand is not told.
 */
bool must_check errand_abandon_all(struct manager *manager, const struct timespec *until);

#endif
