/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSR policy. The root reaches every MSR of its processor but those in the table; those of the
 * local APIC, by far the most frequent, are looked at first.
 */
#include "core/msr.h"
#include "core/arch.h"
#include "core/partition.h"
#include "core/synthetic_msr.h"
#include "core/virt.h"

#define MSR_TSC                0x10u
#define MSR_FEATURE_CONTROL    0x3au
#define MSR_TSC_ADJUST         0x3bu
#define MSR_VMX_FIRST          0x480u
#define MSR_VMX_LAST           0x493u
#define MSR_EFER               0xc0000080u
#define MSR_VM_CR              0xc0010114u
#define MSR_VM_IGNNE           0xc0010115u
#define MSR_VM_HSAVE_PA        0xc0010117u
#define MSR_SVM_KEY            0xc0010118u

#define FEATURE_CONTROL_LOCKED BIT(0)
#define VM_CR_DISABLED_LOCKED  (BIT(3) | BIT(4))

#define EFER_SCE               BIT(0)
#define EFER_LME               BIT(8)
#define EFER_LMA               BIT(10)
#define EFER_NXE               BIT(11)
#define EFER_SVME              BIT(12)
#define EFER_FFXSR             BIT(14)
#define EFER_TCE               BIT(15)
#define EFER_BITS              (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define CPUID_EXTENDED         0x80000001u
#define CPUID_TCE              BIT(17) /* ECX */
#define CPUID_FFXSR            BIT(25) /* EDX */
#define CR0_PG                 BIT(31)

struct range {
	u32 first, last;
	bool (*read)(struct vp *vp, u32 msr, u64 *ret_value); /* NULL: not intercepted */
	bool (*write)(struct vp *vp, u32 msr, u64 value);
};

static bool read_lapic(struct vp *vp, u32 msr, u64 *ret_value)
{
	return lapic_msr_read(&vp->lapic, msr, ret_value) == LAPIC_OK;
}

static bool write_lapic(struct vp *vp, u32 msr, u64 value)
{
	return lapic_msr_write(&vp->lapic, msr, value) == LAPIC_OK;
}

static bool read_fault(struct vp *vp, u32 msr, u64 *ret_value)
{
	return false;
}

static bool write_fault(struct vp *vp, u32 msr, u64 value)
{
	return false;
}

static bool read_zero(struct vp *vp, u32 msr, u64 *ret_value)
{
	*ret_value = 0;
	return true;
}

/* The TSC is the hypervisor's clock: nobody moves it. Linux writes it only to repair a skew. */
static bool write_ignored(struct vp *vp, u32 msr, u64 value)
{
	return true;
}

/* Virtualization looks switched off and locked by the firmware. */
static bool read_feature_control(struct vp *vp, u32 msr, u64 *ret_value)
{
	*ret_value = FEATURE_CONTROL_LOCKED;
	return true;
}

static bool read_vm_cr(struct vp *vp, u32 msr, u64 *ret_value)
{
	*ret_value = VM_CR_DISABLED_LOCKED;
	return true;
}

static bool read_efer(struct vp *vp, u32 msr, u64 *ret_value)
{
	*ret_value = virt->efer(vp) & ~EFER_SVME;
	return true;
}

/* Bits that the processor would refuse in the guest's EFER make the entry fail: refuse them first. */
static u64 efer_bits(void)
{
	u32 leaf[4];

	arch_cpuid(CPUID_EXTENDED, 0, leaf);
	return EFER_BITS | (leaf[2] & CPUID_TCE ? EFER_TCE : 0) |
	       (leaf[3] & CPUID_FFXSR ? EFER_FFXSR : 0);
}

/* LMA follows LME and paging by itself; LME is fixed while paging is on. */
static bool write_efer(struct vp *vp, u32 msr, u64 value)
{
	u64 old = virt->efer(vp);
	struct vregs r;

	if (value & ~efer_bits())
		return false;
	if ((value ^ old) & EFER_LME) {
		virt->get_regs(vp, &r);
		if (r.cr0 & CR0_PG)
			return false;
	}
	virt->set_efer(vp, (value & ~EFER_LMA) | (old & EFER_LMA));
	return true;
}

static const struct range root_ranges[] = {
	{MSR_TSC, MSR_TSC, NULL, write_ignored},
	{MSR_APIC_BASE, MSR_APIC_BASE, read_lapic, write_lapic},
	{MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, read_feature_control, write_fault},
	{MSR_TSC_ADJUST, MSR_TSC_ADJUST, read_zero, write_ignored},
	{MSR_VMX_FIRST, MSR_VMX_LAST, read_fault, write_fault},
	{MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, read_lapic, write_lapic},
	{MSR_X2APIC_FIRST, MSR_X2APIC_LAST, read_lapic, write_lapic},
	{SYNTHETIC_MSR_FIRST, SYNTHETIC_MSR_LAST, synthetic_msr_read, synthetic_msr_write},
	{MSR_EFER, MSR_EFER, read_efer, write_efer},
	{MSR_VM_CR, MSR_VM_CR, read_vm_cr, write_fault},
	{MSR_VM_IGNNE, MSR_SVM_KEY, read_fault, write_fault},
};

static const struct range *find(u32 msr)
{
	const struct range *r;

	for (r = root_ranges; r < root_ranges + ARRAY_SIZE(root_ranges); r++)
		if (msr >= r->first && msr <= r->last)
			return r;
	return NULL;
}

bool msr_intercepted(const struct partition *p, u32 msr, bool write)
{
	const struct range *r = find(msr);

	return r && (write ? r->write != NULL : r->read != NULL);
}

static bool is_hot(u32 msr)
{
	return msr - MSR_X2APIC_FIRST <= MSR_X2APIC_LAST - MSR_X2APIC_FIRST ||
	       msr == MSR_TSC_DEADLINE;
}

bool msr_read(struct vp *vp, u32 msr, u64 *ret_value)
{
	const struct range *r;

	if (likely(is_hot(msr)))
		return read_lapic(vp, msr, ret_value);
	r = find(msr);
	return r && r->read ? r->read(vp, msr, ret_value) : arch_msr_read_safe(msr, ret_value);
}

bool msr_write(struct vp *vp, u32 msr, u64 value)
{
	const struct range *r;

	if (likely(is_hot(msr)))
		return write_lapic(vp, msr, value);
	r = find(msr);
	return r && r->write ? r->write(vp, msr, value) : arch_msr_write_safe(msr, value);
}
