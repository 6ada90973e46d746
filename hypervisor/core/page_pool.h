/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool of 4 KiB pages on a free list that lives in the pages themselves. The boot pool holds
 * what the hypervisor reserved; each partition has a pool of deposited pages. No allocation
 * comes from anywhere else after boot.
 */
#pragma once

#include "core/spinlock.h"
#include "core/types.h"

struct page_pool {
	struct spinlock lock;
	struct free_page *free;
	u64 free_count;
	u64 total_count; /* ever added minus withdrawn: free + in use */
};

/* The hypervisor's own pages. */
extern struct page_pool boot_pool;

void page_pool_init(struct page_pool *pool);
/* Hands a page to the pool / takes a free one out of it for good (false: none free). */
void page_pool_add(struct page_pool *pool, spa_t page);
bool must_check page_pool_withdraw(struct page_pool *pool, spa_t *ret_page);
/* A zeroed page, or NULL. */
void *page_pool_take(struct page_pool *pool);
void page_pool_give(struct page_pool *pool, void *page); /* NULL: nothing */
