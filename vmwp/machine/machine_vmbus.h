/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's end of VMBus, as a device of the list: what a reset of the machine is to it.
 */
#ifndef VMWP_MACHINE_VMBUS_H
#define VMWP_MACHINE_VMBUS_H

#include "base/macros.h"

struct machine;
struct vdev_device;

/*
 * Makes m->vmbus, m->services and, if there are disks for it, m->storvsp. They end with the device.
 * Whoever has threads starts the one of storvsp.
 */
int must_check machine_vmbus_create(struct machine *m, struct vdev_device **ret_device);

#endif
