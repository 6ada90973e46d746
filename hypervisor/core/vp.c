/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VP's life: creation, INIT and SIPI, events from other processors, and what it injects next. */
#include "core/vp.h"
#include "core/arch.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/intercept.h"
#include "core/partition.h"
#include "core/stimer.h"
#include "core/synic.h"
#include "core/virt.h"
#include "hv/register.h"

#define VECTOR_MC    18
#define RFLAGS_IF    BIT(9)
#define RFLAGS_ONE   BIT(1)
#define CR0_ET       BIT(4)
#define DR6_INIT     0xffff0ff0u
#define DR7_INIT     0x400u
#define SEGMENT_CODE 0x9bu
#define SEGMENT_DATA 0x93u
#define SEGMENT_LDT  0x82u
#define SEGMENT_TSS  0x8bu

/* A child's boot processor starts with the 8259 on LINT0, as firmware of old expects. */
static void connect_pic(struct vp *vp)
{
	if (!vp->partition->root && (vp->lapic.base & APIC_BASE_BSP))
		vp->lapic.lvt[LVT_LINT0] = DELIVER_EXTINT << 8;
}

void vp_init(struct vp *vp, struct partition *p, u32 index, u32 cpu, u32 apic_id,
	     struct timer_queue *timers)
{
	u64 base = APIC_BASE_ADDRESS | APIC_BASE_ENABLE;

	if (p->root)
		base |= APIC_BASE_X2APIC;
	if (index == 0)
		base |= APIC_BASE_BSP;
	*vp = (struct vp){
		.partition = p,
		.index = index,
		.cpu = cpu,
		.timers = timers ? timers : &vp->parked,
		.parked.parked = true,
		.tsc_offset = p->tsc_offset,
		.misc_enable = 1, /* fast strings */
		.state = index == 0 ? VP_RUNNING : VP_WAIT_SIPI,
		.busy = !p->root,
	};
	lapic_init(&vp->lapic, apic_id, base);
	synic_init(vp);
	stimer_init(vp);
	connect_pic(vp);
	__atomic_store_n(&p->vp[index], vp, __ATOMIC_RELEASE);
	p->vp_count = (u32)max_u64(p->vp_count, index + 1);
}

/* SDM 3A table 9-1, column INIT. Caches stay on: CD and NW as the firmware leaves them. */
void vp_power_on(struct vp *vp)
{
	struct vregs r = {
		.rip = 0xfff0,
		.rflags = RFLAGS_ONE,
		.cr0 = CR0_ET,
		.dr6 = DR6_INIT,
		.dr7 = DR7_INIT,
		.gdtr.limit = 0xffff,
		.idtr.limit = 0xffff,
	};
	u32 signature[4];

	for (int i = 0; i < SEG_COUNT; i++)
		r.segment[i] = (struct segment){.attributes = SEGMENT_DATA, .limit = 0xffff};
	r.segment[SEG_CS] = (struct segment){0xf000, SEGMENT_CODE, 0xffff, 0xffff0000};
	r.segment[SEG_LDTR].attributes = SEGMENT_LDT;
	r.segment[SEG_TR].attributes = SEGMENT_TSS;
	virt->reset(vp);
	virt->set_regs(vp, &r);

	for (int i = 0; i < 16; i++)
		vp->gpr[i] = 0;
	arch_cpuid(1, 0, signature);
	vp->gpr[RDX] = signature[0];
}

void vp_reset(struct vp *vp)
{
	lapic_reset(&vp->lapic);
	connect_pic(vp);
	vp_power_on(vp);
	vp->held = 0;
	vp->state = vp->lapic.base & APIC_BASE_BSP ? VP_RUNNING : VP_WAIT_SIPI;
}

static void start(struct vp *vp)
{
	struct vregs r;

	virt->get_regs(vp, &r);
	r.segment[SEG_CS].selector = (u16)(vp->sipi_vector << 8);
	r.segment[SEG_CS].base = (u64)vp->sipi_vector << PAGE_SHIFT;
	r.rip = 0;
	virt->set_regs(vp, &r);
	vp->state = VP_RUNNING;
}

void vp_event(struct vp *vp, u32 event)
{
	if (event == VP_EVENT_INIT)
		__atomic_fetch_and(&vp->events, ~(u32)VP_EVENT_SIPI, __ATOMIC_RELAXED);
	if ((__atomic_fetch_or(&vp->events, event, __ATOMIC_SEQ_CST) & event) == VP_EVENT_NMI)
		__atomic_fetch_or(&vp->events, VP_EVENT_NMI_AGAIN, __ATOMIC_SEQ_CST);
	vp_kick(vp);
}

static void wake_host(struct vp *vp)
{
	if (vp->wake_set && __atomic_exchange_n(&vp->blocked, 0, __ATOMIC_SEQ_CST))
		synic_signal(vp->host, vp->wake_sint, vp->wake_flag, NULL);
}

void vp_kick(struct vp *vp)
{
	arch_kick(vp);
	if (unlikely(__atomic_load_n(&vp->blocked, __ATOMIC_SEQ_CST)))
		wake_host(vp);
}

bool vp_claim(struct vp *vp)
{
	u32 free = 0;

	return __atomic_compare_exchange_n(&vp->busy, &free, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

void vp_release(struct vp *vp)
{
	__atomic_store_n(&vp->busy, 0, __ATOMIC_RELEASE);
}

void vp_timers_to(struct vp *vp, struct timer_queue *queue)
{
	u64 unset = vp->lapic.timer.deadline;

	for (u32 i = 0; i < HV_TIMER_COUNT; i++)
		unset &= vp->stimer[i].timer.deadline;
	if (unset != TIMER_NEVER) {
		timer_move(vp->timers, queue, &vp->lapic.timer);
		for (u32 i = 0; i < HV_TIMER_COUNT; i++)
			timer_move(vp->timers, queue, &vp->stimer[i].timer);
	}
	vp->timers = queue;
}

static void shift(struct vp *vp, struct timer *t, u64 ticks)
{
	u64 deadline;

	if (__builtin_add_overflow(t->deadline, ticks, &deadline))
		deadline = TIMER_NEVER;
	timer_set(vp->timers, t, deadline);
}

void vp_shift_time(struct vp *vp, u64 ticks)
{
	vp->lapic.timer_start += ticks;
	shift(vp, &vp->lapic.timer, ticks);
	for (u32 i = 0; i < HV_TIMER_COUNT; i++)
		shift(vp, &vp->stimer[i].timer, ticks);
	vp->tsc_offset -= ticks;
	virt->set_tsc_offset(vp, vp->tsc_offset);
}

u64 vp_host_tsc(const struct vp *vp)
{
	return unlikely(vp->partition->frozen) ? vp->partition->frozen_tsc : arch_tsc();
}

void vp_set_tsc(struct vp *vp, u64 tsc)
{
	vp->tsc_offset = tsc - vp_host_tsc(vp);
	virt->set_tsc_offset(vp, vp->tsc_offset);
	lapic_timer_tsc_moved(&vp->lapic);
}

void vp_start(struct vp *vp, u8 vector)
{
	__atomic_store_n(&vp->sipi_vector, vector, __ATOMIC_RELAXED);
	vp_event(vp, VP_EVENT_SIPI);
}

u32 vp_take_events(struct vp *vp)
{
	return __atomic_exchange_n(&vp->events, 0, __ATOMIC_ACQ_REL);
}

void vp_level_eoi(struct vp *vp, u8 vector)
{
	if (vp->partition->root)
		arch_level_eoi(vp, vector);
	else
		intercept_word(vp, HV_MESSAGE_APIC_EOI, vector);
}

/*
 * HLT ends with an interrupt that the guest lets in, an NMI or a machine check. A worker that asks
 * for the moment when an ExtINT can be taken has one.
 */
static bool wakes(struct vp *vp)
{
	struct vregs r;

	if (vp->held)
		return true;
	if (lapic_deliverable(&vp->lapic) < 0 && vp->lapic.extint < 0 &&
	    !(vp->notify_extint && lapic_passes_extint(&vp->lapic)))
		return false;
	virt->get_regs(vp, &r);
	return r.rflags & RFLAGS_IF;
}

/* While the handler of one runs, one more is kept; else two (APM 2 15.21.10, SDM 3A 6.7.1). */
static void hold_nmis(struct vp *vp, u32 events)
{
	const u32 both = VP_EVENT_NMI | VP_EVENT_NMI_AGAIN;
	bool more = (events & both) == both || (vp->held & VP_EVENT_NMI);

	if (!(events & both))
		return;
	vp->held |= VP_EVENT_NMI;
	if (more && !(virt->interrupt_state(vp) & HV_INTERRUPT_STATE_NMI_MASKED))
		vp->held |= VP_EVENT_NMI_AGAIN;
}

static void take_events(struct vp *vp)
{
	u32 events = vp_take_events(vp);

	if (events & VP_EVENT_INIT)
		vp_reset(vp);
	if ((events & VP_EVENT_SIPI) && vp->state == VP_WAIT_SIPI)
		start(vp);
	/* While it waits for SIPI, a processor sees nothing else. */
	if (vp->state == VP_WAIT_SIPI)
		return;
	vp->held |= events & VP_EVENT_MC;
	hold_nmis(vp, events);
}

static void inject_extint(struct vp *vp)
{
	s64 vector = __atomic_load_n(&vp->lapic.extint, __ATOMIC_ACQUIRE);

	if (vector >= 0 && virt->inject_extint(vp, (u8)vector))
		__atomic_compare_exchange_n(&vp->lapic.extint, &vector, -1, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
}

/*
 * One event an entry, the most urgent first: what belongs to the instruction before, then what comes
 * from outside (SDM 3A 6.9).
 */
static void inject_held(struct vp *vp)
{
	if (vp->held & VP_HELD_EXCEPTION) {
		event_inject_held(vp);
		if (vp->held || vp->lapic.extint >= 0)
			arch_exit_soon();
	} else if (virt->event_queued(vp)) {
		arch_exit_soon();
	} else if (vp->held & VP_EVENT_MC) {
		vp->held &= ~(u32)VP_EVENT_MC;
		virt->inject_exception(vp, VECTOR_MC, NO_ERROR_CODE);
		if (vp->held || vp->lapic.extint >= 0)
			arch_exit_soon();
	} else if (vp->held & VP_EVENT_NMI) {
		if (virt->inject_nmi(vp))
			vp->held &= ~(u32)(vp->held & VP_EVENT_NMI_AGAIN ? VP_EVENT_NMI_AGAIN
									 : VP_EVENT_NMI);
	} else {
		inject_extint(vp);
	}
}

static never_inline bool prepare_slowly(struct vp *vp)
{
	take_events(vp);
	if (vp->state == VP_HALTED && wakes(vp))
		vp->state = VP_RUNNING;
	if (vp->state != VP_RUNNING)
		return false;
	if (vp->held || vp->lapic.extint >= 0)
		inject_held(vp);
	if (unlikely(vp->suspended || vp->state != VP_RUNNING))
		return false;
	virt->offer_irq(vp, lapic_pending(&vp->lapic));
	return true;
}

bool vp_prepare(struct vp *vp)
{
	if (unlikely(__atomic_load_n(&vp->events, __ATOMIC_ACQUIRE) | vp->held | vp->state) ||
	    unlikely(vp->lapic.extint >= 0))
		return prepare_slowly(vp);
	virt->offer_irq(vp, lapic_idle(&vp->lapic) ? -1 : lapic_pending(&vp->lapic));
	return true;
}
