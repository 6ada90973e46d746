/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD SVM behind the vendor seam.
 *   svm.c     probe, enabling, creating a VP, the run
 *   exit.c    hardware exit → struct vexit
 *   event.c   injection: exceptions, NMI, interrupts, what an exit interrupted
 *   cr8.c     MOV to CR8 while a vector is pending
 *   regs.c    register access
 *   foreign.c the map with ones in place of the hypervisor's memory
 *   child.c   what the VP of a child has beside that, and how it takes a processor over
 *   step.c    one instruction, against the page of ones or to end an NMI handler
 */
#pragma once

#include "core/gpa_map.h"
#include "core/virt.h"
#include "x86/asm.h"
#include "x86/svm/vmcb.h"

#define SVM_ROOT_ASID        1
#define SVM_STEP_ASID        2

/*
 * Exceptions that are intercepted while nothing is stepped. A child's #DB and #AC: an IDT, stack or
 * breakpoint of its own making can let their delivery raise them anew, without end and without an
 * interrupt in between (CVE-2015-8104, CVE-2015-5307); through the hypervisor, each is an exit.
 */
#define SVM_ROOT_EXCEPTIONS  (1u << VECTOR_MC)
#define SVM_CHILD_EXCEPTIONS (1u << VECTOR_MC | 1u << VECTOR_DB | 1u << VECTOR_AC)

#define SVM_FRESH            (~0ull) /* its ASID has not been used yet */

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

#define SVM_FOREIGN_MSRS 7

struct svm_child {
	struct cpu *cpu; /* where its ASID is good, in this generation */
	u64 generation;
	bool debug_loaded; /* DR0–DR3 are in the processor, and their accesses do not exit */
};

/* The vendor's part of a VP. */
struct virt_vp {
	struct vmcb *vmcb;
	spa_t vmcb_spa;
	int offered;      /* vector in V_IRQ, lapic_begin_offer()ed, or -1 */
	bool nmi_blocked; /* from the injection of an NMI to the guest's IRET */
	bool window;      /* an ExtINT waits for IF: V_IRQ is set for the sake of its exit */
	enum svm_step step;
	bool step_tf; /* the guest's own, before the step */
	u64 step_dr6, step_rip, step_tr;
	gpa_t step_task; /* where the task that the step leaves keeps its TF; 0: it leaves none */
	union {
		struct svm_foreign foreign; /* a VP of the root */
		struct svm_child child;
	};
	u64 debug[4];              /* DR0–DR3 while they are not in the processor */
	u64 flushes;               /* of its map, when it ran last; or SVM_FRESH */
	u64 msr[SVM_FOREIGN_MSRS]; /* of the root, while a child has zeroes there */
};

extern const struct virt_ops svm_ops;
extern const struct gpa_map_format svm_npt_format;
extern bool svm_has_next_rip;
extern u32 svm_asid_count;
/* On Bochs (said on the command line): what its VMRUN leaves out is done here, doc/emulators.md. */
extern bool svm_bochs;
extern u8 svm_flush; /* TLB control that forgets at least what the VP's ASID has */

void svm_decode_exit(struct vp *vp, struct vexit *ret_exit);

/* Carries out the MOV to CR8 that exited, or does nothing, so that it is tried again. */
void svm_cr8_written(struct vp *vp);

/* After VMRUN: what was delivered, what must be delivered again. */
void svm_event_complete_slowly(struct vp *vp);

/* The usual case: nothing was offered, nothing interrupted, TPR is as it was. */
static inline void svm_event_complete(struct vp *vp, const struct virt_vp *v, struct vmcb *b)
{
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
bool svm_event_get(const struct vp *vp, struct event *ret_event);
void svm_event_set(struct vp *vp, const struct event *event);
u64 svm_event_interrupt_state(const struct vp *vp);
void svm_event_set_interrupt_state(struct vp *vp, u64 state);
void svm_event_reset(struct vp *vp);
bool svm_event_inject_nmi(struct vp *vp);
bool svm_event_inject_extint(struct vp *vp, u8 vector);
bool svm_event_extint_window(struct vp *vp);
void svm_event_offer_irq(struct vp *vp, int vector);

void svm_get_regs(struct vp *vp, struct vregs *ret_regs);
void svm_set_regs(struct vp *vp, const struct vregs *regs);
void svm_show_regs(const struct vp *vp, struct hv_register_page *page);
void svm_take_regs(struct vp *vp, const struct hv_register_page *page, u32 dirty);

/* foreign.c: tables of a root VP; a new map (its CR3) without foreign pages; one such page. */
void svm_foreign_init(struct vp *vp);
u64 svm_foreign_begin(struct vp *vp);
bool must_check svm_foreign_add(struct vp *vp, gpa_t gpa);
/* What was written to them is forgotten. */
void svm_foreign_end(struct vp *vp);

#define IOPM_SIZE (3 * PAGE_SIZE)

/* svm.c: a VMCB with what the root's and the children's have in common; permission maps. */
void svm_vmcb_init(struct vp *vp, struct virt_vp *v, struct vmcb *b);
u8 *svm_msrpm_new(const struct partition *p);

/* child.c: see struct virt_ops; init once, on the boot processor. */
void svm_child_init(void);
bool svm_child_create(struct vp *vp, struct page_pool *pool);
void svm_child_destroy(struct vp *vp, struct page_pool *pool);
void svm_child_enter(struct vp *vp);
void svm_child_leave(struct vp *vp);
bool svm_child_get_msr(const struct vp *vp, u32 msr, u64 *ret_value);
bool svm_child_set_msr(struct vp *vp, u32 msr, u64 value);
/* Another ASID, unless the one it has is fresh: what is cached under that is void. */
void svm_child_forget_map(struct vp *vp);
/* It touches DR0–DR3 or DR7 for the first time in this stay. */
void svm_child_take_debug(struct vp *vp);

void svm_step_begin(struct vp *vp);
void svm_step_begin_iret(struct vp *vp);
/* Takes a step back, if there is one, before its instruction runs. */
void svm_step_cancel(struct vp *vp);
/* True if this exit belonged to a step alone: then there is nothing else to do about it. */
bool svm_step_exit(struct vp *vp, u64 exit_code);
