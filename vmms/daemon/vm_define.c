/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Defining machines and changing what is defined: each one transaction.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/disk_check.h"
#include "daemon/inventory.h"
#include "daemon/job.h"
#include "daemon/opening.h"
#include "daemon/publish.h"
#include "daemon/reserve.h"
#include "net/network.h"
#include "worker/worker.h"

static bool uid_taken(const struct manager *manager, uint32_t uid)
{
	for (const struct vm *vm = manager->vms; vm; vm = vm->next) {
		if (vm->worker_uid == uid)
			return true;
	}
	return reserved_uid(manager, uid);
}

static int find_uid(const struct manager *manager, uint32_t *ret, struct vm_error *err)
{
	const struct settings *settings = &manager->settings;

	for (uint32_t i = 0; i < settings->uid_count; i++) {
		if (!uid_taken(manager, settings->uid_base + i)) {
			*ret = settings->uid_base + i;
			return 0;
		}
	}
	return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
			    "All %u users for workers are taken (WorkerUIDCount in vmms.conf)",
			    settings->uid_count);
}

/* One of an earlier version may have such a name, and keeps it. */
static int name_is_none_of_uuids(const char *name, const struct vm *except, struct vm_error *err)
{
	if (!domain_is_uuid(name) || (except && strcmp(except->config->name, name) == 0))
		return 0;
	return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
			    "The name '%s' reads as a UUID; a machine of that UUID could "
			    "not be told from it",
			    name);
}

int vm_check_name(struct manager *manager, const struct domain *config, struct vm_error *err)
{
	return name_is_none_of_uuids(config->name, vm_by_uuid(manager, config->uuid), err);
}

static int name_free(struct manager *manager, const char *name, const struct vm *except,
		     struct vm_error *err)
{
	const struct reservation *being_made;
	struct vm *other;
	int r = name_is_none_of_uuids(name, except, err);

	if (r < 0)
		return r;
	if (vm_find(manager, name, &other, NULL) == 0 && other != except)
		return vm_error_set(err, VM_ERROR_VM_EXISTS, "There is a machine '%s' already (%s)",
				    name, other->config->uuid);
	being_made = reserved_name(manager, name);
	if (being_made)
		return vm_error_set(err, VM_ERROR_VM_EXISTS, "The name is taken by %s",
				    being_made->user);
	return 0;
}

static int networks_exist(struct manager *manager, const struct domain *config,
			  struct vm_error *err)
{
	for (size_t i = 0; i < config->interface_count; i++) {
		const struct domain_interface *card = &config->interfaces[i];
		struct network *network;

		if (!card->bridge && network_find(manager, card->source, &network, err) < 0)
			return vm_error_set(err, VM_ERROR_NO_SUCH_NETWORK,
					    "Machine %s: there is no network '%s'; 'vmctl network "
					    "create %s' makes it",
					    config->name, card->source, card->source);
	}
	return 0;
}

int vm_prepare_new(struct manager *manager, const struct domain *config, uint32_t *ret_uid,
		   struct vm_error *err)
{
	int r = name_free(manager, config->name, NULL, err);

	if (r == 0 && vm_by_uuid(manager, config->uuid))
		r = vm_error_set(err, VM_ERROR_VM_EXISTS, "There is a machine with UUID %s already",
				 config->uuid);
	if (r == 0 && reserved_uuid(manager, config->uuid))
		r = vm_error_set(err, VM_ERROR_VM_EXISTS, "The UUID is taken by %s",
				 reserved_uuid(manager, config->uuid)->user);
	if (r == 0)
		r = networks_exist(manager, config, err);
	return r == 0 ? find_uid(manager, ret_uid, err) : r;
}

/* ── a new machine, or another definition ──────────────────────────────────────────────────── */

struct definition {
	struct inventory_request request;
	struct domain *config;
	char *xml; /* for the thread */
	struct vm *vm;
	vm_defined_fn *done;
	void *data;
};

static void definition_free(struct inventory_request *request)
{
	struct definition *definition = (struct definition *)request; /* its first member */

	if (definition->vm)
		vm_free(definition->vm);
	domain_free(definition->config);
	free(definition->xml);
	free(definition);
}

static int run_check(struct store *store, struct store_request *request, struct vm_error *err)
{
	const struct definition *definition = (struct definition *)request; /* its first member */

	return vm_read_back(definition->config, definition->xml, err);
}

static void on_new_written(struct inventory_request *request, const struct vm_error *err)
{
	struct definition *definition = (struct definition *)request; /* its first member */
	struct vm *vm = definition->vm;

	if (!err) {
		definition->vm = NULL;
		vm_enlist(vm);
		publish_vm_new(vm);
		manager_event(vm->manager, vm, "defined", "%s", vm->config->uuid);
	}
	definition->done(definition->data, err ? NULL : vm, err);
}

static int write_new(struct manager *manager, struct definition *definition, uint32_t uid,
		     struct vm_error *err)
{
	int r;

	inventory_gather(manager, &definition->request);
	r = vm_prepare(manager, definition->config, uid, NULL, &definition->vm, err);
	if (r < 0) {
		inventory_drop(manager, &definition->request);
		return r;
	}
	definition->xml = strdup(definition->vm->xml);
	if (!definition->xml) {
		inventory_drop(manager, &definition->request);
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	return inventory_hand_over(manager, &definition->request, INVENTORY_CHANGE, err);
}

static int define_new(struct manager *manager, struct definition *definition, struct vm_error *err)
{
	uint32_t uid;
	int r = vm_prepare_new(manager, definition->config, &uid, err);

	definition->request.store.run = run_check;
	definition->request.done = on_new_written;
	definition->request.release = definition_free;
	return r == 0 ? write_new(manager, definition, uid, err) : r;
}

static void on_changed(void *data, const struct vm_error *err)
{
	struct definition *definition = data;

	definition->done(definition->data, definition->vm, err);
	definition->vm = NULL; /* not this one's */
	definition_free(&definition->request);
}

/* What is told when a change is made. */
struct told {
	struct vm *vm;
	char *kind, *detail;
	vm_done_fn *done;
	void *data;
};

static struct told *told_free(struct told *told)
{
	free(told->kind);
	free(told->detail);
	free(told);
	return NULL;
}

static void on_told(void *data, const struct vm_error *err)
{
	struct told *told = data;

	if (!err)
		manager_event(told->vm->manager, told->vm, told->kind, "%s", told->detail);
	told->done(told->data, err);
	told_free(told);
}

static int commit_and_tell(struct vm *vm, struct domain *config, const char *kind,
			   const char *detail, vm_done_fn *done, void *data, struct vm_error *err)
{
	struct told *told = calloc(1, sizeof(*told));
	int r;

	if (!told)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	*told = (struct told){vm, strdup(kind), strdup(detail), done, data};
	if (told->kind && told->detail)
		r = vm_commit(vm, config, on_told, told, err);
	else
		r = vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (r < 0)
		told_free(told);
	return r;
}

int vm_configure(struct vm *vm, struct domain *config, vm_done_fn *done, void *data,
		 struct vm_error *err)
{
	int r = vm_check(vm, VM_OPERATION_CONFIGURE, err);

	if (r == 0)
		r = name_free(vm->manager, config->name, vm, err);
	return r == 0 ? commit_and_tell(vm, config, "configured", vm->config->uuid, done, data, err)
		      : r;
}

int vm_define_check(struct manager *manager, const struct domain *config, unsigned int flags,
		    struct vm **ret, struct vm_error *err)
{
	struct vm *vm = vm_by_uuid(manager, config->uuid), *same_name = NULL;

	*ret = vm;
	if (!vm && vm_find(manager, config->name, &same_name, NULL) == 0)
		return vm_error_set(
			err, VM_ERROR_VM_EXISTS,
			"There is a machine '%s' already, with UUID %s; put this <uuid> "
			"into the XML to change it",
			config->name, same_name->config->uuid);
	if (vm && flags & VM_DEFINE_NEW)
		return vm_error_set(err, VM_ERROR_VM_EXISTS,
				    "There is a machine '%s' with UUID %s already",
				    vm->config->name, config->uuid);
	if (!vm && flags & VM_DEFINE_CHANGE)
		return vm_error_set(err, VM_ERROR_NO_SUCH_VM, "There is no machine with UUID %s",
				    config->uuid);
	return vm ? networks_exist(manager, config, err) : 0;
}

int vm_define(struct manager *manager, struct domain *config, unsigned int flags,
	      vm_defined_fn *done, void *data, struct vm_error *err)
{
	struct definition *definition;
	struct vm *vm;
	int r = vm_define_check(manager, config, flags, &vm, err);

	if (r < 0)
		return r;
	definition = calloc(1, sizeof(*definition));
	if (!definition)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	definition->done = done;
	definition->data = data;
	definition->config = config;
	if (vm)
		r = vm_configure(vm, config, on_changed, definition, err);
	else
		r = define_new(manager, definition, err);
	if (r < 0 || vm)
		definition->config = NULL;
	if (r < 0)
		definition_free(&definition->request);
	else if (vm)
		definition->vm = vm;
	return r;
}

int vm_rename(struct vm *vm, const char *name, vm_done_fn *done, void *data, struct vm_error *err)
{
	_cleanup_domain_ struct domain *config = domain_copy(vm->config);
	_cleanup_free_ char *detail = NULL, *new = strdup(name);
	int r = vm_check(vm, VM_OPERATION_ANNOTATE, err);

	if (r == 0)
		r = vm_check_definition(vm, "rename", err); /* the name is a part of it */
	if (r < 0)
		return r;
	if (!domain_name_valid(name))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' cannot be a machine's name: up to %d letters, digits and "
				    "'._+-', a letter or digit first",
				    name, DOMAIN_NAME_MAX);
	r = name_free(vm->manager, name, vm, err);
	if (r < 0)
		return r;
	if (asprintf(&detail, "from %s", vm->config->name) < 0)
		detail = NULL;
	if (!config || !detail || !new)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	free(config->name);
	config->name = TAKE_PTR(new);
	r = commit_and_tell(vm, config, "renamed", detail, done, data, err);
	if (r == 0)
		TAKE_PTR(config);
	return r;
}

int vm_set_options(struct vm *vm, struct vm_options *options, vm_done_fn *done, void *data,
		   struct vm_error *err)
{
	int r = vm_check(vm, VM_OPERATION_ANNOTATE, err);

	return r == 0 ? vm_commit_options(vm, options, done, data, err) : r;
}

/* ── devices ───────────────────────────────────────────────────────────────────────────────── */

/* NULL when `device` changes only the medium of a CD drive; otherwise what stands in the way. */
static const char *why_not_hot(const struct vm *vm, const struct domain *changed)
{
	if (changed->interface_count != vm->config->interface_count)
		return "network cards cannot be added or removed while it runs";
	if (changed->disk_count != vm->config->disk_count)
		return "disks and drives cannot be added or removed while it runs, only CDs "
		       "changed";
	return NULL;
}

/* The drive whose medium differs; NULL when none does. */
static const struct domain_disk *changed_medium(const struct vm *vm, const struct domain *changed)
{
	for (size_t i = 0; i < changed->disk_count; i++) {
		const char *old = vm->config->disks[i].source, *new = changed->disks[i].source;

		if (strcmp(old ? old : "", new ? new : "") != 0)
			return &changed->disks[i];
	}
	return NULL;
}

/* A change of devices, until it is done or refused. */
struct change {
	struct vm_question question;
	struct manager *manager;
	struct domain *config; /* as it will be */
	char uuid[37];
	char *before;      /* the XML that it was made from */
	char *kind, *what; /* for the history */
	vm_done_fn *done;  /* NULL: it has been called */
	void *data;
	char target[4]; /* the drive whose medium changes, */
	char *medium;   /* and what is in it then; NULL: nothing */
	bool claims_medium; /* the machine's medium_changing is this one's, while its file is looked at */
};

static struct change *change_free(struct change *change)
{
	if (!change)
		return NULL;
	domain_free(change->config);
	free(change->before);
	free(change->kind);
	free(change->what);
	free(change->medium);
	free(change);
	return NULL;
}

static void cleanup_change(struct change **change)
{
	change_free(*change);
}

static struct change *change_new(const struct vm *vm, const char *kind, const char *what,
				 vm_done_fn *done, void *data)
{
	struct change *change = calloc(1, sizeof(*change));

	if (!change)
		return NULL;
	change->manager = vm->manager;
	change->config = domain_copy(vm->config);
	snprintf(change->uuid, sizeof(change->uuid), "%s", vm->config->uuid);
	change->before = strdup(vm->xml);
	change->kind = strdup(kind);
	change->what = strdup(what);
	change->done = done;
	change->data = data;
	return change->config && change->before && change->kind && change->what
		       ? change
		       : change_free(change);
}

static void change_tell(struct change *change, const struct vm_error *err)
{
	vm_done_fn *done = change->done;

	change->done = NULL;
	if (done)
		done(change->data, err);
	else if (err)
		log_error("%s", err->text);
}

static void on_recorded(void *data, const struct vm_error *err)
{
	change_tell(data, err);
	change_free(data);
}

/* `change` is on_recorded()'s when it succeeds. */
static int change_record(struct vm *vm, struct change *change, struct vm_error *err)
{
	struct domain *config = TAKE_PTR(change->config);
	int r = commit_and_tell(vm, config, change->kind, change->what, on_recorded, change, err);

	if (r < 0)
		domain_free(config);
	return r;
}

/* ── the medium of a drive, while the machine runs ─────────────────────────────────────────── */

/* In what the machine is by now: more of it may have been changed. */
static int record_medium(struct vm *vm, struct change *change, struct vm_error *err)
{
	struct domain_disk *disk;

	domain_free(change->config);
	change->config = domain_copy(vm->config);
	if (!change->config)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	disk = domain_find_disk(change->config, change->target);
	if (!disk || disk->kind != DOMAIN_DISK_CDROM)
		return vm_error_set(err, VM_ERROR_NO_SUCH_DEVICE,
				    "Machine %s has no CD drive %s any more", vm->config->name,
				    change->target);
	free(disk->source);
	disk->source = TAKE_PTR(change->medium);
	return change_record(vm, change, err);
}

/* When no other change is under way. */
static void medium_changed(void *data)
{
	struct change *change = data;
	struct vm *vm = vm_by_uuid(change->manager, change->uuid);
	struct vm_error err = {0};
	int r;

	if (vm) {
		vm->medium_changing = false;
		r = record_medium(vm, change, &err);
	} else {
		r = vm_error_set(&err, VM_ERROR_NO_SUCH_VM, "The machine has been deleted");
	}
	if (r < 0)
		on_recorded(change, &err);
}

static void medium_settled(struct vm *vm, struct change *change, const struct vm_error *refused)
{
	struct vm_error err = {0};

	if (!refused && inventory_step(change->manager, medium_changed, change))
		return;
	if (!refused)
		(void)vm_error_set(&err, VM_ERROR_NO_MEMORY, "Out of memory");
	vm->medium_changing = false;
	on_recorded(change, refused ? refused : &err);
}

static void on_medium_answer(struct vm_question *question, struct vm *vm,
			     const struct vm_error *refused)
{
	struct change *change = (struct change *)question; /* its first member */

	if (refused && refused->code == VM_ERROR_TIMEOUT)
		change_tell(change, refused); /* it is not known yet what is in the drive */
	else
		medium_settled(vm, change, refused);
}

static void on_late_medium_answer(struct vm_question *question, struct vm *vm,
				  const struct vm_error *refused)
{
	medium_settled(vm, (struct change *)question, refused);
}

static int ask_for_medium(struct vm *vm, struct change *change, int fd, struct vm_error *err)
{
	struct proto_message message = {.type = PROTO_MEDIUM};

	message.port.number = (uint32_t)domain_disk_unit(change->target);
	if (fd >= 0)
		message.fds[message.fd_count++] = fd;
	change->question.answered = on_medium_answer;
	change->question.late = on_late_medium_answer;
	return vm_ask(vm, &message, &change->question, err);
}

/* `vm` may have been turned off, or deleted, while its file was being opened. */
static void on_medium_opened(void *data, struct vm *vm, int fd, const struct vm_error *failed)
{
	_cleanup_close_ int medium = fd;
	struct change *change = data;
	struct vm_error err = {0};

	if (!failed && (vm && vm->worker ? ask_for_medium(vm, change, medium, &err)
					 : vm_error_set(&err, VM_ERROR_WORKER,
							"Machine %s was turned off meanwhile",
							change->config->name)) < 0)
		failed = &err;
	if (!failed)
		return;
	if (vm)
		vm->medium_changing = false;
	on_recorded(change, failed);
}

static int check_hot(const struct vm *vm, const struct domain *changed, struct vm_error *err)
{
	const char *reason = vm_power_has_worker(vm->power) ? why_not_hot(vm, changed) : NULL;

	if (!reason)
		return 0;
	return vm_error_set(err, VM_ERROR_NOT_SUPPORTED, "Machine %s: %s; shut it down first",
			    vm->config->name, reason);
}

static int refuse_second_medium(const struct vm *vm, struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_BUSY,
			    "Machine %s: another change of a CD is under way; try again",
			    vm->config->name);
}

/* 1: `change` is in the hands of what answers it; 0: the worker need not be asked. */
static int change_live(struct vm *vm, struct change *change, struct vm_error *err)
{
	const struct domain_disk *disk = changed_medium(vm, change->config);
	int r = check_hot(vm, change->config, err);

	if (r < 0)
		return r;
	if (!disk)
		return 0;
	if (vm->medium_changing)
		return refuse_second_medium(vm, err);
	snprintf(change->target, sizeof(change->target), "%s", disk->target);
	change->medium = disk->source ? strdup(disk->source) : NULL;
	if (disk->source && !change->medium)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (!disk->source)
		r = ask_for_medium(vm, change, -1, err);
	else if (opening_begin_medium(vm, disk->source, on_medium_opened, change) < 0)
		r = vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	else
		r = 0;
	if (r < 0)
		return r;
	vm->medium_changing = true;
	return 1;
}

/* Takes *change over when it succeeds. */
static int change_devices(struct vm *vm, struct change **change, struct vm_error *err)
{
	int r = vm_power_has_worker(vm->power) ? change_live(vm, *change, err) : 0;

	if (r == 0)
		r = change_record(vm, *change, err);
	if (r < 0)
		return r;
	*change = NULL; /* the question's, or on_recorded()'s */
	return 0;
}

/* A CD put into a drive that is there replaces its medium: the drive as such stays. */
static int add_or_replace(struct domain *changed, const struct domain *device, struct vm_error *err)
{
	const struct domain_disk *wanted = &device->disks[0];
	struct domain_disk *there =
		device->disk_count > 0 ? domain_find_disk(changed, wanted->target) : NULL;
	char *source;

	if (!there || there->kind != DOMAIN_DISK_CDROM || wanted->kind != DOMAIN_DISK_CDROM)
		return domain_add_device(changed, device, err);
	source = wanted->source ? strdup(wanted->source) : NULL;
	if (wanted->source && !source)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	free(there->source);
	there->source = source;
	there->format_unknown = wanted->format_unknown;
	return domain_check(changed, err);
}

/* The machine may be another one by now, or gone. */
static int attach_now(struct change **change, struct vm_error *err)
{
	struct vm *vm = vm_by_uuid((*change)->manager, (*change)->config->uuid);
	int r;

	if (!vm)
		return vm_error_set(err, VM_ERROR_NO_SUCH_VM, "Machine %s has been deleted",
				    (*change)->config->name);
	r = vm_check(vm, VM_OPERATION_HOT_PLUG, err);
	if (r == 0 && strcmp(vm->xml, (*change)->before) != 0)
		r = vm_error_set(err, VM_ERROR_BUSY,
				 "Machine %s was changed at the same time; try again",
				 vm->config->name);
	return r == 0 ? change_devices(vm, change, err) : r;
}

/*
 * Of a machine that runs, only a CD changes, one at a time. It is looked at like a disk of a machine that is
 * off, and then opened once more for the worker.
 */
static int claim_medium(struct vm *vm, struct change *change, struct vm_error *err)
{
	if (vm->medium_changing)
		return refuse_second_medium(vm, err);
	vm->medium_changing = change->claims_medium = true;
	return 0;
}

static void release_medium(struct change *change)
{
	struct vm *vm = vm_by_uuid(change->manager, change->uuid);

	if (vm && change->claims_medium)
		vm->medium_changing = false;
	change->claims_medium = false;
}

static void on_attach_looked(void *data, const struct vm_error *refused)
{
	_cleanup_(cleanup_change) struct change *change = data;
	struct vm_error err = {0};

	release_medium(change);
	if (!refused && attach_now(&change, &err) < 0)
		refused = &err;
	if (refused)
		change->done(change->data, refused);
}

int vm_attach(struct vm *vm, const struct domain *device, const char *what, vm_done_fn *done,
	      void *data, struct vm_error *err)
{
	_cleanup_(cleanup_change) struct change *change =
		change_new(vm, "attached", what, done, data);
	int r = vm_check(vm, VM_OPERATION_HOT_PLUG, err);

	if (r < 0)
		return r;
	if (!change)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	r = add_or_replace(change->config, device, err);
	if (r == 0)
		r = check_hot(vm, change->config, err);
	if (r == 0)
		r = networks_exist(vm->manager, change->config, err);
	if (r == 0 && vm_power_has_worker(vm->power))
		r = claim_medium(vm, change, err);
	if (r == 0)
		r = disk_check_begin(vm->manager, vm, change->config, on_attach_looked, change,
				     err);
	if (r == 0)
		change = NULL; /* on_attach_looked()'s */
	else
		release_medium(change);
	return r;
}

int vm_detach(struct vm *vm, const char *target, vm_done_fn *done, void *data, struct vm_error *err)
{
	_cleanup_(cleanup_change) struct change *change =
		change_new(vm, "detached", target, done, data);
	struct domain_disk *disk;
	int r = vm_check(vm, VM_OPERATION_HOT_PLUG, err);

	if (r < 0)
		return r;
	if (!change)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	disk = domain_find_disk(change->config, target);
	if (disk && disk->kind == DOMAIN_DISK_CDROM && vm_power_has_worker(vm->power)) {
		free(disk->source); /* the CD comes out, the drive stays */
		disk->source = NULL;
	} else {
		r = domain_remove_device(change->config, target, err);
	}
	return r == 0 ? change_devices(vm, &change, err) : r;
}
