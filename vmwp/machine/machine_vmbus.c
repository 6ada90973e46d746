/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See machine_vmbus.h. VMBus has locks of its own and never asks for the machine's. It has no saved
 * state yet: a machine that is restored would have to have its guest connect anew.
 */
#include "machine_vmbus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine/machine.h"
#include "vsp/services.h"
#include "vsp/vmbus.h"

struct machine_vmbus {
	struct vdev_device device;
	struct machine *machine;
};

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * VDEV_SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t now(void *owner)
{
	return read_ns(CLOCK_MONOTONIC);
}

static uint64_t date(void *owner)
{
	return read_ns(CLOCK_REALTIME);
}

static struct machine *machine_of(struct vdev_device *device)
{
	return container_of(device, struct machine_vmbus, device)->machine;
}

static void reset(struct vdev_device *device)
{
	vsp_vmbus_reset(machine_of(device)->vmbus);
}

static void save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
}

static int restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	vsp_vmbus_reset(machine_of(device)->vmbus);
	return 0;
}

static void destroy(struct vdev_device *device)
{
	struct machine *m = machine_of(device);

	vsp_storvsp_destroy(m->storvsp);
	vsp_services_destroy(m->services);
	vsp_vmbus_destroy(m->vmbus);
	m->storvsp = NULL;
	m->services = NULL;
	m->vmbus = NULL;
	free(container_of(device, struct machine_vmbus, device));
}

static const struct vdev_device_class class = {
	.type = "VMBus",
	.version = 1,
	.reset = reset,
	.save = save,
	.restore = restore,
	.destroy = destroy,
};

static int add_storage(struct machine *m)
{
	struct vsp_storvsp_config config = {
		.vmbus = m->vmbus, .partition = m->partition, .engine = m->config.scsi_engine};
	bool any = false;

	memcpy(config.machine, m->config.uuid, sizeof config.machine);
	for (unsigned int i = 0; i < MACHINE_SCSI_DISKS; i++) {
		config.lun[i] = m->config.scsi[i];
		any |= config.lun[i].disk != NULL;
	}
	return any ? vsp_storvsp_create(&config, &m->storvsp) : 0;
}

int machine_vmbus_create(struct machine *m, struct vdev_device **ret_device)
{
	static const struct vsp_services_ops ops = {now, date};
	struct machine_vmbus *vmbus = calloc(1, sizeof *vmbus);
	int r;

	if (!vmbus)
		return -ENOMEM;
	vdev_device_init(&vmbus->device, &class, "vmbus");
	vmbus->machine = m;
	r = vsp_vmbus_create(m->partition, &m->vmbus);
	if (r == 0)
		r = vsp_services_create(m->vmbus, m->partition, &ops, NULL, &m->services);
	if (r == 0)
		r = add_storage(m);
	if (r < 0) {
		destroy(&vmbus->device);
		return r;
	}
	*ret_device = &vmbus->device;
	return 0;
}
