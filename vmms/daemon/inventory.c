/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests, from the loop to the store's queue and back.
 */
#include "daemon/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/job.h"
#include "net/network.h"
#include "worker/worker.h"

/* Words to others wait so long for what they tell of. */
#define AFTER_SECONDS 1.0
enum { END_SECONDS = 2 };

struct step {
	struct step *next;
	void (*run)(void *data);
	void *data;
};

struct inventory {
	ev_io io;
	struct inventory_request *requests; /* not finished, oldest first */
	struct step *steps;                 /* that wait for the change, oldest first */
	bool changing;
	bool ending;
	bool silent; /* the disk has not answered for long */
	bool stale;  /* what is in memory has to be written */
};

/* ── steps ─────────────────────────────────────────────────────────────────────────────────── */

bool inventory_changing(const struct manager *manager)
{
	const struct inventory *inventory = manager->inventory;

	return inventory && (inventory->changing || inventory->steps);
}

bool inventory_step(struct manager *manager, void (*run)(void *data), void *data)
{
	struct step *step, **at;

	if (!inventory_changing(manager)) {
		run(data);
		return true;
	}
	step = calloc(1, sizeof(*step));
	if (!step)
		return false;
	step->run = run;
	step->data = data;
	for (at = &manager->inventory->steps; *at; at = &(*at)->next)
		;
	*at = step;
	return true;
}

static void run_steps(struct inventory *inventory)
{
	while (inventory->steps && !inventory->changing) {
		struct step step = *inventory->steps;

		free(inventory->steps);
		inventory->steps = step.next;
		step.run(step.data);
	}
}

static void forget_steps(struct inventory *inventory)
{
	while (inventory->steps) {
		struct step *step = inventory->steps;

		inventory->steps = step->next;
		free(step);
	}
}

/* ── what comes of a request ───────────────────────────────────────────────────────────────── */

static void tell(struct inventory_request *request, const struct vm_error *err)
{
	struct manager *manager = request->manager;
	struct caller caller = manager->caller;

	request->told = true;
	if (request->kind == INVENTORY_CHANGE)
		manager->inventory->changing = false;
	manager->caller = request->caller;
	if (request->done)
		request->done(request, err);
	manager->caller = caller;
	run_steps(manager->inventory);
}

static int silence(const struct manager *manager, struct vm_error *err)
{
	return vm_error_set(
		err, VM_ERROR_STORE,
		"The inventory %s does not answer: its disk has not written for more than %u s "
		"(InventoryTimeoutSec). Nothing was changed; 'journalctl -k' may tell more of the "
		"disk. Machines go on, and can be turned off",
		store_path(manager->store), manager->settings.inventory_timeout);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct inventory_request *request = watcher->data;
	struct vm_error err = {0};

	ev_timer_stop(loop, watcher);
	if (request->kind == INVENTORY_AFTER) {
		tell(request, NULL);
		return;
	}
	(void)silence(request->manager, &err);
	if (!request->manager->inventory->silent)
		log_error("%s", err.text);
	request->manager->inventory->silent = true;
	tell(request, &err);
}

static void delist(struct inventory_request *request)
{
	struct inventory_request **at = &request->manager->inventory->requests;

	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
}

static void finish_owned(struct inventory_request *request)
{
	struct inventory *inventory = request->manager->inventory;
	const struct vm_error *err = request->store.result < 0 ? &request->store.err : NULL;
	bool writes = request->kind == INVENTORY_CHANGE || request->kind == INVENTORY_RECORD;

	ev_timer_stop(request->manager->loop, &request->timer);
	delist(request);
	/* It was refused, and is on the disk. */
	if (request->told && writes && !err)
		inventory->stale = true;
	if (!request->told)
		tell(request, err);
	if (request->release)
		request->release(request);
}

static void finish_fact(struct inventory *inventory, struct store_request *request)
{
	if (request->result < 0) {
		log_error("%s", request->err.text);
		inventory->stale |= !request->lazy;
	}
	store_request_free(request);
}

static void write_memory(struct manager *manager);

static void take_finished(struct manager *manager)
{
	struct inventory *inventory = manager->inventory;
	struct store_request *request;
	bool answered = false;

	while ((request = store_next_finished(manager->store))) {
		answered |= request->result == 0;
		inventory->silent = false;
		if (request->owned)
			finish_owned((struct inventory_request *)request); /* its first member */
		else
			finish_fact(inventory, request);
	}
	inventory->stale |= store_has_refused(manager->store);
	if (answered && inventory->stale)
		write_memory(manager);
}

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
	take_finished(watcher->data);
}

/* ── handing over ──────────────────────────────────────────────────────────────────────────── */

void inventory_gather(struct manager *manager, struct inventory_request *request)
{
	store_gather(manager->store, &request->store);
}

void inventory_drop(struct manager *manager, struct inventory_request *request)
{
	store_drop(manager->store, &request->store);
}

static int refuse(struct manager *manager, struct vm_error *err)
{
	if (manager->inventory && manager->inventory->silent)
		return silence(manager, err);
	return vm_error_set(err, VM_ERROR_CANCELED, "The daemon begins or ends");
}

static void enlist(struct inventory_request *request, double seconds)
{
	struct manager *manager = request->manager;
	struct inventory_request **at = &manager->inventory->requests;

	while (*at)
		at = &(*at)->next;
	request->next = NULL;
	*at = request;
	ev_now_update(manager->loop);
	ev_timer_init(&request->timer, on_timer, seconds, 0);
	request->timer.data = request;
	ev_timer_start(manager->loop, &request->timer);
}

int inventory_hand_over(struct manager *manager, struct inventory_request *request,
			enum inventory_kind kind, struct vm_error *err)
{
	struct inventory *inventory = manager->inventory;

	if (!inventory || inventory->silent || inventory->ending) {
		if (request->store.writes)
			inventory_drop(manager, request);
		return refuse(manager, err);
	}
	CHECK(kind != INVENTORY_CHANGE || !inventory->changing);
	inventory->changing |= kind == INVENTORY_CHANGE;
	request->store.owned = true;
	request->manager = manager;
	request->caller = manager->caller;
	request->kind = kind;
	enlist(request,
	       kind == INVENTORY_AFTER ? AFTER_SECONDS : manager->settings.inventory_timeout);
	store_hand_over(manager->store, &request->store);
	return 0;
}

static void free_request(struct inventory_request *request)
{
	free(request);
}

struct inventory_write {
	struct inventory_request request;
	void (*done)(void *data, const struct vm_error *err); /* NULL: nobody cares */
	void *data;
};

static void on_written(struct inventory_request *request, const struct vm_error *err)
{
	struct inventory_write *write = (struct inventory_write *)request; /* its first member */

	if (write->done)
		write->done(write->data, err);
}

struct inventory_write *inventory_write_new(struct manager *manager,
					    void (*done)(void *data, const struct vm_error *err),
					    void *data, struct vm_error *err)
{
	struct inventory_write *write = calloc(1, sizeof(*write));

	if (!write) {
		(void)vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
		return NULL;
	}
	write->request.manager = manager;
	write->request.done = on_written;
	write->request.release = free_request;
	write->done = done;
	write->data = data;
	inventory_gather(manager, &write->request);
	return write;
}

int inventory_write(struct inventory_write *write, enum inventory_kind kind, struct vm_error *err)
{
	int r = inventory_hand_over(write->request.manager, &write->request, kind, err);

	if (r < 0)
		free(write);
	return r;
}

void inventory_write_drop(struct inventory_write *write)
{
	inventory_drop(write->request.manager, &write->request);
	free(write);
}

void inventory_write_forget(struct inventory_write *write)
{
	if (write)
		write->done = NULL;
}

unsigned int inventory_reads(const struct manager *manager)
{
	unsigned int count = 0;

	for (const struct inventory_request *at = manager->inventory ? manager->inventory->requests
								     : NULL;
	     at; at = at->next)
		count += at->kind == INVENTORY_READ;
	return count;
}

struct after {
	struct inventory_request request;
	void (*run)(void *data);
	void *data;
};

static void on_after(struct inventory_request *request, const struct vm_error *err)
{
	struct after *after = (struct after *)request; /* its first member */

	after->run(after->data);
}

void inventory_after(struct manager *manager, void (*run)(void *data), void *data)
{
	struct inventory *inventory = manager->inventory;
	struct vm_error err = {0};
	struct after *after;

	if (!inventory || (!inventory->requests && store_queue_length(manager->store) == 0)) {
		run(data);
		return;
	}
	after = calloc(1, sizeof(*after));
	if (after) {
		after->request.done = on_after;
		after->request.release = free_request;
		after->run = run;
		after->data = data;
	}
	if (!after || inventory_hand_over(manager, &after->request, INVENTORY_AFTER, &err) < 0) {
		free(after);
		run(data);
	}
}

/* ── memory to disk ────────────────────────────────────────────────────────────────────────── */

static int put_machines(struct manager *manager, struct vm_error *err)
{
	int r = 0;

	for (const struct vm *vm = manager->vms; r == 0 && vm; vm = vm->next) {
		r = vm_put(vm, err);
		if (r == 0 && vm->worker)
			r = worker_put(vm->worker, err);
	}
	return r;
}

static int put_all(struct manager *manager, struct vm_error *err)
{
	_cleanup_free_ int64_t *ids = NULL;
	size_t count = 0;
	int r = store_clear(manager->store, err);

	for (const struct job *job = manager->jobs; job; job = job->next)
		count++;
	ids = calloc(count + 1, sizeof(*ids));
	if (!ids)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	count = 0;
	for (const struct job *job = manager->jobs; job; job = job->next)
		ids[count++] = job->id;
	if (r == 0)
		r = put_machines(manager, err);
	if (r == 0)
		r = network_put_all(manager, err);
	if (r == 0)
		r = store_operations_end_others(manager->store, ids, count, manager_now(), err);
	return r;
}

static void on_memory_written(struct inventory_request *request, const struct vm_error *err)
{
	if (!err) {
		log_info("The inventory is up to date again");
		return;
	}
	log_error("%s", err->text);
	request->manager->inventory->stale = true;
}

/* One transaction: what the disk has of machines, workers, networks and jobs is as it is in memory. */
static void write_memory(struct manager *manager)
{
	struct inventory_request *request = calloc(1, sizeof(*request));
	struct vm_error err = {0};
	int r;

	if (!request)
		return; /* tried again */
	manager->inventory->stale = false;
	request->done = on_memory_written;
	request->release = free_request;
	inventory_gather(manager, request);
	r = put_all(manager, &err);
	if (r < 0)
		inventory_drop(manager, request);
	else
		r = inventory_hand_over(manager, request, INVENTORY_RECORD, &err);
	if (r == 0)
		return;
	log_error("%s", err.text);
	manager->inventory->stale = true;
	free(request);
}

/* ── beginning and end ─────────────────────────────────────────────────────────────────────── */

int inventory_start(struct manager *manager, struct vm_error *err)
{
	struct inventory *inventory = calloc(1, sizeof(*inventory));
	int fd, r = inventory ? store_queue_start(manager->store, &fd) : -ENOMEM;

	if (r < 0) {
		free(inventory);
		return vm_error_set_errno(err, VM_ERROR_INTERNAL, -r,
					  "No thread for the inventory");
	}
	ev_io_init(&inventory->io, on_io, fd, EV_READ);
	inventory->io.data = manager;
	ev_io_start(manager->loop, &inventory->io);
	manager->inventory = inventory;
	return 0;
}

bool inventory_end(struct manager *manager)
{
	struct inventory *inventory = manager->inventory;
	bool answers;

	if (!inventory)
		return true;
	ev_io_stop(manager->loop, &inventory->io);
	forget_steps(inventory);
	inventory->ending = true;
	answers = store_queue_stop(manager->store, END_SECONDS);
	if (answers) {
		take_finished(manager);
		forget_steps(inventory);
		store_queue_free(manager->store);
	} else {
		log_error("The inventory %s does not answer; what was not written is lost",
			  store_path(manager->store));
	}
	manager->inventory = NULL;
	free(inventory);
	return answers;
}
