/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See synthetic_msr.h. The pages that MSRs give to the hypervisor are written in the guest's RAM
 * in place; nothing is put back when they are taken away again.
 */
#include "core/synthetic_msr.h"
#include "core/arch.h"
#include "core/format.h"
#include "core/intercept.h"
#include "core/log.h"
#include "core/partition.h"
#include "core/reftime.h"
#include "core/stimer.h"
#include "core/synic.h"
#include "core/virt.h"
#include "hv/cpuid.h"
#include "hv/msr.h"

#define HYPERCALL_PAGE_BITS (HV_MSR_PAGE_MASK | HV_MSR_PAGE_ENABLE | HV_MSR_HYPERCALL_LOCKED)
#define CRASH_LINE_MAX      160u

/* The guest's page that an MSR value names, or NULL. */
static void *page_of(struct vp *vp, u64 value)
{
	return partition_memory(vp->partition, GPA(value & HV_MSR_PAGE_MASK), PAGE_SIZE,
				GPA_READ | GPA_WRITE);
}

static void write_hypercall_page(u8 *page)
{
	static const u8 endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

	memset(page, 0xcc, PAGE_SIZE); /* INT3 */
	memcpy(page, endbr64, sizeof(endbr64));
	memcpy(page + sizeof(endbr64), virt->hypercall_opcode, sizeof(virt->hypercall_opcode));
	page[sizeof(endbr64) + sizeof(virt->hypercall_opcode)] = 0xc3; /* RET */
}

static bool write_hypercall(struct vp *vp, u64 value)
{
	struct partition *p = vp->partition;
	void *page;

	if (p->hypercall_msr & HV_MSR_HYPERCALL_LOCKED)
		return true;
	if (value & ~HYPERCALL_PAGE_BITS)
		return false;
	/* Without an identity there is no hypercall interface (TLFS 3.13). */
	if (!p->guest_os_id)
		value &= ~HV_MSR_PAGE_ENABLE;
	if (value & HV_MSR_PAGE_ENABLE) {
		page = page_of(vp, value);
		if (!page)
			return false;
		write_hypercall_page(page);
	}
	p->hypercall_msr = value;
	return true;
}

static bool write_guest_os_id(struct vp *vp, u64 value)
{
	struct partition *p = vp->partition;

	p->guest_os_id = value;
	if (!value)
		p->hypercall_msr &= ~(HV_MSR_PAGE_ENABLE | HV_MSR_HYPERCALL_LOCKED);
	return true;
}

static bool write_reference_tsc(struct vp *vp, u64 value)
{
	void *page;

	if (value & HV_MSR_PAGE_ENABLE) {
		page = page_of(vp, value);
		if (!page)
			return false;
		reftime_write_page(vp->partition, vp->tsc_offset, page);
	}
	vp->partition->reference_tsc_msr = value;
	return true;
}

/* All zero: neither a lazy EOI nor anything else of the page is used (TLFS 7.8.7). */
static bool write_vp_assist(struct vp *vp, u64 value)
{
	void *page;

	if (value & ~(HV_MSR_PAGE_MASK | HV_MSR_PAGE_ENABLE))
		return false;
	if (value & HV_MSR_PAGE_ENABLE) {
		page = page_of(vp, value);
		if (!page)
			return false;
		memset(page, 0, PAGE_SIZE);
	}
	vp->vp_assist = value;
	return true;
}

/* The message, up to a page, is for people: line by line, and what cannot be printed is a dot. */
static void log_crash_message(struct vp *vp)
{
	char line[CRASH_LINE_MAX + 1];
	u64 n = 0, length = min_u64(vp->crash_parameter[4], PAGE_SIZE);
	const char *text =
		partition_memory(vp->partition, GPA(vp->crash_parameter[3]), length, GPA_READ);

	for (u64 i = 0; text && i < length; i++) {
		char c = __atomic_load_n(&text[i], __ATOMIC_RELAXED);

		if (c != '\n')
			line[n++] = c < ' ' || c > '~' ? '.' : c;
		if (n && (c == '\n' || n == CRASH_LINE_MAX || i + 1 == length)) {
			line[n] = '\0';
			log_error("partition %lu: %s", vp->partition->id, line);
			n = 0;
		}
	}
}

static bool write_crash_control(struct vp *vp, u64 value)
{
	const u64 *c = vp->crash_parameter;

	if (!(value & HV_CRASH_NOTIFY))
		return true;
	vp->partition->crashed = true;
	if (!vp->partition->root) {
		intercept_crash(vp, value);
		return true;
	}
	log_error("partition %lu: VP %u reports a crash: %lx %lx %lx %lx %lx", vp->partition->id,
		  vp->index, c[0], c[1], c[2], c[3], c[4]);
	if (value & HV_CRASH_MESSAGE)
		log_crash_message(vp);
	return true;
}

/* The privileges (hv/cpuid.h) that MSRs need; some are never asked for. */
static const struct {
	u32 first, last;
	u64 privilege;
} needs[] = {
	{HV_MSR_GUEST_OS_ID, HV_MSR_HYPERCALL, HV_ACCESS_HYPERCALL_MSRS},
	{HV_MSR_VP_INDEX, HV_MSR_VP_INDEX, HV_ACCESS_VP_INDEX},
	{HV_MSR_TIME_REF_COUNT, HV_MSR_TIME_REF_COUNT, HV_ACCESS_REFERENCE_COUNTER},
	{HV_MSR_REFERENCE_TSC, HV_MSR_REFERENCE_TSC, HV_ACCESS_REFERENCE_TSC},
	{HV_MSR_TSC_FREQUENCY, HV_MSR_APIC_FREQUENCY, HV_ACCESS_FREQUENCY_MSRS},
	{HV_MSR_EOI, HV_MSR_TPR, HV_ACCESS_APIC_MSRS},
	{HV_MSR_SCONTROL, HV_MSR_SINT15, HV_ACCESS_SYNIC},
	{HV_MSR_STIMER0_CONFIG, HV_MSR_STIMER3_COUNT, HV_ACCESS_SYNTHETIC_TIMERS},
	{HV_MSR_TSC_INVARIANT_CONTROL, HV_MSR_TSC_INVARIANT_CONTROL, HV_ACCESS_TSC_INVARIANT},
};

static bool may_access(const struct vp *vp, u32 msr)
{
	for (u32 i = 0; i < ARRAY_SIZE(needs); i++)
		if (msr >= needs[i].first && msr <= needs[i].last)
			return needs[i].privilege & vp->partition->privileges;
	return true;
}

/* EOI, ICR and TPR by MSR, whatever the mode (TLFS 10.2.1). */
static bool write_apic(struct vp *vp, u32 msr, u64 value)
{
	struct lapic *l = &vp->lapic;

	switch (msr) {
	case HV_MSR_EOI:
		lapic_eoi(l);
		return true;
	case HV_MSR_ICR:
		if (l->base & APIC_BASE_X2APIC)
			return lapic_msr_write(l, MSR_X2APIC_ICR, value) == LAPIC_OK;
		lapic_mmio_write(l, LAPIC_MMIO_ICR_HIGH, (u32)(value >> 32));
		lapic_mmio_write(l, LAPIC_MMIO_ICR, (u32)value);
		return true;
	default: /* TPR */
		if (value > 0xff)
			return false;
		l->tpr = (u32)value;
		return true;
	}
}

static bool read_apic(const struct vp *vp, u32 msr, u64 *ret_value)
{
	const struct lapic *l = &vp->lapic;

	if (msr == HV_MSR_EOI)
		return false;
	*ret_value = msr == HV_MSR_TPR ? l->tpr : (u64)l->icr_high << 32 | l->icr_low;
	return true;
}

/* Those that read as they were written. */
static const u64 *word_of(const struct vp *vp, u32 msr)
{
	switch (msr) {
	case HV_MSR_GUEST_OS_ID:
		return &vp->partition->guest_os_id;
	case HV_MSR_HYPERCALL:
		return &vp->partition->hypercall_msr;
	case HV_MSR_REFERENCE_TSC:
		return &vp->partition->reference_tsc_msr;
	case HV_MSR_VP_ASSIST:
		return &vp->vp_assist;
	case HV_MSR_CRASH_P0 ... HV_MSR_CRASH_P4:
		return &vp->crash_parameter[msr - HV_MSR_CRASH_P0];
	case HV_MSR_TSC_INVARIANT_CONTROL:
		return &vp->partition->tsc_invariant_control;
	default:
		return NULL;
	}
}

static bool read_plain(struct vp *vp, u32 msr, u64 *ret_value)
{
	const u64 *word = word_of(vp, msr);

	if (word)
		*ret_value = *word;
	else if (msr == HV_MSR_VP_INDEX)
		*ret_value = vp->index;
	else if (msr == HV_MSR_TIME_REF_COUNT)
		*ret_value = reftime_now(vp->partition);
	else if (msr == HV_MSR_TSC_FREQUENCY)
		*ret_value = arch_tsc_hz();
	else if (msr == HV_MSR_APIC_FREQUENCY)
		*ret_value = LAPIC_HZ;
	else if (msr == HV_MSR_CRASH_CTL) /* what it can do */
		*ret_value = HV_CRASH_NOTIFY | HV_CRASH_MESSAGE;
	else
		return false;
	return true;
}

static bool write_plain(struct vp *vp, u32 msr, u64 value)
{
	switch (msr) {
	case HV_MSR_GUEST_OS_ID:
		return write_guest_os_id(vp, value);
	case HV_MSR_HYPERCALL:
		return write_hypercall(vp, value);
	case HV_MSR_REFERENCE_TSC:
		return write_reference_tsc(vp, value);
	case HV_MSR_VP_ASSIST:
		return write_vp_assist(vp, value);
	case HV_MSR_CRASH_P0 ... HV_MSR_CRASH_P4:
		vp->crash_parameter[msr - HV_MSR_CRASH_P0] = value;
		return true;
	case HV_MSR_CRASH_CTL:
		return write_crash_control(vp, value);
	case HV_MSR_TSC_INVARIANT_CONTROL:
		if (value & ~HV_TSC_INVARIANT_EXPOSED)
			return false;
		vp->partition->tsc_invariant_control = value;
		return true;
	default:
		return false;
	}
}

bool synthetic_msr_read(struct vp *vp, u32 msr, u64 *ret_value)
{
	if (!may_access(vp, msr))
		return false;
	switch (msr) {
	case HV_MSR_EOI ... HV_MSR_TPR:
		return read_apic(vp, msr, ret_value);
	case HV_MSR_SCONTROL ... HV_MSR_SINT15:
		return synic_msr_read(vp, msr, ret_value);
	case HV_MSR_STIMER0_CONFIG ... HV_MSR_STIMER3_COUNT:
		return stimer_msr_read(vp, msr, ret_value);
	default:
		return read_plain(vp, msr, ret_value);
	}
}

bool synthetic_msr_write(struct vp *vp, u32 msr, u64 value)
{
	if (!may_access(vp, msr))
		return false;
	switch (msr) {
	case HV_MSR_EOI ... HV_MSR_TPR:
		return write_apic(vp, msr, value);
	case HV_MSR_SCONTROL ... HV_MSR_SINT15:
		return synic_msr_write(vp, msr, value);
	case HV_MSR_STIMER0_CONFIG ... HV_MSR_STIMER3_COUNT:
		return stimer_msr_write(vp, msr, value);
	default:
		return write_plain(vp, msr, value);
	}
}
