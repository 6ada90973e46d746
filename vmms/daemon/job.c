/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a job.
 */
#include "daemon/job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/journal.h"
#include "daemon/publish.h"

static void job_free(struct job *job)
{
	free(job->name);
	free(job->path);
	free(job);
}

static struct job *job_new(struct manager *manager, struct vm *vm, const char *uuid,
			   const char *name, const char *kind)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->manager = manager;
	job->vm = vm;
	job->kind = kind;
	job->started = manager_now();
	job->caller = manager->caller;
	snprintf(job->uuid, sizeof(job->uuid), "%s", uuid);
	job->name = strdup(name);
	ev_init(&job->timer, NULL);
	job->timer.data = job;
	if (!job->name) {
		job_free(job);
		return NULL;
	}
	return job;
}

void job_enlist(struct job *job)
{
	struct job **at = &job->manager->jobs;

	while (*at)
		at = &(*at)->next;
	*at = job;
	if (job->vm)
		job->vm->job = job;
	publish_job_new(job);
	if (job->vm)
		publish_vm_changed(job->vm);
}

static int set_path(struct job *job)
{
	if (asprintf(&job->path, "/org/keelson/vmms1/job/_%" PRId64, job->id) >= 0)
		return 0;
	job->path = NULL;
	return -ENOMEM;
}

static int begin_recorded(struct job *job, const char *detail, struct vm_error *err)
{
	struct store_operation row = {.uuid = job->uuid,
				      .name = job->name,
				      .kind = job->kind,
				      .detail = detail,
				      .started = job->started,
				      .uid = job->caller.uid,
				      .user = job->caller.name};

	return store_operation_begin(job->manager->store, &row, &job->id, err);
}

int job_prepare(struct manager *manager, struct vm *vm, const struct domain *config,
		const char *kind, const char *detail, struct job **ret, struct vm_error *err)
{
	struct job *job = job_new(manager, vm, config->uuid, config->name, kind);
	int r;

	if (!job)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	r = begin_recorded(job, detail, err);
	if (r == 0 && set_path(job) < 0)
		r = vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (r < 0) {
		job_free(job);
		return r;
	}
	*ret = job;
	return 0;
}

struct job *job_drop(struct job *job)
{
	if (job)
		job_free(job);
	return NULL;
}

int job_begin(struct vm *vm, const char *kind, struct job **ret, struct vm_error *err)
{
	int r = job_prepare(vm->manager, vm, vm->config, kind, "", ret, err);

	if (r == 0)
		job_enlist(*ret);
	return r;
}

/* The kind as a string that outlives the row. */
static const char *lasting_kind(const char *kind)
{
	enum vm_operation operation;

	if (vm_operation_parse(kind, &operation))
		return vm_operation_name(operation);
	if (strcmp(kind, "import") == 0)
		return "import";
	return strcmp(kind, "create") == 0 ? "create" : "unknown";
}

int job_resume(struct manager *manager, struct vm *vm, const struct store_operation *operation,
	       struct job **ret)
{
	struct job *job = job_new(manager, vm, operation->uuid, operation->name,
				  lasting_kind(operation->kind));
	int r;

	if (!job)
		return -ENOMEM;
	job->id = operation->id;
	job->started = operation->started;
	job->resumed = true;
	job->caller.uid = operation->uid;
	snprintf(job->caller.name, sizeof(job->caller.name), "%s", operation->user);
	r = set_path(job);
	if (r < 0) {
		job_free(job);
		return r;
	}
	job_enlist(job);
	*ret = job;
	return 0;
}

const char *job_result_name(enum job_result result)
{
	static const char *const names[] = {"done", "canceled", "failed"};

	return names[result];
}

static const char *error_name(const struct vm_error *err)
{
	return err && err->code ? vm_error_info(err->code)->name : "";
}

int job_record_end(struct job *job, enum job_result result, const struct vm_error *why,
		   struct vm_error *err)
{
	return store_operation_end(job->manager->store, job->id, job_result_name(result),
				   error_name(why), why ? why->text : "", manager_now(), err);
}

static void delist(struct job *job)
{
	struct job **at = &job->manager->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	ev_timer_stop(job->manager->loop, &job->timer);
	if (job->vm && job->vm->job == job)
		job->vm->job = NULL;
}

void job_end_recorded(struct job *job, enum job_result result, const struct vm_error *err)
{
	struct vm *vm = job->vm;

	delist(job);
	if (result == JOB_FAILED)
		journal_job(LOG_LEVEL_WARNING, job, "%s: job %" PRId64 " (%s) failed: %s",
			    job->name, job->id, job->kind, err ? err->text : "");
	manager_event_by(job->manager, vm, &job->caller, job->id, "job", "%s %s%s%s", job->kind,
			 job_result_name(result), err && *err->text ? ": " : "",
			 err ? err->text : "");
	publish_job_removed(job, result, err);
	if (vm)
		publish_vm_changed(vm);
	job_free(job);
}

void job_end(struct job *job, enum job_result result, const struct vm_error *err)
{
	struct vm_error inner = {0};

	/* An end that cannot be written leaves the row open; it is closed later, or by the next daemon. */
	if (job_record_end(job, result, err, &inner) < 0)
		journal_job(LOG_LEVEL_ERROR, job, "%s", inner.text);
	job_end_recorded(job, result, err);
}

static void on_end_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	job_end(watcher->data, JOB_DONE, NULL);
}

void job_end_soon(struct job *job)
{
	ev_timer_init(&job->timer, on_end_timer, 0, 0);
	job->timer.data = job;
	ev_timer_start(job->manager->loop, &job->timer);
}

int job_set_detail(struct job *job, const char *detail, struct vm_error *err)
{
	return store_operation_detail(job->manager->store, job->id, detail, err);
}

void job_set_progress(struct job *job, uint32_t permille)
{
	if (permille == job->permille)
		return;
	job->permille = permille;
	publish_job_changed(job);
}

int job_cancel(struct job *job, struct vm_error *err)
{
	if (!job->cancel)
		return vm_error_set(
			err, VM_ERROR_NOT_SUPPORTED,
			"Job %" PRId64 " (%s of %s) cannot be canceled at this point%s", job->id,
			job->kind, job->name,
			job->vm && job->vm->worker ? "; vmctl stop turns the machine off" : "");
	job->canceled = true;
	job->cancel(job);
	return 0;
}

struct job *job_find(struct manager *manager, int64_t id)
{
	for (struct job *job = manager->jobs; job; job = job->next) {
		if (job->id == id)
			return job;
	}
	return NULL;
}

bool job_forget_all(struct manager *manager, const struct timespec *until)
{
	bool all = true;

	while (manager->jobs) {
		struct job *job = manager->jobs;

		all &= vm_files_abandon(job, until);
		delist(job);
		job_free(job);
	}
	return all;
}
