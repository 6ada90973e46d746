/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that writes a machine's row. A definition is printed, and before it is written it is
 * parsed again and compared, on the inventory's thread, so that the next daemon can read what this one
 * stored. When it is written nothing can fail any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/domain_xml.h"
#include "daemon/inventory.h"
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

int vm_put(const struct vm *vm, struct vm_error *err)
{
	return put_row(vm, &vm->options, vm->config->name, vm->xml, err);
}

int vm_read_back(const struct domain *config, const char *xml, struct vm_error *err)
{
	int r = domain_read_back(config, xml, err);

	domain_xml_forget_schema();
	return r;
}

/* ── a change of a machine ─────────────────────────────────────────────────────────────────── */

struct vm_change {
	struct inventory_request request;
	struct vm *vm;                   /* stays: a machine is deleted by a change */
	struct domain *config, *checked; /* as it will be, and a copy for the thread; or */
	char *xml;
	struct vm_options *options;
	vm_done_fn *done;
	void *data;
};

static void change_free(struct inventory_request *request)
{
	struct vm_change *change = (struct vm_change *)request; /* its first member */

	domain_free(change->config);
	domain_free(change->checked);
	free(change->xml);
	if (change->options)
		free(change->options->notes);
	free(change->options);
	free(change);
}

static int run_check(struct store *store, struct store_request *request, struct vm_error *err)
{
	const struct vm_change *change = (struct vm_change *)request; /* its first member */

	return vm_read_back(change->checked, change->xml, err);
}

/* From here on the machine is change->config, whose stored form is change->xml. */
static void take_config(struct vm_change *change)
{
	struct vm *vm = change->vm;

	vm_delist(vm);
	domain_free(vm->config);
	free(vm->xml);
	vm->config = TAKE_PTR(change->config);
	vm->xml = TAKE_PTR(change->xml);
	if (vm->damage) {
		free(vm->damage);
		vm->damage = NULL;
		if (vm->reason == VM_REASON_DAMAGED)
			vm->reason = VM_REASON_NONE;
	}
	vm_enlist(vm);
}

static void take_options(struct vm_change *change)
{
	free(change->vm->options.notes);
	change->vm->options = *change->options;
	change->options->notes = NULL;
}

static void on_written(struct inventory_request *request, const struct vm_error *err)
{
	struct vm_change *change = (struct vm_change *)request; /* its first member */

	if (!err && change->config)
		take_config(change);
	if (!err && change->options)
		take_options(change);
	if (!err)
		publish_vm_changed(change->vm);
	change->done(change->data, err);
}

static struct vm_change *change_new(struct vm *vm, vm_done_fn *done, void *data,
				    struct vm_error *err)
{
	struct vm_change *change = calloc(1, sizeof(*change));

	if (!change) {
		(void)vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
		return NULL;
	}
	change->vm = vm;
	change->done = done;
	change->data = data;
	change->request.done = on_written;
	change->request.release = change_free;
	return change;
}

static int change_write(struct vm_change *change, const struct vm_options *options,
			const char *name, const char *xml, struct vm_error *err)
{
	struct manager *manager = change->vm->manager;
	int r;

	inventory_gather(manager, &change->request);
	r = put_row(change->vm, options, name, xml, err);
	if (r < 0)
		inventory_drop(manager, &change->request);
	return r == 0 ? inventory_hand_over(manager, &change->request, INVENTORY_CHANGE, err) : r;
}

int vm_commit(struct vm *vm, struct domain *config, vm_done_fn *done, void *data,
	      struct vm_error *err)
{
	struct vm_change *change = change_new(vm, done, data, err);
	int r;

	if (!change)
		return -ENOMEM;
	change->checked = domain_copy(config);
	change->xml = domain_print(config);
	change->request.store.run = run_check;
	if (change->checked && change->xml)
		r = change_write(change, &vm->options, config->name, change->xml, err);
	else
		r = vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (r < 0) {
		change_free(&change->request);
		return r;
	}
	change->config = config;
	return 0;
}

static int check_notes(const struct vm *vm, const char *notes, struct vm_error *err)
{
	if (strlen(notes) > VM_MAX_NOTES)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "Machine %s: the notes have %zu bytes; at most %d are possible",
				    vm->config->name, strlen(notes), VM_MAX_NOTES);
	if (!text_is_safe(notes, "\n\t"))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "Machine %s: the notes have a control character in them",
				    vm->config->name);
	return 0;
}

int vm_commit_options(struct vm *vm, struct vm_options *options, vm_done_fn *done, void *data,
		      struct vm_error *err)
{
	struct vm_change *change;
	int r = check_notes(vm, options->notes, err);

	if (r < 0)
		return r;
	change = change_new(vm, done, data, err);
	if (!change)
		return -ENOMEM;
	change->options = calloc(1, sizeof(*change->options));
	/* The row's own XML: options of a machine whose definition is damaged can be changed, too. */
	if (change->options)
		r = change_write(change, options, vm->config->name, vm->xml, err);
	else
		r = vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (r < 0) {
		free(change->options);
		change->options = NULL;
		change_free(&change->request);
		return r;
	}
	*change->options = *options;
	return 0;
}

/* ── a new machine ─────────────────────────────────────────────────────────────────────────── */

int vm_prepare(struct manager *manager, const struct domain *config, uint32_t uid,
	       struct vm_options *options, struct vm **ret, struct vm_error *err)
{
	char *xml = domain_print(config);
	struct domain *copy = domain_copy(config);
	struct vm *vm = NULL;
	int r = options ? 0 : 1;

	if (!xml || !copy || vm_new(manager, copy, xml, &vm) < 0) {
		domain_free(copy);
		free(xml);
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	vm->worker_uid = uid;
	if (options)
		r = check_notes(vm, options->notes, err);
	if (r == 0) {
		free(vm->options.notes);
		vm->options = *options;
		options->notes = NULL; /* the machine's */
	}
	if (r >= 0)
		r = vm_put(vm, err);
	if (r < 0) {
		vm_free(vm);
		return r;
	}
	*ret = vm;
	return 0;
}
