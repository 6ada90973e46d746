/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines about a machine. In systemd's journal they have fields, by which they can be found
 * (journalctl KEELSON_VM=UUID; vmms(8) lists them); elsewhere they are lines like others.
 */
#ifndef VMMS_DAEMON_JOURNAL_H
#define VMMS_DAEMON_JOURNAL_H

#include "base/log.h"
#include "daemon/caller.h"

struct job;
struct vm;

struct journal_line {
	const char *uuid, *name; /* of the machine; "" for none */
	const char *event;       /* its kind; NULL: the line is no event */
	int64_t job;             /* its number; 0: none */
	const struct caller *caller;
};

/* `structured`: standard error is the journal. Call it once. */
void journal_init(bool structured);

void journal_write(enum log_level level, const struct journal_line *line, const char *format, ...)
	printf_like(3, 4);

/* About a machine, and the job that changes it, if there is one; any thread that may look at them. */
void journal_vm(enum log_level level, const struct vm *vm, const char *format, ...)
	printf_like(3, 4);
/* About a job, which may have no machine any more, or not yet. */
void journal_job(enum log_level level, const struct job *job, const char *format, ...)
	printf_like(3, 4);

#endif
