/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects, name and signals.
 */
#include "bus/bus.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bus/bus_loop.h"
#include "bus/methods.h"
#include "bus/xml_check.h"
#include "daemon/inventory.h"
#include "daemon/publish.h"

struct bus {
	struct manager *manager;
	sd_bus *bus;
	struct bus_loop loop;
	void (*lost)(void *data);
	void *lost_data;
};

/* ── objects ───────────────────────────────────────────────────────────────────────────────── */

static int find_vm_object(sd_bus *bus, const char *path, const char *interface, void *data,
			  void **ret, sd_bus_error *error)
{
	struct manager *manager = data;

	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		if (strcmp(vm->path, path) == 0) {
			*ret = vm;
			return 1;
		}
	}
	return 0;
}

static int find_job_object(sd_bus *bus, const char *path, const char *interface, void *data,
			   void **ret, sd_bus_error *error)
{
	struct manager *manager = data;

	for (struct job *job = manager->jobs; job; job = job->next) {
		if (strcmp(job->path, path) == 0) {
			*ret = job;
			return 1;
		}
	}
	return 0;
}

static int list_vm_objects(sd_bus *bus, const char *prefix, void *data, char ***ret,
			   sd_bus_error *error)
{
	struct manager *manager = data;
	char **paths = calloc(manager->vm_count + 1, sizeof(*paths));
	size_t count = 0;

	for (struct vm *vm = manager->vms; paths && vm; vm = vm->next)
		paths[count++] = strdup(vm->path);
	*ret = paths;
	return paths ? 1 : -ENOMEM;
}

static int list_job_objects(sd_bus *bus, const char *prefix, void *data, char ***ret,
			    sd_bus_error *error)
{
	struct manager *manager = data;
	size_t count = 0;
	char **paths;

	for (struct job *job = manager->jobs; job; job = job->next)
		count++;
	paths = calloc(count + 1, sizeof(*paths));
	count = 0;
	for (struct job *job = manager->jobs; paths && job; job = job->next)
		paths[count++] = strdup(job->path);
	*ret = paths;
	return paths ? 1 : -ENOMEM;
}

static int add_objects(sd_bus *bus, struct manager *manager)
{
	int r = sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_MANAGER_INTERFACE, manager_vtable,
					 manager);

	if (r >= 0)
		r = sd_bus_add_fallback_vtable(bus, NULL, BUS_VM_PREFIX, BUS_VM_INTERFACE,
					       vm_vtable, find_vm_object, manager);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(bus, NULL, BUS_JOB_PREFIX, BUS_JOB_INTERFACE,
					       job_vtable, find_job_object, manager);
	if (r >= 0)
		r = sd_bus_add_object_manager(bus, NULL, BUS_PATH);
	if (r >= 0)
		r = sd_bus_add_node_enumerator(bus, NULL, BUS_VM_PREFIX, list_vm_objects, manager);
	if (r >= 0)
		r = sd_bus_add_node_enumerator(bus, NULL, BUS_JOB_PREFIX, list_job_objects,
					       manager);
	return r;
}

/* ── signals ───────────────────────────────────────────────────────────────────────────────── */

static void check_sent(int r, const char *signal)
{
	if (r < 0)
		log_debug("Signal %s: %s", signal, strerror(-r));
}

static void emit_vm(const struct vm *vm, const char *signal)
{
	if (!vm->manager->bus)
		return;
	check_sent(sd_bus_emit_signal(vm->manager->bus, BUS_PATH, BUS_MANAGER_INTERFACE, signal,
				      "sso", vm->config->uuid, vm->config->name, vm->path),
		   signal);
	check_sent(sd_bus_emit_properties_changed(vm->manager->bus, BUS_PATH, BUS_MANAGER_INTERFACE,
						  "VMCount", NULL),
		   "PropertiesChanged");
}

/* Of org.freedesktop.DBus.ObjectManager: for clients that keep a copy of all objects. */
static void emit_added(sd_bus *bus, const char *path)
{
	if (bus)
		check_sent(sd_bus_emit_object_added(bus, path), "InterfacesAdded");
}

/* By names: the object may be out of its list by now. They are those that InterfacesAdded told. */
static void emit_removed(sd_bus *bus, const char *path, const char *interface)
{
	if (bus)
		check_sent(sd_bus_emit_interfaces_removed(bus, path, "org.freedesktop.DBus.Peer",
							  "org.freedesktop.DBus.Introspectable",
							  "org.freedesktop.DBus.Properties",
							  interface, NULL),
			   "InterfacesRemoved");
}

void publish_vm_new(const struct vm *vm)
{
	emit_added(vm->manager->bus, vm->path);
	emit_vm(vm, "VMNew");
}

void publish_vm_removed(const struct vm *vm)
{
	emit_removed(vm->manager->bus, vm->path, BUS_VM_INTERFACE);
	emit_vm(vm, "VMRemoved");
}

void publish_vm_changed(const struct vm *vm)
{
	if (!vm->manager->bus)
		return;
	check_sent(sd_bus_emit_properties_changed(
			   vm->manager->bus, vm->path, BUS_VM_INTERFACE, "Name", "Title",
			   "PowerState", "Reason", "Activity", "Job", "AvailableOperations",
			   "LibvirtState", "VCPUs", "MemoryKiB", "WorkerPID", "Autostart",
			   "AutostartOrder", "AutostartDelay", "StopAction", "StopTimeout", "Notes",
			   "Damage", NULL),
		   "PropertiesChanged");
}

void publish_job_new(const struct job *job)
{
	emit_added(job->manager->bus, job->path);
	if (job->manager->bus)
		check_sent(sd_bus_emit_signal(job->manager->bus, BUS_PATH, BUS_MANAGER_INTERFACE,
					      "JobNew", "uosss", (uint32_t)job->id, job->path,
					      job->uuid, job->name, job->kind),
			   "JobNew");
}

void publish_job_changed(const struct job *job)
{
	if (job->manager->bus)
		check_sent(sd_bus_emit_properties_changed(job->manager->bus, job->path,
							  BUS_JOB_INTERFACE, "Progress", NULL),
			   "PropertiesChanged");
}

/* A signal that waits for the disk, with the bus, which may be gone by then. */
static void send_signal(void *data)
{
	sd_bus_message *m = data;

	check_sent(sd_bus_send(NULL, m, NULL), sd_bus_message_get_member(m));
	sd_bus_message_unref(m);
}

/* Whoever hears of the end may rely on it: it is on the disk. */
void publish_job_removed(const struct job *job, enum job_result result, const struct vm_error *err)
{
	bool failed = result == JOB_FAILED && err && err->code;
	sd_bus_message *m = NULL;
	char name[128] = "";
	int r;

	if (!job->manager->bus)
		return;
	emit_removed(job->manager->bus, job->path, BUS_JOB_INTERFACE);
	if (failed)
		snprintf(name, sizeof(name), VM_ERROR_PREFIX "%s", vm_error_info(err->code)->name);
	r = sd_bus_message_new_signal(job->manager->bus, &m, BUS_PATH, BUS_MANAGER_INTERFACE,
				      "JobRemoved");
	if (r >= 0)
		r = sd_bus_message_append(m, "uossssss", (uint32_t)job->id, job->path, job->uuid,
					  job->name, job->kind, job_result_name(result), name,
					  err ? err->text : "");
	check_sent(r, "JobRemoved");
	if (r >= 0)
		inventory_after(job->manager, send_signal, m);
	else
		sd_bus_message_unref(m);
}

void publish_event(struct manager *manager, const struct store_event *event)
{
	if (manager->bus)
		check_sent(sd_bus_emit_signal(manager->bus, BUS_PATH, BUS_MANAGER_INTERFACE,
					      "Event", "ttssssus", (uint64_t)event->sequence,
					      (uint64_t)event->time, event->uuid, event->name,
					      event->kind, event->detail, event->uid, event->user),
			   "Event");
}

/* ── connection ────────────────────────────────────────────────────────────────────────────── */

static int connect_bus(struct bus *bus, struct vm_error *err)
{
	int r = sd_bus_open_system(&bus->bus);

	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_INTERNAL, -r,
					  "The system bus cannot be reached");
	r = add_objects(bus->bus, bus->manager);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_INTERNAL, -r, "D-Bus objects");
	r = sd_bus_request_name(bus->bus, BUS_NAME, 0);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_INTERNAL, -r,
					  "The name " BUS_NAME " cannot be had on the bus; does "
					  "another vmms run, and is its bus policy installed?");
	return 0;
}

/* ── turns ─────────────────────────────────────────────────────────────────────────────────── */

static void on_lost(void *data)
{
	struct bus *bus = data;

	bus->lost(bus->lost_data);
}

static bool on_turn(void *data)
{
	struct bus *bus = data;

	/* Answers that nobody takes are not added to; the connection's next turn comes when it can. */
	if (sd_bus_get_events(bus->bus) & POLLOUT)
		return false;
	return call_run_waiting(bus->manager);
}

int bus_open(struct manager *manager, void (*lost)(void *data), void *data, struct bus **ret,
	     struct vm_error *err)
{
	struct bus *bus = calloc(1, sizeof(*bus));
	int r;

	if (!bus)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	bus->manager = manager;
	bus->lost = lost;
	bus->lost_data = data;
	r = connect_bus(bus, err);
	if (r < 0) {
		sd_bus_unref(bus->bus);
		free(bus);
		return r;
	}
	manager->bus = bus->bus;
	bus_loop_start(&bus->loop, manager->loop, bus->bus, on_lost, on_turn, bus);
	*ret = bus;
	return 0;
}

struct bus *bus_close(struct bus *bus)
{
	if (!bus)
		return NULL;
	bus_loop_stop(&bus->loop, bus->manager->loop);
	call_forget_waiting(bus->manager);
	xml_check_forget_all(bus->manager);
	bus->manager->bus = NULL;
	sd_bus_flush_close_unref(bus->bus);
	free(bus);
	return NULL;
}
