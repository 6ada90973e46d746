/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which MSRs a VP may touch, and what they do. One table (msr.c) says all of it. */
#pragma once

#include "core/types.h"

struct partition;
struct vp;

/* What a guest may have set in EFER. */
u64 msr_efer_bits(void);

/* False: #GP. Runs on the VP's processor. */
bool must_check msr_read(struct vp *vp, u32 msr, u64 *ret_value);
bool must_check msr_write(struct vp *vp, u32 msr, u64 value);

/* Whether it is in the partition's table at all. */
bool msr_exists(const struct partition *p, u32 msr);

/* Whether the processor must exit on it: what the vendor's permission map is made from. */
bool msr_intercepted(const struct partition *p, u32 msr, bool write);
