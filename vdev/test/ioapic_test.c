/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O APIC, and the wiring of ISA interrupts to both controllers.
 */
#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
#include "vdev/i8259.h"
#include "vdev/ioapic.h"
#include "vdev/isa_irq.h"
#include "vid/fake.h"

static struct test_board *t;
static struct vdev_ioapic *ioapic;

static void setup(void)
{
	t = test_board_create();
	ck_assert_int_eq(vdev_ioapic_create(&t->board, &ioapic), 0);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_ioapic_device(ioapic));
	test_board_destroy(t);
}

static uint32_t get(uint8_t reg)
{
	vdev_bus_write(&t->board.memory, VDEV_IOAPIC_BASE, 4, reg);
	return (uint32_t)vdev_bus_read(&t->board.memory, VDEV_IOAPIC_BASE + 0x10, 4);
}

static void set(uint8_t reg, uint32_t value)
{
	vdev_bus_write(&t->board.memory, VDEV_IOAPIC_BASE, 4, reg);
	vdev_bus_write(&t->board.memory, VDEV_IOAPIC_BASE + 0x10, 4, value);
}

static void set_entry(unsigned int pin, uint64_t entry)
{
	set((uint8_t)(0x11 + 2 * pin), (uint32_t)(entry >> 32));
	set((uint8_t)(0x10 + 2 * pin), (uint32_t)entry);
}

/* Interrupts posted since the last call; the last one in `sent`. */
static struct vid_interrupt sent;

static size_t count_sent(void)
{
	struct vid_interrupt all[8];
	size_t count = vid_fake_take_interrupts(t->partition, all, 8);

	if (count)
		sent = all[count - 1];
	return count;
}

START_TEST(identity)
{
	ck_assert_uint_eq(get(1), 0x00170011);
	ck_assert_uint_eq(get(0x10), 0x10000);
	set(0, 0xffffffff);
	ck_assert_uint_eq(get(0), 0x0f000000);
	ck_assert_uint_eq(get(2), 0x0f000000);
	set_entry(23, UINT64_MAX);
	ck_assert_uint_eq(get(0x3e), 0x1afff);
	ck_assert_uint_eq(get(0x3f), 0xff000000);
	ck_assert_uint_eq(get(0x40), 0);
}
END_TEST

START_TEST(edges_send_once)
{
	set_entry(4, UINT64_C(3) << 56 | 0x831);
	vdev_ioapic_set(ioapic, 4, true);
	vdev_ioapic_set(ioapic, 4, true);
	ck_assert_uint_eq(count_sent(), 1);
	ck_assert_uint_eq(sent.vector, 0x31);
	ck_assert_uint_eq(sent.destination, 3);
	ck_assert(sent.logical && !sent.level);
	vdev_ioapic_eoi(ioapic, 0x31);
	ck_assert_uint_eq(count_sent(), 0);
	ck_assert_uint_eq(vdev_ioapic_sent(ioapic), 1);
	ck_assert_uint_eq(vdev_ioapic_refused(ioapic), 0);
}
END_TEST

START_TEST(a_masked_edge_is_lost)
{
	set_entry(4, 0x10031);
	vdev_ioapic_set(ioapic, 4, true);
	set_entry(4, 0x31);
	ck_assert_uint_eq(count_sent(), 0);
}
END_TEST

START_TEST(levels_repeat_after_the_eoi)
{
	set_entry(10, 0x8052);
	vdev_ioapic_set(ioapic, 10, true);
	ck_assert_uint_eq(count_sent(), 1);
	ck_assert(sent.level);
	ck_assert_uint_eq(get(0x24) & 0x4000, 0x4000);
	vdev_ioapic_eoi(ioapic, 0x99);
	ck_assert_uint_eq(count_sent(), 0);
	vdev_ioapic_eoi(ioapic, 0x52);
	ck_assert_uint_eq(count_sent(), 1);
	vdev_ioapic_set(ioapic, 10, false);
	vdev_ioapic_eoi(ioapic, 0x52);
	ck_assert_uint_eq(count_sent(), 0);
	ck_assert_uint_eq(get(0x24) & 0x4000, 0);
}
END_TEST

START_TEST(a_masked_level_waits)
{
	set_entry(10, 0x18052);
	vdev_ioapic_set(ioapic, 10, true);
	ck_assert_uint_eq(count_sent(), 0);
	set_entry(10, 0x8052);
	ck_assert_uint_eq(count_sent(), 1);
}
END_TEST

START_TEST(turning_to_edge_clears_the_remote_irr)
{
	set_entry(10, 0x8052);
	vdev_ioapic_set(ioapic, 10, true);
	ck_assert_uint_eq(count_sent(), 1);
	set_entry(10, 0x10052);
	set_entry(10, 0x8052);
	ck_assert_uint_eq(count_sent(), 1);
}
END_TEST

static void ignore_intr(void *owner, bool level)
{
}

START_TEST(isa_interrupts_reach_both_controllers)
{
	struct vdev_isa_irq wiring;
	struct vdev_i8259 *pic;
	struct vdev_irq timer = {0}, com = {0};

	ck_assert_int_eq(vdev_i8259_create(&t->board, ignore_intr, NULL, &pic), 0);
	vdev_isa_irq_init(&wiring, pic, ioapic);
	vdev_irq_connect(&timer, &wiring.lines[0]);
	vdev_irq_connect(&com, &wiring.lines[4]);
	set_entry(2, 0x30);
	set_entry(4, 0x34);
	vdev_irq_pulse(&timer);
	ck_assert_uint_eq(count_sent(), 1);
	ck_assert_uint_eq(sent.vector, 0x30);
	vdev_irq_pulse(&com);
	ck_assert_uint_eq(count_sent(), 1);
	ck_assert_uint_eq(sent.vector, 0x34);
	test_out8(t, 0x20, 0x0a);
	ck_assert_uint_eq(test_in8(t, 0x20), 0x11);
	vdev_device_destroy(vdev_i8259_device(pic));
}
END_TEST

START_TEST(state_and_registers)
{
	struct test_board *t2 = test_board_create();
	struct vdev_ioapic *other;

	ck_assert_int_eq(vdev_ioapic_create(&t2->board, &other), 0);
	set_entry(10, 0x8052);
	set_entry(3, 0x33);
	vdev_ioapic_set(ioapic, 10, true);
	test_round_trip(vdev_ioapic_device(ioapic), vdev_ioapic_device(other));
	vdev_ioapic_eoi(other, 0x52);
	ck_assert_uint_eq(vdev_ioapic_sent(other), 1);
	vdev_device_destroy(vdev_ioapic_device(other));
	test_board_destroy(t2);
	test_hostile_state(vdev_ioapic_device(ioapic));
	vdev_ioapic_set(ioapic, 10, false);
	test_register_walk(t, vdev_ioapic_device(ioapic), false, VDEV_IOAPIC_BASE, 0x48);
}
END_TEST

static uint32_t read_window(void *owner, unsigned int at, unsigned int width)
{
	return get((uint8_t)at);
}

static void write_window(void *owner, unsigned int at, unsigned int width, uint32_t value)
{
	set((uint8_t)at, value);
}

/* Data sheet (290566), section 3; all entries are like the first. */
START_TEST(the_data_sheet)
{
	static const struct test_register registers[] = {
		{"IOAPICID", 0x00, 4, 0x00000000, 0x0f000000, 0},
		{"IOAPICVER", 0x01, 4, 0x00170011, 0, 0},
		{"IOAPICARB", 0x02, 4, 0x00000000, 0, 0},
		{"reserved", 0x03, 4, 0x00000000, 0, 0},
		{"IOREDTBL0", 0x10, 4, 0x00010000, 0x0001afff, 0},
		{"IOREDTBL0, high", 0x11, 4, 0x00000000, 0xff000000, 0},
		{"IOREDTBL23", 0x3e, 4, 0x00010000, 0x0001afff, 0},
		{"IOREDTBL23, high", 0x3f, 4, 0x00000000, 0xff000000, 0},
		{"behind the last", 0x40, 4, 0x00000000, 0, 0},
	};
	const struct test_access access = {read_window, write_window, NULL};

	test_registers(vdev_ioapic_device(ioapic), &access, registers, ARRAY_SIZE(registers));
	set(0x00, 0x05000000);
	ck_assert_uint_eq(get(0x02), 0x05000000); /* the arbitration id is loaded with the id */
}
END_TEST

TEST_MAIN("vdev/ioapic", setup, teardown, the_data_sheet, identity, edges_send_once,
	  a_masked_edge_is_lost, levels_repeat_after_the_eoi, a_masked_level_waits,
	  turning_to_edge_clears_the_remote_irr, isa_interrupts_reach_both_controllers,
	  state_and_registers)
