// SPDX-License-Identifier: GPL-2.0-or-later
/* Register access: VMCB ↔ struct vregs, VMCB ↔ the page shared with a child's worker. */
#include "core/event.h"
#include "core/segment.h"
#include "hv/intercept.h"
#include "x86/asm.h"
#include "x86/svm/svm.h"

/* Six of them lie in the VMCB as in struct vregs. */
_Static_assert(offsetof(struct vmcb, gs) - offsetof(struct vmcb, es) ==
		       (SEG_GS - SEG_ES) * sizeof(struct segment),
	       "order of segments");
#define SIX_SEGMENTS (6 * sizeof(struct segment))

void svm_get_regs(struct vp *vp, struct vregs *r)
{
	struct vmcb *b = vp->arch->vmcb;

	r->rip = b->rip;
	r->rflags = b->rflags;
	r->rsp = b->rsp;
	r->cr0 = b->cr0;
	r->cr2 = b->cr2;
	r->cr3 = b->cr3;
	r->cr4 = b->cr4;
	r->efer = b->efer & ~EFER_SVME;
	r->dr6 = b->dr6;
	r->dr7 = b->dr7;
	__builtin_memcpy(r->dr, vp->arch->debug, sizeof(r->dr));
	__builtin_memcpy(r->segment, &b->es, SIX_SEGMENTS);
	r->segment[SEG_LDTR] = b->ldtr;
	r->segment[SEG_TR] = b->tr;
	r->gdtr.base = b->gdtr.base;
	r->gdtr.limit = (u16)b->gdtr.limit;
	r->idtr.base = b->idtr.base;
	r->idtr.limit = (u16)b->idtr.limit;
}

void svm_set_regs(struct vp *vp, const struct vregs *r)
{
	struct vmcb *b = vp->arch->vmcb;
	u64 efer = r->efer | EFER_SVME;

	/* Translations of another CR3 or mode may be cached. */
	if ((b->cr0 ^ r->cr0) | (b->cr3 ^ r->cr3) | (b->cr4 ^ r->cr4) | (b->efer ^ efer))
		b->tlb_control = svm_flush;
	if (b->rip != r->rip)
		b->interrupt_shadow = 0; /* it was of the instruction there */
	b->rip = r->rip;
	b->rflags = r->rflags;
	b->rsp = r->rsp;
	b->cr0 = r->cr0;
	b->cr2 = r->cr2;
	b->cr3 = r->cr3;
	b->cr4 = r->cr4;
	b->efer = efer;
	b->dr6 = r->dr6;
	b->dr7 = r->dr7;
	__builtin_memcpy(vp->arch->debug, r->dr, sizeof(r->dr));
	__builtin_memcpy(&b->es, r->segment, SIX_SEGMENTS);
	b->ldtr = r->segment[SEG_LDTR];
	b->tr = r->segment[SEG_TR];
	b->cpl = r->segment[SEG_SS].attributes >> 5 & 3;
	b->gdtr.base = r->gdtr.base;
	b->gdtr.limit = r->gdtr.limit;
	b->idtr.base = r->idtr.base;
	b->idtr.limit = r->idtr.limit;
}

void svm_show_regs(const struct vp *vp, struct hv_register_page *page)
{
	const struct vmcb *b = vp->arch->vmcb;

	page->gpr[RSP] = b->rsp;
	page->rip = b->rip;
	page->rflags = b->rflags;
	page->segment[SEG_ES] = segment_to_hv(&b->es);
	page->segment[SEG_CS] = segment_to_hv(&b->cs);
	page->segment[SEG_SS] = segment_to_hv(&b->ss);
	page->segment[SEG_DS] = segment_to_hv(&b->ds);
	page->segment[SEG_FS] = segment_to_hv(&b->fs);
	page->segment[SEG_GS] = segment_to_hv(&b->gs);
	page->cr0 = b->cr0;
	page->cr3 = b->cr3;
	page->cr4 = b->cr4;
	page->efer = b->efer & ~EFER_SVME;
	page->dr7 = b->dr7;
	page->pending_interruption =
		unlikely(svm_event_queued(vp)) ? event_pending_interruption(vp) : 0;
	page->interrupt_state = svm_event_interrupt_state(vp);
}

void svm_take_regs(struct vp *vp, const struct hv_register_page *page, u32 dirty)
{
	struct vmcb *b = vp->arch->vmcb;
	struct hv_segment segment;

	if (dirty & HV_DIRTY_GENERAL)
		b->rsp = vp->gpr[RSP];
	if (dirty & HV_DIRTY_RIP)
		b->rip = page->rip;
	if (dirty & HV_DIRTY_RFLAGS)
		b->rflags = page->rflags;
	if (dirty & HV_DIRTY_SEGMENT) {
		for (u32 i = SEG_ES; i <= SEG_GS; i++) {
			segment = page->segment[i];
			(&b->es)[i] = segment_from_hv(&segment);
		}
		b->cpl = b->ss.attributes >> 5 & 3;
	}
}
