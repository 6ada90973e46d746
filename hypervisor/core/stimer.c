/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See stimer.h. A one-shot timer expires at reference time COUNT; a periodic one every COUNT units
 * from when it was started, missed periods being dropped. A time that the counter never reaches is
 * TIMER_NEVER: such a timer is on, but not queued. What is running has an expiration.
 *
 * Every periodic timer is a lazy one (TLFS 12.3.1): however many periods were missed, they are one
 * message, and the next one is in step again. Of periods below the floor, every few are one message.
 */
#include "core/stimer.h"
#include "core/format.h"
#include "core/partition.h"
#include "core/reftime.h"
#include "core/synic.h"
#include "hv/msr.h"

#define FLOOR (REFTIME_HZ / TIMER_FLOOR_HZ)

static u32 sint_of(u64 config)
{
	return config >> HV_TIMER_SINT_SHIFT & 15;
}

static bool is_running(const struct stimer *t)
{
	return (t->config & HV_TIMER_ENABLE) && t->expiration;
}

static void arm(struct vp *vp, struct stimer *t)
{
	timer_set(vp->timers, &t->timer, reftime_to_tsc(vp->partition, t->expiration));
}

static void stop(struct vp *vp, struct stimer *t)
{
	timer_cancel(vp->timers, &t->timer);
	t->expiration = 0;
	vp->stimer_undelivered &= ~(1u << (t - vp->stimer));
}

static void send_message(struct vp *vp, u32 n)
{
	const struct stimer *t = &vp->stimer[n];
	const struct hv_timer_expired expired = {
		.timer = n,
		.expiration_time = t->expiration,
		.delivery_time = reftime_now(vp->partition),
	};
	struct hv_message m = {
		.type = HV_MESSAGE_TIMER_EXPIRED,
		.payload_size = sizeof(expired),
	};

	memcpy(m.payload, &expired, sizeof(expired));
	if (synic_post(vp, sint_of(t->config), &m) == HV_STATUS_INSUFFICIENT_BUFFERS)
		vp->stimer_undelivered |= 1u << n;
	else
		vp->stimer_undelivered &= ~(1u << n);
}

static void deliver(struct vp *vp, struct stimer *t)
{
	if (!(t->config & HV_TIMER_DIRECT))
		send_message(vp, (u32)(t - vp->stimer));
	else if (lapic_post(&vp->lapic, (u8)(t->config >> HV_TIMER_VECTOR_SHIFT), false))
		vp_kick(vp);
}

static void expire(struct vp *vp, struct stimer *t)
{
	deliver(vp, t);
	if (!(t->config & HV_TIMER_PERIODIC)) {
		t->config &= ~HV_TIMER_ENABLE;
		return;
	}
	t->expiration = timer_next(t->expiration, t->count, reftime_now(vp->partition), FLOOR);
	arm(vp, t);
}

static void fire(struct timer *timer)
{
	struct stimer *t = container_of(timer, struct stimer, timer);

	expire(container_of(t - t->index, struct vp, stimer[0]), t);
}

void stimer_init(struct vp *vp)
{
	for (u32 i = 0; i < HV_TIMER_COUNT; i++) {
		vp->stimer[i].index = i;
		timer_init(&vp->stimer[i].timer, fire);
	}
}

/* Enabled with COUNT 0 means: not yet. A time that has passed fires at once. */
static void start(struct vp *vp, struct stimer *t)
{
	u64 now = reftime_now(vp->partition);

	if (!(t->config & HV_TIMER_ENABLE) || !t->count)
		return;
	t->expiration =
		t->config & HV_TIMER_PERIODIC ? timer_next(now, t->count, now, FLOOR) : t->count;
	if (t->expiration <= now)
		expire(vp, t);
	else
		arm(vp, t);
}

static bool write_config(struct vp *vp, struct stimer *t, u64 config)
{
	if (config & ~HV_TIMER_CONFIG_BITS)
		return false;
	/* Without direct mode, SINT 0 is none: the timer cannot be on (TLFS 12.3.1). */
	if (!(config & HV_TIMER_DIRECT) && !sint_of(config))
		config &= ~HV_TIMER_ENABLE;
	stop(vp, t);
	t->config = config;
	start(vp, t);
	return true;
}

static void write_count(struct vp *vp, struct stimer *t, u64 count)
{
	stop(vp, t);
	t->count = count;
	if (!count)
		t->config &= ~HV_TIMER_ENABLE;
	else if (t->config & HV_TIMER_AUTO_ENABLE)
		t->config |= HV_TIMER_ENABLE;
	start(vp, t);
}

bool stimer_msr_read(const struct vp *vp, u32 msr, u64 *ret_value)
{
	const struct stimer *t = &vp->stimer[(msr - HV_MSR_STIMER0_CONFIG) / 2];

	*ret_value = (msr - HV_MSR_STIMER0_CONFIG) & 1 ? t->count : t->config;
	return true;
}

bool stimer_msr_write(struct vp *vp, u32 msr, u64 value)
{
	struct stimer *t = &vp->stimer[(msr - HV_MSR_STIMER0_CONFIG) / 2];

	if (!((msr - HV_MSR_STIMER0_CONFIG) & 1))
		return write_config(vp, t, value);
	write_count(vp, t, value);
	return true;
}

void stimer_retry(struct vp *vp)
{
	for (u32 i = 0; i < HV_TIMER_COUNT; i++)
		if (vp->stimer_undelivered & 1u << i)
			send_message(vp, i);
}

void stimer_restore(struct vp *vp, u32 n, u64 config, u64 count, u64 expiration)
{
	struct stimer *t = &vp->stimer[n];

	stop(vp, t);
	t->config = config;
	t->count = count;
	t->expiration = expiration;
	if (is_running(t))
		arm(vp, t);
}

u64 stimer_expiration(const struct vp *vp, u32 n)
{
	const struct stimer *t = &vp->stimer[n];

	return is_running(t) || (vp->stimer_undelivered & 1u << n) ? t->expiration : 0;
}

void stimer_rearm(struct vp *vp)
{
	for (u32 i = 0; i < HV_TIMER_COUNT; i++)
		if (is_running(&vp->stimer[i]))
			arm(vp, &vp->stimer[i]);
}
