// SPDX-License-Identifier: GPL-2.0-or-later
/* Register access: VMCB ↔ struct vregs. */
#include "x86/asm.h"
#include "x86/svm/svm.h"

static struct segment get_segment(const struct vmcb_segment *s)
{
	return (struct segment){s->selector, s->attributes, s->limit, s->base};
}

static void set_segment(struct vmcb_segment *to, const struct segment *s)
{
	*to = (struct vmcb_segment){s->selector, s->attributes, s->limit, s->base};
}

static struct vmcb_segment *segment_of(struct vmcb *b, int name)
{
	struct vmcb_segment *const order[SEG_COUNT] = {
		[SEG_ES] = &b->es, [SEG_CS] = &b->cs, [SEG_SS] = &b->ss,     [SEG_DS] = &b->ds,
		[SEG_FS] = &b->fs, [SEG_GS] = &b->gs, [SEG_LDTR] = &b->ldtr, [SEG_TR] = &b->tr,
	};

	return order[name];
}

void svm_get_regs(struct vp *vp, struct vregs *r)
{
	struct vmcb *b = vp->arch->vmcb;

	*r = (struct vregs){
		.rip = b->rip,
		.rflags = b->rflags,
		.rsp = b->rsp,
		.cr0 = b->cr0,
		.cr2 = b->cr2,
		.cr3 = b->cr3,
		.cr4 = b->cr4,
		.efer = b->efer & ~EFER_SVME,
		.dr6 = b->dr6,
		.dr7 = b->dr7,
	};
	for (int i = 0; i < SEG_COUNT; i++)
		r->segment[i] = get_segment(segment_of(b, i));
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
	for (int i = 0; i < SEG_COUNT; i++)
		set_segment(segment_of(b, i), &r->segment[i]);
	b->cpl = r->segment[SEG_SS].attributes >> 5 & 3;
	b->gdtr.base = r->gdtr.base;
	b->gdtr.limit = r->gdtr.limit;
	b->idtr.base = r->idtr.base;
	b->idtr.limit = r->idtr.limit;
	b->interrupt_shadow = 0;
}
