/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/json.h"

static bool as_json;

void say_as_json(bool json)
{
	as_json = json;
}

int say_error(const char *name, const char *message)
{
	enum vm_error_code code = vm_error_from_name(name);
	struct json json;

	if (!as_json) {
		fprintf(stderr, "vmctl: %s\n", message);
		return EXIT_FAILURE;
	}
	json_begin(&json, stderr);
	json_open(&json, NULL, '{');
	json_open(&json, "error", '{');
	json_string(&json, "name", name);
	json_string(&json, "message", message);
	json_number(&json, "libvirt",
		    (uint64_t)vm_error_info(code ? code : VM_ERROR_INTERNAL)->libvirt);
	json_close(&json, '}');
	json_close(&json, '}');
	json_end(&json);
	return EXIT_FAILURE;
}

static int fail(enum vm_error_code code, const char *format, va_list ap)
{
	char name[128], message[2048];

	snprintf(name, sizeof(name), VM_ERROR_PREFIX "%s", vm_error_info(code)->name);
	vsnprintf(message, sizeof(message), format, ap);
	return say_error(name, message);
}

int ctl_fail(const char *format, ...)
{
	va_list ap;
	int status;

	va_start(ap, format);
	status = fail(VM_ERROR_INVALID_ARGUMENT, format, ap);
	va_end(ap);
	return status;
}

int ctl_fail_as(enum vm_error_code code, const char *format, ...)
{
	va_list ap;
	int status;

	va_start(ap, format);
	status = fail(code, format, ap);
	va_end(ap);
	return status;
}

int ctl_usage(const char *verb)
{
	const struct verb *v = ctl_find_verb(verb);

	if (as_json)
		return ctl_fail("Usage: vmctl %s %s", verb, v ? v->arguments : "");
	fprintf(stderr, "Usage: vmctl %s %s\n'vmctl help %s' tells more.\n", verb,
		v ? v->arguments : "", verb);
	return EXIT_FAILURE;
}

static int done(const char *object, const char *format, va_list ap)
{
	char sentence[512];
	struct json json;

	vsnprintf(sentence, sizeof(sentence), format, ap);
	if (!as_json) {
		printf("%s: %s\n", object, sentence);
		return EXIT_SUCCESS;
	}
	json_begin(&json, stdout);
	json_open(&json, NULL, '{');
	json_string(&json, "name", object);
	json_string(&json, "result", "done");
	json_close(&json, '}');
	json_end(&json);
	return EXIT_SUCCESS;
}

int ctl_done(const char *object, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	done(object, format, ap);
	va_end(ap);
	return EXIT_SUCCESS;
}

int ctl_done_if(int r, const char *object, const char *format, ...)
{
	va_list ap;

	if (r < 0)
		return EXIT_FAILURE;
	va_start(ap, format);
	done(object, format, ap);
	va_end(ap);
	return EXIT_SUCCESS;
}

/* ── slips ─────────────────────────────────────────────────────────────────────────────────── */

enum { LONGEST_WORD = 32 };

/* Levenshtein's distance: letters to insert, remove or replace. A row of the table at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST_WORD + 1], length = strlen(b);

	if (length > LONGEST_WORD)
		return SIZE_MAX;
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t above_left = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < length; j++) {
			size_t replaced = above_left + (a[i] != b[j]);

			above_left = row[j + 1];
			row[j + 1] = MIN(replaced, MIN(row[j], row[j + 1]) + 1);
		}
	}
	return row[length];
}

const char *ctl_nearest(const char *word, const char *const *words)
{
	size_t best = strlen(word) < 4 ? 2 : 3; /* two letters that changed places are two */
	const char *nearest = NULL;

	for (; *words; words++) {
		size_t d = distance(word, *words);

		if (d < best) {
			best = d;
			nearest = *words;
		}
	}
	return nearest;
}

/* `typed` is the word on the command line, with its dashes and maybe a value. */
static int unknown_option(const char *verb, const char *typed, const struct option *options)
{
	const char *names[64], *name = typed + strspn(typed, "-"), *near;
	char word[LONGEST_WORD + 1];
	size_t count = 0;

	for (; options->name && count + 1 < ARRAY_SIZE(names); options++)
		names[count++] = options->name;
	names[count] = NULL;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, "="), name);
	near = ctl_nearest(word, names);
	ctl_fail("%s has no option '%.*s'.%s%s%s 'vmctl help %s' lists what it has", verb,
		 (int)strcspn(typed, "="), typed, near ? " Did you mean '--" : "", near ? near : "",
		 near ? "'?" : "", verb);
	return '?';
}

int ctl_next_option(int argc, char **argv, const struct option *options)
{
	int at = optind ? optind : 1, option;

	opterr = 0;
	option = getopt_long(argc, argv, ":", options, NULL);
	if (option == ':') {
		ctl_fail("%s needs a value", argv[optind - 1]);
		return '?';
	}
	if (option != '?')
		return option;
	/* A lone letter leaves optind where it was while others follow it in the same word. */
	return unknown_option(argv[0], argv[optind > at ? optind - 1 : at], options);
}
