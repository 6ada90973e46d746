/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls over one connection that do not wait for each other; all answers are waited for.
 *
 * call_storm notes VM N          the machine's notes become 1, 2, … N
 * call_storm behind XML VM TEXT  DefineVM with the XML of a file, then the machine's notes become TEXT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "bus/names.h"

static int answered, failed;

static int on_answer(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const sd_bus_error *failure = sd_bus_message_get_error(m);

	answered++;
	if (!failure)
		return 0;
	failed++;
	fprintf(stderr, "%s\n", failure->message);
	return 0;
}

static int set_notes(sd_bus *bus, const char *vm, const char *text)
{
	return sd_bus_call_method_async(bus, NULL, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
					"SetVMOptions", on_answer, NULL, "sa{sv}", vm, 1, "Notes",
					"s", text);
}

static int count_notes(sd_bus *bus, const char *vm, int count)
{
	char text[16];
	int r = 0;

	for (int i = 1; r >= 0 && i <= count; i++) {
		snprintf(text, sizeof(text), "%d", i);
		r = set_notes(bus, vm, text);
	}
	return r < 0 ? r : count;
}

static int notes_behind(sd_bus *bus, const char *file, const char *vm, const char *text)
{
	static char xml[65536];
	FILE *in = fopen(file, "re");
	int r;

	if (!in || fread(xml, 1, sizeof(xml) - 1, in) == 0)
		return -1;
	fclose(in);
	r = sd_bus_call_method_async(bus, NULL, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
				     "DefineVM", on_answer, NULL, "su", xml, 0);
	if (r >= 0)
		r = set_notes(bus, vm, text);
	return r < 0 ? r : 2;
}

int main(int argc, char **argv)
{
	sd_bus *bus = NULL;
	int r = -1, count;

	if (sd_bus_open_system(&bus) < 0)
		return EXIT_FAILURE;
	if (argc == 4 && strcmp(argv[1], "notes") == 0)
		r = count_notes(bus, argv[2], atoi(argv[3]));
	else if (argc == 5 && strcmp(argv[1], "behind") == 0)
		r = notes_behind(bus, argv[2], argv[3], argv[4]);
	count = r;
	while (r >= 0 && answered < count) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	sd_bus_flush_close_unref(bus);
	return r < 0 || failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
