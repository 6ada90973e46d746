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

static void on_disks_looked(void *data, const struct vm_error *refused)
{
	struct define_call *define = data;
	struct vm_error err = {0};
	struct vm *vm;

	if (!refused && vm_define(define->manager, define->config, define->flags, &vm, &err) < 0)
		refused = &err;
	if (!refused)
		TAKE_PTR(define->config);
	reply_later(refused ? call_reply_error(define->m, refused)
			    : sd_bus_reply_method_return(define->m, "o", vm->path));
	define_call_free(define);
}

static int method_define(struct manager *manager, struct vm *none, sd_bus_message *m,
			 struct vm_error *err)
{
	_cleanup_domain_ struct domain *config = NULL;
	struct define_call *define;
	const char *xml;
	uint32_t flags;
	struct vm *vm;
	int r = sd_bus_message_read(m, "su", &xml, &flags);

	if (r < 0)
		return call_bad_message(r, err);
	if (flags & ~(uint32_t)(VM_DEFINE_NEW | VM_DEFINE_CHANGE))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "Unknown flags %#x", flags);
	r = domain_parse(xml, &config, err);
	if (r == 0)
		r = vm_define_check(manager, config, flags, &vm, err);
	if (r < 0)
		return r;
	define = calloc(1, sizeof(*define));
	if (!define)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	*define = (struct define_call){manager, sd_bus_message_ref(m), TAKE_PTR(config), flags};
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
	_cleanup_domain_ struct domain *config = NULL;
	struct new_disk disks[MAX_NEW_DISKS];
	const char *xml;
	struct job *job;
	size_t count = 0;
	int r = sd_bus_message_read(m, "s", &xml);

	if (r < 0)
		return call_bad_message(r, err);
	r = read_disks(m, disks, &count, err);
	if (r == 0)
		r = domain_parse(xml, &config, err);
	if (r == 0)
		r = vm_create_with_disks(manager, config, disks, count, &job, err);
	if (r < 0)
		return r;
	TAKE_PTR(config);
	return call_reply_job(m, job, err);
}

static void on_import_read(void *data, struct job *job, const struct vm_error *refused)
{
	sd_bus_message *m = data;

	reply_later(refused ? call_reply_error(m, refused)
			    : sd_bus_reply_method_return(m, "o", job->path));
	sd_bus_message_unref(m);
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
	r = vm_import(manager, folder, name, flags, on_import_read, sd_bus_message_ref(m), err);
	if (r < 0)
		sd_bus_message_unref(m);
	return r;
}

static int reply_canonical(struct manager *manager, sd_bus_message *m, const struct domain *config,
			   struct vm_error *err)
{
	_cleanup_free_ char *canonical = domain_print(config);

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

/* The UUID of the machine of that name; NULL for "", and the name itself for one that is gone. */
static const char *history_uuid(struct manager *manager, const char *name)
{
	struct vm *vm;

	if (!*name)
		return NULL;
	return vm_find(manager, name, &vm, NULL) == 0 ? vm->config->uuid : name;
}

static int method_list_history(struct manager *manager, struct vm *none, sd_bus_message *m,
			       struct vm_error *err)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	const char *name;
	uint32_t limit;
	int r = sd_bus_message_read(m, "su", &name, &limit);

	if (r >= 0)
		r = call_open_list(m, "(ussssssttus)", &reply);
	if (r < 0)
		return call_bad_message(r, err);
	r = store_operation_each(manager->store, history_uuid(manager, name),
				 MIN(limit, (uint32_t)STORE_OPERATIONS_KEPT), append_operation,
				 reply, err);
	if (r < 0)
		return r;
	return call_send_list(0, reply, err);
}

/* Rows that an earlier daemon cut within a character would make the whole reply impossible. */
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

static int method_list_events(struct manager *manager, struct vm *none, sd_bus_message *m,
			      struct vm_error *err)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	const char *name;
	uint64_t after;
	uint32_t limit;
	int r = sd_bus_message_read(m, "stu", &name, &after, &limit);

	if (r >= 0)
		r = call_open_list(m, "(ttssssus)", &reply);
	if (r < 0)
		return call_bad_message(r, err);
	r = store_event_each(manager->store, history_uuid(manager, name), (int64_t)after,
			     MIN(limit, (uint32_t)STORE_EVENTS_KEPT), append_event, reply, err);
	if (r < 0)
		return r;
	return call_send_list(0, reply, err);
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

static int method_backup(struct manager *manager, struct vm *none, sd_bus_message *m,
			 struct vm_error *err)
{
	_cleanup_close_ int fd = -1;
	int r = store_backup(manager->store, &fd, err);

	if (r < 0)
		return r;
	manager_event(manager, NULL, "backup", "a copy of the inventory was handed out");
	return call_replied(sd_bus_reply_method_return(m, "h", fd), err);
}

static const struct bus_method methods[] = {
	{"ListVMs", NULL, method_list, false, false},
	{"GetVM", NULL, method_get, true, false},
	{"DefineVM", ACTION_MANAGE_VMS, method_define, false, false},
	{"CreateVM", ACTION_MANAGE_VMS, method_create, false, false},
	{"ImportVM", ACTION_MANAGE_VMS, method_import, false, false},
	{"ValidateXML", NULL, method_validate, false, false},
	{"ListJobs", NULL, method_list_jobs, false, false},
	{"CancelJob", ACTION_MANAGE_VMS, method_cancel_job, false, false},
	{"ListHistory", NULL, method_list_history, false, true},
	{"ListEvents", NULL, method_list_events, false, true},
	{"GetHost", NULL, method_host, false, false},
	{"BackupConfiguration", ACTION_MANAGE_VMS, method_backup, false, false},
	{"StopAll", ACTION_MANAGE_VMS, method_stop_all, false, false},
};

const struct bus_method *manager_method_find(const char *member)
{
	return call_find(methods, ARRAY_SIZE(methods), member);
}
