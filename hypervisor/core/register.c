/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See register.h. Most registers are a word at a place: in the VP, in struct vregs, or an MSR
 * under its other name; the rest is spelled out.
 */
#include "core/register.h"
#include "core/arch.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/msr.h"
#include "core/partition.h"
#include "core/segment.h"
#include "core/virt.h"
#include "hv/msr.h"

#define REGISTER_RSP (HV_REGISTER_RAX + RSP)

/* Words of struct vregs. */
static const struct {
	u32 name;
	u32 offset;
} words[] = {
	{REGISTER_RSP, offsetof(struct vregs, rsp)},
	{HV_REGISTER_RIP, offsetof(struct vregs, rip)},
	{HV_REGISTER_RFLAGS, offsetof(struct vregs, rflags)},
	{HV_REGISTER_CR0, offsetof(struct vregs, cr0)},
	{HV_REGISTER_CR2, offsetof(struct vregs, cr2)},
	{HV_REGISTER_CR3, offsetof(struct vregs, cr3)},
	{HV_REGISTER_CR4, offsetof(struct vregs, cr4)},
	{HV_REGISTER_DR6, offsetof(struct vregs, dr6)},
	{HV_REGISTER_DR7, offsetof(struct vregs, dr7)},
	{HV_REGISTER_EFER, offsetof(struct vregs, efer)},
};

/* Registers that the guest reaches as MSRs, one or more in a row; set with the guest's own checks. */
static const struct {
	u32 name, msr, count;
} msrs[] = {
	{HV_REGISTER_KERNEL_GS_BASE, 0xc0000102, 1},
	{HV_REGISTER_APIC_BASE, MSR_APIC_BASE, 1},
	{HV_REGISTER_PAT, 0x277, 1},
	{HV_REGISTER_SPEC_CTRL, 0x48, 1},
	{HV_REGISTER_SYSENTER_CS, 0x174, 1},
	{HV_REGISTER_SYSENTER_ESP, 0x175, 1},
	{HV_REGISTER_SYSENTER_EIP, 0x176, 1},
	{HV_REGISTER_STAR, 0xc0000081, 4}, /* LSTAR, CSTAR, SFMASK */
	{HV_REGISTER_GUEST_OS_ID, HV_MSR_GUEST_OS_ID, 1},
	{HV_REGISTER_HYPERCALL, HV_MSR_HYPERCALL, 1},
	{HV_REGISTER_VP_INDEX, HV_MSR_VP_INDEX, 1},
	{HV_REGISTER_VP_ASSIST, HV_MSR_VP_ASSIST, 1},
	{HV_REGISTER_REFERENCE_TSC, HV_MSR_REFERENCE_TSC, 1},
	{HV_REGISTER_SCONTROL, HV_MSR_SCONTROL, 4}, /* SVERSION, SIEFP, SIMP */
	{HV_REGISTER_SINT0, HV_MSR_SINT0, 16},
	{HV_REGISTER_STIMER0_CONFIG, HV_MSR_STIMER0_CONFIG, 8},
	{HV_REGISTER_CRASH_P0, HV_MSR_CRASH_P0, 5},
};

static u64 *word_of(struct vregs *r, u32 name)
{
	if (name - HV_REGISTER_DR0 < ARRAY_SIZE(r->dr))
		return &r->dr[name - HV_REGISTER_DR0];
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].name == name)
			return (u64 *)((char *)r + words[i].offset);
	return NULL;
}

static bool find_msr(u32 name, u32 *ret_msr)
{
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++)
		if (name - msrs[i].name < msrs[i].count) {
			*ret_msr = msrs[i].msr + (name - msrs[i].name);
			return true;
		}
	return false;
}

static bool get_msr(struct vp *vp, u32 msr, u64 *ret_value)
{
	return virt->get_msr(vp, msr, ret_value) || msr_read(vp, msr, ret_value);
}

static bool set_msr(struct vp *vp, u32 msr, u64 value)
{
	return virt->set_msr(vp, msr, value) || msr_write(vp, msr, value);
}

static bool is_gpr(u32 name)
{
	return name - HV_REGISTER_RAX <= HV_REGISTER_R15 - HV_REGISTER_RAX && name != REGISTER_RSP;
}

static u64 activity_of(const struct vp *vp)
{
	return vp->state == VP_HALTED      ? HV_ACTIVITY_HALT_SUSPEND
	       : vp->state == VP_WAIT_SIPI ? HV_ACTIVITY_STARTUP_SUSPEND
					   : 0;
}

static enum vp_state state_of(u64 activity)
{
	return activity & HV_ACTIVITY_HALT_SUSPEND      ? VP_HALTED
	       : activity & HV_ACTIVITY_STARTUP_SUSPEND ? VP_WAIT_SIPI
							: VP_RUNNING;
}

static hv_status get_special(struct vp *vp, u32 name, const struct vregs *r,
			     union hv_register_value *v)
{
	u32 msr;

	switch (name) {
	case HV_REGISTER_EXPLICIT_SUSPEND:
		v->word[0] = vp->explicit_suspend;
		break;
	case HV_REGISTER_INTERCEPT_SUSPEND:
		v->word[0] = vp->suspended;
		break;
	case HV_REGISTER_INTERNAL_ACTIVITY:
		v->word[0] = activity_of(vp);
		break;
	case HV_REGISTER_PENDING_INTERRUPTION:
		v->word[0] = event_pending_interruption(vp);
		break;
	case HV_REGISTER_PENDING_EVENT0:
		*v = event_pending_event(vp);
		break;
	case HV_REGISTER_PENDING_EVENT1: /* there is none */
		break;
	case HV_REGISTER_INTERRUPT_STATE:
		v->word[0] = virt->interrupt_state(vp);
		break;
	case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS:
		v->word[0] = vp->notify_extint ? HV_NOTIFY_INTERRUPT : 0;
		break;
	case HV_REGISTER_CR8:
		v->word[0] = lapic_cr8(&vp->lapic);
		break;
	case HV_REGISTER_XFEM:
		v->word[0] = arch_xcr0(vp);
		break;
	case HV_REGISTER_TSC:
		v->word[0] = vp_host_tsc(vp) + vp->tsc_offset;
		break;
	case HV_REGISTER_ES ... HV_REGISTER_TR:
		v->segment = segment_to_hv(&r->segment[name - HV_REGISTER_ES]);
		break;
	case HV_REGISTER_IDTR:
		v->table = (struct hv_table){.limit = r->idtr.limit, .base = r->idtr.base};
		break;
	case HV_REGISTER_GDTR:
		v->table = (struct hv_table){.limit = r->gdtr.limit, .base = r->gdtr.base};
		break;
	default:
		if (!find_msr(name, &msr) || !get_msr(vp, msr, &v->word[0]))
			return HV_STATUS_INVALID_PARAMETER;
	}
	return HV_STATUS_SUCCESS;
}

hv_status register_get(struct vp *vp, u32 name, union hv_register_value *v)
{
	struct vregs r;
	const u64 *word;

	*v = (union hv_register_value){.word = {0, 0}};
	if (is_gpr(name)) {
		v->word[0] = vp->gpr[name - HV_REGISTER_RAX];
		return HV_STATUS_SUCCESS;
	}
	virt->get_regs(vp, &r);
	word = word_of(&r, name);
	if (word) {
		v->word[0] = *word;
		return HV_STATUS_SUCCESS;
	}
	return get_special(vp, name, &r, v);
}

/* Those that live in struct vregs but are more than a word; false: not such a one. */
static bool set_table(struct vregs *r, u32 name, const union hv_register_value *v)
{
	switch (name) {
	case HV_REGISTER_ES ... HV_REGISTER_TR:
		r->segment[name - HV_REGISTER_ES] = segment_from_hv(&v->segment);
		return true;
	case HV_REGISTER_IDTR:
		r->idtr = (struct vtable){v->table.limit, v->table.base};
		return true;
	case HV_REGISTER_GDTR:
		r->gdtr = (struct vtable){v->table.limit, v->table.base};
		return true;
	}
	return false;
}

static hv_status set_event(struct vp *vp, u32 name, const union hv_register_value *v)
{
	u64 value = v->word[0];

	if (name == HV_REGISTER_PENDING_INTERRUPTION && hv_pending_interruption_valid(value))
		event_set_pending_interruption(vp, value);
	else if (name == HV_REGISTER_INTERRUPT_STATE && !(value & ~HV_INTERRUPT_STATE_BITS))
		virt->set_interrupt_state(vp, value);
	else if (name == HV_REGISTER_PENDING_EVENT0 && hv_pending_event_valid(value))
		event_set_pending_event(vp, v);
	else if (name != HV_REGISTER_PENDING_EVENT1 || value)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	return HV_STATUS_SUCCESS;
}

static hv_status set_special(struct vp *vp, u32 name, const union hv_register_value *v)
{
	u64 value = v->word[0];
	u32 msr;

	switch (name) {
	case HV_REGISTER_EXPLICIT_SUSPEND:
		vp->explicit_suspend = value & HV_SUSPENDED;
		return HV_STATUS_SUCCESS;
	case HV_REGISTER_INTERCEPT_SUSPEND:
		if (value)
			return HV_STATUS_INVALID_REGISTER_VALUE;
		vp->suspended = false;
		return HV_STATUS_SUCCESS;
	case HV_REGISTER_INTERNAL_ACTIVITY:
		if (!hv_internal_activity_valid(value))
			return HV_STATUS_INVALID_REGISTER_VALUE;
		vp->state = state_of(value);
		return HV_STATUS_SUCCESS;
	case HV_REGISTER_PENDING_INTERRUPTION ... HV_REGISTER_PENDING_EVENT1:
		return set_event(vp, name, v);
	case HV_REGISTER_DELIVERABILITY_NOTIFICATIONS:
		if (value & ~HV_NOTIFY_INTERRUPT)
			return HV_STATUS_INVALID_REGISTER_VALUE;
		vp->notify_extint = value;
		return HV_STATUS_SUCCESS;
	case HV_REGISTER_CR8:
		if (value > 15)
			return HV_STATUS_INVALID_REGISTER_VALUE;
		lapic_set_cr8(&vp->lapic, (u8)value);
		return HV_STATUS_SUCCESS;
	case HV_REGISTER_XFEM:
		if (!xcr0_valid(vp, value))
			return HV_STATUS_INVALID_REGISTER_VALUE;
		arch_set_xcr0(vp, value);
		return HV_STATUS_SUCCESS;
	case HV_REGISTER_TSC:
		vp_set_tsc(vp, value);
		return HV_STATUS_SUCCESS;
	}
	if (!find_msr(name, &msr))
		return HV_STATUS_INVALID_PARAMETER;
	return set_msr(vp, msr, value) ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_REGISTER_VALUE;
}

hv_status register_set(struct vp *vp, u32 name, const union hv_register_value *v)
{
	struct vregs r;
	u64 *word;

	if (is_gpr(name)) {
		vp->gpr[name - HV_REGISTER_RAX] = v->word[0];
		return HV_STATUS_SUCCESS;
	}
	virt->get_regs(vp, &r);
	word = word_of(&r, name);
	if (!word && !set_table(&r, name, v))
		return set_special(vp, name, v);
	if (word)
		*word = v->word[0];
	if (r.efer & ~msr_efer_bits())
		return HV_STATUS_INVALID_REGISTER_VALUE;
	virt->set_regs(vp, &r);
	return HV_STATUS_SUCCESS;
}
