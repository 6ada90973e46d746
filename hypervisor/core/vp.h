/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual processor: what of it does not depend on the vendor. The vendor's part (VMCB, VMCS)
 * hangs on `arch`.
 *
 * Owner: the logical processor that runs it, except for `events`, which any processor sets.
 */
#pragma once

#include "core/lapic.h"
#include "core/spinlock.h"
#include "hv/synic.h"
#include "core/types.h"

struct partition;
struct virt_vp;

/* Bits of vp->events: what another processor wants of this VP. Set with vp_event(). */
#define VP_EVENT_INIT      BIT(0)
#define VP_EVENT_SIPI      BIT(1) /* vector in vp->sipi_vector */
#define VP_EVENT_NMI       BIT(2)
#define VP_EVENT_MC        BIT(3)
/* One more NMI: a processor that has none in its handler keeps two, one to take and one behind it. */
#define VP_EVENT_NMI_AGAIN BIT(4)
#define VP_EVENT_LOOK      BIT(5) /* nothing by itself: vp_prepare() is to look at the rest */

/* And one more of vp->held: vp->exception waits for the next entry. */
#define VP_HELD_EXCEPTION  BIT(6)

/* See event_raise(). */
struct vp_exception {
	u8 vector;
	bool has_error;
	u32 error;
	u64 parameter;
};

enum vp_state {
	VP_RUNNING,
	VP_HALTED,    /* HLT: waits for an interrupt */
	VP_WAIT_SIPI, /* an AP after INIT */
	VP_STOPPED,   /* triple fault or suspended */
};

/* Order of the general registers in vp->gpr: their numbers in x86 instruction encoding. */
enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

#define VP_EXIT_TYPES 16u
#define VP_EXIT_RING  16u

/* For the panic dump: what a VP did last. */
struct vp_exit_record {
	u64 rip;
	u32 type; /* enum vexit_type */
};

/* The SynIC of a VP (synic.c). */
struct synic {
	struct spinlock lock; /* writers of message slots, and of `flags` */
	u64 control, siefp, simp;
	u32 *flags;        /* the SIEF page, or NULL, if the map has `flags_changes` */
	u64 flags_changes; /* atomic; ~0: to be looked up */
	u64 sint[HV_SINT_COUNT];
	u32 full; /* atomic: SINTs whose slot was found full by somebody who waits for it */
};

/* One synthetic timer (stimer.c). Times are reference time. */
struct stimer {
	u32 index;
	u64 config, count;
	u64 expiration; /* while it runs */
	struct timer timer;
};

#define VP_MTRRS 28u

struct hv_register_page;
struct hv_intercept_page;

struct vp {
	u64 gpr[16]; /* first: the world switch addresses it by offset. RSP lives in the VMCB */
	struct virt_vp *arch;
	struct partition *partition;
	u32 index;                     /* VP index within the partition (TLFS 7.8.1) */
	u32 cpu;                       /* logical processor that runs it */
	u32 events;                    /* atomic, VP_EVENT_* */
	u32 held;                      /* events taken that could not be injected yet */
	struct vp_exception exception; /* if held says so */
	u8 sipi_vector;
	enum vp_state state;
	bool in_guest; /* atomic: set before the world switch, cleared after it: kick needs an IPI */
	struct timer_queue *timers; /* of its processor */
	u64 tsc_offset;             /* guest TSC - processor's TSC; 0 for the root */
	struct lapic lapic;

	/* Synthetic MSRs of this VP (TLFS 7.10, 11.x) */
	u64 vp_assist;
	u64 crash_parameter[5];
	struct synic synic;
	struct stimer stimer[HV_TIMER_COUNT];
	u32 stimer_undelivered; /* one bit each: the message waits for its slot */

	/*
	 * Children. `busy` is held by whoever runs the VP or looks into it; the rest is the holder's.
	 * `blocked`: not dispatched because nothing was to do; whoever changes that takes the flag
	 * away and wakes the worker through `host`, the root VP that dispatched it last.
	 */
	u32 busy;    /* atomic */
	u32 blocked; /* atomic */
	struct vp *host;
	bool wake_set;
	u8 wake_sint;
	u16 wake_flag;
	u32 bell_at;           /* index of the root VP that heard its last doorbell */
	u64 bell_next;         /* TSC before which no doorbell interrupts another processor */
	bool suspended;        /* stopped at an intercept */
	bool explicit_suspend; /* by register */
	bool notify_extint;    /* stop when an ExtINT can be taken */
	struct timer_queue parked;
	struct hv_register_page *register_page;
	struct hv_intercept_page *intercept_page;
	u64 mtrr[VP_MTRRS];
	u64 xcr0;    /* set by arch_set_xcr0() */
	void *xsave; /* arch_xsave_size() bytes; its extended state while it is not dispatched */
	u64 misc_enable, tsc_adjust;

	u64 exits[VP_EXIT_TYPES];
	struct vp_exit_record last_exit[VP_EXIT_RING]; /* next to be written: exit_count % ring */
	u64 exit_count;
};

/*
 * A VP of `p`, which it joins under this index, on processor `cpu` with its timers (NULL: none
 * yet). Index 0 is the boot processor and runs, the others wait for SIPI. The vendor's part is the
 * caller's business; a child's VP stays claimed until that is done.
 */
void vp_init(struct vp *vp, struct partition *p, u32 index, u32 cpu, u32 apic_id,
	     struct timer_queue *timers);

/* Registers as after power-up or INIT; the vendor's part is there. */
void vp_power_on(struct vp *vp);

/* INIT: local APIC and registers as after it; the vendor's part is there. */
void vp_reset(struct vp *vp);

/*
 * Sets an event bit and kicks the VP. Any processor. INIT takes back a SIPI that came before; a second
 * NMI is VP_EVENT_NMI_AGAIN, a third is one with that.
 */
void vp_event(struct vp *vp, u32 event);

/*
 * Something changed that may make the VP run: looks again if it runs elsewhere, and is woken if it
 * is blocked. Any context; free for the current VP.
 */
void vp_kick(struct vp *vp);

/* Holds the VP (see `busy`). False: it runs, or another one holds it. */
bool must_check vp_claim(struct vp *vp);
void vp_release(struct vp *vp);

/* The VP's timers move to the queue of the processor that is going to run it, or are parked. */
void vp_timers_to(struct vp *vp, struct timer_queue *queue);

/* The processor's TSC as this VP's clocks go by it: while its partition is frozen, it stands still. */
u64 vp_host_tsc(const struct vp *vp);

/* The guest's TSC is to be `tsc` now. A deadline of its local APIC is compared with the new one. */
void vp_set_tsc(struct vp *vp, u64 tsc);

/* The VP's clock stood still for `ticks`. It is claimed. */
void vp_shift_time(struct vp *vp, u64 ticks);

/* SIPI: start at page `vector`, if it waits for that. Any processor. */
void vp_start(struct vp *vp, u8 vector);

/* The guest ended a level-triggered interrupt: whoever holds the line hears of it. */
void vp_level_eoi(struct vp *vp, u8 vector);

/* Takes and clears all event bits. The VP's own processor. */
u32 vp_take_events(struct vp *vp);
