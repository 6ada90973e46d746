/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See owner.h. */
#include "core/owner.h"
#include "core/format.h"
#include "core/panic.h"

#define PAGES_A_FRAME ((u32)(SIZE_2M / PAGE_SIZE))
#define ROOTS         BIT(31) /* of a page's record; the rest counts leaves of 4 KiB */
#define COUNT_END     0x7fffffffu

struct frame {
	u32 leaves; /* of 2 MiB */
	u32 roots;  /* pages of it that are the root's */
};

static struct frame *frames;
static u32 *pages;
static u64 page_count;

u64 owner_size(u64 top)
{
	u64 count = align_up(top, SIZE_2M) / SIZE_2M;

	return count * (sizeof(*frames) + PAGES_A_FRAME * sizeof(*pages));
}

void owner_init(void *memory, u64 top)
{
	u64 count = align_up(top, SIZE_2M) / SIZE_2M;

	memset(memory, 0, owner_size(top));
	frames = memory;
	pages = (u32 *)(frames + count);
	page_count = count * PAGES_A_FRAME;
}

static void set_root(spa_t start, u64 size, bool roots)
{
	u64 end = (start.v + size) / PAGE_SIZE;

	CHECK((start.v | size) % PAGE_SIZE == 0 && end <= page_count);
	for (u64 n = start.v / PAGE_SIZE; n < end; n++) {
		if (!(pages[n] & ROOTS) == !roots)
			continue;
		pages[n] ^= (u32)ROOTS;
		frames[n / PAGES_A_FRAME].roots += roots ? 1 : ~0u;
	}
}

void owner_give_root(spa_t start, u64 size)
{
	set_root(start, size, true);
}

void owner_take_root(spa_t start, u64 size)
{
	set_root(start, size, false);
}

bool owner_is_root(spa_t start, u64 size)
{
	u64 n = start.v / PAGE_SIZE;

	if (n >= page_count)
		return false;
	return size == PAGE_SIZE ? pages[n] & ROOTS
				 : frames[n / PAGES_A_FRAME].roots == PAGES_A_FRAME;
}

bool owner_is_shown(spa_t page)
{
	u64 n = page.v / PAGE_SIZE;

	return n < page_count && ((pages[n] & COUNT_END) || frames[n / PAGES_A_FRAME].leaves);
}

static void count(u32 *record, u32 end, bool came)
{
	if ((*record & end) != end)
		*record += came ? 1 : ~0u;
}

void owner_leaf(spa_t start, int level, bool came)
{
	u64 n = start.v / PAGE_SIZE;

	CHECK(n < page_count && level <= 1);
	if (level)
		count(&frames[n / PAGES_A_FRAME].leaves, ~0u, came);
	else
		count(&pages[n], COUNT_END, came);
}
