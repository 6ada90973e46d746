/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest-physical address maps: a four-level radix tree whose pages the processor walks. The
 * entry format belongs to the vendor (struct gpa_map_format); the walk, the splitting of large
 * leaves and the counts are here.
 *
 * Prepare, then commit: a call first makes sure that the pool has the table pages it needs, so
 * that it either does all or changes nothing but the pool (rep hypercalls count on exactness).
 * The caller holds the partition's lock, flushes the processors afterwards when told to, and then
 * calls gpa_map_flushed(). Lookups take no lock: an entry is replaced by one store, and a table
 * page stays a table page until the flush.
 */
#pragma once

#include "core/page_pool.h"
#include "core/types.h"
#include "hv/status.h"

enum gpa_rights { GPA_READ = 1, GPA_WRITE = 2, GPA_EXECUTE = 4, GPA_ALL = 7 };

/* Bits of an entry, for a walk without calls, and what is made and asked less often. */
struct gpa_map_format {
	u64 present; /* any of them: an entry */
	u64 large;   /* any of them, above level 0: a leaf */
	u64 address;
	u64 table; /* all that an entry has which leads to a table */
	u64 (*leaf)(spa_t page, int level, u32 rights); /* level 0: 4 KiB, 1: 2 MiB, 2: 1 GiB */
	u32 (*rights)(u64 entry);
};

struct gpa_map {
	u64 *root;
	const struct gpa_map_format *format;
	struct page_pool *pool;
	int largest; /* level of the largest leaf used: 2; lower it where there are no 1 GiB pages */
	void (*leaf)(spa_t start, int level, bool came); /* told of each leaf, or NULL */
	u64 changes; /* ever made: a pointer from gpa_map_lookup() is good while it stays */
	u64 flushes; /* atomic: arch_flush_map()s; what was translated before the last is void */
	u64 fini_at; /* what is below this has been given back */
	struct table_page *retired;       /* tables out of use, until the processors have flushed */
	u64 pages_4k, pages_2m, pages_1g; /* leaves, for statistics */
};

hv_status must_check gpa_map_init(struct gpa_map *map, const struct gpa_map_format *format,
				  struct page_pool *pool);
/* Gives every table page back to the pool. No processor uses the map any more. */
void gpa_map_fini(struct gpa_map *map);
/* The same by pieces of at most one lowest table with its leaves. True: it was the last one. */
bool must_check gpa_map_fini_some(struct gpa_map *map);

/*
 * Maps [gpa, gpa + size) to [spa, …) with the largest leaves that alignment allows; replaces what
 * was there. Sizes and addresses are page multiples. HV_STATUS_INSUFFICIENT_MEMORY: the pool is
 * short, nothing changed. HV_STATUS_INVALID_PARAMETER: not such a range. *ret_flush: an old
 * translation may be cached.
 */
hv_status must_check gpa_map_range(struct gpa_map *map, gpa_t gpa, spa_t spa, u64 size, u32 rights,
				   bool *ret_flush);
hv_status must_check gpa_unmap_range(struct gpa_map *map, gpa_t gpa, u64 size, bool *ret_flush);

/* After the flush (or when none was asked for): tables that were replaced go back to the pool. */
void gpa_map_flushed(struct gpa_map *map);

/* Makes large leaves again out of small ones around `gpa`, if they fit together. True: flush. */
bool must_check gpa_map_merge(struct gpa_map *map, gpa_t gpa);

/* Translation of one address; false if not mapped. */
bool gpa_map_lookup(const struct gpa_map *map, gpa_t gpa, spa_t *ret_spa, u32 *ret_rights);
