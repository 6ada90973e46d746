/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A partition: VPs, a guest-physical address map, privileges, TLFS state that is per partition.
 *
 * Locks: m – written under the management lock (manage.h), read by anybody; o – written once,
 * before it runs; w – written by the guest's MSRs, each a single word. What a reader finds without
 * the lock stays valid until its processor's next arch_quiesce().
 */
#pragma once

#include "core/gpa_map.h"
#include "core/page_pool.h"
#include "core/spinlock.h"
#include "core/vp.h"

#define PARTITION_MAX_VPS   256
/* A child's VP has its index as local APIC id, and FFh addresses all of them (SDM 3A 11.6.2.1). */
#define PARTITION_CHILD_VPS 255

#define PARTITIONS_MAX      256u

enum partition_state {
	PARTITION_CREATED,   /* may get memory and properties */
	PARTITION_ACTIVE,    /* may get VPs and run */
	PARTITION_FINALIZED, /* on its way out: gives everything back */
};

struct cpuid_results;

struct partition {
	u64 id;                     /* o */
	bool root;                  /* o */
	enum partition_state state; /* m */
	struct partition *parent;   /* o */
	struct page_pool pool;      /* own lock */
	struct gpa_map map;         /* m */
	u32 vp_count;               /* m: 1 + highest index in use */
	struct vp
		*vp[PARTITION_MAX_VPS]; /* m: by VP index; read without lock, see partition_vp() */

	u64 privileges;            /* o: HV_PARTITION_PRIVILEGE_MASK: leaf 0x40000003 EBX:EAX */
	u64 guest_os_id;           /* w */
	u64 hypercall_msr;         /* w */
	u64 reference_tsc_msr;     /* w */
	u64 tsc_invariant_control; /* w */
	s64 reference_offset;      /* 100 ns units added to the scaled TSC */
	u64 tsc_offset;            /* o: guest TSC - processor's TSC that its VPs start with */
	bool crashed;              /* the guest wrote its crash MSR */

	bool frozen; /* m: time stands still at frozen_time since frozen_tsc */
	u64 frozen_time, frozen_tsc;
	bool intercept_msrs;         /* m: unknown MSRs stop the VP instead of #GP */
	struct cpuid_results *cpuid; /* m: what the parent wants CPUID to say; or NULL */

	u64 foreign_accesses; /* atomic; root only: touches of the hypervisor's memory */
};

extern struct partition root_partition;

/* The root, without map and VPs. arch_tsc_hz() is known: the clocks start here. */
void partition_init_root(struct partition *p);

/* The VP whose local APIC has this id, or NULL. */
struct vp *partition_vp_by_apic_id(struct partition *p, u32 apic_id);

/* The partition with this id, or NULL; HV_PARTITION_ID_SELF is the caller's own. */
struct partition *partition_find(struct partition *self, u64 id);

/* Its VP with this index, or NULL. */
struct vp *partition_vp(struct partition *p, u32 index);

/*
 * Pointer to [gpa, gpa + size) of the partition's memory, which lies within one page; NULL if it
 * is not mapped with all of `rights`, or is not RAM. Good until the next arch_flush_map().
 */
void *partition_memory(struct partition *p, gpa_t gpa, u64 size, u32 rights);
