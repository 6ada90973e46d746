/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a machine's files: create, clone, export, delete. Each writes its plan to the
 * journal before it touches a file.
 *
 * New machines become visible in the transaction that turns the plan from "prepare" to "publish":
 * a crash before it leaves nothing behind, one after it leaves a machine whose files the next
 * daemon puts in place. Deleting is the reverse: the machine goes in the transaction that begins
 * "unlink", its files after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/copy_file.h"
#include "daemon/job.h"
#include "daemon/publish.h"

#define _cleanup_plan_ _cleanup_(file_plan_free)

/* A job that makes files; job->data. */
struct file_work {
	struct task task;
	struct job *job;
	struct file_plan plan;
	struct domain *config; /* of the machine to be; NULL for an export */
	uint32_t uid;
	char *xml_path, *xml; /* written at the end of an export */
};

static void work_free(struct file_work *work)
{
	file_plan_free(&work->plan);
	domain_free(work->config);
	free(work->xml_path);
	free(work->xml);
	free(work);
}

static int out_of_memory(struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
}

static int set_phase(struct job *job, struct file_plan *plan, const char *phase,
		     struct vm_error *err)
{
	_cleanup_free_ char *text = NULL;

	plan->phase = phase;
	text = file_plan_print(plan);
	return text ? job_set_detail(job, text, err) : out_of_memory(err);
}

/* The machine and the new phase in one transaction. */
static int commit_machine(struct file_work *work, struct vm **ret, struct vm_error *err)
{
	struct manager *manager = work->job->manager;
	int r = store_begin(manager->store, err);

	if (r < 0)
		return r;
	r = set_phase(work->job, &work->plan, file_plan_publish, err);
	if (r == 0)
		r = vm_add_new(manager, work->config, work->uid, ret, err);
	if (r < 0) {
		store_rollback(manager->store);
		return r;
	}
	work->config = NULL; /* the machine's */
	r = store_commit(manager->store, err);
	if (r < 0)
		vm_destroy(*ret);
	return r;
}

/* A machine whose files could not be put in place is taken back. */
static void take_back(struct vm *vm)
{
	struct vm_error err = {0};

	if (store_vm_remove(vm->manager->store, vm->config->uuid, &err) < 0)
		log_error("%s: %s", vm->config->name, err.text);
	vm_destroy(vm);
}

static int complete_machine(struct file_work *work, struct vm_error *err)
{
	struct vm *vm = NULL;
	int r = commit_machine(work, &vm, err);

	if (r == 0) {
		r = file_plan_publish_all(&work->plan, err);
		if (r < 0)
			take_back(vm);
	}
	if (r < 0)
		return r;
	publish_vm_new(vm);
	manager_event_by(work->job->manager, vm, &work->job->caller, work->job->id, "defined", "%s",
			 vm->config->uuid);
	return 0;
}

static int write_xml(const struct file_work *work, struct vm_error *err)
{
	_cleanup_close_ int fd =
		open(work->xml_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_full(fd, work->xml, strlen(work->xml));

	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, -r, "%s", work->xml_path);
	return 0;
}

static int complete_export(struct file_work *work, struct vm_error *err)
{
	int r = set_phase(work->job, &work->plan, file_plan_publish, err);

	if (r == 0)
		r = file_plan_publish_all(&work->plan, err);
	return r == 0 ? write_xml(work, err) : r;
}

static void on_files_done(struct task *task)
{
	struct file_work *work = task->data;
	struct job *job = work->job;
	struct vm_error err = task->err;
	int r = task->result;

	job->cancel = NULL;
	if (r == 0)
		r = work->config ? complete_machine(work, &err) : complete_export(work, &err);
	if (r < 0)
		file_plan_undo(&work->plan);
	job_end(job, r == 0 ? JOB_DONE : r == -ECANCELED ? JOB_CANCELED : JOB_FAILED, &err);
	work_free(work);
}

static void on_files_progress(struct task *task, unsigned int permille)
{
	job_set_progress(((struct file_work *)task->data)->job, permille);
}

static int run_files(struct task *task)
{
	return copy_plan(task, &((struct file_work *)task->data)->plan);
}

static void cancel_files(struct job *job)
{
	task_cancel(&((struct file_work *)job->data)->task);
}

/* Writes the plan to the journal and begins. Takes `work` over in any case. */
static int begin_work(struct manager *manager, struct vm *vm, const struct domain *config,
		      const char *kind, struct file_work *work, struct job **ret,
		      struct vm_error *err)
{
	_cleanup_free_ char *detail = NULL;
	int r = file_plan_check(&work->plan, err);

	work->plan.phase = file_plan_prepare;
	if (r == 0) {
		detail = file_plan_print(&work->plan);
		r = detail ? job_begin(manager, vm, config, kind, detail, ret, err)
			   : out_of_memory(err);
	}
	if (r < 0) {
		work_free(work);
		return r;
	}
	work->job = *ret;
	work->task.run = run_files;
	work->task.done = on_files_done;
	work->task.progress = on_files_progress;
	work->task.data = work;
	(*ret)->data = work;
	(*ret)->cancel = cancel_files;
	r = task_start(&work->task, manager->loop);
	if (r < 0) {
		r = vm_error_set_errno(err, VM_ERROR_INTERNAL, -r, "A thread cannot be made");
		job_end(*ret, JOB_FAILED, err);
		work_free(work);
	}
	return r;
}

/* ── create ────────────────────────────────────────────────────────────────────────────────── */

static struct file_work *work_new(struct vm_error *err)
{
	struct file_work *work = calloc(1, sizeof(*work));

	if (!work)
		(void)out_of_memory(err);
	return work;
}

static int plan_new_disks(struct file_work *work, const struct domain *config,
			  const struct new_disk *disks, size_t count, struct vm_error *err)
{
	for (size_t i = 0; i < count; i++) {
		bool used = false;

		for (size_t d = 0; d < config->disk_count; d++)
			used |= config->disks[d].source &&
				strcmp(config->disks[d].source, disks[i].path) == 0;
		if (!used)
			return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
					    "%s is to be made, but is no disk of machine %s",
					    disks[i].path, config->name);
		if (disks[i].size == 0 || disks[i].size % 512 != 0)
			return vm_error_set(
				err, VM_ERROR_INVALID_ARGUMENT,
				"The size of %s, %llu bytes, is not whole sectors of 512",
				disks[i].path, (unsigned long long)disks[i].size);
		if (file_plan_add(&work->plan, NULL, disks[i].path, disks[i].size) < 0)
			return out_of_memory(err);
	}
	return 0;
}

int vm_create_with_disks(struct manager *manager, struct domain *config,
			 const struct new_disk *disks, size_t count, struct job **ret,
			 struct vm_error *err)
{
	struct file_work *work = work_new(err);
	int r;

	if (!work)
		return -ENOMEM;
	r = vm_prepare_new(manager, config, &work->uid, err);
	if (r == 0)
		r = plan_new_disks(work, config, disks, count, err);
	if (r < 0) {
		work_free(work);
		return r;
	}
	work->config = domain_copy(config);
	if (!work->config) {
		work_free(work);
		return out_of_memory(err);
	}
	r = begin_work(manager, NULL, config, "create", work, ret, err);
	if (r == 0)
		domain_free(config);
	return r;
}

/* ── clone ─────────────────────────────────────────────────────────────────────────────────── */

/* "/dir/web-hda.raw" for machine web2 becomes "/dir/web2-hda.raw"; free() it. */
static char *clone_path(const char *path, const char *name, const char *target)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	char *result;

	if (!dot || dot < slash)
		dot = ".raw";
	if (asprintf(&result, "%.*s/%s-%s%s", (int)(slash - path), path, name, target, dot) < 0)
		return NULL;
	return result;
}

static int plan_clone_disk(struct file_work *work, struct domain *config, struct domain_disk *disk,
			   struct vm_error *err)
{
	char *path;

	if (disk->readonly || !disk->source)
		return 0; /* shared */
	if (disk->block)
		return vm_error_set(err, VM_ERROR_NOT_SUPPORTED,
				    "Disk %s is the block device %s, which is not copied; a clone "
				    "would share it",
				    disk->target, disk->source);
	path = clone_path(disk->source, config->name, disk->target);
	if (!path || file_plan_add(&work->plan, disk->source, path, 0) < 0) {
		free(path);
		return out_of_memory(err);
	}
	free(disk->source);
	disk->source = path;
	return 0;
}

/* The same machine under another name, with its own UUID, addresses and disks. */
static int plan_clone(struct file_work *work, const char *name, struct vm_error *err)
{
	struct domain *config = work->config;
	int r = 0;

	free(config->name);
	config->name = strdup(name);
	if (!config->name)
		return out_of_memory(err);
	domain_make_uuid(config->uuid);
	for (size_t i = 0; i < config->interface_count; i++)
		domain_make_mac(config->interfaces[i].mac);
	for (size_t i = 0; r == 0 && i < config->disk_count; i++)
		r = plan_clone_disk(work, config, &config->disks[i], err);
	return r == 0 ? domain_check(config, err) : r;
}

int vm_clone(struct vm *vm, const char *name, struct job **ret, struct vm_error *err)
{
	struct file_work *work;
	int r = vm_check(vm, VM_OPERATION_CLONE, err);

	if (r < 0)
		return r;
	if (!domain_name_valid(name))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' cannot be a machine's name", name);
	work = work_new(err);
	if (!work)
		return -ENOMEM;
	work->config = domain_copy(vm->config);
	r = work->config ? plan_clone(work, name, err) : out_of_memory(err);
	if (r == 0)
		r = vm_prepare_new(vm->manager, work->config, &work->uid, err);
	if (r < 0) {
		work_free(work);
		return r;
	}
	return begin_work(vm->manager, vm, vm->config, vm_operation_name(VM_OPERATION_CLONE), work,
			  ret, err);
}

/* ── export ────────────────────────────────────────────────────────────────────────────────── */

static int plan_export(struct file_work *work, const struct vm *vm, const char *directory,
		       struct vm_error *err)
{
	for (size_t i = 0; i < vm->config->disk_count; i++) {
		const struct domain_disk *disk = &vm->config->disks[i];
		_cleanup_free_ char *path = NULL;

		if (!disk->source || disk->readonly)
			continue;
		if (asprintf(&path, "%s/%s-%s.raw", directory, vm->config->name, disk->target) <
		    0) {
			path = NULL;
			return out_of_memory(err);
		}
		if (file_plan_add(&work->plan, disk->source, path, 0) < 0)
			return out_of_memory(err);
	}
	if (asprintf(&work->xml_path, "%s/%s.xml", directory, vm->config->name) < 0) {
		work->xml_path = NULL;
		return out_of_memory(err);
	}
	work->xml = strdup(vm->xml);
	return work->xml ? 0 : out_of_memory(err);
}

int vm_export(struct vm *vm, const char *directory, struct job **ret, struct vm_error *err)
{
	struct file_work *work;
	struct stat st;
	int r = vm_check(vm, VM_OPERATION_EXPORT, err);

	if (r < 0)
		return r;
	if (directory[0] != '/' || strchr(directory, '\n'))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' is not an absolute path in one line", directory);
	work = work_new(err);
	if (!work)
		return -ENOMEM;
	r = plan_export(work, vm, directory, err);
	if (r == 0 && lstat(work->xml_path, &st) == 0)
		r = vm_error_set(err, VM_ERROR_FILE, "%s exists already and is not overwritten",
				 work->xml_path);
	if (r < 0) {
		work_free(work);
		return r;
	}
	return begin_work(vm->manager, vm, vm->config, vm_operation_name(VM_OPERATION_EXPORT), work,
			  ret, err);
}

/* ── delete ────────────────────────────────────────────────────────────────────────────────── */

/* Does another machine name this file? Then it stays, whatever is asked. */
static bool referenced(const struct manager *manager, const char *path, const struct vm *except)
{
	for (const struct vm *vm = manager->vms; vm; vm = vm->next) {
		for (size_t i = 0; vm != except && i < vm->config->disk_count; i++) {
			const char *source = vm->config->disks[i].source;

			if (source && strcmp(source, path) == 0)
				return true;
		}
	}
	return false;
}

static int plan_delete(const struct vm *vm, struct file_plan *plan)
{
	int r = 0;

	plan->phase = file_plan_unlink;
	for (size_t i = 0; r == 0 && i < vm->config->disk_count; i++) {
		const struct domain_disk *disk = &vm->config->disks[i];

		if (disk->source && !disk->readonly && !disk->block)
			r = file_plan_add(plan, NULL, disk->source, 0);
	}
	return r;
}

static void unlink_all(struct manager *manager, const char *machine, const struct file_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const char *path = plan->steps[i].final;

		if (referenced(manager, path, NULL))
			log_info("%s: %s stays, another machine uses it", machine, path);
		else if (unlink(path) < 0 && errno != ENOENT)
			log_warning("%s: %s cannot be removed: %s", machine, path, strerror(errno));
	}
}

/* The row of the machine goes; from then on the files are the journal's business. */
static int remove_machine(struct vm *vm, struct vm_error *err)
{
	struct store *store = vm->manager->store;
	int r = store_worker_remove(store, vm->config->uuid, err);

	return r == 0 ? store_vm_remove(store, vm->config->uuid, err) : r;
}

int vm_delete(struct vm *vm, bool storage, struct job **ret, struct vm_error *err)
{
	_cleanup_plan_ struct file_plan plan = {.phase = file_plan_unlink};
	_cleanup_free_ char *detail = NULL, *name = strdup(vm->config->name);
	struct manager *manager = vm->manager;
	int r = vm_check(vm, VM_OPERATION_DELETE, err);

	if (r < 0)
		return r;
	if (storage && plan_delete(vm, &plan) < 0)
		return out_of_memory(err);
	detail = file_plan_print(&plan);
	if (!detail || !name)
		return out_of_memory(err);
	r = job_begin(manager, vm, vm->config, vm_operation_name(VM_OPERATION_DELETE), detail, ret,
		      err);
	if (r < 0)
		return r;
	r = remove_machine(vm, err);
	if (r < 0) {
		job_end(*ret, JOB_FAILED, err);
		return r;
	}
	manager_event(manager, vm, "deleted", "%s", storage ? "with its disks" : "its disks stay");
	publish_vm_removed(vm);
	vm_destroy(vm);
	unlink_all(manager, name, &plan);
	job_end_soon(*ret);
	return 0;
}

/* ── after a restart of the daemon ─────────────────────────────────────────────────────────── */

static void finish_publish(struct manager *manager, const struct store_operation *operation,
			   const struct file_plan *plan, struct job *job)
{
	struct vm_error err = {0};

	if (file_plan_publish_all(plan, &err) < 0) {
		job_end(job, JOB_FAILED, &err);
		return;
	}
	job_end(job, JOB_DONE, NULL);
}

static void undo_prepare(const struct store_operation *operation, const struct file_plan *plan,
			 struct job *job)
{
	struct vm_error err = {0};

	file_plan_undo(plan);
	(void)vm_error_set(
		&err, VM_ERROR_CANCELED,
		"The daemon was restarted during '%s' of machine %s; nothing of it is left",
		operation->kind, operation->name);
	job_end(job, JOB_FAILED, &err);
}

/* A delete whose machine is still there had not happened. */
static void finish_delete(struct manager *manager, const struct store_operation *operation,
			  const struct file_plan *plan, struct job *job)
{
	if (vm_by_uuid(manager, operation->uuid)) {
		undo_prepare(operation, &(struct file_plan){0}, job);
		return;
	}
	unlink_all(manager, operation->name, plan);
	job_end(job, JOB_DONE, NULL);
}

void vm_files_recover(struct manager *manager, const struct store_operation *operation)
{
	_cleanup_plan_ struct file_plan plan = {0};
	struct job *job = NULL;

	if (job_resume(manager, NULL, operation, &job) < 0) {
		log_error("Out of memory");
		return;
	}
	if (file_plan_parse(operation->detail, &plan) < 0)
		undo_prepare(operation, &plan, job);
	else if (plan.phase == file_plan_publish)
		finish_publish(manager, operation, &plan, job);
	else if (plan.phase == file_plan_unlink)
		finish_delete(manager, operation, &plan, job);
	else
		undo_prepare(operation, &plan, job);
}

void vm_files_abandon(struct job *job)
{
	struct file_work *work = job->data;

	if (!work || job->cancel != cancel_files)
		return;
	task_abandon(&work->task);
	work_free(work);
	job->data = NULL;
}
