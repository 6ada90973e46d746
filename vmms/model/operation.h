/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be done to a virtual machine, and when: the one table that the daemon checks against,
 * that AvailableOperations is published from and that doc/operations.md is printed from.
 */
#ifndef VMMS_MODEL_OPERATION_H
#define VMMS_MODEL_OPERATION_H

#include <stdbool.h>

#include "model/state.h"

/* The rows, in the order in which they are documented. */
enum vm_operation {
	VM_OPERATION_START,
	VM_OPERATION_TURN_OFF,
	VM_OPERATION_SHUTDOWN,
	VM_OPERATION_REBOOT,
	VM_OPERATION_RESET,
	VM_OPERATION_PAUSE,
	VM_OPERATION_RESUME,
	VM_OPERATION_SAVE,
	VM_OPERATION_DISCARD_SAVED,
	VM_OPERATION_TAKE_SNAPSHOT,
	VM_OPERATION_APPLY_SNAPSHOT,
	VM_OPERATION_DELETE_SNAPSHOT,
	VM_OPERATION_ANNOTATE, /* rename, notes, autostart */
	VM_OPERATION_EXPORT,
	VM_OPERATION_CLONE,
	VM_OPERATION_CONFIGURE, /* change the cold configuration */
	VM_OPERATION_HOT_PLUG,
	VM_OPERATION_DELETE,
	VM_OPERATION_CONSOLE,
	VM_OPERATION_QUERY,
	VM_OPERATION_COUNT,
};

/* The columns: what of (power, activity) makes a difference. */
enum vm_column {
	VM_COLUMN_OFF,
	VM_COLUMN_SAVED,
	VM_COLUMN_RUNNING,
	VM_COLUMN_PAUSED,
	VM_COLUMN_TRANSITION,
	VM_COLUMN_TAKING,
	VM_COLUMN_APPLYING,
	VM_COLUMN_DELETING,
	VM_COLUMN_MERGING_OFF,
	VM_COLUMN_MERGING_LIVE,
	VM_COLUMN_COUNT,
};

enum vm_verdict {
	VM_VERDICT_NEVER, /* the question cannot come up; refused as InvalidState if it does */
	VM_VERDICT_NO,    /* refused: InvalidState */
	VM_VERDICT_YES,
	VM_VERDICT_WAIT,  /* begins when the activity is over; Busy for callers who do not wait */
	VM_VERDICT_QUEUE, /* as WAIT, behind others of its kind */
	VM_VERDICT_FORCE, /* only when the caller asks for it to be forced */
	VM_VERDICT_LIVE,  /* in the form that copies a machine while it runs */
	VM_VERDICT_COUNT,
};

/* What goes along with a verdict. */
enum vm_condition {
	VM_CONDITION_NONE,
	VM_CONDITION_RESTORES,     /* goes on from the saved state */
	VM_CONDITION_CANCELS,      /* cancels what is in the way first */
	VM_CONDITION_ROLLS_BACK,   /* undoes what is in the way first */
	VM_CONDITION_PARKS_MERGE,  /* parks the merge and keeps its progress */
	VM_CONDITION_CAUSE_GONE,   /* refused while the cause of the pause persists */
	VM_CONDITION_TURNS_OFF,    /* turns the machine off first */
	VM_CONDITION_NOT_IN_CHAIN, /* not for a disk in the merging chain */
	VM_CONDITION_COUNT,
};

struct vm_permission {
	enum vm_verdict verdict;
	enum vm_condition condition;
};

struct vm_operation_info {
	const char *name;   /* as in AvailableOperations, jobs, history and error messages */
	const char *method; /* the D-Bus calls that do it; NULL while there is none */
	const char *title;  /* for people */
	const char *verbs;  /* of vmctl that do it; NULL while there is none */
};

const struct vm_operation_info *vm_operation_info(enum vm_operation operation);
const char *vm_operation_name(enum vm_operation operation);
bool vm_operation_parse(const char *name, enum vm_operation *ret);

enum vm_column vm_operation_column(enum vm_power power, enum vm_activity activity);
const char *vm_column_title(enum vm_column column);

struct vm_permission vm_operation_check(enum vm_operation operation, enum vm_power power,
					enum vm_activity activity);

/*
 * True for what a client can call now and have begin at once: the daemon has a call for it and
 * the verdict is YES.
 */
bool vm_operation_available(enum vm_operation operation, enum vm_power power,
			    enum vm_activity activity);

#endif
