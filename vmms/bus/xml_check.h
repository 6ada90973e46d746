/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XML that anybody may have checked: on a thread, one at a time, so that it takes nobody else's time.
 */
#ifndef VMMS_BUS_XML_CHECK_H
#define VMMS_BUS_XML_CHECK_H

#include <systemd/sd-bus.h>

#include "config/domain.h"
#include "daemon/manager.h"

/*
 * Parses `xml`; `done` replies to `m`, with an error where it returns one. `config` stays the caller's.
 * Refused where this client, or all together, have too much under way.
 */
int must_check xml_check(struct manager *manager, sd_bus_message *m, const char *xml,
			 int (*done)(struct manager *manager, sd_bus_message *m,
				     const struct domain *config, struct vm_error *err),
			 struct vm_error *err);
/* At the end of the connection: nobody waits any more. */
void xml_check_forget_all(struct manager *manager);

#endif
