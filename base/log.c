/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Formats log lines and writes each with one system call. Owns the only process-wide settings of
 * base: name, level and form, set once at start.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define LINE_SIZE 1024

static struct {
	const char *name;
	enum log_level max;
	bool prefixed;
} settings = {.max = LOG_LEVEL_INFO};

void log_init(const char *name, enum log_level max, bool prefixed)
{
	settings.name = name;
	settings.max = max;
	settings.prefixed = prefixed;
}

/* snprintf returns what it wanted to write; this is what it did write. */
static size_t written(int wanted, size_t space)
{
	if (wanted < 0)
		return 0;
	return MIN((size_t)wanted, space - 1);
}

static size_t format_head(char *line, size_t size, enum log_level level)
{
	size_t used = 0;

	if (settings.prefixed)
		used += written(snprintf(line, size, "<%d>", (int)level), size);
	if (settings.name)
		used += written(snprintf(line + used, size - used, "%s: ", settings.name),
				size - used);
	return used;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LINE_SIZE];
	int saved_errno = errno;
	va_list arguments;
	size_t used;

	if (level > settings.max)
		return;
	used = format_head(line, sizeof(line) - 1, level);
	va_start(arguments, format);
	used += written(vsnprintf(line + used, sizeof(line) - 1 - used, format, arguments),
			sizeof(line) - 1 - used);
	va_end(arguments);
	/* What comes from a guest or a file may hold anything. */
	text_make_safe(line, line, sizeof(line) - 1, "");
	used = strlen(line);
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0) {
		/* There is nowhere left to say so. */
	}
	errno = saved_errno;
}

bool log_ratelimit_pass(struct log_ratelimit *limit, uint64_t now_ns, unsigned int *ret_dropped)
{
	unsigned int dropped = 0;

	if (limit->used == 0 || now_ns - limit->begin_ns >= limit->interval_ns) {
		dropped = limit->dropped;
		limit->begin_ns = now_ns;
		limit->used = 0;
		limit->dropped = 0;
	}
	if (ret_dropped)
		*ret_dropped = dropped;
	if (limit->used >= limit->burst) {
		limit->dropped++;
		return false;
	}
	limit->used++;
	return true;
}
