// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The root touches the hypervisor's memory: it reads ones, and what it writes goes nowhere. Any
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

void svm_step_begin(struct vp *vp)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;

	CHECK(!v->stepping);
	v->stepping = true;
	v->step_tf = b->rflags & RFLAGS_TF;
	v->step_dr6 = b->dr6;
	b->rflags |= RFLAGS_TF;
	b->intercept_exception = ~0u;
	b->nested_cr3 = v->step_cr3;
	b->asid = SVM_STEP_ASID;
	b->tlb_control = TLB_CONTROL_FLUSH_ALL;
}

static void end_step(struct vp *vp)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;

	v->stepping = false;
	b->rflags = (b->rflags & ~RFLAGS_TF) | (v->step_tf ? RFLAGS_TF : 0);
	b->intercept_exception = 1u << VECTOR_MC;
	b->nested_cr3 = arch_unmap(vp->partition->map.root).v;
	b->asid = SVM_ROOT_ASID;
	memset(v->step_page, 0xff, PAGE_SIZE);
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

	if (code == VMEXIT_INTR || code == VMEXIT_NMI)
		return false;
	end_step(vp);
	if (!exception || vector == VECTOR_MC)
		return false;
	if (vector == VECTOR_DB) {
		if (!v->step_tf) {
			b->dr6 = v->step_dr6;
			return true;
		}
		svm_event_inject_exception(vp, vector, NO_ERROR_CODE);
		return true;
	}
	if (vector == VECTOR_PF)
		b->cr2 = b->exit_info2;
	svm_event_inject_exception(vp, vector,
				   vector_has_error(vector) ? (u32)b->exit_info1 : NO_ERROR_CODE);
	return true;
}
