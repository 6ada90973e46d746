/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deposits and guest maps. A page of RAM is the root's (in the root's map, perhaps shown to
 * children as well) or the hypervisor's (deposited, in nobody's map). Deposit and withdraw carry
 * it over; a page that a child can see is never taken. Whose a page is, owner.c knows.
 *
 * Lists may be long: when a call's time is up, it ends what it has begun (flush, deposit) and goes on
 * with the rest at its next start.
 */
#include "core/arch.h"
#include "core/calls.h"
#include "core/format.h"
#include "core/manage.h"
#include "core/owner.h"
#include "hv/cpuid.h"
#include "hv/partition.h"

#define MEMORY      ((u64)HV_ACCESS_MEMORY_POOL << 32)
#define LARGE_PAGES (SIZE_2M / PAGE_SIZE)
#define RUN_MAX     128u /* pages that are unmapped without a look at the clock */

/* Deposits go to the caller itself (for its children's structures) or to a child. */
static hv_status find_pool(const struct hypercall *call, u64 id, struct partition **ret_p)
{
	if (partition_find(call->vp->partition, id) == call->vp->partition) {
		*ret_p = call->vp->partition;
		return HV_STATUS_SUCCESS;
	}
	return manage_child(call, id, ret_p);
}

static bool is_page_number(u64 number)
{
	return number < 1ull << 36;
}

static u64 next_page_number(const struct hypercall *call)
{
	u64 number;

	hypercall_rep_input(call, &number);
	return number;
}

/* The caller's list, copied once. Management lock. */
static u64 deposit_list[PAGE_SIZE / 8];
static u32 deposit_count;

static bool copy_list(struct hypercall *call)
{
	u16 first = call->rep_next;
	bool valid = true;
	u64 number;

	for (deposit_count = 0; call->rep_next < call->rep_count; call->rep_next++) {
		number = next_page_number(call);
		valid &= is_page_number(number);
		deposit_list[deposit_count++] = number << PAGE_SHIFT;
	}
	call->rep_next = first;
	return valid;
}

static hv_status check_run(u64 start, u64 size)
{
	for (u64 at = start; at < start + size; at += PAGE_SIZE) {
		if (!owner_is_root(SPA(at), PAGE_SIZE))
			return HV_STATUS_INVALID_PARAMETER;
		if (owner_is_shown(SPA(at)))
			return HV_STATUS_OPERATION_DENIED;
	}
	return HV_STATUS_SUCCESS;
}

/* Takes a run of `count` pages away from the root. The flush is still to come. */
static hv_status unmap_run(struct partition *root, u64 start, u32 count)
{
	u64 size = (u64)count << PAGE_SHIFT;
	hv_status status;
	bool flush;

	status = check_run(start, size);
	if (status != HV_STATUS_SUCCESS)
		return status;
	status = gpa_unmap_range(&root->map, GPA(start), size, &flush);
	if (status == HV_STATUS_SUCCESS)
		owner_take_root(SPA(start), size);
	/* Of the hypervisor's own pages, not of the partition's: no deposit helps. */
	return status == HV_STATUS_INSUFFICIENT_MEMORY ? HV_STATUS_NO_RESOURCES : status;
}

/* How many pages from `i` on follow each other. */
static u32 run_length(u32 i)
{
	u32 n = 1;

	while (n < RUN_MAX && i + n < deposit_count &&
	       deposit_list[i + n] == deposit_list[i] + n * PAGE_SIZE)
		n++;
	return n;
}

/* First everything is unmapped, then one flush, then the pages become the pool's. */
static hv_status deposit(struct hypercall *call)
{
	struct partition *root = call->vp->partition, *p;
	hv_status status = find_pool(call, call->header[0], &p);
	u32 i, done, count;

	if (status != HV_STATUS_SUCCESS)
		return status;
	if (!copy_list(call))
		return HV_STATUS_INVALID_PARAMETER;
	for (done = 0; done < deposit_count && !(done && hypercall_is_late(call)); done += count) {
		count = run_length(done);
		status = unmap_run(root, deposit_list[done], count);
		if (status != HV_STATUS_SUCCESS)
			break;
	}
	if (!done)
		return status;
	manage_flush(root);
	for (i = 0; i < done; i++)
		page_pool_add(&p->pool, SPA(deposit_list[i]));
	call->rep_next += done;
	return status;
}

/* Pages go back into the root's map, where they were. */
static hv_status withdraw(struct hypercall *call)
{
	struct partition *root = call->vp->partition, *p;
	hv_status status = find_pool(call, call->header[0], &p);
	bool merged = false, flush;
	u64 number;
	spa_t page;

	if (status != HV_STATUS_SUCCESS)
		return status;
	while (call->rep_next < call->rep_count) {
		if (!page_pool_withdraw(&p->pool, &page)) {
			status = HV_STATUS_NO_RESOURCES;
			break;
		}
		status = gpa_map_range(&root->map, GPA(page.v), page, PAGE_SIZE, GPA_ALL, &flush);
		if (status != HV_STATUS_SUCCESS) {
			page_pool_add(&p->pool, page);
			break;
		}
		owner_give_root(page, PAGE_SIZE);
		merged |= gpa_map_merge(&root->map, GPA(page.v));
		number = page.v >> PAGE_SHIFT;
		memcpy(hypercall_rep_output(call), &number, sizeof(number));
		if (hypercall_next(call))
			break;
	}
	if (merged)
		manage_flush(root);
	return status;
}

static hv_status balance(struct hypercall *call)
{
	struct hv_memory_balance out;
	struct partition *p;
	hv_status status = find_pool(call, call->header[0], &p);

	if (status != HV_STATUS_SUCCESS)
		return status;
	out.available = p->pool.free_count;
	out.in_use = p->pool.total_count - p->pool.free_count;
	memcpy(call->out, &out, sizeof(out));
	return HV_STATUS_SUCCESS;
}

static hv_status decode_map(const struct hv_map_gpa_input *in)
{
	if (!is_page_number(in->gpa_page))
		return HV_STATUS_INVALID_PARAMETER;
	if ((in->flags & HV_MAP_LARGE_PAGE) && in->gpa_page % LARGE_PAGES)
		return HV_STATUS_INVALID_ALIGNMENT;
	return HV_STATUS_SUCCESS;
}

/* Executable is kernel and user together; nothing can be written or run that cannot be read. */
static bool decode_rights(u32 flags, u32 *ret_rights)
{
	u32 execute = flags & HV_MAP_EXECUTABLE;

	if (flags & ~(HV_MAP_READABLE | HV_MAP_WRITABLE | HV_MAP_EXECUTABLE | HV_MAP_LARGE_PAGE))
		return false;
	if (!(flags & HV_MAP_READABLE) || (execute && execute != HV_MAP_EXECUTABLE))
		return false;
	*ret_rights =
		GPA_READ | (flags & HV_MAP_WRITABLE ? GPA_WRITE : 0) | (execute ? GPA_EXECUTE : 0);
	return true;
}

static hv_status map_one(struct partition *p, u64 gpa, u64 number, u64 size, u32 rights,
			 bool *ret_changed)
{
	if (!is_page_number(number) || (number << PAGE_SHIFT) % size ||
	    !owner_is_root(SPA(number << PAGE_SHIFT), size))
		return HV_STATUS_INVALID_PARAMETER;
	return gpa_map_range(&p->map, GPA(gpa), SPA(number << PAGE_SHIFT), size, rights,
			     ret_changed);
}

static hv_status change_map(struct hypercall *call, const struct hv_map_gpa_input *in, bool mapping,
			    u32 rights)
{
	u64 size = in->flags & HV_MAP_LARGE_PAGE ? SIZE_2M : PAGE_SIZE, gpa;
	struct partition *p = call->child;
	bool flush = false, changed;
	hv_status status = HV_STATUS_SUCCESS;

	while (call->rep_next < call->rep_count) {
		gpa = (in->gpa_page << PAGE_SHIFT) + call->rep_next * size;
		changed = false;
		status = mapping ? map_one(p, gpa, next_page_number(call), size, rights, &changed)
				 : gpa_unmap_range(&p->map, GPA(gpa), size, &changed);
		if (status != HV_STATUS_SUCCESS)
			break;
		flush |= changed;
		if (hypercall_next(call))
			break;
	}
	if (flush)
		manage_flush(p);
	return status;
}

static hv_status map(struct hypercall *call)
{
	const struct hv_map_gpa_input *in = (const void *)call->header;
	hv_status status = decode_map(in);
	u32 rights;

	if (status != HV_STATUS_SUCCESS)
		return status;
	return decode_rights(in->flags, &rights) ? change_map(call, in, true, rights)
						 : HV_STATUS_INVALID_PARAMETER;
}

static hv_status unmap(struct hypercall *call)
{
	const struct hv_map_gpa_input *in = (const void *)call->header;
	hv_status status = decode_map(in);

	if (status != HV_STATUS_SUCCESS)
		return status;
	return in->flags & ~HV_MAP_LARGE_PAGE ? HV_STATUS_INVALID_PARAMETER
					      : change_map(call, in, false, 0);
}

const struct hypercall_kind memory_calls[] = {
	CALL(MEMORY, DEPOSIT_MEMORY, partition, deposit, .how = REPEATED | MANAGED,
	     .in_rep = sizeof(u64)),
	CALL(MEMORY, WITHDRAW_MEMORY, partition_proximity, withdraw, .how = REPEATED | MANAGED,
	     .out_rep = sizeof(u64)),
	CALL(MEMORY, GET_MEMORY_BALANCE, partition_proximity, balance, .how = MANAGED,
	     .out_header = sizeof(struct hv_memory_balance)),
	CALL(MEMORY, MAP_GPA_PAGES, map_gpa, map, .target = TARGET_ACTIVE,
	     .how = REPEATED | MANAGED, .in_rep = sizeof(u64)),
	CALL(MEMORY, UNMAP_GPA_PAGES, map_gpa, unmap, .target = TARGET_ACTIVE,
	     .how = REPEATED | MANAGED),
	{0},
};
