/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See intercept.h. The pages are the hypervisor's; the parent reads, and answers in one of them. */
#include "core/intercept.h"
#include "core/format.h"
#include "core/partition.h"
#include "core/segment.h"
#include "core/translate.h"
#include "hv/hypercall.h"
#include "hv/intercept.h"
#include "hv/partition.h"

#define CR0_PE   BIT(0)
#define CR0_AM   BIT(18)
#define EFER_LMA BIT(10)

/* The header is completed when the VP leaves: finish(). */
static struct hv_intercept_page *begin(struct vp *vp, u32 type, u32 size, u8 length, u8 access)
{
	struct hv_intercept_page *page = vp->intercept_page;

	memset(page->bytes, 0, size);
	page->type = type;
	page->size = size;
	page->sender = vp->partition->id;
	page->header.vp_index = vp->index;
	page->header.length_cr8 = length & 15;
	page->header.access = access;
	vp->suspended = true;
	return page;
}

void intercept_io(struct vp *vp, const struct vexit *e)
{
	struct hv_io_intercept *m = &begin(vp, HV_MESSAGE_IO_PORT, sizeof(*m), e->length,
					   e->io.in ? HV_INTERCEPT_READ : HV_INTERCEPT_WRITE)
					     ->io;
	struct vregs r;

	m->port = e->io.port;
	m->info =
		(u8)(e->io.size | (e->io.string ? HV_IO_STRING : 0) | (e->io.rep ? HV_IO_REP : 0));
	m->rax = vp->gpr[RAX];
	m->rcx = vp->gpr[RCX];
	m->rsi = vp->gpr[RSI];
	m->rdi = vp->gpr[RDI];
	/* A string instruction may have a segment prefix: its bytes tell. */
	if (e->io.string) {
		virt->get_regs(vp, &r);
		m->byte_count = (u8)translate_fetch(vp, &r, m->bytes, 15);
	}
}

static u8 access_of(u32 access)
{
	if (access & ACCESS_EXECUTE)
		return HV_INTERCEPT_EXECUTE;
	return access & ACCESS_WRITE ? HV_INTERCEPT_WRITE : HV_INTERCEPT_READ;
}

void intercept_memory(struct vp *vp, const struct vexit *e, bool mapped)
{
	u32 type = mapped ? HV_MESSAGE_GPA_INTERCEPT : HV_MESSAGE_UNMAPPED_GPA;
	struct hv_memory_intercept *m =
		&begin(vp, type, sizeof(*m), 0, access_of(e->npf.access))->memory;
	struct vregs r;

	m->gpa = e->npf.gpa.v;
	m->tpr = (u8)vp->lapic.tpr;
	if (e->npf.access & ACCESS_EXECUTE)
		return;
	virt->get_regs(vp, &r);
	m->byte_count = (u8)translate_fetch(vp, &r, m->bytes, 15);
}

void intercept_msr(struct vp *vp, const struct vexit *e)
{
	struct hv_msr_intercept *m =
		&begin(vp, HV_MESSAGE_MSR, sizeof(*m), e->length,
		       e->type == VEXIT_MSR_WRITE ? HV_INTERCEPT_WRITE : HV_INTERCEPT_READ)
			 ->msr;

	m->msr = (u32)vp->gpr[RCX];
	m->rdx = vp->gpr[RDX];
	m->rax = vp->gpr[RAX];
}

void intercept_cpuid(struct vp *vp, const struct vexit *e, const u32 result[4])
{
	struct hv_cpuid_intercept *m =
		&begin(vp, HV_MESSAGE_CPUID, sizeof(*m), e->length, HV_INTERCEPT_EXECUTE)->cpuid;

	m->rax = vp->gpr[RAX];
	m->rcx = vp->gpr[RCX];
	m->rdx = vp->gpr[RDX];
	m->rbx = vp->gpr[RBX];
	m->default_rax = result[0];
	m->default_rbx = result[1];
	m->default_rcx = result[2];
	m->default_rdx = result[3];
}

void intercept_eoi(struct vp *vp, u8 vector)
{
	struct hv_eoi_intercept *m = &begin(vp, HV_MESSAGE_APIC_EOI, sizeof(*m), 0, 0)->eoi;

	m->vector = vector;
}

void intercept_message_free(struct vp *vp, u32 sints)
{
	struct hv_message_free_intercept *m =
		&begin(vp, HV_MESSAGE_KEELSON_MESSAGE_FREE, sizeof(*m), 0, 0)->message_free;

	m->sints = sints;
}

void intercept_crash(struct vp *vp, u64 control)
{
	struct hv_crash_intercept *m =
		&begin(vp, HV_MESSAGE_KEELSON_CRASH, sizeof(*m), 0, 0)->crash;

	m->control = control;
	memcpy(m->parameter, vp->crash_parameter, sizeof(m->parameter));
}

void intercept_post_message(struct vp *vp, const struct hv_post_message_input *message)
{
	struct hv_hypercall_intercept *m =
		&begin(vp, HV_MESSAGE_KEELSON_HYPERCALL, sizeof(*m), 0, HV_INTERCEPT_EXECUTE)
			 ->hypercall;

	m->code = HV_CALL_POST_MESSAGE;
	m->connection = message->connection;
	m->type = message->type;
	m->size = message->size;
	memcpy(m->payload, message->payload, sizeof(m->payload));
}

void intercept_signal_event(struct vp *vp, u32 connection, u16 flag)
{
	struct hv_hypercall_intercept *m =
		&begin(vp, HV_MESSAGE_KEELSON_HYPERCALL, sizeof(*m), 0, HV_INTERCEPT_EXECUTE)
			 ->hypercall;

	m->code = HV_CALL_SIGNAL_EVENT;
	m->connection = connection;
	m->flag = flag;
}

void intercept_plain(struct vp *vp, u32 type, u8 length)
{
	begin(vp, type, sizeof(struct hv_intercept_header), length, HV_INTERCEPT_EXECUTE);
}

static u16 execution_state(const struct vp *vp, const struct vregs *r)
{
	return (u16)(virt->cpl(vp) | (r->cr0 & CR0_PE ? BIT(2) : 0) |
		     (r->cr0 & CR0_AM ? BIT(3) : 0) | (r->efer & EFER_LMA ? BIT(4) : 0));
}

/* What every record with a header has in common, as it is when the VP stops. */
static void finish(struct vp *vp, struct hv_intercept_page *page, const struct vregs *r)
{
	struct hv_intercept_header *h = &page->header;

	if (page->type == HV_MESSAGE_APIC_EOI || page->type == HV_MESSAGE_KEELSON_CRASH ||
	    page->type == HV_MESSAGE_KEELSON_MESSAGE_FREE)
		return;
	h->length_cr8 = (u8)((h->length_cr8 & 15) | lapic_cr8(&vp->lapic) << 4);
	h->execution_state = execution_state(vp, r);
	h->cs = segment_to_hv(&r->segment[SEG_CS]);
	h->rip = r->rip;
	h->rflags = r->rflags;
	if (page->type == HV_MESSAGE_IO_PORT) {
		page->io.ds = segment_to_hv(&r->segment[SEG_DS]);
		page->io.es = segment_to_hv(&r->segment[SEG_ES]);
	}
}

_Static_assert((int)SEG_ES == 0 && (int)SEG_GS == 5, "the register page's order");

void intercept_save_registers(struct vp *vp)
{
	struct hv_register_page *page = vp->register_page;
	struct vregs r;

	virt->get_regs(vp, &r);
	memcpy(page->gpr, vp->gpr, sizeof(page->gpr));
	page->gpr[RSP] = r.rsp;
	page->rip = r.rip;
	page->rflags = r.rflags;
	for (u32 i = SEG_ES; i <= SEG_GS; i++)
		page->segment[i] = segment_to_hv(&r.segment[i]);
	page->cr0 = r.cr0;
	page->cr3 = r.cr3;
	page->cr4 = r.cr4;
	page->cr8 = lapic_cr8(&vp->lapic);
	page->efer = r.efer;
	page->dr7 = r.dr7;
	page->pending_interruption = virt->event_queued(vp);
	page->interrupt_state = virt->interrupt_state(vp);
	page->version = HV_REGISTER_PAGE_VERSION;
	page->valid = 1;
	page->dirty = 0;
	if (vp->suspended)
		finish(vp, vp->intercept_page, &r);
}

void intercept_load_registers(struct vp *vp)
{
	struct hv_register_page *page = vp->register_page;
	u32 dirty = __atomic_exchange_n(&page->dirty, 0, __ATOMIC_ACQUIRE), i;
	struct hv_segment segment;
	struct vregs r;

	if (!dirty)
		return;
	virt->get_regs(vp, &r);
	if (dirty & HV_DIRTY_GENERAL) {
		memcpy(vp->gpr, page->gpr, sizeof(vp->gpr));
		r.rsp = vp->gpr[RSP];
	}
	if (dirty & HV_DIRTY_RIP)
		r.rip = page->rip;
	if (dirty & HV_DIRTY_RFLAGS)
		r.rflags = page->rflags;
	for (i = SEG_ES; (dirty & HV_DIRTY_SEGMENT) && i <= SEG_GS; i++) {
		segment = page->segment[i];
		r.segment[i] = segment_from_hv(&segment);
	}
	virt->set_regs(vp, &r);
}
