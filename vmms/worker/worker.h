/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervision of one machine's worker: its birth or adoption, its control connection, its end.
 *
 * A worker is in vm->worker from worker_launch() or worker_adopt() until the process has ended,
 * whatever the connection does; then vm_worker_gone() takes it out of there, and it is freed.
 */
#ifndef VMMS_WORKER_WORKER_H
#define VMMS_WORKER_WORKER_H

#include "daemon/vm.h"
#include "worker/peer.h"
#include "worker/scope.h"

struct worker {
	struct vm *vm;
	struct peer peer;
	pid_t pid;
	int pidfd;
	ev_io exit_watcher;
	int go;                            /* -1 once let go */
	uint64_t start_time;               /* of the process */
	bool recorded, in_scope;           /* then it is let go */
	struct inventory_write *recording; /* NULL: not under way */
	int mount_namespace;               /* until its root is emptied; else -1 */
	struct scope *scope;
	char *socket;
	char nonce_hex[33];
	uint8_t nonce[16];
	bool adopted;
	bool known; /* HELLO is answered, and it is the one that was started */
	enum proto_state state;
	enum proto_cause cause;
	char *words; /* of its last state, for people; NULL: none */
	ev_timer kill_timer;
	ev_timer reconnect_timer;
	unsigned int attempts; /* to connect again, in a row */
	struct bucket reconnects;
	/* Once: it is known (err NULL), or cannot be had. */
	void (*ready)(struct vm *vm, const struct vm_error *err);
};

/* Is there a worker program? Otherwise the error tells what to install. */
int must_check worker_program_check(const struct settings *settings, struct vm_error *err);

/* Begins a process and sends HELLO. Requests may be sent at once; they wait in the socket. */
int must_check worker_launch(struct vm *vm,
			     void (*ready)(struct vm *vm, const struct vm_error *err),
			     struct vm_error *err);

/*
 * Takes over a worker of an earlier daemon. -ESRCH: that process is gone. One that is there but
 * does not listen is killed; its end comes as any other.
 */
int must_check worker_adopt(struct vm *vm, const struct store_worker *row,
			    void (*ready)(struct vm *vm, const struct vm_error *err));

int must_check worker_send(struct worker *worker, struct proto_message *message,
			   void (*done)(void *vm, const struct proto_message *answer));

/* Begins to take the program's files out of its root directory, where it is in a sandbox. */
void worker_empty_root(struct worker *worker);

/* Its row, as one of the writes being gathered. */
int must_check worker_put(const struct worker *worker, struct vm_error *err);

/* SIGKILL, now or after `seconds` unless it ends before. */
void worker_kill(struct worker *worker);
void worker_kill_after(struct worker *worker, double seconds);

/* Lets go of the process, which runs on: the end of the daemon. */
void worker_release(struct worker *worker);

#endif
