/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inventory on disk: machines, workers, the journal of operations, history, networks, in one
 * sqlite file with a write-ahead log and full synchronization.
 *
 * Rules: what a call acknowledges survives a crash at any later moment (events survive one of the
 * daemon; in a power cut the last ones may be lost). The journal row of an
 * operation is written before a file is touched or a process started, and closed in the same
 * transaction as the result is recorded. At start, open rows are finished or undone by whoever
 * owns their kind.
 *
 * One thread at a time: its user's, or, with a queue (queue.h), that of the queue. Then a write that
 * returns success has been handed over, and what came of it is known later. Every function that fails sets *err to StoreError and leaves the store
 * unchanged; the text tells a full disk, a read-only or failing one, a file in use and a damaged one
 * apart, and what to do about each.
 */
#ifndef VMMS_STORE_STORE_H
#define VMMS_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/error.h"

struct store;

/*
 * Opens or creates the file, checks its integrity and brings its schema up to date. A damaged file
 * or one of a newer version is refused and left as it is. `vfs` names an sqlite VFS, for tests;
 * NULL takes the default.
 */
int must_check store_open(const char *path, const char *vfs, struct store **ret,
			  struct vm_error *err);
struct store *store_close(struct store *store);

/*
 * The daemon's way: a file that is there and empty is refused, as machines were lost with what was
 * in it; where there is none, a new one is made. -EBUSY: another process has it.
 */
int must_check store_open_or_create(const char *path, struct store **ret, bool *ret_created,
				    struct vm_error *err);
int must_check store_open_existing(const char *path, struct store **ret, struct vm_error *err);

const char *store_path(const struct store *store);

/* Brings a database to `version` only; for tests of the migrations. */
int must_check store_open_version(const char *path, int version, struct vm_error *err);
int store_schema_version(void);

/*
 * Transactions do not nest. Without one, each call below is a transaction of its own. With a queue only
 * writes can be in one.
 */
int must_check store_begin(struct store *store, struct vm_error *err);
int must_check store_commit(struct store *store, struct vm_error *err); /* rolls back on failure */
void store_rollback(struct store *store);

/* ── single values ─────────────────────────────────────────────────────────────────────────── */

int must_check store_meta_set(struct store *store, const char *key, const char *value,
			      struct vm_error *err);
int must_check store_meta_remove(struct store *store, const char *key, struct vm_error *err);
/* *ret is NULL when there is no such key; free() it. */
int must_check store_meta_get(struct store *store, const char *key, char **ret,
			      struct vm_error *err);

/* ── machines ──────────────────────────────────────────────────────────────────────────────── */

struct store_vm {
	const char *uuid; /* the key */
	const char *name; /* unique too */
	const char *xml;  /* canonical */
	const char *power;
	const char *reason;
	const char *notes;
	bool autostart;
	uint32_t autostart_order;
	uint32_t autostart_delay; /* seconds after the one before */
	const char *stop_action;  /* at host shutdown: "shutdown" or "turn-off" */
	uint32_t stop_timeout;    /* seconds until a shutdown becomes a turn-off */
	uint32_t worker_uid;      /* its own, for life */
	int64_t created;          /* seconds since 1970 */
};

int must_check store_vm_put(struct store *store, const struct store_vm *vm, struct vm_error *err);
int must_check store_vm_remove(struct store *store, const char *uuid, struct vm_error *err);
int must_check store_vm_power(struct store *store, const char *uuid, const char *power,
			      const char *reason, struct vm_error *err);
/* A non-zero return of `each` ends the walk and is returned. Strings live during the call. */
int must_check store_vm_each(struct store *store,
			     int (*each)(void *data, const struct store_vm *vm), void *data,
			     struct vm_error *err);

/* ── worker processes ──────────────────────────────────────────────────────────────────────── */

struct store_worker {
	const char *uuid; /* of the machine; the key */
	int32_t pid;
	uint64_t start_time; /* of the process, in ticks since boot: makes the pid unambiguous */
	const char *boot_id; /* of the host's boot that the pid belongs to */
	const char *socket;  /* path of the control socket */
	const char *nonce;   /* what the worker must answer to be the one that was started */
};

int must_check store_worker_put(struct store *store, const struct store_worker *worker,
				struct vm_error *err);
int must_check store_worker_remove(struct store *store, const char *uuid, struct vm_error *err);
int must_check store_worker_each(struct store *store,
				 int (*each)(void *data, const struct store_worker *worker),
				 void *data, struct vm_error *err);

/* ── journal of operations, and history ────────────────────────────────────────────────────── */

#define STORE_NOBODY UINT32_MAX

struct store_operation {
	int64_t id;         /* grows; also the job's number */
	const char *uuid;   /* of the machine */
	const char *name;   /* its name at the time */
	const char *kind;   /* vm_operation_name(), or a name of the daemon's own */
	const char *detail; /* what the kind needs to finish or undo it */
	const char *state;  /* open, done, failed, canceled */
	const char *error;  /* D-Bus name; "" for none */
	const char *message;
	int64_t started, finished; /* microseconds since 1970; finished is 0 while open */
	uint32_t uid;              /* who asked for it; STORE_NOBODY: the daemon by itself */
	const char *user;          /* the name of that user at the time; "" for none */
};

int must_check store_operation_begin(struct store *store, const struct store_operation *operation,
				     int64_t *ret_id, struct vm_error *err);
int must_check store_operation_detail(struct store *store, int64_t id, const char *detail,
				      struct vm_error *err);
int must_check store_operation_end(struct store *store, int64_t id, const char *state,
				   const char *error, const char *message, int64_t finished,
				   struct vm_error *err);
/* The open ones, oldest first. */
int must_check store_operation_each_open(struct store *store,
					 int (*each)(void *data, const struct store_operation *op),
					 void *data, struct vm_error *err);
/* The `limit` newest, newest first; of one machine unless `uuid` is NULL. */
int must_check store_operation_each(struct store *store, const char *uuid, uint32_t limit,
				    int (*each)(void *data, const struct store_operation *op),
				    void *data, struct vm_error *err);

struct store_event {
	int64_t sequence;
	int64_t time; /* microseconds since 1970 */
	const char *uuid;
	const char *name;
	const char *kind;
	const char *detail;
	uint32_t uid; /* as in store_operation */
	const char *user;
};

enum { STORE_EVENTS_KEPT = 20000, STORE_OPERATIONS_KEPT = 5000 };
/* About how much store_event_each() gives at most: a message of the bus is no larger than 32 MiB. */
enum { STORE_ANSWER_BYTES = 4 << 20 };

int must_check store_event_add(struct store *store, const struct store_event *event,
			       int64_t *ret_sequence, struct vm_error *err);
/* Newer than `after`, oldest first, at most the `limit` newest; of one machine unless NULL. */
int must_check store_event_each(struct store *store, const char *uuid, int64_t after,
				uint32_t limit,
				int (*each)(void *data, const struct store_event *event),
				void *data, struct vm_error *err);
/* Forgets events and closed operations beyond the numbers above. */
int must_check store_prune(struct store *store, struct vm_error *err);

/* ── all of it ─────────────────────────────────────────────────────────────────────────────── */

/* For a transaction that writes anew what somebody has in memory: takes out machines, workers, networks. */
int must_check store_clear(struct store *store, struct vm_error *err);
/* Ends, as failed, the open operations other than those. */
int must_check store_operations_end_others(struct store *store, const int64_t *ids, size_t count,
					   int64_t now, struct vm_error *err);

/* ── networks ──────────────────────────────────────────────────────────────────────────────── */

struct store_network {
	const char *name; /* the key */
	const char *mode; /* "nat" or "bridge" */
	const char *bridge;
	const char *address; /* of the bridge, with prefix length; "" for mode bridge */
	uint32_t vlan;
	bool autostart;
};

int must_check store_network_put(struct store *store, const struct store_network *network,
				 struct vm_error *err);
int must_check store_network_remove(struct store *store, const char *name, struct vm_error *err);
int must_check store_network_each(struct store *store,
				  int (*each)(void *data, const struct store_network *network),
				  void *data, struct vm_error *err);

#endif
