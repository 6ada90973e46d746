/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a machine: RAM in one object, shown below and above the hole for devices; the
 * firmware's ROM, when there is one, with shadow RAM in the first megabyte.
 */
#ifndef VMWP_MACHINE_MEMORY_H
#define VMWP_MACHINE_MEMORY_H

#include <stdint.h>

#include "base/macros.h"

struct machine;
struct machine_error;

/* Half-made memory is left for machine_memory_destroy(). */
int must_check machine_memory_create(struct machine *m, struct machine_error *ret_error);
void machine_memory_destroy(struct machine *m);

/* Guest address 0 in this process; contiguous up to the end of RAM below 4 GiB. */
uint8_t *machine_memory_host(const struct machine *m);

#endif
