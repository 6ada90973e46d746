/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for a ring: zeroed pages that do not follow each other. */
#ifndef TEST_PAGES_H
#define TEST_PAGES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "wire/ring.h"

#define PAGES_MAX 16u

struct pages {
	uint8_t *memory;
	uint8_t *page[PAGES_MAX];
};

static inline void pages_init(struct pages *p, size_t count)
{
	p->memory = aligned_alloc(WIRE_RING_PAGE, 2 * PAGES_MAX * WIRE_RING_PAGE);
	CHECK(p->memory && count <= PAGES_MAX);
	memset(p->memory, 0, 2 * PAGES_MAX * WIRE_RING_PAGE);
	for (size_t i = 0; i < count; i++) /* backwards, and every other one */
		p->page[i] = p->memory + (2 * (PAGES_MAX - 1 - i)) * WIRE_RING_PAGE;
}

static inline void pages_fini(struct pages *p)
{
	free(p->memory);
}

#endif
