/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual processor: what of it does not depend on the vendor. The vendor's part (VMCB, VMCS)
 * hangs on `arch`.
 *
 * Owner: the logical processor that runs it, except for `events`, which any processor sets.
 */
#ifndef CORE_VP_H
#define CORE_VP_H

#include "core/lapic.h"
#include "core/types.h"

struct partition;
struct virt_vp;

/* Bits of vp->events: what another processor wants of this VP. Set with vp_event(). */
#define VP_EVENT_INIT BIT(0)
#define VP_EVENT_SIPI BIT(1) /* vector in vp->sipi_vector */
#define VP_EVENT_NMI  BIT(2)
#define VP_EVENT_MC   BIT(3)
#define VP_EVENT_KICK BIT(4) /* nothing but: look again */

enum vp_state {
	VP_WAIT_SIPI, /* an AP after INIT */
	VP_RUNNING,
	VP_STOPPED, /* triple fault or suspended */
};

/* Order of the general registers in vp->gpr: their numbers in x86 instruction encoding. */
enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

struct vp {
	u64 gpr[16]; /* first: the world switch addresses it by offset. RSP lives in the VMCB */
	struct virt_vp *arch;
	struct partition *partition;
	u32 index;  /* VP index within the partition (TLFS 7.8.1) */
	u32 cpu;    /* logical processor that runs it */
	u32 events; /* atomic, VP_EVENT_* */
	u8 sipi_vector;
	enum vp_state state;
	bool in_guest; /* atomic: set before the world switch, cleared after it: kick needs an IPI */
	struct timer_queue *timers; /* of its processor */
	struct lapic lapic;

	/* Synthetic MSRs of this VP (TLFS 7.10, 11.x) */
	u64 vp_assist;
	u64 crash_parameter[5];
};

/* Sets an event bit and kicks the VP. Any processor. */
void vp_event(struct vp *vp, u32 event);

/* Takes and clears all event bits. The VP's own processor. */
u32 vp_take_events(struct vp *vp);

#endif
