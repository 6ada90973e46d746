/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt descriptor table, shared by all processors, and its handler. */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include "cpu.h"

void trap_init(void);
void trap_load(void);

/* From entry.S. */
void trap_handle(struct trap_frame *f);

#endif
