/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inventory seen from the loop, which never waits for its disk.
 *
 * What is written is of two kinds. A *fact* has happened whatever the disk says: a state, an event, the
 * end of a job. It is in memory at once, and handed over by the functions of store.h; if it cannot be
 * written that is logged. A *change* happens by being written: a definition, a new machine. It is
 * prepared, handed over here, and made in memory by its `done`, when it is on the disk; if it cannot be
 * written, nothing has changed. One change is under way at a time, and what else would change, or relies
 * on, what changes do waits for its turn (inventory_step(), bus/call.c). Turning a machine off is facts
 * alone.
 *
 * A disk that does not answer: after InventoryTimeoutSec a change fails, and so does each one after it
 * until the disk answers again. Then what is in memory is written, so that a change that was refused,
 * but went to the disk after all, is taken back.
 */
#ifndef VMMS_DAEMON_INVENTORY_H
#define VMMS_DAEMON_INVENTORY_H

#include <ev.h>

#include "daemon/caller.h"
#include "store/queue.h"

struct inventory;
struct manager;

enum inventory_kind {
	INVENTORY_CHANGE,
	INVENTORY_RECORD, /* a fact, or what is no change of a machine, that somebody waits for */
	INVENTORY_READ,
	INVENTORY_AFTER, /* nothing */
};

/* Embedded in what the request is about. */
struct inventory_request {
	struct store_request store; /* its `run` is on the thread */
	struct inventory_request *next;
	struct manager *manager;
	struct caller caller; /* whose doing it is */
	ev_timer timer;
	enum inventory_kind kind;
	bool told;
	/*
	 * In the loop, once. `err` is NULL for success. With an error the thread may be at it still: what
	 * `run` sees must stay until `release`.
	 */
	void (*done)(struct inventory_request *request, const struct vm_error *err);
	/* Later: nobody uses the request any more. NULL: nothing to do. */
	void (*release)(struct inventory_request *request);
};

/* From now on nothing waits for the disk any more. */
int must_check inventory_start(struct manager *manager, struct vm_error *err);
/*
 * At the daemon's end: what was handed over is written, and `done` called. False if the disk does not
 * answer; then the store must stay as it is.
 */
bool must_check inventory_end(struct manager *manager);

/* Writes that follow are `request`'s, until it is handed over. */
void inventory_gather(struct manager *manager, struct inventory_request *request);
/*
 * With `done` and `release` set. If this fails, neither is called, and what was gathered is dropped.
 */
int must_check inventory_hand_over(struct manager *manager, struct inventory_request *request,
				   enum inventory_kind kind, struct vm_error *err);
/* Drops what was gathered. */
void inventory_drop(struct manager *manager, struct inventory_request *request);
/*
 * The same for writes alone: a request that is made here, whose writes follow, and that is gone when it
 * has been handed over, whatever comes of that, or dropped. done(data) is called once, unless
 * inventory_write() fails.
 */
struct inventory_write;
struct inventory_write *inventory_write_new(struct manager *manager,
					    void (*done)(void *data, const struct vm_error *err),
					    void *data, struct vm_error *err);
int must_check inventory_write(struct inventory_write *write, enum inventory_kind kind,
			       struct vm_error *err);
void inventory_write_drop(struct inventory_write *write);
/* `done` is not called any more. Takes NULL, and no longer one whose `done` was called. */
void inventory_write_forget(struct inventory_write *write);

/* How many reads are under way? */
unsigned int inventory_reads(const struct manager *manager);

/* Is a change under way, or a step that waits for it? */
bool inventory_changing(const struct manager *manager);
/*
 * Calls run(data) when no change is under way: now, or later, in the order of these calls; by the
 * daemon's end, never. False: out of memory.
 */
bool must_check inventory_step(struct manager *manager, void (*run)(void *data), void *data);

/*
 * Calls run(data) when all that was handed over before is on the disk, or after a moment if that takes
 * long: for words to others, which are to come after what they tell of.
 */
void inventory_after(struct manager *manager, void (*run)(void *data), void *data);

#endif
