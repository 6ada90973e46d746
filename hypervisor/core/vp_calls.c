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

_Static_assert(sizeof(struct vp) <= PAGE_SIZE, "a VP is one page");
_Static_assert(sizeof(struct hv_register_page) <= PAGE_SIZE, "one page");

static void give_pages(struct partition *p, void *vp, void *registers, void *intercept)
{
	page_pool_give(&p->pool, vp);
	page_pool_give(&p->pool, registers);
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
	const struct hv_create_vp_input *in = (const void *)call->header;
	struct partition *p = call->child;

	if (in->flags)
		return HV_STATUS_INVALID_PARAMETER;
	if (in->vp_index >= PARTITION_CHILD_VPS || p->vp[in->vp_index])
		return HV_STATUS_INVALID_VP_INDEX;
	return new_vp(p, in->vp_index);
}

/* Out of the root's map, if it was ever shown there. */
static hv_status hide_page(struct partition *root, void *page)
{
	spa_t spa = arch_unmap(page);
	hv_status status;
	bool flush;

	status = gpa_unmap_range(&root->map, GPA(spa.v), PAGE_SIZE, &flush);
	if (status == HV_STATUS_SUCCESS && flush)
		manage_flush(root);
	return status;
}

static hv_status delete (struct hypercall *call)
{
	struct partition *p = call->child;
	struct vp *vp = call->child_vp;
	hv_status status = hide_page(p->parent, vp->register_page);

	if (status == HV_STATUS_SUCCESS)
		status = hide_page(p->parent, vp->intercept_page);
	if (status != HV_STATUS_SUCCESS)
		return status;
	call->child_vp = NULL;
	remove_from(p, vp->index);
	virt->vp_destroy(vp, &p->pool);
	give_pages(p, vp, vp->register_page, vp->intercept_page);
	return HV_STATUS_SUCCESS;
}

/* The header's third word is a level that nobody has. */
static bool level_valid(const struct hypercall *call)
{
	return !(call->header[1] >> 32);
}

static hv_status get_registers(struct hypercall *call)
{
	union hv_register_value value;
	hv_status status;
	u32 name;

	if (!level_valid(call))
		return HV_STATUS_INVALID_PARAMETER;
	while (call->rep_next < call->rep_count) {
		hypercall_rep_input(call, &name);
		status = register_get(call->child_vp, name, &value);
		if (status != HV_STATUS_SUCCESS)
			return status;
		memcpy(hypercall_rep_output(call), &value, sizeof(value));
		if (hypercall_next(call))
			break;
	}
	return HV_STATUS_SUCCESS;
}

static hv_status set_registers(struct hypercall *call)
{
	struct hv_set_register r;
	hv_status status;

	if (!level_valid(call))
		return HV_STATUS_INVALID_PARAMETER;
	while (call->rep_next < call->rep_count) {
		hypercall_rep_input(call, &r);
		status = register_set(call->child_vp, r.name, &r.value);
		if (status != HV_STATUS_SUCCESS)
			return status;
		if (hypercall_next(call))
			break;
	}
	return HV_STATUS_SUCCESS;
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
	const struct hv_translate_input *in = (const void *)call->header;
	struct hv_translate_output out = {0};
	gpa_t gpa = GPA(0);
	struct vregs regs;
	struct vp *vp = call->child_vp;

	if (!level_valid(call))
		return HV_STATUS_INVALID_PARAMETER;
	virt->get_regs(vp, &regs);
	out.result = results[translate(vp, &regs, GVA(in->gva_page << PAGE_SHIFT),
				       translate_flags(in->flags, vp), &gpa)];
	out.gpa_page = gpa.v >> PAGE_SHIFT;
	memcpy(call->out, &out, sizeof(out));
	return HV_STATUS_SUCCESS;
}

static hv_status install_intercept(struct hypercall *call)
{
	const struct hv_install_intercept_input *in = (const void *)call->header;
	struct partition *p = call->child;

	if (in->access > 7)
		return HV_STATUS_INVALID_PARAMETER;
	switch (in->type) {
	case HV_INTERCEPT_IO_PORT: /* always on: nothing here answers a port */
		return in->access ? HV_STATUS_SUCCESS : HV_STATUS_OPERATION_DENIED;
	case HV_INTERCEPT_MSR:
		p->intercept_msrs = in->access;
		return HV_STATUS_SUCCESS;
	case HV_INTERCEPT_CPUID:
		return cpuid_intercept(p, (u32)in->parameter, in->access);
	default:
		return HV_STATUS_INVALID_PARAMETER;
	}
}

static hv_status intercept_result(struct hypercall *call)
{
	const struct hv_intercept_result_input *in = (const void *)call->header;
	struct partition *p = call->child;

	if (in->type != HV_INTERCEPT_CPUID)
		return HV_STATUS_INVALID_PARAMETER;
	return cpuid_set_result(p, in);
}

static void *state_page(const struct hypercall *call)
{
	switch (call->header[1] >> 32) {
	case HV_STATE_PAGE_REGISTERS:
		return call->child_vp->register_page;
	case HV_STATE_PAGE_INTERCEPT:
		return call->child_vp->intercept_page;
	default:
		return NULL;
	}
}

/* Shown to the root where the page always was; it cannot be deposited or shown on from there. */
static hv_status map_state_page(struct hypercall *call)
{
	void *page = state_page(call);
	hv_status status;
	u64 number;
	bool flush;

	if (!page)
		return HV_STATUS_INVALID_PARAMETER;
	status = gpa_map_range(&call->vp->partition->map, GPA(arch_unmap(page).v), arch_unmap(page),
			       PAGE_SIZE, GPA_READ | GPA_WRITE, &flush);
	if (status != HV_STATUS_SUCCESS)
		return status;
	number = arch_unmap(page).v >> PAGE_SHIFT;
	memcpy(call->out, &number, sizeof(number));
	return HV_STATUS_SUCCESS;
}

static hv_status unmap_state_page(struct hypercall *call)
{
	void *page = state_page(call);

	return page ? hide_page(call->vp->partition, page) : HV_STATUS_INVALID_PARAMETER;
}

const struct hypercall_kind vp_calls[] = {
	CALL(MANAGE, CREATE_VP, create_vp, create, .target = TARGET_ACTIVE, .how = MANAGED),
	CALL(MANAGE, DELETE_VP, vp, delete, .target = TARGET_ANY_VP, .how = MANAGED),
	CALL(MANAGE, GET_VP_REGISTERS, vp, get_registers, .target = TARGET_VP, .how = REPEATED,
	     .in_rep = sizeof(u32), .out_rep = sizeof(union hv_register_value)),
	CALL(MANAGE, SET_VP_REGISTERS, vp, set_registers, .target = TARGET_VP, .how = REPEATED,
	     .in_rep = sizeof(struct hv_set_register)),
	CALL(MANAGE, TRANSLATE_VIRTUAL_ADDRESS, translate, translate_address, .target = TARGET_VP,
	     .out_header = sizeof(struct hv_translate_output)),
	CALL(MANAGE, INSTALL_INTERCEPT, install_intercept, install_intercept,
	     .target = TARGET_ACTIVE, .how = MANAGED),
	CALL(MANAGE, REGISTER_INTERCEPT_RESULT, intercept_result, intercept_result,
	     .target = TARGET_ACTIVE, .how = MANAGED),
	CALL(MANAGE, MAP_VP_STATE_PAGE, map_state_page, map_state_page, .target = TARGET_VP,
	     .how = MANAGED, .out_header = sizeof(u64)),
	CALL(MANAGE, UNMAP_VP_STATE_PAGE, map_state_page, unmap_state_page, .target = TARGET_VP,
	     .how = MANAGED),
	{0},
};
