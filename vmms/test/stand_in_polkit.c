/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A polkit authority for tests, on the bus that DBUS_SYSTEM_BUS_ADDRESS names: it allows the
 * actions given as arguments and denies all others. Prints "ready" once it has its name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

struct allowed {
	int count;
	char **actions;
};

static int on_check(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const struct allowed *allowed = data;
	const char *kind, *action;
	int yes = 0, r = sd_bus_message_enter_container(m, 'r', "sa{sv}");

	if (r >= 0)
		r = sd_bus_message_read(m, "s", &kind);
	if (r >= 0)
		r = sd_bus_message_skip(m, "a{sv}");
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	if (r >= 0)
		r = sd_bus_message_read(m, "s", &action);
	if (r < 0 || strcmp(kind, "system-bus-name") != 0)
		return -EINVAL;
	for (int i = 0; i < allowed->count; i++)
		yes |= strcmp(allowed->actions[i], action) == 0;
	return sd_bus_reply_method_return(m, "(bba{ss})", yes, 0, 0);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

int main(int argc, char **argv)
{
	struct allowed allowed = {argc - 1, argv + 1};
	sd_bus *bus = NULL;
	int r = sd_bus_open_system(&bus);

	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
					     "org.freedesktop.PolicyKit1.Authority", vtable,
					     &allowed);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0);
	if (r < 0) {
		fprintf(stderr, "%s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	printf("ready\n");
	fflush(stdout);
	while (r >= 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	return EXIT_SUCCESS;
}
