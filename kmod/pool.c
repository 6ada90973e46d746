// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that the hypervisor keeps its structures in. A page that is deposited leaves this kernel's
 * physical address space: reads give ones, writes go nowhere, until it is withdrawn. Nothing here
 * touches it meanwhile. It stays allocated, so that the allocator, compaction and kmemleak leave it
 * alone, and is marked offline, as a balloon's pages are, so that /proc/kcore and a dump pass it by.
 * What comes back is zeroed by the hypervisor.
 */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/page-flags.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "vid.h"

#define LARGE_ORDER 9
#define LARGE_PAGES (1u << LARGE_ORDER)
#define SMALL_PAGES 64u
#define FLAGS       (GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* /sys/module/vid/parameters/deposited: pages that the hypervisor has now. */
static atomic_long_t deposited;

static int show_deposited(char *buffer, const struct kernel_param *parameter)
{
	return sysfs_emit(buffer, "%ld\n", atomic_long_read(&deposited));
}

static const struct kernel_param_ops deposited_ops = {.get = show_deposited};
module_param_cb(deposited, &deposited_ops, NULL, 0444);

struct batch {
	u32 count;
	u64 page[LARGE_PAGES];
};

static void add(struct batch *batch, struct page *page)
{
	__SetPageOffline(page);
	batch->page[batch->count++] = page_to_pfn(page);
}

static void give_free(u64 pfn)
{
	struct page *page = pfn_to_page(pfn);

	__ClearPageOffline(page);
	__free_page(page);
}

/* 2 MiB in one piece, so that the kernel's memory is cut up as little as possible. */
static bool take_large(struct batch *batch)
{
	struct page *pages = alloc_pages(FLAGS | __GFP_NORETRY, LARGE_ORDER);
	u32 i;

	if (!pages)
		return false;
	split_page(pages, LARGE_ORDER);
	for (i = 0; i < LARGE_PAGES; i++)
		add(batch, pages + i);
	return true;
}

static void take_small(struct batch *batch, u32 count)
{
	struct page *page;

	while (batch->count < count) {
		page = alloc_page(FLAGS);
		if (!page)
			return;
		add(batch, page);
	}
}

/* Whatever part of it the hypervisor does not take is free again. */
static int deposit(u64 id, const struct batch *batch)
{
	u32 at = 0, done;
	int r = 0;

	while (!r && at < batch->count) {
		r = hypercall_deposit(id, batch->page + at,
				      min(batch->count - at, HYPERCALL_LIST_MAX), &done);
		at += done;
		cond_resched();
	}
	atomic_long_add(at, &deposited);
	for (done = at; done < batch->count; done++)
		give_free(batch->page[done]);
	return at ? 0 : r;
}

int vid_pool_deposit(u64 id)
{
	struct batch *batch = kmalloc(sizeof(*batch), GFP_KERNEL);
	int r = -ENOMEM;

	if (!batch)
		return -ENOMEM;
	batch->count = 0;
	if (id == HV_PARTITION_ID_SELF)
		take_small(batch, 1);
	else if (!take_large(batch))
		take_small(batch, SMALL_PAGES);
	if (batch->count)
		r = deposit(id, batch);
	kfree(batch);
	return r;
}

u32 vid_pool_withdraw(u64 id, u32 count)
{
	u64 page[HYPERCALL_LIST_MAX];
	u32 total = 0, done, i;
	int r = 0;

	while (!r && total < count) {
		r = hypercall_withdraw(id, page, min_t(u32, count - total, ARRAY_SIZE(page)),
				       &done);
		for (i = 0; i < done; i++)
			give_free(page[i]);
		total += done;
		atomic_long_sub(done, &deposited);
		cond_resched();
	}
	return total;
}
