/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sd_journal_sendv(3), or a line of the log.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "daemon/journal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "base/text.h"
#include "daemon/job.h"

enum { MAX_FIELDS = 9, FIELD_SIZE = 128, MESSAGE_SIZE = 2048 };

static bool to_journal;

void journal_init(bool structured)
{
	to_journal = structured;
}

struct fields {
	struct iovec parts[MAX_FIELDS];
	char texts[MAX_FIELDS][FIELD_SIZE];
	size_t count;
};

printf_like(2, 3) static void add(struct fields *fields, const char *format, ...)
{
	char *text = fields->texts[fields->count];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, FIELD_SIZE, format, ap);
	va_end(ap);
	fields->parts[fields->count++] = (struct iovec){.iov_base = text, .iov_len = strlen(text)};
}

static void send_fields(enum log_level level, const struct journal_line *line, char *message)
{
	struct fields fields = {.count = 1};

	fields.parts[0] = (struct iovec){.iov_base = message, .iov_len = strlen(message)};
	add(&fields, "PRIORITY=%d", (int)level);
	add(&fields, "SYSLOG_IDENTIFIER=vmms");
	if (*line->uuid)
		add(&fields, "KEELSON_VM=%s", line->uuid);
	if (*line->name)
		add(&fields, "KEELSON_VM_NAME=%s", line->name);
	if (line->event)
		add(&fields, "KEELSON_EVENT=%s", line->event);
	if (line->job)
		add(&fields, "KEELSON_JOB=%" PRId64, line->job);
	if (line->caller && line->caller->uid != CALLER_NOBODY) {
		add(&fields, "KEELSON_UID=%" PRIu32, line->caller->uid);
		add(&fields, "KEELSON_USER=%s", line->caller->name);
	}
	/* There is nowhere left to say that it failed. */
	(void)sd_journal_sendv(fields.parts, (int)fields.count);
}

printf_like(3, 0) static void write_line(enum log_level level, const struct journal_line *line,
					 const char *format, va_list ap)
{
	static const char key[] = "MESSAGE=";
	char text[MESSAGE_SIZE];
	size_t length = sizeof(key) - 1;

	memcpy(text, key, sizeof(key));
	vsnprintf(text + length, sizeof(text) - length, format, ap);
	text_make_safe(text, text, sizeof(text), "\n");
	if (to_journal)
		send_fields(level, line, text);
	else
		log_write(level, "%s", text + length);
}

void journal_write(enum log_level level, const struct journal_line *line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line(level, line, format, ap);
	va_end(ap);
}

void journal_vm(enum log_level level, const struct vm *vm, const char *format, ...)
{
	struct journal_line line = {.uuid = vm->config->uuid,
				    .name = vm->config->name,
				    .job = vm->job ? vm->job->id : 0,
				    .caller = vm->job ? &vm->job->caller : NULL};
	va_list ap;

	va_start(ap, format);
	write_line(level, &line, format, ap);
	va_end(ap);
}

void journal_job(enum log_level level, const struct job *job, const char *format, ...)
{
	struct journal_line line = {
		.uuid = job->uuid, .name = job->name, .job = job->id, .caller = &job->caller};
	va_list ap;

	va_start(ap, format);
	write_line(level, &line, format, ap);
	va_end(ap);
}
