/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deleting a machine, and the files of its disks.
 *
 * The machine goes in the transaction that begins "unlink", its files after it, on a thread. A file
 * goes only if the daemon made it, unless that is forced; and never while another machine names it,
 * by whatever spelling or link, or while anybody holds it locked. What stays is told, and why.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/disk_holder.h"
#include "daemon/file_work.h"
#include "daemon/inventory.h"
#include "daemon/journal.h"
#include "daemon/publish.h"

static int out_of_memory(struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
}

/* ── on the thread ─────────────────────────────────────────────────────────────────────────── */

/* Another sentence for the answer. */
static void say(struct file_work *work, const char *format, ...) printf_like(2, 3);

static void say(struct file_work *work, const char *format, ...)
{
	char *text = work->note.text;
	size_t length = strlen(text), size = sizeof(work->note.text);
	va_list ap;

	if (length > 0 && length + 2 < size)
		length += (size_t)snprintf(text + length, size - length, "; ");
	va_start(ap, format);
	vsnprintf(text + length, size - length, format, ap);
	va_end(ap);
}

/* Who else names this file; NULL: nobody. */
static const struct disk_use *other_user(const struct file_work *work, const struct file_id *id)
{
	for (size_t i = 0; i < work->check.others.count; i++) {
		const struct disk_use *use = &work->check.others.items[i];
		struct file_id other;

		if (file_id_get(use->path, &other) == 0 && file_id_equal(&other, id))
			return use;
	}
	return NULL;
}

/* Why `fd`, which is what `path` names, has to stay; false: it may go. */
static bool has_to_stay(struct file_work *work, const struct file_step *step, int fd,
			const struct stat *st)
{
	struct file_id id = file_id_of(st);
	const struct disk_use *use = other_user(work, &id);
	char holder[DISK_HOLDER_TEXT];
	struct file_birth birth;

	if (use)
		say(work, "%s stays: in use by %s", step->final, use->user);
	else if (!S_ISREG(st->st_mode))
		say(work, "%s stays: it is not a regular file", step->final);
	else if (step->kind != FILE_STEP_FORCED &&
		 (file_birth_get(fd, &birth) < 0 || !file_birth_equal(&birth, &step->birth)))
		say(work, "%s stays: it was not made by vmms (--force removes such files, too)",
		    step->final);
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		say(work, "%s stays: a machine or program has it locked", step->final);
	else if (disk_holder_find(&disk_holder_host, st, holder))
		say(work, "%s stays: %s", step->final, holder);
	else
		return false;
	return true;
}

/* True if the file is gone. */
static bool unlink_one(struct file_work *work, const struct file_step *step)
{
	_cleanup_close_ int fd =
		open(step->final, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st, now;
	int r;

	if (fd < 0 && errno == ELOOP) {
		say(work, "%s stays: it is a symbolic link", step->final);
		return false;
	}
	if (fd < 0 && errno == ENOENT) {
		say(work, "%s was not there any more", step->final);
		return true;
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		say(work, "%s stays: %s", step->final, strerror(errno));
		return false;
	}
	if (has_to_stay(work, step, fd, &st))
		return false;
	/* Locked now, so no machine begins with it; is it still what the name leads to? */
	if (lstat(step->final, &now) < 0 || now.st_dev != st.st_dev || now.st_ino != st.st_ino ||
	    unlink(step->final) < 0) {
		say(work, "%s stays: it cannot be removed: %s", step->final, strerror(errno));
		return false;
	}
	r = file_plan_sync_directory(step->final);
	if (r < 0)
		journal_job(LOG_LEVEL_WARNING, work->job,
			    "%s: its directory cannot be synchronized: %s", step->final,
			    strerror(-r));
	say(work, "%s is removed%s", step->final,
	    st.st_nlink > 1 ? ", its content stays under another name" : "");
	return true;
}

void file_unlink_run(struct file_work *work)
{
	for (size_t i = 0; i < work->plan.count; i++) {
		struct file_step *step = &work->plan.steps[i];

		if (!unlink_one(work, step))
			step->birth = (struct file_birth){0}; /* its note stays as well */
	}
}

/* ── in the loop ───────────────────────────────────────────────────────────────────────────── */

/* The notes that the daemon made these files go with them. */
static void forget_files(struct file_work *work)
{
	struct vm_error err = {0};

	for (size_t i = 0; i < work->plan.count; i++) {
		const struct file_step *step = &work->plan.steps[i];
		_cleanup_free_ char *key = file_made_key(step->final);

		if (key && step->birth.inode != 0 &&
		    store_meta_remove(work->manager->store, key, &err) < 0)
			journal_job(LOG_LEVEL_ERROR, work->job, "%s", err.text);
	}
}

void file_unlink_done(struct file_work *work)
{
	struct vm_error note = work->note;

	forget_files(work);
	file_work_end(work, JOB_DONE, &note);
}

/* ── who made the files ────────────────────────────────────────────────────────────────────── */

/* Before the deletion: what the inventory knows of the machine's files. */
struct deletion {
	struct inventory_request request;
	struct file_work *work;
	struct vm *vm; /* stays: this is a change */
	unsigned int flags;
	/* for the thread */
	char *keys[DOMAIN_MAX_DISKS];
	char *births[DOMAIN_MAX_DISKS]; /* NULL: the daemon made no file of this name */
};

static void deletion_free(struct inventory_request *request)
{
	struct deletion *deletion = (struct deletion *)request; /* its first member */

	for (size_t i = 0; i < DOMAIN_MAX_DISKS; i++) {
		free(deletion->keys[i]);
		free(deletion->births[i]);
	}
	free(deletion);
}

static int read_births(struct store *store, struct store_request *request, struct vm_error *err)
{
	struct deletion *deletion = (struct deletion *)request; /* its first member */
	int r = 0;

	for (size_t i = 0; r == 0 && i < DOMAIN_MAX_DISKS; i++) {
		if (deletion->keys[i])
			r = store_meta_get(store, deletion->keys[i], &deletion->births[i], err);
	}
	return r;
}

static int plan_delete(const struct deletion *deletion, struct vm_error *err)
{
	const struct domain *config = deletion->vm->config;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->disk_count; i++) {
		struct file_birth birth = {0};

		if (!deletion->keys[i])
			continue;
		if (deletion->births[i] && !file_birth_parse(deletion->births[i], &birth))
			birth = (struct file_birth){0};
		if (file_plan_add_remove(&deletion->work->plan, config->disks[i].source,
					 deletion->flags & VM_DELETE_FORCE, &birth) < 0)
			r = out_of_memory(err);
	}
	return r;
}

/* ── the machine ───────────────────────────────────────────────────────────────────────────── */

/* Nobody may begin to use these files while they go. */
static int hold_files(struct file_work *work, const struct vm *vm, struct vm_error *err)
{
	work->reservation = reserve(work->manager, vm->config, 0, false, "deleted");
	if (!work->reservation ||
	    disk_uses_of_others(work->manager, vm, work->reservation, &work->check.others) < 0)
		return out_of_memory(err);
	return 0;
}

/* The row of the machine goes; from then on the files are the journal's business. */
static int gather(struct file_work *work, struct vm *vm, struct vm_error *err)
{
	_cleanup_free_ char *detail = file_plan_print(&work->plan);
	struct store *store = vm->manager->store;
	int r = detail ? job_prepare(work->manager, NULL, vm->config,
				     vm_operation_name(VM_OPERATION_DELETE), detail, &work->job,
				     err)
		       : out_of_memory(err);

	if (r == 0)
		r = store_worker_remove(store, vm->config->uuid, err);
	return r == 0 ? store_vm_remove(store, vm->config->uuid, err) : r;
}

static void on_deleted(void *data, const struct vm_error *err)
{
	struct file_work *work = data;
	struct vm *vm = TAKE_PTR(work->deleted);

	work->write = NULL;
	if (err) {
		work->begun(work->begun_data, NULL, err);
		file_work_free(work);
		return;
	}
	work->job->data = work;
	job_enlist(work->job);
	manager_event_by(work->manager, vm, &work->job->caller, work->job->id, "deleted", "%s",
			 work->plan.count > 0 ? "its disks go, too" : "its disks stay");
	publish_vm_removed(vm);
	vm_destroy(vm);
	work->begun(work->begun_data, work->job, NULL);
	file_work_enter(work, FILE_STAGE_UNLINK);
}

static int delete_machine(struct file_work *work, struct vm *vm, struct vm_error *err)
{
	int r = vm_check(vm, VM_OPERATION_DELETE, err);

	if (r == 0)
		r = hold_files(work, vm, err);
	if (r < 0)
		return r;
	work->deleted = vm;
	work->write = inventory_write_new(work->manager, on_deleted, work, err);
	return work->write ? file_work_write(work, gather(work, vm, err), err) : -ENOMEM;
}

static void on_births_read(struct inventory_request *request, const struct vm_error *failed)
{
	struct deletion *deletion = (struct deletion *)request; /* its first member */
	struct file_work *work = deletion->work;
	struct vm_error err = {0};

	if (!failed &&
	    (plan_delete(deletion, &err) < 0 || delete_machine(work, deletion->vm, &err) < 0))
		failed = &err;
	if (!failed)
		return;
	work->begun(work->begun_data, NULL, failed);
	file_work_free(work);
}

static int delete_with_storage(struct file_work *work, struct vm *vm, unsigned int flags,
			       struct vm_error *err)
{
	struct deletion *deletion = calloc(1, sizeof(*deletion));
	int r = deletion ? 0 : out_of_memory(err);

	if (r < 0)
		return r;
	deletion->work = work;
	deletion->vm = vm;
	deletion->flags = flags;
	deletion->request.store.run = read_births;
	deletion->request.done = on_births_read;
	deletion->request.release = deletion_free;
	for (size_t i = 0; r == 0 && i < vm->config->disk_count; i++) {
		const struct domain_disk *disk = &vm->config->disks[i];

		if (!disk->source || disk->readonly)
			continue;
		deletion->keys[i] = file_made_key(disk->source);
		r = deletion->keys[i] ? 0 : out_of_memory(err);
	}
	if (r == 0)
		r = inventory_hand_over(vm->manager, &deletion->request, INVENTORY_CHANGE, err);
	if (r < 0)
		deletion_free(&deletion->request);
	return r;
}

int vm_delete(struct vm *vm, unsigned int flags, vm_job_fn *done, void *data, struct vm_error *err)
{
	struct file_work *work;
	int r = vm_check(vm, VM_OPERATION_DELETE, err);

	if (r < 0)
		return r;
	work = file_work_new(vm->manager, err);
	if (!work)
		return -ENOMEM;
	work->plan.phase = file_plan_unlink;
	work->begun = done;
	work->begun_data = data;
	if (flags & VM_DELETE_STORAGE)
		r = delete_with_storage(work, vm, flags, err);
	else
		r = delete_machine(work, vm, err);
	if (r < 0)
		file_work_free(work);
	return r;
}
