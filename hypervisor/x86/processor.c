/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What speculation.c decides from, and what carries it out on each processor. */
#include "core/log.h"
#include "x86/asm.h"
#include "x86/speculation.h"

#define CPUID_ADDRESSES 0x80000008
#define CPUID_SVM       0x8000000a
#define CPUID_FEATURES2 0x80000021
#define PRED_CMD_SBPB   BIT(7)

struct speculation speculation;

enum { EAX, EBX, ECX, EDX };

/* Zero where the processor has no such leaf. */
static void leaf_of(u32 leaf, u32 out[4])
{
	cpuid(leaf & 0x80000000, 0, out);
	if (out[EAX] < leaf)
		out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
	else
		cpuid(leaf, 0, out);
}

static void identify(struct processor *p)
{
	u32 out[4];

	leaf_of(1, out);
	p->family = out[EAX] >> 8 & 0xf;
	p->model = out[EAX] >> 4 & 0xf;
	if (p->family == 0xf) {
		p->family += out[EAX] >> 20 & 0xff;
		p->model |= out[EAX] >> 12 & 0xf0;
	}
	leaf_of(CPUID_ADDRESSES, out);
	p->ext8_ebx = out[EBX];
	leaf_of(CPUID_SVM, out);
	p->svm_edx = out[EDX];
	leaf_of(CPUID_FEATURES2, out);
	p->ext21_eax = out[EAX];
	p->ext21_ecx = out[ECX];
	/* Families 17h and 19h do not say in CPUID what their microcode can: it takes the bit or not. */
	p->sbpb = p->family == 0x19 && !wrmsr_safe(MSR_PRED_CMD, PRED_CMD_SBPB);
}

void speculation_init(void)
{
	struct processor p = {0};

	identify(&p);
	speculation = speculation_decide(&p);
	log_info("speculation, family %x model %x: automatic IBRS %u, barrier at exits %u, at "
		 "leaving %u, at entering %u, buffers cleared %u, %u MSRs set",
		 p.family, p.model, speculation.auto_ibrs, speculation.exit_barrier,
		 speculation.leave_barrier, speculation.enter_barrier, speculation.clear_buffers,
		 speculation.msr_count);
	if (speculation.old_microcode)
		log_warning("this processor's microcode is too old to protect the hypervisor's "
			    "returns from guests: update the firmware");
}

void speculation_init_cpu(void)
{
	u64 value;

	for (u32 i = 0; i < speculation.msr_count; i++)
		if (!rdmsr_safe(speculation.msr[i].msr, &value))
			(void)wrmsr_safe(speculation.msr[i].msr, value | speculation.msr[i].set);
	if (speculation.auto_ibrs)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AIBRSE);
}
