/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket spinlock. Fair, so that a busy processor cannot starve another. Interrupts need no
 * thought: no interrupt handler of the hypervisor takes a lock (they set bits atomically).
 */
#pragma once

#include "core/arch.h"

struct spinlock {
	u32 next;
	u32 serving;
};

/* For who has something else to do while it waits: a place in the queue, and whether it is first. */
static inline u32 spin_ticket(struct spinlock *lock)
{
	return __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
}

static inline bool spin_is_turn(const struct spinlock *lock, u32 ticket)
{
	return __atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) == ticket;
}

static inline void spin_lock(struct spinlock *lock)
{
	u32 ticket = spin_ticket(lock);

	while (!spin_is_turn(lock, ticket))
		arch_pause();
}

static inline void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
}
