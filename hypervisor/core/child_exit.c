/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See child_exit.h. What nobody here can do stops the VP for its worker. */
#include "core/child_exit.h"
#include "core/doorbell.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/intercept.h"
#include "core/lapic_mmio.h"
#include "core/partition.h"
#include "core/stimer.h"
#include "core/synic.h"
#include "hv/intercept.h"

#define RFLAGS_IF BIT(9)

void child_exit_npf(struct vp *vp, const struct vexit *e)
{
	bool mapped;

	if (align_down(e->npf.gpa.v, PAGE_SIZE) == APIC_BASE_ADDRESS && lapic_mmio_on(&vp->lapic) &&
	    lapic_mmio_emulate(vp, e))
		return;
	if (!exit_npf_is_stale(vp, e, &mapped))
		intercept_memory(vp, e, mapped);
}

void child_exit_io(struct vp *vp, const struct vexit *e)
{
	u32 value = (u32)vp->gpr[RAX] & (u32)(BIT(e->io.size * 8) - 1);

	if (!e->io.in && !e->io.string &&
	    doorbell_ring(vp, HV_DOORBELL_PORT(e->io.port, e->io.size), value))
		event_advance(vp, e->length);
	else
		intercept_io(vp, e);
}

/* With interrupts off, only the worker knows whether this is the end; run again, it waits. */
void child_exit_hlt(struct vp *vp, const struct vexit *e)
{
	struct vregs r;

	virt->get_regs(vp, &r);
	event_advance(vp, e->length);
	vp->state = VP_HALTED;
	if (!(r.rflags & RFLAGS_IF))
		intercept_plain(vp, HV_MESSAGE_HALT, 0);
}

void child_exit_shutdown(struct vp *vp, const struct vexit *e)
{
	intercept_plain(vp, HV_MESSAGE_UNRECOVERABLE_EXCEPTION, 0);
}

/* Above all the processor's refusal to run with these registers. */
void child_exit_unknown(struct vp *vp, const struct vexit *e)
{
	intercept_plain(vp, HV_MESSAGE_INVALID_VP_REGISTER, 0);
}

void child_slots_freed(struct vp *vp)
{
	u32 freed;

	/* One record at a time: what is left over is looked at before the next entry. */
	if (vp->suspended)
		return;
	freed = synic_slots_freed(vp);
	if (!freed)
		return;
	stimer_retry(vp);
	intercept_word(vp, HV_MESSAGE_KEELSON_MESSAGE_FREE, freed);
}
