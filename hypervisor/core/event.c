/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See event.h. */
#include "core/event.h"
#include "core/exit.h"

#define VECTOR_DE    0
#define VECTOR_DB    1
#define VECTOR_DF    8
#define VECTOR_TS    10
#define VECTOR_GP    13
#define VECTOR_PF    14
#define VECTOR_CP    21
#define CONTRIBUTORY (BIT(VECTOR_DE) | BIT(VECTOR_CP) | (BIT(VECTOR_GP + 1) - BIT(VECTOR_TS)))

#define DR6_HITS     0xfull
#define DR6_INVERTED (BIT(11) | BIT(16)) /* BLD, RTM */
#define DR6_REPORTED (DR6_HITS | BIT(13) | BIT(14) | BIT(15))

void event_raise(struct vp *vp, u8 vector, u32 error, u64 parameter)
{
	vp->exception = (struct vp_exception){
		.vector = vector,
		.has_error = error != NO_ERROR_CODE,
		.error = error != NO_ERROR_CODE ? error : 0,
		.parameter = parameter,
	};
	vp->held |= VP_HELD_EXCEPTION;
	/* exit_run() would go straight back; with an event, virt->vp_run() does not. */
	__atomic_fetch_or(&vp->events, VP_EVENT_LOOK, __ATOMIC_RELAXED);
}

void event_single_step(struct vp *vp)
{
	event_raise(vp, VECTOR_DB, NO_ERROR_CODE, DR6_SINGLE_STEP);
}

/* An interrupt that was taken goes back to where it came from. */
static void give_back(struct vp *vp, u8 vector)
{
	s64 none = -1;

	if (!lapic_take_back(&vp->lapic, vector))
		__atomic_compare_exchange_n(&vp->lapic.extint, &none, (s64)vector, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static bool is_contributory(u8 vector)
{
	return vector < 32 && (BIT(vector) & CONTRIBUTORY);
}

/* What comes of a second exception while the first was on its way. False: a shutdown. */
static bool second_exception(u8 first, u8 *vector, u32 *error)
{
	bool serious = is_contributory(*vector) || *vector == VECTOR_PF;

	if (first == VECTOR_DF && serious)
		return false;
	if ((first == VECTOR_PF && serious) ||
	    (is_contributory(first) && is_contributory(*vector))) {
		*vector = VECTOR_DF;
		*error = 0;
	}
	return true;
}

static bool meet(struct vp *vp, const struct event *first, u8 *vector, u32 *error)
{
	virt->set_event(vp, NULL);
	switch (first->type) {
	case HV_INTERRUPTION_INTERRUPT:
		give_back(vp, first->vector);
		return true;
	case HV_INTERRUPTION_NMI:
		vp->held |= vp->held & VP_EVENT_NMI ? VP_EVENT_NMI_AGAIN : VP_EVENT_NMI;
		return true;
	case HV_INTERRUPTION_EXCEPTION:
		return second_exception(first->vector, vector, error);
	}
	return true;
}

void event_inject(struct vp *vp, u8 vector, u32 error)
{
	struct event first;

	if (unlikely(virt->get_event(vp, &first)) && !meet(vp, &first, &vector, &error))
		exit_shutdown(vp);
	else
		virt->inject_exception(vp, vector, error);
}

u64 event_dr6_reports(u64 dr6)
{
	return (dr6 & DR6_REPORTED) | (~dr6 & DR6_INVERTED);
}

u64 event_dr6(u64 before, u64 reported)
{
	u64 dr6 = (before & ~DR6_HITS) | DR6_INVERTED | (reported & DR6_REPORTED);

	return dr6 & ~(reported & DR6_INVERTED);
}

static void set_parameter(struct vp *vp, const struct vp_exception *x)
{
	struct vregs r;

	virt->get_regs(vp, &r);
	if (x->vector == VECTOR_PF)
		r.cr2 = x->parameter;
	else
		r.dr6 = event_dr6(r.dr6, x->parameter);
	virt->set_regs(vp, &r);
}

void event_inject_held(struct vp *vp)
{
	struct vp_exception x = vp->exception;

	vp->held &= ~(u32)VP_HELD_EXCEPTION;
	if (x.vector == VECTOR_PF || (x.vector == VECTOR_DB && x.parameter))
		set_parameter(vp, &x);
	event_inject(vp, x.vector, x.has_error ? x.error : NO_ERROR_CODE);
}

u64 event_pending_interruption(const struct vp *vp)
{
	struct event e;

	if (!virt->get_event(vp, &e))
		return 0;
	return HV_PENDING | (u64)e.type << 1 | (e.has_error ? HV_INTERRUPTION_HAS_ERROR : 0) |
	       (u64)e.vector << 16 | (u64)e.error << 32;
}

void event_set_pending_interruption(struct vp *vp, u64 value)
{
	struct event e = {
		.type = HV_PENDING_TYPE(value),
		.vector = (u8)HV_PENDING_VECTOR(value),
		.has_error = value & HV_INTERRUPTION_HAS_ERROR,
		.error = value & HV_INTERRUPTION_HAS_ERROR ? HV_PENDING_ERROR(value) : 0,
	};

	virt->set_event(vp, value & HV_PENDING ? &e : NULL);
}

union hv_register_value event_pending_event(const struct vp *vp)
{
	const struct vp_exception *x = &vp->exception;
	s64 extint = __atomic_load_n(&vp->lapic.extint, __ATOMIC_RELAXED);

	if (vp->held & VP_HELD_EXCEPTION)
		return (union hv_register_value){
			.word = {HV_PENDING | HV_EVENT_EXCEPTION << 1 |
					 (x->has_error ? HV_EVENT_HAS_ERROR : 0) |
					 (u64)x->vector << 16 | (u64)x->error << 32,
				 x->parameter}};
	if (extint >= 0)
		return (union hv_register_value){
			.word = {HV_PENDING | HV_EVENT_EXT_INT << 1 | (u64)extint << 8, 0}};
	return (union hv_register_value){.word = {0, 0}};
}

void event_set_pending_event(struct vp *vp, const union hv_register_value *value)
{
	u64 v = value->word[0];

	if (!(v & HV_PENDING))
		vp->held &= ~(u32)VP_HELD_EXCEPTION;
	else if (HV_PENDING_TYPE(v) == HV_EVENT_EXT_INT)
		lapic_post_extint(&vp->lapic, (u8)HV_EVENT_EXT_INT_VECTOR(v));
	else
		event_raise(vp, (u8)HV_PENDING_VECTOR(v),
			    v & HV_EVENT_HAS_ERROR ? HV_PENDING_ERROR(v) : NO_ERROR_CODE,
			    value->word[1]);
}
