// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See pool.h. Carved pieces come from the bottom; the rest is handed to the page pool at once.
 */
#include "core/arch.h"
#include "core/format.h"
#include "core/panic.h"
#include "x86/boot_info.h"
#include "x86/pool.h"

struct page_pool boot_pool;

static u64 start, carved, carve_limit;

bool pool_init(u64 carve, u64 pages)
{
	u64 size = align_up(carve + pages, SIZE_2M);

	start = boot_mem_alloc(size, SIZE_2M, SIZE_2M, SIZE_1G, true);
	if (!start)
		return false;
	carve_limit = align_up(carve, PAGE_SIZE);
	page_pool_init(&boot_pool);
	for (u64 offset = carve_limit; offset < size; offset += PAGE_SIZE)
		page_pool_add(&boot_pool, SPA(start + offset));
	return true;
}

void *pool_alloc(size_t bytes)
{
	void *p = arch_map(SPA(start + carved));

	carved += align_up(bytes, PAGE_SIZE);
	CHECK(carved <= carve_limit);
	memset(p, 0, bytes);
	return p;
}
