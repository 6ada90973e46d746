// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A child's VP: two pages of its partition's pool, one the VMCB, the other struct virt_vp and the
 * XSAVE area. All children share one map of ports and one of MSRs.
 *
 * What a processor holds of the root and VMRUN does not switch is exchanged when the child's stay
 * begins and ends (enter, leave), not at each exit:
 *   – extended state and XCR0: xstate.c;
 *   – MSRs that work without being asked for (`foreign_msrs`): zero for the child;
 *   – DR0–DR3, only if the child uses them: until its first access, or as long as its DR7 enables
 *     no breakpoint, they stay the root's, out of its reach;
 *   – predictions: x86/speculation.h says where they are thrown away.
 *
 * Each processor gives its children ASIDs by turns. A VP keeps its own while it comes back to the
 * same processor and its map is not flushed; when there are none left, everything is flushed and a
 * new generation begins.
 */
#include "core/arch.h"
#include "core/format.h"
#include "core/partition.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/paging.h"
#include "x86/pool.h"
#include "x86/speculation.h"
#include "x86/svm/svm.h"
#include "x86/xstate.h"

#define FIRST_CHILD_ASID 3
#define XSAVE_OFFSET     1024
#define DR7_ENABLES      0xff
#define PAT_INITIAL      0x0007040600070406ull
#define PRED_CMD_IBPB    1

_Static_assert(sizeof(struct virt_vp) <= XSAVE_OFFSET, "the XSAVE area follows");

enum { EAX, EBX, ECX, EDX };

/* TSC_AUX (RDPID reads it), XSS, and of shadow stacks U_CET and PL0_SSP to PL3_SSP. */
static const struct {
	u32 msr, leaf;
	u8 subleaf, reg, bit;
} foreign_msrs[] = {
	{0xc0000103, 0x80000001, 0, EDX, 27},
	{0xda0, 0xd, 1, EAX, 3},
	{0x6a0, 7, 0, ECX, 7},
	{0x6a4, 7, 0, ECX, 7},
	{0x6a5, 7, 0, ECX, 7},
	{0x6a6, 7, 0, ECX, 7},
	{0x6a7, 7, 0, ECX, 7},
};
_Static_assert(ARRAY_SIZE(foreign_msrs) == SVM_FOREIGN_MSRS, "their places in struct virt_vp");

static u32 exchanged[SVM_FOREIGN_MSRS]; /* those that this machine has */
static u32 exchanged_count;
static u8 *msrpm, *iopm;

void svm_child_init(void)
{
	static const struct partition any_child;
	u32 leaf[4];

	msrpm = svm_msrpm_new(&any_child);
	iopm = pool_alloc(IOPM_SIZE);
	memset(iopm, 0xff, IOPM_SIZE);
	for (u32 i = 0; i < ARRAY_SIZE(foreign_msrs); i++) {
		cpuid(foreign_msrs[i].leaf, foreign_msrs[i].subleaf, leaf);
		if (leaf[foreign_msrs[i].reg] & BIT(foreign_msrs[i].bit))
			exchanged[exchanged_count++] = foreign_msrs[i].msr;
	}
}

/* What only the root's own VMCB lets through. */
static void init_vmcb(struct vmcb *b)
{
	b->intercept1 |= INTERCEPT1_RDPMC | INTERCEPT1_RSM | INTERCEPT1_HLT | INTERCEPT1_IOIO;
	b->intercept2 |= INTERCEPT2_RDTSCP | INTERCEPT2_WBINVD | INTERCEPT2_MONITOR |
			 INTERCEPT2_MWAIT | INTERCEPT2_RDPRU;
	b->intercept_exception = SVM_CHILD_EXCEPTIONS;
	b->intercept_dr_read = INTERCEPT_DR0_TO_DR3;
	b->intercept_dr_write = INTERCEPT_DR0_TO_DR3 | INTERCEPT_DR5_DR7;
	b->iopm = arch_unmap(iopm).v;
	b->msrpm = arch_unmap(msrpm).v;
	b->pat = PAT_INITIAL;
}

bool svm_child_create(struct vp *vp, struct page_pool *pool)
{
	struct virt_vp *v = page_pool_take(pool);
	struct vmcb *b = v ? page_pool_take(pool) : NULL;

	if (!b) {
		page_pool_give(pool, v);
		return false;
	}
	svm_vmcb_init(vp, v, b);
	init_vmcb(b);
	xstate_init_child(vp, (u8 *)v + XSAVE_OFFSET);
	return true;
}

void svm_child_destroy(struct vp *vp, struct page_pool *pool)
{
	page_pool_give(pool, vp->arch->vmcb);
	page_pool_give(pool, vp->arch);
}

static void take_asid(struct cpu *cpu, struct virt_vp *v)
{
	struct svm_child *c = &v->child;

	if (likely(c->cpu == cpu && c->generation == cpu->asid_generation))
		return;
	if (cpu->asid_next >= svm_asid_count || !cpu->asid_generation) {
		cpu->asid_next = FIRST_CHILD_ASID;
		cpu->asid_generation++;
		cpu->flush_tlb = true;
	}
	c->cpu = cpu;
	c->generation = cpu->asid_generation;
	v->vmcb->asid = cpu->asid_next++;
	v->flushes = SVM_FRESH;
}

void svm_child_forget_map(struct vp *vp)
{
	struct virt_vp *v = vp->arch;

	if (v->flushes == SVM_FRESH)
		return;
	v->child.cpu = NULL;
	take_asid(this_cpu(), v);
}

static void forget_predictions(void)
{
	wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
}

/* The VPs of one partition trust each other, as far as predictions go. */
static void come_from_elsewhere(struct cpu *cpu, const struct partition *p)
{
	if (likely(cpu->last_partition == p->id))
		return;
	cpu->last_partition = p->id;
	paging_forget();
	if (speculation.enter_barrier)
		forget_predictions();
}

/* DR0–DR3 change owners: out of the processor into one, from the other into the processor. */
static void exchange_debug(u64 *out, const u64 *in)
{
	__asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
			 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3]));
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(in[0]),
			 "r"(in[1]), "r"(in[2]), "r"(in[3]));
}

void svm_child_take_debug(struct vp *vp)
{
	struct virt_vp *v = vp->arch;

	exchange_debug(this_cpu()->vp->arch->debug, v->debug);
	v->vmcb->intercept_dr_read = 0;
	v->vmcb->intercept_dr_write = 0;
	v->child.debug_loaded = true;
}

static void return_debug(struct virt_vp *v, struct virt_vp *root)
{
	exchange_debug(v->debug, root->debug);
	v->vmcb->intercept_dr_read = INTERCEPT_DR0_TO_DR3;
	v->vmcb->intercept_dr_write = INTERCEPT_DR0_TO_DR3 | INTERCEPT_DR5_DR7;
	v->child.debug_loaded = false;
}

/*
 * SPEC_CTRL is the guest's own while it is here. Where VMRUN does not switch it, the hypervisor runs
 * with the guest's, which can only make it slower: it does not count on any of these bits.
 */
static void take_spec_ctrl(struct vmcb *from, const struct vmcb *to)
{
	if (likely(!speculation.spec_ctrl || speculation.spec_ctrl_virtual))
		return;
	from->spec_ctrl = rdmsr(MSR_SPEC_CTRL);
	if (from->spec_ctrl != to->spec_ctrl)
		wrmsr(MSR_SPEC_CTRL, to->spec_ctrl);
}

static void hide_msrs(struct virt_vp *root)
{
	for (u32 i = 0; i < exchanged_count; i++) {
		root->msr[i] = rdmsr(exchanged[i]);
		if (root->msr[i])
			wrmsr(exchanged[i], 0);
	}
}

static void show_msrs(const struct virt_vp *root)
{
	for (u32 i = 0; i < exchanged_count; i++)
		if (root->msr[i])
			wrmsr(exchanged[i], root->msr[i]);
}

void svm_child_enter(struct vp *vp)
{
	struct cpu *cpu = this_cpu();
	struct virt_vp *v = vp->arch, *root = cpu->vp->arch;

	take_asid(cpu, v);
	come_from_elsewhere(cpu, vp->partition);
	take_spec_ctrl(root->vmcb, v->vmcb);
	hide_msrs(root);
	xstate_enter(cpu->vp, vp);
	cpu->child = vp;
	__atomic_store_n(&cpu->partition, vp->partition, __ATOMIC_RELAXED);
	if (unlikely(v->vmcb->dr7 & DR7_ENABLES))
		svm_child_take_debug(vp);
}

void svm_child_leave(struct vp *vp)
{
	struct cpu *cpu = this_cpu();
	struct virt_vp *v = vp->arch, *root = cpu->vp->arch;

	svm_step_cancel(vp);
	svm_event_end_offer(vp, false);
	if (unlikely(v->child.debug_loaded))
		return_debug(v, root);
	xstate_leave(vp, cpu->vp);
	cpu->child = NULL;
	__atomic_store_n(&cpu->partition, cpu->vp->partition, __ATOMIC_RELAXED);
	show_msrs(root);
	take_spec_ctrl(v->vmcb, root->vmcb);
	if (speculation.leave_barrier)
		forget_predictions();
}

/* Those that VMRUN, VMLOAD and VMSAVE switch: some that follow each other here and there. */
static u64 *place_of(struct vmcb *b, u32 msr)
{
	const struct {
		u32 first, count;
		u64 *place;
	} switched[] = {
		{0x174, 3, &b->sysenter_cs},   {0xc0000081, 4, &b->star},
		{MSR_PAT, 1, &b->pat},         {0xc0000100, 1, &b->fs.base},
		{MSR_GS_BASE, 1, &b->gs.base}, {0xc0000102, 1, &b->kernel_gs_base},
	};

	if (msr == MSR_SPEC_CTRL)
		return speculation.spec_ctrl ? &b->spec_ctrl : NULL;
	for (u32 i = 0; i < ARRAY_SIZE(switched); i++)
		if (msr - switched[i].first < switched[i].count)
			return switched[i].place + (msr - switched[i].first);
	return NULL;
}

bool svm_child_get_msr(const struct vp *vp, u32 msr, u64 *ret_value)
{
	const u64 *place = place_of(vp->arch->vmcb, msr);

	if (place)
		*ret_value = *place;
	return place;
}

bool svm_child_set_msr(struct vp *vp, u32 msr, u64 value)
{
	u64 *place = place_of(vp->arch->vmcb, msr);

	if (msr == MSR_SPEC_CTRL && (value & ~speculation.spec_ctrl))
		return false;
	if (place)
		*place = value;
	return place;
}
