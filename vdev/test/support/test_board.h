/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A board for tests of one device: buses, a clock that only a test moves, fake guest memory, and
 * lines that count. And the checks that every device must pass.
 */
#ifndef TEST_BOARD_H
#define TEST_BOARD_H

#include "board/device.h"
#include "board/irq.h"
#include "vdev/pci.h"

struct vid_memory;

#define TEST_IRQ_COUNT 24u
#define TEST_RAM_SIZE  MIB(1)
#define TEST_EVENT_LOG 16u

/* A line that remembers. */
struct test_line {
	struct vdev_irq_line line;
	bool level;
	unsigned int rises, falls;
};

struct test_board {
	struct vdev_board board;
	struct vdev_pci_bus pci; /* its INTA# to INTD# are irq[20] to irq[23] */
	uint64_t time;           /* what the clock's source says */
	uint64_t creep;          /* by which it moves with every look at it; 0 at first */
	struct vid_partition *partition;
	struct vid_memory *ram; /* TEST_RAM_SIZE bytes at GPA 0 */
	struct test_line irq[TEST_IRQ_COUNT];
	enum vdev_event events[TEST_EVENT_LOG]; /* since the test emptied it */
	size_t event_count;
};

struct test_board *test_board_create(void);
void test_board_destroy(struct test_board *t);

/* Moves time by `ns`, stopping at every deadline on the way. */
void test_board_advance(struct test_board *t, uint64_t ns);

/* Short forms for the port bus. */
uint8_t test_in8(struct test_board *t, uint16_t port);
uint16_t test_in16(struct test_board *t, uint16_t port);
uint32_t test_in32(struct test_board *t, uint16_t port);
void test_out8(struct test_board *t, uint16_t port, uint8_t value);
void test_out16(struct test_board *t, uint16_t port, uint16_t value);
void test_out32(struct test_board *t, uint16_t port, uint32_t value);
uint8_t *test_ram(struct test_board *t);

/*
 * Saves `from`, restores that into `into` (another device of the same kind, or the same one), saves
 * again, and fails the test if the two states differ.
 */
void test_round_trip(struct vdev_device *from, struct vdev_device *into);

/*
 * Restores thousands of damaged versions of the device's own state: cut, with bits flipped, with
 * fields exchanged. Each must be refused without an effect, or be taken and then saved and restored
 * to the same state. The device ends as it was.
 */
void test_hostile_state(struct vdev_device *device);

/*
 * Writes a pattern to, and reads, every register of [base, base + size) with every width, in two
 * orders; then resets, and fails the test if the device is not in the state it was created in.
 * `ports`: the port bus, else memory.
 */
void test_register_walk(struct test_board *t, struct vdev_device *device, bool ports, uint64_t base,
			uint64_t size);

#endif
