/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MSRs of the TLFS: guest identity, hypercall page, clocks, VP assist page, crash report. */
#pragma once

#include "core/types.h"

struct vp;

#define SYNTHETIC_MSR_FIRST 0x40000000u
#define SYNTHETIC_MSR_LAST  0x4000ffffu

/* False: #GP, also for those that this partition's features do not show. */
bool must_check synthetic_msr_read(struct vp *vp, u32 msr, u64 *ret_value);
bool must_check synthetic_msr_write(struct vp *vp, u32 msr, u64 value);
