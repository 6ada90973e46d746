/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmctl: what its verbs share. A verb calls the daemon over D-Bus and prints a table, a sentence or
 * JSON. It returns an exit status; what went wrong has been told by then.
 */
#ifndef VMMS_CTL_CTL_H
#define VMMS_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "ctl/say.h"

#define _cleanup_message_ __attribute__((cleanup(ctl_message_unrefp)))

struct ctl {
	const char *host; /* user@machine; NULL: this one */
	sd_bus *bus;      /* NULL until ctl_connect() */
	bool json;
	bool no_wait;
	uint64_t timeout_usec; /* for an answer; 0: the bus's usual one */
	bool watching;         /* the ends of jobs are told to us */
	const char *program;   /* argv[0], to call ourselves on another host */
};

struct verb {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary;
	const char *details; /* for `vmctl help VERB`; NULL: the summary says it all */
	int (*run)(struct ctl *ctl, int argc, char **argv); /* argv[0] is the verb */
	const char *complete; /* what its first argument is: "vm", "network", "file", "" */
};

/* The tables of the files, each ended by a NULL name. */
extern const struct verb inventory_verbs[], define_verbs[], power_verbs[], console_verbs[],
	history_verbs[], host_verbs[], network_verbs[], backup_verbs[];

/* ── calls ─────────────────────────────────────────────────────────────────────────────────── */

/* Exits with a message when there is no daemon to be reached. */
void ctl_connect(struct ctl *ctl);

/*
 * Calls a method of the manager. On failure the error is told and a negative errno returned; the
 * caller gives EXIT_FAILURE on.
 */
int must_check ctl_call(struct ctl *ctl, const char *member, sd_bus_message **ret_reply,
			const char *types, ...);

/* For messages with arrays: make it, append, send it. */
sd_bus_message *ctl_message(struct ctl *ctl, const char *member);
int must_check ctl_send(struct ctl *ctl, sd_bus_message *m, sd_bus_message **ret_reply);

/* Subscribes to the ends of jobs; before the call that begins one. */
void ctl_watch_jobs(struct ctl *ctl);

/*
 * Calls a method that begins a job. Where another job of the machine is in the way, waits for its
 * end and calls again, unless --no-wait. On failure the error is told, and the caller gives
 * EXIT_FAILURE on.
 */
int must_check ctl_begin_job(struct ctl *ctl, const char *machine, sd_bus_message **ret_reply,
			     const char *member, const char *types, ...);

/*
 * After a call that replied with a job: waits for its end, with a progress bar on a terminal, or,
 * with --no-wait, prints its number. An exit status.
 */
int ctl_finish_job(struct ctl *ctl, sd_bus_message *reply, const char *machine, const char *done);

/* Calls a method that takes a machine's name and replies with a job, and waits for it. */
int ctl_run_job(struct ctl *ctl, const char *member, const char *machine, const char *done);

static inline void ctl_message_unrefp(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}

/* A message that is not what its signature says: the versions of vmctl and vmms differ. */
int ctl_bad_reply(int r);

/* The D-Bus object of a machine; free() it. NULL: told. */
char *ctl_vm_path(struct ctl *ctl, const char *name);

/* ── arguments and output ──────────────────────────────────────────────────────────────────── */

/* False, after a usage line, unless min <= argc - 1 <= max. */
bool ctl_arguments(int argc, char **argv, int min, int max);
const struct verb *ctl_find_verb(const char *name);

/* The whole of a file, or of standard input for "-"; NULL: told. free() it. */
char *ctl_read_file(const char *path);

/* Local time of microseconds since 1970. */
void ctl_format_time(uint64_t us, char *buffer, size_t size);

#endif
