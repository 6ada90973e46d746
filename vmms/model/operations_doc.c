/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints doc/operations.md: the tables of operations, states and errors as the daemon has them.
 */
#include <stdio.h>

#include <libvirt/libvirt.h>

#include "model/error.h"
#include "model/operation.h"

static const char *const verdict_signs[VM_VERDICT_COUNT] = {
	[VM_VERDICT_NEVER] = "–",   [VM_VERDICT_NO] = "N",        [VM_VERDICT_YES] = "Y",
	[VM_VERDICT_WAIT] = "W",    [VM_VERDICT_QUEUE] = "queue", [VM_VERDICT_FORCE] = "force",
	[VM_VERDICT_LIVE] = "live",
};

static const char *const condition_words[VM_CONDITION_COUNT] = {
	[VM_CONDITION_NONE] = "",
	[VM_CONDITION_RESTORES] = " restores",
	[VM_CONDITION_CANCELS] = " cancels",
	[VM_CONDITION_ROLLS_BACK] = " rolls back",
	[VM_CONDITION_PARKS_MERGE] = " ¹",
	[VM_CONDITION_CAUSE_GONE] = " ²",
	[VM_CONDITION_TURNS_OFF] = " ³",
	[VM_CONDITION_NOT_IN_CHAIN] = " ⁴",
};

static void print_table_head(void)
{
	printf("| operation |");
	for (int column = 0; column < VM_COLUMN_COUNT; column++)
		printf(" %s |", vm_column_title((enum vm_column)column));
	printf("\n|---|");
	for (int column = 0; column < VM_COLUMN_COUNT; column++)
		printf("---|");
	printf("\n");
}

/* One (power, activity) that stands for the column. */
static void column_example(enum vm_column column, enum vm_power *ret_power,
			   enum vm_activity *ret_activity)
{
	static const struct {
		enum vm_power power;
		enum vm_activity activity;
	} examples[VM_COLUMN_COUNT] = {
		[VM_COLUMN_OFF] = {VM_POWER_OFF, VM_ACTIVITY_NOT_ACTIVE},
		[VM_COLUMN_SAVED] = {VM_POWER_SAVED, VM_ACTIVITY_NOT_ACTIVE},
		[VM_COLUMN_RUNNING] = {VM_POWER_RUNNING, VM_ACTIVITY_ACTIVE},
		[VM_COLUMN_PAUSED] = {VM_POWER_PAUSED, VM_ACTIVITY_ACTIVE},
		[VM_COLUMN_TRANSITION] = {VM_POWER_STARTING, VM_ACTIVITY_STARTING},
		[VM_COLUMN_TAKING] = {VM_POWER_RUNNING, VM_ACTIVITY_TAKING_SNAPSHOT},
		[VM_COLUMN_APPLYING] = {VM_POWER_OFF, VM_ACTIVITY_APPLYING_SNAPSHOT},
		[VM_COLUMN_DELETING] = {VM_POWER_OFF, VM_ACTIVITY_DELETING_SNAPSHOT},
		[VM_COLUMN_MERGING_OFF] = {VM_POWER_OFF, VM_ACTIVITY_MERGING_DISK},
		[VM_COLUMN_MERGING_LIVE] = {VM_POWER_RUNNING, VM_ACTIVITY_MERGING_DISK},
	};

	*ret_power = examples[column].power;
	*ret_activity = examples[column].activity;
}

static void print_row(enum vm_operation operation)
{
	printf("| %s |", vm_operation_info(operation)->title);
	for (int column = 0; column < VM_COLUMN_COUNT; column++) {
		enum vm_activity activity;
		enum vm_power power;
		struct vm_permission permission;

		column_example((enum vm_column)column, &power, &activity);
		permission = vm_operation_check(operation, power, activity);
		printf(" %s%s |", verdict_signs[permission.verdict],
		       condition_words[permission.condition]);
	}
	printf("\n");
}

static void print_names(void)
{
	printf("| name | calls | meaning |\n|---|---|---|\n");
	for (int i = 0; i < VM_OPERATION_COUNT; i++) {
		const struct vm_operation_info *info = vm_operation_info((enum vm_operation)i);

		printf("| `%s` | %s | %s |\n", info->name, info->method ? info->method : "none yet",
		       info->title);
	}
}

static const char *libvirt_state_name(int state)
{
	switch (state) {
	case VIR_DOMAIN_RUNNING:
		return "RUNNING";
	case VIR_DOMAIN_PAUSED:
		return "PAUSED";
	case VIR_DOMAIN_SHUTDOWN:
		return "SHUTDOWN";
	default:
		return "SHUTOFF";
	}
}

static void print_states(void)
{
	printf("| power state | worker | transition | libvirt state |\n|---|---|---|---|\n");
	for (int i = 0; i < VM_POWER_COUNT; i++) {
		enum vm_power power = (enum vm_power)i;
		struct vm_libvirt_state libvirt = vm_libvirt_state(power, VM_REASON_NONE);

		printf("| `%s` | %s | %s | %s (%d)%s |\n", vm_power_name(power),
		       vm_power_has_worker(power) ? "yes" : "no",
		       vm_power_in_transition(power) ? "yes" : "no",
		       libvirt_state_name(libvirt.state), libvirt.state,
		       libvirt.managed_save ? ", managed save" : "");
	}
	printf("\nReasons:");
	for (int i = 0; i < VM_REASON_COUNT; i++)
		printf("%s `%s`", i ? "," : "", vm_reason_name((enum vm_reason)i));
	printf(".\n\nActivities:");
	for (int i = 0; i < VM_ACTIVITY_COUNT; i++)
		printf("%s `%s`", i ? "," : "", vm_activity_name((enum vm_activity)i));
	printf(".\n");
}

static void print_errors(void)
{
	printf("| D-Bus error | libvirt number | meaning |\n|---|---|---|\n");
	for (int i = VM_ERROR_NONE + 1; i < VM_ERROR_COUNT; i++) {
		const struct vm_error_info *info = vm_error_info((enum vm_error_code)i);

		printf("| `" VM_ERROR_PREFIX "%s` | %d | %s |\n", info->name, info->libvirt,
		       info->meaning);
	}
}

int main(void)
{
	printf("# Operations, states and errors\n\n"
	       "Printed from `vmms/model/` by the target `operations-doc`; do not edit by hand.\n\n"
	       "## What is allowed when\n\n"
	       "Y: begins at once. N: refused with `InvalidState`. W: begins when the activity is "
	       "over, or is refused with `Busy` for callers who do not wait. queue: likewise, "
	       "behind others of its kind. force: only when asked so. live: in the form that "
	       "copies a running machine. –: cannot come up.\n\n");
	print_table_head();
	for (int i = 0; i < VM_OPERATION_COUNT; i++)
		print_row((enum vm_operation)i);
	printf("\n¹ Parks the merge and keeps its progress. ² Refused while the cause of the pause "
	       "persists. ³ Turns the machine off first. ⁴ Not for a disk in the merging chain.\n\n"
	       "Beside the table, a machine has one job at a time: a second operation that would "
	       "change it is refused with `Busy`, naming the job in the way. Turning off cancels a "
	       "job that starts, pauses, resumes or stops the machine.\n\n"
	       "## Names\n\n");
	print_names();
	printf("\n## States\n\n");
	print_states();
	printf("\n## Errors\n\n"
	       "Each error message carries the libvirt number as its second argument.\n\n");
	print_errors();
	return 0;
}
