/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a virtual machine: two fields, never one enum.
 *
 * `power` is what the machine does, with `reason` telling why it is there; `activity` is what the
 * daemon is doing to it at the moment. The names are those of the D-Bus properties and of the
 * store; they never change their meaning.
 */
#ifndef VMMS_MODEL_STATE_H
#define VMMS_MODEL_STATE_H

#include <stdbool.h>

enum vm_power {
	VM_POWER_OFF,
	VM_POWER_SAVED,
	VM_POWER_STARTING,
	VM_POWER_RUNNING,
	VM_POWER_PAUSING,
	VM_POWER_PAUSED,
	VM_POWER_RESUMING,
	VM_POWER_SAVING,
	VM_POWER_STOPPING,
	VM_POWER_COUNT,
};

enum vm_reason {
	VM_REASON_NONE,
	VM_REASON_NEVER_STARTED,
	VM_REASON_STARTED,
	VM_REASON_RESUMED,
	VM_REASON_REQUESTED,     /* somebody asked for it */
	VM_REASON_GUEST_OFF,     /* the guest powered itself off */
	VM_REASON_GUEST_CRASHED, /* the guest told of its crash, or triple-faulted */
	VM_REASON_WORKER_DIED,   /* the worker process ended unasked */
	VM_REASON_START_FAILED,
	VM_REASON_HOST_ERROR,
	VM_REASON_HOST_SHUTDOWN, /* stopped because the host went down */
	VM_REASON_LOW_DISK,      /* paused because the disk below its images is full */
	VM_REASON_DAMAGED,       /* its definition in the inventory cannot be read */
	VM_REASON_COUNT,
};

enum vm_activity {
	VM_ACTIVITY_NOT_ACTIVE,
	VM_ACTIVITY_STARTING,
	VM_ACTIVITY_ACTIVE,
	VM_ACTIVITY_TAKING_SNAPSHOT,
	VM_ACTIVITY_APPLYING_SNAPSHOT,
	VM_ACTIVITY_DELETING_SNAPSHOT,
	VM_ACTIVITY_MERGING_DISK,
	VM_ACTIVITY_COUNT,
};

const char *vm_power_name(enum vm_power power);
const char *vm_reason_name(enum vm_reason reason);
const char *vm_activity_name(enum vm_activity activity);

/* The reverse: false, and nothing written, for a name that is none. */
bool vm_power_parse(const char *name, enum vm_power *ret);
bool vm_reason_parse(const char *name, enum vm_reason *ret);

/* A worker process exists in every state but Off and Saved. */
bool vm_power_has_worker(enum vm_power power);

/* On its way from one lasting state to another. */
bool vm_power_in_transition(enum vm_power power);

/* The activity of a machine that the daemon does nothing else to. */
enum vm_activity vm_activity_at_rest(enum vm_power power);

/* The state in the words of libvirt/libvirt-domain.h. */
struct vm_libvirt_state {
	int state;  /* virDomainState */
	int reason; /* the virDomain…Reason that belongs to it */
	bool managed_save;
};

struct vm_libvirt_state vm_libvirt_state(enum vm_power power, enum vm_reason reason);

#endif
