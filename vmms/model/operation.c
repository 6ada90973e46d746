/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of allowed operations. After changing it, build the target `operations-doc`, which
 * prints doc/operations.md anew.
 */
#include "model/operation.h"

#include <string.h>

#define CELL(v, c)                               \
	{                                        \
		VM_VERDICT_##v, VM_CONDITION_##c \
	}

/* clang-format off */
#define Y        CELL(YES, NONE)
#define N        CELL(NO, NONE)
#define W        CELL(WAIT, NONE)
#define Q        CELL(QUEUE, NONE)
#define X        CELL(NEVER, NONE)
#define LIVE     CELL(LIVE, NONE)
#define FORCED   CELL(FORCE, TURNS_OFF)
#define RESTORE  CELL(YES, RESTORES)
#define CANCEL   CELL(YES, CANCELS)
#define ROLLBACK CELL(YES, ROLLS_BACK)
#define PARK     CELL(YES, PARKS_MERGE)
#define IF_CURED CELL(YES, CAUSE_GONE)
#define NO_CHAIN CELL(YES, NOT_IN_CHAIN)

static const struct vm_permission table[VM_OPERATION_COUNT][VM_COLUMN_COUNT] = {
/*                                 off  saved    running paused    transit. taking    appl. del. mrg-off   mrg-live */
[VM_OPERATION_START]           = { Y,   RESTORE, N,      N,        N,       N,        N,    W,   PARK,     X },
[VM_OPERATION_TURN_OFF]        = { N,   N,       Y,      Y,        CANCEL,  ROLLBACK, N,    W,   N,        Y },
[VM_OPERATION_SHUTDOWN]        = { N,   N,       Y,      N,        N,       N,        N,    W,   X,        Y },
[VM_OPERATION_REBOOT]          = { N,   N,       Y,      N,        N,       N,        N,    W,   X,        Y },
[VM_OPERATION_RESET]           = { N,   N,       Y,      Y,        N,       N,        N,    W,   X,        Y },
[VM_OPERATION_PAUSE]           = { N,   N,       Y,      N,        N,       N,        N,    W,   X,        Y },
[VM_OPERATION_RESUME]          = { N,   N,       N,      IF_CURED, N,       N,        N,    W,   X,        Y },
[VM_OPERATION_SAVE]            = { N,   N,       Y,      Y,        N,       N,        N,    W,   X,        PARK },
[VM_OPERATION_DISCARD_SAVED]   = { N,   Y,       N,      N,        N,       N,        N,    W,   Y,        X },
[VM_OPERATION_TAKE_SNAPSHOT]   = { Y,   Y,       Y,      Y,        N,       N,        N,    W,   N,        N },
[VM_OPERATION_APPLY_SNAPSHOT]  = { Y,   Y,       FORCED, FORCED,   N,       N,        N,    N,   N,        N },
[VM_OPERATION_DELETE_SNAPSHOT] = { Y,   Y,       Y,      Y,        N,       N,        N,    Q,   Q,        Q },
[VM_OPERATION_ANNOTATE]        = { Y,   Y,       Y,      Y,        Y,       Y,        N,    Y,   Y,        Y },
[VM_OPERATION_EXPORT]          = { Y,   Y,       LIVE,   LIVE,     N,       N,        N,    N,   N,        N },
[VM_OPERATION_CLONE]           = { Y,   N,       LIVE,   LIVE,     N,       N,        N,    N,   N,        N },
[VM_OPERATION_CONFIGURE]       = { Y,   N,       N,      N,        N,       N,        N,    N,   NO_CHAIN, N },
[VM_OPERATION_HOT_PLUG]        = { Y,   N,       Y,      Y,        N,       N,        N,    W,   NO_CHAIN, NO_CHAIN },
[VM_OPERATION_DELETE]          = { Y,   Y,       N,      N,        N,       N,        N,    N,   CANCEL,   N },
[VM_OPERATION_CONSOLE]         = { N,   N,       Y,      Y,        Y,       Y,        N,    Y,   X,        Y },
[VM_OPERATION_QUERY]           = { Y,   Y,       Y,      Y,        Y,       Y,        Y,    Y,   Y,        Y },
};
/* clang-format on */

static const struct vm_operation_info infos[VM_OPERATION_COUNT] = {
	[VM_OPERATION_START] = {"start", "StartVM", "start", "start"},
	[VM_OPERATION_TURN_OFF] = {"turn-off", "StopVM", "turn off", "stop"},
	[VM_OPERATION_SHUTDOWN] = {"shutdown", "ShutdownVM", "shut down", "shutdown"},
	[VM_OPERATION_REBOOT] = {"reboot", "RebootVM", "reboot", "reboot"},
	[VM_OPERATION_RESET] = {"reset", "ResetVM", "reset", "reset"},
	[VM_OPERATION_PAUSE] = {"pause", "PauseVM", "pause", "pause"},
	[VM_OPERATION_RESUME] = {"resume", "ResumeVM", "resume", "resume"},
	[VM_OPERATION_SAVE] = {"save", NULL, "save", NULL},
	[VM_OPERATION_DISCARD_SAVED] = {"discard-saved", NULL, "discard saved state", NULL},
	[VM_OPERATION_TAKE_SNAPSHOT] = {"take-snapshot", NULL, "take snapshot", NULL},
	[VM_OPERATION_APPLY_SNAPSHOT] = {"apply-snapshot", NULL, "apply snapshot", NULL},
	[VM_OPERATION_DELETE_SNAPSHOT] = {"delete-snapshot", NULL, "delete snapshot or subtree",
					  NULL},
	[VM_OPERATION_ANNOTATE] = {"annotate", "RenameVM, SetVMOptions", "rename, notes, autostart",
				   "rename, notes, autostart"},
	[VM_OPERATION_EXPORT] = {"export", "ExportVM", "export", "export"},
	[VM_OPERATION_CLONE] = {"clone", "CloneVM", "clone", "clone"},
	[VM_OPERATION_CONFIGURE] = {"configure", "DefineVM, ConfigureVM",
				    "change cold configuration", "set, edit, define"},
	[VM_OPERATION_HOT_PLUG] = {"hot-plug", "AttachDevice, DetachDevice", "hot add, hot remove",
				   "attach, detach"},
	[VM_OPERATION_DELETE] = {"delete", "DeleteVM", "delete VM", "delete"},
	[VM_OPERATION_CONSOLE] = {"console", "OpenConsole", "open the console", "console"},
	[VM_OPERATION_QUERY] = {"query", "ListVMs, GetVMXML, GetVMMetrics", "query, XML, events",
				"show, xml, events"},
};

static const char *const column_titles[VM_COLUMN_COUNT] = {
	[VM_COLUMN_OFF] = "Off",
	[VM_COLUMN_SAVED] = "Saved",
	[VM_COLUMN_RUNNING] = "Running",
	[VM_COLUMN_PAUSED] = "Paused",
	[VM_COLUMN_TRANSITION] = "transition",
	[VM_COLUMN_TAKING] = "Taking snapshot",
	[VM_COLUMN_APPLYING] = "Applying snapshot",
	[VM_COLUMN_DELETING] = "Deleting snapshot",
	[VM_COLUMN_MERGING_OFF] = "Merging disk (off)",
	[VM_COLUMN_MERGING_LIVE] = "Merging disk (live)",
};

const struct vm_operation_info *vm_operation_info(enum vm_operation operation)
{
	return &infos[operation];
}

const char *vm_operation_name(enum vm_operation operation)
{
	return infos[operation].name;
}

bool vm_operation_parse(const char *name, enum vm_operation *ret)
{
	for (int i = 0; i < VM_OPERATION_COUNT; i++) {
		if (strcmp(infos[i].name, name) == 0) {
			*ret = (enum vm_operation)i;
			return true;
		}
	}
	return false;
}

static enum vm_column power_column(enum vm_power power)
{
	switch (power) {
	case VM_POWER_OFF:
		return VM_COLUMN_OFF;
	case VM_POWER_SAVED:
		return VM_COLUMN_SAVED;
	case VM_POWER_RUNNING:
		return VM_COLUMN_RUNNING;
	case VM_POWER_PAUSED:
		return VM_COLUMN_PAUSED;
	default:
		return VM_COLUMN_TRANSITION;
	}
}

enum vm_column vm_operation_column(enum vm_power power, enum vm_activity activity)
{
	switch (activity) {
	case VM_ACTIVITY_TAKING_SNAPSHOT:
		return VM_COLUMN_TAKING;
	case VM_ACTIVITY_APPLYING_SNAPSHOT:
		return VM_COLUMN_APPLYING;
	case VM_ACTIVITY_DELETING_SNAPSHOT:
		return VM_COLUMN_DELETING;
	case VM_ACTIVITY_MERGING_DISK:
		/* A merge goes on through a transition, which then decides alone. */
		if (vm_power_in_transition(power))
			return VM_COLUMN_TRANSITION;
		return vm_power_has_worker(power) ? VM_COLUMN_MERGING_LIVE : VM_COLUMN_MERGING_OFF;
	default:
		return power_column(power);
	}
}

const char *vm_column_title(enum vm_column column)
{
	return column_titles[column];
}

struct vm_permission vm_operation_check(enum vm_operation operation, enum vm_power power,
					enum vm_activity activity)
{
	return table[operation][vm_operation_column(power, activity)];
}

bool vm_operation_available(enum vm_operation operation, enum vm_power power,
			    enum vm_activity activity)
{
	return infos[operation].method &&
	       vm_operation_check(operation, power, activity).verdict == VM_VERDICT_YES;
}
