// SPDX-License-Identifier: GPL-2.0-or-later
/* See svm.h. */
#include "core/arch.h"
#include "core/event.h"
#include "core/msr.h"
#include "core/partition.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/pool.h"
#include "x86/speculation.h"
#include "x86/svm/svm.h"
#include "x86/xstate.h"

#define CPUID_SVM_LEAF            0x8000000a
#define SVM_FEATURE_NP            BIT(0)
#define SVM_FEATURE_NRIP          BIT(3)
#define SVM_FEATURE_FLUSH_BY_ASID BIT(6)

#define MSRPM_SIZE                (2 * PAGE_SIZE)

bool svm_has_next_rip, svm_bochs;
u32 svm_asid_count;
u8 svm_flush = TLB_CONTROL_FLUSH_ALL;

static u8 *root_msrpm, *root_iopm;
static bool entry_work; /* this machine needs before_entry() */

void svm_switch(struct vp *vp, u64 guest_vmcb, u64 host_vmcb, u64 shadow);

static const char *probe(void)
{
	u32 leaf[4];

	cpuid(0x80000000, 0, leaf);
	if (leaf[0] < CPUID_SVM_LEAF)
		return "this processor has no SVM (AMD-V)";
	cpuid(0x80000001, 0, leaf);
	if (!(leaf[2] & BIT(2)) && !svm_bochs) /* whose generic model shows the leaf, not the bit */
		return "this processor has no SVM (AMD-V)";
	if (!(leaf[3] & BIT(26)))
		return "this processor has no 1 GiB pages";
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		return rdmsr(MSR_VM_CR) & VM_CR_LOCK
			       ? "SVM is disabled and locked by the firmware (enable SVM in its "
				 "setup)"
			       : "SVM is disabled by the firmware (enable SVM in its setup)";
	cpuid(CPUID_SVM_LEAF, 0, leaf);
	if (!(leaf[3] & SVM_FEATURE_NP))
		return "this processor's SVM has no nested paging";
	svm_has_next_rip = leaf[3] & SVM_FEATURE_NRIP;
	svm_asid_count = leaf[1];
	if (leaf[3] & SVM_FEATURE_FLUSH_BY_ASID)
		svm_flush = TLB_CONTROL_FLUSH_ASID;
	return NULL;
}

static void cpu_enable(void)
{
	struct cpu *cpu = this_cpu();

	entry_work = speculation.clear_divider || svm_bochs;
	cpu->svm_host_save = arch_unmap(page_pool_take(&boot_pool));
	cpu->svm_host_vmcb = arch_unmap(page_pool_take(&boot_pool));
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE, cpu->svm_host_save.v);
	__asm__ volatile("vmsave" ::"a"(cpu->svm_host_vmcb.v) : "memory");
}

/* Two bits per MSR, read then write, in three ranges of 8,192 MSRs (APM 15.11). */
static void intercept_msr(u8 *map, u32 msr, bool read, bool write)
{
	u32 base = msr < 0x2000 ? 0 : msr < 0xc0002000 ? 0x800 : 0x1000;
	u32 bit = (msr & 0x1fff) * 2;

	map[base + bit / 8] |= (u8)((read | write << 1) << bit % 8);
}

/* Which MSRs exit is core's to say. Those outside the three ranges (the synthetic ones) always do. */
u8 *svm_msrpm_new(const struct partition *p)
{
	static const u32 ranges[] = {0, 0xc0000000, 0xc0010000};
	u8 *map = pool_alloc(MSRPM_SIZE);

	for (u32 i = 0; i < ARRAY_SIZE(ranges); i++)
		for (u32 msr = ranges[i]; msr < ranges[i] + 0x2000; msr++)
			intercept_msr(map, msr, msr_intercepted(p, msr, false),
				      msr_intercepted(p, msr, true));
	/* A child's that the processor does not have: an emulator would let them pass. */
	if (!p->root && !speculation.spec_ctrl)
		intercept_msr(map, MSR_SPEC_CTRL, true, true);
	if (!p->root && !speculation.ibpb)
		intercept_msr(map, MSR_PRED_CMD, true, true);
	return map;
}

void svm_vmcb_init(struct vp *vp, struct virt_vp *v, struct vmcb *b)
{
	vp->arch = v;
	v->vmcb = b;
	v->vmcb_spa = arch_unmap(b);
	v->offered = -1;
	v->flushes = SVM_FRESH;
	b->intercept_exception = SVM_ROOT_EXCEPTIONS;
	b->intercept1 = INTERCEPT1_INTR | INTERCEPT1_NMI | INTERCEPT1_CPUID | INTERCEPT1_INVD |
			INTERCEPT1_INVLPGA | INTERCEPT1_MSR | INTERCEPT1_SHUTDOWN;
	b->intercept2 = INTERCEPT2_VMRUN | INTERCEPT2_VMMCALL | INTERCEPT2_VMLOAD |
			INTERCEPT2_VMSAVE | INTERCEPT2_STGI | INTERCEPT2_CLGI | INTERCEPT2_SKINIT |
			INTERCEPT2_XSETBV;
	b->vintr = VINTR_MASKING;
	b->nested_control = NESTED_PAGING;
	b->nested_cr3 = arch_unmap(vp->partition->map.root).v;
}

/* The root may do with its machine what it likes, except with what the hypervisor runs on. */
static void svm_vp_init(struct vp *vp)
{
	struct vmcb *b = page_pool_take(&boot_pool);

	if (!root_msrpm) {
		root_msrpm = svm_msrpm_new(vp->partition);
		root_iopm = pool_alloc(IOPM_SIZE);
		svm_child_init();
	}
	svm_vmcb_init(vp, pool_alloc(sizeof(struct virt_vp)), b);
	b->iopm = arch_unmap(root_iopm).v;
	b->msrpm = arch_unmap(root_msrpm).v;
	b->asid = SVM_ROOT_ASID;
	b->pat = rdmsr(MSR_PAT);
	xstate_init_root(vp);
	svm_foreign_init(vp);
}

/* The divider of a first Zen leaves the quotient of its last division behind (AMD-SB-7008). */
static void clear_divider(void)
{
	u32 a = 0, d = 0;

	__asm__ volatile("div %2" : "+a"(a), "+d"(d) : "r"(1) : "cc");
}

/* What only some processors need before VMRUN. */
static never_inline void before_entry(const struct vmcb *b)
{
	if (speculation.clear_divider)
		clear_divider();
	if (svm_bochs)
		write_cr2(b->cr2);
}

/* The map was flushed since this VP ran, or its ASID is a fresh one. */
static never_inline void forget_map(struct cpu *cpu, struct vp *vp, u64 flushes)
{
	struct virt_vp *v = vp->arch;

	svm_step_cancel(vp); /* its map may be of yesterday */
	if (vp->partition->root)
		v->vmcb->tlb_control = svm_flush;
	else
		svm_child_forget_map(vp);
	if (cpu->flush_tlb)
		v->vmcb->tlb_control = TLB_CONTROL_FLUSH_ALL;
	cpu->flush_tlb = false;
	v->flushes = flushes;
}

/*
 * One stay in the guest. GIF is held low from the last look at the VP's events to VMRUN, so that
 * an NMI that arrives in between ends the guest's run at once instead of being forgotten.
 */
static void svm_vp_run(struct vp *vp, struct vexit *ret_exit)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;
	struct cpu *cpu = this_cpu();
	u64 flushes;

	clgi();
	cpu_begin_stay(cpu);
	if (unlikely(__atomic_load_n(&vp->events, __ATOMIC_RELAXED) |
		     __atomic_load_n(&cpu->vp->events, __ATOMIC_RELAXED))) {
		cpu_end_stay(cpu);
		svm_event_end_offer(vp, false);
		stgi();
		ret_exit->type = VEXIT_NONE;
		ret_exit->quiet = false;
		return;
	}
	b->rax = vp->gpr[RAX];
	if (vp != cpu->vp)
		b->cr4 |= CR4_MCE; /* or a machine check stops the processor (APM 2 9.3) */
	flushes = __atomic_load_n(&vp->partition->map.flushes, __ATOMIC_RELAXED);
	if (unlikely(v->flushes != flushes))
		forget_map(cpu, vp, flushes);
	if (unlikely(entry_work))
		before_entry(b);
	svm_switch(vp, v->vmcb_spa.v, cpu->svm_host_vmcb.v, b->interrupt_shadow & 1);
	cpu_end_stay(cpu);
	vp->gpr[RAX] = b->rax;
	b->tlb_control = TLB_CONTROL_NONE;
	ret_exit->quiet = v->offered < 0;
	svm_event_complete(vp, v, b);
	stgi();
	svm_decode_exit(vp, ret_exit);
}

static u8 cpl(const struct vp *vp)
{
	return vp->arch->vmcb->cpl;
}

static bool long_mode(const struct vp *vp)
{
	const struct vmcb *b = vp->arch->vmcb;

	return (b->efer & EFER_LMA) && (b->cs.attributes & BIT(9));
}

static u64 efer(const struct vp *vp)
{
	return vp->arch->vmcb->efer;
}

static void set_efer(struct vp *vp, u64 value)
{
	vp->arch->vmcb->efer = value | EFER_SVME; /* VMRUN insists on it */
}

static u64 cr4(const struct vp *vp)
{
	return vp->arch->vmcb->cr4;
}

static void set_tsc_offset(struct vp *vp, u64 offset)
{
	vp->arch->vmcb->tsc_offset = offset;
}

static never_inline void end_flags(struct vp *vp)
{
	struct vmcb *b = vp->arch->vmcb;

	b->rflags &= ~(u64)RFLAGS_RF;
	if (b->rflags & RFLAGS_TF)
		event_single_step(vp);
}

static void advance(struct vp *vp, u8 length)
{
	struct vmcb *b = vp->arch->vmcb;

	b->rip += length;
	b->interrupt_shadow = 0;
	if (unlikely(b->rflags & (RFLAGS_TF | RFLAGS_RF)))
		end_flags(vp);
}

const struct virt_ops svm_ops = {
	.name = "SVM",
	.hypercall_opcode = {0x0f, 0x01, 0xd9}, /* VMMCALL */
	.probe = probe,
	.cpu_enable = cpu_enable,
	.vp_init = svm_vp_init,
	.vp_run = svm_vp_run,
	.get_regs = svm_get_regs,
	.set_regs = svm_set_regs,
	.show_regs = svm_show_regs,
	.take_regs = svm_take_regs,
	.reset = svm_event_reset,
	.cpl = cpl,
	.long_mode = long_mode,
	.efer = efer,
	.set_efer = set_efer,
	.cr4 = cr4,
	.set_tsc_offset = set_tsc_offset,
	.advance = advance,
	.inject_exception = svm_event_inject_exception,
	.event_queued = svm_event_queued,
	.inject_nmi = svm_event_inject_nmi,
	.inject_extint = svm_event_inject_extint,
	.offer_irq = svm_event_offer_irq,
	.step_over = svm_step_begin,
	.map_format = &svm_npt_format,
	.vp_create = svm_child_create,
	.vp_destroy = svm_child_destroy,
	.enter = svm_child_enter,
	.leave = svm_child_leave,
	.get_msr = svm_child_get_msr,
	.set_msr = svm_child_set_msr,
	.extint_window = svm_event_extint_window,
	.interrupt_state = svm_event_interrupt_state,
	.set_interrupt_state = svm_event_set_interrupt_state,
	.get_event = svm_event_get,
	.set_event = svm_event_set,
};
