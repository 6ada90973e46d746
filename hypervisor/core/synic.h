/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The synthetic interrupt controller (TLFS 11): sixteen sources, each with a message slot in the
 * SIM page and 2,048 flags in the SIEF page of the VP. Both pages are guest RAM.
 */
#pragma once

#include "core/types.h"
#include "hv/status.h"
#include "hv/synic.h"

struct vp;

void synic_init(struct vp *vp);

/* SCONTROL … SINT15; false: #GP. On the VP's processor or while it is stopped. */
bool must_check synic_msr_read(const struct vp *vp, u32 msr, u64 *ret_value);
bool must_check synic_msr_write(struct vp *vp, u32 msr, u64 value);

/*
 * Puts a message into the SINT's slot and raises its vector, unless masked. Any processor.
 * INSUFFICIENT_BUFFERS: the slot is full; synic_slots_freed() will name the SINT once.
 * INVALID_SYNIC_STATE: the SynIC or its page is off.
 */
hv_status must_check synic_post(struct vp *vp, u32 sint, const struct hv_message *message);

/*
 * Sets an event flag and raises the vector if it was clear. Any processor.
 * INVALID_SYNIC_STATE: the SynIC, its page or the SINT is off. ret_newly may be NULL.
 */
hv_status synic_signal(struct vp *vp, u32 sint, u32 flag, bool *ret_newly);

/*
 * Whether a flag that was set still waits, and whoever takes it sees what was written before this call.
 * As far as the page is known: false if it is to be looked up.
 */
bool synic_is_signaled(const struct vp *vp, u32 sint, u32 flag);

/* At EOM and EOI: SINTs whose slot was full when somebody came, and is free now. */
u32 synic_slots_freed(struct vp *vp);
