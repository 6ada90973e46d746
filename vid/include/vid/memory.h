/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that a partition can be given: one memfd, sealed against resizing, mapped into this
 * process for as long as the object lives. RAM and each ROM image are one object each.
 */
#ifndef VID_MEMORY_H
#define VID_MEMORY_H

#include <stdint.h>

#include "base/macros.h"

#define VID_PAGE_SIZE UINT64_C(4096)

struct vid_memory;

/*
 * Makes `size` bytes (a multiple of VID_PAGE_SIZE) of zeroed memory. `name` shows up in
 * /proc/PID/maps. -ENOMEM: there is not that much; -EINVAL: size.
 */
int must_check vid_memory_create(const char *name, uint64_t size, struct vid_memory **ret_memory);

/* NULL is allowed. The memory must no longer be mapped in any partition. */
void vid_memory_destroy(struct vid_memory *memory);

/* This process's view: size bytes, 2 MiB-aligned when there are that many. */
void *vid_memory_host(const struct vid_memory *memory);
uint64_t vid_memory_size(const struct vid_memory *memory);

/* The descriptor, to be sent to the driver or another process; it stays owned by the object. */
int vid_memory_fd(const struct vid_memory *memory);

#endif
