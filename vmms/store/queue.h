/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to the store that nobody waits for: a thread of the store's own carries them out, in the
 * order in which they are handed over. While the thread is there, nobody else uses the database: writes
 * (store.h) are gathered into requests, reads are made by a request's run().
 */
#ifndef VMMS_STORE_QUEUE_H
#define VMMS_STORE_QUEUE_H

#include "store/store.h"

struct store_write;

struct store_request {
	struct store_request *next;
	/*
	 * On the thread: a read, or a check before the gathered writes, which are then not made if it
	 * fails. NULL: nothing.
	 */
	int (*run)(struct store *store, struct store_request *request, struct vm_error *err);
	struct store_write *writes; /* one transaction */
	bool owned;                 /* somebody's memory; else the store's, and freed by it */
	bool lazy;                  /* of events alone: not worth a wait for the disk */
	int result;                 /* what came of it */
	struct vm_error err;
};

/* *ret_fd, the queue's, is readable when something has been carried out. */
int must_check store_queue_start(struct store *store, int *ret_fd);
/*
 * Carries out what has been handed over, and ends the thread; what is handed over from then on is carried
 * out at once. False if that takes longer than `seconds`: the disk does not answer, the thread and the
 * database stay, and the store is not to be used any more.
 */
bool must_check store_queue_stop(struct store *store, unsigned int seconds);
/* After that: the store works as without a queue. */
void store_queue_free(struct store *store);

/* That are not carried out yet. */
size_t store_queue_length(const struct store *store);
/* More than that, and writes that nobody waits for are refused: the disk does not answer. */
enum { STORE_QUEUE_MAX = 16384 };
/* Since the last call: was one refused? */
bool store_has_refused(struct store *store);

/* From now on writes are `request`'s, until it is handed over or dropped. */
void store_gather(struct store *store, struct store_request *request);
void store_hand_over(struct store *store, struct store_request *request);
/* Forgets the writes that were gathered. */
void store_drop(struct store *store, struct store_request *request);

/*
 * The oldest that has been carried out and was not given out before; NULL: none. One that is not
 * `owned` is freed by store_request_free(), its writes are gone in any case.
 */
struct store_request *store_next_finished(struct store *store);
void store_request_free(struct store_request *request);

#endif
