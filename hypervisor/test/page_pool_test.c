/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page pool: every page comes out once, zeroed, and the counts are exact. */
#include "core/format.h"
#include "core/page_pool.h"
#include "runner.h"

START_TEST(take_and_give)
{
	struct page_pool pool;
	u8 *page[4];

	fake_pool(&pool, 4);
	for (int i = 0; i < 4; i++) {
		page[i] = page_pool_take(&pool);
		ck_assert_ptr_nonnull(page[i]);
		for (int j = 0; j < i; j++)
			ck_assert_ptr_ne(page[i], page[j]);
	}
	ck_assert_ptr_null(page_pool_take(&pool));
	ck_assert_uint_eq(pool.free_count, 0);
	ck_assert_uint_eq(pool.total_count, 4);
	for (int i = 0; i < 4; i++)
		page_pool_give(&pool, page[i]);
	ck_assert_uint_eq(pool.free_count, 4);
}
END_TEST

START_TEST(pages_are_zeroed)
{
	static const u8 zeros[PAGE_SIZE];
	struct page_pool pool;
	spa_t out;
	u8 *page;

	fake_pool(&pool, 2);
	page = page_pool_take(&pool);
	memset(page, 0xaa, PAGE_SIZE);
	page_pool_give(&pool, page);
	ck_assert_ptr_eq(page_pool_take(&pool), page);
	ck_assert_mem_eq(page, zeros, PAGE_SIZE);
	memset(page, 0x55, PAGE_SIZE);
	page_pool_give(&pool, page);
	ck_assert(page_pool_withdraw(&pool, &out));
	ck_assert_ptr_eq(arch_map(out), page);
	ck_assert_mem_eq(page, zeros, PAGE_SIZE);
}
END_TEST

START_TEST(withdraw_leaves_pages_in_use)
{
	struct page_pool pool;
	spa_t out;
	void *used;

	fake_pool(&pool, 3);
	used = page_pool_take(&pool);
	ck_assert(page_pool_withdraw(&pool, &out));
	ck_assert_ptr_ne(arch_map(out), used);
	ck_assert(page_pool_withdraw(&pool, &out));
	ck_assert(!page_pool_withdraw(&pool, &out));
	ck_assert_uint_eq(pool.total_count, 1);
	ck_assert_uint_eq(pool.free_count, 0);
	page_pool_give(&pool, used);
	ck_assert(page_pool_withdraw(&pool, &out));
	ck_assert_uint_eq(pool.total_count, 0);
}
END_TEST

TEST_MAIN("page_pool", take_and_give, pages_are_zeroed, withdraw_leaves_pages_in_use)
