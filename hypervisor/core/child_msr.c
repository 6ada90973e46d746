/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every MSR that a child has. What is not listed is #GP, or the worker's if it asked for that.
 * Constants are what an idle machine of this kind reads; "kept" ones have no effect. doc/msr.md says
 * why each is let pass, and what other hypervisors do.
 */
#include "core/child_msr.h"
#include "core/arch.h"
#include "core/partition.h"
#include "core/synthetic_msr.h"
#include "core/virt.h"

#define MSR_TSC        0x10u
#define MSR_TSC_ADJUST 0x3bu
#define MSR_SPEC_CTRL  0x48u
#define MSR_PRED_CMD   0x49u
#define MSR_MISC       0x1a0u
#define MSR_PAT        0x277u
#define MSR_EFER       0xc0000080u

/* mtrr[]: eight pairs, eleven fixed ranges, the default type. */
static u64 *mtrr_of(struct vp *vp, u32 msr)
{
	switch (msr) {
	case 0x200 ... 0x20f:
		return &vp->mtrr[msr - 0x200];
	case 0x250:
		return &vp->mtrr[16];
	case 0x258 ... 0x259:
		return &vp->mtrr[17 + (msr - 0x258)];
	case 0x268 ... 0x26f:
		return &vp->mtrr[19 + (msr - 0x268)];
	default: /* 0x2ff */
		return &vp->mtrr[27];
	}
}
_Static_assert(VP_MTRRS == 28, "the above");

static bool read_kept(struct vp *vp, u32 msr, u64 *ret_value)
{
	*ret_value = msr == MSR_MISC ? vp->misc_enable : *mtrr_of(vp, msr);
	return true;
}

static bool write_kept(struct vp *vp, u32 msr, u64 value)
{
	if (msr == MSR_MISC)
		vp->misc_enable = value;
	else
		*mtrr_of(vp, msr) = value;
	return true;
}

static bool write_tsc(struct vp *vp, u32 msr, u64 value)
{
	vp->tsc_adjust += value - (arch_tsc() + vp->tsc_offset);
	vp_set_tsc(vp, value);
	return true;
}

static bool read_tsc_adjust(struct vp *vp, u32 msr, u64 *ret_value)
{
	*ret_value = vp->tsc_adjust;
	return true;
}

static bool write_tsc_adjust(struct vp *vp, u32 msr, u64 value)
{
	u64 change = value - vp->tsc_adjust;

	vp->tsc_adjust = value;
	vp_set_tsc(vp, arch_tsc() + vp->tsc_offset + change);
	return true;
}

static bool read_tsc(struct vp *vp, u32 msr, u64 *ret_value)
{
	*ret_value = arch_tsc() + vp->tsc_offset;
	return true;
}

static bool write_ignored(struct vp *vp, u32 msr, u64 value)
{
	return true;
}

static bool write_zero_only(struct vp *vp, u32 msr, u64 value)
{
	return !value;
}

bool child_msr_read_direct(struct vp *vp, u32 msr, u64 *ret_value)
{
	return msr == MSR_TSC ? read_tsc(vp, msr, ret_value) : virt->get_msr(vp, msr, ret_value);
}

/* A memory type that there is not would make the entry fail: refused first. */
static bool write_pat(struct vp *vp, u32 msr, u64 value)
{
	for (u64 left = value; left; left >>= 8)
		if ((left & 0xff) > 7 || (left & 0xfe) == 2)
			return false;
	return virt->set_msr(vp, msr, value);
}

#define CONSTANT(name, value)                                    \
	static bool name(struct vp *vp, u32 msr, u64 *ret_value) \
	{                                                        \
		*ret_value = (value);                            \
		return true;                                     \
	}
CONSTANT(read_zero, 0)
CONSTANT(read_microcode, 0x01000065)
CONSTANT(read_mtrrcap, 0x508)   /* eight variable ranges, fixed ones, write combining */
CONSTANT(read_decode_config, 2) /* LFENCE serializes */
CONSTANT(read_clock_control, 0x20000000)
CONSTANT(read_svm_off, 0x18) /* disabled and locked */

const struct msr_range child_msr_ranges[] = {
	/* The guest's own: switched with it, no exit. */
	{0x174, 0x176, NULL, NULL},                 /* SYSENTER */
	{0xc0000081, 0xc0000084, NULL, NULL},       /* STAR … SFMASK */
	{0xc0000100, 0xc0000102, NULL, NULL},       /* FS, GS and kernel GS base */
	{MSR_SPEC_CTRL, MSR_SPEC_CTRL, NULL, NULL}, /* if the processor has it */
	{MSR_PRED_CMD, MSR_PRED_CMD, NULL, NULL},   /* the same; reading is #GP */
	{MSR_TSC, MSR_TSC, NULL, write_tsc},
	{MSR_PAT, MSR_PAT, child_msr_read_direct, write_pat}, /* QEMU (7.2) has one for all */

	{MSR_APIC_BASE, MSR_APIC_BASE, msr_read_lapic, msr_write_lapic},
	{MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, msr_read_lapic, msr_write_lapic},
	{MSR_X2APIC_FIRST, MSR_X2APIC_LAST, msr_read_lapic, msr_write_lapic},
	{SYNTHETIC_MSR_FIRST, SYNTHETIC_MSR_LAST, synthetic_msr_read, synthetic_msr_write},
	{MSR_EFER, MSR_EFER, msr_read_efer, msr_write_efer},
	{MSR_TSC_ADJUST, MSR_TSC_ADJUST, read_tsc_adjust, write_tsc_adjust},

	{MSR_MISC, MSR_MISC, read_kept, write_kept},
	{0x200, 0x20f, read_kept, write_kept}, /* MTRRs */
	{0x250, 0x250, read_kept, write_kept},
	{0x258, 0x259, read_kept, write_kept},
	{0x268, 0x26f, read_kept, write_kept},
	{0x2ff, 0x2ff, read_kept, write_kept},
	{0xfe, 0xfe, read_mtrrcap, msr_write_fault},

	{0x0, 0x1, read_zero, msr_write_fault},      /* machine check of the Pentium */
	{0x17, 0x17, read_zero, msr_write_fault},    /* platform id */
	{0x2a, 0x2a, read_zero, msr_write_fault},    /* power-on configuration */
	{0x34, 0x34, read_zero, msr_write_fault},    /* SMI count */
	{0x79, 0x79, msr_read_fault, write_ignored}, /* microcode update */
	{0x88, 0x8a, read_zero, write_ignored},      /* L2 cache of old */
	{0x8b, 0x8b, read_microcode, write_ignored}, /* microcode revision */
	{0xc1, 0xc2, read_zero, write_ignored},      /* counters; there is no PMU */
	{0xce, 0xce, read_zero, msr_write_fault},    /* platform info */
	{0x116, 0x116, read_zero, write_ignored},    /* L2 cache of old */
	{0x118, 0x11b, read_zero, write_ignored},
	{0x11e, 0x11e, read_zero, write_ignored},
	{0x140, 0x140, read_zero, write_ignored},   /* misc features */
	{0x179, 0x17a, read_zero, write_ignored},   /* machine check: none */
	{0x186, 0x187, read_zero, write_ignored},   /* event select */
	{0x198, 0x199, read_zero, msr_write_fault}, /* clock speed */
	{0x1d9, 0x1d9, read_zero, write_ignored},   /* DEBUGCTL */
	{0x1db, 0x1de, read_zero, msr_write_fault}, /* last branches */
	{0x606, 0x606, read_zero, msr_write_fault}, /* power: its unit, and what was used */
	{0x611, 0x611, read_zero, msr_write_fault},
	{0x619, 0x619, read_zero, msr_write_fault},
	{0x639, 0x639, read_zero, msr_write_fault},
	{0x641, 0x641, read_zero, msr_write_fault},
	{0xc0010000, 0xc0010007, read_zero, write_ignored}, /* event select, counters: no PMU */
	{0xc0010010, 0xc0010010, read_zero, write_ignored}, /* SYSCFG */
	{0xc0010015, 0xc0010015, read_zero, write_ignored}, /* HWCR */
	{0xc001001b, 0xc001001b, read_clock_control, write_ignored}, /* CLK_CTL */
	{0xc001001f, 0xc001001f, read_zero, write_ignored},          /* NB_CFG */
	{0xc0010020, 0xc0010020, msr_read_fault, write_ignored},     /* microcode update */
	{0xc0010055, 0xc0010055, read_zero, write_ignored},          /* INT_PENDING_MSG */
	{0xc0010058, 0xc0010058, read_zero, write_zero_only},        /* MMIO_CFG_BASE: none */
	{0xc0010112, 0xc0010113, read_zero, msr_write_fault},        /* TSEG: there is no SMM */
	{0xc0010114, 0xc0010114, read_svm_off, msr_write_fault},     /* VM_CR */
	{0xc0010115, 0xc0010115, read_zero, write_ignored},          /* IGNNE */
	{0xc0010117, 0xc0010117, read_zero, write_ignored},          /* VM_HSAVE_PA */
	{0xc0010140, 0xc0010141, read_zero, msr_write_fault},        /* OSVW: nothing is said */
	{0xc0010200, 0xc001020b, read_zero, write_ignored},          /* the same of six counters */
	{0xc0011021, 0xc0011021, read_zero, msr_write_fault},        /* IC_CFG */
	{0xc0011022, 0xc0011023, read_zero, write_ignored},          /* DC_CFG, TW_CFG */
	{0xc0011029, 0xc0011029, read_decode_config, write_ignored},
	{0xc001102a, 0xc001102a, read_zero, write_ignored}, /* BU_CFG2 */
	{0xc001102c, 0xc001102c, read_zero, write_ignored}, /* EX_CFG */
};
const size_t child_msr_range_count = ARRAY_SIZE(child_msr_ranges);

bool child_msr_write_direct(struct vp *vp, u32 msr, u64 value)
{
	return virt->set_msr(vp, msr, value);
}
