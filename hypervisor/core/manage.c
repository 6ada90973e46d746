/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See manage.h. */
#include "core/manage.h"
#include "core/arch.h"
#include "hv/partition.h"

static struct spinlock lock;

struct partition *partitions[PARTITIONS_MAX] = {&root_partition};

void manage_lock(void)
{
	u32 ticket = spin_ticket(&lock);

	while (!spin_is_turn(&lock, ticket)) {
		arch_quiesce();
		arch_pause();
	}
}

void manage_unlock(void)
{
	spin_unlock(&lock);
}

void manage_flush(struct partition *p)
{
	arch_flush_map(p);
	gpa_map_flushed(&p->map);
}

struct partition *partition_find(struct partition *self, u64 id)
{
	struct partition *p;

	if (id == HV_PARTITION_ID_SELF)
		return self;
	p = __atomic_load_n(&partitions[id % PARTITIONS_MAX], __ATOMIC_ACQUIRE);
	return p && p->id == id ? p : NULL;
}

struct vp *partition_vp(struct partition *p, u32 index)
{
	return index < PARTITION_MAX_VPS ? __atomic_load_n(&p->vp[index], __ATOMIC_ACQUIRE) : NULL;
}

hv_status manage_child(const struct hypercall *call, u64 id, struct partition **ret_child)
{
	struct partition *p = partition_find(NULL, id);

	if (!p || p->parent != call->vp->partition)
		return HV_STATUS_INVALID_PARTITION_ID;
	*ret_child = p;
	return HV_STATUS_SUCCESS;
}
