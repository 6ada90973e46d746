/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The free list's links lie in the first word of each free page. */
#include "core/page_pool.h"
#include "core/format.h"
#include "core/panic.h"

struct free_page {
	struct free_page *next;
};

void page_pool_init(struct page_pool *pool)
{
	*pool = (struct page_pool){.free = NULL};
}

static void push_locked(struct page_pool *pool, struct free_page *page)
{
	page->next = pool->free;
	pool->free = page;
	pool->free_count++;
}

static struct free_page *pop_locked(struct page_pool *pool)
{
	struct free_page *page = pool->free;

	if (page) {
		pool->free = page->next;
		pool->free_count--;
	}
	return page;
}

void page_pool_add(struct page_pool *pool, spa_t page)
{
	CHECK(page.v % PAGE_SIZE == 0);
	spin_lock(&pool->lock);
	push_locked(pool, arch_map(page));
	pool->total_count++;
	spin_unlock(&pool->lock);
}

bool page_pool_withdraw(struct page_pool *pool, spa_t *ret_page)
{
	struct free_page *page;

	spin_lock(&pool->lock);
	page = pop_locked(pool);
	if (page)
		pool->total_count--;
	spin_unlock(&pool->lock);
	if (!page)
		return false;
	/* What the hypervisor kept in it is nobody else's business. */
	memset(page, 0, PAGE_SIZE);
	*ret_page = arch_unmap(page);
	return true;
}

void *page_pool_take(struct page_pool *pool)
{
	struct free_page *page;

	spin_lock(&pool->lock);
	page = pop_locked(pool);
	spin_unlock(&pool->lock);
	return page ? memset(page, 0, PAGE_SIZE) : NULL;
}

void page_pool_give(struct page_pool *pool, void *page)
{
	if (!page)
		return;
	CHECK((uintptr_t)page % PAGE_SIZE == 0);
	spin_lock(&pool->lock);
	CHECK(pool->free_count < pool->total_count);
	push_locked(pool, page);
	spin_unlock(&pool->lock);
}
