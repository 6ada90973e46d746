/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an earlier daemon began with files is finished or undone by what the journal says of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/file_work.h"

static void undo_prepare(const struct store_operation *operation, struct file_work *work)
{
	struct vm_error err = {0};

	file_plan_undo(&work->plan);
	(void)vm_error_set(
		&err, VM_ERROR_CANCELED,
		"The daemon was restarted during '%s' of machine %s; nothing of it is left",
		operation->kind, operation->name);
	file_work_end(work, JOB_FAILED, &err);
}

static void finish_publish(struct file_work *work)
{
	struct vm_error err = {0};
	int r = file_plan_publish_all(&work->plan, &err);

	/* The machine stays, and says at its start which disk it lacks: its data may be there. */
	file_work_end(work, r < 0 ? JOB_FAILED : JOB_DONE, &err);
}

/* A delete whose machine is still there had not happened. */
static void finish_delete(const struct store_operation *operation, struct file_work *work)
{
	if (vm_by_uuid(work->manager, operation->uuid)) {
		file_plan_free(&work->plan);
		undo_prepare(operation, work);
		return;
	}
	work->reservation = reserve(work->manager, &(struct domain){.name = work->job->name}, 0,
				    false, "deleted");
	for (size_t i = 0; work->reservation && i < work->plan.count; i++) {
		if (reserve_file(work->reservation, work->plan.steps[i].final) < 0)
			work->reservation = reservation_end(work->reservation);
	}
	if (!work->reservation ||
	    disk_uses_of_others(work->manager, NULL, work->reservation, &work->check.others) < 0)
		file_plan_free(&work->plan); /* out of memory: the files stay */
	file_work_enter(work, FILE_STAGE_UNLINK);
}

static bool plan_is_whole(const struct file_plan *plan)
{
	for (size_t i = 0; plan->phase == file_plan_unlink && i < plan->count; i++) {
		if (!plan->steps[i].final)
			return false;
	}
	return true;
}

void vm_files_recover(struct manager *manager, const struct store_operation *operation)
{
	struct vm_error err = {0};
	struct file_work *work = file_work_new(manager, &err);

	if (!work || job_resume(manager, NULL, operation, &work->job) < 0) {
		log_error("Out of memory");
		if (work)
			file_work_free(work);
		return;
	}
	work->job->data = work;
	if (file_plan_parse(operation->detail, &work->plan) < 0 || !plan_is_whole(&work->plan))
		undo_prepare(operation, work);
	else if (work->plan.phase == file_plan_publish)
		finish_publish(work);
	else if (work->plan.phase == file_plan_unlink)
		finish_delete(operation, work);
	else
		undo_prepare(operation, work);
}
