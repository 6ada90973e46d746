/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupt messages: who is meant, and what each gets (SDM 3A 11.6, 11.12.9–10). */
#include "core/lapic_parts.h"
#include "core/partition.h"

#define ICR_VECTOR(low)    ((u8)(low))
#define ICR_DELIVERY(low)  ((low) >> 8 & 7)
#define ICR_LOGICAL        BIT(11)
#define ICR_ASSERT         BIT(14)
#define ICR_LEVEL          BIT(15)
#define ICR_SHORTHAND(low) ((low) >> 18 & 3)

static bool is_x2apic(const struct lapic *l)
{
	return l->base & APIC_BASE_X2APIC;
}

static bool matches_logical(const struct lapic *l, const struct lapic_message *m)
{
	u32 to = m->destination;

	if (is_x2apic(l)) {
		u32 ldr = (l->id >> 4) << 16 | 1u << (l->id & 15);

		return ldr >> 16 == to >> 16 && (ldr & to & 0xffff);
	}
	to &= 0xff;
	if (l->dfr >> 28 == 15)
		return l->ldr >> 24 & to;
	return l->ldr >> 28 == to >> 4 && (l->ldr >> 24 & to & 15);
}

static bool matches(const struct lapic *l, const struct lapic_message *m)
{
	if (m->destination == (m->wide ? ~0u : 0xffu))
		return true;
	return m->logical ? matches_logical(l, m) : l->id == m->destination;
}

static void deliver(struct vp *vp, const struct lapic_message *m)
{
	switch (m->delivery) {
	case DELIVER_FIXED:
	case DELIVER_LOWEST:
		if (lapic_post(&vp->lapic, m->vector, m->level))
			vp_kick(vp);
		break;
	case DELIVER_NMI:
		vp_event(vp, VP_EVENT_NMI);
		break;
	case DELIVER_INIT:
		/* The de-assert only synchronized arbitration ids, long ago. */
		if (m->assert || !m->level)
			vp_event(vp, VP_EVENT_INIT);
		break;
	case DELIVER_SIPI:
		vp_start(vp, m->vector);
		break;
	case DELIVER_EXTINT:
		lapic_post_extint(&vp->lapic, m->vector);
		vp_kick(vp);
		break;
	case DELIVER_SMI: /* there is no SMM */
	case DELIVER_RESERVED:
		break;
	}
}

/* A physical destination is one VP, and mostly the one whose index is the id. */
static void send_physical(struct partition *p, const struct lapic_message *m)
{
	struct vp *vp = partition_vp_by_apic_id(p, m->destination);

	if (vp && (vp->lapic.base & APIC_BASE_ENABLE))
		deliver(vp, m);
}

static bool less_busy(const struct vp *a, const struct vp *b)
{
	return !b || lapic_ppr(&a->lapic) < lapic_ppr(&b->lapic);
}

static void send_many(struct partition *p, struct vp *except, bool all,
		      const struct lapic_message *m)
{
	struct vp *vp, *lowest = NULL;

	for (u32 i = 0; i < p->vp_count; i++) {
		vp = p->vp[i];
		if (!vp || vp == except || !(vp->lapic.base & APIC_BASE_ENABLE))
			continue;
		if (!all && !matches(&vp->lapic, m))
			continue;
		if (m->delivery != DELIVER_LOWEST)
			deliver(vp, m);
		else if (lapic_enabled(&vp->lapic) && less_busy(vp, lowest))
			lowest = vp;
	}
	if (lowest)
		deliver(lowest, m);
}

void lapic_send(struct partition *p, struct vp *self, enum lapic_shorthand shorthand,
		const struct lapic_message *m)
{
	bool broadcast = m->destination == (m->wide ? ~0u : 0xffu);

	switch (shorthand) {
	case TO_SELF:
		if (m->delivery == DELIVER_FIXED)
			deliver(self, m);
		break;
	case TO_ALL:
		/* A processor does not send itself INIT, SIPI or NMI this way. */
		send_many(p, m->delivery > DELIVER_LOWEST ? self : NULL, true, m);
		break;
	case TO_OTHERS:
		send_many(p, self, true, m);
		break;
	case TO_DESTINATION:
		if (!m->logical && !broadcast)
			send_physical(p, m);
		else
			send_many(p, NULL, false, m);
		break;
	}
}

void lapic_send_icr(struct lapic *l, u32 low, u32 destination)
{
	struct vp *vp = container_of(l, struct vp, lapic);
	const struct lapic_message m = {
		.destination = destination,
		.vector = ICR_VECTOR(low),
		.delivery = ICR_DELIVERY(low),
		.logical = low & ICR_LOGICAL,
		/* IPIs are edge-triggered whatever the bit says; it tells INIT from its de-assert. */
		.level = ICR_DELIVERY(low) == DELIVER_INIT && (low & ICR_LEVEL),
		.assert = low & ICR_ASSERT,
		.wide = is_x2apic(l),
	};

	if (m.delivery <= DELIVER_LOWEST && m.vector < 16) {
		lapic_error(l, LAPIC_ESR_SEND);
		return;
	}
	if (m.delivery == DELIVER_EXTINT) /* reserved in the ICR */
		return;
	lapic_send(vp->partition, vp, ICR_SHORTHAND(low), &m);
}
