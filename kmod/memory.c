// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory: pieces of sealed memfds, pinned for as long as they are mapped, and counted as locked
 * memory of the process that mapped them. A mapping is made of 2 MiB pieces wherever 512 pages of
 * the file follow each other at a 2 MiB boundary, here and in the guest. The pieces depend on the
 * pinned pages only, so that unmapping finds the same ones.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "linux.h"
#include "vid.h"

#define LARGE     512u
#define PIN_BATCH 512u

struct mapping {
	struct list_head list;
	struct mm_struct *mm; /* whose locked memory it is; a reference to the struct */
	u64 gpa;
	u32 flags; /* HV_MAP_* */
	unsigned long count;
	struct page *pages[];
};

/* ---- pages of the file ---- */

static int pin_range(struct mapping *m, unsigned long address, unsigned long *pinned)
{
	int n;

	while (*pinned < m->count) {
		if (fatal_signal_pending(current))
			return -EINTR;
		n = pin_user_pages_fast(address + (*pinned << PAGE_SHIFT),
					min(m->count - *pinned, (unsigned long)PIN_BATCH),
					FOLL_WRITE | FOLL_LONGTERM, m->pages + *pinned);
		if (n <= 0)
			return n == -EFAULT || !n ? -ENOMEM : n;
		*pinned += n;
		cond_resched();
	}
	return 0;
}

/*
 * Whether they are the file's. The address that they were found by is the process's: another of its
 * threads may have put something else there, which nothing seals.
 */
static bool are_of_file(const struct mapping *m, const struct file *file, u64 offset)
{
	unsigned long i;

	for (i = 0; i < m->count; i++) {
		if (!linux_is_page_of(m->pages[i], file, (offset >> PAGE_SHIFT) + i))
			return false;
		if (i % PIN_BATCH == 0)
			cond_resched();
	}
	return true;
}

/* Through a mapping of the file that lives no longer than this. */
static int pin(struct mapping *m, struct file *file, u64 offset)
{
	unsigned long size = m->count << PAGE_SHIFT, address, pinned = 0;
	int r;

	address = vm_mmap(file, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, offset);
	if (IS_ERR_VALUE(address))
		return (int)address == -EACCES ? -EBADF : (int)address;
	r = pin_range(m, address, &pinned);
	vm_munmap(address, size);
	if (!r && !are_of_file(m, file, offset))
		r = -ESTALE;
	if (r)
		unpin_user_pages(m->pages, pinned);
	return r;
}

static int account(struct mapping *m)
{
	int r = account_locked_vm(current->mm, m->count, true);

	if (r)
		return r == -ENOMEM ? -EPERM : r;
	m->mm = current->mm;
	mmgrab(m->mm);
	return 0;
}

static void unaccount(struct mapping *m)
{
	account_locked_vm(m->mm, m->count, false);
	mmdrop(m->mm);
}

static void free_mapping(struct mapping *m)
{
	unpin_user_pages_dirty_lock(m->pages, m->count, true);
	unaccount(m);
	kvfree(m);
}

/* ---- what the guest sees ---- */

static bool is_large_at(const struct mapping *m, unsigned long at)
{
	unsigned long first = page_to_pfn(m->pages[at]), i;

	if (((m->gpa >> PAGE_SHIFT) + at) % LARGE || first % LARGE || m->count - at < LARGE)
		return false;
	for (i = 1; i < LARGE; i++)
		if (page_to_pfn(m->pages[at + i]) != first + i)
			return false;
	return true;
}

/* The run of equal pieces at `at`: their page numbers. */
struct run {
	bool large;
	u32 count;
	u64 page[HYPERCALL_LIST_MAX];
};

static void find_run(const struct mapping *m, unsigned long at, struct run *run)
{
	unsigned long step;

	run->large = is_large_at(m, at);
	step = run->large ? LARGE : 1;
	for (run->count = 0; run->count < HYPERCALL_LIST_MAX && at < m->count; at += step) {
		if (is_large_at(m, at) != run->large)
			break;
		run->page[run->count++] = page_to_pfn(m->pages[at]);
	}
}

static u32 run_flags(const struct run *run)
{
	return run->large ? HV_MAP_LARGE_PAGE : 0;
}

static int map_run(struct vid_partition *p, const struct mapping *m, unsigned long at,
		   const struct run *run, u32 first, u32 *done)
{
	return hypercall_map(p->id, (m->gpa >> PAGE_SHIFT) + at, run->page + first,
			     run->count - first, m->flags | run_flags(run), done);
}

static int unmap_run(struct vid_partition *p, const struct mapping *m, unsigned long at,
		     const struct run *run, u32 first, u32 *done)
{
	return hypercall_unmap(p->id, (m->gpa >> PAGE_SHIFT) + at, run->count - first,
			       run_flags(run), done);
}

typedef int run_function(struct vid_partition *p, const struct mapping *m, unsigned long at,
			 const struct run *run, u32 first, u32 *done);

/* Carries a run out to its end, however many calls that takes. Each deposit lets it go on. */
static int carry_out(struct vid_partition *p, const struct mapping *m, unsigned long at,
		     const struct run *run, run_function *function)
{
	unsigned long step = run->large ? LARGE : 1;
	u32 first = 0, done;
	int r;

	do {
		r = function(p, m, at + first * step, run, first, &done);
		first += done;
		if (r == -ENOMEM)
			r = vid_pool_deposit(p->id);
	} while (!r && first < run->count);
	return r;
}

static int for_all_runs(struct vid_partition *p, const struct mapping *m, run_function *function)
{
	struct run *run = kmalloc(sizeof(*run), GFP_KERNEL);
	unsigned long at;
	int r = run ? 0 : -ENOMEM;

	for (at = 0; !r && at < m->count; at += run->count * (run->large ? LARGE : 1)) {
		find_run(m, at, run);
		r = carry_out(p, m, at, run, function);
		cond_resched();
	}
	kfree(run);
	return r;
}

/* ---- ioctls ---- */

static int decode_map(const struct vid_ioctl_map *a)
{
	const u32 all = VID_IOCTL_MAP_READ | VID_IOCTL_MAP_WRITE | VID_IOCTL_MAP_EXECUTE;

	if (!a->size || !PAGE_ALIGNED(a->offset | a->size | a->gpa))
		return -EINVAL;
	if (a->gpa + a->size < a->gpa || (a->gpa + a->size - 1) >> 48)
		return -EINVAL;
	if (a->offset + a->size < a->offset || a->offset + a->size > MAX_LFS_FILESIZE)
		return -EINVAL;
	return a->access & ~all || !(a->access & VID_IOCTL_MAP_READ) ? -EINVAL : 0;
}

static u32 map_flags(u32 access)
{
	return HV_MAP_READABLE | (access & VID_IOCTL_MAP_WRITE ? HV_MAP_WRITABLE : 0) |
	       (access & VID_IOCTL_MAP_EXECUTE ? HV_MAP_EXECUTABLE : 0);
}

static bool overlaps(const struct vid_partition *p, u64 gpa, u64 size)
{
	const struct mapping *m;

	list_for_each_entry(m, &p->mappings,
			    list) if (gpa < m->gpa + ((u64)m->count << PAGE_SHIFT) &&
				      m->gpa < gpa + size) return true;
	return false;
}

static int pin_file(struct mapping *m, const struct vid_ioctl_map *a)
{
	struct file *file = fget(a->fd);
	int r;

	if (!file)
		return -EBADF;
	if (!linux_is_sealed_memfd(file))
		r = -EBADF;
	else if (a->offset + a->size > (u64)i_size_read(file_inode(file)))
		r = -EINVAL;
	else
		r = pin(m, file, a->offset);
	fput(file);
	return r;
}

static int make_mapping(const struct vid_ioctl_map *a, struct mapping **ret_mapping)
{
	struct mapping *m;
	int r;

	m = kvzalloc(struct_size(m, pages, a->size >> PAGE_SHIFT), GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;
	m->gpa = a->gpa;
	m->flags = map_flags(a->access);
	m->count = a->size >> PAGE_SHIFT;
	r = account(m);
	if (r)
		goto out_free;
	r = pin_file(m, a);
	if (r)
		goto out_unaccount;
	*ret_mapping = m;
	return 0;

out_unaccount:
	unaccount(m);
out_free:
	kvfree(m);
	return r;
}

int vid_memory_map(struct vid_partition *p, const struct vid_ioctl_map *arguments)
{
	struct mapping *m;
	int r = decode_map(arguments), undone;

	if (r)
		return r;
	if (overlaps(p, arguments->gpa, arguments->size))
		return -EEXIST;
	if (p->mapping_count >= VID_MAPPINGS_MAX)
		return -EDQUOT;
	/* No more pages than there are, whatever the size says. */
	if (arguments->size >> PAGE_SHIFT > totalram_pages())
		return -ENOMEM;
	r = make_mapping(arguments, &m);
	if (r)
		return r;
	r = for_all_runs(p, m, map_run);
	undone = r ? for_all_runs(p, m, unmap_run) : 0;
	if (r && !undone) {
		free_mapping(m);
		return r;
	}
	/* What could not be taken away again stays in the list, and pinned, until the end. */
	list_add(&m->list, &p->mappings);
	p->mapping_count++;
	return r;
}

int vid_memory_unmap(struct vid_partition *p, const struct vid_ioctl_unmap *arguments)
{
	struct mapping *m;
	int r;

	list_for_each_entry(m, &p->mappings,
			    list) if (m->gpa == arguments->gpa &&
				      (u64)m->count << PAGE_SHIFT == arguments->size) goto found;
	return -ENOENT;

found:
	r = for_all_runs(p, m, unmap_run);
	if (r)
		return r;
	list_del(&m->list);
	p->mapping_count--;
	free_mapping(m);
	return 0;
}

void vid_memory_release(struct vid_partition *p)
{
	struct mapping *m, *next;

	list_for_each_entry_safe(m, next, &p->mappings, list)
	{
		list_del(&m->list);
		free_mapping(m);
		cond_resched();
	}
}
