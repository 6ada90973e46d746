/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stages of jobs that make files.
 */
#include "daemon/file_work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/copy_file.h"
#include "daemon/inventory.h"
#include "daemon/journal.h"
#include "daemon/publish.h"

static int out_of_memory(struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
}

struct file_work *file_work_new(struct manager *manager, struct vm_error *err)
{
	struct file_work *work = calloc(1, sizeof(*work));

	if (!work) {
		(void)out_of_memory(err);
		return NULL;
	}
	work->manager = manager;
	work->next = manager->file_works;
	manager->file_works = work;
	return work;
}

static void delist(struct file_work *work)
{
	struct file_work **at;

	for (at = &work->manager->file_works; *at != work; at = &(*at)->next)
		;
	*at = work->next;
}

struct file_work *file_work_free(struct file_work *work)
{
	delist(work);
	inventory_write_forget(work->write);
	job_drop(work->job);
	file_plan_free(&work->plan);
	disk_check_fini(&work->check);
	reservation_end(work->reservation);
	domain_free(work->config);
	if (work->options)
		free(work->options->notes);
	free(work->options);
	free(work);
	return NULL;
}

int file_work_write(struct file_work *work, int gathered, struct vm_error *err)
{
	struct inventory_write *write = TAKE_PTR(work->write);

	if (gathered < 0) {
		inventory_write_drop(write);
		return gathered;
	}
	gathered = inventory_write(write, INVENTORY_CHANGE, err);
	if (gathered == 0)
		work->write = write;
	return gathered;
}

int file_work_reserve(struct file_work *work, const char *doing, struct vm_error *err)
{
	work->reservation = reserve(work->manager, work->config, work->uid, true, doing);
	work->check.config = domain_copy(work->config);
	if (!work->reservation || !work->check.config ||
	    disk_uses_of_others(work->manager, NULL, work->reservation, &work->check.others) < 0)
		return out_of_memory(err);
	return 0;
}

void file_work_end(struct file_work *work, enum job_result result, const struct vm_error *err)
{
	struct job *job = TAKE_PTR(work->job);

	if (work->made) /* it may do what it likes from now on */
		work->made->job = NULL;
	/* Free before clients hear of the end: what they do next shall not meet the reservation. */
	work->reservation = reservation_end(work->reservation);
	job->data = NULL;
	job->cancel = NULL;
	job_end(job, result, err);
	if (work->made)
		publish_vm_changed(work->made);
	file_work_free(work);
}

/* ── the machine ───────────────────────────────────────────────────────────────────────────── */

char *file_made_key(const char *path)
{
	char *key;

	return asprintf(&key, "made-file %s", path) < 0 ? NULL : key;
}

/* That the daemon made these files, so that it may remove them one day. */
static int note_files(struct file_work *work, struct vm_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < work->plan.count; i++) {
		const struct file_step *step = &work->plan.steps[i];
		_cleanup_free_ char *key = step->final ? file_made_key(step->final) : NULL;
		char birth[FILE_BIRTH_TEXT];

		if (!step->final || step->kind == FILE_STEP_FOLDER)
			continue;
		if (!key)
			return out_of_memory(err);
		file_birth_print(&step->birth, birth);
		r = store_meta_set(work->manager->store, key, birth, err);
	}
	return r;
}

static int prepare_machine(struct file_work *work, struct vm_error *err)
{
	int r;

	for (size_t i = 0; i < work->config->disk_count; i++)
		work->config->disks[i].format_unknown = false; /* it has been looked at */
	r = note_files(work, err);
	return r == 0 ? vm_prepare(work->manager, work->config, work->uid, work->options,
				   &work->made, err)
		      : r;
}

static void enlist_machine(struct file_work *work)
{
	if (!work->made)
		return;
	work->config = domain_free(work->config);
	work->made->job = work->job;
	vm_enlist(work->made);
}

static int set_phase(struct file_work *work, const char *phase, struct vm_error *err)
{
	_cleanup_free_ char *text = NULL;

	work->plan.phase = phase;
	text = file_plan_print(&work->plan);
	return text ? job_set_detail(work->job, text, err) : out_of_memory(err);
}

static void undo(struct file_work *work)
{
	if (work->made)
		vm_free(work->made);
	work->made = NULL;
	file_work_enter(work, FILE_STAGE_UNDO);
}

static void on_committed(void *data, const struct vm_error *err)
{
	struct file_work *work = data;

	work->write = NULL;
	if (err) {
		work->err = *err;
		undo(work);
		return;
	}
	enlist_machine(work);
	file_work_enter(work, FILE_STAGE_PUBLISH);
}

/* The machine and the new phase in one transaction. */
static int commit(struct file_work *work, struct vm_error *err)
{
	int r;

	work->write = inventory_write_new(work->manager, on_committed, work, err);
	if (!work->write)
		return -ENOMEM;
	r = set_phase(work, file_plan_publish, err);
	if (r == 0 && work->config)
		r = prepare_machine(work, err);
	return file_work_write(work, r, err);
}

/* A machine whose files could not be put in place is taken back. */
static void take_back(struct file_work *work)
{
	struct vm_error err = {0};

	if (!work->made)
		return;
	if (store_vm_remove(work->manager->store, work->made->config->uuid, &err) < 0)
		journal_job(LOG_LEVEL_ERROR, work->job, "%s: %s", work->made->config->name,
			    err.text);
	/* vm_destroy() must not cut the job from the machine that it is for. */
	work->made->job = NULL;
	vm_destroy(work->made);
	work->made = NULL;
}

/* ── stages ────────────────────────────────────────────────────────────────────────────────── */

/* Rather now than when all disks are copied. */
static int check_definition(const struct domain *config, struct vm_error *err)
{
	_cleanup_free_ char *xml = domain_print(config);

	return xml ? vm_read_back(config, xml, err) : out_of_memory(err);
}

static int run_prepare(struct file_work *work)
{
	struct task *task = &work->task;
	int r = work->check.config ? check_definition(work->check.config, &task->err) : 0;

	if (r == 0)
		r = file_plan_check(&work->plan, &task->err);

	if (r == 0 && work->check.config)
		r = disk_check_run(&work->check, &task->err);
	if (r == 0)
		r = copy_plan(task, &work->plan);
	if (r < 0)
		file_plan_undo(&work->plan);
	return r;
}

static int run_stage(struct task *task)
{
	struct file_work *work = task->data;
	int r = 0;

	switch (work->stage) {
	case FILE_STAGE_PREPARE:
		return run_prepare(work);
	case FILE_STAGE_PUBLISH:
		r = file_plan_publish_all(&work->plan, &task->err);
		if (r < 0)
			file_plan_withdraw(&work->plan);
		return r;
	case FILE_STAGE_UNLINK:
		file_unlink_run(work);
		return 0;
	default:
		file_plan_undo(&work->plan);
		return 0;
	}
}

/* When no other change is under way. */
static void commit_next(void *data)
{
	struct file_work *work = data;

	if (commit(work, &work->err) < 0)
		undo(work);
}

static void on_prepared(struct file_work *work, int r)
{
	work->job->cancel = NULL;
	if (r < 0) {
		work->err = work->task.err;
		file_work_end(work, r == -ECANCELED ? JOB_CANCELED : JOB_FAILED, &work->err);
		return;
	}
	if (!inventory_step(work->manager, commit_next, work)) {
		(void)out_of_memory(&work->err);
		undo(work);
	}
}

static void on_published(struct file_work *work, int r)
{
	if (r < 0) {
		work->err = work->task.err;
		take_back(work);
		file_work_end(work, JOB_FAILED, &work->err);
		return;
	}
	if (work->made) {
		publish_vm_new(work->made);
		manager_event(work->manager, work->made, "defined", "%s", work->made->config->uuid);
	}
	file_work_end(work, JOB_DONE, NULL);
}

static void on_stage_done(struct task *task)
{
	struct file_work *work = task->data;

	switch (work->stage) {
	case FILE_STAGE_PREPARE:
		on_prepared(work, task->result);
		return;
	case FILE_STAGE_PUBLISH:
		on_published(work, task->result);
		return;
	case FILE_STAGE_UNLINK:
		file_unlink_done(work);
		return;
	default:
		file_work_end(work, JOB_FAILED, &work->err);
	}
}

static void on_progress(struct task *task, unsigned int permille)
{
	struct file_work *work = task->data;

	if (work->stage == FILE_STAGE_PREPARE)
		job_set_progress(work->job, permille);
}

void file_work_enter(struct file_work *work, enum file_stage stage)
{
	struct task *task = &work->task;

	work->stage = stage;
	task->run = run_stage;
	task->done = on_stage_done;
	task->progress = on_progress;
	task->data = work;
	if (task_start(task, work->manager->loop) == 0)
		return;
	journal_job(LOG_LEVEL_WARNING, work->job,
		    "%s: no thread can be had; files are handled without", work->job->name);
	task->result = run_stage(task);
	on_stage_done(task);
}

static void cancel_files(struct job *job)
{
	task_cancel(&((struct file_work *)job->data)->task);
}

static int start(struct file_work *work, struct vm_error *err)
{
	int r;

	work->job->data = work;
	work->job->cancel = cancel_files;
	work->stage = FILE_STAGE_PREPARE;
	work->task.run = run_stage;
	work->task.done = on_stage_done;
	work->task.progress = on_progress;
	work->task.data = work;
	r = task_start(&work->task, work->manager->loop);
	return r < 0 ? vm_error_set_errno(err, VM_ERROR_INTERNAL, -r, "A thread cannot be made")
		     : 0;
}

/* The intent is on the disk: files may be touched from now on. */
static void on_begun(void *data, const struct vm_error *failed)
{
	struct file_work *work = data;
	struct vm_error err = {0};

	work->write = NULL;
	if (failed) {
		work->begun(work->begun_data, NULL, failed);
		file_work_free(work);
		return;
	}
	job_enlist(work->job);
	if (start(work, &err) < 0) {
		work->begun(work->begun_data, NULL, &err);
		file_work_end(work, JOB_FAILED, &err);
		return;
	}
	work->begun(work->begun_data, work->job, NULL);
}

static int gather_begin(struct file_work *work, struct vm *vm, const struct domain *config,
			const char *kind, struct vm_error *err)
{
	_cleanup_free_ char *detail = NULL;

	work->plan.phase = file_plan_prepare;
	detail = file_plan_print(&work->plan);
	if (!detail)
		return out_of_memory(err);
	return job_prepare(work->manager, vm, config, kind, detail, &work->job, err);
}

int file_work_begin(struct file_work *work, struct vm *vm, const struct domain *config,
		    const char *kind, vm_job_fn *done, void *data, struct vm_error *err)
{
	int r = -ENOMEM;

	work->begun = done;
	work->begun_data = data;
	work->write = inventory_write_new(work->manager, on_begun, work, err);
	if (work->write)
		r = file_work_write(work, gather_begin(work, vm, config, kind, err), err);
	if (r < 0)
		file_work_free(work);
	return r;
}

bool vm_files_abandon(struct job *job, const struct timespec *until)
{
	struct file_work *work = job->manager->file_works;
	bool ended;

	while (work && work->job != job)
		work = work->next;
	if (!work)
		return true;
	ended = !task_runs(&work->task) || task_abandon_until(&work->task, until);
	if (work->made)
		work->made->job = NULL;
	job->data = NULL;
	work->job = NULL;
	if (ended)
		file_work_free(work);
	else
		delist(work); /* its thread sees it still */
	return ended;
}
