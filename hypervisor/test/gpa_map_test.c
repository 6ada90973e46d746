/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GPA maps: leaf sizes, splitting, replacing, exhaustion, and a random run against a flat array. */
#include "core/gpa_map.h"
#include "runner.h"

static struct page_pool pool;
static struct gpa_map map;

static void prepare(u32 pages)
{
	fake_pool(&pool, pages);
	ck_assert_uint_eq(gpa_map_init(&map, &fake_format, &pool), HV_STATUS_SUCCESS);
}

static bool map_range(u64 gpa, u64 spa, u64 size, u32 rights)
{
	bool flush;

	ck_assert_uint_eq(gpa_map_range(&map, GPA(gpa), SPA(spa), size, rights, &flush),
			  HV_STATUS_SUCCESS);
	gpa_map_flushed(&map);
	return flush;
}

static bool unmap_range(u64 gpa, u64 size)
{
	bool flush;

	ck_assert_uint_eq(gpa_unmap_range(&map, GPA(gpa), size, &flush), HV_STATUS_SUCCESS);
	gpa_map_flushed(&map);
	return flush;
}

static void expect(u64 gpa, u64 spa, u32 rights)
{
	u32 r;
	spa_t s;

	ck_assert(gpa_map_lookup(&map, GPA(gpa), &s, &r));
	ck_assert_uint_eq(s.v, spa);
	ck_assert_uint_eq(r, rights);
}

static void expect_none(u64 gpa)
{
	u32 r;
	spa_t s;

	ck_assert(!gpa_map_lookup(&map, GPA(gpa), &s, &r));
}

static void expect_leaves(u64 small, u64 middle, u64 large)
{
	ck_assert_uint_eq(map.pages_4k, small);
	ck_assert_uint_eq(map.pages_2m, middle);
	ck_assert_uint_eq(map.pages_1g, large);
}

START_TEST(largest_leaves)
{
	prepare(16);
	ck_assert(!map_range(0, 0, 3 * SIZE_1G + SIZE_2M + PAGE_SIZE, GPA_ALL));
	expect_leaves(1, 1, 3);
	expect(0x12345, 0x12345, GPA_ALL);
	expect(3 * SIZE_1G + SIZE_2M + 0xfff, 3 * SIZE_1G + SIZE_2M + 0xfff, GPA_ALL);
	expect_none(3 * SIZE_1G + SIZE_2M + PAGE_SIZE);
}
END_TEST

START_TEST(alignment_decides)
{
	prepare(16);
	map_range(0, PAGE_SIZE, SIZE_2M, GPA_READ); /* SPA not aligned: 512 small ones */
	expect_leaves(512, 0, 0);
	expect(SIZE_2M - 1, SIZE_2M + PAGE_SIZE - 1, GPA_READ);
	unmap_range(0, SIZE_2M);
	expect_leaves(0, 0, 0);
	map.largest = 1;
	map_range(SIZE_1G, SIZE_1G, SIZE_1G, GPA_READ);
	expect_leaves(0, 512, 0);
	unmap_range(SIZE_1G, SIZE_1G);
	map.largest = 0;
	map_range(SIZE_2M, SIZE_2M, SIZE_2M, GPA_READ);
	expect_leaves(512, 0, 0);
}
END_TEST

START_TEST(hole_in_a_large_leaf)
{
	prepare(16);
	map_range(0, 0, SIZE_1G, GPA_ALL);
	ck_assert(unmap_range(SIZE_2M + PAGE_SIZE, PAGE_SIZE));
	expect_leaves(511, 511, 0);
	expect_none(SIZE_2M + PAGE_SIZE);
	expect(SIZE_2M + PAGE_SIZE - 1, SIZE_2M + PAGE_SIZE - 1, GPA_ALL);
	expect(SIZE_2M + 2 * PAGE_SIZE, SIZE_2M + 2 * PAGE_SIZE, GPA_ALL);
	expect(SIZE_1G - 1, SIZE_1G - 1, GPA_ALL);
}
END_TEST

START_TEST(replacing_gives_tables_back)
{
	u64 free;
	bool flush;

	prepare(16);
	map_range(0, 0, SIZE_1G, GPA_ALL);
	free = pool.free_count;
	map_range(PAGE_SIZE, 5 * SIZE_1G, PAGE_SIZE, GPA_READ);
	expect(PAGE_SIZE, 5 * SIZE_1G, GPA_READ);
	ck_assert_uint_eq(pool.free_count, free - 2);
	ck_assert_uint_eq(gpa_map_range(&map, GPA(0), SPA(SIZE_1G), SIZE_1G, GPA_READ, &flush), 0);
	ck_assert(flush);
	ck_assert_uint_eq(pool.free_count, free - 2); /* not before the flush */
	gpa_map_flushed(&map);
	ck_assert_uint_eq(pool.free_count, free);
	expect_leaves(0, 0, 1);
	expect(PAGE_SIZE, SIZE_1G + PAGE_SIZE, GPA_READ);
}
END_TEST

START_TEST(flush_only_where_something_was)
{
	prepare(16);
	ck_assert(!unmap_range(0, SIZE_1G));
	ck_assert(!map_range(0, 0, PAGE_SIZE, GPA_ALL));
	ck_assert(!map_range(PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, GPA_ALL));
	ck_assert(map_range(PAGE_SIZE, 0, PAGE_SIZE, GPA_ALL));
	ck_assert(unmap_range(0, SIZE_2M));
	ck_assert(!unmap_range(0, SIZE_2M));
}
END_TEST

START_TEST(bad_ranges)
{
	const u64 top = 1ull << 48;
	const struct {
		u64 gpa, spa, size;
	} bad[] = {
		{1, 0, PAGE_SIZE},
		{0, 0x800, PAGE_SIZE},
		{0, 0, 0x1001},
		{top, 0, PAGE_SIZE},
		{top - PAGE_SIZE, 0, 2 * PAGE_SIZE},
		{~0xfffull, 0, 2 * PAGE_SIZE},
		{PAGE_SIZE, 0, top},
		{0, 0, ~0xfffull},
	};
	bool flush;

	prepare(8);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_uint_eq(gpa_map_range(&map, GPA(bad[i].gpa), SPA(bad[i].spa), bad[i].size,
						GPA_ALL, &flush),
				  HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(pool.free_count, 7);
	expect_none(top);
	expect_none(~0ull);
	map_range(top - PAGE_SIZE, 0, PAGE_SIZE, GPA_ALL);
	expect(top - 1, PAGE_SIZE - 1, GPA_ALL);
	map_range(0, 0, 0, GPA_ALL);
	expect_none(0);
}
END_TEST

/* Every pool size from none to enough: either all or nothing, and the pool as before. */
START_TEST(exhaustion_changes_nothing)
{
	const struct {
		bool unmap;
		u64 gpa, spa, size;
		u32 tables;
	} op[] = {
		{false, SIZE_1G - PAGE_SIZE, SIZE_2M - PAGE_SIZE, 2 * PAGE_SIZE, 4},
		{false, 512 * SIZE_1G - SIZE_2M - PAGE_SIZE, 0, 2 * SIZE_2M, 6},
		{true, 8 * SIZE_1G + PAGE_SIZE, 0, PAGE_SIZE, 2},
		{true, 8 * SIZE_1G + SIZE_2M, 0, SIZE_2M, 1},
		{true, 9 * SIZE_1G - PAGE_SIZE, 0, 2 * PAGE_SIZE, 4},
		{false, 8 * SIZE_1G, 8 * SIZE_1G, SIZE_1G, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(op); i++)
		for (u32 have = 0; have <= op[i].tables; have++) {
			hv_status status;
			bool flush;

			fake_reset();
			prepare(2 + have);
			map_range(8 * SIZE_1G, 8 * SIZE_1G, 2 * SIZE_1G, GPA_READ);
			if (op[i].unmap)
				status = gpa_unmap_range(&map, GPA(op[i].gpa), op[i].size, &flush);
			else
				status = gpa_map_range(&map, GPA(op[i].gpa), SPA(op[i].spa),
						       op[i].size, GPA_ALL, &flush);
			if (have == op[i].tables) {
				ck_assert_uint_eq(status, HV_STATUS_SUCCESS);
				ck_assert_uint_eq(pool.free_count, 0);
				gpa_map_fini(&map);
				ck_assert_uint_eq(pool.free_count, pool.total_count);
				continue;
			}
			ck_assert_uint_eq(status, HV_STATUS_INSUFFICIENT_MEMORY);
			ck_assert_uint_eq(pool.free_count, have);
			expect_leaves(0, 0, 2);
			expect_none(SIZE_1G - PAGE_SIZE);
			expect(op[i].unmap ? op[i].gpa : 8 * SIZE_1G,
			       op[i].unmap ? op[i].gpa : 8 * SIZE_1G, GPA_READ);
		}
}
END_TEST

START_TEST(no_page_for_the_root)
{
	page_pool_init(&pool);
	ck_assert_uint_eq(gpa_map_init(&map, &fake_format, &pool), HV_STATUS_INSUFFICIENT_MEMORY);
}
END_TEST

#define MODEL_PAGES 4096u /* 16 MiB around a 1 GiB boundary */
#define MODEL_BASE  (SIZE_1G - 8 * SIZE_2M / 2)

static struct {
	u64 spa;
	u32 rights;
} model[MODEL_PAGES];

static u32 random_state = 1;

static u32 random_below(u32 n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (u32)((u64)random_state * n >> 32);
}

static void random_operation(void)
{
	u32 granule = random_below(2) ? 1 : 512;
	u32 first = random_below(MODEL_PAGES / granule) * granule;
	u32 count = (1 + random_below(4)) * (random_below(4) ? granule : 1);
	u32 rights = random_below(3) ? 1 + random_below(7) : 0;
	u64 spa = ((u64)random_below(1 << 20) * granule) << PAGE_SHIFT;

	count = (u32)min_u64(count, MODEL_PAGES - first);
	if (rights)
		map_range(MODEL_BASE + first * PAGE_SIZE, spa, count * PAGE_SIZE, rights);
	else
		unmap_range(MODEL_BASE + first * PAGE_SIZE, count * PAGE_SIZE);
	for (u32 i = 0; i < count; i++) {
		model[first + i].spa = spa + i * PAGE_SIZE;
		model[first + i].rights = rights;
	}
}

static bool same_as_model(u32 i)
{
	u32 r;
	spa_t s;

	if (!gpa_map_lookup(&map, GPA(MODEL_BASE + i * PAGE_SIZE), &s, &r))
		return !model[i].rights;
	return r == model[i].rights && s.v == model[i].spa;
}

static u64 compare_with_model(void)
{
	u64 mapped = 0;

	for (u32 i = 0; i < MODEL_PAGES; i++) {
		if (!same_as_model(i))
			ck_abort_msg("page %u differs", i);
		mapped += model[i].rights != 0;
	}
	return mapped;
}

START_TEST(random_against_model)
{
	prepare(64);
	for (int round = 0; round < 3000; round++) {
		random_operation();
		if (round % 8)
			continue;
		ck_assert_uint_eq(compare_with_model(), map.pages_4k + 512 * map.pages_2m);
		expect_none(MODEL_BASE - PAGE_SIZE);
		expect_none(MODEL_BASE + MODEL_PAGES * PAGE_SIZE);
	}
	gpa_map_fini(&map);
	ck_assert_uint_eq(pool.free_count, 64);
	expect_leaves(0, 0, 0);
}
END_TEST

TEST_MAIN("gpa_map", largest_leaves, alignment_decides, hole_in_a_large_leaf,
	  replacing_gives_tables_back, flush_only_where_something_was, bad_ranges,
	  exhaustion_changes_nothing, no_page_for_the_root, random_against_model)
