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
/* APIC_EOI with the vector, MESSAGE_FREE with the SINTs. */
void intercept_word(struct vp *vp, u32 type, u32 word);
void intercept_crash(struct vp *vp, u64 control);
/* HvCallPostMessage; HvCallSignalEvent with its flag, `message` being NULL. */
void intercept_hypercall(struct vp *vp, u32 connection, u16 flag,
			 const struct hv_post_message_input *message);
/* HALT, UNRECOVERABLE_EXCEPTION, INVALID_VP_REGISTER, INTERRUPTION_DELIVERABLE. */
void intercept_plain(struct vp *vp, u32 type, u8 length);

/*
 * The pages as the parent will see them, when nothing changes any more; and what it changed there,
 * back into the VP.
 */
void intercept_save_registers(struct vp *vp);
void intercept_load_registers(struct vp *vp);
