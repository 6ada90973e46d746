/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of a VP in one piece, for saving and restoring (HvCallGet/SetVpState). The caller lists
 * pages of its memory; the state lies in them one after the other.
 */
#include "core/arch.h"
#include "core/calls.h"
#include "core/exit.h"
#include "core/format.h"
#include "core/lapic_state.h"
#include "core/partition.h"
#include "core/stimer.h"
#include "hv/cpuid.h"
#include "hv/msr.h"
#include "hv/partition.h"

#define XSAVE_MXCSR  24u
#define XSAVE_HEADER 512u
#define MXCSR_BITS   0xffffu

/* Copies `size` bytes to or from the listed pages. All of the list is used up, or nothing is done. */
static hv_status copy_pages(struct hypercall *call, void *state, u64 size, bool out)
{
	u32 rights = out ? GPA_READ | GPA_WRITE : GPA_READ;
	u64 done, number, n;
	void *page;

	if (size > (u64)(call->rep_count - call->rep_next) * PAGE_SIZE)
		return HV_STATUS_INSUFFICIENT_BUFFERS;
	for (done = 0; done < size; done += n) {
		hypercall_rep_input(call, &number);
		page = number < 1ull << 36
			       ? partition_memory(call->vp->partition, GPA(number << PAGE_SHIFT),
						  PAGE_SIZE, rights)
			       : NULL;
		if (!page)
			return HV_STATUS_INVALID_PARAMETER;
		n = min_u64(size - done, PAGE_SIZE);
		if (out)
			memcpy(page, (u8 *)state + done, n);
		else
			memcpy((u8 *)state + done, page, n);
		call->rep_next++;
	}
	call->rep_next = call->rep_count;
	return HV_STATUS_SUCCESS;
}

/* The guest's SIM or SIEF page, or NULL. */
static void *synic_page(struct vp *vp, u32 type)
{
	u64 msr = type == HV_VP_STATE_SIMP ? vp->synic.simp : vp->synic.siefp;

	if (!(msr & HV_MSR_PAGE_ENABLE))
		return NULL;
	return partition_memory(vp->partition, GPA(msr & HV_MSR_PAGE_MASK), PAGE_SIZE,
				GPA_READ | GPA_WRITE);
}

union state {
	struct hv_lapic_state lapic;
	struct hv_timers_state timers;
};

/* Where a state lies, or is put together, and how much it is; false: there is no such state. */
static bool find_state(struct vp *vp, u32 type, union state *buffer, void **ret_state,
		       u64 *ret_size)
{
	*ret_state = buffer;
	switch (type) {
	case HV_VP_STATE_LAPIC:
		*ret_size = sizeof(buffer->lapic);
		return true;
	case HV_VP_STATE_TIMERS:
		*ret_size = sizeof(buffer->timers);
		return true;
	case HV_VP_STATE_XSAVE:
		*ret_state = vp->xsave;
		*ret_size = arch_xsave_size();
		return true;
	case HV_VP_STATE_SIMP:
	case HV_VP_STATE_SIEFP:
		*ret_state = synic_page(vp, type);
		*ret_size = *ret_state ? PAGE_SIZE : 0;
		return true;
	default:
		return false;
	}
}

static void get_timers(const struct vp *vp, struct hv_timers_state *s)
{
	*s = (struct hv_timers_state){.version = 1, .undelivered = vp->stimer_undelivered};
	for (u32 i = 0; i < HV_TIMER_COUNT; i++) {
		const struct stimer *t = &vp->stimer[i];

		s->timer[i].config = t->config;
		s->timer[i].count = t->count;
		s->timer[i].expiration = stimer_expiration(vp, i);
	}
}

static hv_status set_timers(struct vp *vp, const struct hv_timers_state *s)
{
	if (s->version != 1 || s->undelivered >> HV_TIMER_COUNT)
		return HV_STATUS_INVALID_PARAMETER;
	for (u32 i = 0; i < HV_TIMER_COUNT; i++)
		if ((s->timer[i].config & ~HV_TIMER_CONFIG_BITS) ||
		    (s->timer[i].expiration && !s->timer[i].count))
			return HV_STATUS_INVALID_PARAMETER;
	for (u32 i = 0; i < HV_TIMER_COUNT; i++)
		stimer_restore(vp, i, s->timer[i].config, s->timer[i].count,
			       s->timer[i].expiration);
	vp->stimer_undelivered = s->undelivered;
	return HV_STATUS_SUCCESS;
}

/*
 * XRSTOR faults on bits that are not its own, and that would be here: the area keeps only what the
 * guest can have (SDM 1 13.8).
 */
static void clean_xsave(void *area, size_t size)
{
	u64 supported = arch_xcr0_supported() & XCR0_CHILD;
	u32 mxcsr;
	u64 header[8] = {0};

	memcpy(&mxcsr, (u8 *)area + XSAVE_MXCSR, sizeof(mxcsr));
	mxcsr &= MXCSR_BITS;
	memcpy((u8 *)area + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
	if (size < XSAVE_HEADER + sizeof(header))
		return;
	memcpy(&header[0], (u8 *)area + XSAVE_HEADER, sizeof(header[0]));
	header[0] &= supported;
	memcpy((u8 *)area + XSAVE_HEADER, header, sizeof(header));
}

static hv_status get(struct hypercall *call)
{
	struct vp *vp = call->child_vp;
	u32 type = (u32)(call->header[1] >> 32);
	union state buffer;
	void *state;
	u64 size;

	if (!find_state(vp, type, &buffer, &state, &size))
		return HV_STATUS_INVALID_PARAMETER;
	if (type == HV_VP_STATE_LAPIC)
		lapic_get_state(&vp->lapic, &buffer.lapic);
	else if (type == HV_VP_STATE_TIMERS)
		get_timers(vp, &buffer.timers);
	memcpy(call->out, &size, sizeof(size));
	return copy_pages(call, state, size, true);
}

static hv_status set(struct hypercall *call)
{
	struct vp *vp = call->child_vp;
	u32 type = (u32)(call->header[1] >> 32);
	union state buffer;
	hv_status status;
	void *state;
	u64 size;

	if (!find_state(vp, type, &buffer, &state, &size) || size != call->header[2])
		return HV_STATUS_INVALID_PARAMETER;
	status = copy_pages(call, state, size, false);
	if (type == HV_VP_STATE_XSAVE)
		clean_xsave(state, size);
	if (status != HV_STATUS_SUCCESS)
		return status;
	if (type == HV_VP_STATE_TIMERS)
		return set_timers(vp, &buffer.timers);
	return type != HV_VP_STATE_LAPIC || lapic_set_state(&vp->lapic, &buffer.lapic)
		       ? HV_STATUS_SUCCESS
		       : HV_STATUS_INVALID_PARAMETER;
}

const struct hypercall_kind state_calls[] = {
	CALL_OF(MANAGE, GET_VP_STATE, offsetof(struct hv_vp_state_input, size), get,
		.target = TARGET_VP, .how = REPEATED, .in_rep = sizeof(u64),
		.out_header = sizeof(u64)),
	CALL(MANAGE, SET_VP_STATE, vp_state, set, .target = TARGET_VP, .how = REPEATED,
	     .in_rep = sizeof(u64)),
	{0},
};
