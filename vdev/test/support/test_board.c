/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test board. Fails by aborting with a message, so that fuzz targets can use it as well.
 */
#include "test_board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vid/fake.h"
#include "vid/memory.h"

static uint64_t read_time(void *owner)
{
	struct test_board *t = owner;

	return t->time += t->creep;
}

static const struct vdev_clock_source manual_source = {.read = read_time};

static void note_level(void *owner, unsigned int pin, bool level)
{
	struct test_line *line = owner;

	line->level = level;
	if (level)
		line->rises++;
	else
		line->falls++;
}

static void note_event(void *owner, enum vdev_event event)
{
	struct test_board *t = owner;

	if (t->event_count < TEST_EVENT_LOG)
		t->events[t->event_count++] = event;
}

static void init_lines(struct test_board *t)
{
	struct vdev_irq_line *intx[VDEV_PCI_INTX_COUNT];

	for (unsigned int i = 0; i < TEST_IRQ_COUNT; i++)
		t->irq[i].line = (struct vdev_irq_line){note_level, &t->irq[i], i, 0};
	for (unsigned int i = 0; i < VDEV_PCI_INTX_COUNT; i++)
		intx[i] = &t->irq[20 + i].line;
	vdev_pci_bus_init(&t->pci, &t->board, intx);
}

struct test_board *test_board_create(void)
{
	struct test_board *t = calloc(1, sizeof(*t));

	CHECK(t);
	CHECK(vid_fake_partition_create(&t->partition) == 0);
	CHECK(vid_memory_create("test-ram", TEST_RAM_SIZE, &t->ram) == 0);
	CHECK(vid_partition_map(t->partition, 0, t->ram, 0, TEST_RAM_SIZE, VID_ACCESS_ALL) == 0);
	vdev_board_init(&t->board, &manual_source, t, t->partition);
	t->board.event = note_event;
	t->board.owner = t;
	init_lines(t);
	return t;
}

void test_board_destroy(struct test_board *t)
{
	CHECK(t->board.ports.count == 0 && t->board.memory.count == 0);
	CHECK(t->board.clock.first == NULL);
	vdev_board_fini(&t->board);
	vid_partition_destroy(t->partition);
	vid_memory_destroy(t->ram);
	free(t);
}

void test_board_advance(struct test_board *t, uint64_t ns)
{
	uint64_t end = t->time + ns;

	for (;;) {
		uint64_t deadline = vdev_clock_deadline(&t->board.clock);
		uint64_t now = vdev_clock_now(&t->board.clock);

		if (deadline == VDEV_NEVER || (deadline > now && deadline - now > end - t->time))
			break;
		if (deadline > now)
			t->time += deadline - now;
		vdev_clock_run(&t->board.clock);
	}
	t->time = end;
}

uint8_t test_in8(struct test_board *t, uint16_t port)
{
	return (uint8_t)vdev_bus_read(&t->board.ports, port, 1);
}

uint16_t test_in16(struct test_board *t, uint16_t port)
{
	return (uint16_t)vdev_bus_read(&t->board.ports, port, 2);
}

uint32_t test_in32(struct test_board *t, uint16_t port)
{
	return (uint32_t)vdev_bus_read(&t->board.ports, port, 4);
}

void test_out8(struct test_board *t, uint16_t port, uint8_t value)
{
	vdev_bus_write(&t->board.ports, port, 1, value);
}

void test_out16(struct test_board *t, uint16_t port, uint16_t value)
{
	vdev_bus_write(&t->board.ports, port, 2, value);
}

void test_out32(struct test_board *t, uint16_t port, uint32_t value)
{
	vdev_bus_write(&t->board.ports, port, 4, value);
}

uint8_t *test_ram(struct test_board *t)
{
	return vid_memory_host(t->ram);
}

/* ---- state ---- */

static void save(struct vdev_device *device, struct vdev_state_writer *ret_writer)
{
	vdev_state_writer_init(ret_writer);
	vdev_device_save(device, ret_writer);
	CHECK(vdev_state_writer_error(ret_writer) == 0);
}

static int restore(struct vdev_device *device, const uint8_t *data, size_t size)
{
	struct vdev_state_reader reader;
	int r = vdev_state_reader_init(&reader, data, size);

	return r < 0 ? r : vdev_device_restore(device, &reader);
}

static void check_state(struct vdev_device *device, const struct vdev_state_writer *expected)
{
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer now;

	save(device, &now);
	CHECK(now.size == expected->size);
	CHECK(memcmp(now.data, expected->data, now.size) == 0);
}

void test_round_trip(struct vdev_device *from, struct vdev_device *into)
{
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer saved;

	save(from, &saved);
	CHECK(restore(into, saved.data, saved.size) == 0);
	check_state(into, &saved);
	check_state(from, &saved);
}

/* What the device made of a damaged state must itself be a state that it accepts. */
static void try_state(struct vdev_device *device, const uint8_t *data, size_t size,
		      const struct vdev_state_writer *original)
{
	if (restore(device, data, size) < 0)
		check_state(device, original);
	else
		test_round_trip(device, device);
	CHECK(restore(device, original->data, original->size) == 0);
}

void test_hostile_state(struct vdev_device *device)
{
	static const uint8_t patterns[] = {0x01, 0x80, 0xff};
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer saved;
	_cleanup_free_ uint8_t *copy = NULL;

	save(device, &saved);
	copy = malloc(saved.size);
	CHECK(copy);
	for (size_t at = 0; at < MIN(saved.size, 2048); at++) {
		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
			memcpy(copy, saved.data, saved.size);
			copy[at] ^= patterns[i];
			try_state(device, copy, saved.size, &saved);
		}
		CHECK(restore(device, saved.data, at) < 0);
		check_state(device, &saved);
	}
}

/* ---- registers ---- */

static void walk(struct vdev_bus *bus, uint64_t base, uint64_t size, uint64_t pattern)
{
	for (unsigned int width = 1; width <= 4; width *= 2) {
		for (uint64_t at = 0; at < size; at++) {
			vdev_bus_write(bus, base + at, width, pattern * (at + 1));
			vdev_bus_read(bus, base + at, width);
		}
		for (uint64_t at = size; at-- > 0;) {
			vdev_bus_read(bus, base + at, width);
			vdev_bus_write(bus, base + at, width, ~(pattern * (at + 1)));
		}
	}
}

void test_register_walk(struct test_board *t, struct vdev_device *device, bool ports, uint64_t base,
			uint64_t size)
{
	static const uint64_t patterns[] = {0, 0xff, 0x55, 0x0102040810204080, UINT64_MAX};
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer fresh;

	vdev_device_reset(device);
	save(device, &fresh);
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		walk(ports ? &t->board.ports : &t->board.memory, base, size, patterns[i]);
	vdev_device_reset(device);
	check_state(device, &fresh);
}
