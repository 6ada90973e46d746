/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A partition: VPs, a guest-physical address map, privileges, TLFS state that is per partition.
 *
 * Locks: l – `lock` held for writing, lookups need none; o – written once, before it runs;
 * w – written by the guest's MSRs, each a single word.
 */
#ifndef CORE_PARTITION_H
#define CORE_PARTITION_H

#include "core/gpa_map.h"
#include "core/page_pool.h"
#include "core/spinlock.h"
#include "core/vp.h"

#define PARTITION_MAX_VPS 256

struct partition {
	u64 id;    /* o */
	bool root; /* o */
	struct spinlock lock;
	struct page_pool pool;            /* own lock */
	struct gpa_map map;               /* l */
	u32 vp_count;                     /* o */
	struct vp *vp[PARTITION_MAX_VPS]; /* o: by VP index */

	u64 privileges;            /* o: HV_PARTITION_PRIVILEGE_MASK: leaf 0x40000003 EBX:EAX */
	u64 guest_os_id;           /* w */
	u64 hypercall_msr;         /* w */
	u64 reference_tsc_msr;     /* w */
	u64 tsc_invariant_control; /* w */
	s64 reference_offset;      /* o: 100 ns units added to the scaled TSC */
	bool crashed;              /* the guest wrote its crash MSR */

	u64 foreign_accesses; /* atomic; root only: touches of the hypervisor's memory */
};

extern struct partition root_partition;

/* The root, without map and VPs. arch_tsc_hz() is known: the clocks start here. */
void partition_init_root(struct partition *p);

/* The VP whose local APIC has this id, or NULL. */
struct vp *partition_vp_by_apic_id(struct partition *p, u32 apic_id);

/*
 * Pointer to [gpa, gpa + size) of the partition's memory, which lies within one page; NULL if it
 * is not mapped with all of `rights`, or is not RAM. Good until the next arch_flush_map().
 */
void *partition_memory(struct partition *p, gpa_t gpa, u64 size, u32 rights);

#endif
