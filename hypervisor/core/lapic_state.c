/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lapic_state.h. A running count is saved as what is left of it. */
#include "core/lapic_state.h"
#include "core/format.h"
#include "core/lapic_parts.h"

#define STATE_VERSION 1u
#define NO_EXTINT     0xffffffffu

static void get_bits(u32 out[8], const u64 bits[4])
{
	for (u32 i = 0; i < 8; i++)
		out[i] = (u32)(__atomic_load_n(&bits[i / 2], __ATOMIC_RELAXED) >> 32 * (i & 1));
}

static void set_bits(u64 bits[4], const u32 in[8])
{
	for (u32 i = 0; i < 4; i++)
		__atomic_store_n(&bits[i], in[2 * i] | (u64)in[2 * i + 1] << 32, __ATOMIC_RELAXED);
}

void lapic_get_state(const struct lapic *l, struct hv_lapic_state *s)
{
	*s = (struct hv_lapic_state){
		.version = STATE_VERSION,
		.id = l->id,
		.svr = l->svr,
		.tpr = l->tpr,
		.ldr = l->ldr,
		.dfr = l->dfr,
		.esr = l->esr,
		.icr_low = l->icr_low,
		.icr_high = l->icr_high,
		.timer_initial = l->timer_initial,
		.timer_current = lapic_timer_current(l),
		.timer_divide = l->timer_divide,
		.extint = l->extint < 0 ? NO_EXTINT : (u32)l->extint,
		.base = l->base,
		.tsc_deadline = lapic_timer_deadline(l),
	};
	memcpy(s->lvt, l->lvt, sizeof(s->lvt));
	get_bits(s->isr, l->isr);
	get_bits(s->tmr, l->tmr);
	get_bits(s->irr, l->irr);
}

static bool is_valid(const struct lapic *l, const struct hv_lapic_state *s)
{
	u64 mode = s->base & (APIC_BASE_ENABLE | APIC_BASE_X2APIC);

	if (s->version != STATE_VERSION || s->id != l->id || s->svr > 0x3ff || s->tpr > 0xff)
		return false;
	if (mode == APIC_BASE_X2APIC ||
	    (s->base & ~(APIC_BASE_ENABLE | APIC_BASE_X2APIC | APIC_BASE_BSP)) != APIC_BASE_ADDRESS)
		return false;
	if ((s->timer_divide & ~0xbu) || s->timer_current > s->timer_initial)
		return false;
	for (u32 i = 0; i < LVT_COUNT; i++)
		if (s->lvt[i] & ~0x7ffffu)
			return false;
	return (s->extint <= 0xff || s->extint == NO_EXTINT) && !(s->irr[0] & 0xffff) &&
	       !(s->isr[0] & 0xffff);
}

bool lapic_set_state(struct lapic *l, const struct hv_lapic_state *s)
{
	if (!is_valid(l, s))
		return false;
	lapic_reset(l);
	l->base = s->base;
	l->svr = s->svr;
	l->tpr = s->tpr;
	l->ldr = s->ldr;
	l->dfr = s->dfr;
	l->esr = s->esr;
	l->icr_low = s->icr_low;
	l->icr_high = s->icr_high;
	l->extint = s->extint == NO_EXTINT ? -1 : (s64)s->extint;
	memcpy(l->lvt, s->lvt, sizeof(l->lvt));
	set_bits(l->isr, s->isr);
	set_bits(l->tmr, s->tmr);
	set_bits(l->irr, s->irr);
	lapic_timer_restore(l, s->timer_initial, s->timer_current, s->timer_divide);
	lapic_timer_set_deadline(l, s->tsc_deadline);
	return true;
}
