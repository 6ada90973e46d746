// SPDX-License-Identifier: GPL-2.0-or-later
/* Register access: VMCB ↔ struct vregs. */
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
	__builtin_memcpy(&b->es, r->segment, SIX_SEGMENTS);
	b->ldtr = r->segment[SEG_LDTR];
	b->tr = r->segment[SEG_TR];
	b->cpl = r->segment[SEG_SS].attributes >> 5 & 3;
	b->gdtr.base = r->gdtr.base;
	b->gdtr.limit = r->gdtr.limit;
	b->idtr.base = r->idtr.base;
	b->idtr.limit = r->idtr.limit;
	b->interrupt_shadow = 0;
}
