/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jobs, log, events.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/names.h"
#include "ctl/ctl.h"
#include "ctl/json.h"

/* ── jobs under way ────────────────────────────────────────────────────────────────────────── */

struct listed_job {
	uint32_t id;
	double progress;
	const char *path, *uuid, *name, *operation;
	int cancelable;
	uint64_t started;
};

static void job_json(struct json *json, const struct listed_job *job)
{
	json_open(json, NULL, '{');
	json_number(json, "job", job->id);
	json_string(json, "uuid", job->uuid);
	json_string(json, "name", job->name);
	json_string(json, "operation", job->operation);
	json_fraction(json, "progress", job->progress);
	json_bool(json, "cancelable", job->cancelable);
	json_number(json, "started_us", job->started);
	json_close(json, '}');
}

static void job_row(struct table *table, const struct listed_job *job)
{
	char id[16], progress[16], started[32];

	snprintf(id, sizeof(id), "%u", job->id);
	snprintf(progress, sizeof(progress), "%d %%", (int)(job->progress * 100));
	ctl_format_time(job->started, started, sizeof(started));
	table_row(table, (const char *[]){id, job->name, job->operation, progress,
					  job->cancelable ? "yes" : "no", started});
}

static int print_jobs(struct ctl *ctl, sd_bus_message *reply)
{
	static const char *const headings[] = {"JOB",      "MACHINE",    "OPERATION",
					       "PROGRESS", "CANCELABLE", "STARTED"};
	int r = sd_bus_message_enter_container(reply, 'a', "(uosssbdt)");
	struct listed_job job;
	struct listing list;

	listing_begin(&list, ctl->json, ARRAY_SIZE(headings), headings);
	while (r >= 0 &&
	       (r = sd_bus_message_read(reply, "(uosssbdt)", &job.id, &job.path, &job.uuid,
					&job.name, &job.operation, &job.cancelable, &job.progress,
					&job.started)) > 0) {
		if (ctl->json)
			job_json(&list.json, &job);
		else
			job_row(&list.table, &job);
	}
	listing_end(&list);
	return r < 0 ? ctl_bad_reply(r) : EXIT_SUCCESS;
}

static int cancel_job(struct ctl *ctl, const char *number)
{
	char *end;
	unsigned long id = strtoul(number, &end, 10);

	if (!*number || *end || id > UINT32_MAX)
		return ctl_fail("'%s' is not the number of a job", number);
	return ctl_done_if(ctl_call(ctl, "CancelJob", NULL, "u", (uint32_t)id), number,
			   "asked to end");
}

static int run_log(struct ctl *ctl, int argc, char **argv);

static const struct option jobs_options[] = {
	{"all", no_argument, NULL, 'a'},
	{NULL, 0, NULL, 0},
};

static int run_jobs(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	bool all = false;
	int option;

	optind = 0;
	while ((option = ctl_next_option(argc, argv, jobs_options)) != -1) {
		if (option == '?')
			return EXIT_FAILURE;
		all = true;
	}
	if (argc == 3 && strcmp(argv[1], "cancel") == 0)
		return cancel_job(ctl, argv[2]);
	if (all && optind == argc)
		return run_log(ctl, 1, argv);
	if (!ctl_arguments(argc, argv, 0, 0) || ctl_call(ctl, "ListJobs", &reply, "") < 0)
		return EXIT_FAILURE;
	return print_jobs(ctl, reply);
}

/* ── jobs that are over ────────────────────────────────────────────────────────────────────── */

struct past_job {
	uint32_t id, uid;
	const char *uuid, *name, *operation, *state, *error, *message, *user;
	uint64_t started, finished;
};

static void past_json(struct json *json, const struct past_job *job)
{
	json_open(json, NULL, '{');
	json_number(json, "job", job->id);
	json_string(json, "uuid", job->uuid);
	json_string(json, "name", job->name);
	json_string(json, "operation", job->operation);
	json_string(json, "state", job->state);
	json_string(json, "error", job->error);
	json_string(json, "message", job->message);
	json_number(json, "started_us", job->started);
	json_number(json, "finished_us", job->finished);
	json_number(json, "uid", job->uid);
	json_string(json, "user", job->user);
	json_close(json, '}');
}

static void past_row(struct table *table, const struct past_job *job)
{
	char id[16], started[32], took[32] = "-";

	snprintf(id, sizeof(id), "%u", job->id);
	ctl_format_time(job->started, started, sizeof(started));
	if (job->finished >= job->started && job->finished)
		snprintf(took, sizeof(took), "%.1f s",
			 (double)(job->finished - job->started) / 1e6);
	table_row(table, (const char *[]){id, started, took, job->name, job->operation, job->state,
					  *job->user ? job->user : "-", job->message});
}

/* A machine that is gone may have left a history; one that never was is a slip. */
static int nothing_of(struct ctl *ctl, const char *name)
{
	free(ctl_vm_path(ctl, name));
	return EXIT_FAILURE;
}

static int print_past(struct ctl *ctl, sd_bus_message *reply)
{
	static const char *const headings[] = {"JOB",       "STARTED", "TOOK", "MACHINE",
					       "OPERATION", "RESULT",  "USER", "MESSAGE"};
	int r = sd_bus_message_enter_container(reply, 'a', "(ussssssttus)");
	struct past_job job;
	struct listing list;

	listing_begin(&list, ctl->json, ARRAY_SIZE(headings), headings);
	while (r >= 0 &&
	       (r = sd_bus_message_read(reply, "(ussssssttus)", &job.id, &job.uuid, &job.name,
					&job.operation, &job.state, &job.error, &job.message,
					&job.started, &job.finished, &job.uid, &job.user)) > 0) {
		if (ctl->json)
			past_json(&list.json, &job);
		else
			past_row(&list.table, &job);
	}
	listing_end(&list);
	return r < 0 ? ctl_bad_reply(r) : EXIT_SUCCESS;
}

static bool is_empty(sd_bus_message *reply, const char *contents)
{
	bool empty = sd_bus_message_enter_container(reply, 'a', contents) >= 0 &&
		     sd_bus_message_at_end(reply, false) > 0;

	sd_bus_message_rewind(reply, true);
	return empty;
}

static bool is_known(struct ctl *ctl, const char *name)
{
	_cleanup_message_ sd_bus_message *reply = NULL;

	return sd_bus_call_method(ctl->bus, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE, "GetVM",
				  NULL, &reply, "s", name) >= 0;
}

static int run_log(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;

	if (!ctl_arguments(argc, argv, 0, 1))
		return EXIT_FAILURE;
	if (ctl_call(ctl, "ListHistory", &reply, "su", argc == 2 ? argv[1] : "", 100u) < 0)
		return EXIT_FAILURE;
	if (argc == 2 && is_empty(reply, "(ussssssttus)") && !is_known(ctl, argv[1]))
		return nothing_of(ctl, argv[1]);
	return print_past(ctl, reply);
}

/* ── events ────────────────────────────────────────────────────────────────────────────────── */

/* With --json one object a line, whether they are past or come. */
static int print_event(const struct ctl *ctl, sd_bus_message *m)
{
	const char *uuid, *name, *kind, *detail, *user;
	uint64_t sequence, time;
	uint32_t uid;
	char when[32];
	struct json json;
	int r = sd_bus_message_read(m, "ttssssus", &sequence, &time, &uuid, &name, &kind, &detail,
				    &uid, &user);

	if (r <= 0)
		return r;
	if (!ctl->json) {
		ctl_format_time(time, when, sizeof(when));
		/* Further lines, of a guest's last words, come with --json. */
		printf("%s  %-16s %-18s %.*s%s%s%s\n", when, *name ? name : "-", kind,
		       (int)strcspn(detail, "\n"), detail, *user ? " (by " : "", user,
		       *user ? ")" : "");
		fflush(stdout);
		return 1;
	}
	json_begin(&json, stdout);
	json_open(&json, NULL, '{');
	json_number(&json, "sequence", sequence);
	json_number(&json, "time_us", time);
	json_string(&json, "uuid", uuid);
	json_string(&json, "name", name);
	json_string(&json, "kind", kind);
	json_string(&json, "detail", detail);
	json_number(&json, "uid", uid);
	json_string(&json, "user", user);
	json_close(&json, '}');
	json_end(&json);
	fflush(stdout);
	return 1;
}

static int print_past_events(struct ctl *ctl, const char *name)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	int r;

	if (ctl_call(ctl, "ListEvents", &reply, "stu", name, UINT64_C(0), 200u) < 0)
		return EXIT_FAILURE;
	if (*name && is_empty(reply, "(ttssssus)") && !is_known(ctl, name))
		return nothing_of(ctl, name);
	r = sd_bus_message_enter_container(reply, 'a', "(ttssssus)");
	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "ttssssus")) > 0) {
		r = print_event(ctl, reply);
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	return r < 0 ? ctl_bad_reply(r) : EXIT_SUCCESS;
}

struct following {
	struct ctl *ctl;
	const char *name; /* "" for all */
};

static int on_event(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const struct following *following = data;
	const char *uuid, *name;

	if (sd_bus_message_skip(m, "tt") < 0 || sd_bus_message_read(m, "ss", &uuid, &name) < 0)
		return 0;
	if (*following->name && strcmp(following->name, name) != 0 &&
	    strcmp(following->name, uuid) != 0)
		return 0;
	if (sd_bus_message_rewind(m, 1) >= 0)
		print_event(following->ctl, m);
	return 0;
}

static int follow(struct ctl *ctl, struct following *following)
{
	int r = sd_bus_match_signal(ctl->bus, NULL, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
				    "Event", on_event, following);

	if (r < 0)
		return ctl_fail("Signals cannot be received: %s", strerror(-r));
	if (print_past_events(ctl, following->name) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	for (;;) {
		r = sd_bus_process(ctl->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(ctl->bus, UINT64_MAX);
		if (r < 0 && r != -EINTR)
			return ctl_fail("The connection is lost: %s", strerror(-r));
	}
}

static const struct option events_options[] = {
	{"follow", no_argument, NULL, 'f'},
	{NULL, 0, NULL, 0},
};

static int run_events(struct ctl *ctl, int argc, char **argv)
{
	struct following following = {.ctl = ctl, .name = ""};
	bool following_on = false;
	int option;

	optind = 0;
	while ((option = ctl_next_option(argc, argv, events_options)) != -1) {
		if (option == '?')
			return EXIT_FAILURE;
		following_on = true;
	}
	if (optind + 1 < argc)
		return ctl_usage(argv[0]);
	if (optind < argc)
		following.name = argv[optind];
	ctl_connect(ctl);
	return following_on ? follow(ctl, &following) : print_past_events(ctl, following.name);
}

const struct verb history_verbs[] = {
	{"jobs", "[--all | cancel N]", "list jobs under way, or cancel one",
	 "  --all      those that are over too, as 'vmctl log'\n"
	 "  cancel N   ask job N to end; what it has done is undone\n",
	 run_jobs, ""},
	{"log", "[VM]", "show what was done, with results and errors", NULL, run_log, "vm"},
	{"events", "[VM] [--follow]", "show what happened, and with --follow what happens",
	 "State changes, guest resets and crashes, jobs, changes of the configuration.\n",
	 run_events, "vm"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
