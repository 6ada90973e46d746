/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virt_ops that remember what they were asked for. */
#include "fake/fake.h"
#include "core/format.h"
#include "core/panic.h"

void fake_vp_clear(struct vp *vp)
{
	struct virt_vp *v = vp->arch;

	v->advanced = 0;
	v->exception = -1;
	v->exception_error = 0;
	v->event_queued = false;
	v->nmis = 0;
	v->extint = -1;
	v->offered = -1;
	v->step_overs = 0;
}

static const char *probe(void)
{
	return NULL;
}

static void cpu_enable(void)
{
}

static void fake_vp_init(struct vp *vp)
{
	vp->arch->long_mode = true;
	fake_vp_clear(vp);
}

static void vp_run(struct vp *vp, struct vexit *ret_exit)
{
	ret_exit->type = VEXIT_NONE;
}

static void get_regs(struct vp *vp, struct vregs *ret_regs)
{
	*ret_regs = vp->arch->regs;
}

static void set_regs(struct vp *vp, const struct vregs *regs)
{
	vp->arch->regs = *regs;
}

static void reset(struct vp *vp)
{
	vp->arch->event_queued = false;
	vp->arch->exception = -1;
}

static u8 cpl(const struct vp *vp)
{
	return vp->arch->cpl;
}

static bool long_mode(const struct vp *vp)
{
	return vp->arch->long_mode;
}

static u64 efer(const struct vp *vp)
{
	return vp->arch->regs.efer;
}

static void set_efer(struct vp *vp, u64 value)
{
	vp->arch->regs.efer = value;
}

static u64 cr4(const struct vp *vp)
{
	return vp->arch->regs.cr4;
}

static void set_tsc_offset(struct vp *vp, u64 offset)
{
	vp->arch->tsc_offset = offset;
}

static void advance(struct vp *vp, u8 length)
{
	vp->arch->regs.rip += length;
	vp->arch->advanced += length;
}

static void inject_exception(struct vp *vp, u8 vector, u32 error)
{
	vp->arch->exception = vector;
	vp->arch->exception_error = error;
	vp->arch->event_queued = true;
}

static bool event_queued(const struct vp *vp)
{
	return vp->arch->event_queued;
}

static bool inject_nmi(struct vp *vp)
{
	CHECK(!vp->arch->event_queued);
	if (vp->arch->nmi_blocked)
		return false;
	vp->arch->nmis++;
	vp->arch->event_queued = true;
	return true;
}

static bool inject_extint(struct vp *vp, u8 vector)
{
	CHECK(!vp->arch->event_queued);
	if (vp->arch->extint_blocked)
		return false;
	vp->arch->extint = vector;
	vp->arch->event_queued = true;
	return true;
}

static void offer_irq(struct vp *vp, int vector)
{
	vp->arch->offered = vector;
}

static void step_over(struct vp *vp)
{
	vp->arch->step_overs++;
}

static const struct virt_ops fake_ops = {
	.name = "fake",
	.hypercall_opcode = {0x0f, 0x01, 0xd9},
	.probe = probe,
	.cpu_enable = cpu_enable,
	.vp_init = fake_vp_init,
	.vp_run = vp_run,
	.get_regs = get_regs,
	.set_regs = set_regs,
	.reset = reset,
	.cpl = cpl,
	.long_mode = long_mode,
	.efer = efer,
	.set_efer = set_efer,
	.cr4 = cr4,
	.set_tsc_offset = set_tsc_offset,
	.advance = advance,
	.inject_exception = inject_exception,
	.event_queued = event_queued,
	.inject_nmi = inject_nmi,
	.inject_extint = inject_extint,
	.offer_irq = offer_irq,
	.step_over = step_over,
};

const struct virt_ops *virt = &fake_ops;
