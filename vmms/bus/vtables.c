/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces as introspection shows them. Authorization is call.c's, so to sd-bus every
 * method is open.
 */
#include <string.h>

#include "bus/bus.h"
#include "bus/methods.h"
#include "daemon/metrics.h"
#include "worker/worker.h"

#define OPEN    SD_BUS_VTABLE_UNPRIVILEGED
#define ARGS    SD_BUS_ARGS
#define RESULT  SD_BUS_RESULT
#define NOTHING SD_BUS_NO_RESULT

/* ── manager ───────────────────────────────────────────────────────────────────────────────── */

static int get_manager_property(sd_bus *bus, const char *path, const char *interface,
				const char *property, sd_bus_message *reply, void *data,
				sd_bus_error *error)
{
	struct manager *manager = data;

	if (strcmp(property, "Version") == 0)
		return sd_bus_message_append(reply, "s", KEELSON_VERSION);
	if (strcmp(property, "NetworkWarnings") == 0)
		return network_append_warnings(reply, manager);
	return sd_bus_message_append(reply, "u", (uint32_t)manager->vm_count);
}

const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_manager_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("VMCount", "u", get_manager_property, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("NetworkWarnings", "a{ss}", get_manager_property, 0, 0),
	SD_BUS_METHOD_WITH_ARGS("ListVMs", SD_BUS_NO_ARGS, RESULT("a(sssssutboo)", vms), on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetVM", ARGS("s", name), RESULT("o", vm), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("DefineVM", ARGS("s", xml, "u", flags), RESULT("o", vm), on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("CreateVM", ARGS("s", xml, "a(st)", disks), RESULT("o", job),
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ImportVM", ARGS("s", folder, "s", name, "u", flags),
				RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ValidateXML", ARGS("s", xml), RESULT("s", canonical), on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("StartVM", ARGS("s", name), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("StopVM", ARGS("s", name), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ShutdownVM", ARGS("s", name), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("RebootVM", ARGS("s", name), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ResetVM", ARGS("s", name), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("PauseVM", ARGS("s", name), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ResumeVM", ARGS("s", name), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("CloneVM", ARGS("s", name, "s", new_name), RESULT("o", job),
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ExportVM", ARGS("s", name, "s", directory), RESULT("o", job),
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("DeleteVM", ARGS("s", name, "u", flags), RESULT("o", job),
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("RenameVM", ARGS("s", name, "s", new_name), NOTHING, on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("ConfigureVM", ARGS("s", name, "a{ss}", settings), NOTHING,
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("SetVMOptions", ARGS("s", name, "a{sv}", options), NOTHING,
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("AttachDevice", ARGS("s", name, "s", xml), NOTHING, on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("DetachDevice", ARGS("s", name, "s", target), NOTHING, on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("OpenConsole", ARGS("s", name, "u", port), RESULT("h", socket),
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetVMXML", ARGS("s", name), RESULT("s", xml), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetVMValues", ARGS("s", name), RESULT("a(ss)", values), on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("DiffVM", ARGS("s", name, "s", xml), RESULT("a(sss)", changes),
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetVMMetrics", ARGS("s", name), RESULT("a{sv}", metrics),
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_NO_ARGS, RESULT("a(uosssbdt)", jobs), on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("CancelJob", ARGS("u", id), NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ListHistory", ARGS("s", name, "u", limit),
				RESULT("a(ussssssttus)", jobs), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ListEvents", ARGS("s", name, "t", after, "u", limit),
				RESULT("a(ttssssus)", events), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetHost", SD_BUS_NO_ARGS, RESULT("a{sv}", host), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("BackupConfiguration", SD_BUS_NO_ARGS, RESULT("h", file), on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("StopAll", SD_BUS_NO_ARGS, NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ListNetworks", SD_BUS_NO_ARGS, RESULT("a(ssssubb)", networks),
				on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("CreateNetwork",
				ARGS("s", name, "s", mode, "s", bridge, "s", address, "u", vlan),
				NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("DeleteNetwork", ARGS("s", name), NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("StartNetwork", ARGS("s", name), NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("StopNetwork", ARGS("s", name), NOTHING, on_method, OPEN),
	SD_BUS_SIGNAL_WITH_ARGS("VMNew", ARGS("s", uuid, "s", name, "o", vm), 0),
	SD_BUS_SIGNAL_WITH_ARGS("VMRemoved", ARGS("s", uuid, "s", name, "o", vm), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobNew",
				ARGS("u", id, "o", job, "s", uuid, "s", name, "s", operation), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobRemoved",
				ARGS("u", id, "o", job, "s", uuid, "s", name, "s", operation, "s",
				     result, "s", error, "s", message),
				0),
	SD_BUS_SIGNAL_WITH_ARGS("Event",
				ARGS("t", sequence, "t", time, "s", uuid, "s", name, "s", kind, "s",
				     detail, "u", uid, "s", user),
				0),
	SD_BUS_VTABLE_END,
};

/* ── machines ──────────────────────────────────────────────────────────────────────────────── */

static int append_operations(sd_bus_message *reply, const struct vm *vm)
{
	int r = sd_bus_message_open_container(reply, 'a', "s");

	for (int i = 0; r >= 0 && i < VM_OPERATION_COUNT; i++) {
		enum vm_operation operation = (enum vm_operation)i;

		if (vm_operation_info(operation)->method && vm_check(vm, operation, NULL) == 0)
			r = sd_bus_message_append(reply, "s", vm_operation_name(operation));
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
		    sd_bus_message *reply, void *data, sd_bus_error *error)
{
	const struct vm *vm = data;
	const char *text = "";

	if (strcmp(property, "UUID") == 0)
		text = vm->config->uuid;
	else if (strcmp(property, "Name") == 0)
		text = vm->config->name;
	else if (strcmp(property, "Title") == 0)
		text = vm->config->title ? vm->config->title : "";
	else if (strcmp(property, "PowerState") == 0)
		text = vm_power_name(vm->power);
	else if (strcmp(property, "Reason") == 0)
		text = vm_reason_name(vm->reason);
	else if (strcmp(property, "Activity") == 0)
		text = vm_activity_name(vm->activity);
	else if (strcmp(property, "StopAction") == 0)
		text = stop_action_name(vm->options.stop_action);
	else if (strcmp(property, "Notes") == 0)
		text = vm->options.notes;
	else if (strcmp(property, "Damage") == 0)
		text = vm->damage ? vm->damage : "";
	return sd_bus_message_append(reply, "s", text);
}

static int get_number(sd_bus *bus, const char *path, const char *interface, const char *property,
		      sd_bus_message *reply, void *data, sd_bus_error *error)
{
	const struct vm *vm = data;
	uint32_t number = 0;

	if (strcmp(property, "VCPUs") == 0)
		number = vm->config->vcpus;
	else if (strcmp(property, "AutostartOrder") == 0)
		number = vm->options.autostart_order;
	else if (strcmp(property, "AutostartDelay") == 0)
		number = vm->options.autostart_delay;
	else if (strcmp(property, "StopTimeout") == 0)
		number = vm->options.stop_timeout;
	else if (strcmp(property, "WorkerUID") == 0)
		number = vm->worker_uid;
	else if (strcmp(property, "WorkerPID") == 0)
		number = vm->worker ? (uint32_t)vm->worker->pid : 0;
	return sd_bus_message_append(reply, "u", number);
}

static int get_other(sd_bus *bus, const char *path, const char *interface, const char *property,
		     sd_bus_message *reply, void *data, sd_bus_error *error)
{
	const struct vm *vm = data;
	struct vm_libvirt_state libvirt;

	if (strcmp(property, "Job") == 0)
		return sd_bus_message_append(reply, "o", vm->job ? vm->job->path : "/");
	if (strcmp(property, "AvailableOperations") == 0)
		return append_operations(reply, vm);
	if (strcmp(property, "Autostart") == 0)
		return sd_bus_message_append(reply, "b", vm->options.autostart);
	if (strcmp(property, "MemoryKiB") == 0)
		return sd_bus_message_append(reply, "t", vm->config->memory_kib);
	if (strcmp(property, "CreatedAt") == 0)
		return sd_bus_message_append(reply, "t", (uint64_t)vm->created * 1000000);
	libvirt = vm_libvirt_state(vm->power, vm->reason);
	return sd_bus_message_append(reply, "(iib)", libvirt.state, libvirt.reason,
				     libvirt.managed_save);
}

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

const sd_bus_vtable vm_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("UUID", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("WorkerUID", "u", get_number, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("CreatedAt", "t", get_other, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Name", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Title", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("PowerState", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Reason", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Activity", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Job", "o", get_other, 0, CHANGES),
	SD_BUS_PROPERTY("AvailableOperations", "as", get_other, 0, CHANGES),
	SD_BUS_PROPERTY("LibvirtState", "(iib)", get_other, 0, CHANGES),
	SD_BUS_PROPERTY("VCPUs", "u", get_number, 0, CHANGES),
	SD_BUS_PROPERTY("MemoryKiB", "t", get_other, 0, CHANGES),
	SD_BUS_PROPERTY("WorkerPID", "u", get_number, 0, CHANGES),
	SD_BUS_PROPERTY("Autostart", "b", get_other, 0, CHANGES),
	SD_BUS_PROPERTY("AutostartOrder", "u", get_number, 0, CHANGES),
	SD_BUS_PROPERTY("AutostartDelay", "u", get_number, 0, CHANGES),
	SD_BUS_PROPERTY("StopAction", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("StopTimeout", "u", get_number, 0, CHANGES),
	SD_BUS_PROPERTY("Notes", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Damage", "s", get_text, 0, CHANGES),
	SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_NO_ARGS, RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_NO_ARGS, RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Shutdown", SD_BUS_NO_ARGS, RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Reboot", SD_BUS_NO_ARGS, RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Reset", SD_BUS_NO_ARGS, RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_NO_ARGS, RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Clone", ARGS("s", new_name), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Export", ARGS("s", directory), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Delete", ARGS("u", flags), RESULT("o", job), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Rename", ARGS("s", new_name), NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Configure", ARGS("a{ss}", settings), NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("SetOptions", ARGS("a{sv}", options), NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("AttachDevice", ARGS("s", xml), NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("DetachDevice", ARGS("s", target), NOTHING, on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("OpenConsole", ARGS("u", port), RESULT("h", socket), on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetXML", SD_BUS_NO_ARGS, RESULT("s", xml), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetValues", SD_BUS_NO_ARGS, RESULT("a(ss)", values), on_method,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("Diff", ARGS("s", xml), RESULT("a(sss)", changes), on_method, OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetMetrics", SD_BUS_NO_ARGS, RESULT("a{sv}", metrics), on_method,
				OPEN),
	SD_BUS_VTABLE_END,
};

/* ── jobs ──────────────────────────────────────────────────────────────────────────────────── */

static int get_job_property(sd_bus *bus, const char *path, const char *interface,
			    const char *property, sd_bus_message *reply, void *data,
			    sd_bus_error *error)
{
	const struct job *job = data;

	if (strcmp(property, "Id") == 0)
		return sd_bus_message_append(reply, "u", (uint32_t)job->id);
	if (strcmp(property, "UUID") == 0)
		return sd_bus_message_append(reply, "s", job->uuid);
	if (strcmp(property, "Name") == 0)
		return sd_bus_message_append(reply, "s", job->name);
	if (strcmp(property, "Operation") == 0)
		return sd_bus_message_append(reply, "s", job->kind);
	if (strcmp(property, "StartedAt") == 0)
		return sd_bus_message_append(reply, "t", (uint64_t)job->started);
	return sd_bus_message_append(reply, "d", job->permille / 1000.0);
}

static int cancel_run(struct manager *manager, struct vm *vm, sd_bus_message *m,
		      struct vm_error *err)
{
	const char *path = sd_bus_message_get_path(m);
	int r;

	for (struct job *job = manager->jobs; job; job = job->next) {
		if (strcmp(job->path, path) != 0)
			continue;
		r = job_cancel(job, err);
		if (r == 0)
			r = sd_bus_reply_method_return(m, "");
		return r < 0 ? r : 0;
	}
	return vm_error_set(err, VM_ERROR_NO_SUCH_JOB, "The job is over");
}

static int on_cancel(sd_bus_message *m, void *data, sd_bus_error *error)
{
	static const struct bus_method method = {"Cancel", ACTION_MANAGE_VMS, cancel_run,
						 false,    CALL_FACTS,        NULL};

	return call_dispatch(((struct job *)data)->manager, &method, m);
}

const sd_bus_vtable job_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "u", get_job_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("UUID", "s", get_job_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Name", "s", get_job_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Operation", "s", get_job_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("StartedAt", "t", get_job_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Progress", "d", get_job_property, 0, CHANGES),
	SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, NOTHING, on_cancel, OPEN),
	SD_BUS_VTABLE_END,
};

/* ── the one handler ───────────────────────────────────────────────────────────────────────── */

int on_method(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(m);
	const struct bus_method *method = vm_method_find(member);
	bool on_vm = strcmp(sd_bus_message_get_interface(m), BUS_VM_INTERFACE) == 0;
	struct manager *manager = on_vm ? ((struct vm *)data)->manager : data;

	if (!method)
		method = manager_method_find(member);
	if (!method)
		method = network_method_find(member);
	CHECK(method); /* the vtables name no other */
	return call_dispatch(manager, method, m);
}
