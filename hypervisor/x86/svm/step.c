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
#include "core/event.h"
#include "core/panic.h"
#include "core/partition.h"
#include "core/translate.h"
#include "x86/asm.h"
#include "x86/svm/svm.h"

#define DR6_NONE    0xffff0ff0ull
#define TSS_TYPE_32 8          /* of a segment's attributes: a 32-bit TSS, not a 16-bit one */
#define TSS_32_TF   (0x24 + 1) /* the byte of the saved flags with TF, its lowest bit */
#define TSS_16_TF   (0x10 + 1)

static void begin(struct vp *vp, enum svm_step kind)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;

	CHECK(v->step == STEP_NONE);
	v->step = kind;
	v->step_tf = b->rflags & RFLAGS_TF;
	v->step_dr6 = b->dr6;
	v->step_rip = b->rip;
	v->step_tr = b->tr.base;
	v->step_task = GPA(0);
	b->dr6 = DR6_NONE;
	b->rflags |= RFLAGS_TF;
	b->intercept_exception = ~0u;
}

/*
 * IRET with NT set returns to another task and saves the flags, with the step's TF, in the TSS that it
 * leaves (SDM 3A 7.3).
 */
static void note_task(struct vp *vp)
{
	struct vregs r;
	u64 place;

	svm_get_regs(vp, &r);
	if (!(r.rflags & RFLAGS_NT) || (r.rflags & RFLAGS_VM) || !(r.cr0 & CR0_PE) ||
	    (r.efer & EFER_LMA))
		return;
	place = (u32)(r.segment[SEG_TR].base +
		      (r.segment[SEG_TR].attributes & TSS_TYPE_32 ? TSS_32_TF : TSS_16_TF));
	if (translate(vp, &r, GVA(place), TRANSLATE_WRITE, &vp->arch->step_task) != TRANSLATE_OK)
		vp->arch->step_task = GPA(0);
}

/* The task that was left is not to be stepped when it is entered again. */
static void clean_task(struct vp *vp)
{
	struct virt_vp *v = vp->arch;
	u8 *flags;

	if (!v->step_task.v || v->step_tf || v->vmcb->tr.base == v->step_tr)
		return;
	flags = partition_memory(vp->partition, v->step_task, 1, GPA_READ | GPA_WRITE);
	if (flags)
		*flags &= (u8) ~(RFLAGS_TF >> 8);
}

/* NMIs stay blocked until the IRET has been carried out. */
void svm_step_begin_iret(struct vp *vp)
{
	begin(vp, STEP_IRET);
	note_task(vp);
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
	b->intercept_exception = vp->partition->root ? SVM_ROOT_EXCEPTIONS : SVM_CHILD_EXCEPTIONS;
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
	event_inject(vp, VECTOR_GP, 0);
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

/*
 * The instruction is through. True: the guest has a trap of its own behind it, for its TF was set or one
 * of its breakpoints or the like was met.
 */
static bool finish(struct vp *vp)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;
	u64 reported = event_dr6_reports(b->dr6);

	if (v->step == STEP_IRET) {
		v->nmi_blocked = false;
		clean_task(vp);
	}
	if (!v->step_tf)
		reported &= ~(u64)DR6_SINGLE_STEP;
	end(vp, true);
	b->dr6 = reported ? event_dr6(v->step_dr6, reported) : v->step_dr6;
	return reported;
}

/* The instruction touches a further page that the root does not have. */
static bool is_foreign(struct vp *vp)
{
	u32 rights;
	spa_t spa;

	return vp->arch->step == STEP_FOREIGN &&
	       !gpa_map_lookup(&vp->partition->map, GPA(vp->arch->vmcb->exit_info2), &spa, &rights);
}

/* An IRET leaves its place, or its task, even if no trap comes. */
static bool has_returned(const struct virt_vp *v)
{
	return v->step == STEP_IRET &&
	       (v->vmcb->rip != v->step_rip || v->vmcb->tr.base != v->step_tr);
}

/*
 * The trap behind the instruction ends the step, and is the guest's or nobody's. Another exception is
 * the guest's own; an IRET that faults unblocks NMIs as well. Interrupts and NMIs came before the
 * instruction ran: the step goes on. Any other exit (a nested page fault, a machine check) is handled
 * as usual, and the instruction begins anew: an IRET then with NMIs blocked, and intercepted.
 */
bool svm_step_exit(struct vp *vp, u64 code)
{
	struct virt_vp *v = vp->arch;
	u8 vector = (u8)(code - VMEXIT_EXCP);
	bool exception = code >= VMEXIT_EXCP && code < VMEXIT_EXCP + 32;

	if (exception && vector == VECTOR_DB)
		return !finish(vp);
	if (has_returned(v)) {
		finish(vp);
		return false;
	}
	if (code == VMEXIT_INTR || code == VMEXIT_NMI)
		return false;
	if (code == VMEXIT_NPF && is_foreign(vp)) {
		if (!add_page(vp))
			give_up(vp);
		return true;
	}
	if (exception && vector != VECTOR_MC) {
		if (v->step == STEP_IRET)
			v->nmi_blocked = false;
		end(vp, false);
	} else {
		svm_step_cancel(vp);
	}
	return false;
}
