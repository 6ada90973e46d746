/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * call_storm SetVMOptions VM N: sets the machine's notes to 1, 2, … N by calls over one connection that
 * do not wait for each other, and waits for all answers.
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

static int set_notes(sd_bus *bus, const char *vm, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	return sd_bus_call_method_async(bus, NULL, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
					"SetVMOptions", on_answer, NULL, "sa{sv}", vm, 1, "Notes",
					"s", text);
}

int main(int argc, char **argv)
{
	int count = argc == 4 ? atoi(argv[3]) : 0;
	sd_bus *bus = NULL;
	int r = 0;

	if (count < 1 || strcmp(argv[1], "SetVMOptions") != 0 || sd_bus_open_system(&bus) < 0) {
		fprintf(stderr, "Usage: %s SetVMOptions VM NUMBER\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (int i = 1; r >= 0 && i <= count; i++)
		r = set_notes(bus, argv[2], i);
	while (r >= 0 && answered < count) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	sd_bus_flush_close_unref(bus);
	return r < 0 || failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
