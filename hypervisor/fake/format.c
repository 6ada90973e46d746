/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A page-table format of no processor: rights in bits 2:0, table bit 3, level in bits 5:4. */
#include "fake/fake.h"
#include "core/panic.h"

#define ENTRY_TABLE BIT(3)

static u64 make_leaf(spa_t page, int level, u32 rights)
{
	CHECK(page.v % (PAGE_SIZE << (9 * level)) == 0);
	return page.v | (u64)level << 4 | (rights & GPA_ALL);
}

static u32 rights(u64 entry)
{
	return entry & GPA_ALL;
}

const struct gpa_map_format fake_format = {
	.present = ENTRY_TABLE | GPA_ALL,
	.large = 3 << 4,
	.address = ~0xfffull,
	.table = ENTRY_TABLE,
	.leaf = make_leaf,
	.rights = rights,
};
