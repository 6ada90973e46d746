/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a row of the inventory to a machine. A definition that cannot be read, whatever has become
 * of it, costs the machine nothing but its changes and starts: it is listed under its name, keeps
 * its UUID, its user and its running worker, and can be shown, exported, deleted and defined anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/journal.h"
#include "daemon/vm.h"

/* What every machine has, for one of which nothing else is known. */
static struct domain *stand_in(const struct store_vm *row)
{
	struct domain *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->name = strdup(*row->name ? row->name : row->uuid);
	if (!config->name)
		return domain_free(config);
	text_make_safe(config->name, config->name, strlen(config->name) + 1, "");
	strcpy(config->uuid, row->uuid);
	config->on_poweroff = config->on_reboot = config->on_crash = DOMAIN_ACTION_DESTROY;
	/* A running worker may have them; it knows. */
	config->serial_count = DOMAIN_MAX_SERIALS;
	return config;
}

/* 0 also for a definition that is damaged; *ret_why tells then. -ENOMEM. */
static int read_definition(const struct store_vm *row, struct domain **ret, char **ret_why)
{
	_cleanup_domain_ struct domain *config = NULL;
	struct vm_error err = {0};
	int r = domain_parse(row->xml, &config, &err);

	if (r < 0 && (r == -ENOMEM || err.code == VM_ERROR_NO_MEMORY))
		return -ENOMEM;
	if (r == 0 &&
	    (strcmp(config->name, row->name) != 0 || strcmp(config->uuid, row->uuid) != 0))
		r = vm_error_set(&err, VM_ERROR_DAMAGED,
				 "It is the definition of '%s' (%s), not of '%s' (%s)",
				 config->name, config->uuid, row->name, row->uuid);
	if (r < 0) {
		domain_free(config);
		config = stand_in(row);
		*ret_why = strdup(err.text);
	}
	if (!config || (r < 0 && !*ret_why))
		return -ENOMEM;
	*ret = TAKE_PTR(config);
	return 0;
}

static void take_state(struct vm *vm, const struct store_vm *row)
{
	int action = stop_action_parse(row->stop_action);

	vm->options.autostart = row->autostart;
	vm->options.autostart_order = row->autostart_order;
	vm->options.autostart_delay = row->autostart_delay;
	vm->options.stop_action = action < 0 ? STOP_ACTION_SHUTDOWN : (enum stop_action)action;
	vm->options.stop_timeout = row->stop_timeout;
	vm->worker_uid = row->worker_uid;
	vm->created = row->created;
	if (!vm_power_parse(row->power, &vm->power))
		vm->power = VM_POWER_OFF;
	if (!vm_reason_parse(row->reason, &vm->reason) || vm->reason == VM_REASON_DAMAGED)
		vm->reason = VM_REASON_NONE;
	vm->activity = vm_activity_at_rest(vm->power);
	if (vm->damage && !vm_power_has_worker(vm->power))
		vm->reason = VM_REASON_DAMAGED;
}

int vm_load(struct manager *manager, const struct store_vm *row)
{
	_cleanup_free_ char *xml = strdup(row->xml), *notes = strdup(row->notes), *damage = NULL;
	_cleanup_domain_ struct domain *config = NULL;
	struct vm *vm;
	int r;

	if (!xml || !notes)
		return -ENOMEM;
	if (!domain_is_uuid(row->uuid)) {
		/* The key of everything else; such a row was not written by any daemon. */
		log_error("A row of the inventory has the key '%s', which is no UUID, and stays as "
			  "it is",
			  row->uuid);
		return 0;
	}
	r = read_definition(row, &config, &damage);
	if (r == 0)
		r = vm_new(manager, config, xml, &vm);
	if (r < 0)
		return r;
	vm_enlist(vm);
	TAKE_PTR(config);
	TAKE_PTR(xml);
	vm->damage = TAKE_PTR(damage);
	if (vm->damage)
		journal_vm(LOG_LEVEL_ERROR, vm,
			   "Machine %s (%s): its definition in the inventory is damaged: %s",
			   vm->config->name, vm->config->uuid, vm->damage);
	free(vm->options.notes);
	vm->options.notes = TAKE_PTR(notes);
	text_make_safe(vm->options.notes, vm->options.notes, strlen(vm->options.notes) + 1, "\n\t");
	take_state(vm, row);
	return 0;
}
