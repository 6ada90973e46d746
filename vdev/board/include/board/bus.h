/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An address space that devices answer in: the port space (64 KiB) or what of guest physical memory
 * is not mapped. Ranges do not overlap. Looking one up costs a binary search, and nothing when the
 * same range is hit again.
 *
 * Threads: none of vdev locks. The worker holds one machine lock around every call into a device,
 * bus, clock or PCI function.
 */
#ifndef BOARD_BUS_H
#define BOARD_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/*
 * `offset` is relative to the range. `width` is 1, 2, 4 or 8 bytes, between the range's two limits,
 * and offset + width stays inside the range. Values are little-endian numbers; bits above the width
 * are ignored on return and 0 in `value`.
 */
struct vdev_range_ops {
	uint64_t (*read)(void *owner, uint64_t offset, unsigned int width);
	void (*write)(void *owner, uint64_t offset, unsigned int width, uint64_t value);
	/*
	 * What the device decodes. A wider access becomes several, lowest address first. A narrower
	 * read gets its part of a read of min_width; a narrower write is written zero-extended if it
	 * is aligned to min_width and is dropped otherwise.
	 */
	uint8_t min_width; /* 0 stands for 1 */
	uint8_t max_width; /* 0 stands for 1 */
	bool unaligned; /* the device takes an access at any offset; else it is cut into aligned ones */
};

/* The owner's memory; it stays where it is and unchanged while it is on a bus. */
struct vdev_range {
	const char *name;
	uint64_t base;
	uint64_t size;
	const struct vdev_range_ops *ops;
	void *owner;
	uint64_t reads, writes; /* accesses so far, for the statistics of exits */
};

struct vdev_bus {
	uint64_t limit;             /* highest address */
	struct vdev_range **ranges; /* sorted by base */
	size_t count, space;
	struct vdev_range *last; /* hit last, or NULL */
	uint64_t unclaimed;      /* accesses that nobody answered */
};

#define VDEV_PORT_LIMIT   UINT64_C(0xffff)
#define VDEV_MEMORY_LIMIT ((UINT64_C(1) << 52) - 1)

void vdev_bus_init(struct vdev_bus *bus, uint64_t limit);
void vdev_bus_fini(struct vdev_bus *bus); /* forgets the ranges that are left */

/* -EEXIST: overlaps another range; -EINVAL: empty or beyond the limit; -ENOMEM. */
int must_check vdev_bus_add(struct vdev_bus *bus, struct vdev_range *range);
/* Allowed inside a callback of the range itself. Does nothing if it is not there. */
void vdev_bus_remove(struct vdev_bus *bus, struct vdev_range *range);

/* All of them or none; and all of them away. */
int must_check vdev_bus_add_all(struct vdev_bus *bus, struct vdev_range *ranges, size_t count);
void vdev_bus_remove_all(struct vdev_bus *bus, struct vdev_range *ranges, size_t count);

/* `width` is 1, 2, 4 or 8. What nobody claims reads as all ones and swallows writes. */
uint64_t vdev_bus_read(struct vdev_bus *bus, uint64_t address, unsigned int width);
void vdev_bus_write(struct vdev_bus *bus, uint64_t address, unsigned int width, uint64_t value);

/* The range at `address`, or NULL. */
struct vdev_range *vdev_bus_find(struct vdev_bus *bus, uint64_t address);

#endif
