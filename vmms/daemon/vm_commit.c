/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that writes a machine's row. A definition is printed, parsed again and compared
 * before it is written, so that the next daemon can read what this one stored; after the write
 * nothing can fail any more.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/publish.h"
#include "daemon/vm.h"

static int put_row(const struct vm *vm, const struct vm_options *options, const char *name,
		   const char *xml, struct vm_error *err)
{
	struct store_vm row = {
		.uuid = vm->config->uuid,
		.name = name,
		.xml = xml,
		.power = vm_power_name(vm->power),
		/* That the definition is damaged is found out anew by each daemon. */
		.reason = vm_reason_name(vm->reason == VM_REASON_DAMAGED ? VM_REASON_NONE
									 : vm->reason),
		.notes = options->notes,
		.autostart = options->autostart,
		.autostart_order = options->autostart_order,
		.autostart_delay = options->autostart_delay,
		.stop_action = stop_action_name(options->stop_action),
		.stop_timeout = options->stop_timeout,
		.worker_uid = vm->worker_uid,
		.created = vm->created,
	};

	return store_vm_put(vm->manager->store, &row, err);
}

/* From here on the machine is `config`, whose stored form is `xml`. */
static void take_over(struct vm *vm, struct domain *config, char *xml)
{
	vm_delist(vm);
	domain_free(vm->config);
	free(vm->xml);
	vm->config = config;
	vm->xml = xml;
	if (vm->damage) {
		free(vm->damage);
		vm->damage = NULL;
		if (vm->reason == VM_REASON_DAMAGED)
			vm->reason = VM_REASON_NONE;
	}
	vm_enlist(vm);
}

int vm_commit(struct vm *vm, struct domain *config, struct vm_error *err)
{
	_cleanup_free_ char *xml = NULL;
	int r = domain_canonical(config, &xml, err);

	if (r == 0)
		r = put_row(vm, &vm->options, config->name, xml, err);
	if (r < 0)
		return r;
	take_over(vm, config, TAKE_PTR(xml));
	publish_vm_changed(vm);
	return 0;
}

int vm_commit_options(struct vm *vm, struct vm_options *options, struct vm_error *err)
{
	int r;

	if (strlen(options->notes) > VM_MAX_NOTES)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "Machine %s: the notes have %zu bytes; at most %d are possible",
				    vm->config->name, strlen(options->notes), VM_MAX_NOTES);
	if (!text_is_safe(options->notes, "\n\t"))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "Machine %s: the notes have a control character in them",
				    vm->config->name);
	/* The row's own XML: options of a machine whose definition is damaged can be changed, too. */
	r = put_row(vm, options, vm->config->name, vm->xml, err);
	if (r < 0)
		return r;
	free(vm->options.notes);
	vm->options = *options;
	publish_vm_changed(vm);
	return 0;
}

int vm_add_new(struct manager *manager, struct domain *config, uint32_t uid, struct vm **ret,
	       struct vm_error *err)
{
	char *xml = NULL;
	struct vm *vm;
	int r = domain_canonical(config, &xml, err);

	if (r < 0)
		return r;
	if (vm_create(manager, config, xml, &vm) < 0) {
		free(xml);
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	vm->worker_uid = uid;
	r = put_row(vm, &vm->options, config->name, vm->xml, err);
	if (r < 0) {
		vm_destroy_keep_config(vm);
		return r;
	}
	*ret = vm;
	return 0;
}
