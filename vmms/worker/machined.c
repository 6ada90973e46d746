/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RegisterMachine.
 */
#include "worker/machined.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref, cleanup_message);

enum { NAME_MAX_LENGTH = 64 };

/* What may not stand in a host's name is left out. */
static void machine_name(const char *name, char *to)
{
	size_t length = (size_t)sprintf(to, "keelson-");

	for (; *name && length < NAME_MAX_LENGTH; name++) {
		if (isalnum((unsigned char)*name) || *name == '-')
			to[length++] = *name;
	}
	while (to[length - 1] == '-')
		length--;
	to[length] = '\0';
}

void machined_register(sd_bus *bus, const struct domain *config, pid_t pid)
{
	_cleanup_(cleanup_message) sd_bus_message *m = NULL;
	char name[NAME_MAX_LENGTH + 1];
	uint8_t id[16];
	int r = sd_bus_message_new_method_call(
		bus, &m, "org.freedesktop.machine1", "/org/freedesktop/machine1",
		"org.freedesktop.machine1.Manager", "RegisterMachine");

	machine_name(config->name, name);
	domain_uuid_bytes(config->uuid, id);
	if (r >= 0)
		r = sd_bus_message_append(m, "s", name);
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', id, sizeof(id));
	if (r >= 0)
		r = sd_bus_message_append(m, "ssus", "keelson", "vm", (uint32_t)pid, "");
	if (r >= 0)
		r = sd_bus_message_set_expect_reply(m, 0);
	if (r >= 0)
		r = sd_bus_send(bus, m, NULL);
	if (r < 0)
		log_debug("%s: systemd-machined: %s", config->name, strerror(-r));
}
