/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The four synthetic timers of a VP (TLFS 12.3), in reference time. */
#pragma once

#include "core/types.h"

struct vp;

void stimer_init(struct vp *vp);

/* STIMER0_CONFIG … STIMER3_COUNT; false: #GP. On the VP's processor or while it is stopped. */
bool must_check stimer_msr_read(const struct vp *vp, u32 msr, u64 *ret_value);
bool must_check stimer_msr_write(struct vp *vp, u32 msr, u64 value);

/* A slot was freed: messages that waited for it go out. */
void stimer_retry(struct vp *vp);

/* The reference time was set: running timers expire when they did before, in the new count. */
void stimer_rearm(struct vp *vp);

/*
 * Puts a timer back as it was, and what it takes to do so: when it expires, or the message that waits
 * for its slot expired; 0: neither.
 */
u64 stimer_expiration(const struct vp *vp, u32 n);
void stimer_restore(struct vp *vp, u32 n, u64 config, u64 count, u64 expiration);
