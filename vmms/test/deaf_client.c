/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deaf_client N: asks the daemon N times for all events, and reads no answer until it is killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "bus/names.h"

static int ask(sd_bus *bus)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
					       "ListEvents");

	if (r >= 0)
		r = sd_bus_message_append(m, "stu", "", (uint64_t)0, UINT32_MAX);
	if (r >= 0)
		r = sd_bus_send(bus, m, NULL);
	sd_bus_message_unref(m);
	return r;
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;
	sd_bus *bus = NULL;

	if (count < 1 || sd_bus_open_system(&bus) < 0) {
		fprintf(stderr, "Usage: %s NUMBER\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (int i = 0; i < count; i++) {
		if (ask(bus) < 0)
			return EXIT_FAILURE;
	}
	sd_bus_flush(bus);
	puts("asked");
	fflush(stdout);
	pause();
	return EXIT_SUCCESS;
}
