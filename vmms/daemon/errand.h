/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task that a call waits for before it can be answered: short, without a job. At the daemon's end
 * its thread is waited for, and the call told.
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
void errand_abandon_all(struct manager *manager);

#endif
