/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any sequence of register accesses, interrupts, deliveries and time on three local APICs: two in
 * a partition that starts in xAPIC mode, one of the root. What must hold, holds after each step.
 */
#include "core/exit.h"
#include "core/lapic.h"
#include "core/panic.h"
#include "fake/fake.h"
#include "input.h"

static struct partition child;
static struct vp child_vps[2];
static struct virt_vp child_virt[2];

static int highest_of(const u64 bits[4])
{
	for (int v = 255; v >= 0; v--)
		if (bits[v / 64] >> v % 64 & 1)
			return v;
	return -1;
}

static void check(const struct lapic *l)
{
	int pending = lapic_pending(l), deliverable = lapic_deliverable(l);
	int served = highest_of(l->isr), requested = highest_of(l->irr);

	CHECK(!(l->irr[0] & 0xffff) && !(l->isr[0] & 0xffff));
	CHECK(pending == -1 || (pending == requested && pending >> 4 > served >> 4));
	CHECK(pending != -1 || requested == -1 || requested >> 4 <= served >> 4);
	CHECK(deliverable == -1 ||
	      (deliverable == pending && deliverable >> 4 > (int)(l->tpr >> 4)));
	CHECK(lapic_ppr(l) >> 4 >= l->tpr >> 4);
	CHECK(served < 0 || lapic_ppr(l) >> 4 >= served >> 4);
	CHECK(lapic_idle(l) == (requested < 0));
	CHECK(l->base & APIC_BASE_ENABLE || !(l->base & APIC_BASE_X2APIC));
	/* A child's boot processor starts with the 8259 on LINT0, disabled as it is. */
	for (int i = 0; i < LVT_COUNT; i++)
		CHECK((l->svr & LAPIC_SVR_ENABLE) || (l->lvt[i] & LAPIC_LVT_MASKED) ||
		      (i == LVT_LINT0 && l->lvt[i] == DELIVER_EXTINT << 8));
}

static void access_registers(struct lapic *l, struct input *in, u8 op)
{
	u32 reg = take_u8(in);
	u64 value = op & 0x10 ? take_u64(in) : take_u32(in);

	switch (op & 3) {
	case 0:
		(void)!lapic_msr_write(l, MSR_X2APIC_FIRST + reg, value);
		break;
	case 1:
		(void)!lapic_msr_read(l, MSR_X2APIC_FIRST + reg, &value);
		break;
	case 2:
		if (lapic_mmio_on(l))
			lapic_mmio_write(l, (reg << 4) + (op >> 6), (u32)value);
		break;
	case 3:
		if (lapic_mmio_on(l))
			value = lapic_mmio_read(l, reg << 4);
		break;
	}
}

static void deliver(struct vp *vp)
{
	struct vexit e = {.type = VEXIT_NONE};
	int vector;

	vp->arch->event_queued = false;
	if (!vp_prepare(vp))
		return;
	vector = vp->arch->offered;
	if (vector >= 0 && vector >> 4 > (int)(vp->lapic.tpr >> 4)) {
		CHECK(vector == lapic_deliverable(&vp->lapic));
		fake_take(&vp->lapic, (u8)vector);
	}
	exit_handle(vp, &e);
}

static void step(struct vp *vp, struct input *in)
{
	struct lapic *l = &vp->lapic;
	u8 op = take_u8(in);

	switch (op >> 2 & 3) {
	case 0:
	case 1:
		access_registers(l, in, op);
		break;
	case 2:
		if (op & 1)
			lapic_post(l, take_u8(in), op & 2);
		else if (op & 2)
			deliver(vp);
		else
			lapic_eoi(l);
		break;
	case 3:
		if (op & 1)
			(void)!lapic_msr_write(l, MSR_APIC_BASE,
					       APIC_BASE_ADDRESS | (u64)take_u8(in) << 8);
		else if (op & 2)
			(void)!lapic_msr_write(l, MSR_TSC_DEADLINE, fake.tsc + take_u32(in) - 1000);
		else
			fake.tsc += take_u32(in) >> (op >> 4);
		break;
	}
}

static void expire(u32 n)
{
	const struct timer_queue *q = &fake_timers[n];

	timers_expire(&fake_timers[n], fake.tsc);
	CHECK(!q->first || q->first->deadline > fake.tsc);
	CHECK(q->armed == (q->first ? q->first->deadline : TIMER_NEVER));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, size};
	struct vp *vps[3] = {&child_vps[0], &child_vps[1]};

	fake_reset();
	fake_root(1);
	vps[2] = root_partition.vp[0];
	child = (struct partition){.id = 2};
	for (u32 i = 0; i < 2; i++) {
		fake_timers[1 + i] = (struct timer_queue){.first = NULL};
		vp_init(&child_vps[i], &child, i, 1 + i, i, &fake_timers[1 + i]);
		child_virt[i] = (struct virt_vp){.offered = -1};
		child_vps[i].arch = &child_virt[i];
	}
	while (in.left) {
		step(vps[take_u8(&in) % 3], &in);
		for (u32 i = 0; i < 3; i++) {
			expire(i);
			check(&vps[i]->lapic);
		}
		CHECK((vps[2]->lapic.base & 0xc00) == 0xc00);
	}
	return 0;
}
