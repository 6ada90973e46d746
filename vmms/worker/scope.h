/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A systemd scope in keelson.slice for a worker: its cgroup, with the limits of the configuration.
 * It outlives the daemon, whose own service may be restarted at any time.
 */
#ifndef VMMS_WORKER_SCOPE_H
#define VMMS_WORKER_SCOPE_H

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "config/domain.h"
#include "model/error.h"

struct scope;

/*
 * Asks systemd for the scope; `done` is called once, when the process is in it (err NULL) or it
 * cannot be made. scope_free() before that calls nothing.
 */
int must_check scope_create(sd_bus *bus, const struct domain *config, pid_t pid,
			    void (*done)(void *data, const struct vm_error *err), void *data,
			    struct scope **ret);
struct scope *scope_free(struct scope *scope);

#endif
