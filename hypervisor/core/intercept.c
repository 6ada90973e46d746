/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See intercept.h. The pages are the hypervisor's; the parent reads, and answers in one of them. */
#include "core/intercept.h"
#include "core/event.h"
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

/*
 * The header is completed when the VP leaves: finish(). What else a record has the caller fills in,
 * all of it.
 */
static struct hv_intercept_page *begin(struct vp *vp, u32 type, u32 size, u8 length, u8 access)
{
	struct hv_intercept_page *page = vp->intercept_page;

	page->type = type;
	page->size = size;
	page->sender = vp->partition->id;
	page->header.vp_index = vp->index;
	page->header.length_cr8 = length & 15;
	page->header.access = access;
	page->header.execution_state = 0;
	vp->suspended = true;
	return page;
}

/* It may have a segment prefix: its bytes tell. */
static void string_io(struct vp *vp, struct hv_io_intercept *m)
{
	struct vregs r;

	virt->get_regs(vp, &r);
	m->ds = segment_to_hv(&r.segment[SEG_DS]);
	m->es = segment_to_hv(&r.segment[SEG_ES]);
	m->byte_count = (u8)translate_fetch(vp, &r, m->bytes, 15);
}

void intercept_io(struct vp *vp, const struct vexit *e)
{
	struct hv_io_intercept *m = &begin(vp, HV_MESSAGE_IO_PORT, sizeof(*m), e->length,
					   e->io.in ? HV_INTERCEPT_READ : HV_INTERCEPT_WRITE)
					     ->io;

	m->port = e->io.port;
	m->info =
		(u8)(e->io.size | (e->io.string ? HV_IO_STRING : 0) | (e->io.rep ? HV_IO_REP : 0));
	m->byte_count = 0;
	m->reserved = 0;
	m->rax = vp->gpr[RAX];
	m->rcx = vp->gpr[RCX];
	m->rsi = vp->gpr[RSI];
	m->rdi = vp->gpr[RDI];
	if (e->io.string)
		string_io(vp, m);
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

	m->cache_type = 0;
	m->byte_count = 0;
	m->info = 0;
	m->tpr = (u8)vp->lapic.tpr;
	m->reserved = 0;
	m->gva = 0;
	m->gpa = e->npf.gpa.v;
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
	m->reserved = 0;
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

void intercept_word(struct vp *vp, u32 type, u32 word)
{
	begin(vp, type, sizeof(struct hv_eoi_intercept), 0, 0)->eoi.vector = word;
}

void intercept_crash(struct vp *vp, u64 control)
{
	struct hv_crash_intercept *m =
		&begin(vp, HV_MESSAGE_KEELSON_CRASH, sizeof(*m), 0, 0)->crash;

	m->control = control;
	memcpy(m->parameter, vp->crash_parameter, sizeof(m->parameter));
}

void intercept_hypercall(struct vp *vp, u32 connection, u16 flag,
			 const struct hv_post_message_input *message)
{
	struct hv_hypercall_intercept *m =
		&begin(vp, HV_MESSAGE_KEELSON_HYPERCALL, sizeof(*m), 0, HV_INTERCEPT_EXECUTE)
			 ->hypercall;

	m->code = message ? HV_CALL_POST_MESSAGE : HV_CALL_SIGNAL_EVENT;
	m->connection = connection;
	m->flag = flag;
	m->type = message ? message->type : 0;
	m->size = message ? message->size : 0;
	if (message)
		memcpy(m->payload, message->payload, sizeof(m->payload));
}

void intercept_plain(struct vp *vp, u32 type, u8 length)
{
	begin(vp, type, sizeof(struct hv_intercept_header), length, HV_INTERCEPT_EXECUTE);
}

static u16 execution_state(u8 cpl, u64 cr0, u64 efer)
{
	return (u16)(cpl | (cr0 & CR0_PE ? BIT(2) : 0) | (cr0 & CR0_AM ? BIT(3) : 0) |
		     (efer & EFER_LMA ? BIT(4) : 0));
}

/*
 * What every record with a header has in common, as it is when the VP stops. It is read back from
 * the register page: a worker that writes there at this moment tells itself something wrong.
 */
static void finish(struct vp *vp, const struct hv_register_page *r)
{
	struct hv_intercept_page *page = vp->intercept_page;
	struct hv_intercept_header *h = &page->header;

	if (page->type == HV_MESSAGE_APIC_EOI || page->type == HV_MESSAGE_KEELSON_CRASH ||
	    page->type == HV_MESSAGE_KEELSON_MESSAGE_FREE)
		return;
	h->length_cr8 = (u8)((h->length_cr8 & 15) | r->cr8 << 4);
	h->execution_state = execution_state(virt->cpl(vp), r->cr0, r->efer);
	h->cs = r->segment[SEG_CS];
	h->rip = r->rip;
	h->rflags = r->rflags;
}

_Static_assert(sizeof(struct hv_message_free_intercept) == sizeof(struct hv_eoi_intercept) &&
		       offsetof(struct hv_message_free_intercept, sints) ==
			       offsetof(struct hv_eoi_intercept, vector),
	       "intercept_word()");
_Static_assert((int)SEG_ES == 0 && (int)SEG_GS == 5, "the register page's order");

void intercept_save_registers(struct vp *vp)
{
	struct hv_register_page *page = vp->register_page;

	memcpy(page->gpr, vp->gpr, sizeof(page->gpr));
	virt->show_regs(vp, page);
	page->cr8 = lapic_cr8(&vp->lapic);
	page->version = HV_REGISTER_PAGE_VERSION;
	page->valid = 1;
	page->dirty = 0;
	if (vp->suspended)
		finish(vp, page);
}

void intercept_load_registers(struct vp *vp)
{
	const struct hv_register_page *page = vp->register_page;
	u32 dirty = __atomic_exchange_n(&vp->register_page->dirty, 0, __ATOMIC_ACQUIRE);

	if (dirty & HV_DIRTY_GENERAL)
		memcpy(vp->gpr, page->gpr, sizeof(vp->gpr));
	if (dirty)
		virt->take_regs(vp, page, dirty);
	if (dirty & HV_DIRTY_RIP)
		event_advance(vp, 0);
}
