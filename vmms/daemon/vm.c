/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of machines, and what each may do.
 */
#include "daemon/vm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/job.h"
#include "daemon/journal.h"
#include "daemon/opening.h"
#include "daemon/publish.h"

struct vm *vm_by_uuid(struct manager *manager, const char *uuid)
{
	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		if (strcasecmp(vm->config->uuid, uuid) == 0)
			return vm;
	}
	return NULL;
}

int vm_find(struct manager *manager, const char *name, struct vm **ret, struct vm_error *err)
{
	*ret = domain_is_uuid(name) ? vm_by_uuid(manager, name) : NULL;
	if (*ret)
		return 0;
	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		if (strcmp(vm->config->name, name) == 0) {
			*ret = vm;
			return 0;
		}
	}
	return vm_error_set(err, VM_ERROR_NO_SUCH_VM,
			    "There is no machine '%s'; 'vmctl list' shows those there are", name);
}

void vm_enlist(struct vm *vm)
{
	struct vm **at = &vm->manager->vms;

	while (*at && strcmp((*at)->config->name, vm->config->name) < 0)
		at = &(*at)->next;
	vm->next = *at;
	*at = vm;
	vm->manager->vm_count++;
}

void vm_delist(struct vm *vm)
{
	struct vm **at = &vm->manager->vms;

	while (*at != vm)
		at = &(*at)->next;
	*at = vm->next;
	vm->manager->vm_count--;
}

int vm_new(struct manager *manager, struct domain *config, char *xml, struct vm **ret)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return -ENOMEM;
	vm->manager = manager;
	vm->options.notes = strdup("");
	vm->options.stop_timeout = 120;
	vm->reason = VM_REASON_NEVER_STARTED;
	vm->created = manager_now() / 1000000;
	ev_init(&vm->restart_timer, NULL);
	vm->restart_timer.data = vm;
	if (!vm->options.notes ||
	    sd_bus_path_encode("/org/keelson/vmms1/vm", config->uuid, &vm->path) < 0) {
		free(vm->options.notes);
		free(vm);
		return -ENOMEM;
	}
	vm->config = config;
	vm->xml = xml;
	*ret = vm;
	return 0;
}

void vm_free(struct vm *vm)
{
	vm->opening = opening_abandon(vm->opening);
	vm_forget_questions(vm);
	ev_timer_stop(vm->manager->loop, &vm->restart_timer);
	if (vm->job)
		vm->job->vm = NULL;
	domain_free(vm->config);
	free(vm->options.notes);
	free(vm->xml);
	free(vm->damage);
	free(vm->path);
	free(vm);
}

void vm_destroy(struct vm *vm)
{
	vm_delist(vm);
	vm_free(vm);
}

static const char *const stop_action_names[STOP_ACTION_COUNT] = {
	[STOP_ACTION_SHUTDOWN] = "shutdown",
	[STOP_ACTION_TURN_OFF] = "turn-off",
};

const char *stop_action_name(enum stop_action action)
{
	return stop_action_names[action];
}

int stop_action_parse(const char *name)
{
	for (int i = 0; i < STOP_ACTION_COUNT; i++) {
		if (strcmp(stop_action_names[i], name) == 0)
			return i;
	}
	return -1;
}

/* What reads the configuration, rather than the row or the worker. */
static bool needs_definition(enum vm_operation operation)
{
	return operation == VM_OPERATION_START || operation == VM_OPERATION_CLONE ||
	       operation == VM_OPERATION_HOT_PLUG;
}

int vm_check_definition(const struct vm *vm, const char *what, struct vm_error *err)
{
	if (!vm->damage)
		return 0;
	return vm_error_set(
		err, VM_ERROR_DAMAGED,
		"Machine %s: '%s' is not possible, because its definition in the "
		"inventory is damaged (%.500s). 'vmctl xml %s' shows it; 'vmctl define' "
		"with a definition of the UUID %s replaces it",
		vm->config->name, what, vm->damage, vm->config->name, vm->config->uuid);
}

/* "start, delete, …": the verbs of vmctl that can be typed instead. */
static void list_available(const struct vm *vm, char *buffer, size_t size)
{
	size_t length = 0;

	buffer[0] = '\0';
	for (int i = 0; i < VM_OPERATION_COUNT && length < size; i++) {
		enum vm_operation operation = (enum vm_operation)i;

		if (operation == VM_OPERATION_QUERY || operation == VM_OPERATION_ANNOTATE ||
		    (vm->damage && needs_definition(operation)) ||
		    !vm_operation_info(operation)->verbs ||
		    !vm_operation_available(operation, vm->power, vm->activity))
			continue;
		length += (size_t)snprintf(buffer + length, size - length, "%s%s",
					   length ? ", " : "", vm_operation_info(operation)->verbs);
	}
}

static int refuse_state(const struct vm *vm, enum vm_operation operation, struct vm_error *err)
{
	char available[256];

	list_available(vm, available, sizeof(available));
	return vm_error_set(
		err, VM_ERROR_INVALID_STATE,
		"Machine %s: '%s' is not possible while it is %s%s%s. Possible now: %s",
		vm->config->name, vm_operation_info(operation)->title, vm_power_name(vm->power),
		vm->activity != vm_activity_at_rest(vm->power) ? " and " : "",
		vm->activity != vm_activity_at_rest(vm->power) ? vm_activity_name(vm->activity)
							       : "",
		available);
}

static int refuse_job(const struct vm *vm, enum vm_operation operation, struct vm_error *err)
{
	const struct job *job = vm->job;

	return vm_error_set(err, VM_ERROR_BUSY,
			    "Machine %s: '%s' has to wait for job %" PRId64
			    " (%s, %u %% done). Try "
			    "again after it, or end it with 'vmctl jobs cancel %" PRId64 "'",
			    vm->config->name, vm_operation_info(operation)->title, job->id,
			    job->kind, job->permille / 10, job->id);
}

/* Jobs that only move the machine between its power states give way to turning it off. */
static bool job_gives_way(const struct job *job)
{
	enum vm_operation operation;

	if (!vm_operation_parse(job->kind, &operation))
		return false;
	return operation == VM_OPERATION_START || operation == VM_OPERATION_SHUTDOWN ||
	       operation == VM_OPERATION_REBOOT || operation == VM_OPERATION_PAUSE ||
	       operation == VM_OPERATION_RESUME || operation == VM_OPERATION_RESET;
}

static bool needs_the_machine_alone(enum vm_operation operation)
{
	return operation != VM_OPERATION_ANNOTATE && operation != VM_OPERATION_CONSOLE &&
	       operation != VM_OPERATION_QUERY;
}

int vm_check(const struct vm *vm, enum vm_operation operation, struct vm_error *err)
{
	struct vm_permission permission = vm_operation_check(operation, vm->power, vm->activity);
	bool way_given = vm->job && operation == VM_OPERATION_TURN_OFF && job_gives_way(vm->job);

	if (vm->damage && needs_definition(operation))
		return vm_check_definition(vm, vm_operation_info(operation)->title, err);
	switch (permission.verdict) {
	case VM_VERDICT_YES:
		break;
	case VM_VERDICT_WAIT:
	case VM_VERDICT_QUEUE:
		return vm_error_set(err, VM_ERROR_BUSY,
				    "Machine %s: '%s' has to wait until '%s' is over",
				    vm->config->name, vm_operation_info(operation)->title,
				    vm_activity_name(vm->activity));
	case VM_VERDICT_LIVE:
		return vm_error_set(
			err, VM_ERROR_NOT_SUPPORTED,
			"Machine %s is %s: its disks change while they would be copied. "
			"Shut it down first ('vmctl shutdown %s')",
			vm->config->name, vm_power_name(vm->power), vm->config->name);
	default:
		return refuse_state(vm, operation, err);
	}
	if (vm->job && needs_the_machine_alone(operation) && !way_given)
		return refuse_job(vm, operation, err);
	return 0;
}

void vm_note_power(struct vm *vm, enum vm_power power, enum vm_reason reason)
{
	bool at_rest = vm->activity == vm_activity_at_rest(vm->power);

	if (vm->power == power && vm->reason == reason)
		return;
	vm->power = power;
	vm->reason = reason;
	if (at_rest)
		vm->activity = vm_activity_at_rest(power);
	if (power == VM_POWER_RUNNING && vm->running_since == 0)
		vm->running_since = manager_now();
	if (!vm_power_has_worker(power))
		vm->running_since = 0;
	manager_event(vm->manager, vm, "state", "%s %s", vm_power_name(power),
		      vm_reason_name(reason));
	publish_vm_changed(vm);
}

void vm_set_power(struct vm *vm, enum vm_power power, enum vm_reason reason)
{
	struct vm_error err = {0};

	if (!vm_power_in_transition(power) &&
	    store_vm_power(vm->manager->store, vm->config->uuid, vm_power_name(power),
			   vm_reason_name(reason), &err) < 0)
		journal_vm(LOG_LEVEL_ERROR, vm, "%s: %s", vm->config->name, err.text);
	vm_note_power(vm, power, reason);
}
