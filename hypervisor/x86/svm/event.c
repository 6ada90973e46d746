// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Injection. Exceptions, NMIs and ExtINTs go through EVENTINJ; vectors of the local APIC through
 * V_IRQ, where the processor itself waits for IF: no exit is needed to open a window, and what was
 * taken is seen at the next exit, whatever its reason, by V_IRQ being clear.
 *
 * TPR is looked at here: a vector of its class or below is not offered (SDM 3A 11.8.3.1, APM 2 16.6.4).
 * That the processor compares it, too, is not relied upon, since the emulator lets the same class in.
 * While a vector or a window is waited for, MOV to CR8 exits; at all other times it does not.
 */
#include "core/arch.h"
#include "core/event.h"
#include "core/panic.h"
#include "x86/asm.h"
#include "x86/svm/svm.h"

/*
 * Through EVENTINJ. The emulator delivers an interrupt (not an exception) once more when it next
 * looks up from its work, whatever IF is then, unless there was an exit before: so there is one.
 */
static void inject(struct vmcb *b, u64 event)
{
	b->event_inject = event;
	if (EVENT_TYPE(event) == EVENT_TYPE_INTR)
		arch_exit_soon();
}

/*
 * What the exit interrupted (an event whose delivery faulted on nested paging, say) goes in
 * again. Software interrupts and INT3/INTO are not: RIP still points at the instruction.
 */
static void requeue(struct vmcb *b)
{
	u64 e = b->exit_int_info;
	bool soft = EVENT_TYPE(e) == EVENT_TYPE_SOFT ||
		    (EVENT_TYPE(e) == EVENT_TYPE_EXCEPTION &&
		     (EVENT_VECTOR(e) == 3 || EVENT_VECTOR(e) == 4));

	if ((e & EVENT_VALID) && !soft)
		inject(b, e);
}

void svm_event_end_offer(struct vp *vp, bool taken)
{
	struct virt_vp *v = vp->arch;

	if (v->offered >= 0)
		lapic_end_offer(&vp->lapic, (u8)v->offered, taken);
	v->offered = -1;
}

void svm_event_complete_slowly(struct vp *vp)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;
	u64 injected = b->event_inject;
	u8 cr8 = b->vintr & 0xf;

	b->event_inject = 0;
	if (unlikely(b->exit_int_info & EVENT_VALID)) {
		/* A vector on its way in counts as taken even if V_IRQ still shows it. */
		if (v->offered >= 0 && !(injected & EVENT_VALID) &&
		    EVENT_TYPE(b->exit_int_info) == EVENT_TYPE_INTR &&
		    EVENT_VECTOR(b->exit_int_info) == v->offered)
			b->vintr &= ~VINTR_IRQ;
		requeue(b);
	}
	svm_event_end_offer(vp, !(b->vintr & VINTR_IRQ));
	if (unlikely(cr8 != vp->lapic.tpr >> 4))
		lapic_set_cr8(&vp->lapic, cr8);
}

/* Exceptions that are no faults: #DB (some are, but those leave RF alone), #BP, #OF, #DF, #MC. */
#define NO_FAULTS (BIT(VECTOR_DB) | BIT(3) | BIT(4) | BIT(VECTOR_DF) | BIT(VECTOR_MC))

/*
 * As if the processor itself had found it: a fault pushes RF as 1, so that a breakpoint at its
 * instruction is not hit once more behind the handler's IRET (SDM 3A 17.3.1.1); #DB clears DR7.GD; in
 * real mode there are no error codes (APM 2 8.2, 13.1.1, 15.20).
 */
void svm_event_inject_exception(struct vp *vp, u8 vector, u32 error)
{
	struct vmcb *b = vp->arch->vmcb;
	u64 e = EVENT_VALID | EVENT_EXCEPTION | vector;

	svm_step_cancel(vp); /* a machine check comes before the instruction */
	if (error != NO_ERROR_CODE && (b->cr0 & CR0_PE))
		e |= EVENT_HAS_ERROR | (u64)error << 32;
	if (!(BIT(vector) & NO_FAULTS))
		b->rflags |= RFLAGS_RF;
	if (vector == VECTOR_DB)
		b->dr7 &= ~DR7_GD;
	b->event_inject = e;
}

bool svm_event_get(const struct vp *vp, struct event *ret_event)
{
	u64 e = vp->arch->vmcb->event_inject;

	*ret_event = (struct event){
		.type = EVENT_TYPE(e),
		.vector = EVENT_VECTOR(e),
		.has_error = e & EVENT_HAS_ERROR,
		.error = e & EVENT_HAS_ERROR ? (u32)(e >> 32) : 0,
	};
	return e & EVENT_VALID;
}

static void block_nmi(struct virt_vp *v, bool block)
{
	v->nmi_blocked = block;
	if (block)
		v->vmcb->intercept1 |= INTERCEPT1_IRET;
	else
		v->vmcb->intercept1 &= ~(u32)INTERCEPT1_IRET;
}

/* An NMI that is taken away blocks none; one that is put there does. */
void svm_event_set(struct vp *vp, const struct event *event)
{
	struct virt_vp *v = vp->arch;
	u64 *e = &v->vmcb->event_inject;

	svm_step_cancel(vp);
	if ((*e & EVENT_VALID) && EVENT_TYPE(*e) == EVENT_TYPE_NMI)
		block_nmi(v, false);
	*e = 0;
	if (!event)
		return;
	*e = EVENT_VALID | (u64)event->type << EVENT_TYPE_SHIFT | event->vector;
	if (event->has_error)
		*e |= EVENT_HAS_ERROR | (u64)event->error << 32;
	if (event->type == HV_INTERRUPTION_NMI)
		block_nmi(v, true);
}

u64 svm_event_interrupt_state(const struct vp *vp)
{
	const struct virt_vp *v = vp->arch;

	return (v->vmcb->interrupt_shadow & 1 ? HV_INTERRUPT_STATE_SHADOW : 0) |
	       (v->nmi_blocked ? HV_INTERRUPT_STATE_NMI_MASKED : 0);
}

void svm_event_set_interrupt_state(struct vp *vp, u64 state)
{
	struct virt_vp *v = vp->arch;

	svm_step_cancel(vp);
	v->vmcb->interrupt_shadow = state & HV_INTERRUPT_STATE_SHADOW ? 1 : 0;
	block_nmi(v, state & HV_INTERRUPT_STATE_NMI_MASKED);
}

bool svm_event_queued(const struct vp *vp)
{
	return vp->arch->vmcb->event_inject & EVENT_VALID;
}

/* INIT: what was on its way is forgotten, and NMIs may come. */
void svm_event_reset(struct vp *vp)
{
	struct virt_vp *v = vp->arch;

	svm_step_cancel(vp);
	block_nmi(v, false);
	v->window = false;
	v->vmcb->intercept1 &= ~(u32)INTERCEPT1_VINTR;
	v->vmcb->interrupt_shadow = 0;
	v->vmcb->event_inject = 0;
}

/*
 * An interrupt shadow does not hold NMIs off: whether it does is left open by the manuals. A step
 * does; its end is an exit. (To ask for an exit before would mean that the instruction never ran.)
 */
bool svm_event_inject_nmi(struct vp *vp)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;

	if (v->nmi_blocked || v->step != STEP_NONE)
		return false;
	b->event_inject = EVENT_VALID | EVENT_NMI | VECTOR_NMI;
	block_nmi(v, true);
	return true;
}

/* Open for an ExtINT; if not, svm_event_offer_irq() asks for an exit. A step ends with one. */
static bool is_open(struct virt_vp *v)
{
	if (v->step != STEP_NONE)
		return false;
	v->window = !(v->vmcb->rflags & RFLAGS_IF) || (v->vmcb->interrupt_shadow & 1);
	return !v->window;
}

bool svm_event_inject_extint(struct vp *vp, u8 vector)
{
	if (!is_open(vp->arch))
		return false;
	inject(vp->arch->vmcb, EVENT_VALID | EVENT_INTR | vector);
	return true;
}

bool svm_event_extint_window(struct vp *vp)
{
	if (is_open(vp->arch))
		return true;
	svm_event_end_offer(vp, false);
	svm_event_offer_irq(vp, -1);
	return false;
}

/* A virtual interrupt that is never taken: its intercept says that the guest could take one. */
static int open_window(struct virt_vp *v, u64 *vintr)
{
	*vintr |= VINTR_IRQ | VINTR_IGNORE_TPR;
	v->vmcb->intercept1 |= INTERCEPT1_VINTR;
	return -1;
}

static void intercept_cr8(struct vmcb *b, bool on)
{
	b->intercept_cr_write =
		(u16)((b->intercept_cr_write & ~INTERCEPT_CR8) | (on ? INTERCEPT_CR8 : 0));
}

/* Bochs takes a virtual interrupt only once IF changes in the guest: if it is set, by EVENTINJ. */
static never_inline int inject_offer(struct vp *vp, int vector)
{
	struct virt_vp *v = vp->arch;
	const struct vmcb *b = v->vmcb;

	if (vector >> 4 <= (int)(vp->lapic.tpr >> 4) || (b->event_inject & EVENT_VALID) ||
	    v->step != STEP_NONE || !(b->rflags & RFLAGS_IF) || (b->interrupt_shadow & 1))
		return vector;
	lapic_begin_offer(&vp->lapic, (u8)vector);
	lapic_end_offer(&vp->lapic, (u8)vector, true);
	v->vmcb->event_inject = EVENT_VALID | EVENT_INTR | (u8)vector;
	return -1;
}

void svm_event_offer_irq(struct vp *vp, int vector)
{
	struct virt_vp *v = vp->arch;
	u64 vintr = VINTR_MASKING | vp->lapic.tpr >> 4;

	CHECK(v->offered < 0); /* or that vector would be lost */
	if (vector >= 0 && unlikely(svm_bochs))
		vector = inject_offer(vp, vector);
	if (unlikely(v->step != STEP_NONE))
		vector = -1;
	else if (unlikely(v->window))
		vector = open_window(v, &vintr);
	intercept_cr8(v->vmcb, vector >= 0 || (vintr & VINTR_IRQ));
	if (vector >> 4 <= (int)(vp->lapic.tpr >> 4))
		vector = -1;
	if (vector >= 0) {
		lapic_begin_offer(&vp->lapic, (u8)vector);
		vintr |= VINTR_IRQ | (u64)(vector >> 4) << VINTR_PRIO_SHIFT |
			 (u64)vector << VINTR_VECTOR_SHIFT;
	}
	v->offered = vector;
	v->vmcb->vintr = vintr;
}
