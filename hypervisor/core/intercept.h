/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopping a child's VP: what its parent finds in the intercept page and the register page
 * (hv/intercept.h). Each function writes the record and suspends the VP; the run loop of
 * dispatch.c sees that and returns. All on the VP's processor, out of exit_handle().
 */
#pragma once

#include "core/virt.h"

struct hv_post_message_input;

void intercept_io(struct vp *vp, const struct vexit *e);
void intercept_memory(struct vp *vp, const struct vexit *e, bool mapped);
void intercept_msr(struct vp *vp, const struct vexit *e);
void intercept_cpuid(struct vp *vp, const struct vexit *e, const u32 result[4]);
void intercept_eoi(struct vp *vp, u8 vector);
void intercept_message_free(struct vp *vp, u32 sints);
void intercept_crash(struct vp *vp, u64 control);
/* HvCallPostMessage and HvCallSignalEvent. */
void intercept_post_message(struct vp *vp, const struct hv_post_message_input *message);
void intercept_signal_event(struct vp *vp, u32 connection, u16 flag);
/* HALT, UNRECOVERABLE_EXCEPTION, INVALID_VP_REGISTER, INTERRUPTION_DELIVERABLE. */
void intercept_plain(struct vp *vp, u32 type, u8 length);

/* The pages as the parent will see them, when nothing changes any more; and what it changed there, back into the VP. */
void intercept_save_registers(struct vp *vp);
void intercept_load_registers(struct vp *vp);
