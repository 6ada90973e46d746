/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list, show, xml, rename, notes, autostart, clone, export, import, delete.
 */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bus/names.h"
#include "config/units.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/value.h"
#include "model/operation.h"

/* ── list ──────────────────────────────────────────────────────────────────────────────────── */

struct listed_vm {
	const char *uuid, *name, *power, *reason, *activity, *path, *job;
	uint32_t vcpus;
	uint64_t memory_kib;
	int autostart;
};

static int read_listed(sd_bus_message *reply, struct listed_vm *vm)
{
	return sd_bus_message_read(reply, "(sssssutboo)", &vm->uuid, &vm->name, &vm->power,
				   &vm->reason, &vm->activity, &vm->vcpus, &vm->memory_kib,
				   &vm->autostart, &vm->path, &vm->job);
}

static void list_json(struct json *json, const struct listed_vm *vm)
{
	json_open(json, NULL, '{');
	json_string(json, "uuid", vm->uuid);
	json_string(json, "name", vm->name);
	json_string(json, "power", vm->power);
	json_string(json, "reason", vm->reason);
	json_string(json, "activity", vm->activity);
	json_number(json, "vcpus", vm->vcpus);
	json_number(json, "memory_kib", vm->memory_kib);
	json_bool(json, "autostart", vm->autostart);
	json_close(json, '}');
}

static void list_row(struct table *table, const struct listed_vm *vm)
{
	char memory[32], vcpus[16];
	const char *job = strrchr(vm->job, '_');

	units_format_size(vm->memory_kib * 1024, memory, sizeof(memory));
	snprintf(vcpus, sizeof(vcpus), "%u", vm->vcpus);
	table_row(table, (const char *[]){vm->name, vm->power, vm->reason, vcpus, memory,
					  vm->autostart ? "yes" : "no", job ? job + 1 : "-"});
}

static int print_list(struct ctl *ctl, sd_bus_message *reply)
{
	static const char *const headings[] = {"NAME",   "STATE",     "REASON", "CPUS",
					       "MEMORY", "AUTOSTART", "JOB"};
	int r = sd_bus_message_enter_container(reply, 'a', "(sssssutboo)");
	struct listed_vm vm;
	struct listing list;

	listing_begin(&list, ctl->json, ARRAY_SIZE(headings), headings);
	while (r >= 0 && (r = read_listed(reply, &vm)) > 0) {
		if (ctl->json)
			list_json(&list.json, &vm);
		else
			list_row(&list.table, &vm);
	}
	listing_end(&list);
	return r < 0 ? ctl_bad_reply(r) : EXIT_SUCCESS;
}

static int run_list(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;

	if (!ctl_arguments(argc, argv, 0, 0))
		return EXIT_FAILURE;
	if (ctl_call(ctl, "ListVMs", &reply, "") < 0)
		return EXIT_FAILURE;
	return print_list(ctl, reply);
}

/* ── show ──────────────────────────────────────────────────────────────────────────────────── */

/* One of the simple types that the machine's properties have. */
static int print_simple(struct json *json, bool as_json, const char *key, sd_bus_message *m,
			char type)
{
	union {
		const char *s;
		uint32_t u;
		uint64_t t;
		int b;
	} value;
	int r = sd_bus_message_read_basic(m, type, &value);
	char text[64];

	if (r < 0)
		return r;
	if (type == 's' || type == 'o') {
		if (as_json)
			json_string(json, key, value.s);
		else if (*value.s && strcmp(value.s, "/") != 0)
			printf("%-20s %s\n", key, value.s);
	} else if (type == 'b') {
		if (as_json)
			json_bool(json, key, value.b);
		else
			printf("%-20s %s\n", key, value.b ? "yes" : "no");
	} else {
		uint64_t number = type == 'u' ? value.u : value.t;

		value_format(key, number, text, sizeof(text));
		if (as_json)
			json_number(json, key, number);
		else
			printf("%-20.*s %s\n", value_label_length(key), key, text);
	}
	return 0;
}

/* What a person can type for an operation; the operation itself where it is none of ours. */
static const char *verbs_of(const char *name)
{
	enum vm_operation operation;

	return vm_operation_parse(name, &operation) ? vm_operation_info(operation)->verbs : name;
}

/* AvailableOperations, the only list there is. */
static int print_strings(struct json *json, bool as_json, const char *key, sd_bus_message *m)
{
	const char *item, *verbs, *before = " ";
	int r = sd_bus_message_enter_container(m, 'a', "s");

	if (as_json)
		json_open(json, key, '[');
	else
		printf("%-20s", "Possible now");
	while (r >= 0 && (r = sd_bus_message_read(m, "s", &item)) > 0) {
		if (as_json)
			json_string(json, NULL, item);
		else if ((verbs = verbs_of(item))) {
			printf("%s%s", before, verbs);
			before = ", ";
		}
	}
	if (as_json)
		json_close(json, ']');
	else
		printf("\n");
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int print_libvirt_state(struct json *json, bool as_json, sd_bus_message *m)
{
	int32_t state, reason;
	int saved, r = sd_bus_message_read(m, "(iib)", &state, &reason, &saved);

	if (r < 0 || !as_json)
		return r;
	json_open(json, "LibvirtState", '{');
	json_number(json, "state", (uint64_t)state);
	json_number(json, "reason", (uint64_t)reason);
	json_bool(json, "managed_save", saved);
	json_close(json, '}');
	return 0;
}

static int print_property(struct json *json, bool as_json, sd_bus_message *m)
{
	const char *key, *contents;
	int r = sd_bus_message_read(m, "s", &key);

	if (r >= 0)
		r = sd_bus_message_peek_type(m, NULL, &contents);
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'v', contents);
	if (r < 0)
		return r;
	if (strcmp(contents, "as") == 0)
		r = print_strings(json, as_json, key, m);
	else if (strcmp(contents, "(iib)") == 0)
		r = print_libvirt_state(json, as_json, m);
	else
		r = print_simple(json, as_json, key, m, contents[0]);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int print_properties(struct ctl *ctl, struct json *json, const char *path)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	int r = sd_bus_call_method(ctl->bus, BUS_NAME, path, "org.freedesktop.DBus.Properties",
				   "GetAll", NULL, &reply, "s", BUS_VM_INTERFACE);

	if (r >= 0)
		r = sd_bus_message_enter_container(reply, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
		r = print_property(json, ctl->json, reply);
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	return r;
}

static int print_values(struct ctl *ctl, struct json *json, const char *name)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *key, *value;
	char text[1024];
	int r = ctl_call(ctl, "GetVMValues", &reply, "s", name);

	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(reply, 'a', "(ss)");
	if (ctl->json)
		json_open(json, "configuration", '{');
	else
		printf("\n");
	while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &key, &value)) > 0) {
		if (ctl->json)
			json_string(json, key, value);
		else if (*value) {
			value_format_setting(key, value, text, sizeof(text));
			printf("%-20s %s\n", key, text);
		}
	}
	if (ctl->json)
		json_close(json, '}');
	return r;
}

static int run_show(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_free_ char *path = NULL;
	struct json json;
	int r;

	if (!ctl_arguments(argc, argv, 1, 1) || !(path = ctl_vm_path(ctl, argv[1])))
		return EXIT_FAILURE;
	json_begin(&json, stdout);
	if (ctl->json)
		json_open(&json, NULL, '{');
	r = print_properties(ctl, &json, path);
	if (r >= 0)
		r = print_values(ctl, &json, argv[1]);
	if (r < 0)
		return ctl_bad_reply(r);
	if (ctl->json) {
		json_close(&json, '}');
		json_end(&json);
	}
	return EXIT_SUCCESS;
}

static int run_xml(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct json json;
	const char *xml;
	int r;

	if (!ctl_arguments(argc, argv, 1, 1) || ctl_call(ctl, "GetVMXML", &reply, "s", argv[1]) < 0)
		return EXIT_FAILURE;
	r = sd_bus_message_read(reply, "s", &xml);
	if (r < 0)
		return ctl_bad_reply(r);
	if (!ctl->json) {
		fputs(xml, stdout);
		return EXIT_SUCCESS;
	}
	json_begin(&json, stdout);
	json_open(&json, NULL, '{');
	json_string(&json, "xml", xml);
	json_close(&json, '}');
	json_end(&json);
	return EXIT_SUCCESS;
}

/* ── options of a machine ──────────────────────────────────────────────────────────────────── */

static int run_rename(struct ctl *ctl, int argc, char **argv)
{
	if (!ctl_arguments(argc, argv, 2, 2))
		return EXIT_FAILURE;
	return ctl_done_if(ctl_call(ctl, "RenameVM", NULL, "ss", argv[1], argv[2]), argv[1],
			   "renamed to %s", argv[2]);
}

static int run_notes(struct ctl *ctl, int argc, char **argv)
{
	if (argc != 3) /* the text may begin with a dash */
		return ctl_usage(argv[0]);
	return ctl_done_if(
		ctl_call(ctl, "SetVMOptions", NULL, "sa{sv}", argv[1], 1, "Notes", "s", argv[2]),
		argv[1], *argv[2] ? "notes set" : "notes removed");
}

static const struct option autostart_options[] = {
	{"order", required_argument, NULL, 'o'},
	{"delay", required_argument, NULL, 'd'},
	{"stop-action", required_argument, NULL, 'a'},
	{"stop-timeout", required_argument, NULL, 't'},
	{NULL, 0, NULL, 0},
};

static int append_number(sd_bus_message *m, const char *key, const char *option, const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (!*text || *end || *text == '-' || number > UINT_MAX) {
		ctl_fail("%s takes a whole number, not '%s'", option, text);
		return -1;
	}
	return sd_bus_message_append(m, "{sv}", key, "u", (uint32_t)number);
}

/* Negative, and told, for what is none. */
static int append_autostart_option(sd_bus_message *m, int option)
{
	switch (option) {
	case 'o':
		return append_number(m, "AutostartOrder", "--order", optarg);
	case 'd':
		return append_number(m, "AutostartDelay", "--delay", optarg);
	case 't':
		return append_number(m, "StopTimeout", "--stop-timeout", optarg);
	case 'a':
		return sd_bus_message_append(m, "{sv}", "StopAction", "s", optarg);
	default:
		return -1;
	}
}

/* The machine's name comes first in the message: options are read once to find it, then to send them. */
static int autostart_words(int argc, char **argv)
{
	int option;

	optind = 0;
	while ((option = ctl_next_option(argc, argv, autostart_options)) != -1) {
		if (option == '?')
			return -1;
	}
	return optind;
}

static int run_autostart(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *options = NULL;
	const char *name, *word;
	int option, r,
		first = autostart_words(argc, argv); /* the words are behind the options now */

	if (first < 0)
		return EXIT_FAILURE;
	name = argv[first];
	word = name ? argv[first + 1] : NULL;
	if (!name || first + 2 < argc ||
	    (word && strcmp(word, "on") != 0 && strcmp(word, "off") != 0))
		return ctl_usage(argv[0]);
	options = ctl_message(ctl, "SetVMOptions");
	r = sd_bus_message_append(options, "s", name);
	if (r >= 0)
		r = sd_bus_message_open_container(options, 'a', "{sv}");
	if (r >= 0 && word)
		r = sd_bus_message_append(options, "{sv}", "Autostart", "b",
					  strcmp(word, "on") == 0);
	optind = 0;
	while (r >= 0 && (option = ctl_next_option(argc, argv, autostart_options)) != -1)
		r = append_autostart_option(options, option);
	if (r < 0)
		return EXIT_FAILURE;
	r = sd_bus_message_close_container(options);
	return ctl_done_if(r < 0 ? r : ctl_send(ctl, options, NULL), name, "autostart %s",
			   word ? word : "set");
}

/* ── files ─────────────────────────────────────────────────────────────────────────────────── */

static int run_clone(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;

	if (!ctl_arguments(argc, argv, 2, 2))
		return EXIT_FAILURE;
	if (ctl_begin_job(ctl, argv[1], &reply, "CloneVM", "ss", argv[1], argv[2]) < 0)
		return EXIT_FAILURE;
	return ctl_finish_job(ctl, reply, argv[2], "made");
}

/* A path of this machine means the same to a daemon here, not to one elsewhere. */
static char *daemon_path(const struct ctl *ctl, const char *path)
{
	char *result = ctl->host ? strdup(path) : realpath(path, NULL);

	if (!result)
		ctl_fail("%s: %m", path);
	return result;
}

static int run_export(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_free_ char *directory = NULL, *done = NULL;

	if (!ctl_arguments(argc, argv, 2, 2))
		return EXIT_FAILURE;
	directory = daemon_path(ctl, argv[2]);
	if (!directory)
		return EXIT_FAILURE;
	if (ctl_begin_job(ctl, argv[1], &reply, "ExportVM", "ss", argv[1], directory) < 0)
		return EXIT_FAILURE;
	if (asprintf(&done, "exported to a folder in %s", directory) < 0)
		done = NULL;
	return ctl_finish_job(ctl, reply, argv[1], done ? done : "exported");
}

static const struct option import_options[] = {
	{"copy", no_argument, NULL, 'c'},
	{"new-id", no_argument, NULL, 'i'},
	{"name", required_argument, NULL, 'n'},
	{NULL, 0, NULL, 0},
};

enum { IMPORT_COPY = 1, IMPORT_NEW_ID = 2 }; /* of ImportVM */

static int run_import(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_free_ char *folder = NULL;
	const char *name = "";
	uint32_t flags = 0;
	int option;

	optind = 0;
	while ((option = ctl_next_option(argc, argv, import_options)) != -1) {
		if (option == 'c')
			flags |= IMPORT_COPY;
		else if (option == 'i')
			flags |= IMPORT_NEW_ID;
		else if (option == 'n')
			name = optarg;
		else
			return EXIT_FAILURE;
	}
	if (optind + 1 != argc)
		return ctl_usage(argv[0]);
	folder = daemon_path(ctl, argv[optind]);
	if (!folder)
		return EXIT_FAILURE;
	if (ctl_begin_job(ctl, name, &reply, "ImportVM", "ssu", folder, name, flags) < 0)
		return EXIT_FAILURE;
	return ctl_finish_job(ctl, reply, *name ? name : folder, "imported");
}

enum { DELETE_STORAGE = 1, DELETE_FORCE = 2 }; /* of DeleteVM */

static const struct option delete_options[] = {
	{"storage", no_argument, NULL, 's'},
	{"force", no_argument, NULL, 'f'},
	{NULL, 0, NULL, 0},
};

static int run_delete(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *name;
	uint32_t flags = 0;
	int option;

	optind = 0;
	while ((option = ctl_next_option(argc, argv, delete_options)) != -1) {
		if (option == '?')
			return EXIT_FAILURE;
		flags |= option == 's' ? DELETE_STORAGE : DELETE_FORCE;
	}
	if (optind + 1 != argc || flags == DELETE_FORCE)
		return ctl_usage(argv[0]);
	name = argv[optind];
	if (ctl_begin_job(ctl, name, &reply, "DeleteVM", "su", name, flags) < 0)
		return EXIT_FAILURE;
	return ctl_finish_job(ctl, reply, name,
			      flags & DELETE_STORAGE ? "deleted" : "deleted; its disks are kept");
}

const struct verb inventory_verbs[] = {
	{"list", "", "list the machines and their states", NULL, run_list, ""},
	{"show", "VM", "show all that is known of a machine",
	 "\"Possible now\" has the verbs that can be used on it now.\n", run_show, "vm"},
	{"xml", "VM", "print a machine's configuration as XML", NULL, run_xml, "vm"},
	{"rename", "VM NAME", "give a machine another name", NULL, run_rename, "vm"},
	{"notes", "VM TEXT", "set a machine's notes", NULL, run_notes, "vm"},
	{"autostart", "VM [on|off] [OPTION]…", "set what happens at the host's boot and shutdown",
	 "  --order N             machines start by rising, and stop by falling order (0)\n"
	 "  --delay SECONDS       wait after the machine before this one (0)\n"
	 "  --stop-action ACTION  at host shutdown: shutdown, or turn-off\n"
	 "  --stop-timeout SECONDS\n"
	 "                        how long a guest may take to shut down (120)\n",
	 run_autostart, "vm"},
	{"clone", "VM NAME", "make a copy of a machine that is off",
	 "Disks are copied to files named after the new machine, beside the old ones;\n"
	 "read-only disks are shared. The copy has its own UUID and network addresses.\n",
	 run_clone, "vm"},
	{"export", "VM DIRECTORY", "copy a machine that is off to a folder",
	 "DIRECTORY gets a folder with the machine's name, which holds all of it: disks, CDs, "
	 "boot\n"
	 "files, XML, notes, automatic start and stop action. It can be moved, and imported.\n",
	 run_export, "vm"},
	{"import", "FOLDER [OPTION]…", "take a machine from a folder that was exported",
	 "  --copy        copy its files to the disks of this host; else they are used where they\n"
	 "                are\n"
	 "  --name NAME   under another name\n"
	 "  --new-id      with a new UUID and new network addresses, beside the machine itself\n",
	 run_import, "file"},
	{"delete", "VM [--storage [--force]]", "delete a machine that is off",
	 "  --storage   its disk files too: those that vmms has made, by create, clone or import,\n"
	 "              unless another machine uses them. What stays is told.\n"
	 "  --force     also disk files that were there before\n",
	 run_delete, "vm"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
