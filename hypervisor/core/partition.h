/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A partition: VPs, a guest-physical address map, privileges, TLFS state that is per partition.
 */
#ifndef CORE_PARTITION_H
#define CORE_PARTITION_H

#include "core/gpa_map.h"
#include "core/page_pool.h"
#include "core/spinlock.h"
#include "core/vp.h"

#define PARTITION_MAX_VPS 256

struct partition {
	u64 id;
	bool root;
	struct spinlock lock; /* gpa map, hypercall page */
	struct page_pool pool;
	struct gpa_map map;
	u32 vp_count;
	struct vp *vp[PARTITION_MAX_VPS]; /* by VP index; filled before the partition runs */

	u64 privileges; /* HV_PARTITION_PRIVILEGE_MASK: leaf 0x40000003 EBX:EAX */
	u64 guest_os_id;
	u64 hypercall_msr;
	u64 reference_tsc_msr;
	u64 tsc_invariant_control;
	s64 reference_offset; /* 100 ns units added to the scaled TSC */
	bool crashed;         /* the guest wrote its crash MSR */

	u64 foreign_accesses; /* atomic; root only: touches of the hypervisor's memory */
};

extern struct partition root_partition;

/* The VP whose local APIC has this id, or NULL. */
struct vp *partition_vp_by_apic_id(struct partition *p, u32 apic_id);

#endif
