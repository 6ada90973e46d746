/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon on D-Bus: org.keelson.vmms1. See vmms1 in doc/man for the interface.
 */
#ifndef VMMS_BUS_BUS_H
#define VMMS_BUS_BUS_H

#include "daemon/manager.h"

#define BUS_NAME              "org.keelson.vmms1"
#define BUS_PATH              "/org/keelson/vmms1"
#define BUS_VM_PREFIX         "/org/keelson/vmms1/vm"
#define BUS_JOB_PREFIX        "/org/keelson/vmms1/job"
#define BUS_MANAGER_INTERFACE "org.keelson.vmms1.Manager"
#define BUS_VM_INTERFACE      "org.keelson.vmms1.VM"
#define BUS_JOB_INTERFACE     "org.keelson.vmms1.Job"

struct bus;

/*
 * Connects to the system bus (DBUS_SYSTEM_BUS_ADDRESS where set), offers the objects and takes
 * the name. `lost` is called when the connection ends.
 */
int must_check bus_open(struct manager *manager, void (*lost)(void *data), void *data,
			struct bus **ret, struct vm_error *err);
struct bus *bus_close(struct bus *bus);

#endif
