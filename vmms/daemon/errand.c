/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errands: tasks without a job.
 */
#include "daemon/errand.h"

#include "daemon/inventory.h"

static void delist(struct errand *errand)
{
	struct errand **at = &errand->manager->errands;

	while (*at != errand)
		at = &(*at)->next;
	*at = errand->next;
}

/* What it does is its caller's doing, though the method has returned. `errand` is gone then. */
static void finish(struct errand *errand, const struct vm_error *err)
{
	struct manager *manager = errand->manager;

	delist(errand);
	manager->caller = errand->caller;
	errand->done(errand, err);
	manager->caller = CALLER_DAEMON;
}

static int run(struct task *task)
{
	struct errand *errand = task->data;

	return errand->run(errand, &task->err);
}

static void on_progress(struct task *task, unsigned int permille)
{
}

/* When no change is under way: most of them lead to one. */
static void finish_next(void *data)
{
	struct errand *errand = data;
	struct vm_error err = errand->task.err;

	finish(errand, errand->task.result < 0 ? &err : NULL);
}

static void on_done(struct task *task)
{
	struct errand *errand = task->data;
	struct vm_error err = {0};

	if (inventory_step(errand->manager, finish_next, errand))
		return;
	(void)vm_error_set(&err, VM_ERROR_NO_MEMORY, "Out of memory");
	finish(errand, &err);
}

int errand_start(struct errand *errand, struct manager *manager, struct vm_error *err)
{
	int r;

	errand->manager = manager;
	errand->caller = manager->caller;
	errand->task.run = run;
	errand->task.progress = on_progress;
	errand->task.done = on_done;
	errand->task.data = errand;
	r = task_start(&errand->task, manager->loop);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_INTERNAL, -r, "A thread cannot be made");
	errand->next = manager->errands;
	manager->errands = errand;
	return 0;
}

bool errand_abandon_all(struct manager *manager, const struct timespec *until)
{
	struct vm_error err = {0};
	bool all = true;

	(void)vm_error_set(&err, VM_ERROR_CANCELED, "The daemon ends");
	while (manager->errands) {
		struct errand *errand = manager->errands;

		if (!task_runs(&errand->task) || task_abandon_until(&errand->task, until)) {
			finish(errand, &err);
			continue;
		}
		delist(errand);
		all = false;
	}
	return all;
}
