/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting machines one after the other at the host's boot, and stopping them in the reverse
 * order at its shutdown.
 */
#ifndef VMMS_DAEMON_SEQUENCE_H
#define VMMS_DAEMON_SEQUENCE_H

#include "daemon/manager.h"

/* Starts the machines marked so, by order and name, each after its delay. */
void sequence_autostart(struct manager *manager);

/*
 * Stops all machines by their stop actions, the highest order first; those of one order at once.
 * No start begins any more, except on request.
 */
void sequence_stop_all(struct manager *manager);

/* Did an earlier daemon of this boot end while it was stopping all machines? */
bool sequence_stop_interrupted(const struct manager *manager);

/* A machine has gone off. */
void sequence_vm_off(struct manager *manager);

#endif
