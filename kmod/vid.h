/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The objects of vid.ko and what its files offer each other.
 *
 * Lifetime: a descriptor's file owns its object. A VP's file holds a reference to its partition, and
 * a mapping of its pages holds the VP's file, so a partition that ends has no VPs, nothing of it
 * runs, and no process sees pages of it.
 *
 * Locks, outer before inner: partition->lock, mmap_lock of a process; quota.c's and synic.c's mutexes
 * inside of partition->lock, each alone. vp->run_lock is taken alone.
 * Wait queues' locks are innermost; hypercalls are made under any of them. What the run loop and
 * interrupts look up (doorbells, wake flags) is under RCU.
 */
#ifndef VID_VID_H
#define VID_VID_H

#include <linux/bitmap.h>
#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "hv/intercept.h"
#include "hypercall.h"
#include "keelson_vid.h"

#define VID_VPS_MAX       256u
#define VID_MAPPINGS_MAX  512u
#define VID_DOORBELLS_MAX 512u
#define VID_IRQFDS_MAX    512u

/* An event flag that the hypervisor sets, and whose it is. */
struct vid_flag {
	struct vid_partition *partition; /* which it counts for */
	u16 number;
	bool waits; /* looks for itself when a processor goes that might have had it */
	void (*raised)(struct vid_flag *flag); /* any context, under RCU */
};

struct vid_user;

struct vid_partition {
	struct kref kref;
	u64 id;                                 /* of the hypervisor; constant */
	struct mutex lock;                      /* L */
	struct list_head mappings;              /* L */
	u32 mapping_count;                      /* L */
	struct list_head irqfds;                /* L */
	u32 irqfd_count;                        /* L */
	struct vid_user *user;                  /* constant; NULL: no user's quota counts it */
	u32 flags;                              /* quota.c's */
	DECLARE_BITMAP(vps, VID_VPS_MAX);       /* L: indexes in use */
	struct list_head vp_list;               /* L */
	struct hv_doorbell bells[HV_DOORBELLS]; /* L: as each VP has them */
	DECLARE_HASHTABLE(doorbells, 6);        /* changed under L, read under RCU */
	u32 doorbell_count[4];                  /* L, by kind; read by anybody */
};

struct vid_vp {
	struct vid_partition *partition; /* a reference */
	u32 index;
	struct vid_flag flag;                /* wakes it */
	struct list_head list;               /* partition->lock */
	struct mutex run_lock;               /* held by the thread in RUN */
	struct hv_register_page *registers;  /* shared with user space, which writes it */
	struct hv_intercept_page *intercept; /* shown to user space; written: doorbells */
	/*
	 * The thread in RUN says where it is before it looks at `kicked`; who kicks does it the other
	 * way round. `woken` is set by whoever has news for a VP that waits.
	 */
	int cpu; /* it is in the guest there, or about to be; or -1 */
	bool kicked;
	bool woken;
	struct wait_queue_head wait;
	struct rcu_head rcu;
};

/* partition.c */
int vid_partition_create_fd(void);
void vid_partition_get(struct vid_partition *p);
void vid_partition_put(struct vid_partition *p);

/* pool.c: memory for the hypervisor. May sleep. */

/* Some more pages for partition `id`; for HV_PARTITION_ID_SELF, one. */
int __must_check vid_pool_deposit(u64 id);
/* Takes back `count` free pages of partition `id`, or as many as there are. Returns how many. */
u32 vid_pool_withdraw(u64 id, u32 count);

/* Repeats `call`, with deposits, for as long as it says -ENOMEM. */
#define vid_with_deposits(id, call)                                  \
	({                                                           \
		int result_;                                         \
		do                                                   \
			result_ = (call);                            \
		while (result_ == -ENOMEM && !vid_pool_deposit(id)); \
		result_;                                             \
	})

/* memory.c: what a guest sees of its holder's memory. partition->lock is held. */
int __must_check vid_memory_map(struct vid_partition *p, const struct vid_ioctl_map *arguments);
int __must_check vid_memory_unmap(struct vid_partition *p, const struct vid_ioctl_unmap *arguments);
/* The partition is finalized: gives all pages free. */
void vid_memory_release(struct vid_partition *p);

/* doorbell.c */
int __must_check vid_doorbell_change(struct vid_partition *p, const struct vid_ioctl_doorbell *d);
void vid_doorbell_release(struct vid_partition *p);
/* Signals the doorbell that such a write rings. False: there is none. The run loop. */
bool vid_doorbell_ring(struct vid_partition *p, u32 kind, u64 address, u32 size, u64 value);

/* irqfd.c. partition->lock is held. */
int __must_check vid_irqfd_change(struct vid_partition *p, const struct vid_ioctl_irqfd *i);
void vid_irqfd_release(struct vid_partition *p);

int __must_check vid_interrupt_decode(u64 id, const struct vid_ioctl_interrupt *i,
				      struct hv_assert_interrupt_input *ret);
int __must_check vid_event_flag_decode(u64 id, const struct vid_ioctl_event_flag *e,
				       struct hv_signal_event_direct_input *ret);

/* bell.c. A doorbell's place in the hypervisor's table; its flag, if it has one. partition->lock. */
#define VID_BELL_NONE (~0u)
u32 vid_bell_add(struct vid_partition *p, const struct vid_ioctl_doorbell *d,
		 struct vid_flag *flag);
/* After an RCU period the flag is not raised any more. */
void vid_bell_remove(struct vid_partition *p, u32 place, struct vid_flag *flag);
/* The same, what rang before having been told. May sleep. */
void vid_bell_retire(struct vid_partition *p, u32 place, struct vid_flag *flag);
/* A VP that has its pages gets the table; one that gives them back has none. */
void vid_bell_join(struct vid_vp *vp);
void vid_bell_leave(struct vid_vp *vp);

/*
 * quota.c. The current user has one partition more: -EDQUOT, -ENOMEM; and one less. A flag of it.
 * VPs that each may have.
 */
int __must_check vid_quota_join(struct vid_partition *p);
void vid_quota_leave(struct vid_partition *p);
int __must_check vid_quota_take_flag(struct vid_partition *p);
void vid_quota_give_flag(struct vid_partition *p);
u32 vid_quota_vps(void);

/* vp.c */
int vid_vp_create_fd(struct vid_partition *p, const struct vid_ioctl_create_vp *arguments);

/* vp_state.c: the ioctls that look into a VP. */
int vid_vp_transfer_registers(struct vid_vp *vp, void __user *argument, bool set);
int vid_vp_translate(struct vid_vp *vp, void __user *argument);
int vid_vp_transfer_state(struct vid_vp *vp, void __user *argument, bool set);

/* vp_exit.c: an intercept that the driver can deal with itself. True: go on running. */
bool vid_vp_handle_intercept(struct vid_vp *vp);

/* synic.c: what the hypervisor tells by event flags. */
int __must_check vid_synic_init(void);
void vid_synic_exit(void);
/*
 * A number, from `first` on, for a flag of a partition, and takes it back: raised no more after an RCU
 * period, and nobody else's before it cannot be on its way any more. -EDQUOT, -ENOSPC. May sleep.
 */
int __must_check vid_synic_add(struct vid_partition *p, struct vid_flag *flag, u32 first);
void vid_synic_remove(struct vid_flag *flag);
#define VID_SYNIC_SINT 5u
/* Whether this processor, interrupts off, receives flags: a VP may wait only where that is so. */
bool vid_synic_is_on(void);

#endif
