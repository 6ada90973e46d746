/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of settings, and the file they are read from.
 */
#include "daemon/settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum setting_type { SETTING_PATH, SETTING_NUMBER, SETTING_BOOLEAN };

static const struct setting {
	const char *key;
	enum setting_type type;
	size_t offset;
	const char *value;
	uint32_t min, max;
} table[] = {
	{"StateDirectory", SETTING_PATH, offsetof(struct settings, state_dir), "/var/lib/keelson",
	 0, 0},
	{"RuntimeDirectory", SETTING_PATH, offsetof(struct settings, runtime_dir), "/run/keelson",
	 0, 0},
	{"Worker", SETTING_PATH, offsetof(struct settings, worker), "/usr/libexec/keelson/vmwp", 0,
	 0},
	{"Firmware", SETTING_PATH, offsetof(struct settings, firmware),
	 "/usr/share/seabios/bios-256k.bin", 0, 0},
	{"Device", SETTING_PATH, offsetof(struct settings, device), "/dev/vid", 0, 0},
	{"WorkerUIDBase", SETTING_NUMBER, offsetof(struct settings, uid_base), "1900000000", 1000,
	 2147000000},
	{"WorkerUIDCount", SETTING_NUMBER, offsetof(struct settings, uid_count), "65536", 1,
	 1000000},
	{"Sandbox", SETTING_BOOLEAN, offsetof(struct settings, sandbox), "yes", 0, 0},
	{"Scopes", SETTING_BOOLEAN, offsetof(struct settings, scopes), "yes", 0, 0},
	{"StartTimeoutSec", SETTING_NUMBER, offsetof(struct settings, start_timeout), "60", 1,
	 3600},
	{"StopTimeoutSec", SETTING_NUMBER, offsetof(struct settings, stop_timeout), "10", 1, 3600},
	{"AnswerTimeoutSec", SETTING_NUMBER, offsetof(struct settings, answer_timeout), "30", 1,
	 3600},
	{"InventoryTimeoutSec", SETTING_NUMBER, offsetof(struct settings, inventory_timeout), "20",
	 1, 3600},
	{"RestartDelayMSec", SETTING_NUMBER, offsetof(struct settings, restart_delay), "1000", 10,
	 3600000},
};

static int bad_value(const struct setting *setting, const char *value, const char *expected,
		     struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "%s=%s: must be %s", setting->key,
			    value, expected);
}

static int set_path(const struct setting *setting, char **where, const char *value,
		    struct vm_error *err)
{
	char *copy;

	if (*value != '/')
		return bad_value(setting, value, "an absolute path", err);
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

static int set_number(const struct setting *setting, uint32_t *where, const char *value,
		      struct vm_error *err)
{
	char expected[64], *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(value, &end, 10);
	snprintf(expected, sizeof(expected), "a number from %u to %u", setting->min, setting->max);
	if (errno || end == value || *end || *value == '-' || number < setting->min ||
	    number > setting->max)
		return bad_value(setting, value, expected, err);
	*where = (uint32_t)number;
	return 0;
}

static int set_boolean(const struct setting *setting, bool *where, const char *value,
		       struct vm_error *err)
{
	bool yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return bad_value(setting, value, "yes or no", err);
	*where = yes;
	return 0;
}

static int set_value(struct settings *settings, const struct setting *setting, const char *value,
		     struct vm_error *err)
{
	void *where = (char *)settings + setting->offset;

	switch (setting->type) {
	case SETTING_PATH:
		return set_path(setting, where, value, err);
	case SETTING_NUMBER:
		return set_number(setting, where, value, err);
	case SETTING_BOOLEAN:
		return set_boolean(setting, where, value, err);
	}
	return -EINVAL;
}

int settings_init(struct settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int r = set_value(settings, &table[i], table[i].value, NULL);

		if (r < 0) {
			settings_fini(settings);
			return r;
		}
	}
	return 0;
}

void settings_fini(struct settings *settings)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].type == SETTING_PATH)
			free(*(char **)(void *)((char *)settings + table[i].offset));
	}
	memset(settings, 0, sizeof(*settings));
}

int settings_set(struct settings *settings, const char *key, const char *value,
		 struct vm_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(table[i].key, key) == 0)
			return set_value(settings, &table[i], value, err);
	}
	return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "There is no setting '%s'", key);
}

/* Cuts white space off both ends, in place. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r\n", text[length - 1]))
		text[--length] = '\0';
	return text;
}

static int read_line(struct settings *settings, char *line, struct vm_error *err)
{
	char *text = trim(line), *equals;

	if (!*text || *text == '#')
		return 0;
	equals = strchr(text, '=');
	if (!equals)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "'%s' is not Setting=value",
				    text);
	*equals = '\0';
	return settings_set(settings, trim(text), trim(equals + 1), err);
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

int settings_read(struct settings *settings, const char *path, struct vm_error *err)
{
	_cleanup_(close_file) FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	struct vm_error inner = {0};
	size_t size = 0;

	if (!file && errno == ENOENT)
		return 0;
	if (!file)
		return vm_error_set_errno(err, VM_ERROR_FILE, errno, "%s cannot be read", path);
	for (unsigned int number = 1; getline(&line, &size, file) >= 0; number++) {
		if (read_line(settings, line, &inner) < 0)
			return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "%s, line %u: %s", path,
					    number, inner.text);
	}
	return 0;
}
