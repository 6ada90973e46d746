/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dispatch of port and memory accesses. Invariant: ranges[] is sorted and disjoint, and `last` is
 * NULL or in ranges[]. A callback may change the bus, so nothing is kept across one but numbers.
 */
#include "board/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void vdev_bus_init(struct vdev_bus *bus, uint64_t limit)
{
	*bus = (struct vdev_bus){.limit = limit};
}

void vdev_bus_fini(struct vdev_bus *bus)
{
	free(bus->ranges);
	*bus = (struct vdev_bus){.limit = bus->limit};
}

static uint64_t last_address(const struct vdev_range *range)
{
	return range->base + (range->size - 1);
}

/* Index of the first range that ends at or behind `address`. */
static size_t lower_bound(const struct vdev_bus *bus, uint64_t address)
{
	size_t low = 0, high = bus->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (last_address(bus->ranges[middle]) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int grow(struct vdev_bus *bus)
{
	size_t space = bus->space ? bus->space * 2 : 32;
	struct vdev_range **grown;

	if (bus->count < bus->space)
		return 0;
	grown = reallocarray(bus->ranges, space, sizeof(struct vdev_range *));
	if (!grown)
		return -ENOMEM;
	bus->ranges = grown;
	bus->space = space;
	return 0;
}

int vdev_bus_add(struct vdev_bus *bus, struct vdev_range *range)
{
	size_t at;
	int r;

	if (range->size == 0 || range->base > bus->limit ||
	    range->size - 1 > bus->limit - range->base)
		return -EINVAL;
	at = lower_bound(bus, range->base);
	if (at < bus->count && bus->ranges[at]->base <= last_address(range))
		return -EEXIST;
	r = grow(bus);
	if (r < 0)
		return r;
	memmove(&bus->ranges[at + 1], &bus->ranges[at],
		(bus->count - at) * sizeof(struct vdev_range *));
	bus->ranges[at] = range;
	bus->count++;
	return 0;
}

void vdev_bus_remove(struct vdev_bus *bus, struct vdev_range *range)
{
	size_t at = 0;

	while (at < bus->count && bus->ranges[at] != range)
		at++;
	if (at == bus->count)
		return;
	bus->count--;
	memmove(&bus->ranges[at], &bus->ranges[at + 1],
		(bus->count - at) * sizeof(struct vdev_range *));
	if (bus->last == range)
		bus->last = NULL;
}

int vdev_bus_add_all(struct vdev_bus *bus, struct vdev_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = vdev_bus_add(bus, &ranges[i]);

		if (r < 0) {
			vdev_bus_remove_all(bus, ranges, i);
			return r;
		}
	}
	return 0;
}

void vdev_bus_remove_all(struct vdev_bus *bus, struct vdev_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		vdev_bus_remove(bus, &ranges[i]);
}

struct vdev_range *vdev_bus_find(struct vdev_bus *bus, uint64_t address)
{
	size_t at;

	if (bus->last && address - bus->last->base < bus->last->size)
		return bus->last;
	at = lower_bound(bus, address);
	if (at == bus->count || bus->ranges[at]->base > address)
		return NULL;
	bus->last = bus->ranges[at];
	return bus->last;
}

static uint64_t width_mask(unsigned int width)
{
	return width >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

static unsigned int min_width(const struct vdev_range *range)
{
	return MAX(range->ops->min_width, 1);
}

/* One cycle that the device decodes, or a narrower one. */
static uint64_t read_cycle(struct vdev_range *range, uint64_t offset, unsigned int width)
{
	unsigned int least = min_width(range);
	uint64_t aligned = ALIGN_DOWN(offset, least);

	range->reads++;
	if (width >= least)
		return range->ops->read(range->owner, offset, width) & width_mask(width);
	return (range->ops->read(range->owner, aligned, least) >> (8 * (offset - aligned))) &
	       width_mask(width);
}

static void write_cycle(struct vdev_range *range, uint64_t offset, unsigned int width,
			uint64_t value)
{
	unsigned int least = min_width(range);

	range->writes++;
	if (width < least && !IS_ALIGNED(offset, least))
		return;
	range->ops->write(range->owner, offset, MAX(width, least), value & width_mask(width));
}

/* How much of an access of `width` bytes the range takes in one cycle. */
static unsigned int cycle_width(const struct vdev_range *range, uint64_t offset, unsigned int width)
{
	unsigned int most = MAX(range->ops->max_width, 1);

	while (most > width || most > range->size - offset ||
	       (!range->ops->unaligned && !IS_ALIGNED(offset, most)))
		most /= 2;
	return most;
}

/* One piece of an access; returns its width. Bytes that nobody claims go one at a time. */
static unsigned int read_piece(struct vdev_bus *bus, uint64_t address, unsigned int width,
			       uint64_t *ret_value)
{
	struct vdev_range *range = vdev_bus_find(bus, address);

	if (!range) {
		bus->unclaimed++;
		*ret_value = 0xff;
		return 1;
	}
	width = cycle_width(range, address - range->base, width);
	*ret_value = read_cycle(range, address - range->base, width);
	return width;
}

uint64_t vdev_bus_read(struct vdev_bus *bus, uint64_t address, unsigned int width)
{
	uint64_t value = 0, piece;

	for (unsigned int done = 0; done < width;) {
		unsigned int step = read_piece(bus, address + done, width - done, &piece);

		value |= piece << (8 * done);
		done += step;
	}
	return value;
}

static unsigned int write_piece(struct vdev_bus *bus, uint64_t address, unsigned int width,
				uint64_t value)
{
	struct vdev_range *range = vdev_bus_find(bus, address);

	if (!range) {
		bus->unclaimed++;
		return 1;
	}
	width = cycle_width(range, address - range->base, width);
	write_cycle(range, address - range->base, width, value);
	return width;
}

void vdev_bus_write(struct vdev_bus *bus, uint64_t address, unsigned int width, uint64_t value)
{
	for (unsigned int done = 0; done < width;)
		done += write_piece(bus, address + done, width - done, value >> (8 * done));
}
