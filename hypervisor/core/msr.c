/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSR policy. The root reaches every MSR of its processor but those in the table here; a child
 * those of the table in child_msr.c. The local APIC's, by far the most frequent, come first.
 */
#include "core/msr.h"
#include "core/arch.h"
#include "core/child_msr.h"
#include "core/partition.h"
#include "core/synthetic_msr.h"
#include "core/virt.h"

#define MSR_TSC                  0x10u
#define MSR_FEATURE_CONTROL      0x3au
#define MSR_TSC_ADJUST           0x3bu
#define MSR_VMX_FIRST            0x480u
#define MSR_VMX_LAST             0x493u
#define MSR_VM_CR                0xc0010114u
#define MSR_VM_IGNNE             0xc0010115u
#define MSR_SVM_KEY              0xc0010118u

#define MSR_X2APIC_VERSION       0x803u
#define MSR_X2APIC_EXTENDED      0x840u
#define MSR_X2APIC_EXTENDED_LVT3 0x853u

#define MSR_EFER                 0xc0000080u

#define EFER_SCE                 BIT(0)
#define EFER_LME                 BIT(8)
#define EFER_LMA                 BIT(10)
#define EFER_NXE                 BIT(11)
#define EFER_SVME                BIT(12)
#define EFER_FFXSR               BIT(14)
#define EFER_TCE                 BIT(15)
#define EFER_MCOMMIT             BIT(17)
#define EFER_INTERRUPTIBLE_WB    BIT(18)
#define EFER_UPPER_IGNORE        BIT(20)
#define EFER_AUTO_IBRS           BIT(21)

#define VERSION_EXTENDED         BIT(31)

#define FEATURE_CONTROL_LOCKED   BIT(0)
#define VM_CR_DISABLED_LOCKED    (BIT(3) | BIT(4))

#define CPUID_EXTENDED           0x80000000u
#define CPUID_FEATURES           0x80000001u
#define CPUID_ADDRESSES          0x80000008u
#define CPUID_FEATURES_2         0x80000021u
#define CR0_PG                   BIT(31)

enum { EAX, EBX, ECX, EDX };

/* In x2APIC mode, which the root's is from the beginning. */
static bool may_be_extended(const struct vp *vp, u32 msr)
{
	return vp->partition->root &&
	       msr - MSR_X2APIC_EXTENDED <= MSR_X2APIC_EXTENDED_LVT3 - MSR_X2APIC_EXTENDED;
}

/* Then the version says so (APM 2 16.3.4). */
static bool has_extended(const struct vp *vp)
{
	u32 value;

	return vp->partition->root &&
	       arch_lapic_read_extended(MSR_X2APIC_EXTENDED - MSR_X2APIC_FIRST, &value);
}

bool msr_read_lapic(struct vp *vp, u32 msr, u64 *ret_value)
{
	u32 value;

	if (lapic_msr_read(&vp->lapic, msr, ret_value) == LAPIC_OK) {
		if (unlikely(msr == MSR_X2APIC_VERSION) && has_extended(vp))
			*ret_value |= VERSION_EXTENDED;
		return true;
	}
	if (!may_be_extended(vp, msr) || !arch_lapic_read_extended(msr - MSR_X2APIC_FIRST, &value))
		return false;
	*ret_value = value;
	return true;
}

bool msr_write_lapic(struct vp *vp, u32 msr, u64 value)
{
	return lapic_msr_write(&vp->lapic, msr, value) == LAPIC_OK ||
	       (may_be_extended(vp, msr) && !(value >> 32) &&
		arch_lapic_write_extended(msr - MSR_X2APIC_FIRST, (u32)value));
}

bool msr_read_fault(struct vp *vp, u32 msr, u64 *ret_value)
{
	return false;
}

bool msr_write_fault(struct vp *vp, u32 msr, u64 value)
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

bool msr_read_efer(struct vp *vp, u32 msr, u64 *ret_value)
{
	*ret_value = virt->efer(vp) & ~EFER_SVME;
	return true;
}

/* Bits that the processor would refuse in the guest's EFER make the entry fail: refuse them first. */
u64 msr_efer_bits(void)
{
	static const struct {
		u32 leaf;
		u8 reg, bit;
		u32 efer;
	} shown[] = {
		{CPUID_FEATURES, ECX, 17, EFER_TCE},
		{CPUID_FEATURES, EDX, 25, EFER_FFXSR},
		{CPUID_ADDRESSES, EBX, 8, EFER_MCOMMIT},
		{CPUID_ADDRESSES, EBX, 13, EFER_INTERRUPTIBLE_WB},
		{CPUID_FEATURES_2, EAX, 7, EFER_UPPER_IGNORE},
		{CPUID_FEATURES_2, EAX, 8, EFER_AUTO_IBRS},
	};
	u64 bits = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	u32 leaf[4];

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		arch_cpuid(CPUID_EXTENDED, 0, leaf);
		if (leaf[0] < shown[i].leaf && shown[i].leaf > CPUID_FEATURES)
			continue;
		arch_cpuid(shown[i].leaf, 0, leaf);
		if (leaf[shown[i].reg] & BIT(shown[i].bit))
			bits |= shown[i].efer;
	}
	return bits;
}

/* LMA follows LME and paging by itself; LME is fixed while paging is on. */
bool msr_write_efer(struct vp *vp, u32 msr, u64 value)
{
	u64 old = virt->efer(vp);
	struct vregs r;

	if (value & ~msr_efer_bits())
		return false;
	if ((value ^ old) & EFER_LME) {
		virt->get_regs(vp, &r);
		if (r.cr0 & CR0_PG)
			return false;
	}
	virt->set_efer(vp, (value & ~EFER_LMA) | (old & EFER_LMA));
	return true;
}

static const struct msr_range root_ranges[] = {
	{MSR_TSC, MSR_TSC, NULL, write_ignored},
	{MSR_APIC_BASE, MSR_APIC_BASE, msr_read_lapic, msr_write_lapic},
	{MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, read_feature_control, msr_write_fault},
	{MSR_TSC_ADJUST, MSR_TSC_ADJUST, read_zero, write_ignored},
	{MSR_VMX_FIRST, MSR_VMX_LAST, msr_read_fault, msr_write_fault},
	{MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, msr_read_lapic, msr_write_lapic},
	{MSR_X2APIC_FIRST, MSR_X2APIC_LAST, msr_read_lapic, msr_write_lapic},
	{SYNTHETIC_MSR_FIRST, SYNTHETIC_MSR_LAST, synthetic_msr_read, synthetic_msr_write},
	{MSR_EFER, MSR_EFER, msr_read_efer, msr_write_efer},
	{MSR_VM_CR, MSR_VM_CR, read_vm_cr, msr_write_fault},
	{MSR_VM_IGNNE, MSR_SVM_KEY, msr_read_fault, msr_write_fault},
};

static const struct msr_range *find(const struct partition *p, u32 msr)
{
	const struct msr_range *r = p->root ? root_ranges : child_msr_ranges;
	const struct msr_range *end =
		r + (p->root ? ARRAY_SIZE(root_ranges) : child_msr_range_count);

	for (; r < end; r++)
		if (msr >= r->first && msr <= r->last)
			return r;
	return NULL;
}

/* The root has what it is not denied, a child only what it is given. */
bool msr_intercepted(const struct partition *p, u32 msr, bool write)
{
	const struct msr_range *r = find(p, msr);

	if (!r)
		return !p->root;
	return write ? r->write != NULL : r->read != NULL;
}

bool msr_exists(const struct partition *p, u32 msr)
{
	return find(p, msr);
}

static bool is_hot(u32 msr)
{
	return msr - MSR_X2APIC_FIRST <= MSR_X2APIC_LAST - MSR_X2APIC_FIRST ||
	       msr == MSR_TSC_DEADLINE;
}

bool msr_read(struct vp *vp, u32 msr, u64 *ret_value)
{
	const struct partition *p = vp->partition;
	const struct msr_range *r;

	if (likely(is_hot(msr)))
		return msr_read_lapic(vp, msr, ret_value);
	r = find(p, msr);
	if (r && r->read)
		return r->read(vp, msr, ret_value);
	if (p->root)
		return arch_msr_read_safe(msr, ret_value);
	return r && child_msr_read_direct(vp, msr, ret_value);
}

bool msr_write(struct vp *vp, u32 msr, u64 value)
{
	const struct partition *p = vp->partition;
	const struct msr_range *r;

	if (likely(is_hot(msr)))
		return msr_write_lapic(vp, msr, value);
	r = find(p, msr);
	if (r && r->write)
		return r->write(vp, msr, value);
	if (p->root)
		return arch_msr_write_safe(msr, value);
	return r && child_msr_write_direct(vp, msr, value);
}
