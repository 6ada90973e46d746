/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs: what takes time. A job is a row of the journal from its beginning, and one object on the
 * bus until its end. Its number is the row's.
 */
#ifndef VMMS_DAEMON_JOB_H
#define VMMS_DAEMON_JOB_H

#include "daemon/vm.h"

enum job_result { JOB_DONE, JOB_CANCELED, JOB_FAILED };

struct job {
	struct job *next;
	struct manager *manager;
	int64_t id;
	struct vm *vm; /* NULL for a machine that is not there yet or any more */
	char uuid[37];
	char *name; /* of the machine when the job began */
	const char *kind;
	char *path;        /* D-Bus object */
	uint32_t permille; /* progress */
	int64_t started;   /* microseconds since 1970 */
	bool canceled;     /* Cancel was called; the job ends soon */
	bool resumed;      /* begun by an earlier daemon */
	struct caller caller;
	/* Asks the work to end early; NULL: it cannot be canceled. The job still ends by job_end(). */
	void (*cancel)(struct job *job);
	void *data;     /* the work's own */
	ev_timer timer; /* for the work's use; stopped at the end */
};

/*
 * A job and the row of its intent, which is handed over, or one of the writes being gathered. Clients are
 * told of it by job_enlist(), which sets vm->job too unless vm is NULL.
 */
int must_check job_prepare(struct manager *manager, struct vm *vm, const struct domain *config,
			   const char *kind, const char *detail, struct job **ret,
			   struct vm_error *err);
void job_enlist(struct job *job);
/* One that was not enlisted. Takes NULL. */
struct job *job_drop(struct job *job);
/*
 * Both at once, for what does not rely on the row: an operation that also has to be possible with a disk
 * that is full or does not answer.
 */
int must_check job_begin(struct vm *vm, const char *kind, struct job **ret, struct vm_error *err);

/* Takes up the row of an earlier daemon again. */
int must_check job_resume(struct manager *manager, struct vm *vm,
			  const struct store_operation *operation, struct job **ret);

/*
 * Ends the job: journal, history, clients; frees it. `err` is for JOB_FAILED; without
 * a code it is something to tell of a job that is done. Within a transaction
 * of the caller's, call job_record_end() before the commit and job_end_recorded() after it. Clients hear
 * of it when its record is on the disk, or a moment later where that takes long.
 */
void job_end(struct job *job, enum job_result result, const struct vm_error *err);
int must_check job_record_end(struct job *job, enum job_result result, const struct vm_error *why,
			      struct vm_error *err);
void job_end_recorded(struct job *job, enum job_result result, const struct vm_error *err);

/* Ends it as done in the next turn of the loop, after the caller has been told its number. */
void job_end_soon(struct job *job);

/* Replaces the detail in the journal. */
int must_check job_set_detail(struct job *job, const char *detail, struct vm_error *err);
void job_set_progress(struct job *job, uint32_t permille);

int must_check job_cancel(struct job *job, struct vm_error *err);
struct job *job_find(struct manager *manager, int64_t id);
const char *job_result_name(enum job_result result);

/*
 * Ends jobs in memory only, at the daemon's end: their rows stay open for the next one. False if the thread
 * of one still waits for a file at `until`.
 */
bool must_check job_forget_all(struct manager *manager, const struct timespec *until);

#endif
