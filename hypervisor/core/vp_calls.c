/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VPs of children: creation and end, registers, what stops them, the pages shared with their
 * worker (TLFS 7, 8). A VP is three pages of the partition's pool and the vendor's.
 */
#include "core/arch.h"
#include "core/calls.h"
#include "core/cpuid.h"
#include "core/format.h"
#include "core/manage.h"
#include "core/register.h"
#include "core/translate.h"
#include "core/virt.h"
#include "hv/cpuid.h"
#include "hv/intercept.h"
#include "hv/partition.h"

#define MANAGE ((u64)HV_CREATE_PARTITIONS << 32)

_Static_assert(sizeof(struct vp) <= PAGE_SIZE, "a VP is one page");
_Static_assert(sizeof(struct hv_register_page) <= PAGE_SIZE, "one page");

static void give_pages(struct partition *p, void *vp, void *registers, void *intercept)
{
	if (vp)
		page_pool_give(&p->pool, vp);
	if (registers)
		page_pool_give(&p->pool, registers);
	if (intercept)
		page_pool_give(&p->pool, intercept);
}

static void remove_from(struct partition *p, u32 index)
{
	__atomic_store_n(&p->vp[index], NULL, __ATOMIC_RELEASE);
	while (p->vp_count && !p->vp[p->vp_count - 1])
		p->vp_count--;
	/* Whoever found the VP before is done with it after this. */
	arch_flush_map(p);
}

static hv_status new_vp(struct partition *p, u32 index)
{
	struct vp *vp = page_pool_take(&p->pool);
	void *registers = page_pool_take(&p->pool);
	void *intercept = page_pool_take(&p->pool);

	if (!vp || !registers || !intercept) {
		give_pages(p, vp, registers, intercept);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	vp_init(vp, p, index, 0, index, NULL);
	vp->register_page = registers;
	vp->intercept_page = intercept;
	if (!virt->vp_create(vp, &p->pool)) {
		remove_from(p, index);
		give_pages(p, vp, registers, intercept);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	virt->set_tsc_offset(vp, vp->tsc_offset);
	vp_power_on(vp);
	vp_release(vp);
	return HV_STATUS_SUCCESS;
}

static hv_status create(struct hypercall *call)
{
	struct hv_create_vp_input in;
	struct partition *p;
	hv_status status;

	memcpy(&in, call->header, sizeof(in));
	status = manage_child(call, in.partition_id, &p);
	if (status != HV_STATUS_SUCCESS)
		return status;
	if (p->state != PARTITION_ACTIVE)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (in.flags)
		return HV_STATUS_INVALID_PARAMETER;
	if (in.vp_index >= PARTITION_MAX_VPS || p->vp[in.vp_index])
		return HV_STATUS_INVALID_VP_INDEX;
	return new_vp(p, in.vp_index);
}

/* Out of the root's map, if it was ever shown there. */
static hv_status hide_page(struct partition *root, void *page)
{
	spa_t spa = arch_unmap(page);
	hv_status status;
	bool flush;

	status = gpa_unmap_range(&root->map, GPA(spa.v), PAGE_SIZE, &flush);
	if (status == HV_STATUS_SUCCESS && flush) {
		arch_flush_map(root);
		gpa_map_flushed(&root->map);
	}
	return status;
}

static hv_status delete (struct hypercall *call)
{
	struct hv_vp_input in;
	struct partition *p;
	struct vp *vp;
	hv_status status;

	memcpy(&in, call->header, sizeof(in));
	status = manage_claim_any_vp(call, in.partition_id, in.vp_index, &vp);
	if (status != HV_STATUS_SUCCESS)
		return status;
	p = vp->partition;
	status = hide_page(p->parent, vp->register_page);
	if (status == HV_STATUS_SUCCESS)
		status = hide_page(p->parent, vp->intercept_page);
	if (status != HV_STATUS_SUCCESS) {
		vp_release(vp);
		return status;
	}
	remove_from(p, vp->index);
	virt->vp_destroy(vp, &p->pool);
	give_pages(p, vp, vp->register_page, vp->intercept_page);
	return HV_STATUS_SUCCESS;
}

static hv_status claim_by_header(const struct hypercall *call, struct vp **ret_vp)
{
	struct hv_vp_input in;

	memcpy(&in, call->header, sizeof(in));
	if (in.reserved)
		return HV_STATUS_INVALID_PARAMETER;
	return manage_claim_vp(call, in.partition_id, in.vp_index, ret_vp);
}

static hv_status get_registers(struct hypercall *call)
{
	union hv_register_value value;
	struct vp *vp;
	u32 name;
	hv_status status = claim_by_header(call, &vp);

	if (status != HV_STATUS_SUCCESS)
		return status;
	for (; call->rep_next < call->rep_count; call->rep_next++) {
		hypercall_rep_input(call, &name);
		status = register_get(vp, name, &value);
		if (status != HV_STATUS_SUCCESS)
			break;
		memcpy(hypercall_rep_output(call), &value, sizeof(value));
	}
	vp_release(vp);
	return status;
}

static hv_status set_registers(struct hypercall *call)
{
	struct hv_set_register r;
	struct vp *vp;
	hv_status status = claim_by_header(call, &vp);

	if (status != HV_STATUS_SUCCESS)
		return status;
	for (; call->rep_next < call->rep_count; call->rep_next++) {
		hypercall_rep_input(call, &r);
		status = register_set(vp, r.name, &r.value);
		if (status != HV_STATUS_SUCCESS)
			break;
	}
	vp_release(vp);
	return status;
}

static u32 translate_flags(u64 flags, const struct vp *vp)
{
	u32 user = virt->cpl(vp) == 3 && !(flags & HV_TRANSLATE_AS_KERNEL) ? TRANSLATE_USER : 0;

	return (u32)(flags & (HV_TRANSLATE_READ | HV_TRANSLATE_WRITE | HV_TRANSLATE_EXECUTE)) |
	       user;
}

static hv_status translate_address(struct hypercall *call)
{
	static const u8 results[] = {
		[TRANSLATE_OK] = HV_TRANSLATE_SUCCESS,
		[TRANSLATE_NOT_PRESENT] = HV_TRANSLATE_NOT_PRESENT,
		[TRANSLATE_DENIED] = HV_TRANSLATE_PRIVILEGE,
		[TRANSLATE_RESERVED_BITS] = HV_TRANSLATE_BAD_FLAGS,
		[TRANSLATE_UNMAPPED] = HV_TRANSLATE_GPA_UNMAPPED,
	};
	struct hv_translate_input in;
	struct hv_translate_output out = {0};
	gpa_t gpa = GPA(0);
	struct vregs regs;
	struct vp *vp;
	hv_status status = claim_by_header(call, &vp);

	if (status != HV_STATUS_SUCCESS)
		return status;
	memcpy(&in, call->header, sizeof(in));
	virt->get_regs(vp, &regs);
	out.result = results[translate(vp, &regs, GVA(in.gva_page << PAGE_SHIFT),
				       translate_flags(in.flags, vp), &gpa)];
	out.gpa_page = gpa.v >> PAGE_SHIFT;
	vp_release(vp);
	memcpy(call->out, &out, sizeof(out));
	return HV_STATUS_SUCCESS;
}

static hv_status install_intercept(struct hypercall *call)
{
	struct hv_install_intercept_input in;
	struct partition *p;
	hv_status status;

	memcpy(&in, call->header, sizeof(in));
	status = manage_child(call, in.partition_id, &p);
	if (status != HV_STATUS_SUCCESS)
		return status;
	if (p->state != PARTITION_ACTIVE)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (in.access > 7)
		return HV_STATUS_INVALID_PARAMETER;
	switch (in.type) {
	case HV_INTERCEPT_IO_PORT: /* always on: nothing here answers a port */
		return in.access ? HV_STATUS_SUCCESS : HV_STATUS_OPERATION_DENIED;
	case HV_INTERCEPT_MSR:
		p->intercept_msrs = in.access;
		return HV_STATUS_SUCCESS;
	case HV_INTERCEPT_CPUID:
		return cpuid_intercept(p, (u32)in.parameter, in.access);
	default:
		return HV_STATUS_INVALID_PARAMETER;
	}
}

static hv_status intercept_result(struct hypercall *call)
{
	struct hv_intercept_result_input in;
	struct partition *p;
	hv_status status;

	memcpy(&in, call->header, sizeof(in));
	status = manage_child(call, in.partition_id, &p);
	if (status != HV_STATUS_SUCCESS)
		return status;
	if (p->state != PARTITION_ACTIVE)
		return HV_STATUS_INVALID_PARTITION_STATE;
	if (in.type != HV_INTERCEPT_CPUID)
		return HV_STATUS_INVALID_PARAMETER;
	return cpuid_set_result(p, &in);
}

static hv_status find_state_page(const struct hypercall *call, struct vp **ret_vp, void **ret_page)
{
	struct hv_map_state_page_input in;
	hv_status status;

	memcpy(&in, call->header, sizeof(in));
	if (in.type > HV_STATE_PAGE_INTERCEPT)
		return HV_STATUS_INVALID_PARAMETER;
	status = manage_claim_vp(call, in.partition_id, in.vp_index, ret_vp);
	if (status != HV_STATUS_SUCCESS)
		return status;
	*ret_page = in.type == HV_STATE_PAGE_REGISTERS ? (void *)(*ret_vp)->register_page
						       : (void *)(*ret_vp)->intercept_page;
	return HV_STATUS_SUCCESS;
}

/* Shown to the root where the page always was; it cannot be deposited or shown on from there. */
static hv_status map_state_page(struct hypercall *call)
{
	struct partition *root = call->vp->partition;
	struct vp *vp;
	void *page;
	u64 number;
	bool flush;
	hv_status status = find_state_page(call, &vp, &page);

	if (status != HV_STATUS_SUCCESS)
		return status;
	status = gpa_map_range(&root->map, GPA(arch_unmap(page).v), arch_unmap(page), PAGE_SIZE,
			       GPA_READ | GPA_WRITE, &flush);
	vp_release(vp);
	if (status != HV_STATUS_SUCCESS)
		return status;
	number = arch_unmap(page).v >> PAGE_SHIFT;
	memcpy(call->out, &number, sizeof(number));
	return HV_STATUS_SUCCESS;
}

static hv_status unmap_state_page(struct hypercall *call)
{
	struct vp *vp;
	void *page;
	hv_status status = find_state_page(call, &vp, &page);

	if (status != HV_STATUS_SUCCESS)
		return status;
	status = hide_page(call->vp->partition, page);
	vp_release(vp);
	return status;
}

const struct hypercall_kind vp_calls[] = {
	{.code = HV_CALL_CREATE_VP,
	 .in_header = sizeof(struct hv_create_vp_input),
	 .managed = true,
	 .privilege = MANAGE,
	 .handle = create},
	{.code = HV_CALL_DELETE_VP,
	 .in_header = sizeof(struct hv_vp_input),
	 .managed = true,
	 .privilege = MANAGE,
	 .handle = delete},
	{.code = HV_CALL_GET_VP_REGISTERS,
	 .in_header = sizeof(struct hv_vp_input),
	 .in_rep = sizeof(u32),
	 .out_rep = sizeof(union hv_register_value),
	 .rep = true,
	 .privilege = MANAGE,
	 .handle = get_registers},
	{.code = HV_CALL_SET_VP_REGISTERS,
	 .in_header = sizeof(struct hv_vp_input),
	 .in_rep = sizeof(struct hv_set_register),
	 .rep = true,
	 .privilege = MANAGE,
	 .handle = set_registers},
	{.code = HV_CALL_TRANSLATE_VIRTUAL_ADDRESS,
	 .in_header = sizeof(struct hv_translate_input),
	 .out_header = sizeof(struct hv_translate_output),
	 .privilege = MANAGE,
	 .handle = translate_address},
	{.code = HV_CALL_INSTALL_INTERCEPT,
	 .in_header = sizeof(struct hv_install_intercept_input),
	 .managed = true,
	 .privilege = MANAGE,
	 .handle = install_intercept},
	{.code = HV_CALL_REGISTER_INTERCEPT_RESULT,
	 .in_header = sizeof(struct hv_intercept_result_input),
	 .managed = true,
	 .privilege = MANAGE,
	 .handle = intercept_result},
	{.code = HV_CALL_MAP_VP_STATE_PAGE,
	 .in_header = sizeof(struct hv_map_state_page_input),
	 .out_header = sizeof(u64),
	 .managed = true,
	 .privilege = MANAGE,
	 .handle = map_state_page},
	{.code = HV_CALL_UNMAP_VP_STATE_PAGE,
	 .in_header = sizeof(struct hv_map_state_page_input),
	 .managed = true,
	 .privilege = MANAGE,
	 .handle = unmap_state_page},
	{0},
};
