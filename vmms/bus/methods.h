/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The methods, and the tables that name them.
 */
#ifndef VMMS_BUS_METHODS_H
#define VMMS_BUS_METHODS_H

#include "bus/call.h"

/* Both the machine object's methods and, with VM behind the name, the manager's twins. */
const struct bus_method *vm_method_find(const char *member);
const struct bus_method *manager_method_find(const char *member);
const struct bus_method *network_method_find(const char *member);
/* The manager's property NetworkWarnings. */
int network_append_warnings(sd_bus_message *reply, const struct manager *manager);

/* The vtables' one handler. */
int on_method(sd_bus_message *m, void *data, sd_bus_error *error);

extern const sd_bus_vtable manager_vtable[], vm_vtable[], job_vtable[];

#endif
