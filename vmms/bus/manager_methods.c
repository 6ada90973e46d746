/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's methods that are no machine's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "bus/bus.h"
#include "bus/methods.h"
#include "bus/xml_check.h"
#include "daemon/disk_check.h"
#include "daemon/inventory.h"
#include "daemon/metrics.h"
#include "daemon/sequence.h"
#include "store/backup.h"

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref, cleanup_message);

static int method_list(struct manager *manager, struct vm *none, sd_bus_message *m,
		       struct vm_error *err)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	int r = call_open_list(m, "(sssssutboo)", &reply);

	for (const struct vm *vm = manager->vms; r >= 0 && vm; vm = vm->next)
		r = sd_bus_message_append(reply, "(sssssutboo)", vm->config->uuid, vm->config->name,
					  vm_power_name(vm->power), vm_reason_name(vm->reason),
					  vm_activity_name(vm->activity), vm->config->vcpus,
					  vm->config->memory_kib, vm->options.autostart, vm->path,
					  vm->job ? vm->job->path : "/");
	return call_send_list(r, reply, err);
}

static int method_get(struct manager *manager, struct vm *vm, sd_bus_message *m,
		      struct vm_error *err)
{
	return call_replied(sd_bus_reply_method_return(m, "o", vm->path), err);
}

/* A call that is answered when its disks have been looked at. */
struct define_call {
	struct manager *manager;
	sd_bus_message *m;
	struct domain *config;
	uint32_t flags;
};

static void define_call_free(struct define_call *define)
{
	sd_bus_message_unref(define->m);
	domain_free(define->config);
	free(define);
}

static void reply_later(int r)
{
	if (r < 0)
		log_debug("A reply cannot be sent: %s", strerror(-r));
}

static void on_defined(void *data, struct vm *vm, const struct vm_error *err)
{
	struct define_call *define = data;

	reply_later(err ? call_reply_error(define->m, err)
			: sd_bus_reply_method_return(define->m, "o", vm->path));
	define_call_free(define);
}

static void on_disks_looked(void *data, const struct vm_error *refused)
{
	struct define_call *define = data;
	struct vm_error err = {0};

	if (!refused &&
	    vm_define(define->manager, define->config, define->flags, on_defined, define, &err) < 0)
		refused = &err;
	if (refused)
		on_defined(define, NULL, refused);
	else
		TAKE_PTR(define->config);
}

static int method_define(struct manager *manager, struct vm *none, sd_bus_message *m,
			 struct vm_error *err)
{
	struct define_call *define;
	const char *xml;
	uint32_t flags;
	struct vm *vm;
	int r = sd_bus_message_read(m, "su", &xml, &flags);

	if (r < 0)
		return call_bad_message(r, err);
	if (flags & ~(uint32_t)(VM_DEFINE_NEW | VM_DEFINE_CHANGE))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "Unknown flags %#x", flags);
	r = vm_define_check(manager, manager->parsed, flags, &vm, err);
	if (r < 0)
		return r;
	define = calloc(1, sizeof(*define));
	if (!define)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	*define = (struct define_call){manager, sd_bus_message_ref(m), TAKE_PTR(manager->parsed),
				       flags};
	r = disk_check_begin(manager, vm, define->config, on_disks_looked, define, err);
	if (r < 0)
		define_call_free(define);
	return r;
}

enum { MAX_NEW_DISKS = DOMAIN_MAX_DISKS };

static int read_disks(sd_bus_message *m, struct new_disk disks[static MAX_NEW_DISKS],
		      size_t *ret_count, struct vm_error *err)
{
	int r = sd_bus_message_enter_container(m, 'a', "(st)");
	struct new_disk disk;
	size_t count = 0;

	while (r >= 0 && (r = sd_bus_message_read(m, "(st)", &disk.path, &disk.size)) > 0) {
		if (count == MAX_NEW_DISKS)
			return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "More than %d disks",
					    MAX_NEW_DISKS);
		disks[count++] = disk;
	}
	*ret_count = count;
	return call_replied(r, err);
}

static int method_create(struct manager *manager, struct vm *none, sd_bus_message *m,
			 struct vm_error *err)
{
	struct new_disk disks[MAX_NEW_DISKS];
	const char *xml;
	size_t count = 0;
	int r = sd_bus_message_read(m, "s", &xml);

	if (r < 0)
		return call_bad_message(r, err);
	r = read_disks(m, disks, &count, err);
	if (r < 0)
		return r;
	r = call_later(m, vm_create_with_disks(manager, manager->parsed, disks, count,
					       call_done_job, sd_bus_message_ref(m), err));
	if (r == 0)
		TAKE_PTR(manager->parsed);
	return r;
}

static int method_import(struct manager *manager, struct vm *none, sd_bus_message *m,
			 struct vm_error *err)
{
	const char *folder, *name;
	uint32_t flags;
	int r = sd_bus_message_read(m, "ssu", &folder, &name, &flags);

	if (r < 0)
		return call_bad_message(r, err);
	if (flags & ~(uint32_t)(VM_IMPORT_COPY | VM_IMPORT_NEW_ID))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "Unknown flags %#x", flags);
	return call_later(m, vm_import(manager, folder, name, flags, call_done_job,
				       sd_bus_message_ref(m), err));
}

static int reply_canonical(struct manager *manager, sd_bus_message *m, const struct domain *config,
			   struct vm_error *err)
{
	_cleanup_free_ char *canonical = domain_print(config);
	int r = vm_check_name(manager, config, err);

	if (r < 0)
		return r;
	return call_replied(canonical ? sd_bus_reply_method_return(m, "s", canonical) : -ENOMEM,
			    err);
}

static int method_validate(struct manager *manager, struct vm *none, sd_bus_message *m,
			   struct vm_error *err)
{
	const char *xml;
	int r = sd_bus_message_read(m, "s", &xml);

	return r < 0 ? call_bad_message(r, err) : xml_check(manager, m, xml, reply_canonical, err);
}

/* ── jobs, history ─────────────────────────────────────────────────────────────────────────── */

static int method_list_jobs(struct manager *manager, struct vm *none, sd_bus_message *m,
			    struct vm_error *err)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	int r = call_open_list(m, "(uosssbdt)", &reply);

	for (const struct job *job = manager->jobs; r >= 0 && job; job = job->next)
		r = sd_bus_message_append(reply, "(uosssbdt)", (uint32_t)job->id, job->path,
					  job->uuid, job->name, job->kind, job->cancel != NULL,
					  job->permille / 1000.0, (uint64_t)job->started);
	return call_send_list(r, reply, err);
}

static int method_cancel_job(struct manager *manager, struct vm *none, sd_bus_message *m,
			     struct vm_error *err)
{
	struct job *job;
	uint32_t id;
	int r = sd_bus_message_read(m, "u", &id);

	if (r < 0)
		return call_bad_message(r, err);
	job = job_find(manager, id);
	if (!job)
		return vm_error_set(err, VM_ERROR_NO_SUCH_JOB,
				    "There is no job %u, or it is over; 'vmctl jobs --all' shows "
				    "those that are over too",
				    id);
	r = job_cancel(job, err);
	if (r < 0)
		return r;
	return call_reply_nothing(m, err);
}

/* A question about the history, which the inventory's thread answers. */
struct history_call {
	struct inventory_request request;
	sd_bus_message *m, *reply;
	char *uuid; /* NULL: of all machines */
	uint64_t after;
	uint32_t limit;
};

static void history_free(struct inventory_request *request)
{
	struct history_call *call = (struct history_call *)request; /* its first member */

	sd_bus_message_unref(call->reply);
	sd_bus_message_unref(call->m);
	free(call->uuid);
	free(call);
}

static void on_history(struct inventory_request *request, const struct vm_error *failed)
{
	struct history_call *call = (struct history_call *)request; /* its first member */
	struct vm_error err = {0};

	if (!failed && call_send_list(0, call->reply, &err) < 0)
		failed = &err;
	reply_later(failed ? call_reply_error(call->m, failed) : 0);
}

/* On the thread. */
static int append_operation(void *data, const struct store_operation *op)
{
	_cleanup_free_ char *message = strdup(op->message);
	int r;

	if (!message)
		return -ENOMEM;
	text_make_safe(message, message, strlen(message) + 1, "\n\t");
	r = sd_bus_message_append(data, "(ussssssttus)", (uint32_t)op->id, op->uuid, op->name,
				  op->kind, op->state, op->error, message, (uint64_t)op->started,
				  (uint64_t)op->finished, op->uid, op->user);
	return r < 0 ? r : 0;
}

static int read_operations(struct store *store, struct store_request *request, struct vm_error *err)
{
	const struct history_call *call = (struct history_call *)request; /* its first member */
	int r = store_operation_each(store, call->uuid,
				     MIN(call->limit, (uint32_t)STORE_OPERATIONS_KEPT),
				     append_operation, call->reply, err);

	return r < 0 && !err->code ? call_bad_message(r, err) : r;
}

/* On the thread. Rows that an earlier daemon cut within a character would make the whole reply impossible. */
static int append_event(void *data, const struct store_event *event)
{
	_cleanup_free_ char *detail = strdup(event->detail);
	int r;

	if (!detail)
		return -ENOMEM;
	text_make_safe(detail, detail, strlen(detail) + 1, "\n\t");
	r = sd_bus_message_append(data, "(ttssssus)", (uint64_t)event->sequence,
				  (uint64_t)event->time, event->uuid, event->name, event->kind,
				  detail, event->uid, event->user);
	return r < 0 ? r : 0;
}

static int read_events(struct store *store, struct store_request *request, struct vm_error *err)
{
	const struct history_call *call = (struct history_call *)request; /* its first member */
	int r = store_event_each(store, call->uuid, (int64_t)call->after,
				 MIN(call->limit, (uint32_t)STORE_EVENTS_KEPT), append_event,
				 call->reply, err);

	return r < 0 && !err->code ? call_bad_message(r, err) : r;
}

/* The UUID of the machine of that name; NULL for "", and the name itself for one that is gone. */
static int history_uuid(struct manager *manager, const char *name, char **ret)
{
	struct vm *vm;

	if (!*name)
		return 0;
	*ret = strdup(vm_find(manager, name, &vm, NULL) == 0 ? vm->config->uuid : name);
	return *ret ? 0 : -ENOMEM;
}

static int ask_history(struct manager *manager, sd_bus_message *m, const char *name,
		       const struct history_call *asked, const char *element, struct vm_error *err)
{
	struct history_call *call;
	int r;

	call = calloc(1, sizeof(*call));
	if (!call)
		return call_bad_message(-ENOMEM, err);
	*call = *asked;
	call->request.done = on_history;
	call->request.release = history_free;
	call->m = sd_bus_message_ref(m);
	r = history_uuid(manager, name, &call->uuid);
	if (r >= 0)
		r = call_open_list(m, element, &call->reply);
	r = r < 0 ? call_bad_message(r, err)
		  : inventory_hand_over(manager, &call->request, INVENTORY_READ, err);
	if (r < 0)
		history_free(&call->request);
	return r;
}

static int method_list_history(struct manager *manager, struct vm *none, sd_bus_message *m,
			       struct vm_error *err)
{
	struct history_call asked = {.request.store.run = read_operations};
	const char *name;
	int r = sd_bus_message_read(m, "su", &name, &asked.limit);

	return r < 0 ? call_bad_message(r, err)
		     : ask_history(manager, m, name, &asked, "(ussssssttus)", err);
}

static int method_list_events(struct manager *manager, struct vm *none, sd_bus_message *m,
			      struct vm_error *err)
{
	struct history_call asked = {.request.store.run = read_events};
	const char *name;
	int r = sd_bus_message_read(m, "stu", &name, &asked.after, &asked.limit);

	return r < 0 ? call_bad_message(r, err)
		     : ask_history(manager, m, name, &asked, "(ttssssus)", err);
}

/* ── host ──────────────────────────────────────────────────────────────────────────────────── */

static int method_host(struct manager *manager, struct vm *none, sd_bus_message *m,
		       struct vm_error *err)
{
	struct host_info info;
	int r;

	host_info_get(manager, &info);
	r = sd_bus_reply_method_return(
		m, "a{sv}", 12, "HostName", "s", info.uname.nodename, "Kernel", "s",
		info.uname.release, "Hypervisor", "s", info.hypervisor, "Device", "b", info.device,
		"CPUs", "u", info.cpus, "MemoryKiB", "t", info.memory_total_kib,
		"MemoryAvailableKiB", "t", info.memory_available_kib, "MemoryCommittedKiB", "t",
		info.memory_committed_kib, "DepositKiB", "t", info.deposit_kib, "DepositFreeKiB",
		"t", info.deposit_free_kib, "Machines", "u", info.machines, "Running", "u",
		info.running);
	return call_replied(r, err);
}

static int method_stop_all(struct manager *manager, struct vm *none, sd_bus_message *m,
			   struct vm_error *err)
{
	sequence_stop_all(manager);
	return call_reply_nothing(m, err);
}

struct backup_call {
	struct inventory_request request;
	sd_bus_message *m;
	int fd;
};

static void backup_free(struct inventory_request *request)
{
	struct backup_call *call = (struct backup_call *)request; /* its first member */

	sd_bus_message_unref(call->m);
	fd_close(call->fd);
	free(call);
}

static int run_backup(struct store *store, struct store_request *request, struct vm_error *err)
{
	return store_backup(store, &((struct backup_call *)request)->fd, err);
}

static void on_backup(struct inventory_request *request, const struct vm_error *err)
{
	struct backup_call *call = (struct backup_call *)request; /* its first member */

	if (!err)
		manager_event(request->manager, NULL, "backup",
			      "a copy of the inventory was handed out");
	reply_later(err ? call_reply_error(call->m, err)
			: sd_bus_reply_method_return(call->m, "h", call->fd));
}

static int method_backup(struct manager *manager, struct vm *none, sd_bus_message *m,
			 struct vm_error *err)
{
	struct backup_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return call_bad_message(-ENOMEM, err);
	call->fd = -1;
	call->m = sd_bus_message_ref(m);
	call->request.store.run = run_backup;
	call->request.done = on_backup;
	call->request.release = backup_free;
	r = inventory_hand_over(manager, &call->request, INVENTORY_READ, err);
	if (r < 0)
		backup_free(&call->request);
	return r;
}

static const struct bus_method methods[] = {
	{"ListVMs", NULL, method_list, false, CALL_QUERIES, NULL},
	{"GetVM", NULL, method_get, true, CALL_QUERIES, NULL},
	{"DefineVM", ACTION_MANAGE_VMS, method_define, false, CALL_CHANGES, domain_parse},
	{"CreateVM", ACTION_MANAGE_VMS, method_create, false, CALL_CHANGES, domain_parse},
	{"ImportVM", ACTION_MANAGE_VMS, method_import, false, CALL_CHANGES, NULL},
	{"ValidateXML", NULL, method_validate, false, CALL_QUERIES, NULL},
	{"ListJobs", NULL, method_list_jobs, false, CALL_QUERIES, NULL},
	{"CancelJob", ACTION_MANAGE_VMS, method_cancel_job, false, CALL_FACTS, NULL},
	{"ListHistory", NULL, method_list_history, false, CALL_READS, NULL},
	{"ListEvents", NULL, method_list_events, false, CALL_READS, NULL},
	{"GetHost", NULL, method_host, false, CALL_QUERIES, NULL},
	{"BackupConfiguration", ACTION_MANAGE_VMS, method_backup, false, CALL_READS, NULL},
	{"StopAll", ACTION_MANAGE_VMS, method_stop_all, false, CALL_FACTS, NULL},
};

const struct bus_method *manager_method_find(const char *member)
{
	return call_find(methods, ARRAY_SIZE(methods), member);
}
