/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the states, and what they are called in libvirt.
 */
#include "model/state.h"

#include <string.h>

#include <libvirt/libvirt.h>

static const char *const power_names[VM_POWER_COUNT] = {
	[VM_POWER_OFF] = "off",           [VM_POWER_SAVED] = "saved",
	[VM_POWER_STARTING] = "starting", [VM_POWER_RUNNING] = "running",
	[VM_POWER_PAUSING] = "pausing",   [VM_POWER_PAUSED] = "paused",
	[VM_POWER_RESUMING] = "resuming", [VM_POWER_SAVING] = "saving",
	[VM_POWER_STOPPING] = "stopping",
};

static const char *const reason_names[VM_REASON_COUNT] = {
	[VM_REASON_NONE] = "none",
	[VM_REASON_NEVER_STARTED] = "never-started",
	[VM_REASON_STARTED] = "started",
	[VM_REASON_RESUMED] = "resumed",
	[VM_REASON_REQUESTED] = "requested",
	[VM_REASON_GUEST_OFF] = "guest-off",
	[VM_REASON_GUEST_CRASHED] = "guest-crashed",
	[VM_REASON_WORKER_DIED] = "worker-died",
	[VM_REASON_START_FAILED] = "start-failed",
	[VM_REASON_HOST_ERROR] = "host-error",
	[VM_REASON_HOST_SHUTDOWN] = "host-shutdown",
	[VM_REASON_LOW_DISK] = "low-disk",
	[VM_REASON_DAMAGED] = "damaged",
};

static const char *const activity_names[VM_ACTIVITY_COUNT] = {
	[VM_ACTIVITY_NOT_ACTIVE] = "not-active",
	[VM_ACTIVITY_STARTING] = "starting",
	[VM_ACTIVITY_ACTIVE] = "active",
	[VM_ACTIVITY_TAKING_SNAPSHOT] = "taking-snapshot",
	[VM_ACTIVITY_APPLYING_SNAPSHOT] = "applying-snapshot",
	[VM_ACTIVITY_DELETING_SNAPSHOT] = "deleting-snapshot",
	[VM_ACTIVITY_MERGING_DISK] = "merging-disk",
};

const char *vm_power_name(enum vm_power power)
{
	return power_names[power];
}

const char *vm_reason_name(enum vm_reason reason)
{
	return reason_names[reason];
}

const char *vm_activity_name(enum vm_activity activity)
{
	return activity_names[activity];
}

static int find_name(const char *const names[], int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

bool vm_power_parse(const char *name, enum vm_power *ret)
{
	int found = find_name(power_names, VM_POWER_COUNT, name);

	if (found < 0)
		return false;
	*ret = (enum vm_power)found;
	return true;
}

bool vm_reason_parse(const char *name, enum vm_reason *ret)
{
	int found = find_name(reason_names, VM_REASON_COUNT, name);

	if (found < 0)
		return false;
	*ret = (enum vm_reason)found;
	return true;
}

bool vm_power_has_worker(enum vm_power power)
{
	return power != VM_POWER_OFF && power != VM_POWER_SAVED;
}

bool vm_power_in_transition(enum vm_power power)
{
	switch (power) {
	case VM_POWER_STARTING:
	case VM_POWER_PAUSING:
	case VM_POWER_RESUMING:
	case VM_POWER_SAVING:
	case VM_POWER_STOPPING:
		return true;
	default:
		return false;
	}
}

enum vm_activity vm_activity_at_rest(enum vm_power power)
{
	if (!vm_power_has_worker(power))
		return VM_ACTIVITY_NOT_ACTIVE;
	return power == VM_POWER_STARTING ? VM_ACTIVITY_STARTING : VM_ACTIVITY_ACTIVE;
}

static int shutoff_reason(enum vm_reason reason)
{
	switch (reason) {
	case VM_REASON_REQUESTED:
		return VIR_DOMAIN_SHUTOFF_DESTROYED;
	case VM_REASON_GUEST_OFF:
	case VM_REASON_HOST_SHUTDOWN:
		return VIR_DOMAIN_SHUTOFF_SHUTDOWN;
	case VM_REASON_GUEST_CRASHED:
	case VM_REASON_WORKER_DIED:
		return VIR_DOMAIN_SHUTOFF_CRASHED;
	case VM_REASON_START_FAILED:
	case VM_REASON_HOST_ERROR:
	case VM_REASON_DAMAGED:
		return VIR_DOMAIN_SHUTOFF_FAILED;
	default:
		return VIR_DOMAIN_SHUTOFF_UNKNOWN;
	}
}

static int paused_reason(enum vm_reason reason)
{
	switch (reason) {
	case VM_REASON_REQUESTED:
		return VIR_DOMAIN_PAUSED_USER;
	case VM_REASON_LOW_DISK:
		return VIR_DOMAIN_PAUSED_IOERROR;
	case VM_REASON_GUEST_CRASHED:
		return VIR_DOMAIN_PAUSED_CRASHED;
	default:
		return VIR_DOMAIN_PAUSED_UNKNOWN;
	}
}

struct vm_libvirt_state vm_libvirt_state(enum vm_power power, enum vm_reason reason)
{
	switch (power) {
	case VM_POWER_OFF:
		return (struct vm_libvirt_state){.state = VIR_DOMAIN_SHUTOFF,
						 .reason = shutoff_reason(reason)};
	case VM_POWER_SAVED:
		return (struct vm_libvirt_state){.state = VIR_DOMAIN_SHUTOFF,
						 .reason = VIR_DOMAIN_SHUTOFF_SAVED,
						 .managed_save = true};
	case VM_POWER_PAUSED:
		return (struct vm_libvirt_state){.state = VIR_DOMAIN_PAUSED,
						 .reason = paused_reason(reason)};
	case VM_POWER_STOPPING:
		return (struct vm_libvirt_state){.state = VIR_DOMAIN_SHUTDOWN,
						 .reason = VIR_DOMAIN_SHUTDOWN_USER};
	default:
		return (struct vm_libvirt_state){.state = VIR_DOMAIN_RUNNING,
						 .reason = reason == VM_REASON_RESUMED
								   ? VIR_DOMAIN_RUNNING_UNPAUSED
								   : VIR_DOMAIN_RUNNING_BOOTED};
	}
}
