/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual machine as the daemon knows it.
 */
#ifndef VMMS_DAEMON_VM_H
#define VMMS_DAEMON_VM_H

#include <ev.h>

#include "config/domain.h"
#include "daemon/bucket.h"
#include "daemon/manager.h"
#include "model/operation.h"
#include "model/state.h"
#include "proto/message.h"

struct opening;
struct vm_asked;
struct worker;

enum stop_action { STOP_ACTION_SHUTDOWN, STOP_ACTION_TURN_OFF, STOP_ACTION_COUNT };

/* What can be set in every state: SetVMOptions. */
struct vm_options {
	bool autostart;
	uint32_t autostart_order; /* lower ones first */
	uint32_t autostart_delay; /* seconds to wait after the one before */
	enum stop_action stop_action;
	uint32_t stop_timeout; /* seconds for a shutdown, then the machine is turned off */
	char *notes;
};

/*
 * In whatever waits for a worker's answer; `answered` is called once, at the latest when the time for
 * an answer is over. `err` is NULL for success.
 */
struct vm_question {
	void (*answered)(struct vm_question *question, struct vm *vm, const struct vm_error *err);
	/* What the answer was after all, where `answered` was told of a timeout. NULL: nobody cares. */
	void (*late)(struct vm_question *question, struct vm *vm, const struct vm_error *err);
};

/* Told once what came of something that may take a while; `err` is NULL for success. */
typedef void vm_done_fn(void *data, const struct vm_error *err);

struct vm {
	struct vm *next;
	struct manager *manager;
	struct domain *config;
	char *xml;    /* as it is in the inventory: the canonical form of config, unless damaged */
	char *damage; /* why that cannot be read; NULL: it can. Else config has name and UUID alone */
	char *path;   /* D-Bus object */
	enum vm_power power;
	enum vm_reason reason;
	enum vm_activity activity;
	struct vm_options options;
	uint32_t worker_uid;
	int64_t created;
	struct job *job;            /* the one that changes this machine; NULL: none */
	struct worker *worker;      /* NULL: no process */
	struct vm_asked *questions; /* to the worker, oldest first (vm_question.c) */
	struct opening *opening;    /* of the files for a start; NULL: none */
	bool awaits_networks;       /* a start, for those that are being started */
	bool medium_changing;       /* one of them is about a CD */
	struct proto_stats stats;
	struct vm_error failure;    /* why a start is being given up, until the worker is gone */
	bool autostart_pending;     /* waits for its turn after the host's boot */
	bool start_again;           /* an interrupted start is repeated when the worker is gone */
	bool stopping_for_host;     /* the host goes down: Off gets the reason host-shutdown */
	double host_stop_until;     /* by the loop's clock: then it is turned off, asked or not */
	bool guest_crashed;         /* it said so, and is being turned off for that */
	unsigned int restarts;      /* automatic ones in a row, for the back-off */
	int64_t running_since;      /* microseconds; 0: not running */
	struct bucket guest_events; /* that are recorded */
	struct bucket flips;        /* of the state by the worker, which nobody asked for */
	ev_timer restart_timer;
};

/* By name or UUID; NoSuchVM. */
int must_check vm_find(struct manager *manager, const char *name, struct vm **ret,
		       struct vm_error *err);
struct vm *vm_by_uuid(struct manager *manager, const char *uuid);

/* Takes over `config` and `xml` on success. The machine is in no list. */
int must_check vm_new(struct manager *manager, struct domain *config, char *xml, struct vm **ret);
/* Of one that is in no list. */
void vm_free(struct vm *vm);
/* Out of the list and gone. */
void vm_destroy(struct vm *vm);

/* The list is sorted by name: out of it before the name changes, and in again. */
void vm_enlist(struct vm *vm);
void vm_delist(struct vm *vm);

const char *stop_action_name(enum stop_action action);
int stop_action_parse(const char *name); /* -1: none */

/* May `operation` begin now? If not, the error says what is in the way and what to do. */
int must_check vm_check(const struct vm *vm, enum vm_operation operation, struct vm_error *err);

/* DefinitionDamaged if it is; `what` is what somebody wanted to do. */
int must_check vm_check_definition(const struct vm *vm, const char *what, struct vm_error *err);

/* Enters a state: in memory, in the store when it is a lasting one, in history, on the bus. */
void vm_set_power(struct vm *vm, enum vm_power power, enum vm_reason reason);

/* The same without the store, which the caller has written. */
void vm_note_power(struct vm *vm, enum vm_power power, enum vm_reason reason);

/* ── the machine's row (vm_load.c, vm_commit.c) ────────────────────────────────────────────── */

enum { VM_MAX_NOTES = 64 * 1024 };

/* Adds the machine of the row, whose definition may be damaged. -ENOMEM. */
int must_check vm_load(struct manager *manager, const struct store_vm *row);

/*
 * Every change of a definition, as a change of the inventory (inventory.h): `config`, which is taken over
 * on success, is the machine's when `done` is called without an error.
 */
int must_check vm_commit(struct vm *vm, struct domain *config, vm_done_fn *done, void *data,
			 struct vm_error *err);
/* The same for the options. */
int must_check vm_commit_options(struct vm *vm, struct vm_options *options, vm_done_fn *done,
				 void *data, struct vm_error *err);
/* On a thread: is `xml` read back as `config`? */
int must_check vm_read_back(const struct domain *config, const char *xml, struct vm_error *err);

/*
 * A new machine, in no list yet, and its row, which is one of the writes being gathered. The notes of
 * `options` (NULL: the usual ones) are taken over on success.
 */
int must_check vm_prepare(struct manager *manager, const struct domain *config, uint32_t uid,
			  struct vm_options *options, struct vm **ret, struct vm_error *err);
/* Its row, as it is in memory. */
int must_check vm_put(const struct vm *vm, struct vm_error *err);

/* ── definition (vm_define.c) ──────────────────────────────────────────────────────────────── */

enum vm_define_flags { VM_DEFINE_NEW = 1, VM_DEFINE_CHANGE = 2 };

typedef void vm_defined_fn(void *data, struct vm *vm, const struct vm_error *err);

/*
 * Defines a machine or changes the one of this UUID or name. `flags`: refuse one or the other.
 * Takes `config` over when it succeeds; `done` is called once, later. So with those below.
 */
int must_check vm_define(struct manager *manager, struct domain *config, unsigned int flags,
			 vm_defined_fn *done, void *data, struct vm_error *err);
/* What vm_define() would say; *ret is the machine that it would change, NULL: it is new. */
int must_check vm_define_check(struct manager *manager, const struct domain *config,
			       unsigned int flags, struct vm **ret, struct vm_error *err);
/* May a machine of this UUID have this name, as far as its form goes? Also for what is only looked at. */
int must_check vm_check_name(struct manager *manager, const struct domain *config,
			     struct vm_error *err);
/* The checks of vm_define() for a new machine, and a free uid; nothing is written. */
int must_check vm_prepare_new(struct manager *manager, const struct domain *config,
			      uint32_t *ret_uid, struct vm_error *err);
int must_check vm_configure(struct vm *vm, struct domain *config, vm_done_fn *done, void *data,
			    struct vm_error *err);
int must_check vm_rename(struct vm *vm, const char *name, vm_done_fn *done, void *data,
			 struct vm_error *err);
/* Takes what is in `options` over when it succeeds. */
int must_check vm_set_options(struct vm *vm, struct vm_options *options, vm_done_fn *done,
			      void *data, struct vm_error *err);
/*
 * A disk or network card, as domain_parse_device() gives it; `what` is for the history. A CD drive's medium also while the machine runs: then the worker confirms
 * it first. `done` is called when that is so, unless a negative errno is returned.
 */
int must_check vm_attach(struct vm *vm, const struct domain *device, const char *what,
			 vm_done_fn *done, void *data, struct vm_error *err);
int must_check vm_detach(struct vm *vm, const char *target, vm_done_fn *done, void *data,
			 struct vm_error *err);

/* ── power (vm_power.c): each begins a job ─────────────────────────────────────────────────── */

int must_check vm_start(struct vm *vm, struct job **ret, struct vm_error *err);
int must_check vm_turn_off(struct vm *vm, struct job **ret, struct vm_error *err);
int must_check vm_shutdown(struct vm *vm, struct job **ret, struct vm_error *err);
int must_check vm_reboot(struct vm *vm, struct job **ret, struct vm_error *err);
int must_check vm_reset(struct vm *vm, struct job **ret, struct vm_error *err);
int must_check vm_pause(struct vm *vm, struct job **ret, struct vm_error *err);
int must_check vm_resume(struct vm *vm, struct job **ret, struct vm_error *err);
/*
 * A stream socket to serial port `port`; the caller's to close. It is of use when `question` is
 * answered.
 */
int must_check vm_open_console(struct vm *vm, uint32_t port, struct vm_question *question,
			       int *ret_fd, struct vm_error *err);

/* A network has been started, stopped, or could not be: starts that waited for it go on. */
void vm_networks_changed(struct manager *manager);

/* Sends a request; `question`, the caller's memory, is answered if 0 is returned (vm_question.c). */
int must_check vm_ask(struct vm *vm, struct proto_message *message, struct vm_question *question,
		      struct vm_error *err);
/* Before the machine is forgotten. */
void vm_forget_questions(struct vm *vm);

/* What the worker tells, or its end: called by worker.c alone. */
void vm_worker_state(struct vm *vm, enum proto_state state, enum proto_cause cause,
		     const char *text);
void vm_worker_guest_event(struct vm *vm, const struct proto_message *message);
/* It has been reached again after its connection was lost. */
void vm_worker_reconnected(struct vm *vm);
/* `cause` is PROTO_CAUSE_COUNT for a worker that never said it stopped. `words` may be NULL. */
void vm_worker_gone(struct vm *vm, enum proto_cause cause, const char *words);

/*
 * At start: takes over the worker of the row, if it lives, and settles the operation (NULL: none)
 * that was open when the earlier daemon ended. `row` is NULL when there was no worker.
 */
void vm_power_recover(struct vm *vm, const struct store_worker *row,
		      const struct store_operation *operation);

/* ── building a machine in its worker (vm_build.c) ─────────────────────────────────────────── */

struct vm_files; /* open descriptors of all that the configuration names */

/*
 * Opens everything; the error names the file, why it cannot be had, and what to do. Runs on a thread,
 * with a machine of its own that has a configuration, settings and networks alone (opening.c).
 */
int must_check vm_files_open(struct vm *vm, struct vm_files **ret, struct vm_error *err);
struct vm_files *vm_files_close(struct vm_files *files);
/* Sends what the machine is; `answered` gets each answer. */
int must_check vm_build_send(struct vm *vm, const struct vm_files *files,
			     void (*answered)(void *vm, const struct proto_message *answer));
/* Is there memory for it? */
int must_check vm_build_check_memory(const struct vm *vm, struct vm_error *err);
/* A CD's file, read-only. On a thread, as vm_files_open(). */
int must_check vm_open_medium(const struct vm *vm, const char *path, int *ret_fd,
			      struct vm_error *err);

/* ── files (vm_create.c, vm_export.c, …): each begins a job ─────────────────────────────────────────────────── */

struct new_disk {
	const char *path;
	uint64_t size;
};

typedef void vm_job_fn(void *data, struct job *job, const struct vm_error *err);

/*
 * Each calls `done` once, with the job or the error, unless it returns a negative errno.
 *
 * vm_create_with_disks() takes `config` over when it succeeds. The files must not exist; their
 * directories must.
 */
int must_check vm_create_with_disks(struct manager *manager, struct domain *config,
				    const struct new_disk *disks, size_t count, vm_job_fn *done,
				    void *data, struct vm_error *err);
int must_check vm_clone(struct vm *vm, const char *name, vm_job_fn *done, void *data,
			struct vm_error *err);
int must_check vm_export(struct vm *vm, const char *directory, vm_job_fn *done, void *data,
			 struct vm_error *err);
enum vm_delete_flags { VM_DELETE_STORAGE = 1, VM_DELETE_FORCE = 2 };
/* VM_DELETE_FORCE: files of its disks that the daemon did not make, too. */
int must_check vm_delete(struct vm *vm, unsigned int flags, vm_job_fn *done, void *data,
			 struct vm_error *err);

enum vm_import_flags { VM_IMPORT_COPY = 1, VM_IMPORT_NEW_ID = 2 };
/* Takes the machine in a folder that vm_export() made, as `name` unless that is "". */
int must_check vm_import(struct manager *manager, const char *folder, const char *name,
			 unsigned int flags, vm_job_fn *done, void *data, struct vm_error *err);
/* At start: finishes or undoes what an earlier daemon began with files. */
void vm_files_recover(struct manager *manager, const struct store_operation *operation);
/*
 * At the daemon's end: waits for the job's thread, but no longer than `until`; false if it is not over
 * then. The journal has what the next daemon must know.
 */
bool must_check vm_files_abandon(struct job *job, const struct timespec *until);

#endif
