/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a method call becomes a call of ours: authorization by polkit, the machine it is for, and
 * errors.
 */
#ifndef VMMS_BUS_CALL_H
#define VMMS_BUS_CALL_H

#include <systemd/sd-bus.h>

#include "config/domain.h"
#include "daemon/job.h"

#define ACTION_MANAGE_VMS     "org.keelson.vmms1.manage-vms"
#define ACTION_CONSOLE        "org.keelson.vmms1.console"
#define ACTION_MANAGE_NETWORK "org.keelson.vmms1.manage-network"

/*
 * A method. One that is answered from memory is run where it comes in. Those that change something, all with an action, are not run where they come in but in a
 * later turn of the loop, one after the other, each when no change is under way (inventory.h). Only a
 * method that changes nothing but the power of a machine that is on does not wait for that. Those that
 * read the inventory are run when no other is being read. Those of one client are run in their order.
 *
 * `run` reads its arguments from `m`, acts, and replies; a negative return with *err
 * filled is replied as that error. `vm` is NULL for methods that have none.
 */
struct bus_method {
	const char *member;
	const char *action; /* what polkit is asked for; NULL: open to everybody */
	int (*run)(struct manager *manager, struct vm *vm, sd_bus_message *m, struct vm_error *err);
	bool vm; /* the first argument, or the object, is a machine */
	enum { CALL_QUERIES, CALL_READS, CALL_FACTS, CALL_CHANGES } kind;
	/*
	 * Of CALL_CHANGES alone: its first string, or the one behind the machine's name, is XML. It is
	 * parsed on a thread before `run`, which finds it in manager->parsed and may take it.
	 */
	int (*parse)(const char *xml, struct domain **ret, struct vm_error *err);
};

/*
 * Authorizes, and runs now or soon. Root and the daemon's own user may do all without polkit. Where polkit is
 * asked, the reply comes later.
 */
int call_dispatch(struct manager *manager, const struct bus_method *method, sd_bus_message *m);

/* Runs the oldest call that waits and can be run; true when there are more. */
bool call_run_waiting(struct manager *manager);
/* At the end of the connection: nobody waits for an answer any more. */
void call_forget_waiting(struct manager *manager);

/* Replies with an error; its body is the one string that D-Bus libraries expect. */
int call_reply_error(sd_bus_message *m, const struct vm_error *err);

/* For `run`: a message that is not what its signature says, or memory is short. */
int must_check call_bad_message(int r, struct vm_error *err);

/* For `run`: the value of one whose last step, which replied, was r. */
static inline int must_check call_replied(int r, struct vm_error *err)
{
	return r < 0 ? call_bad_message(r, err) : 0;
}

int must_check call_reply_nothing(sd_bus_message *m, struct vm_error *err);

/*
 * A reply that is one array: opened, filled by sd_bus_message_append() by the caller, and, where
 * what filled it returned r >= 0, closed and sent.
 */
int must_check call_open_list(sd_bus_message *m, const char *element, sd_bus_message **ret_reply);
int must_check call_send_list(int r, sd_bus_message *reply, struct vm_error *err);

/* The machine of the object, or the one that the first argument names. */
int must_check call_find_vm(struct manager *manager, sd_bus_message *m, struct vm **ret,
			    struct vm_error *err);

const struct bus_method *call_find(const struct bus_method *methods, size_t count,
				   const char *member);

/* Replies with a job's object path, when its row is on the disk, or after a moment. */
int must_check call_reply_job(sd_bus_message *m, const struct job *job, struct vm_error *err);

/*
 * A call that is answered later, by one of the functions below, which are for the `done` of what it
 * began, with the message as their data. call_later() is its result: r, where nothing was begun.
 */
int must_check call_later(sd_bus_message *m, int r);
void call_done(void *m, const struct vm_error *err);
void call_done_job(void *m, struct job *job, const struct vm_error *err);

#endif
