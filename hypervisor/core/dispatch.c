/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root's scheduler runs a child's VP: HvCallDispatchVp stays in here until the VP needs its
 * worker, waits for something, or the root VP of this processor has something to do itself. And
 * what the root sends to its children: interrupts, messages, event flags.
 */
#include "core/arch.h"
#include "core/calls.h"
#include "core/child_exit.h"
#include "core/exit.h"
#include "core/format.h"
#include "core/intercept.h"
#include "core/partition.h"
#include "core/synic.h"
#include "core/virt.h"
#include "hv/cpuid.h"
#include "hv/intercept.h"
#include "hv/keelson.h"

static bool has_work(const struct vp *root)
{
	return __atomic_load_n(&root->events, __ATOMIC_ACQUIRE) || root->held ||
	       root->lapic.extint >= 0 ||
	       (!lapic_idle(&root->lapic) && lapic_deliverable(&root->lapic) >= 0);
}

static bool extint_wanted(struct vp *vp)
{
	return vp->notify_extint && vp->lapic.extint < 0 && lapic_passes_extint(&vp->lapic) &&
	       !virt->event_queued(vp) && virt->extint_window(vp);
}

/*
 * False: nothing to run. It says "blocked" then and looks once more: whoever posts something does
 * it the other way round, so one of the two sees the other.
 */
static bool prepare(struct vp *vp)
{
	__atomic_store_n(&vp->in_guest, true, __ATOMIC_SEQ_CST);
	if (likely(vp_prepare(vp)))
		return true;
	if (!vp->suspended) {
		__atomic_store_n(&vp->blocked, 1, __ATOMIC_SEQ_CST);
		if (vp_prepare(vp)) {
			__atomic_store_n(&vp->blocked, 0, __ATOMIC_SEQ_CST);
			return true;
		}
	}
	__atomic_store_n(&vp->in_guest, false, __ATOMIC_RELEASE);
	return false;
}

/* One stay in the guest. False: the VP has nothing to run. */
static bool run_once(struct vp *vp)
{
	if (!prepare(vp))
		return vp->suspended; /* it shut down: this is for its worker */
	if (unlikely(vp->notify_extint) && extint_wanted(vp)) {
		__atomic_store_n(&vp->in_guest, false, __ATOMIC_RELEASE);
		vp->notify_extint = false;
		intercept_plain(vp, HV_MESSAGE_INTERRUPTION_DELIVERABLE, 0);
		return true;
	}
	exit_run(vp);
	return true;
}

static void run(struct vp *vp, const struct vp *root, struct hv_dispatch_output *out)
{
	for (;;) {
		if (unlikely(vp->synic.full))
			child_slots_freed(vp);
		if (vp->suspended) {
			out->event = HV_DISPATCH_INTERCEPT;
			return;
		}
		if (vp->explicit_suspend) {
			out->event = HV_DISPATCH_SUSPENDED;
			return;
		}
		arch_quiesce();
		if (has_work(root))
			return;
		if (!run_once(vp)) {
			out->state = HV_DISPATCH_BLOCKED;
			return;
		}
	}
}

/* With no timer set, 210 instructions, and leave() 390, of which 240 go into the register page. */
static void enter(struct vp *vp, struct vp *root)
{
	__atomic_store_n(&vp->blocked, 0, __ATOMIC_SEQ_CST);
	vp->host = root;
	vp->cpu = root->cpu;
	intercept_load_registers(vp);
	vp_timers_to(vp, root->timers);
	if (root->timers->first && root->timers->first->deadline <= arch_tsc())
		timers_expire(root->timers, arch_tsc());
	virt->enter(vp);
	/* The root's interrupts end the child's stay: kicks for the root come to this processor. */
	__atomic_store_n(&root->in_guest, true, __ATOMIC_SEQ_CST);
}

static void leave(struct vp *vp, struct vp *root, struct hv_dispatch_output *out)
{
	__atomic_store_n(&root->in_guest, false, __ATOMIC_RELEASE);
	virt->leave(vp);
	vp_timers_to(vp, &vp->parked);
	if (vp->parked.first)
		out->wake_tsc = vp->parked.first->deadline + root->tsc_offset;
	intercept_save_registers(vp);
}

static hv_status dispatch(struct hypercall *call)
{
	const struct hv_dispatch_input *in = (const void *)call->header;
	struct hv_dispatch_output out = {.state = HV_DISPATCH_READY, .wake_tsc = ~0ull};
	struct vp *vp = call->child_vp;

	if (in->flags & ~HV_DISPATCH_CLEAR_INTERCEPT)
		return HV_STATUS_INVALID_PARAMETER;
	if (call->child->frozen)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (in->flags & HV_DISPATCH_CLEAR_INTERCEPT)
		vp->suspended = false;
	enter(vp, call->vp);
	run(vp, call->vp, &out);
	leave(vp, call->vp, &out);
	vp->intercept_page->dispatch = out;
	return HV_STATUS_SUCCESS;
}

static hv_status assert_interrupt(struct hypercall *call)
{
	const struct hv_assert_interrupt_input *in = (const void *)call->header;
	struct lapic_message m;
	u32 mode;

	mode = (u32)in->control;
	if ((in->control & ~(0xffffffffull | HV_INTERRUPT_LEVEL | HV_INTERRUPT_LOGICAL)) ||
	    mode > DELIVER_EXTINT || mode == DELIVER_RESERVED || in->vector > 0xff ||
	    in->destination >> 32)
		return HV_STATUS_INVALID_PARAMETER;
	m = (struct lapic_message){
		.destination = (u32)in->destination,
		.vector = (u8)in->vector,
		.delivery = mode,
		.logical = in->control & HV_INTERRUPT_LOGICAL,
		.level = (in->control & HV_INTERRUPT_LEVEL) && mode <= DELIVER_LOWEST,
		.assert = true,
		.wide = in->destination > 0xff,
	};
	lapic_send(call->child, NULL, TO_DESTINATION, &m);
	return HV_STATUS_SUCCESS;
}

/* The 8259 took its line back: an ExtINT that nobody acknowledged is gone. */
static hv_status clear_interrupt(struct hypercall *call)
{
	struct vp *vp;

	for (u32 i = 0; i < PARTITION_MAX_VPS; i++) {
		vp = partition_vp(call->child, i);
		if (vp)
			__atomic_store_n(&vp->lapic.extint, -1, __ATOMIC_RELAXED);
	}
	return HV_STATUS_SUCCESS;
}

static hv_status post_direct(struct hypercall *call)
{
	const struct hv_post_message_direct_input *in = (const void *)call->header;
	struct hv_message m;
	struct vp *vp;

	vp = partition_vp(call->child, in->vp_index);
	if (!vp)
		return HV_STATUS_INVALID_VP_INDEX;
	memcpy(&m, in->message, sizeof(m));
	if (in->level || in->sint >= HV_SINT_COUNT || !m.type ||
	    m.payload_size > HV_MESSAGE_PAYLOAD)
		return HV_STATUS_INVALID_PARAMETER;
	return synic_post(vp, in->sint, &m);
}

static hv_status signal_direct(struct hypercall *call)
{
	const struct hv_signal_event_direct_input *in = (const void *)call->header;
	struct hv_signal_event_direct_output out;
	struct vp *vp;
	hv_status status;
	bool newly;

	vp = partition_vp(call->child, in->vp_index);
	if (!vp)
		return HV_STATUS_INVALID_VP_INDEX;
	if (in->level || in->sint >= HV_SINT_COUNT || in->flag >= HV_EVENT_FLAGS)
		return HV_STATUS_INVALID_PARAMETER;
	status = synic_signal(vp, in->sint, in->flag, &newly);
	if (status != HV_STATUS_SUCCESS)
		return status;
	out = (struct hv_signal_event_direct_output){.newly_signaled = newly};
	memcpy(call->out, &out, sizeof(out));
	return HV_STATUS_SUCCESS;
}

static hv_status set_wake_flag(struct hypercall *call)
{
	const struct hv_keelson_wake_flag_input *in = (const void *)call->header;
	struct vp *vp = call->child_vp;

	if (in->sint >= HV_SINT_COUNT || in->flag >= HV_EVENT_FLAGS || in->reserved)
		return HV_STATUS_INVALID_PARAMETER;
	vp->wake_sint = in->sint;
	vp->wake_flag = in->flag;
	vp->wake_set = true;
	return HV_STATUS_SUCCESS;
}

const struct hypercall_kind dispatch_calls[] = {
	CALL(MANAGE, DISPATCH_VP, dispatch, dispatch, .target = TARGET_VP),
	CALL(MANAGE, ASSERT_VIRTUAL_INTERRUPT, assert_interrupt, assert_interrupt,
	     .target = TARGET_ACTIVE),
	CALL(MANAGE, CLEAR_VIRTUAL_INTERRUPT, partition, clear_interrupt, .target = TARGET_ACTIVE),
	CALL(MANAGE, SIGNAL_EVENT_DIRECT, signal_event_direct, signal_direct,
	     .target = TARGET_ACTIVE, .out_header = sizeof(struct hv_signal_event_direct_output)),
	CALL(MANAGE, POST_MESSAGE_DIRECT, post_message_direct, post_direct,
	     .target = TARGET_ACTIVE),
	CALL(MANAGE, KEELSON_SET_WAKE_FLAG, keelson_wake_flag, set_wake_flag, .target = TARGET_VP,
	     .how = MANAGED),
	{0},
};
