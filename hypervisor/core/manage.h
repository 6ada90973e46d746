/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the management calls share: one lock for all of them, the table of partitions, and the
 * checks that every call begins with.
 *
 * The lock is taken by hypercall.c before a call looks up its lists (MANAGED), so that a
 * processor that waits for it holds no pointers into guest memory and can answer a flush.
 */
#pragma once

#include "core/hypercall.h"
#include "core/partition.h"

void manage_lock(void);
void manage_unlock(void);

/* By slot; a partition's id is generation * PARTITIONS_MAX + slot. [0] is the root. */
extern struct partition *partitions[PARTITIONS_MAX];

/* After a change of its map that asks for it: nobody uses what was mapped before. */
void manage_flush(struct partition *p);

/* The caller's child with this id: INVALID_PARTITION_ID if there is none. */
hv_status must_check manage_child(const struct hypercall *call, u64 id,
				  struct partition **ret_child);
