/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls to systemd, and the signal that ends its job.
 */
#include "net/unit.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define SYSTEMD \
	"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

struct unit_job {
	sd_bus_slot *call, *match;
	char *path; /* NULL until systemd has answered */
	char *unit;
	void (*done)(void *data, const struct vm_error *err);
	void *data;
};

void unit_escape(const char *name, char *to, size_t size)
{
	size_t length = 0;

	for (const char *at = name; *at && length + 5 < size; at++) {
		bool plain = isalnum((unsigned char)*at) || *at == ':' || *at == '_' ||
			     (*at == '.' && at != name);

		if (plain)
			to[length++] = *at;
		else
			length += (size_t)sprintf(to + length, "\\x%02x", (unsigned char)*at);
	}
	to[length] = '\0';
}

struct unit_job *unit_job_free(struct unit_job *job)
{
	if (!job)
		return NULL;
	sd_bus_slot_unref(job->call);
	sd_bus_slot_unref(job->match);
	free(job->path);
	free(job->unit);
	free(job);
	return NULL;
}

/* Frees it, before its owner may begin the next. */
static void finish(struct unit_job *job, const char *failure)
{
	void (*done)(void *data, const struct vm_error *err) = job->done;
	struct vm_error err = {0};
	void *data = job->data;

	if (failure)
		(void)vm_error_set(&err, VM_ERROR_NETWORK,
				   "systemd: %s: %s; 'systemctl status %s' may tell why", job->unit,
				   failure, job->unit);
	unit_job_free(job);
	done(data, failure ? &err : NULL);
}

static int on_job_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *path, *unit, *result;
	struct unit_job *job = data;
	uint32_t id;

	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0 || !job->path ||
	    strcmp(path, job->path) != 0)
		return 0;
	finish(job, strcmp(result, "done") == 0 ? NULL : result);
	return 0;
}

static int on_answer(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const sd_bus_error *failure = sd_bus_message_get_error(m);
	struct unit_job *job = data;
	const char *path;

	if (failure)
		finish(job, failure->message ? failure->message : failure->name);
	else if (sd_bus_message_read(m, "o", &path) < 0 || !(job->path = strdup(path)))
		finish(job, "unexpected answer");
	return 0;
}

int unit_job_start(sd_bus *bus, const char *method, const char *unit,
		   void (*done)(void *data, const struct vm_error *err), void *data,
		   struct unit_job **ret)
{
	struct unit_job *job;
	int r;

	if (!bus)
		return -ENOTCONN;
	job = calloc(1, sizeof(*job));
	if (!job || !(job->unit = strdup(unit))) {
		free(job);
		return -ENOMEM;
	}
	job->done = done;
	job->data = data;
	r = sd_bus_match_signal_async(bus, &job->match, SYSTEMD, "JobRemoved", on_job_removed, NULL,
				      job);
	if (r >= 0)
		r = sd_bus_call_method_async(bus, &job->call, SYSTEMD, method, on_answer, job, "ss",
					     unit, "replace");
	if (r < 0) {
		unit_job_free(job);
		return r;
	}
	*ret = job;
	return 0;
}
