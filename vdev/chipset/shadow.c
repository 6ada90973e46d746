/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shadow RAM on the partition's map. What cannot be a mapping – reads from ROM with writes to RAM,
 * writes that go nowhere – stays unmapped or read-only there, and traps to a range of the memory
 * bus. Invariant: mapped[n] tells what the partition's map holds for segment n.
 *
 * A segment is unmapped before it is mapped anew. A processor that comes by in between traps, and
 * whoever handles that takes the machine lock first and then finds the new mapping: vmwp retries an
 * access whose address turns out to be mapped.
 */
#include "vdev/shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "board/device.h"
#include "vid/memory.h"
#include "vid/partition.h"

#define LOW_BASE   UINT64_C(0xc0000)
#define LOW_END    UINT64_C(0x100000)
#define ALIAS_MAX  UINT64_C(0x20000)
#define SMRAM_BASE UINT64_C(0xa0000)
#define SMRAM_SIZE UINT64_C(0x20000)
#define ROM_END    (UINT64_C(1) << 32)

struct vdev_shadow {
	struct vdev_board *board;
	const struct vid_memory *ram, *rom;
	struct vdev_range range;
	bool rom_mapped, smram_open;
	uint8_t access[VDEV_SHADOW_SEGMENTS]; /* VDEV_SHADOW_* */
	bool mapped[VDEV_SHADOW_SEGMENTS];
};

/* Address of the ROM's image below 1 MiB. */
static uint64_t alias_base(const struct vdev_shadow *s)
{
	return LOW_END - MIN(vid_memory_size(s->rom), ALIAS_MAX);
}

/* Offset in the ROM of an address below 1 MiB that its image covers. */
static uint64_t rom_offset(const struct vdev_shadow *s, uint64_t gpa)
{
	return vid_memory_size(s->rom) - (LOW_END - gpa);
}

static void host_failed(struct vdev_shadow *s, int r)
{
	if (r < 0)
		vdev_board_event(s->board, VDEV_EVENT_HOST_ERROR);
}

/* ---- the map ---- */

static int map_segment(struct vdev_shadow *s, unsigned int n)
{
	uint64_t gpa = vdev_shadow_address(n), size = vdev_shadow_size(n);
	struct vid_partition *p = s->board->partition;
	unsigned int rx = VID_ACCESS_READ | VID_ACCESS_EXECUTE;

	if (s->access[n] == (VDEV_SHADOW_READ | VDEV_SHADOW_WRITE))
		return vid_partition_map(p, gpa, s->ram, gpa, size, rx | VID_ACCESS_WRITE);
	if (s->access[n] == VDEV_SHADOW_READ)
		return vid_partition_map(p, gpa, s->ram, gpa, size, rx);
	if (s->access[n] == 0 && gpa >= alias_base(s))
		return vid_partition_map(p, gpa, s->rom, rom_offset(s, gpa), size, rx);
	return 1; /* stays unmapped */
}

static void remap_segment(struct vdev_shadow *s, unsigned int n)
{
	int r = 0;

	if (s->mapped[n])
		r = vid_partition_unmap(s->board->partition, vdev_shadow_address(n),
					vdev_shadow_size(n));
	host_failed(s, r);
	if (r < 0)
		return;
	r = map_segment(s, n);
	host_failed(s, r);
	s->mapped[n] = r == 0;
}

static void shadow_set(void *owner, unsigned int segment, unsigned int access)
{
	struct vdev_shadow *s = owner;

	CHECK(segment < VDEV_SHADOW_SEGMENTS);
	if (s->access[segment] == access)
		return;
	s->access[segment] = (uint8_t)access;
	remap_segment(s, segment);
}

static void shadow_open_smram(void *owner, bool open)
{
	struct vdev_shadow *s = owner;
	int r;

	if (s->smram_open == open)
		return;
	if (open)
		r = vid_partition_map(s->board->partition, SMRAM_BASE, s->ram, SMRAM_BASE,
				      SMRAM_SIZE, VID_ACCESS_ALL);
	else
		r = vid_partition_unmap(s->board->partition, SMRAM_BASE, SMRAM_SIZE);
	host_failed(s, r);
	if (r == 0)
		s->smram_open = open;
}

const struct vdev_shadow_ops vdev_shadow_ops = {
	.set = shadow_set,
	.open_smram = shadow_open_smram,
};

/* ---- what traps ---- */

static unsigned int segment_at(uint64_t gpa)
{
	return (unsigned int)MIN((gpa - LOW_BASE) / 0x4000, VDEV_SHADOW_SEGMENTS - 1);
}

static uint64_t trap_read(void *owner, uint64_t offset, unsigned int width)
{
	const struct vdev_shadow *s = owner;
	uint64_t gpa = LOW_BASE + offset;
	const char *rom = vid_memory_host(s->rom), *ram = vid_memory_host(s->ram);

	if (s->access[segment_at(gpa)] & VDEV_SHADOW_READ)
		return (uint8_t)ram[gpa];
	return gpa < alias_base(s) ? 0xff : (uint8_t)rom[rom_offset(s, gpa)];
}

static void trap_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	const struct vdev_shadow *s = owner;
	uint64_t gpa = LOW_BASE + offset;

	if (s->access[segment_at(gpa)] & VDEV_SHADOW_WRITE)
		((char *)vid_memory_host(s->ram))[gpa] = (char)value;
}

static const struct vdev_range_ops trap_ops = {.read = trap_read, .write = trap_write};

/* ---- lifetime ---- */

static int map_all(struct vdev_shadow *s)
{
	uint64_t size = vid_memory_size(s->rom);
	int r = vid_partition_map(s->board->partition, ROM_END - size, s->rom, 0, size,
				  VID_ACCESS_READ | VID_ACCESS_EXECUTE);

	if (r < 0)
		return r;
	s->rom_mapped = true;
	for (unsigned int n = 0; n < VDEV_SHADOW_SEGMENTS; n++) {
		r = map_segment(s, n);
		if (r < 0)
			return r;
		s->mapped[n] = r == 0;
	}
	return vdev_bus_add(&s->board->memory, &s->range);
}

int vdev_shadow_create(struct vdev_board *board, const struct vid_memory *ram,
		       const struct vid_memory *rom, struct vdev_shadow **ret_shadow)
{
	struct vdev_shadow *s;
	int r;

	if (vid_memory_size(ram) < LOW_END || vid_memory_size(rom) > MIB(16))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->board = board;
	s->ram = ram;
	s->rom = rom;
	s->range = (struct vdev_range){.name = "shadow RAM",
				       .base = LOW_BASE,
				       .size = LOW_END - LOW_BASE,
				       .ops = &trap_ops,
				       .owner = s};
	r = map_all(s);
	if (r < 0) {
		vdev_shadow_destroy(s);
		return r;
	}
	*ret_shadow = s;
	return 0;
}

/* A mapping that cannot be taken away goes with the partition. */
void vdev_shadow_destroy(struct vdev_shadow *s)
{
	uint64_t size;

	if (!s)
		return;
	size = vid_memory_size(s->rom);
	shadow_open_smram(s, false);
	for (unsigned int n = 0; n < VDEV_SHADOW_SEGMENTS; n++) {
		if (s->mapped[n])
			host_failed(s,
				    vid_partition_unmap(s->board->partition, vdev_shadow_address(n),
							vdev_shadow_size(n)));
	}
	if (s->rom_mapped)
		host_failed(s, vid_partition_unmap(s->board->partition, ROM_END - size, size));
	vdev_bus_remove(&s->board->memory, &s->range);
	free(s);
}
