/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's state: settings, inventory, machines, jobs. One thread and one event loop own all
 * of it; threads that copy files (task.h) get copies of what they need and touch nothing here, and what
 * is written goes to a thread, too (inventory.h).
 *
 * What clients ask is answered from here, never from the store, a worker or behind a job.
 */
#ifndef VMMS_DAEMON_MANAGER_H
#define VMMS_DAEMON_MANAGER_H

#include <ev.h>
#include <systemd/sd-bus.h>

#include "daemon/caller.h"
#include "daemon/settings.h"
#include "store/store.h"

struct vm;
struct domain;
struct job;
struct network;
struct waiting_call;
struct xml_check;
struct opening;
struct reservation;
struct file_work;
struct errand;
struct inventory;

struct manager {
	struct settings settings;
	struct ev_loop *loop;
	sd_bus *bus;                        /* NULL until there is one */
	struct waiting_call *waiting_calls; /* oldest first (bus/call.h) */
	struct xml_check *xml_checks;       /* oldest first (bus/xml_check.h) */
	struct store *store;
	struct inventory *inventory; /* NULL: writes are made at once */
	struct vm *vms;              /* by name */
	size_t vm_count;
	struct job *jobs;                 /* by number */
	struct network *networks;         /* by name */
	struct opening *openings;         /* of files, on threads */
	struct reservation *reservations; /* what jobs with files hold (reserve.h) */
	struct file_work *file_works;     /* the work of those jobs */
	struct errand *errands;           /* threads that calls wait for */
	unsigned int events_unpruned;
	char boot_id[37];
	struct caller caller;    /* of the method that runs; else the daemon itself */
	struct domain *parsed;   /* the XML of the method that runs (bus/call.h) */
	ev_timer sequence_timer; /* the next automatic start */
	ev_timer metrics_timer;
	ev_timer stop_timer;  /* while the host goes down: what is in the way is looked at again */
	bool host_going_down; /* machines are being stopped, none restarts by itself */
	bool host_booted;     /* this is the first start of the daemon since the host's boot */
};

/*
 * Opens the inventory in the state directory, loads machines and networks, and settles what the
 * journal says was going on. Running workers are adopted in the background.
 */
int must_check manager_init(struct manager *manager, struct ev_loop *loop, struct vm_error *err);
void manager_fini(struct manager *manager);

/* After the bus is there: adoption, automatic starts. */
int must_check manager_begin(struct manager *manager, struct vm_error *err);

/* Microseconds since 1970. */
int64_t manager_now(void);

/*
 * Records an event and tells clients and the log. `vm` may be NULL. Whose doing it is: the method's
 * caller, else whoever began the machine's job; manager_event_by() is told it.
 */
void manager_event(struct manager *manager, const struct vm *vm, const char *kind,
		   const char *format, ...) printf_like(4, 5);
void manager_event_by(struct manager *manager, const struct vm *vm, const struct caller *caller,
		      int64_t job, const char *kind, const char *format, ...) printf_like(6, 7);

#endif
