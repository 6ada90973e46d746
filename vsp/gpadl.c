/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GPADLs: guest memory that the guest has named by its page numbers, in one message or several. One
 * range each, as all clients do. A body names no channel, so numbers under way are unique.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "private.h"
#include "vid/memory.h"
#include "vid/partition.h"

#define PFN_MAX (UINT64_MAX / VID_PAGE_SIZE)

static struct gpadl **find(struct gpadls *g, uint32_t id)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->gpadl[i]->id == id)
			return &g->gpadl[i];
	return NULL;
}

const struct gpadl *gpadls_find(const struct gpadls *g, uint32_t id)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->gpadl[i]->id == id && g->gpadl[i]->got == g->gpadl[i]->pages)
			return g->gpadl[i];
	return NULL;
}

static void destroy(struct gpadls *g, struct gpadl **at)
{
	struct gpadl *gpadl = *at;

	*at = g->gpadl[--g->count];
	g->pages -= gpadl->pages;
	free(gpadl->page);
	free(gpadl);
}

void gpadls_remove(struct gpadls *g, uint32_t id)
{
	struct gpadl **at = find(g, id);

	if (at)
		destroy(g, at);
}

void gpadls_remove_of(struct gpadls *g, uint32_t relid)
{
	for (size_t i = g->count; i-- > 0;)
		if (g->gpadl[i]->relid == relid)
			destroy(g, &g->gpadl[i]);
}

void gpadls_clear(struct gpadls *g)
{
	while (g->count)
		destroy(g, &g->gpadl[g->count - 1]);
}

static uint8_t *page_at(struct vid_partition *partition, uint64_t number)
{
	size_t size = 0;
	uint8_t *host;

	if (number > PFN_MAX)
		return NULL;
	host = vid_gpa_host(partition, number * VID_PAGE_SIZE, VID_PAGE_SIZE,
			    VID_ACCESS_READ | VID_ACCESS_WRITE, &size);
	return size == VID_PAGE_SIZE ? host : NULL;
}

/* The page numbers of one message. Returns as gpadls_begin(). */
static int take(struct gpadls *g, struct vid_partition *partition, struct gpadl *gpadl,
		const uint8_t *numbers, size_t size)
{
	size_t count = MIN(size / 8, (size_t)(gpadl->pages - gpadl->got));

	for (size_t i = 0; i < count; i++) {
		uint8_t *page = page_at(partition, bytes_get_le64(numbers + i * 8));

		gpadl->bad |= !page;
		gpadl->page[gpadl->got++] = page;
	}
	if (gpadl->got < gpadl->pages)
		return count ? 0 : -EINVAL;
	return gpadl->bad ? -EFAULT : 1;
}

static int check(const struct gpadls *g, const struct wire_vmbus_gpadl_header *h,
		 uint32_t *ret_pages)
{
	uint64_t pages =
		((uint64_t)h->range.offset + h->range.bytes + VID_PAGE_SIZE - 1) / VID_PAGE_SIZE;

	if (h->range_count != 1 || !h->range.bytes || h->range.offset >= VID_PAGE_SIZE ||
	    h->ranges_size < sizeof h->range || pages > (h->ranges_size - sizeof h->range) / 8)
		return -EINVAL;
	if (g->count == VSP_GPADLS_MAX || g->pages + pages > VSP_GPADL_PAGES_MAX)
		return -ENOSPC;
	*ret_pages = (uint32_t)pages;
	return 0;
}

static struct gpadl *create(const struct wire_vmbus_gpadl_header *h, uint32_t pages)
{
	struct gpadl *gpadl = calloc(1, sizeof *gpadl);

	if (!gpadl)
		return NULL;
	*gpadl = (struct gpadl){.relid = h->relid, .id = h->gpadl, .pages = pages};
	gpadl->page = calloc(pages, sizeof *gpadl->page);
	if (!gpadl->page) {
		free(gpadl);
		return NULL;
	}
	return gpadl;
}

static int settle(struct gpadls *g, uint32_t id, int r)
{
	if (r < 0)
		gpadls_remove(g, id);
	return r;
}

int gpadls_begin(struct gpadls *g, struct vid_partition *partition, const uint8_t *payload,
		 size_t size)
{
	struct wire_vmbus_gpadl_header h;
	struct gpadl *gpadl;
	uint32_t pages = 0;
	int r;

	memcpy(&h, payload, sizeof h);
	if (find(g, h.gpadl))
		return -EEXIST;
	r = check(g, &h, &pages);
	if (r < 0)
		return r;
	gpadl = create(&h, pages);
	if (!gpadl)
		return -ENOMEM;
	g->gpadl[g->count++] = gpadl;
	g->pages += pages;
	return settle(g, h.gpadl, take(g, partition, gpadl, payload + sizeof h, size - sizeof h));
}

int gpadls_continue(struct gpadls *g, struct vid_partition *partition, const uint8_t *payload,
		    size_t size, uint32_t *ret_relid)
{
	struct wire_vmbus_gpadl_body h;
	struct gpadl **at;

	memcpy(&h, payload, sizeof h);
	at = find(g, h.gpadl);
	if (!at || (*at)->got == (*at)->pages)
		return -ENOENT;
	*ret_relid = (*at)->relid;
	return settle(g, h.gpadl, take(g, partition, *at, payload + sizeof h, size - sizeof h));
}
