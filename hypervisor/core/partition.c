/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See partition.h. */
#include "core/partition.h"
#include "core/arch.h"
#include "core/reftime.h"
#include "hv/cpuid.h"

struct partition root_partition;

/* What the root is told it may use; each is here because something below implements it. */
#define ROOT_PRIVILEGES                                                                 \
	(HV_ACCESS_REFERENCE_COUNTER | HV_ACCESS_HYPERCALL_MSRS | HV_ACCESS_VP_INDEX |  \
	 HV_ACCESS_REFERENCE_TSC | HV_ACCESS_FREQUENCY_MSRS | HV_ACCESS_TSC_INVARIANT | \
	 HV_ACCESS_SYNIC | (u64)(HV_CREATE_PARTITIONS | HV_ACCESS_MEMORY_POOL) << 32)

void partition_init_root(struct partition *p)
{
	lapic_init_clock();
	reftime_init();
	*p = (struct partition){.id = 1, .root = true, .privileges = ROOT_PRIVILEGES};
	page_pool_init(&p->pool);
}

struct vp *partition_vp_by_apic_id(struct partition *p, u32 apic_id)
{
	if (apic_id < p->vp_count && p->vp[apic_id] && p->vp[apic_id]->lapic.id == apic_id)
		return p->vp[apic_id];
	for (u32 i = 0; i < p->vp_count; i++)
		if (p->vp[i] && p->vp[i]->lapic.id == apic_id)
			return p->vp[i];
	return NULL;
}

void *partition_memory(struct partition *p, gpa_t gpa, u64 size, u32 rights)
{
	u32 have;
	spa_t spa;

	if (size > PAGE_SIZE - gpa.v % PAGE_SIZE || !gpa_map_lookup(&p->map, gpa, &spa, &have))
		return NULL;
	if ((have & rights) != rights)
		return NULL;
	/* The root's map is one to one and shows devices too. */
	if (p->root && !arch_is_ram(spa))
		return NULL;
	return arch_map(spa);
}
