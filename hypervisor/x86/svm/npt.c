// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entry format of nested page tables (APM 15.25.5): that of long-mode paging, every entry with
 * the user bit, since nested walks count as user accesses. Memory type WB: the guest's PAT and
 * the physical MTRRs decide.
 */
#include "x86/svm/svm.h"

#define NPT_P     BIT(0)
#define NPT_W     BIT(1)
#define NPT_U     BIT(2)
#define NPT_LARGE BIT(7)
#define NPT_NX    BIT(63)

static u64 leaf_entry(spa_t page, int level, u32 rights)
{
	return page.v | NPT_P | NPT_U | (level ? NPT_LARGE : 0) | (rights & GPA_WRITE ? NPT_W : 0) |
	       (rights & GPA_EXECUTE ? 0 : NPT_NX);
}

static u32 rights_of(u64 entry)
{
	return GPA_READ | (entry & NPT_W ? GPA_WRITE : 0) | (entry & NPT_NX ? 0 : GPA_EXECUTE);
}

const struct gpa_map_format svm_npt_format = {
	.present = NPT_P,
	.large = NPT_LARGE,
	.address = 0x000ffffffffff000ull,
	.table = NPT_P | NPT_W | NPT_U,
	.leaf = leaf_entry,
	.rights = rights_of,
};
