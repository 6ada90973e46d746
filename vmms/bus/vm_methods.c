/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be called on a machine, by its object or, with its name first, on the manager.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "bus/methods.h"
#include "bus/xml_check.h"
#include "config/domain_field.h"
#include "daemon/metrics.h"

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref, cleanup_message);

typedef int power_fn(struct vm *vm, struct job **ret, struct vm_error *err);

static int run_power(struct vm *vm, sd_bus_message *m, power_fn *power, struct vm_error *err)
{
	struct job *job = NULL;
	int r = power(vm, &job, err);

	return r == 0 ? call_reply_job(m, job, err) : r;
}

static int method_start(struct manager *manager, struct vm *vm, sd_bus_message *m,
			struct vm_error *err)
{
	return run_power(vm, m, vm_start, err);
}

static int method_stop(struct manager *manager, struct vm *vm, sd_bus_message *m,
		       struct vm_error *err)
{
	return run_power(vm, m, vm_turn_off, err);
}

static int method_shutdown(struct manager *manager, struct vm *vm, sd_bus_message *m,
			   struct vm_error *err)
{
	return run_power(vm, m, vm_shutdown, err);
}

static int method_reboot(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	return run_power(vm, m, vm_reboot, err);
}

static int method_reset(struct manager *manager, struct vm *vm, sd_bus_message *m,
			struct vm_error *err)
{
	return run_power(vm, m, vm_reset, err);
}

static int method_pause(struct manager *manager, struct vm *vm, sd_bus_message *m,
			struct vm_error *err)
{
	return run_power(vm, m, vm_pause, err);
}

static int method_resume(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	return run_power(vm, m, vm_resume, err);
}

/* An answer that is given when the worker has given its own. */
struct console_answer {
	struct vm_question question;
	sd_bus_message *m;
	int fd;
};

static void console_answer_free(struct console_answer *answer)
{
	sd_bus_message_unref(answer->m);
	fd_close(answer->fd);
	free(answer);
}

static void reply_later(int r)
{
	if (r < 0)
		log_debug("A reply cannot be sent: %s", strerror(-r));
}

static void on_console(struct vm_question *question, struct vm *vm, const struct vm_error *err)
{
	struct console_answer *answer = (struct console_answer *)question; /* its first member */

	reply_later(err ? call_reply_error(answer->m, err)
			: sd_bus_reply_method_return(answer->m, "h", answer->fd));
	console_answer_free(answer);
}

static int method_console(struct manager *manager, struct vm *vm, sd_bus_message *m,
			  struct vm_error *err)
{
	struct console_answer *answer;
	uint32_t port;
	int r = sd_bus_message_read(m, "u", &port);

	if (r < 0)
		return call_bad_message(r, err);
	answer = calloc(1, sizeof(*answer));
	if (!answer)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	answer->question.answered = on_console;
	answer->m = sd_bus_message_ref(m);
	answer->fd = -1;
	r = vm_open_console(vm, port, &answer->question, &answer->fd, err);
	if (r < 0)
		console_answer_free(answer);
	return r;
}

static int method_clone(struct manager *manager, struct vm *vm, sd_bus_message *m,
			struct vm_error *err)
{
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);

	if (r < 0)
		return call_bad_message(r, err);
	return call_later(m, vm_clone(vm, name, call_done_job, sd_bus_message_ref(m), err));
}

static int method_export(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	const char *directory;
	int r = sd_bus_message_read(m, "s", &directory);

	if (r < 0)
		return call_bad_message(r, err);
	return call_later(m, vm_export(vm, directory, call_done_job, sd_bus_message_ref(m), err));
}

static int method_delete(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	uint32_t flags;
	int r = sd_bus_message_read(m, "u", &flags);

	if (r < 0)
		return call_bad_message(r, err);
	if (flags & ~(uint32_t)(VM_DELETE_STORAGE | VM_DELETE_FORCE))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "Unknown flags %#x", flags);
	if (flags & VM_DELETE_STORAGE)
		r = vm_check_definition(vm, "delete with its disks", err); /* which are they? */
	if (r < 0)
		return r;
	return call_later(m, vm_delete(vm, flags, call_done_job, sd_bus_message_ref(m), err));
}

static int method_attach(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	const char *xml;
	int r = sd_bus_message_read(m, "s", &xml);

	if (r < 0)
		return call_bad_message(r, err);
	return call_later(
		m, vm_attach(vm, manager->parsed, xml, call_done, sd_bus_message_ref(m), err));
}

static int method_detach(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	const char *target;
	int r = sd_bus_message_read(m, "s", &target);

	if (r < 0)
		return call_bad_message(r, err);
	return call_later(m, vm_detach(vm, target, call_done, sd_bus_message_ref(m), err));
}

static int method_rename(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);

	if (r < 0)
		return call_bad_message(r, err);
	return call_later(m, vm_rename(vm, name, call_done, sd_bus_message_ref(m), err));
}

/* Applies an a{ss} of settings to `config`. */
static int read_changes(sd_bus_message *m, struct domain *config, struct vm_error *err)
{
	const char *key, *value;
	int r = sd_bus_message_enter_container(m, 'a', "{ss}");

	while (r >= 0 && (r = sd_bus_message_read(m, "{ss}", &key, &value)) > 0) {
		r = domain_field_set(config, key, value, err);
		if (r < 0)
			return err->code ? r : call_bad_message(r, err);
	}
	return call_replied(r, err);
}

static int method_configure(struct manager *manager, struct vm *vm, sd_bus_message *m,
			    struct vm_error *err)
{
	_cleanup_domain_ struct domain *config = domain_copy(vm->config);
	int r = vm_check_definition(vm, "configure", err);

	if (r == 0)
		r = config ? read_changes(m, config, err) : call_bad_message(-ENOMEM, err);
	if (r < 0)
		return r;
	r = call_later(m, vm_configure(vm, config, call_done, sd_bus_message_ref(m), err));
	if (r == 0)
		TAKE_PTR(config);
	return r;
}

static int read_option(sd_bus_message *m, const char *key, struct vm_options *options,
		       struct vm_error *err)
{
	int boolean, r, action;
	const char *text;

	if (strcmp(key, "Autostart") == 0) {
		r = sd_bus_message_read(m, "v", "b", &boolean);
		if (r >= 0)
			options->autostart = boolean;
	} else if (strcmp(key, "AutostartOrder") == 0) {
		r = sd_bus_message_read(m, "v", "u", &options->autostart_order);
	} else if (strcmp(key, "AutostartDelay") == 0) {
		r = sd_bus_message_read(m, "v", "u", &options->autostart_delay);
	} else if (strcmp(key, "StopTimeout") == 0) {
		r = sd_bus_message_read(m, "v", "u", &options->stop_timeout);
	} else if (strcmp(key, "StopAction") == 0) {
		r = sd_bus_message_read(m, "v", "s", &text);
		action = r < 0 ? 0 : stop_action_parse(text);
		if (action < 0)
			return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
					    "The stop action '%s' is neither shutdown nor turn-off",
					    text);
		options->stop_action = (enum stop_action)action;
	} else if (strcmp(key, "Notes") == 0) {
		r = sd_bus_message_read(m, "v", "s", &text);
		if (r >= 0) {
			free(options->notes);
			options->notes = strdup(text);
			r = options->notes ? 0 : -ENOMEM;
		}
	} else {
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "There is no option '%s'", key);
	}
	return call_replied(r, err);
}

static int read_options(sd_bus_message *m, struct vm_options *options, struct vm_error *err)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");
	const char *key;

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r < 0)
			break;
		r = read_option(m, key, options, err);
		if (r < 0)
			return r;
		r = sd_bus_message_exit_container(m);
	}
	return call_replied(r, err);
}

static int method_set_options(struct manager *manager, struct vm *vm, sd_bus_message *m,
			      struct vm_error *err)
{
	struct vm_options options = vm->options;
	int r;

	options.notes = strdup(vm->options.notes);
	if (!options.notes)
		return call_bad_message(-ENOMEM, err);
	r = read_options(m, &options, err);
	if (r == 0)
		r = call_later(m,
			       vm_set_options(vm, &options, call_done, sd_bus_message_ref(m), err));
	if (r < 0)
		free(options.notes);
	return r;
}

static int method_xml(struct manager *manager, struct vm *vm, sd_bus_message *m,
		      struct vm_error *err)
{
	_cleanup_free_ char *xml = strdup(vm->xml);

	if (!xml)
		return call_bad_message(-ENOMEM, err);
	text_make_safe(xml, xml, strlen(xml) + 1, "\n\t"); /* it may be a damaged one */
	return call_replied(sd_bus_reply_method_return(m, "s", xml), err);
}

static int reply_differences(sd_bus_message *m, const struct domain_differences *changes,
			     struct vm_error *err)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	int r = call_open_list(m, "(sss)", &reply);

	for (size_t i = 0; r >= 0 && i < changes->count; i++)
		r = sd_bus_message_append(reply, "(sss)", changes->items[i].key,
					  changes->items[i].before, changes->items[i].after);
	return call_send_list(r, reply, err);
}

/* The machine is found again: it may have gone while the XML was checked. */
static int reply_diff(struct manager *manager, sd_bus_message *m, const struct domain *config,
		      struct vm_error *err)
{
	struct domain_differences changes = {0};
	struct vm *vm;
	int r = call_find_vm(manager, m, &vm, err);

	if (r < 0)
		return r;
	r = domain_diff(vm->config, config, &changes);
	r = r < 0 ? call_bad_message(r, err) : reply_differences(m, &changes, err);
	domain_differences_free(&changes);
	return r;
}

/* What would change if this XML were defined. */
static int method_diff(struct manager *manager, struct vm *vm, sd_bus_message *m,
		       struct vm_error *err)
{
	const char *xml;
	int r = sd_bus_message_read(m, "s", &xml);

	return r < 0 ? call_bad_message(r, err) : xml_check(manager, m, xml, reply_diff, err);
}

static int method_values(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	struct domain_values values = {0};
	int r = vm->damage ? 0 : domain_values_get(vm->config, &values);

	if (r >= 0)
		r = call_open_list(m, "(ss)", &reply);
	for (size_t i = 0; r >= 0 && i < values.count; i++)
		r = sd_bus_message_append(reply, "(ss)", values.items[i].key,
					  values.items[i].value);
	domain_values_free(&values);
	return call_send_list(r, reply, err);
}

static int method_metrics(struct manager *manager, struct vm *vm, sd_bus_message *m,
			  struct vm_error *err)
{
	struct vm_metrics metrics;
	int r;

	vm_metrics_get(vm, &metrics);
	r = sd_bus_reply_method_return(
		m, "a{sv}", 13, "WorkerCPUNSec", "t", metrics.worker_cpu_ns, "WorkerMemoryKiB", "t",
		metrics.worker_rss_kib, "UptimeUSec", "t", metrics.uptime_us, "GuestCPUNSec", "t",
		metrics.guest.vcpu_ns, "Exits", "t", metrics.guest.exits, "DiskReadBytes", "t",
		metrics.guest.disk_read_bytes, "DiskWriteBytes", "t",
		metrics.guest.disk_write_bytes, "DiskReads", "t", metrics.guest.disk_reads,
		"DiskWrites", "t", metrics.guest.disk_writes, "NetworkReceivedBytes", "t",
		metrics.guest.net_rx_bytes, "NetworkSentBytes", "t", metrics.guest.net_tx_bytes,
		"DepositKiB", "t",
		metrics_pages_kib(metrics.guest.deposit_free + metrics.guest.deposit_used),
		"DepositFreeKiB", "t", metrics_pages_kib(metrics.guest.deposit_free));
	return call_replied(r, err);
}

/* The name on the object; on the manager, the second name. */
static const struct {
	const char *twin;
	struct bus_method method;
} methods[] = {
	{"StartVM", {"Start", ACTION_MANAGE_VMS, method_start, true, CALL_CHANGES, NULL}},
	{"StopVM", {"Stop", ACTION_MANAGE_VMS, method_stop, true, CALL_FACTS, NULL}},
	{"ShutdownVM", {"Shutdown", ACTION_MANAGE_VMS, method_shutdown, true, CALL_FACTS, NULL}},
	{"RebootVM", {"Reboot", ACTION_MANAGE_VMS, method_reboot, true, CALL_FACTS, NULL}},
	{"ResetVM", {"Reset", ACTION_MANAGE_VMS, method_reset, true, CALL_FACTS, NULL}},
	{"PauseVM", {"Pause", ACTION_MANAGE_VMS, method_pause, true, CALL_FACTS, NULL}},
	{"ResumeVM", {"Resume", ACTION_MANAGE_VMS, method_resume, true, CALL_FACTS, NULL}},
	{"CloneVM", {"Clone", ACTION_MANAGE_VMS, method_clone, true, CALL_CHANGES, NULL}},
	{"ExportVM", {"Export", ACTION_MANAGE_VMS, method_export, true, CALL_CHANGES, NULL}},
	{"DeleteVM", {"Delete", ACTION_MANAGE_VMS, method_delete, true, CALL_CHANGES, NULL}},
	{"RenameVM", {"Rename", ACTION_MANAGE_VMS, method_rename, true, CALL_CHANGES, NULL}},
	{"ConfigureVM",
	 {"Configure", ACTION_MANAGE_VMS, method_configure, true, CALL_CHANGES, NULL}},
	{"SetVMOptions",
	 {"SetOptions", ACTION_MANAGE_VMS, method_set_options, true, CALL_CHANGES, NULL}},
	{"AttachDevice",
	 {"AttachDevice", ACTION_MANAGE_VMS, method_attach, true, CALL_CHANGES,
	  domain_parse_device}},
	{"DetachDevice",
	 {"DetachDevice", ACTION_MANAGE_VMS, method_detach, true, CALL_CHANGES, NULL}},
	{"OpenConsole", {"OpenConsole", ACTION_CONSOLE, method_console, true, CALL_FACTS, NULL}},
	{"GetVMXML", {"GetXML", NULL, method_xml, true, CALL_QUERIES, NULL}},
	{"GetVMValues", {"GetValues", NULL, method_values, true, CALL_QUERIES, NULL}},
	{"DiffVM", {"Diff", NULL, method_diff, true, CALL_QUERIES, NULL}},
	{"GetVMMetrics", {"GetMetrics", NULL, method_metrics, true, CALL_QUERIES, NULL}},
};

const struct bus_method *vm_method_find(const char *member)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].method.member, member) == 0 ||
		    strcmp(methods[i].twin, member) == 0)
			return &methods[i].method;
	}
	return NULL;
}
