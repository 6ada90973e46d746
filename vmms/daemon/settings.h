/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the administrator can set: /etc/keelson/vmms.conf (vmms.conf(5)) and the command line.
 */
#ifndef VMMS_DAEMON_SETTINGS_H
#define VMMS_DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/error.h"

struct settings {
	char *state_dir;   /* inventory, disks made by the daemon */
	char *runtime_dir; /* control sockets */
	char *worker;      /* the worker program */
	char *firmware;    /* BIOS image for machines without a kernel of their own */
	char *device;      /* of the hypervisor's driver */
	uint32_t uid_base; /* workers run as uid_base … uid_base + uid_count - 1 */
	uint32_t uid_count;
	bool sandbox;               /* namespaces, own uid */
	bool scopes;                /* a systemd scope in keelson.slice for each worker */
	uint32_t start_timeout;     /* seconds a worker may take to build its machine */
	uint32_t stop_timeout;      /* seconds a worker may take to power off before it is killed */
	uint32_t answer_timeout;    /* seconds a worker may take to answer a request */
	uint32_t inventory_timeout; /* seconds the inventory's disk may take before changes fail */
	uint32_t restart_delay;     /* first back-off of an automatic restart, milliseconds */
};

/* The built-in values. */
int must_check settings_init(struct settings *settings);
void settings_fini(struct settings *settings);

/* One setting, by the name it has in the file. InvalidArgument names it. */
int must_check settings_set(struct settings *settings, const char *key, const char *value,
			    struct vm_error *err);

/* Reads a file; one that does not exist changes nothing. Errors name file and line. */
int must_check settings_read(struct settings *settings, const char *path, struct vm_error *err);

#endif
