/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a machine's options.
 */
#include "daemon/export_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* Lines and backslashes, so that a value is one line. */
static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\\\", out);
		else if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\r')
			fputs("\\r", out);
		else
			fputc(*text, out);
	}
}

static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1]) {
			from++;
			*to++ = *from == 'n' ? '\n' : *from == 'r' ? '\r' : *from;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

char *export_options_print(const struct vm_options *options)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "# What a Keelson machine has beside its XML.\nVersion=1\n");
	fprintf(out, "Autostart=%s\n", options->autostart ? "yes" : "no");
	fprintf(out, "AutostartOrder=%" PRIu32 "\n", options->autostart_order);
	fprintf(out, "AutostartDelay=%" PRIu32 "\n", options->autostart_delay);
	fprintf(out, "StopAction=%s\n", stop_action_name(options->stop_action));
	fprintf(out, "StopTimeout=%" PRIu32 "\nNotes=", options->stop_timeout);
	print_escaped(out, options->notes);
	fputc('\n', out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static bool parse_number(const char *value, uint32_t *ret)
{
	char *end;
	unsigned long number;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	number = strtoul(value, &end, 10);
	if (errno || *end || number > UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	return true;
}

static bool parse_notes(char *value, struct vm_options *ret)
{
	unescape(value);
	free(ret->notes);
	ret->notes = strdup(value);
	return ret->notes != NULL;
}

static bool parse_setting(const char *key, char *value, struct vm_options *ret)
{
	uint32_t version;
	int action;

	if (strcmp(key, "Version") == 0)
		return parse_number(value, &version) && version == 1;
	if (strcmp(key, "Autostart") == 0) {
		ret->autostart = strcmp(value, "yes") == 0;
		return ret->autostart || strcmp(value, "no") == 0;
	}
	if (strcmp(key, "AutostartOrder") == 0)
		return parse_number(value, &ret->autostart_order);
	if (strcmp(key, "AutostartDelay") == 0)
		return parse_number(value, &ret->autostart_delay);
	if (strcmp(key, "StopTimeout") == 0)
		return parse_number(value, &ret->stop_timeout);
	if (strcmp(key, "StopAction") == 0) {
		action = stop_action_parse(value);
		ret->stop_action = action < 0 ? STOP_ACTION_SHUTDOWN : (enum stop_action)action;
		return action >= 0;
	}
	if (strncmp(key, EXPORT_SIZE, strlen(EXPORT_SIZE)) == 0) /* for export_sizes_check() */
		return true;
	return strcmp(key, "Notes") == 0 && parse_notes(value, ret);
}

int export_options_parse(const char *text, struct vm_options *ret, struct vm_error *err)
{
	struct vm_options options = {.stop_timeout = 120, .notes = strdup("")};
	_cleanup_free_ char *copy = strdup(text);
	unsigned int number = 0;

	for (char *line = copy; copy && options.notes && *line; number++) {
		char *end = line + strcspn(line, "\n"), *next = end + (*end != '\0');
		char *value;

		*end = '\0';
		value = strchr(line, '=');
		if (*line != '#' && *line) {
			if (value)
				*value = '\0';
			if (!value || !parse_setting(line, value + 1, &options)) {
				free(options.notes);
				return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
						    "Line %u of the exported options is not "
						    "understood (%s)",
						    number + 1, line);
			}
		}
		line = next;
	}
	if (!copy || !options.notes) {
		free(options.notes);
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	*ret = options;
	return 0;
}

static int check_size(const char *folder, const char *name, uint64_t size, struct vm_error *err)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	if (stat(path, &st) < 0)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "%s of the exported machine",
					  path);
	if ((uint64_t)st.st_size != size)
		return vm_error_set(err, VM_ERROR_FILE,
				    "%s has %" PRIu64 " bytes, the exported machine's had %" PRIu64
				    ": it was not copied completely",
				    path, (uint64_t)st.st_size, size);
	return 0;
}

int export_sizes_check(const char *folder, const char *text, struct vm_error *err)
{
	int r = 0;

	for (const char *line = text; r == 0 && line; line = strchr(line, '\n')) {
		char name[64];
		uint64_t size;

		line += *line == '\n';
		if (sscanf(line, EXPORT_SIZE "%63[A-Za-z0-9.-]=%" SCNu64, name, &size) == 2)
			r = check_size(folder, name, size, err);
	}
	return r;
}
