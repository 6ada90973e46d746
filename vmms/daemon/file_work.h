/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job that makes files, and perhaps the machine that they belong to.
 *
 * On a thread it is checked whether the files may be made, then they are made under temporary names.
 * In the loop, one transaction turns the plan from "prepare" to "publish" and puts the machine into
 * the inventory: a crash before it leaves nothing behind, one after it leaves a machine whose files
 * the next daemon puts in place. On a thread again the files get their names. Until that is done
 * the job holds the machine, its name, UUID, uid and paths.
 */
#ifndef VMMS_DAEMON_FILE_WORK_H
#define VMMS_DAEMON_FILE_WORK_H

#include "daemon/disk_check.h"
#include "daemon/file_plan.h"
#include "daemon/job.h"
#include "daemon/task.h"

struct inventory_write;

enum file_stage {
	FILE_STAGE_PREPARE,
	FILE_STAGE_PUBLISH,
	FILE_STAGE_UNDO,
	FILE_STAGE_UNLINK, /* vm_delete.c */
};

struct file_work {
	struct file_work *next;
	struct task task;
	struct manager *manager;
	struct job *job;
	struct inventory_write *write; /* that it waits for; NULL: none */
	vm_job_fn *begun;              /* told of the job when its intent is on the disk */
	void *begun_data;
	enum file_stage stage;
	struct file_plan plan;
	struct disk_check check;
	struct reservation *reservation;
	struct domain *config; /* of the machine to be; NULL: none */
	uint32_t uid;
	struct vm_options *options; /* of the machine to be; NULL: the usual ones */
	struct vm *made;            /* while its files are being put in place */
	struct vm *deleted;         /* until its row is gone */
	struct vm_error err;        /* why it is being undone */
	struct vm_error note;       /* of a job that is done; no code, only text */
};

/* NULL: out of memory, and *err says so. */
struct file_work *file_work_new(struct manager *manager, struct vm_error *err);
struct file_work *file_work_free(struct file_work *work);

/*
 * Speaks for the name, UUID and uid of work->config and all its files, which are checked as
 * work->check.kinds says.
 */
int must_check file_work_reserve(struct file_work *work, const char *doing, struct vm_error *err);

/*
 * Writes the plan to the journal and, when it is on the disk, begins. `vm`: the machine that the job is
 * for; NULL: it is there for `config` alone. Takes `work` over in any case; `done` is called once, unless
 * this fails.
 */
int must_check file_work_begin(struct file_work *work, struct vm *vm, const struct domain *config,
			       const char *kind, vm_job_fn *done, void *data, struct vm_error *err);

/* Hands work->write over, or, if `gathered` is an error, drops it and returns that. */
int must_check file_work_write(struct file_work *work, int gathered, struct vm_error *err);

/* Begins a stage on the thread, or, where no thread can be had, does it here. */
void file_work_enter(struct file_work *work, enum file_stage stage);

/* On the thread and in the loop: the stage of vm_delete.c. */
void file_unlink_run(struct file_work *work);
void file_unlink_done(struct file_work *work);

/* Ends the job and frees `work`. */
void file_work_end(struct file_work *work, enum job_result result, const struct vm_error *err);

/* The key of the inventory's note that the daemon made a file; free() it. */
char *file_made_key(const char *path);

#endif
