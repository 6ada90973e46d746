/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of pages: both sizes, counts, and what lies outside. */
#include "core/owner.h"
#include "runner.h"

#define TOP (3 * SIZE_2M + 5 * PAGE_SIZE)

static void prepare(void)
{
	static u64 memory[4 * (512 / 2 + 1)];

	ck_assert_uint_eq(owner_size(TOP), sizeof(memory));
	memset(memory, 0xff, sizeof(memory));
	owner_init(memory, TOP);
}

START_TEST(roots)
{
	prepare();
	ck_assert(!owner_is_root(SPA(0), PAGE_SIZE));
	owner_give_root(SPA(PAGE_SIZE), 2 * SIZE_2M);
	ck_assert(!owner_is_root(SPA(0), PAGE_SIZE));
	ck_assert(owner_is_root(SPA(PAGE_SIZE), PAGE_SIZE));
	ck_assert(!owner_is_root(SPA(0), SIZE_2M));
	ck_assert(owner_is_root(SPA(SIZE_2M), SIZE_2M));
	ck_assert(owner_is_root(SPA(2 * SIZE_2M), PAGE_SIZE));
	ck_assert(!owner_is_root(SPA(2 * SIZE_2M), SIZE_2M));
	owner_give_root(SPA(SIZE_2M), SIZE_2M); /* is so already */
	owner_take_root(SPA(SIZE_2M + 7 * PAGE_SIZE), PAGE_SIZE);
	ck_assert(!owner_is_root(SPA(SIZE_2M), SIZE_2M));
	owner_take_root(SPA(SIZE_2M + 7 * PAGE_SIZE), PAGE_SIZE);
	owner_give_root(SPA(SIZE_2M + 7 * PAGE_SIZE), PAGE_SIZE);
	ck_assert(owner_is_root(SPA(SIZE_2M), SIZE_2M));
	ck_assert(!owner_is_root(SPA(TOP + SIZE_2M), PAGE_SIZE));
	ck_assert(!owner_is_root(SPA(1ull << 47), SIZE_2M));
}
END_TEST

START_TEST(shown)
{
	const spa_t page = SPA(SIZE_2M + 3 * PAGE_SIZE), next = SPA(page.v + PAGE_SIZE);

	prepare();
	owner_give_root(SPA(0), TOP);
	owner_leaf(page, 0, true);
	owner_leaf(page, 0, true);
	ck_assert(owner_is_shown(page) && !owner_is_shown(next));
	owner_leaf(SPA(SIZE_2M), 1, true);
	ck_assert(owner_is_shown(next) && !owner_is_shown(SPA(2 * SIZE_2M)));
	owner_leaf(page, 0, false);
	owner_leaf(SPA(SIZE_2M), 1, false);
	ck_assert(owner_is_shown(page) && !owner_is_shown(next));
	owner_leaf(page, 0, false);
	ck_assert(!owner_is_shown(page));
	ck_assert(owner_is_root(SPA(SIZE_2M), SIZE_2M));
	ck_assert(!owner_is_shown(SPA(1ull << 47)));
}
END_TEST

TEST_MAIN("owner", roots, shown)
