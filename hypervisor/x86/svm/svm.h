/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD SVM behind the vendor seam.
 *   svm.c     probe, enabling, creating a VP, the run
 *   exit.c    hardware exit → struct vexit
 *   event.c   injection: exceptions, NMI, interrupts, what an exit interrupted
 *   regs.c    register access
 *   foreign.c the map with ones in place of the hypervisor's memory
 *   step.c    one instruction, against the page of ones or to end an NMI handler
 */
#ifndef X86_SVM_SVM_H
#define X86_SVM_SVM_H

#include "core/gpa_map.h"
#include "core/virt.h"
#include "x86/asm.h"
#include "x86/svm/vmcb.h"

#define SVM_ROOT_ASID  1
#define SVM_STEP_ASID  2
#define SVM_EXCEPTIONS (1u << VECTOR_MC) /* intercepted while nothing is stepped */

enum svm_step {
	STEP_NONE,
	STEP_FOREIGN, /* on the map of foreign.c */
	STEP_IRET,    /* the one that ends an NMI handler */
};

/* Up to eight pages, each with three tables on the way to it. */
struct svm_foreign {
	u64 *table[1 + 8 * 3]; /* the first is the root */
	u32 used;
	void *ones;
};

/* The vendor's part of a VP. */
struct virt_vp {
	struct vmcb *vmcb;
	spa_t vmcb_spa;
	int offered;      /* vector in V_IRQ, lapic_begin_offer()ed, or -1 */
	bool nmi_blocked; /* from the injection of an NMI to the guest's IRET */
	bool window;      /* an ExtINT waits for IF: V_IRQ is set for the sake of its exit */
	enum svm_step step;
	bool step_tf; /* guest's own TF, and DR6, before the step */
	u64 step_dr6;
	struct svm_foreign foreign;
};

extern const struct virt_ops svm_ops;
extern const struct gpa_map_format svm_npt_format;
extern bool svm_has_next_rip;

void svm_decode_exit(struct vp *vp, struct vexit *ret_exit);

/* After VMRUN: what was delivered, what must be delivered again. */
void svm_event_complete_slowly(struct vp *vp);

/* The usual case: nothing was offered, nothing interrupted, TPR is as it was. */
static inline void svm_event_complete(struct vp *vp)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;

	if ((b->exit_int_info & EVENT_VALID) || v->offered >= 0 ||
	    ((b->vintr ^ vp->lapic.tpr >> 4) & 0xf))
		svm_event_complete_slowly(vp);
	else
		b->event_inject = 0;
}
/* The offered vector, if any, was taken or goes back to the local APIC. */
void svm_event_end_offer(struct vp *vp, bool taken);
void svm_event_inject_exception(struct vp *vp, u8 vector, u32 error);
bool svm_event_queued(const struct vp *vp);
void svm_event_reset(struct vp *vp);
bool svm_event_inject_nmi(struct vp *vp);
bool svm_event_inject_extint(struct vp *vp, u8 vector);
void svm_event_offer_irq(struct vp *vp, int vector);

void svm_get_regs(struct vp *vp, struct vregs *ret_regs);
void svm_set_regs(struct vp *vp, const struct vregs *regs);

/* foreign.c: tables of a root VP; a new map (its CR3) without foreign pages; one such page. */
void svm_foreign_init(struct vp *vp);
u64 svm_foreign_begin(struct vp *vp);
bool must_check svm_foreign_add(struct vp *vp, gpa_t gpa);
/* What was written to them is forgotten. */
void svm_foreign_end(struct vp *vp);

void svm_step_begin(struct vp *vp);
void svm_step_begin_iret(struct vp *vp);
/* Takes a step back, if there is one, before its instruction runs. */
void svm_step_cancel(struct vp *vp);
/* True if this exit ended (or belonged to) a step: then there is nothing else to do about it. */
bool svm_step_exit(struct vp *vp, u64 exit_code);

#endif
