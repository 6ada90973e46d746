/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vectors: pending, in service, ended, and which comes first. The only writer of ISR is the VP's
 * own processor; IRR and TMR are set by anybody, a bit at a time.
 */
#include "core/lapic.h"
#include "core/lapic_parts.h"
#include "core/partition.h"

static int highest(const u64 bits[4])
{
	for (int i = 3; i >= 0; i--) {
		u64 word = __atomic_load_n(&bits[i], __ATOMIC_RELAXED);

		if (word)
			return i * 64 + 63 - __builtin_clzll(word);
	}
	return -1;
}

static void clear_registers(struct lapic *l)
{
	for (int i = 0; i < 4; i++) {
		__atomic_store_n(&l->irr[i], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&l->tmr[i], 0, __ATOMIC_RELAXED);
		l->isr[i] = 0;
	}
	for (int i = 0; i < LVT_COUNT; i++)
		l->lvt[i] = LAPIC_LVT_MASKED;
	l->svr = 0xff;
	l->tpr = 0;
	l->ldr = 0;
	l->dfr = ~0u;
	l->esr = l->esr_pending = 0;
	l->icr_low = l->icr_high = 0;
	l->extint = -1;
}

void lapic_init(struct lapic *l, u32 id, u64 base)
{
	l->id = id;
	l->base = base;
	clear_registers(l);
	lapic_timer_init(l);
}

void lapic_reset(struct lapic *l)
{
	clear_registers(l);
	lapic_timer_stop(l);
}

bool lapic_enabled(const struct lapic *l)
{
	return (l->base & APIC_BASE_ENABLE) && (l->svr & LAPIC_SVR_ENABLE);
}

void lapic_error(struct lapic *l, u32 bit)
{
	u32 before = __atomic_fetch_or(&l->esr_pending, bit, __ATOMIC_RELAXED);
	u32 lvt = l->lvt[LVT_ERROR];

	/* One interrupt until the guest writes ESR. A vector below 16 here would be an error again. */
	if (!before && !(lvt & LAPIC_LVT_MASKED) && (u8)lvt >= 16)
		lapic_post(l, (u8)lvt, false);
}

bool lapic_post(struct lapic *l, u8 vector, bool level)
{
	u64 bit = BIT(vector % 64);
	u64 *irr = &l->irr[vector / 64], *tmr = &l->tmr[vector / 64];

	if (unlikely(!lapic_enabled(l)))
		return false;
	if (unlikely(vector < 16)) {
		lapic_error(l, LAPIC_ESR_RECEIVE);
		return false;
	}
	if (level)
		__atomic_fetch_or(tmr, bit, __ATOMIC_RELAXED);
	else if (unlikely(__atomic_load_n(tmr, __ATOMIC_RELAXED) & bit))
		__atomic_fetch_and(tmr, ~bit, __ATOMIC_RELAXED);
	return !(__atomic_fetch_or(irr, bit, __ATOMIC_SEQ_CST) & bit);
}

bool lapic_passes_extint(const struct lapic *l)
{
	u32 lint0 = l->lvt[LVT_LINT0];

	if (!(l->base & APIC_BASE_ENABLE))
		return true;
	return !(lint0 & LAPIC_LVT_MASKED) && (lint0 >> 8 & 7) == DELIVER_EXTINT;
}

void lapic_post_extint(struct lapic *l, u8 vector)
{
	__atomic_store_n(&l->extint, vector, __ATOMIC_RELEASE);
}

int lapic_pending(const struct lapic *l)
{
	int vector = highest(l->irr);

	if (likely(vector < 0))
		return -1;
	return vector >> 4 > highest(l->isr) >> 4 ? vector : -1;
}

u8 lapic_ppr(const struct lapic *l)
{
	int served = highest(l->isr);

	if (served < 0 || l->tpr >> 4 >= (u32)served >> 4)
		return (u8)l->tpr;
	return (u8)served & 0xf0;
}

int lapic_deliverable(const struct lapic *l)
{
	int vector = highest(l->irr);

	return vector >= 0 && vector >> 4 > lapic_ppr(l) >> 4 ? vector : -1;
}

void lapic_begin_offer(struct lapic *l, u8 vector)
{
	__atomic_fetch_and(&l->irr[vector / 64], ~BIT(vector % 64), __ATOMIC_SEQ_CST);
}

void lapic_end_offer(struct lapic *l, u8 vector, bool taken)
{
	u64 bit = BIT(vector % 64);

	if (taken)
		l->isr[vector / 64] |= bit & ~l->auto_eoi[vector / 64];
	else
		__atomic_fetch_or(&l->irr[vector / 64], bit, __ATOMIC_RELAXED);
}

bool lapic_take_back(struct lapic *l, u8 vector)
{
	u64 bit = BIT(vector % 64);

	if (highest(l->isr) != vector)
		return false;
	l->isr[vector / 64] &= ~bit;
	__atomic_fetch_or(&l->irr[vector / 64], bit, __ATOMIC_RELAXED);
	return true;
}

void lapic_eoi(struct lapic *l)
{
	int vector = highest(l->isr);
	u64 bit;

	if (vector < 0)
		return;
	bit = BIT(vector % 64);
	l->isr[vector / 64] &= ~bit;
	if (unlikely(__atomic_load_n(&l->tmr[vector / 64], __ATOMIC_RELAXED) & bit))
		vp_level_eoi(container_of(l, struct vp, lapic), (u8)vector);
}

void lapic_set_cr8(struct lapic *l, u8 cr8)
{
	l->tpr = (u32)(cr8 & 15) << 4;
}

u8 lapic_cr8(const struct lapic *l)
{
	return (u8)(l->tpr >> 4);
}
