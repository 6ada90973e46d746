/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of calls, one per file that serves some; hypercall.c searches them in this order. */
#pragma once

#include "core/hypercall.h"
#include "hv/cpuid.h"

/* What most calls of a parent need. */
#define MANAGE ((u64)HV_CREATE_PARTITIONS << 32)

extern const struct hypercall_kind guest_calls[];     /* messages and events, by guests */
extern const struct hypercall_kind dispatch_calls[];  /* running VPs, interrupts */
extern const struct hypercall_kind memory_calls[];    /* deposits and guest maps */
extern const struct hypercall_kind partition_calls[]; /* life and properties */
extern const struct hypercall_kind vp_calls[];        /* VPs, registers, intercepts */
extern const struct hypercall_kind state_calls[];     /* VP state in one piece */
extern const struct hypercall_kind keelson_calls[];
