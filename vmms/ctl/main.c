/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmctl: options that every verb takes, finding the verb, help.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/domain_field.h"
#include "ctl/ctl.h"

static int run_help(struct ctl *ctl, int argc, char **argv);
static int run_words(struct ctl *ctl, int argc, char **argv);

static const struct verb own_verbs[] = {
	{"help", "[VERB]", "tell what vmctl, or one of its verbs, does", NULL, run_help, "verb"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};

/* For the shells' completion; not shown. */
static const struct verb hidden_verbs[] = {
	{"complete-words", "verbs|settings|KIND", "", NULL, run_words, ""},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};

static const struct {
	const char *title;
	const struct verb *verbs;
} groups[] = {
	{"Machines", inventory_verbs}, {"Definition", define_verbs},        {"Power", power_verbs},
	{"Console", console_verbs},    {"Jobs and history", history_verbs}, {"Host", host_verbs},
	{"Inventory", backup_verbs},   {"Networks", network_verbs},         {"Help", own_verbs},
	{NULL, hidden_verbs},
};

const struct verb *ctl_find_verb(const char *name)
{
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		for (const struct verb *verb = groups[g].verbs; verb->name; verb++) {
			if (strcmp(verb->name, name) == 0)
				return verb;
		}
	}
	return NULL;
}

static void print_options(void)
{
	printf("Options that every verb takes:\n"
	       "  --json              print JSON; its schema is in vmctl(1)\n"
	       "  --no-wait           do not wait for a job's end, print its number\n"
	       "  --wait              wait for it (the default)\n"
	       "  -H, --host USER@MACHINE\n"
	       "                      speak to the daemon of another machine, by ssh\n"
	       "  --version\n");
}

static void print_overview(void)
{
	printf("Usage: vmctl [OPTION]… VERB [ARGUMENT]…\n"
	       "Defines, starts, watches and stops the virtual machines of Keelson.\n");
	for (size_t g = 0; g < ARRAY_SIZE(groups) && groups[g].title; g++) {
		printf("\n%s:\n", groups[g].title);
		for (const struct verb *verb = groups[g].verbs; verb->name; verb++)
			printf("  %-13s %s\n", verb->name, verb->summary);
	}
	printf("\n");
	print_options();
}

static int unknown_verb(const char *typed)
{
	const char *names[64], *near;
	size_t count = 0;

	for (size_t g = 0; g < ARRAY_SIZE(groups) && groups[g].title; g++) {
		for (const struct verb *verb = groups[g].verbs; verb->name; verb++) {
			CHECK(count + 1 < ARRAY_SIZE(names));
			names[count++] = verb->name;
		}
	}
	names[count] = NULL;
	near = *typed == '-' ? NULL : ctl_nearest(typed, names);
	return ctl_fail("There is no %s '%s'.%s%s%s 'vmctl help' shows those there are",
			*typed == '-' ? "option" : "verb", typed, near ? " Did you mean '" : "",
			near ? near : "", near ? "'?" : "");
}

static int run_help(struct ctl *ctl, int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		print_overview();
		return EXIT_SUCCESS;
	}
	verb = ctl_find_verb(argv[1]);
	if (!verb)
		return unknown_verb(argv[1]);
	printf("Usage: vmctl [OPTION]… %s %s\n\n%c%s.\n", verb->name, verb->arguments,
	       verb->summary[0] - ('a' - 'A'), verb->summary + 1);
	if (verb->details)
		printf("\n%s", verb->details);
	return EXIT_SUCCESS;
}

static int run_words(struct ctl *ctl, int argc, char **argv)
{
	const struct verb *verb;

	if (argc != 2)
		return EXIT_FAILURE;
	if (strcmp(argv[1], "settings") == 0) {
		for (const char *const *key = domain_field_keys(); *key; key++)
			printf("%s\n", *key);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "verbs") != 0) {
		verb = ctl_find_verb(argv[1]);
		printf("%s\n", verb ? verb->complete : "");
		return EXIT_SUCCESS;
	}
	for (size_t g = 0; g < ARRAY_SIZE(groups) && groups[g].title; g++) {
		for (verb = groups[g].verbs; verb->name; verb++)
			printf("%s\n", verb->name);
	}
	return EXIT_SUCCESS;
}

/* True for an option of ours, which is taken out; *at is its index, and may advance. */
static bool take_option(struct ctl *ctl, int argc, char **argv, int *at)
{
	const char *option = argv[*at];

	if (strcmp(option, "--json") == 0) {
		ctl->json = true;
	} else if (strcmp(option, "--no-wait") == 0) {
		ctl->no_wait = true;
	} else if (strcmp(option, "--wait") == 0) {
		ctl->no_wait = false;
	} else if (strncmp(option, "--host=", 7) == 0) {
		ctl->host = option + 7;
	} else if (strcmp(option, "--host") == 0 || strcmp(option, "-H") == 0) {
		if (*at + 1 == argc)
			exit(ctl_fail("%s needs USER@MACHINE", option));
		ctl->host = argv[++*at];
	} else if (strcmp(option, "--version") == 0) {
		printf("vmctl %s\n", KEELSON_VERSION);
		exit(EXIT_SUCCESS);
	} else {
		return false;
	}
	return true;
}

/* Tables are cut and padded by characters; a terminal without a locale mostly knows UTF-8, too. */
static void choose_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.program = argv[0]};
	char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	const struct verb *verb;
	int count = 0, status;
	bool verbatim = false;

	CHECK(rest);
	choose_locale();
	/* Before anything can go wrong that is to be told as JSON. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			say_as_json(true);
	}
	for (int i = 1; i < argc; i++) {
		verbatim |= strcmp(argv[i], "--") == 0;
		if (verbatim || !take_option(&ctl, argc, argv, &i))
			rest[count++] = argv[i];
	}
	if (count == 0 || strcmp(rest[0], "--help") == 0 || strcmp(rest[0], "-h") == 0) {
		print_overview();
		free(rest);
		return count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	verb = ctl_find_verb(rest[0]);
	if (verb && count > 1 && strcmp(rest[1], "--help") == 0)
		status = run_help(&ctl, 2, (char *[]){rest[0], rest[0]});
	else if (verb)
		status = verb->run(&ctl, count, rest);
	else
		status = unknown_verb(rest[0]);
	sd_bus_flush_close_unref(ctl.bus);
	free(rest);
	return status;
}
