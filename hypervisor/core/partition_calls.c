/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Creation, end and properties of partitions (TLFS 5).
 *
 * A partition lives in a page of its parent's pool; everything else of it in pages deposited to
 * itself. The end goes: finalize (nothing runs any more), unmap and delete VPs, withdraw, delete.
 */
#include "core/arch.h"
#include "core/calls.h"
#include "core/format.h"
#include "core/manage.h"
#include "core/owner.h"
#include "core/reftime.h"
#include "core/stimer.h"
#include "core/virt.h"
#include "hv/cpuid.h"
#include "hv/msr.h"
#include "hv/partition.h"
#include "hv/reference_tsc.h"

/* What a child is told it may use (hv/cpuid.h names the bits). */
#define CHILD_PRIVILEGES                                                                \
	(HV_ACCESS_REFERENCE_COUNTER | HV_ACCESS_SYNIC | HV_ACCESS_SYNTHETIC_TIMERS |   \
	 HV_ACCESS_APIC_MSRS | HV_ACCESS_HYPERCALL_MSRS | HV_ACCESS_VP_INDEX |          \
	 HV_ACCESS_REFERENCE_TSC | HV_ACCESS_FREQUENCY_MSRS | HV_ACCESS_TSC_INVARIANT | \
	 (u64)(HV_POST_MESSAGES | HV_SIGNAL_EVENTS) << 32)

_Static_assert(sizeof(struct partition) <= PAGE_SIZE, "a partition is one page");

static u64 next_generation = 1;

static u32 free_slot(void)
{
	for (u32 i = 1; i < PARTITIONS_MAX; i++)
		if (!partitions[i])
			return i;
	return 0;
}

static hv_status create(struct hypercall *call)
{
	struct partition *parent = call->vp->partition, *p;
	const struct hv_create_partition_input *in = (const void *)call->header;
	u32 slot = free_slot();
	u64 id;

	if (in->flags || in->isolation)
		return HV_STATUS_INVALID_PARAMETER;
	if (!slot)
		return HV_STATUS_NO_RESOURCES;
	p = page_pool_take(&parent->pool);
	if (!p)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	id = next_generation++ * PARTITIONS_MAX + slot;
	p->id = id;
	p->parent = parent;
	p->privileges = CHILD_PRIVILEGES;
	p->tsc_offset = 0 - arch_tsc();
	reftime_set(p, 0);
	page_pool_init(&p->pool);
	__atomic_store_n(&partitions[slot], p, __ATOMIC_RELEASE);
	memcpy(call->out, &id, sizeof(id));
	return HV_STATUS_SUCCESS;
}

static hv_status initialize(struct hypercall *call)
{
	struct partition *p = call->child;
	hv_status status;

	if (p->state != PARTITION_CREATED)
		return HV_STATUS_INVALID_PARTITION_STATE;
	status = gpa_map_init(&p->map, virt->map_format, &p->pool);
	if (status != HV_STATUS_SUCCESS)
		return status;
	p->map.largest = 1; /* no call maps more than 2 MiB */
	p->map.leaf = owner_leaf;
	p->state = PARTITION_ACTIVE;
	return HV_STATUS_SUCCESS;
}

static bool is_busy(const struct partition *p)
{
	for (u32 i = 0; i < p->vp_count; i++)
		if (p->vp[i] && __atomic_load_n(&p->vp[i]->busy, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

/*
 * From here on nothing of it runs; a VP that runs now makes the caller try again. Its map is given back
 * by pieces, the state saying meanwhile that it is under way (TLFS 3.8).
 */
static hv_status finalize(struct hypercall *call)
{
	struct partition *p = call->child;

	if (is_busy(p))
		return HV_STATUS_INVALID_VP_STATE;
	if (p->state != PARTITION_FINALIZED) {
		p->state = PARTITION_FINALIZED;
		/* Who looked at the state before has claimed its VP by now, or gives up. */
		arch_flush_map(p);
		if (is_busy(p))
			return HV_STATUS_INVALID_VP_STATE;
	}
	while (!gpa_map_fini_some(&p->map)) {
		call->again = hypercall_is_late(call);
		if (call->again)
			return HV_STATUS_SUCCESS;
	}
	if (p->cpuid) {
		page_pool_give(&p->pool, p->cpuid);
		p->cpuid = NULL;
	}
	return HV_STATUS_SUCCESS;
}

/* Only when all its pages have been withdrawn: none may get lost. */
static hv_status delete (struct hypercall *call)
{
	struct partition *parent = call->vp->partition, *p = call->child;

	if (p->state == PARTITION_ACTIVE || p->vp_count || p->pool.total_count)
		return HV_STATUS_INVALID_PARTITION_STATE;
	__atomic_store_n(&partitions[p->id % PARTITIONS_MAX], NULL, __ATOMIC_RELEASE);
	arch_flush_map(p);
	page_pool_give(&parent->pool, p);
	return HV_STATUS_SUCCESS;
}

static hv_status next_child(struct hypercall *call)
{
	const struct hv_next_child_input *in = (const void *)call->header;
	u64 id = 0, i;

	if (partition_find(call->vp->partition, in->partition_id) != call->vp->partition)
		return HV_STATUS_INVALID_PARTITION_ID;
	for (i = in->previous_id % PARTITIONS_MAX + 1; i < PARTITIONS_MAX && !id; i++)
		if (partitions[i] && partitions[i]->parent == call->vp->partition)
			id = partitions[i]->id;
	memcpy(call->out, &id, sizeof(id));
	return HV_STATUS_SUCCESS;
}

/* The page that the guest reads its time from, after the clock changed. */
static void refresh_page(struct partition *p)
{
	void *page;

	if (!(p->reference_tsc_msr & HV_MSR_PAGE_ENABLE) || !p->vp[0])
		return;
	page = partition_memory(p, GPA(p->reference_tsc_msr & HV_MSR_PAGE_MASK),
				sizeof(struct hv_reference_tsc), GPA_READ | GPA_WRITE);
	if (page)
		reftime_write_page(p, p->vp[0]->tsc_offset, page);
}

static void set_time(struct partition *p, u64 time)
{
	p->frozen_time = time;
	if (p->frozen)
		return;
	reftime_set(p, time);
	refresh_page(p);
	for (u32 i = 0; i < p->vp_count; i++)
		if (p->vp[i])
			stimer_rearm(p->vp[i]);
}

static void thaw(struct partition *p)
{
	u64 stood_still = arch_tsc() - p->frozen_tsc;

	p->frozen = false;
	for (u32 i = 0; i < p->vp_count; i++)
		if (p->vp[i])
			vp_shift_time(p->vp[i], stood_still);
	set_time(p, p->frozen_time);
}

static void freeze(struct partition *p)
{
	p->frozen_time = reftime_now(p);
	p->frozen_tsc = arch_tsc();
	p->frozen = true;
}

static bool claim_all(struct partition *p, u32 *ret_count)
{
	u32 i;

	for (i = 0; i < p->vp_count; i++)
		if (p->vp[i] && !vp_claim(p->vp[i]))
			break;
	*ret_count = i;
	return i == p->vp_count;
}

/* The clock changes only while no VP looks at it. */
static hv_status change_time(struct partition *p, u32 code, u64 value)
{
	u32 claimed;
	bool all = claim_all(p, &claimed);

	if (all && code == HV_PROPERTY_REFERENCE_TIME)
		set_time(p, value);
	else if (all && value && !p->frozen)
		freeze(p);
	else if (all && !value && p->frozen)
		thaw(p);
	while (claimed--)
		if (p->vp[claimed])
			vp_release(p->vp[claimed]);
	return all ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_VP_STATE;
}

static hv_status set_property(struct hypercall *call)
{
	const struct hv_property_input *in = (const void *)call->header;
	struct partition *p = call->child;

	switch (in->code) {
	case HV_PROPERTY_PRIVILEGES: /* fewer, and before it runs */
		if (p->state != PARTITION_CREATED)
			return HV_STATUS_INVALID_PARTITION_STATE;
		if (in->value & ~CHILD_PRIVILEGES)
			return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
		p->privileges = in->value;
		return HV_STATUS_SUCCESS;
	case HV_PROPERTY_TIME_FREEZE:
		if (in->value > 1)
			return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
		return change_time(p, in->code, in->value);
	case HV_PROPERTY_REFERENCE_TIME:
		if (in->value > REFTIME_MAX)
			return HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE;
		return change_time(p, in->code, in->value);
	default:
		return HV_STATUS_UNKNOWN_PROPERTY;
	}
}

static hv_status get_property(struct hypercall *call)
{
	struct partition *p = call->child;
	u64 value;

	switch ((u32)call->header[1]) {
	case HV_PROPERTY_PRIVILEGES:
		value = p->privileges;
		break;
	case HV_PROPERTY_TIME_FREEZE:
		value = p->frozen;
		break;
	case HV_PROPERTY_REFERENCE_TIME:
		value = reftime_now(p);
		break;
	default:
		return HV_STATUS_UNKNOWN_PROPERTY;
	}
	memcpy(call->out, &value, sizeof(value));
	return HV_STATUS_SUCCESS;
}

const struct hypercall_kind partition_calls[] = {
	CALL(MANAGE, CREATE_PARTITION, create_partition, create, .how = MANAGED,
	     .out_header = sizeof(u64)),
	CALL(MANAGE, INITIALIZE_PARTITION, partition, initialize, .target = TARGET_CHILD,
	     .how = MANAGED),
	CALL(MANAGE, FINALIZE_PARTITION, partition, finalize, .target = TARGET_CHILD,
	     .how = MANAGED),
	CALL(MANAGE, DELETE_PARTITION, partition, delete, .target = TARGET_CHILD, .how = MANAGED),
	CALL_OF(MANAGE, GET_PARTITION_PROPERTY, offsetof(struct hv_property_input, value),
		get_property, .target = TARGET_CHILD, .how = MANAGED, .out_header = sizeof(u64)),
	CALL(MANAGE, SET_PARTITION_PROPERTY, property, set_property, .target = TARGET_CHILD,
	     .how = MANAGED),
	CALL(MANAGE, GET_NEXT_CHILD_PARTITION, next_child, next_child, .how = MANAGED,
	     .out_header = sizeof(u64)),
	{0},
};
