/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions for a VP, and what is on its way into it.
 *
 *   vp->exception      waits for the next entry (HvRegisterPendingEvent0); vp->held says whether
 *   virt->get_event()  is being delivered: the next entry begins with it (HvRegisterPendingInterruption)
 *
 * Of two that meet, one may be in the course of delivery when the other comes, event_inject() makes
 * what the processor makes of them (SDM 3A table 6-5, APM 2 8.2.9).
 */
#pragma once

#include "core/virt.h"
#include "hv/register.h"

#define DR6_GENERAL_DETECT BIT(13)
#define DR6_SINGLE_STEP    BIT(14)

/* Something that an entry delivers first of all. */
struct event {
	enum hv_interruption_type type;
	u8 vector;
	bool has_error;
	u32 error;
};

/*
 * The VP takes the exception before its next instruction; error: NO_ERROR_CODE if there is none.
 * `parameter`: CR2 of #PF, of #DB what HvRegisterPendingEvent0 has; else 0.
 */
void event_raise(struct vp *vp, u8 vector, u32 error, u64 parameter);

/*
 * The instruction at RIP, of this length, has been carried out for the guest. The one place that
 * moves RIP: the interrupt shadow and RFLAGS.RF end (SDM 3A 17.3.1.1), and with RFLAGS.TF there is a
 * single-step trap (SDM 3A 17.3.1.4). Length 0: RIP is there already.
 */
static inline void event_advance(struct vp *vp, u8 length)
{
	virt->advance(vp, length);
}

/* virt->advance() found RFLAGS.TF set. */
void event_single_step(struct vp *vp);

/*
 * The exception goes in at the next entry, CR2 and DR6 being right. What was being delivered when it
 * came decides: two that make #DF do; an interrupt or NMI comes again later; any other exception is
 * forgotten, its instruction begins anew. With three it is a shutdown, and exit_shutdown() is called.
 */
void event_inject(struct vp *vp, u8 vector, u32 error);

/* The same of vp->exception, which there is. */
void event_inject_held(struct vp *vp);

/*
 * What a DR6 that was empty before reports, in the form of the parameter; and a DR6 with that reported.
 * B0 to B3 are of the last exception only, the rest stays until the guest clears it; BLD and RTM are 0
 * in DR6 to say that it was so (SDM 3A 17.2.3, APM 2 13.1.1.3).
 */
u64 event_dr6_reports(u64 dr6);
u64 event_dr6(u64 before, u64 reported);

/* As TLFS registers. Setters: the value is one that can be (hv/register.h). */
u64 event_pending_interruption(const struct vp *vp);
void event_set_pending_interruption(struct vp *vp, u64 value);
union hv_register_value event_pending_event(const struct vp *vp);
void event_set_pending_event(struct vp *vp, const union hv_register_value *value);
