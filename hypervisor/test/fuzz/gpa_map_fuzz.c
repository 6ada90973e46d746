/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any sequence of maps and unmaps, with a pool that runs out, against a flat array. A call that
 * fails leaves map and pool as they were; at the end every page is back.
 */
#include "core/gpa_map.h"
#include "core/panic.h"
#include "fake/fake.h"
#include "input.h"

#define PAGES 2048u
#define BASE  (SIZE_1G - PAGES / 2 * PAGE_SIZE)
#define POOL  12u

static struct {
	u64 spa;
	u32 rights;
} model[PAGES];

static struct page_pool pool;
static struct gpa_map map;

static void apply_to_model(u32 first, u32 count, u64 spa, u32 rights)
{
	for (u32 i = 0; i < count; i++) {
		model[first + i].spa = spa + i * PAGE_SIZE;
		model[first + i].rights = rights;
	}
}

static void operation(struct input *in)
{
	u8 op = take_u8(in);
	u32 shift = op & 0x80 ? 9 : 0;
	u32 first = (take_u32(in) << shift) % PAGES;
	u32 count = (take_u8(in) + 1u) << shift;
	u64 spa = ((u64)take_u32(in) << shift << PAGE_SHIFT) & 0xffffffffff000;
	u64 free = pool.free_count;
	u32 rights = op & 7;
	hv_status status;
	bool flush;

	count = (u32)min_u64(count, PAGES - first);
	map.largest = op >> 4 & 1 ? 2 : op >> 5 & 1;
	if (rights)
		status = gpa_map_range(&map, GPA(BASE + first * PAGE_SIZE), SPA(spa),
				       count * PAGE_SIZE, rights, &flush);
	else
		status = gpa_unmap_range(&map, GPA(BASE + first * PAGE_SIZE), count * PAGE_SIZE,
					 &flush);
	if (status == HV_STATUS_SUCCESS) {
		apply_to_model(first, count, spa, rights);
		gpa_map_flushed(&map);
	} else {
		CHECK(status == HV_STATUS_INSUFFICIENT_MEMORY && pool.free_count == free);
	}
}

static void compare(void)
{
	u64 mapped = 0;

	for (u32 i = 0; i < PAGES; i++) {
		u32 rights = 0;
		spa_t spa = SPA(0);
		bool found = gpa_map_lookup(&map, GPA(BASE + i * PAGE_SIZE), &spa, &rights);

		CHECK(found == (model[i].rights != 0));
		CHECK(!found || (spa.v == model[i].spa && rights == model[i].rights));
		mapped += found;
	}
	CHECK(mapped == map.pages_4k + 512 * map.pages_2m);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, size};

	fake_reset();
	memset(model, 0, sizeof(model));
	fake_pool(&pool, POOL);
	CHECK(gpa_map_init(&map, &fake_format, &pool) == HV_STATUS_SUCCESS);
	while (in.left)
		operation(&in);
	compare();
	gpa_map_fini(&map);
	CHECK(pool.free_count == POOL);
	return 0;
}
