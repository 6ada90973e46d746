/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest memory objects. The memfd is sealed against growing and shrinking before anybody else sees
 * it, so that a peer with the descriptor cannot make our mapping fault.
 */
#include "vid/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

#define HUGE_PAGE_SIZE MIB(2)

struct vid_memory {
	int fd;
	uint64_t size;
	void *host;
	void *reserved; /* the whole reservation that host is aligned in */
	size_t reserved_size;
};

static int create_file(const char *name, uint64_t size)
{
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Maps at a 2 MiB boundary, so that the kernel can use huge pages on both sides. */
static int map_aligned(struct vid_memory *m)
{
	uintptr_t at;

	m->reserved_size = m->size + HUGE_PAGE_SIZE;
	m->reserved = mmap(NULL, m->reserved_size, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->reserved == MAP_FAILED)
		return -errno;
	at = ALIGN_UP((uintptr_t)m->reserved, HUGE_PAGE_SIZE);
	m->host =
		mmap((void *)at, m->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, m->fd, 0);
	if (m->host != MAP_FAILED) {
		/* A wish: without huge pages, it works, too. */
		madvise(m->host, m->size, MADV_HUGEPAGE);
		return 0;
	}
	at = (uintptr_t)errno;
	munmap(m->reserved, m->reserved_size);
	return -(int)at;
}

int vid_memory_create(const char *name, uint64_t size, struct vid_memory **ret_memory)
{
	_cleanup_free_ struct vid_memory *m = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (size == 0 || !IS_ALIGNED(size, VID_PAGE_SIZE) || size > INT64_MAX)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	fd = create_file(name, size);
	if (fd < 0)
		return fd;
	m->fd = fd;
	m->size = size;
	r = map_aligned(m);
	if (r < 0)
		return r;
	TAKE_FD(fd);
	*ret_memory = TAKE_PTR(m);
	return 0;
}

void vid_memory_destroy(struct vid_memory *memory)
{
	if (!memory)
		return;
	munmap(memory->reserved, memory->reserved_size);
	fd_close(memory->fd);
	free(memory);
}

void *vid_memory_host(const struct vid_memory *memory)
{
	return memory->host;
}

uint64_t vid_memory_size(const struct vid_memory *memory)
{
	return memory->size;
}

int vid_memory_fd(const struct vid_memory *memory)
{
	return memory->fd;
}
