// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One instruction at a time, by the trap flag, for two reasons. The one is the IRET of an NMI
 * handler, behind which NMIs may come again.
 *
 * The other: the root touches memory that is the hypervisor's: it reads ones, and what it writes
 * goes nowhere. Any instruction can be the one that does it, so none is emulated: the VP runs
 * exactly one instruction on a second map (foreign.c), in which a page of ones stands in for what
 * it touches, and traps behind it.
 */
#include "core/arch.h"
#include "core/panic.h"
#include "core/partition.h"
#include "x86/asm.h"
#include "x86/svm/svm.h"

#define DR6_NONE        0xffff0ff0ull
#define DR6_SINGLE_STEP BIT(14)
#define DR6_STATUS      (DR6_SINGLE_STEP | 0xf) /* and which breakpoints were hit */

static void begin(struct vp *vp, enum svm_step kind)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;

	CHECK(v->step == STEP_NONE);
	v->step = kind;
	v->step_tf = b->rflags & RFLAGS_TF;
	v->step_dr6 = b->dr6;
	b->dr6 = DR6_NONE;
	b->rflags |= RFLAGS_TF;
	b->intercept_exception = ~0u;
}

/* NMIs stay blocked until the IRET has been carried out. */
void svm_step_begin_iret(struct vp *vp)
{
	begin(vp, STEP_IRET);
	vp->arch->vmcb->intercept1 &= ~(u32)INTERCEPT1_IRET;
}

/* What the step changed goes back; `done`: the instruction was carried out. */
static void end(struct vp *vp, bool done)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;

	if (v->step == STEP_FOREIGN) {
		b->nested_cr3 = arch_unmap(vp->partition->map.root).v;
		b->asid = SVM_ROOT_ASID;
		svm_foreign_end(vp);
	}
	if (v->step == STEP_FOREIGN || !done) /* a finished IRET popped the guest's own TF */
		b->rflags = (b->rflags & ~RFLAGS_TF) | (v->step_tf ? RFLAGS_TF : 0);
	if (!done)
		b->dr6 = v->step_dr6;
	b->intercept_exception = SVM_EXCEPTIONS;
	v->step = STEP_NONE;
}

/* Something more that the instruction touches: false: it touches too much. */
static bool add_page(struct vp *vp)
{
	struct vmcb *b = vp->arch->vmcb;

	b->tlb_control = TLB_CONTROL_FLUSH_ALL;
	return svm_foreign_add(vp, GPA(b->exit_info2));
}

/* No instruction needs so many pages that there are no tables for them. But if: #GP. */
static void give_up(struct vp *vp)
{
	end(vp, false);
	svm_event_inject_exception(vp, VECTOR_GP, 0);
}

void svm_step_begin(struct vp *vp)
{
	struct vmcb *b = vp->arch->vmcb;

	begin(vp, STEP_FOREIGN);
	b->nested_cr3 = svm_foreign_begin(vp);
	b->asid = SVM_STEP_ASID;
	if (!add_page(vp))
		give_up(vp);
}

void svm_step_cancel(struct vp *vp)
{
	struct virt_vp *v = vp->arch;

	if (v->step == STEP_IRET)
		v->vmcb->intercept1 |= INTERCEPT1_IRET;
	if (v->step != STEP_NONE)
		end(vp, false);
}

/* The trap is the guest's too if its TF was set or the instruction hit one of its breakpoints. */
static void pass_on_trap(struct vp *vp)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;
	u64 status = b->dr6;

	if (!v->step_tf)
		status &= ~DR6_SINGLE_STEP;
	b->dr6 = v->step_dr6 | (status & DR6_STATUS);
	if (status & DR6_STATUS)
		svm_event_inject_exception(vp, VECTOR_DB, NO_ERROR_CODE);
}

/* The instruction touches a further page that the root does not have. */
static bool is_foreign(struct vp *vp)
{
	u32 rights;
	spa_t spa;

	return vp->arch->step == STEP_FOREIGN &&
	       !gpa_map_lookup(&vp->partition->map, GPA(vp->arch->vmcb->exit_info2), &spa, &rights);
}

/*
 * The trap behind the instruction ends the step. Another exception is the guest's own: it goes
 * back in. Interrupts and NMIs came before the instruction ran: the step goes on. Anything else
 * (an exit of the instruction itself) ends it and is handled as usual.
 */
bool svm_step_exit(struct vp *vp, u64 code)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;
	u8 vector = (u8)(code - VMEXIT_EXCP);
	bool exception = code >= VMEXIT_EXCP && code < VMEXIT_EXCP + 32;
	bool done = exception && vector == VECTOR_DB;

	if (code == VMEXIT_INTR || code == VMEXIT_NMI)
		return false;
	if (code == VMEXIT_NPF && is_foreign(vp)) {
		if (!add_page(vp))
			give_up(vp);
		return true;
	}
	if (v->step == STEP_IRET)
		v->nmi_blocked = false; /* whether it succeeds or faults */
	end(vp, done);
	if (!exception || vector == VECTOR_MC)
		return false;
	if (done) {
		pass_on_trap(vp);
		return true;
	}
	if (vector == VECTOR_PF)
		b->cr2 = b->exit_info2;
	svm_event_inject_exception(vp, vector,
				   vector_has_error(vector) ? (u32)b->exit_info1 : NO_ERROR_CODE);
	return true;
}
