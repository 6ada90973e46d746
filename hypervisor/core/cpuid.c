/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root sees its processor as it is, except for what is hidden below (virtualization,
 * which the hypervisor holds; counters that it does not switch) and shown (the virtual local
 * APIC's abilities).
 */
#include "core/cpuid.h"
#include "core/arch.h"
#include "core/partition.h"
#include "core/virt.h"
#include "hv/cpuid.h"

enum { EAX, EBX, ECX, EDX };

#define KEELSON_BUILD       1u

#define LEAF_1_VMX          BIT(5) /* ECX */
#define LEAF_1_SMX          BIT(6)
#define LEAF_1_X2APIC       BIT(21)
#define LEAF_1_TSC_DEADLINE BIT(24)
#define LEAF_1_OSXSAVE      BIT(27)
#define LEAF_1_HYPERVISOR   BIT(31)
#define LEAF_6_ARAT         BIT(2) /* EAX */
#define LEAF_7_OSPKE        BIT(4) /* ECX */
#define LEAF_EXT_SVM        BIT(2) /* ECX */
#define LEAF_EXT_SKINIT     BIT(12)
#define LEAF_EXT_INVLPGB    BIT(3) /* EBX */

#define CR4_OSXSAVE         BIT(18)
#define CR4_PKE             BIT(22)

static void set(u32 out[4], u32 a, u32 b, u32 c, u32 d)
{
	out[EAX] = a;
	out[EBX] = b;
	out[ECX] = c;
	out[EDX] = d;
}

static void copy_bit(u32 *word, u32 bit, bool on)
{
	*word = (*word & ~bit) | (on ? bit : 0);
}

/* The processor's own leaves, with the root's CR4 mirrored instead of the hypervisor's. */
static never_inline void change_root_leaf(struct vp *vp, u32 leaf, u32 out[4])
{
	switch (leaf) {
	case 1:
		out[ECX] &= ~(u32)(LEAF_1_VMX | LEAF_1_SMX);
		out[ECX] |= LEAF_1_X2APIC | LEAF_1_TSC_DEADLINE | LEAF_1_HYPERVISOR;
		copy_bit(&out[ECX], LEAF_1_OSXSAVE, virt->cr4(vp) & CR4_OSXSAVE);
		break;
	case 6: /* the virtual timer does not sleep */
		out[EAX] |= LEAF_6_ARAT;
		break;
	case 7:
		copy_bit(&out[ECX], LEAF_7_OSPKE, virt->cr4(vp) & CR4_PKE);
		break;
	case 0x80000008: /* not opened in the VMCB, and they would reach other ASIDs */
		out[EBX] &= ~(u32)LEAF_EXT_INVLPGB;
		out[EDX] &= 0xffff0000;
		break;
	case 0x80000001:
		out[ECX] &= ~(u32)(LEAF_EXT_SVM | LEAF_EXT_SKINIT);
		break;
	case 0x0a:       /* performance counters: their interrupt is not virtualized */
	case 0x8000000a: /* SVM */
	case 0x8000001f: /* encrypted memory */
		set(out, 0, 0, 0, 0);
	}
}

/* Leaves of the TLFS, chapter 2. */
static never_inline void read_hypervisor_leaf(const struct vp *vp, u32 leaf, u32 out[4])
{
	const struct partition *p = vp->partition;

	switch (leaf) {
	case HV_CPUID_VENDOR: /* "Microsoft Hv" */
		set(out, HV_CPUID_HARDWARE, 0x7263694d, 0x666f736f, 0x76482074);
		break;
	case HV_CPUID_INTERFACE:
		set(out, HV_INTERFACE_SIGNATURE, 0, 0, 0);
		break;
	case HV_CPUID_VERSION: /* build, major.minor, service pack, service branch and number */
		set(out, KEELSON_BUILD, 10 << 16, 0, 0);
		break;
	case HV_CPUID_FEATURES:
		set(out, (u32)p->privileges, (u32)(p->privileges >> 32), 0,
		    HV_FEATURE_FREQUENCIES | HV_FEATURE_CRASH_MSRS |
			    (p->privileges & HV_ACCESS_SYNTHETIC_TIMERS ? HV_FEATURE_DIRECT_TIMER
									: 0));
		break;
	case HV_CPUID_RECOMMENDATIONS: /* EBX: spinlock retries before a hypercall: never */
		set(out, HV_HINT_RELAXED_TIMING | HV_HINT_DEPRECATE_AUTOEOI, ~0u, 0, 0);
		break;
	case HV_CPUID_LIMITS:
		set(out, PARTITION_CHILD_VPS, arch_cpu_count(), 0, 0);
		break;
	default:
		set(out, 0, 0, 0, 0);
	}
}

void cpuid_change(struct vp *vp, u32 out[4])
{
	u32 leaf = (u32)vp->gpr[RAX];

	if (unlikely(leaf >= HV_CPUID_VENDOR && leaf <= HV_CPUID_LAST))
		read_hypervisor_leaf(vp, leaf, out);
	else if (vp->partition->root)
		change_root_leaf(vp, leaf, out);
	else
		child_cpuid_change(vp, leaf, (u32)vp->gpr[RCX], out);
}
