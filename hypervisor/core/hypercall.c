/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers → decoded call → result. Which codes exist is said by tables beside the functions
 * that serve them.
 */
#include "core/hypercall.h"
#include "core/arch.h"
#include "core/calls.h"
#include "core/format.h"
#include "core/manage.h"
#include "core/partition.h"
#include "core/virt.h"

#define CR0_PE BIT(0)

/* Each ended by an entry without a function. What is called most comes first. */
static const struct hypercall_kind *const tables[] = {
	dispatch_calls, guest_calls, memory_calls,  partition_calls,
	vp_calls,       state_calls, keelson_calls,
};

static const struct hypercall_kind *find(u16 code)
{
	const struct hypercall_kind *kind;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (kind = tables[i]; kind->handle; kind++)
			if (kind->code == code)
				return kind;
	return NULL;
}

static u32 input_size(const struct hypercall *call)
{
	return call->kind->in_header + call->rep_count * call->kind->in_rep;
}

static u32 output_size(const struct hypercall *call)
{
	return call->kind->out_header + call->rep_count * call->kind->out_rep;
}

static hv_status decode_control(struct hypercall *call, u64 control)
{
	const struct hypercall_kind *kind = call->kind;

	call->fast = control & HV_CONTROL_FAST;
	call->rep_count = control >> HV_CONTROL_REPS_SHIFT & HV_CONTROL_REP_MASK;
	call->rep_next = control >> HV_CONTROL_START_SHIFT & HV_CONTROL_REP_MASK;
	if (control & (HV_CONTROL_RESERVED | HV_CONTROL_NESTED))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (control >> HV_CONTROL_VARIABLE_SHIFT & HV_CONTROL_VARIABLE_MASK)
		return HV_STATUS_INVALID_HYPERCALL_INPUT; /* no call here has such a header */
	if (kind->how & REPEATED ? call->rep_next >= call->rep_count
				 : call->rep_count || call->rep_next)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	return HV_STATUS_SUCCESS;
}

/* A list starts on 8 bytes and does not leave its page (TLFS 3.8). */
static hv_status map_list(struct hypercall *call, u64 gpa, u32 size, u32 rights, u8 **ret_list)
{
	if (!size)
		return HV_STATUS_SUCCESS;
	if (gpa % 8 || size > PAGE_SIZE - gpa % PAGE_SIZE)
		return HV_STATUS_INVALID_ALIGNMENT;
	*ret_list = partition_memory(call->vp->partition, GPA(gpa), size, rights);
	return *ret_list ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_PARAMETER;
}

/* The two register words are the whole list; there is no place for output or reps. */
static hv_status decode_fast(struct hypercall *call)
{
	if ((call->kind->how & REPEATED) || call->kind->in_header > 16 || output_size(call))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	call->header[0] = call->input;
	call->header[1] = call->output;
	return HV_STATUS_SUCCESS;
}

static hv_status decode_slow(struct hypercall *call)
{
	u8 *in = NULL;
	hv_status status;

	status = map_list(call, call->input, input_size(call), GPA_READ, &in);
	if (status == HV_STATUS_SUCCESS)
		status = map_list(call, call->output, output_size(call), GPA_READ | GPA_WRITE,
				  &call->out);
	if (status != HV_STATUS_SUCCESS)
		return status;
	call->in = in;
	if (in)
		memcpy(call->header, in, call->kind->in_header);
	return HV_STATUS_SUCCESS;
}

hv_status hypercall_decode(struct hypercall *call, u64 control)
{
	hv_status status;

	call->code = (u16)(control & HV_CONTROL_CODE);
	call->kind = find(call->code);
	if (!call->kind)
		return HV_STATUS_INVALID_HYPERCALL_CODE;
	status = decode_control(call, control);
	if (status != HV_STATUS_SUCCESS) {
		call->rep_next = 0;
		return status;
	}
	if (call->kind->privilege & ~call->vp->partition->privileges)
		return HV_STATUS_ACCESS_DENIED;
	return HV_STATUS_SUCCESS;
}

static hv_status find_target(struct hypercall *call)
{
	enum hypercall_target target = call->kind->target;
	hv_status status = manage_child(call, call->header[0], &call->child);
	struct vp *vp;

	if (status != HV_STATUS_SUCCESS)
		return status;
	if (target == TARGET_VP || target == TARGET_ANY_VP) {
		vp = partition_vp(call->child, (u32)call->header[1]);
		if (!vp)
			return HV_STATUS_INVALID_VP_INDEX;
		if (!vp_claim(vp))
			return HV_STATUS_INVALID_VP_STATE;
		call->child_vp = vp;
	}
	/* Finalizing sets the state first and then looks for claims. */
	return (target == TARGET_VP || target == TARGET_ACTIVE) &&
			       call->child->state != PARTITION_ACTIVE
		       ? HV_STATUS_INVALID_PARTITION_STATE
		       : HV_STATUS_SUCCESS;
}

static hv_status run(struct hypercall *call)
{
	bool managed = call->kind->how & MANAGED;
	hv_status status;

	if (managed)
		manage_lock();
	if (call->kind->how)
		call->started = arch_tsc();
	status = call->fast ? decode_fast(call) : decode_slow(call);
	if (status == HV_STATUS_SUCCESS && call->kind->target != TARGET_NONE)
		status = find_target(call);
	if (status == HV_STATUS_SUCCESS)
		status = call->kind->handle(call);
	if (call->child_vp)
		vp_release(call->child_vp);
	if (managed)
		manage_unlock();
	return status;
}

bool hypercall_is_late(const struct hypercall *call)
{
	return arch_tsc() - call->started >= arch_tsc_hz() / 1000000 * HYPERCALL_US;
}

bool hypercall_next(struct hypercall *call)
{
	call->rep_next++;
	return hypercall_is_late(call);
}

void hypercall_rep_input(const struct hypercall *call, void *ret_element)
{
	u32 size = call->kind->in_rep;

	memcpy(ret_element, call->in + call->kind->in_header + call->rep_next * size, size);
}

void *hypercall_rep_output(const struct hypercall *call)
{
	return call->out + call->kind->out_header + call->rep_next * call->kind->out_rep;
}

/* Input and output; returns the control word (TLFS 3.7). */
static u64 read_operands(const struct vp *vp, bool wide, struct hypercall *call)
{
	const u64 *g = vp->gpr;

	call->input = wide ? g[RDX] : g[RBX] << 32 | (u32)g[RCX];
	call->output = wide ? g[R8] : g[RDI] << 32 | (u32)g[RSI];
	return wide ? g[RCX] : g[RDX] << 32 | (u32)g[RAX];
}

static void write_result(struct vp *vp, bool wide, u64 result)
{
	if (wide) {
		vp->gpr[RAX] = result;
		return;
	}
	vp->gpr[RAX] = (u32)result;
	vp->gpr[RDX] = result >> 32;
}

/* The control word once more, to begin with what is left (TLFS 3.8). */
static void write_start(struct vp *vp, bool wide, u64 control, u16 start)
{
	control &= ~((u64)HV_CONTROL_REP_MASK << HV_CONTROL_START_SHIFT);
	control |= (u64)start << HV_CONTROL_START_SHIFT;
	if (wide)
		vp->gpr[RCX] = control;
	else
		write_result(vp, wide, control);
}

static bool may_call(struct vp *vp, bool wide)
{
	struct vregs r;

	if (virt->cpl(vp) || !vp->partition->guest_os_id)
		return false;
	if (wide)
		return true;
	virt->get_regs(vp, &r);
	return r.cr0 & CR0_PE;
}

enum hypercall_end hypercall_handle(struct vp *vp)
{
	bool wide = virt->long_mode(vp);
	struct hypercall call; /* not cleared: `header` is long */
	hv_status status;
	u64 control;

	if (!may_call(vp, wide))
		return HYPERCALL_REFUSED;
	control = read_operands(vp, wide, &call);
	call.vp = vp;
	call.in = NULL;
	call.out = NULL;
	call.child_vp = NULL;
	call.rep_next = 0;
	call.again = false;
	status = hypercall_decode(&call, control);
	if (status == HV_STATUS_SUCCESS)
		status = run(&call);
	if (status == HV_STATUS_SUCCESS && (call.rep_next < call.rep_count || call.again)) {
		write_start(vp, wide, control, call.rep_next);
		return HYPERCALL_AGAIN;
	}
	write_result(vp, wide, status | (u64)call.rep_next << HV_RESULT_REPS_SHIFT);
	return HYPERCALL_DONE;
}
