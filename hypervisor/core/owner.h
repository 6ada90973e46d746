/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose each page of RAM is: a record for every 4 KiB page and one for every 2 MiB, so that a deposit
 * or a map of either size is checked by looking at one place, however much is mapped elsewhere.
 *
 * A page is the root's, or nobody's (the hypervisor's, a device's, not there at all). One of the
 * root's may be shown to children besides; it is counted how many of their leaves lead to it.
 *
 * The management lock is held, or the machine is still being set up.
 */
#pragma once

#include "core/types.h"

/* Bytes that the records of all RAM below `top` take. */
u64 owner_size(u64 top);
/* `memory` is that large. Nothing is the root's yet. */
void owner_init(void *memory, u64 top);

/* Whole pages become the root's, or cease to be. What is so already stays so. */
void owner_give_root(spa_t start, u64 size);
void owner_take_root(spa_t start, u64 size);

/* Whether all of an aligned piece of PAGE_SIZE or SIZE_2M is the root's. */
bool owner_is_root(spa_t start, u64 size);
/* Whether a child's map leads to this page. */
bool owner_is_shown(spa_t page);

/*
 * A leaf of a child's map at `level` (0: 4 KiB, 1: 2 MiB) came (true) or went: what struct gpa_map
 * calls. A count that ever reached its end stays there: such a page is shown for good.
 */
void owner_leaf(spa_t start, int level, bool came);
