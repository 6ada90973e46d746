/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a partition stands on: the driver, or fake/. The common half (partition.c, vp.c) checks
 * arguments and keeps this process's copy of the guest's map; a backend only carries out. Each
 * function has the contract of the public function of the same name.
 */
#ifndef VID_BACKEND_H
#define VID_BACKEND_H

#include <pthread.h>

#include "vid/memory.h"
#include "vid/partition.h"
#include "vid/vp.h"

struct vid_backend_ops {
	void (*partition_destroy)(struct vid_partition *p);
	int (*partition_fd)(const struct vid_partition *p);
	int (*map)(struct vid_partition *p, uint64_t gpa, const struct vid_memory *memory,
		   uint64_t offset, uint64_t size, unsigned int access);
	int (*unmap)(struct vid_partition *p, uint64_t gpa, uint64_t size);
	int (*interrupt)(struct vid_partition *p, const struct vid_interrupt *interrupt);
	int (*doorbell_set)(struct vid_partition *p, const struct vid_doorbell *d, int eventfd);
	int (*doorbell_clear)(struct vid_partition *p, const struct vid_doorbell *d);
	int (*irqfd_set)(struct vid_partition *p, int eventfd,
			 const struct vid_interrupt *interrupt);
	int (*irqfd_set_flag)(struct vid_partition *p, int eventfd,
			      const struct vid_event_flag *flag);
	int (*irqfd_clear)(struct vid_partition *p, int eventfd);
	int (*message_post)(struct vid_partition *p, uint32_t vp, unsigned int sint, uint32_t type,
			    const void *payload, size_t size);
	int (*event_flag_set)(struct vid_partition *p, uint32_t vp, unsigned int sint,
			      unsigned int flag);
	int (*set_cpuid)(struct vid_partition *p, const struct vid_cpuid_result *result);
	int (*intercept_msrs)(struct vid_partition *p, bool on);
	int (*intercept_cpuid)(struct vid_partition *p, uint32_t leaf, bool on);
	int (*freeze_time)(struct vid_partition *p, bool freeze);
	int (*get_time)(struct vid_partition *p, uint64_t *ret_time);
	int (*set_time)(struct vid_partition *p, uint64_t time);
	int (*get_balance)(struct vid_partition *p, uint64_t *ret_free, uint64_t *ret_used);

	int (*vp_create)(struct vid_partition *p, uint32_t index, struct vid_vp **ret_vp);
	void (*vp_destroy)(struct vid_vp *vp);
	int (*vp_run)(struct vid_vp *vp, struct vid_exit *ret_exit);
	void (*vp_kick)(struct vid_vp *vp);
	int (*vp_extint)(struct vid_vp *vp, uint8_t vector);
	bool (*vp_extint_ready)(struct vid_vp *vp);
	struct vid_regs *(*vp_regs)(struct vid_vp *vp, unsigned int dirty);
	int (*vp_get_registers)(struct vid_vp *vp, struct vid_register *registers, size_t count);
	int (*vp_set_registers)(struct vid_vp *vp, const struct vid_register *registers,
				size_t count);
	int (*vp_translate)(struct vid_vp *vp, uint64_t gva, unsigned int access,
			    uint64_t *ret_gpa);
	int (*vp_get_state)(struct vid_vp *vp, enum vid_vp_state state, void *buffer, size_t size,
			    size_t *ret_size);
	int (*vp_set_state)(struct vid_vp *vp, enum vid_vp_state state, const void *buffer,
			    size_t size);
};

/* One piece of guest physical address space. */
struct vid_mapping {
	uint64_t gpa, size;
	char *host;
	unsigned int access;
};

/* Embedded first in the backend's partition. */
struct vid_partition {
	const struct vid_backend_ops *ops;
	pthread_rwlock_t map_lock;
	struct vid_mapping *mappings; /* L: map_lock; sorted by gpa, disjoint */
	size_t mapping_count;         /* L */
	size_t mapping_space;         /* L */
};

/* Embedded first in the backend's VP. */
struct vid_vp {
	struct vid_partition *partition;
	uint32_t index;
};

int must_check vid_partition_init(struct vid_partition *p, const struct vid_backend_ops *ops);
void vid_partition_fini(struct vid_partition *p);

#endif
