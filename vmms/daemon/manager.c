/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's beginning and end: directories, inventory, recovery.
 */
#include "daemon/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/errand.h"
#include "daemon/inventory.h"
#include "daemon/job.h"
#include "daemon/journal.h"
#include "daemon/opening.h"
#include "daemon/publish.h"
#include "daemon/sequence.h"
#include "net/network.h"
#include "worker/worker.h"

enum { EVENTS_BETWEEN_PRUNING = 1000, END_SECONDS = 2 };

int64_t manager_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A first line for people; all of it is in the history. */
static void log_event(const struct store_event *event, const struct caller *caller, int64_t job)
{
	struct journal_line line = {.uuid = event->uuid,
				    .name = event->name,
				    .event = event->kind,
				    .job = job,
				    .caller = caller};
	char by[64] = "";

	if (*caller->name)
		snprintf(by, sizeof(by), " (by %s)", caller->name);
	else if (caller->uid != CALLER_NOBODY)
		snprintf(by, sizeof(by), " (by user %u)", caller->uid);
	journal_write(LOG_LEVEL_INFO, &line, "%s%s%s: %.*s%s", event->name,
		      *event->name ? ": " : "", event->kind, (int)strcspn(event->detail, "\n"),
		      event->detail, by);
}

static void record_event(struct manager *manager, const struct vm *vm, const struct caller *caller,
			 int64_t job, const char *kind, const char *format, va_list ap)
{
	struct store_event event = {
		.time = manager_now(),
		.uuid = vm ? vm->config->uuid : "",
		.name = vm ? vm->config->name : "",
		.kind = kind,
		.uid = caller->uid,
		.user = caller->name,
	};
	struct vm_error err = {0};
	char detail[5000];

	vsnprintf(detail, sizeof(detail), format, ap);
	text_make_safe(detail, detail, sizeof(detail), "\n\t");
	event.detail = detail;
	if (store_event_add(manager->store, &event, &event.sequence, &err) < 0)
		log_error("%s", err.text);
	log_event(&event, caller, job);
	/* A daemon runs for months. */
	if (++manager->events_unpruned >= EVENTS_BETWEEN_PRUNING) {
		manager->events_unpruned = 0;
		if (store_prune(manager->store, &err) < 0)
			log_error("%s", err.text);
	}
	publish_event(manager, &event);
}

void manager_event(struct manager *manager, const struct vm *vm, const char *kind,
		   const char *format, ...)
{
	const struct job *job = vm ? vm->job : NULL;
	struct caller caller = manager->caller;
	va_list ap;

	if (caller.uid == CALLER_NOBODY && job)
		caller = job->caller;
	va_start(ap, format);
	record_event(manager, vm, &caller, job ? job->id : 0, kind, format, ap);
	va_end(ap);
}

void manager_event_by(struct manager *manager, const struct vm *vm, const struct caller *caller,
		      int64_t job, const char *kind, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	record_event(manager, vm, caller, job, kind, format, ap);
	va_end(ap);
}

/* ── loading ───────────────────────────────────────────────────────────────────────────────── */

static int make_directory(const char *parent, const char *name, mode_t mode, struct vm_error *err)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s%s%s", parent, *name ? "/" : "", name) < 0) {
		path = NULL;
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	/* Its mode whatever the umask; that of one that was there already is its owner's affair. */
	if (mkdir(path, mode) == 0 ? chmod(path, mode) < 0 : errno != EEXIST)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "Directory %s", path);
	return 0;
}

static int make_directories(const struct settings *settings, struct vm_error *err)
{
	int r = make_directory(settings->state_dir, "", 0700, err);

	if (r == 0)
		r = make_directory(settings->state_dir, "disks", 0700, err);
	if (r == 0)
		r = make_directory(settings->runtime_dir, "", 0755, err);
	if (r == 0)
		r = make_directory(settings->runtime_dir, "vm", 0700, err);
	if (r == 0)
		r = make_directory(settings->runtime_dir, "net", 0755, err);
	return r == 0 ? make_directory(settings->runtime_dir, "root", 0755, err) : r;
}

static int load_vm(void *data, const struct store_vm *row)
{
	return vm_load(data, row);
}

static int read_boot_id(struct manager *manager)
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fd_read_full(fd, manager->boot_id, 36);
}

static int note_boot(struct manager *manager, struct vm_error *err)
{
	_cleanup_free_ char *last = NULL;
	int r = read_boot_id(manager);

	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_INTERNAL, -r, "The boot id cannot be read");
	r = store_meta_get(manager->store, "boot-id", &last, err);
	if (r < 0)
		return r;
	manager->host_booted = !last || strcmp(last, manager->boot_id) != 0;
	return store_meta_set(manager->store, "boot-id", manager->boot_id, err);
}

/* Nothing to wonder about at the first start; at any later one it has been removed. */
static void note_new_inventory(struct manager *manager, const char *path)
{
	log_warning("There was no inventory; a new one without any machine is in %s", path);
	manager_event(manager, NULL, "inventory", "there was none; a new one was made: %s", path);
}

int manager_init(struct manager *manager, struct ev_loop *loop, struct vm_error *err)
{
	_cleanup_free_ char *path = NULL;
	bool created;
	int r;

	manager->loop = loop;
	ev_init(&manager->sequence_timer, NULL);
	ev_init(&manager->stop_timer, NULL);
	r = make_directories(&manager->settings, err);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/vmms.db", manager->settings.state_dir) < 0) {
		path = NULL;
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	r = store_open_or_create(path, &manager->store, &created, err);
	if (r == 0 && created)
		note_new_inventory(manager, path);
	if (r == 0)
		r = store_prune(manager->store, err);
	if (r == 0)
		r = note_boot(manager, err);
	if (r == 0)
		r = store_vm_each(manager->store, load_vm, manager, err);
	return r == 0 ? network_load_all(manager, err) : r;
}

/* ── recovery ──────────────────────────────────────────────────────────────────────────────── */

/* Rows cannot be changed while they are walked: copies. */
struct row_copies {
	size_t operation_count, worker_count;
	struct store_operation *operations;
	struct store_worker *workers;
};

static int copy_operation(void *data, const struct store_operation *row)
{
	struct row_copies *copies = data;
	struct store_operation *grown = realloc(
		copies->operations, (copies->operation_count + 1) * sizeof(*copies->operations));

	if (!grown)
		return -ENOMEM;
	copies->operations = grown;
	grown[copies->operation_count] = *row;
	grown[copies->operation_count].uuid = strdup(row->uuid);
	grown[copies->operation_count].name = strdup(row->name);
	grown[copies->operation_count].kind = strdup(row->kind);
	grown[copies->operation_count].detail = strdup(row->detail);
	grown[copies->operation_count].user = strdup(row->user);
	copies->operation_count++;
	return 0;
}

static int copy_worker(void *data, const struct store_worker *row)
{
	struct row_copies *copies = data;
	struct store_worker *grown =
		realloc(copies->workers, (copies->worker_count + 1) * sizeof(*copies->workers));

	if (!grown)
		return -ENOMEM;
	copies->workers = grown;
	grown[copies->worker_count] = *row;
	grown[copies->worker_count].uuid = strdup(row->uuid);
	grown[copies->worker_count].boot_id = strdup(row->boot_id);
	grown[copies->worker_count].socket = strdup(row->socket);
	grown[copies->worker_count].nonce = strdup(row->nonce);
	copies->worker_count++;
	return 0;
}

static void free_string(const char *string)
{
	free((void *)(uintptr_t)string);
}

static void free_copies(struct row_copies *copies)
{
	for (size_t i = 0; i < copies->operation_count; i++) {
		free_string(copies->operations[i].uuid);
		free_string(copies->operations[i].name);
		free_string(copies->operations[i].kind);
		free_string(copies->operations[i].detail);
		free_string(copies->operations[i].user);
	}
	for (size_t i = 0; i < copies->worker_count; i++) {
		free_string(copies->workers[i].uuid);
		free_string(copies->workers[i].boot_id);
		free_string(copies->workers[i].socket);
		free_string(copies->workers[i].nonce);
	}
	free(copies->operations);
	free(copies->workers);
}

static bool is_file_operation(const struct store_operation *operation)
{
	return strcmp(operation->kind, "create") == 0 || strcmp(operation->kind, "import") == 0 ||
	       strcmp(operation->kind, vm_operation_name(VM_OPERATION_CLONE)) == 0 ||
	       strcmp(operation->kind, vm_operation_name(VM_OPERATION_EXPORT)) == 0 ||
	       strcmp(operation->kind, vm_operation_name(VM_OPERATION_DELETE)) == 0;
}

static void recover_vm(struct vm *vm, const struct row_copies *copies)
{
	const struct store_operation *operation = NULL;
	const struct store_worker *worker = NULL;

	for (size_t i = 0; i < copies->operation_count; i++) {
		if (strcmp(copies->operations[i].uuid, vm->config->uuid) == 0 &&
		    !is_file_operation(&copies->operations[i]))
			operation = &copies->operations[i];
	}
	for (size_t i = 0; i < copies->worker_count; i++) {
		if (strcmp(copies->workers[i].uuid, vm->config->uuid) == 0)
			worker = &copies->workers[i];
	}
	vm_power_recover(vm, worker, operation);
}

/* A row of a machine that is not there any more has nothing to be finished or undone. */
static void close_orphan(struct manager *manager, const struct store_operation *operation)
{
	struct vm_error err = {0};

	if (!vm_by_uuid(manager, operation->uuid) &&
	    store_operation_end(manager->store, operation->id, "failed", "", "", manager_now(),
				&err) < 0)
		log_error("%s", err.text);
}

int manager_begin(struct manager *manager, struct vm_error *err)
{
	_cleanup_(free_copies) struct row_copies copies = {0};
	struct vm_error inner = {0};
	int r;

	if (store_operation_each_open(manager->store, copy_operation, &copies, &inner) < 0 ||
	    store_worker_each(manager->store, copy_worker, &copies, &inner) < 0)
		log_error("%s", inner.text);
	r = inventory_start(manager, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < copies.operation_count; i++) {
		if (is_file_operation(&copies.operations[i]))
			vm_files_recover(manager, &copies.operations[i]);
		else
			close_orphan(manager, &copies.operations[i]);
	}
	for (struct vm *vm = manager->vms; vm; vm = vm->next)
		recover_vm(vm, &copies);
	network_start_all(manager);
	if (sequence_stop_interrupted(manager))
		sequence_stop_all(manager);
	else if (manager->host_booted)
		sequence_autostart(manager);
	return 0;
}

void manager_fini(struct manager *manager)
{
	bool written = inventory_end(manager), ended, opened;
	struct timespec until;

	/* Threads that wait for a file are not waited for: what they see stays. */
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_SECONDS;
	ended = errand_abandon_all(manager, &until);
	ended &= job_forget_all(manager, &until);
	ev_timer_stop(manager->loop, &manager->sequence_timer);
	ev_timer_stop(manager->loop, &manager->stop_timer);
	while (manager->vms) {
		if (manager->vms->worker)
			worker_release(manager->vms->worker);
		vm_destroy(manager->vms);
	}
	opened = opening_end_all(manager, &until);
	network_free_all(manager);
	if (written)
		manager->store = store_close(manager->store);
	if (opened) /* others do not see the settings */
		settings_fini(&manager->settings);
	if (!opened || !ended)
		log_warning(
			"Files that do not answer are left as they are; what was done with them is "
			"undone, or finished, by the next start");
}
