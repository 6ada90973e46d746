/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon on D-Bus: org.keelson.vmms1. See vmms1 in doc/man for the interface.
 */
#ifndef VMMS_BUS_BUS_H
#define VMMS_BUS_BUS_H

#include "bus/names.h"
#include "daemon/manager.h"

struct bus;

/*
 * Connects to the system bus (DBUS_SYSTEM_BUS_ADDRESS where set), offers the objects and takes
 * the name. `lost` is called when the connection ends.
 */
int must_check bus_open(struct manager *manager, void (*lost)(void *data), void *data,
			struct bus **ret, struct vm_error *err);
struct bus *bus_close(struct bus *bus);

#endif
