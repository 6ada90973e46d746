/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This process's copy of a partition's guest physical map, and every access of the worker to guest
 * memory. Invariant: mappings are sorted by address and do not overlap, and each one lies wholly
 * inside its memory object, so that an address found here can be touched without a further check.
 */
#include "backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Index of the first mapping that ends behind gpa. map_lock is held. */
static size_t find_locked(const struct vid_partition *p, uint64_t gpa)
{
	size_t low = 0, high = p->mapping_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct vid_mapping *m = &p->mappings[middle];

		if (m->gpa + (m->size - 1) < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int grow_locked(struct vid_partition *p)
{
	size_t space = p->mapping_space ? p->mapping_space * 2 : 16;
	struct vid_mapping *grown;

	if (p->mapping_count < p->mapping_space)
		return 0;
	grown = reallocarray(p->mappings, space, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->mappings = grown;
	p->mapping_space = space;
	return 0;
}

static int map_locked(struct vid_partition *p, const struct vid_mapping *new,
		      const struct vid_memory *memory, uint64_t offset)
{
	size_t at = find_locked(p, new->gpa);
	int r;

	if (at < p->mapping_count && p->mappings[at].gpa <= new->gpa + (new->size - 1))
		return -EEXIST;
	r = grow_locked(p);
	if (r < 0)
		return r;
	r = p->ops->map(p, new->gpa, memory, offset, new->size, new->access);
	if (r < 0)
		return r;
	memmove(&p->mappings[at + 1], &p->mappings[at],
		(p->mapping_count - at) * sizeof(p->mappings[0]));
	p->mappings[at] = *new;
	p->mapping_count++;
	return 0;
}

int vid_partition_map(struct vid_partition *p, uint64_t gpa, const struct vid_memory *memory,
		      uint64_t offset, uint64_t size, unsigned int access)
{
	struct vid_mapping new = {.gpa = gpa, .size = size, .access = access};
	int r;

	if (!IS_ALIGNED(gpa | offset | size, VID_PAGE_SIZE) || size == 0 || gpa + (size - 1) < gpa)
		return -EINVAL;
	if (offset > vid_memory_size(memory) || size > vid_memory_size(memory) - offset)
		return -EINVAL;
	if (access == 0 || (access & ~VID_ACCESS_ALL))
		return -EINVAL;
	new.host = (char *)vid_memory_host(memory) + offset;
	pthread_rwlock_wrlock(&p->map_lock);
	r = map_locked(p, &new, memory, offset);
	pthread_rwlock_unlock(&p->map_lock);
	return r;
}

static int unmap_locked(struct vid_partition *p, uint64_t gpa, uint64_t size)
{
	size_t at = find_locked(p, gpa);
	int r;

	if (at == p->mapping_count || p->mappings[at].gpa != gpa || p->mappings[at].size != size)
		return -ENOENT;
	r = p->ops->unmap(p, gpa, size);
	if (r < 0)
		return r;
	p->mapping_count--;
	memmove(&p->mappings[at], &p->mappings[at + 1],
		(p->mapping_count - at) * sizeof(p->mappings[0]));
	return 0;
}

int vid_partition_unmap(struct vid_partition *p, uint64_t gpa, uint64_t size)
{
	int r;

	pthread_rwlock_wrlock(&p->map_lock);
	r = unmap_locked(p, gpa, size);
	pthread_rwlock_unlock(&p->map_lock);
	return r;
}

/* Host address and length of the contiguous piece at gpa; NULL if it is not there. */
static char *host_locked(const struct vid_partition *p, uint64_t gpa, size_t size,
			 unsigned int access, size_t *ret_size)
{
	size_t at = find_locked(p, gpa);
	const struct vid_mapping *m;

	if (at == p->mapping_count)
		return NULL;
	m = &p->mappings[at];
	if (m->gpa > gpa || (m->access & access) != access)
		return NULL;
	*ret_size = MIN(size, m->size - (gpa - m->gpa));
	return m->host + (gpa - m->gpa);
}

static bool accessible_locked(const struct vid_partition *p, uint64_t gpa, size_t size,
			      unsigned int access)
{
	size_t piece;

	for (; size > 0; gpa += piece, size -= piece) {
		if (!host_locked(p, gpa, size, access, &piece))
			return false;
	}
	return true;
}

static void copy_locked(const struct vid_partition *p, uint64_t gpa, char *buffer, size_t size,
			unsigned int access)
{
	size_t piece;

	for (; size > 0; gpa += piece, buffer += piece, size -= piece) {
		char *host = host_locked(p, gpa, size, access, &piece);

		if (access == VID_ACCESS_WRITE)
			memcpy(host, buffer, piece);
		else
			memcpy(buffer, host, piece);
	}
}

static int copy(struct vid_partition *p, uint64_t gpa, char *buffer, size_t size,
		unsigned int access)
{
	int r = -EFAULT;

	if (size == 0)
		return 0;
	if (gpa + (size - 1) < gpa)
		return -EFAULT;
	pthread_rwlock_rdlock(&p->map_lock);
	if (accessible_locked(p, gpa, size, access)) {
		copy_locked(p, gpa, buffer, size, access);
		r = 0;
	}
	pthread_rwlock_unlock(&p->map_lock);
	return r;
}

int vid_gpa_read(struct vid_partition *p, uint64_t gpa, void *buffer, size_t size)
{
	return copy(p, gpa, buffer, size, VID_ACCESS_READ);
}

int vid_gpa_write(struct vid_partition *p, uint64_t gpa, const void *buffer, size_t size)
{
	return copy(p, gpa, (char *)(uintptr_t)buffer, size, VID_ACCESS_WRITE);
}

void *vid_gpa_host(struct vid_partition *p, uint64_t gpa, size_t size, unsigned int access,
		   size_t *ret_size)
{
	void *host = NULL;

	if (size == 0)
		return NULL;
	pthread_rwlock_rdlock(&p->map_lock);
	host = host_locked(p, gpa, size, access, ret_size);
	pthread_rwlock_unlock(&p->map_lock);
	return host;
}
