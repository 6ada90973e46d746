/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a child sees of CPUID. A leaf that is not in the switch reads zero; a feature bit that is
 * not in a mask is hidden: whatever needs state that is not switched (TSC_AUX, PKRU, AVX-512,
 * XSAVES) or MSRs that are not there (PMU). Of machine check banks it has none.
 *
 * Beside that, the page of results that the parent registered.
 */
#include "core/cpuid.h"
#include "core/arch.h"
#include "core/format.h"
#include "core/partition.h"
#include "core/virt.h"
#include "hv/partition.h"

enum { EAX, EBX, ECX, EDX };

#define B(n) (1u << (n))

/* SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
#define LEAF_1_ECX                                                                            \
	(B(0) | B(1) | B(9) | B(12) | B(13) | B(19) | B(20) | B(22) | B(23) | B(25) | B(26) | \
	 B(28) | B(29) | B(30))
/* x2APIC, TSC deadline, hypervisor */
#define LEAF_1_ECX_SHOWN (B(21) | B(24) | B(31))
#define LEAF_1_OSXSAVE   B(27)
/* FPU VME DE PSE TSC MSR PAE MCE CX8 SEP MTRR PGE MCA CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 */
#define LEAF_1_EDX                                                                              \
	(B(0) | B(1) | B(2) | B(3) | B(4) | B(5) | B(6) | B(7) | B(8) | B(11) | B(12) | B(13) | \
	 B(14) | B(15) | B(16) | B(17) | B(19) | B(23) | B(24) | B(25) | B(26))
#define LEAF_1_HTT B(28)
#define LEAF_APIC  B(9) /* of leaf 1 and of 80000001 */
/* FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS RDSEED ADX SMAP CLFLUSHOPT CLWB SHA */
#define LEAF_7_EBX \
	(B(0) | B(3) | B(5) | B(7) | B(8) | B(9) | B(18) | B(19) | B(20) | B(23) | B(24) | B(29))
#define LEAF_7_ECX    B(2) /* UMIP */
#define LEAF_7_EDX    B(4) /* FSRM */
/* LAHF CR8-by-LOCK ABM SSE4A misaligned-SSE PREFETCHW */
#define LEAF_EXT_ECX  (B(0) | B(4) | B(5) | B(6) | B(7) | B(8))
/* those of leaf 1 again, SYSCALL NX MMXEXT FFXSR 1-GiB-pages LM */
#define LEAF_EXT_EDX  ((LEAF_1_EDX & 0x183f3ff) | B(11) | B(20) | B(22) | B(25) | B(26) | B(29))
#define INVARIANT_TSC B(8)
/* Speculation: IBPB IBRS STIBP, how they are to be used, SSBD SSB_NO PSFD BTC_NO IBPB_RET */
#define LEAF_8_EBX \
	(B(12) | B(14) | B(15) | B(16) | B(17) | B(18) | B(24) | B(26) | B(28) | B(29) | B(30))
/* no-nested-data-breakpoints LFENCE VERW null-selector automatic-IBRS SBPB IBPB_BRTYPE SRSO_NO; TSA */
#define LEAF_21_EAX (B(0) | B(2) | B(5) | B(6) | B(8) | B(27) | B(28) | B(29) | B(30))
#define LEAF_21_ECX (B(1) | B(2))

#define CR4_OSXSAVE BIT(18)
#define XCR0_AVX    4u
#define XSAVE_SSE   576u
#define XSAVE_AVX   832u

static u32 id_bits(u32 count)
{
	return count > 1 ? 32 - (u32)__builtin_clz(count - 1) : 0;
}

/* Without it in APIC_BASE, there is no local APIC (SDM 3A 11.4.3, APM 2 16.3.1). */
static u32 apic_bit(const struct vp *vp)
{
	_Static_assert(APIC_BASE_ENABLE >> 2 == LEAF_APIC, "no branch on the way of every CPUID");
	return (u32)vp->lapic.base >> 2 & LEAF_APIC;
}

static __attribute__((noinline)) void leaf_1(struct vp *vp, u32 out[4])
{
	_Static_assert(CR4_OSXSAVE << 9 == LEAF_1_OSXSAVE, "the shift below");
	u32 osxsave = (u32)(virt->cr4(vp) << 9) & LEAF_1_OSXSAVE;
	u32 count = vp->partition->vp_count;

	out[EBX] = (out[EBX] & 0xffff) | (u32)(u8)count << 16 | vp->lapic.id << 24;
	out[ECX] = (out[ECX] & LEAF_1_ECX) | LEAF_1_ECX_SHOWN | osxsave;
	out[EDX] = (out[EDX] & (LEAF_1_EDX | apic_bit(vp))) | (count > 1 ? LEAF_1_HTT : 0);
}

static void leaf_7(u32 subleaf, u32 out[4])
{
	bool first = subleaf == 0;

	out[EAX] = 0;
	out[EBX] &= first ? LEAF_7_EBX : 0;
	out[ECX] &= first ? LEAF_7_ECX : 0;
	out[EDX] &= first ? LEAF_7_EDX : 0;
}

/* One package of single-threaded cores. */
static void leaf_topology(const struct vp *vp, u32 subleaf, u32 out[4])
{
	u32 count = vp->partition->vp_count;

	out[EAX] = subleaf == 1 ? id_bits(count) : 0;
	out[EBX] = subleaf == 0 ? 1 : subleaf == 1 ? count : 0;
	out[ECX] = subleaf < 2 ? (subleaf + 1) << 8 | subleaf : subleaf;
	out[EDX] = vp->lapic.id;
}

static never_inline void leaf_xsave(const struct vp *vp, u32 subleaf, u32 out[4])
{
	u32 supported = (u32)arch_xcr0_supported() & 7;

	switch (subleaf) {
	case 0:
		out[EAX] = supported;
		out[EBX] = arch_xcr0(vp) & XCR0_AVX ? XSAVE_AVX : XSAVE_SSE;
		out[ECX] = supported & XCR0_AVX ? XSAVE_AVX : XSAVE_SSE;
		out[EDX] = 0;
		break;
	case 1:
		out[EAX] &= 1; /* XSAVEOPT */
		out[EBX] = out[ECX] = out[EDX] = 0;
		break;
	default:
		if (subleaf != 2 || !(supported & XCR0_AVX))
			memset(out, 0, 4 * sizeof(*out));
	}
}

/* Address widths; four levels of nested tables reach 48 bits. */
static void leaf_addresses(const struct vp *vp, u32 out[4])
{
	u32 physical = (u32)min_u64(out[EAX] & 0xff, 48);

	out[EAX] = physical | 48 << 8;
	out[EBX] &= LEAF_8_EBX;
	out[EDX] = 0;
	out[ECX] = vp->partition->vp_count - 1;
}

static void leaf_speculation(u32 out[4])
{
	u32 last[4];

	arch_cpuid(0x80000000, 0, last);
	out[EAX] &= last[EAX] >= 0x80000021 ? LEAF_21_EAX : 0;
	out[ECX] &= last[EAX] >= 0x80000021 ? LEAF_21_ECX : 0;
	out[EBX] = out[EDX] = 0;
}

static void limit(u32 out[4], u32 last)
{
	out[EAX] = (u32)min_u64(out[EAX], last);
}

void child_cpuid_change(struct vp *vp, u32 leaf, u32 subleaf, u32 out[4])
{
	switch (leaf) {
	case 0:
		limit(out, 0xd);
		return;
	case 1:
		leaf_1(vp, out);
		return;
	case 2:
	case 0x80000002 ... 0x80000006: /* names and caches */
		return;
	case 4: /* caches: not who shares them */
		out[EAX] &= 0x3fff;
		return;
	case 6: /* the local APIC's timer never stops */
		out[EAX] = B(2);
		out[EBX] = out[ECX] = out[EDX] = 0;
		return;
	case 7:
		leaf_7(subleaf, out);
		return;
	case 0xb:
		leaf_topology(vp, subleaf, out);
		return;
	case 0xd:
		leaf_xsave(vp, subleaf, out);
		return;
	case 0x80000000:
		limit(out, 0x80000021);
		return;
	case 0x80000001:
		out[ECX] &= LEAF_EXT_ECX;
		out[EDX] &= LEAF_EXT_EDX | apic_bit(vp);
		return;
	case 0x80000007: /* TLFS 2.4.11: shown when the guest says it knows what it means */
		out[EAX] = out[EBX] = out[ECX] = 0;
		out[EDX] &= vp->partition->tsc_invariant_control ? INVARIANT_TSC : 0;
		return;
	case 0x80000008:
		leaf_addresses(vp, out);
		return;
	case 0x80000021:
		leaf_speculation(out);
		return;
	default:
		memset(out, 0, 4 * sizeof(*out));
	}
}

#define RESULTS 64u

/* What the parent wants of a leaf: other values, or to be asked (`intercepted`, any subleaf). */
struct cpuid_result {
	u32 leaf, subleaf;
	bool used, specific; /* specific: this subleaf only */
	bool intercepted;
	struct {
		u32 value, mask;
	} reg[4];
};

struct cpuid_results {
	struct cpuid_result result[RESULTS];
};
_Static_assert(sizeof(struct cpuid_results) <= PAGE_SIZE, "one page of the pool");

bool cpuid_parent(const struct vp *vp, u32 out[4])
{
	u32 leaf = (u32)vp->gpr[RAX], subleaf = (u32)vp->gpr[RCX];
	const struct cpuid_result *r = vp->partition->cpuid->result;
	const struct cpuid_result *end = r + RESULTS;
	bool asked = false;

	for (; r < end && r->used; r++) {
		if (r->leaf != leaf || (r->specific && r->subleaf != subleaf))
			continue;
		asked |= r->intercepted;
		for (u32 i = 0; i < 4; i++)
			out[i] = (out[i] & ~r->reg[i].mask) | (r->reg[i].value & r->reg[i].mask);
	}
	return asked;
}

/* The entry for this leaf, perhaps a new one that is not used yet. */
static hv_status find_entry(struct partition *p, u32 leaf, u32 subleaf, bool specific,
			    struct cpuid_result **ret_entry)
{
	struct cpuid_result *r;

	if (!p->cpuid)
		__atomic_store_n(&p->cpuid, page_pool_take(&p->pool), __ATOMIC_RELEASE);
	if (!p->cpuid)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	for (r = p->cpuid->result; r < p->cpuid->result + RESULTS; r++)
		if (!r->used || (r->leaf == leaf && r->specific == specific &&
				 (!specific || r->subleaf == subleaf))) {
			r->leaf = leaf;
			r->subleaf = subleaf;
			r->specific = specific;
			*ret_entry = r;
			return HV_STATUS_SUCCESS;
		}
	return HV_STATUS_NO_RESOURCES;
}

hv_status cpuid_set_result(struct partition *p, const struct hv_intercept_result_input *in)
{
	struct cpuid_result *r;
	hv_status status;

	if (in->vp_index != ~0u) /* for all VPs or none */
		return HV_STATUS_INVALID_VP_INDEX;
	status = find_entry(p, in->leaf, in->subleaf, in->subleaf_specific, &r);
	if (status != HV_STATUS_SUCCESS)
		return status;
	for (u32 i = 0; i < 4; i++) {
		r->reg[i].value = in->result[i].value;
		r->reg[i].mask = in->result[i].mask;
	}
	__atomic_store_n(&r->used, true, __ATOMIC_RELEASE);
	return HV_STATUS_SUCCESS;
}

hv_status cpuid_intercept(struct partition *p, u32 leaf, bool on)
{
	struct cpuid_result *r;
	hv_status status = find_entry(p, leaf, 0, false, &r);

	if (status != HV_STATUS_SUCCESS)
		return status;
	r->intercepted = on;
	__atomic_store_n(&r->used, true, __ATOMIC_RELEASE);
	return HV_STATUS_SUCCESS;
}
