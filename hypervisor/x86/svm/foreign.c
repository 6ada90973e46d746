// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The map for an instruction of the root that touches memory of the hypervisor: the root's own,
 * as it is now, but for the pages touched, in whose place there is one page of ones. It is made
 * anew for each such instruction: of private tables on the way to those pages and the root's
 * tables everywhere else. So what leaves the root's map (deposits) has left this one as well; a
 * flush takes the step back (svm.c), since private tables do not follow changes.
 *
 * Each processor has tables and a page of its own, so nobody sees another's writes.
 */
#include "core/arch.h"
#include "core/format.h"
#include "core/panic.h"
#include "core/partition.h"
#include "x86/pool.h"
#include "x86/svm/svm.h"

#define TOP_LEVEL    3
#define ENTRIES      512u
#define MAPPED_BYTES BIT(48)

static u64 *table_of(u64 entry)
{
	return arch_map(SPA(entry & svm_npt_format.address));
}

static bool is_table(u64 entry)
{
	return (entry & (svm_npt_format.present | svm_npt_format.large)) == svm_npt_format.present;
}

static u32 entry_index(u64 gpa, int level)
{
	return gpa >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1);
}

void svm_foreign_init(struct vp *vp)
{
	struct svm_foreign *s = &vp->arch->foreign;

	for (u32 i = 0; i < ARRAY_SIZE(s->table); i++) {
		s->table[i] = page_pool_take(&boot_pool);
		CHECK(s->table[i]);
	}
	s->ones = page_pool_take(&boot_pool);
	CHECK(s->ones);
	memset(s->ones, 0xff, PAGE_SIZE);
}

u64 svm_foreign_begin(struct vp *vp)
{
	struct svm_foreign *s = &vp->arch->foreign;

	memcpy(s->table[0], vp->partition->map.root, PAGE_SIZE);
	s->used = 1;
	return arch_unmap(s->table[0]).v;
}

void svm_foreign_end(struct vp *vp)
{
	memset(vp->arch->foreign.ones, 0xff, PAGE_SIZE);
}

static bool is_private(const struct svm_foreign *s, const u64 *table)
{
	for (u32 i = 0; i < s->used; i++)
		if (s->table[i] == table)
			return true;
	return false;
}

/* What stood in an entry, as a table one level below it. */
static void fill(u64 *table, u64 entry, int level)
{
	const struct gpa_map_format *f = &svm_npt_format;
	u64 span = PAGE_SIZE << (9 * (level - 1));

	if (is_table(entry))
		memcpy(table, table_of(entry), PAGE_SIZE);
	else
		for (u32 i = 0; i < ENTRIES; i++)
			table[i] = !(entry & f->present)
					   ? 0
					   : f->leaf(SPA((entry & f->address) + i * span),
						     level - 1, f->rights(entry));
}

/* The private table behind an entry of a private one; NULL: there are no more. */
static u64 *descend(struct svm_foreign *s, u64 *entry, int level)
{
	u64 *table;

	if (is_table(*entry) && is_private(s, table_of(*entry)))
		return table_of(*entry);
	if (s->used == ARRAY_SIZE(s->table))
		return NULL;
	table = s->table[s->used++];
	fill(table, *entry, level);
	*entry = arch_unmap(table).v | svm_npt_format.table;
	return table;
}

bool svm_foreign_add(struct vp *vp, gpa_t gpa)
{
	struct svm_foreign *s = &vp->arch->foreign;
	u64 *table = s->table[0];

	if (gpa.v >= MAPPED_BYTES)
		return false;
	for (int level = TOP_LEVEL; level > 0; level--) {
		table = descend(s, &table[entry_index(gpa.v, level)], level);
		if (!table)
			return false;
	}
	table[entry_index(gpa.v, 0)] = svm_npt_format.leaf(arch_unmap(s->ones), 0, GPA_ALL);
	return true;
}
