/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One walk serves mapping and unmapping: `struct change` says what to do with [from, to), first
 * count_tables() tells what that needs, then apply() does it with pages taken in advance.
 *
 * Table pages that a change makes superfluous may still be in a processor's walk caches. They
 * wait on `retired` until the caller has flushed. Their link takes the place of entry 0; it is a
 * page's address, which no format calls present: a stale walk faults there and is tried again.
 */
#include "core/gpa_map.h"
#include "core/panic.h"

#define ENTRIES     512u
#define TOP_LEVEL   3
#define ADDRESS_END (ENTRIES * entry_span(TOP_LEVEL))

struct table_page {
	struct table_page *next;
};

struct change {
	struct gpa_map *map;
	bool unmap;
	u64 gpa, spa; /* start of the range and what it maps to */
	u32 rights;
	struct table_page *spare;
	bool flush;
};

static u64 entry_span(int level)
{
	return PAGE_SIZE << (9 * level);
}

static unsigned int entry_index(u64 gpa, int level)
{
	return (gpa >> (PAGE_SHIFT + 9 * level)) % ENTRIES;
}

static u64 read_entry(const u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static void write_entry(u64 *entry, u64 value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static bool is_present(const struct gpa_map *map, u64 entry)
{
	return entry & map->format->present;
}

static bool is_table(const struct gpa_map *map, u64 entry, int level)
{
	return level > 0 && is_present(map, entry) && !(entry & map->format->large);
}

static u64 address_of(const struct gpa_map *map, u64 entry)
{
	return entry & map->format->address;
}

static u64 *table_of(const struct gpa_map *map, u64 entry)
{
	return arch_map(SPA(address_of(map, entry)));
}

static void count_leaf(struct gpa_map *map, u64 start, int level, bool came)
{
	u64 *counter = level == 0 ? &map->pages_4k : level == 1 ? &map->pages_2m : &map->pages_1g;

	*counter += came ? 1 : ~0ull;
	if (map->leaf)
		map->leaf(SPA(start), level, came);
}

static u64 spa_at(const struct change *c, u64 gpa)
{
	return c->spa + (gpa - c->gpa);
}

/* Whether [from, to) can be one leaf at `level`. */
static bool fits_leaf(const struct change *c, int level, u64 from, u64 to)
{
	u64 span = entry_span(level);

	return level <= c->map->largest && to - from == span && spa_at(c, from) % span == 0;
}

/* Whether the entry needs no table under it to take the change: a leaf, or nothing at all. */
static bool ends_here(const struct change *c, u64 entry, int level, u64 from, u64 to)
{
	if (!c->unmap)
		return fits_leaf(c, level, from, to);
	return to - from == entry_span(level) || !is_present(c->map, entry);
}

static u64 next_boundary(u64 at, int level, u64 to)
{
	return min_u64(align_down(at, entry_span(level)) + entry_span(level), to);
}

/*
 * Table pages that apply() will take from the spares. `table` NULL: one that is not there yet and
 * will continue `above`, a large leaf or nothing.
 */
static u64 count_tables(const struct change *c, const u64 *table, u64 above, int level, u64 from,
			u64 to)
{
	u64 at, end, entry, count = 0;

	for (at = from; at < to; at = end) {
		end = next_boundary(at, level, to);
		entry = table ? read_entry(&table[entry_index(at, level)]) : above;
		if (ends_here(c, entry, level, at, end))
			continue;
		if (is_table(c->map, entry, level))
			count += count_tables(c, table_of(c->map, entry), 0, level - 1, at, end);
		else
			count += 1 + count_tables(c, NULL, entry, level - 1, at, end);
	}
	return count;
}

static void give_spares(struct change *c)
{
	struct table_page *page;

	while ((page = c->spare)) {
		c->spare = page->next;
		page_pool_give(c->map->pool, page);
	}
}

static bool take_spares(struct change *c, u64 count)
{
	struct table_page *page;

	for (; count; count--) {
		page = page_pool_take(c->map->pool);
		if (!page) {
			give_spares(c);
			return false;
		}
		page->next = c->spare;
		c->spare = page;
	}
	return true;
}

static u64 *use_spare(struct change *c)
{
	struct table_page *page = c->spare;

	CHECK(page);
	c->spare = page->next;
	page->next = NULL;
	return (u64 *)page;
}

static void retire(struct gpa_map *map, u64 *table)
{
	struct table_page *page = (struct table_page *)table;

	page->next = map->retired;
	map->retired = page;
}

/* Takes the leaves under `entry` out of the counts and retires its tables. */
static void drop_entry(struct gpa_map *map, u64 entry, int level)
{
	u64 *table;

	if (!is_present(map, entry))
		return;
	if (!is_table(map, entry, level)) {
		count_leaf(map, address_of(map, entry), level, false);
		return;
	}
	table = table_of(map, entry);
	for (unsigned int i = 0; i < ENTRIES; i++)
		if (is_present(map, table[i]))
			drop_entry(map, table[i], level - 1);
	retire(map, table);
}

/* Puts a table in the place of a large leaf (mapping the same) or of nothing. */
static u64 *split_entry(struct change *c, u64 *slot, int level)
{
	struct gpa_map *map = c->map;
	const struct gpa_map_format *format = map->format;
	u64 entry = read_entry(slot), *table = use_spare(c);

	if (is_present(map, entry)) {
		for (unsigned int i = 0; i < ENTRIES; i++) {
			u64 at = address_of(map, entry) + i * entry_span(level - 1);

			table[i] = format->leaf(SPA(at), level - 1, format->rights(entry));
			count_leaf(map, at, level - 1, true);
		}
		count_leaf(map, address_of(map, entry), level, false);
		c->flush = true;
	}
	write_entry(slot, arch_unmap(table).v | format->table);
	return table;
}

static void replace_entry(struct change *c, u64 *slot, int level, u64 at)
{
	struct gpa_map *map = c->map;
	u64 old = read_entry(slot), new = 0;

	if (!c->unmap) {
		new = map->format->leaf(SPA(spa_at(c, at)), level, c->rights);
		count_leaf(map, spa_at(c, at), level, true);
	}
	write_entry(slot, new);
	c->flush |= is_present(map, old);
	drop_entry(map, old, level);
}

static void apply(struct change *c, u64 *table, int level, u64 from, u64 to)
{
	u64 at, end, entry, *slot, *below;

	for (at = from; at < to; at = end) {
		end = next_boundary(at, level, to);
		slot = &table[entry_index(at, level)];
		entry = read_entry(slot);
		if (ends_here(c, entry, level, at, end)) {
			replace_entry(c, slot, level, at);
			continue;
		}
		below = is_table(c->map, entry, level) ? table_of(c->map, entry)
						       : split_entry(c, slot, level);
		apply(c, below, level - 1, at, end);
	}
}

static bool range_valid(u64 gpa, u64 size)
{
	return gpa % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && size <= ADDRESS_END &&
	       gpa <= ADDRESS_END - size;
}

static hv_status change_range(struct change *c, u64 size, bool *ret_flush)
{
	u64 *root = c->map->root;

	if (!range_valid(c->gpa, size) || c->spa % PAGE_SIZE)
		return HV_STATUS_INVALID_PARAMETER;
	if (!take_spares(c, count_tables(c, root, 0, TOP_LEVEL, c->gpa, c->gpa + size)))
		return HV_STATUS_INSUFFICIENT_MEMORY;
	apply(c, root, TOP_LEVEL, c->gpa, c->gpa + size);
	CHECK(!c->spare);
	__atomic_fetch_add(&c->map->changes, 1, __ATOMIC_SEQ_CST);
	*ret_flush = c->flush;
	return HV_STATUS_SUCCESS;
}

hv_status gpa_map_range(struct gpa_map *map, gpa_t gpa, spa_t spa, u64 size, u32 rights,
			bool *ret_flush)
{
	struct change c = {.map = map, .gpa = gpa.v, .spa = spa.v, .rights = rights};

	return change_range(&c, size, ret_flush);
}

hv_status gpa_unmap_range(struct gpa_map *map, gpa_t gpa, u64 size, bool *ret_flush)
{
	struct change c = {.map = map, .unmap = true, .gpa = gpa.v};

	return change_range(&c, size, ret_flush);
}

void gpa_map_flushed(struct gpa_map *map)
{
	struct table_page *page;

	while ((page = map->retired)) {
		map->retired = page->next;
		page_pool_give(map->pool, page);
	}
}

hv_status gpa_map_init(struct gpa_map *map, const struct gpa_map_format *format,
		       struct page_pool *pool)
{
	u64 *root = page_pool_take(pool);

	if (!root)
		return HV_STATUS_INSUFFICIENT_MEMORY;
	*map = (struct gpa_map){.root = root, .format = format, .pool = pool, .largest = 2};
	return HV_STATUS_SUCCESS;
}

/*
 * Drops one piece at *at or, if there is nothing, behind it, and the tables that are through with it.
 * True: this table is. Entries above the lowest table hold a leaf or a table; that one goes whole.
 */
static bool drop_piece(struct gpa_map *map, u64 *table, int level, u64 *at, bool *done)
{
	u64 *slot;

	do {
		slot = &table[entry_index(*at, level)];
		if (!is_present(map, *slot)) {
			*at += entry_span(level);
			continue;
		}
		if (level > 1 && is_table(map, *slot, level)) {
			if (!drop_piece(map, table_of(map, *slot), level - 1, at, done))
				return false;
		} else if (*done) {
			return false;
		} else {
			*done = true;
			*at += entry_span(level);
		}
		drop_entry(map, *slot, level);
		*slot = 0;
	} while (*at % entry_span(level + 1));
	return true;
}

bool gpa_map_fini_some(struct gpa_map *map)
{
	bool done = false;

	if (!map->root)
		return true;
	if (!drop_piece(map, map->root, TOP_LEVEL, &map->fini_at, &done)) {
		gpa_map_flushed(map);
		return false;
	}
	retire(map, map->root);
	map->root = NULL;
	gpa_map_flushed(map);
	return true;
}

void gpa_map_fini(struct gpa_map *map)
{
	while (!gpa_map_fini_some(map))
		;
}

bool gpa_map_lookup(const struct gpa_map *map, gpa_t gpa, spa_t *ret_spa, u32 *ret_rights)
{
	const u64 *table = map->root;
	int level = TOP_LEVEL;
	u64 entry;

	if (gpa.v >= ADDRESS_END || !table)
		return false;
	entry = read_entry(&table[entry_index(gpa.v, level)]);
	while (is_table(map, entry, level)) {
		table = table_of(map, entry);
		level--;
		entry = read_entry(&table[entry_index(gpa.v, level)]);
	}
	if (!is_present(map, entry))
		return false;
	*ret_spa = SPA(address_of(map, entry) + gpa.v % entry_span(level));
	*ret_rights = map->format->rights(entry);
	return true;
}

/* Whether a table maps one contiguous, aligned piece with the same rights: its first entry. */
static bool is_uniform(const struct gpa_map *map, const u64 *table, int level, u64 *ret_first)
{
	u32 (*rights)(u64 entry) = map->format->rights;
	u64 first = read_entry(&table[0]), entry;

	if (!is_present(map, first) || is_table(map, first, level) ||
	    address_of(map, first) % entry_span(level + 1))
		return false;
	for (unsigned int i = 1; i < ENTRIES; i++) {
		entry = read_entry(&table[i]);
		if (!is_present(map, entry) || is_table(map, entry, level) ||
		    rights(entry) != rights(first) ||
		    address_of(map, entry) != address_of(map, first) + i * entry_span(level))
			return false;
	}
	*ret_first = first;
	return true;
}

static bool merge_below(struct gpa_map *map, u64 *table, int level, u64 gpa)
{
	u64 *slot = &table[entry_index(gpa, level)];
	u64 entry = read_entry(slot), first, *below;
	bool merged;

	if (!is_table(map, entry, level))
		return false;
	below = table_of(map, entry);
	merged = merge_below(map, below, level - 1, gpa);
	if (level > map->largest || !is_uniform(map, below, level - 1, &first))
		return merged;
	write_entry(slot, map->format->leaf(SPA(address_of(map, first)), level,
					    map->format->rights(first)));
	count_leaf(map, address_of(map, first), level, true);
	drop_entry(map, entry, level);
	return true;
}

bool gpa_map_merge(struct gpa_map *map, gpa_t gpa)
{
	return merge_below(map, map->root, TOP_LEVEL, gpa.v);
}
