/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd's list of machines (machinectl). The loop's thread.
 */
#ifndef WORKER_MACHINED_H
#define WORKER_MACHINED_H

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "config/domain.h"

/*
 * Enters the machine as keelson-NAME, of class vm, into the list of systemd-machined where that is
 * installed; nothing is waited for, and nothing depends on it. `pid` is in the machine's scope,
 * whose end takes the machine from the list.
 */
void machined_register(sd_bus *bus, const struct domain *config, pid_t pid);

#endif
