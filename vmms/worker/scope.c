/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * StartTransientUnit, and waiting for the job that it returns.
 */
#include "worker/scope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define SYSTEMD_NAME      "org.freedesktop.systemd1"
#define SYSTEMD_PATH      "/org/freedesktop/systemd1"
#define SYSTEMD_INTERFACE "org.freedesktop.systemd1.Manager"

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref, cleanup_message);

struct scope {
	sd_bus_slot *call, *match;
	char *job; /* path; NULL until systemd has answered */
	char *machine;
	void (*done)(void *data, const struct vm_error *err);
	void *data;
};

struct scope *scope_free(struct scope *scope)
{
	if (!scope)
		return NULL;
	sd_bus_slot_unref(scope->call);
	sd_bus_slot_unref(scope->match);
	free(scope->job);
	free(scope->machine);
	free(scope);
	return NULL;
}

static void finish(struct scope *scope, const struct vm_error *err)
{
	scope->call = sd_bus_slot_unref(scope->call);
	scope->match = sd_bus_slot_unref(scope->match);
	scope->done(scope->data, err);
}

static void finish_failed(struct scope *scope, const char *why)
{
	struct vm_error err = {0};

	(void)vm_error_set(
		&err, VM_ERROR_WORKER,
		"Machine %s: systemd cannot make a scope for its worker: %s. Where there "
		"is no systemd, set Scopes=no in vmms.conf",
		scope->machine, why);
	finish(scope, &err);
}

static int on_job_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *job, *unit, *result;
	struct scope *scope = data;
	uint32_t id;

	if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0)
		return 0;
	if (!scope->job || strcmp(job, scope->job) != 0)
		return 0;
	if (strcmp(result, "done") == 0)
		finish(scope, NULL);
	else
		finish_failed(scope, result);
	return 0;
}

static int on_answer(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const sd_bus_error *failure = sd_bus_message_get_error(m);
	struct scope *scope = data;
	const char *job;

	if (failure) {
		finish_failed(scope, failure->message ? failure->message : failure->name);
		return 0;
	}
	if (sd_bus_message_read(m, "o", &job) < 0 || !(scope->job = strdup(job)))
		finish_failed(scope, "unexpected answer");
	return 0;
}

/* The scale of cgroup v1, where 1024 is normal, to that of v2, where 100 is. */
static uint64_t cpu_weight(unsigned int shares)
{
	uint64_t weight = (uint64_t)shares * 100 / 1024;

	return weight < 1 ? 1 : MIN(weight, 10000);
}

static int append_limits(sd_bus_message *m, const struct domain *config)
{
	unsigned int period = config->cpu_period ? config->cpu_period : 100000;
	int r = 0;

	if (config->cpu_shares)
		r = sd_bus_message_append(m, "(sv)", "CPUWeight", "t",
					  cpu_weight(config->cpu_shares));
	if (r >= 0 && config->cpu_quota)
		r = sd_bus_message_append(m, "(sv)", "CPUQuotaPerSecUSec", "t",
					  config->cpu_quota * 1000000 / period);
	if (r >= 0 && config->io_weight)
		r = sd_bus_message_append(m, "(sv)", "IOWeight", "t", (uint64_t)config->io_weight);
	if (r >= 0)
		r = sd_bus_message_append(m, "(sv)", "MemoryMax", "t",
					  KIB(config->memory_kib) + MIB(256));
	return r < 0 ? r : sd_bus_message_append(m, "(sv)", "TasksMax", "t", (uint64_t)256);
}

static int append_properties(sd_bus_message *m, const struct domain *config, pid_t pid)
{
	char description[128];
	int r = sd_bus_message_open_container(m, 'a', "(sv)");

	snprintf(description, sizeof(description), "Keelson machine %s", config->name);
	if (r >= 0)
		r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)", "Description", "s",
					  description, "Slice", "s", "keelson.slice", "PIDs", "au",
					  1, (uint32_t)pid, "CollectMode", "s",
					  "inactive-or-failed",
					  /* At host shutdown its guests are stopped first. */
					  "Before", "as", 1, "keelson-guests.service");
	if (r >= 0)
		r = append_limits(m, config);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int send_call(sd_bus *bus, const struct domain *config, pid_t pid, struct scope *scope)
{
	_cleanup_(cleanup_message) sd_bus_message *m = NULL;
	char unit[64];
	int r = sd_bus_message_new_method_call(bus, &m, SYSTEMD_NAME, SYSTEMD_PATH,
					       SYSTEMD_INTERFACE, "StartTransientUnit");

	snprintf(unit, sizeof(unit), "keelson-%s.scope", config->uuid);
	if (r >= 0)
		r = sd_bus_message_append(m, "ss", unit, "fail");
	if (r >= 0)
		r = append_properties(m, config, pid);
	if (r >= 0)
		r = sd_bus_message_append(m, "a(sa(sv))", 0);
	return r < 0 ? r : sd_bus_call_async(bus, &scope->call, m, on_answer, scope, 0);
}

int scope_create(sd_bus *bus, const struct domain *config, pid_t pid,
		 void (*done)(void *data, const struct vm_error *err), void *data,
		 struct scope **ret)
{
	struct scope *scope = calloc(1, sizeof(*scope));
	int r;

	if (!scope)
		return -ENOMEM;
	scope->done = done;
	scope->data = data;
	scope->machine = strdup(config->name);
	r = scope->machine ? sd_bus_match_signal_async(bus, &scope->match, SYSTEMD_NAME,
						       SYSTEMD_PATH, SYSTEMD_INTERFACE,
						       "JobRemoved", on_job_removed, NULL, scope)
			   : -ENOMEM;
	if (r >= 0)
		r = send_call(bus, config, pid, scope);
	if (r < 0) {
		scope_free(scope);
		return r;
	}
	*ret = scope;
	return 0;
}
