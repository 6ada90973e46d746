/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units of systemd: started and stopped, and what came of it.
 */
#ifndef VMMS_NET_UNIT_H
#define VMMS_NET_UNIT_H

#include <stddef.h>
#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "model/error.h"

struct unit_job;

/* A name as it stands behind the @ of a unit: systemd.unit(5), "String Escaping for Inclusion". */
void unit_escape(const char *name, char *to, size_t size);

/*
 * Calls `method` (RestartUnit, StopUnit) for `unit`. `done` is called once, when systemd's job has
 * ended or could not be made.
 */
int must_check unit_job_start(sd_bus *bus, const char *method, const char *unit,
			      void (*done)(void *data, const struct vm_error *err), void *data,
			      struct unit_job **ret);
/* `done` is not called. Returns NULL. */
struct unit_job *unit_job_free(struct unit_job *job);

#endif
