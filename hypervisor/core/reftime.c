/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One multiplier for the MSR, the page and the timers, so that the three agree to the last digit:
 * time = (TSC × multiplier >> 64) + offset.
 */
#include "core/reftime.h"
#include "core/arch.h"
#include "core/panic.h"
#include "core/partition.h"
#include "core/scale.h"
#include "hv/reference_tsc.h"

static u64 multiplier;
static struct scale tsc_per_unit;

void reftime_init(void)
{
	bool inexact;

	CHECK(scale_quotient(REFTIME_HZ, arch_tsc_hz(), 64, &multiplier, &inexact));
	tsc_per_unit = scale_make(arch_tsc_hz(), REFTIME_HZ);
}

static u64 scaled(u64 tsc)
{
	return scale_apply((struct scale){multiplier, 64}, tsc);
}

u64 reftime_now(const struct partition *p)
{
	if (unlikely(p->frozen))
		return p->frozen_time;
	return scaled(arch_tsc()) + (u64)p->reference_offset;
}

void reftime_set(struct partition *p, u64 time)
{
	p->reference_offset = (s64)(time - scaled(arch_tsc()));
}

u64 reftime_to_tsc(const struct partition *p, u64 time)
{
	s64 offset = p->reference_offset;
	u64 units = time - (u64)offset;
	u64 tsc;

	if (offset > 0 && time < (u64)offset)
		return 0;
	if (offset < 0 && units < time) /* 65 bits */
		return TIMER_NEVER;
	tsc = scale_apply(tsc_per_unit, units);
	if (tsc > TIMER_NEVER / 2)
		return TIMER_NEVER;
	tsc++;
	/* The multiplier was rounded down: a unit may take a tick more than the ratio says. */
	return scaled(tsc) < units ? tsc + arch_tsc_hz() / REFTIME_HZ + 1 : tsc;
}

void reftime_write_page(const struct partition *p, u64 tsc_offset, void *page)
{
	volatile struct hv_reference_tsc *out = page;
	u32 sequence = out->sequence + 1;

	/* The guest computes with its own TSC; what that has more than ours is taken off again. */
	out->sequence = 0;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	out->reserved = 0;
	out->scale = multiplier;
	out->offset = p->reference_offset - ((s64)tsc_offset < 0 ? -(s64)scaled(0 - tsc_offset)
								 : (s64)scaled(tsc_offset));
	__atomic_thread_fence(__ATOMIC_RELEASE);
	/* 0 and ~0 say that the page is not valid. */
	out->sequence = sequence + 1 < 2 ? 1 : sequence;
}
