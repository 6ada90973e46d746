// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hardware exits into neutral ones. Lengths come from next-RIP save; a processor without it (the
 * emulator) gets the length of the unprefixed instruction.
 */
#include "core/event.h"
#include "core/log.h"
#include "core/partition.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/machine_check.h"
#include "x86/svm/svm.h"

static u8 length_of(const struct vmcb *b, u8 plain)
{
	return svm_has_next_rip ? (u8)(b->next_rip - b->rip) : plain;
}

static void decode_npf(const struct vmcb *b, struct vexit *e)
{
	u64 info = b->exit_info1;

	e->type = VEXIT_NPF;
	e->npf.gpa = GPA(b->exit_info2);
	e->npf.access = (info & NPF_WRITE ? ACCESS_WRITE : ACCESS_READ) |
			(info & NPF_FETCH ? ACCESS_EXECUTE : 0) |
			(info & NPF_WALK ? ACCESS_WALK : 0);
}

/* IN, OUT, INS, OUTS: the next RIP is in EXITINFO2 on every processor. */
static void decode_io(const struct vmcb *b, struct vexit *e)
{
	u64 info = b->exit_info1;

	e->type = VEXIT_IO;
	e->length = (u8)(b->exit_info2 - b->rip);
	e->io.port = (u16)(info >> 16);
	e->io.size = info >> 4 & 7;
	e->io.in = info & IOIO_IN;
	e->io.string = info & IOIO_STRING;
	e->io.rep = info & IOIO_REP;
}

/* On Bochs #DB exits before DR6 tells of it. What a breakpoint has met cannot be known any more. */
static never_inline void complete_dr6(struct vmcb *b)
{
	if (!svm_bochs || b->exit_code != VMEXIT_EXCP + VECTOR_DB)
		return;
	if (b->rflags & RFLAGS_TF)
		b->dr6 |= DR6_SINGLE_STEP;
	else if (b->dr7 & DR7_GD)
		b->dr6 |= DR6_GENERAL_DETECT;
}

/* A machine check that came while a child ran is the root's, or the child's end. */
static never_inline void decode_exception(const struct vp *vp, struct vmcb *b, struct vexit *e)
{
	u8 vector = (u8)(b->exit_code - VMEXIT_EXCP);
	struct vp *root = this_cpu()->vp;

	if (vector == VECTOR_MC && vp != root) {
		if (machine_check_is_guests()) {
			log_warning("partition %lu, VP %u: a memory error ends it",
				    vp->partition->id, vp->index);
			e->type = VEXIT_UNKNOWN;
			e->code = b->exit_code;
			return;
		}
		__atomic_fetch_or(&root->events, VP_EVENT_MC, __ATOMIC_SEQ_CST);
		return;
	}
	if (vector == VECTOR_PF) /* a step's; the processor leaves CR2 to whoever injects it */
		b->cr2 = b->exit_info2;
	complete_dr6(b);
	/*
	 * It goes in again at the next entry, and if its delivery raises it anew, no boundary of an
	 * instruction comes at which a physical interrupt would end the stay.
	 */
	if (vp != root)
		cpu_interrupt_window();
	e->type = VEXIT_EXCEPTION;
	e->exception.vector = vector;
	e->exception.has_error = vector_has_error(vector);
	e->exception.error = (u32)b->exit_info1;
}

static __attribute__((noinline)) void decode(struct vp *vp, struct vexit *e)
{
	struct virt_vp *v = vp->arch;
	struct vmcb *b = v->vmcb;

	e->type = VEXIT_NONE;
	if (unlikely(v->step != STEP_NONE)) {
		complete_dr6(b);
		if (svm_step_exit(vp, b->exit_code))
			return;
	}
	switch (b->exit_code) {
	case VMEXIT_CPUID:
		e->type = VEXIT_CPUID;
		e->length = length_of(b, 2);
		break;
	case VMEXIT_INTR:
		cpu_interrupt_window();
		break;
	case VMEXIT_NMI: /* taken when GIF was set */
		break;
	case VMEXIT_VINTR:
		v->window = false;
		b->intercept1 &= ~(u32)INTERCEPT1_VINTR;
		break;
	case VMEXIT_MSR:
		e->type = b->exit_info1 ? VEXIT_MSR_WRITE : VEXIT_MSR_READ;
		e->length = length_of(b, 2);
		break;
	case VMEXIT_VMMCALL:
		e->type = VEXIT_HYPERCALL;
		e->length = length_of(b, 3);
		break;
	case VMEXIT_NPF:
		decode_npf(b, e);
		break;
	case VMEXIT_IOIO:
		decode_io(b, e);
		break;
	case VMEXIT_HLT:
		e->type = VEXIT_HLT;
		e->length = length_of(b, 1);
		break;
	case VMEXIT_XSETBV:
		e->type = VEXIT_XSETBV;
		e->length = length_of(b, 3);
		break;
	case VMEXIT_INVD: /* as WBINVD: what it would throw away may be ours */
	case VMEXIT_WBINVD:
		if (vp == this_cpu()->vp) /* a child has no device that looks past the caches */
			wbinvd();
		event_advance(vp, length_of(b, 2));
		break;
	case VMEXIT_CR8_WRITE:
		svm_cr8_written(vp);
		break;
	case VMEXIT_DR_FIRST ... VMEXIT_DR_LAST:
		svm_child_take_debug(vp);
		break;
	case VMEXIT_IRET:
		svm_step_begin_iret(vp);
		break;
	case VMEXIT_SHUTDOWN:
		e->type = VEXIT_SHUTDOWN;
		break;
	case VMEXIT_RDPMC:
	case VMEXIT_RSM:
	case VMEXIT_RDTSCP:
	case VMEXIT_MONITOR:
	case VMEXIT_MWAIT:
	case VMEXIT_RDPRU:
	case VMEXIT_INVLPGA:
	case VMEXIT_VMRUN:
	case VMEXIT_VMLOAD ... VMEXIT_SKINIT:
		e->type = VEXIT_UNDEFINED;
		break;
	case VMEXIT_EXCP ... VMEXIT_EXCP + 31:
		decode_exception(vp, b, e);
		break;
	default:
		e->type = VEXIT_UNKNOWN;
		e->code = b->exit_code;
	}
}

/* CPUID by itself: it is what guests measure exits by. */
void svm_decode_exit(struct vp *vp, struct vexit *e)
{
	const struct vmcb *b = vp->arch->vmcb;

	e->rip = b->rip;
	if (b->exit_code != VMEXIT_CPUID || vp->arch->step != STEP_NONE) {
		decode(vp, e);
		return;
	}
	e->type = VEXIT_CPUID;
	e->length = length_of(b, 2);
}
