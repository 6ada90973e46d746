// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One instruction at a time, by the trap flag, for two reasons. The one is the IRET of an NMI
 * handler, behind which NMIs may come again.
 *
 * The other: the root touches the hypervisor's memory: it reads ones, and what it writes goes nowhere. Any
 * instruction can be the one that does it, so none is emulated: the VP runs exactly one
 * instruction on a second map, in which all of the hypervisor's memory is one page of ones, and
 * traps behind it. The page is made all ones again afterwards. Each processor has its own second
 * map and page, so nobody sees another's writes.
 *
 * The second map shares all tables but the four on the way to the hole; the hole lies within one
 * GiB (root.c sees to that).
 */
#include "core/arch.h"
#include "core/format.h"
#include "core/panic.h"
#include "core/partition.h"
#include "x86/asm.h"
#include "x86/boot_info.h"
#include "x86/pool.h"
#include "x86/svm/svm.h"

#define DR6_NONE        0xffff0ff0ull
#define DR6_SINGLE_STEP BIT(14)
#define DR6_STATUS      (DR6_SINGLE_STEP | 0xf) /* and which breakpoints were hit */

static u64 *copy_of(const u64 *table)
{
	u64 *t = page_pool_take(&boot_pool);

	CHECK(t);
	memcpy(t, table, PAGE_SIZE);
	return t;
}

/* Replaces entry `i` by a private copy of the table it points to. */
static u64 *own_table(u64 *table, u32 i)
{
	const struct gpa_map_format *f = &svm_npt_format;
	u64 *t;

	CHECK(f->present(table[i]) && !f->large(table[i]));
	t = copy_of(arch_map(f->address(table[i])));
	table[i] = f->table(arch_unmap(t));
	return t;
}

void svm_step_init(struct vp *vp)
{
	const struct gpa_map_format *f = &svm_npt_format;
	struct virt_vp *v = vp->arch;
	u64 *root = copy_of(vp->partition->map.root);
	u64 *directory = own_table(own_table(root, 0), (u32)(boot_mem_kept[0].start >> 30));
	u64 *pages = page_pool_take(&boot_pool);

	v->step_page = page_pool_take(&boot_pool);
	CHECK(pages && v->step_page);
	memset(v->step_page, 0xff, PAGE_SIZE);
	for (u32 i = 0; i < 512; i++)
		pages[i] = f->leaf(arch_unmap(v->step_page), 0, GPA_ALL);
	for (u32 i = 0; i < boot_mem_kept_count; i++)
		for (u64 a = 0; a < boot_mem_kept[i].size; a += SIZE_2M)
			directory[(boot_mem_kept[i].start + a) >> 21 & 511] =
				f->table(arch_unmap(pages));
	v->step_cr3 = arch_unmap(root).v;
}

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

void svm_step_begin(struct vp *vp)
{
	struct vmcb *b = vp->arch->vmcb;

	begin(vp, STEP_FOREIGN);
	b->nested_cr3 = vp->arch->step_cr3;
	b->asid = SVM_STEP_ASID;
	b->tlb_control = TLB_CONTROL_FLUSH_ALL;
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
		memset(v->step_page, 0xff, PAGE_SIZE);
	}
	if (v->step == STEP_FOREIGN || !done) /* a finished IRET popped the guest's own TF */
		b->rflags = (b->rflags & ~RFLAGS_TF) | (v->step_tf ? RFLAGS_TF : 0);
	if (!done)
		b->dr6 = v->step_dr6;
	b->intercept_exception = SVM_EXCEPTIONS;
	v->step = STEP_NONE;
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
