/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virt_ops that remember what they were asked for, and a scripted guest. */
#include "fake/fake.h"
#include "core/format.h"
#include "core/panic.h"
#include "core/segment.h"
#include "hv/intercept.h"

void fake_vp_clear(struct vp *vp)
{
	struct virt_vp *v = vp->arch;

	v->advanced = 0;
	v->exception = -1;
	v->exception_error = 0;
	v->event_queued = false;
	v->event = (struct event){.type = HV_INTERRUPTION_INTERRUPT};
	v->nmis = 0;
	v->extint = -1;
	v->offered = -1;
	v->step_overs = 0;
}

void fake_take(struct lapic *l, u8 vector)
{
	lapic_begin_offer(l, vector);
	lapic_end_offer(l, vector, true);
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

static const struct fake_step *script;
static u32 script_left;

void fake_script(const struct fake_step *steps, u32 count)
{
	script = steps;
	script_left = count;
}

static void vp_run(struct vp *vp, struct vexit *ret_exit)
{
	*ret_exit = (struct vexit){.type = VEXIT_NONE};
	CHECK(vp->partition->root || vp->arch->inside);
	vp->arch->event_queued = false;
	if (!script_left) {
		lapic_post(&vp->host->lapic, 0xf0, false);
		return;
	}
	if (script->before)
		script->before(vp);
	*ret_exit = script->exit;
	ret_exit->rip = vp->arch->regs.rip;
	script++;
	script_left--;
}

static bool vp_create(struct vp *vp, struct page_pool *pool)
{
	struct virt_vp *v = page_pool_take(pool);
	u8 *xsave = page_pool_take(pool);

	if (!v || !xsave) {
		if (v)
			page_pool_give(pool, v);
		if (xsave)
			page_pool_give(pool, xsave);
		return false;
	}
	vp->arch = v;
	vp->xsave = xsave;
	vp->xcr0 = 1;
	v->long_mode = true;
	fake_vp_clear(vp);
	return true;
}

static void vp_destroy(struct vp *vp, struct page_pool *pool)
{
	page_pool_give(pool, vp->xsave);
	page_pool_give(pool, vp->arch);
}

static void enter(struct vp *vp)
{
	CHECK(!vp->arch->inside);
	vp->arch->inside = true;
}

static void leave(struct vp *vp)
{
	CHECK(vp->arch->inside);
	vp->arch->inside = false;
}

static u64 *place_of(struct virt_vp *v, u32 msr)
{
	static const u32 msrs[FAKE_VENDOR_MSRS] = {0x174,      0x175,      0x176,
						   0x277,      0xc0000081, 0xc0000082,
						   0xc0000083, 0xc0000084, 0xc0000102};

	for (u32 i = 0; i < FAKE_VENDOR_MSRS; i++)
		if (msrs[i] == msr)
			return &v->switched[i];
	return NULL;
}

static bool get_msr(const struct vp *vp, u32 msr, u64 *ret_value)
{
	const u64 *place = place_of(vp->arch, msr);

	if (place)
		*ret_value = *place;
	return place;
}

static bool set_msr(struct vp *vp, u32 msr, u64 value)
{
	u64 *place = place_of(vp->arch, msr);

	if (place)
		*place = value;
	return place;
}

static bool extint_window(struct vp *vp)
{
	return !vp->arch->extint_blocked && (vp->arch->regs.rflags & 0x200);
}

static u64 interrupt_state(const struct vp *vp)
{
	return vp->arch->interrupt_state |
	       (vp->arch->nmi_blocked ? HV_INTERRUPT_STATE_NMI_MASKED : 0);
}

static void get_regs(struct vp *vp, struct vregs *ret_regs)
{
	*ret_regs = vp->arch->regs;
}

static void set_regs(struct vp *vp, const struct vregs *regs)
{
	vp->arch->regs = *regs;
}

static void show_regs(const struct vp *vp, struct hv_register_page *page)
{
	const struct virt_vp *v = vp->arch;
	const struct vregs *r = &v->regs;

	page->gpr[RSP] = r->rsp;
	page->rip = r->rip;
	page->rflags = r->rflags;
	for (u32 i = SEG_ES; i <= SEG_GS; i++)
		page->segment[i] = segment_to_hv(&r->segment[i]);
	page->cr0 = r->cr0;
	page->cr3 = r->cr3;
	page->cr4 = r->cr4;
	page->efer = r->efer;
	page->dr7 = r->dr7;
	page->pending_interruption = event_pending_interruption(vp);
	page->interrupt_state = v->interrupt_state;
}

static void take_regs(struct vp *vp, const struct hv_register_page *page, u32 dirty)
{
	struct vregs *r = &vp->arch->regs;
	struct hv_segment segment;

	if (dirty & HV_DIRTY_GENERAL)
		r->rsp = vp->gpr[RSP];
	if (dirty & HV_DIRTY_RIP)
		r->rip = page->rip;
	if (dirty & HV_DIRTY_RFLAGS)
		r->rflags = page->rflags;
	for (u32 i = SEG_ES; (dirty & HV_DIRTY_SEGMENT) && i <= SEG_GS; i++) {
		segment = page->segment[i];
		r->segment[i] = segment_from_hv(&segment);
	}
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
	struct virt_vp *v = vp->arch;

	v->regs.rip += length;
	v->advanced += length;
	v->regs.rflags &= ~0x10000ull; /* RF */
	v->interrupt_state &= ~HV_INTERRUPT_STATE_SHADOW;
	if (v->regs.rflags & 0x100)
		event_single_step(vp);
}

static void inject_exception(struct vp *vp, u8 vector, u32 error)
{
	vp->arch->exception = vector;
	vp->arch->exception_error = error;
	vp->arch->event_queued = true;
	vp->arch->event = (struct event){HV_INTERRUPTION_EXCEPTION, vector, error != NO_ERROR_CODE,
					 error != NO_ERROR_CODE ? error : 0};
}

static bool get_event(const struct vp *vp, struct event *ret_event)
{
	*ret_event = vp->arch->event;
	return vp->arch->event_queued;
}

static void set_event(struct vp *vp, const struct event *event)
{
	vp->arch->event_queued = event;
	if (event)
		vp->arch->event = *event;
}

static void set_interrupt_state(struct vp *vp, u64 state)
{
	vp->arch->interrupt_state = state;
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
	.show_regs = show_regs,
	.take_regs = take_regs,
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
	.map_format = &fake_format,
	.vp_create = vp_create,
	.vp_destroy = vp_destroy,
	.enter = enter,
	.leave = leave,
	.get_msr = get_msr,
	.set_msr = set_msr,
	.extint_window = extint_window,
	.interrupt_state = interrupt_state,
	.set_interrupt_state = set_interrupt_state,
	.get_event = get_event,
	.set_event = set_event,
};

const struct virt_ops *virt = &fake_ops;
