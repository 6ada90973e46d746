/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8259A pair: initialization, priorities, cascade, EOI forms, level inputs, polling.
 */
#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
#include "vdev/i8259.h"

static struct test_board *t;
static struct vdev_i8259 *pic, *other;
static bool intr;
static unsigned int intr_changes;

static void note_intr(void *owner, bool level)
{
	intr = level;
	intr_changes++;
}

static void initialize(uint8_t icw4)
{
	static const uint16_t base[2] = {0x20, 0xa0};

	for (unsigned int i = 0; i < 2; i++) {
		test_out8(t, base[i], 0x11);
		test_out8(t, base[i] + 1, i ? 0x70 : 0x08);
		test_out8(t, base[i] + 1, i ? 2 : 4);
		test_out8(t, base[i] + 1, icw4);
		test_out8(t, base[i] + 1, 0);
	}
}

static void setup(void)
{
	t = test_board_create();
	ck_assert_int_eq(vdev_i8259_create(&t->board, note_intr, NULL, &pic), 0);
	intr = false;
	intr_changes = 0;
	initialize(0x01);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_i8259_device(pic));
	test_board_destroy(t);
}

static void pulse(unsigned int pin)
{
	vdev_i8259_set(pic, pin, true);
	vdev_i8259_set(pic, pin, false);
}

START_TEST(an_edge_is_one_interrupt)
{
	vdev_i8259_set(pic, 4, true);
	ck_assert(intr && vdev_i8259_pending(pic));
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x0c);
	ck_assert(!intr);
	test_out8(t, 0x20, 0x20);
	ck_assert(!intr);
	vdev_i8259_set(pic, 4, false);
	vdev_i8259_set(pic, 4, true);
	ck_assert(intr);
}
END_TEST

START_TEST(lower_priorities_wait_for_the_eoi)
{
	pulse(3);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x0b);
	pulse(5);
	ck_assert(!intr);
	pulse(1);
	ck_assert(intr);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x09);
	test_out8(t, 0x20, 0x20); /* ends 1 */
	ck_assert(!intr);
	test_out8(t, 0x20, 0x63); /* ends 3 by name */
	ck_assert(intr);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x0d);
}
END_TEST

START_TEST(the_slave_comes_through_input_2)
{
	pulse(10);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x72);
	test_out8(t, 0x20, 0x0b);
	ck_assert_uint_eq(test_in8(t, 0x20), 0x04);
	test_out8(t, 0xa0, 0x0b);
	ck_assert_uint_eq(test_in8(t, 0xa0), 0x04);
	pulse(9); /* better within the slave, but the master's input 2 is in service */
	ck_assert(!intr);
	test_out8(t, 0xa0, 0x20);
	test_out8(t, 0x20, 0x20);
	ck_assert(intr);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x71);
}
END_TEST

START_TEST(special_fully_nested_lets_the_slave_nest)
{
	initialize(0x11);
	pulse(10);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x72);
	pulse(9);
	ck_assert(intr);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x71);
}
END_TEST

START_TEST(masks_hold_back_and_let_go)
{
	test_out8(t, 0x21, 0x10);
	pulse(4);
	ck_assert(!intr);
	ck_assert_uint_eq(test_in8(t, 0x21), 0x10);
	test_out8(t, 0x20, 0x0a);
	ck_assert_uint_eq(test_in8(t, 0x20), 0x10);
	test_out8(t, 0x21, 0);
	ck_assert(intr);
}
END_TEST

START_TEST(level_inputs_ask_as_long_as_they_are_high)
{
	test_out8(t, 0x4d1, 0x04); /* IRQ 10 */
	vdev_i8259_set(pic, 10, true);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x72);
	test_out8(t, 0xa0, 0x20);
	test_out8(t, 0x20, 0x20);
	ck_assert(intr);
	vdev_i8259_set(pic, 10, false);
	ck_assert(!intr);
}
END_TEST

START_TEST(elcr_keeps_the_board_inputs_on_edges)
{
	test_out16(t, 0x4d0, 0xffff);
	ck_assert_uint_eq(test_in16(t, 0x4d0), 0xdef8);
}
END_TEST

START_TEST(an_interrupt_that_went_away_is_spurious)
{
	test_out8(t, 0x4d0, 0x20);
	vdev_i8259_set(pic, 5, true);
	vdev_i8259_set(pic, 5, false);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x0f);
	test_out8(t, 0x20, 0x0b);
	ck_assert_uint_eq(test_in8(t, 0x20), 0);
}
END_TEST

START_TEST(automatic_eoi_leaves_nothing_in_service)
{
	initialize(0x03);
	pulse(3);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x0b);
	pulse(5);
	ck_assert(intr);
}
END_TEST

START_TEST(rotation_changes_the_order)
{
	test_out8(t, 0x20, 0xc3); /* 3 is lowest now, 4 highest */
	pulse(0);
	pulse(4);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x0c);
	test_out8(t, 0x20, 0xa0); /* rotating EOI: 4 becomes lowest */
	pulse(4);
	pulse(5);
	ck_assert_uint_eq(vdev_i8259_acknowledge(pic), 0x0d);
}
END_TEST

START_TEST(special_mask_mode_opens_lower_priorities)
{
	pulse(3);
	vdev_i8259_acknowledge(pic);
	test_out8(t, 0x21, 0x08);
	test_out8(t, 0x20, 0x68);
	pulse(6);
	ck_assert(intr);
	test_out8(t, 0x20, 0x48);
	ck_assert(!intr);
}
END_TEST

START_TEST(polling_acknowledges)
{
	pulse(6);
	test_out8(t, 0x20, 0x0c);
	ck_assert_uint_eq(test_in8(t, 0x20), 0x86);
	ck_assert(!intr);
	test_out8(t, 0x20, 0x20);
	test_out8(t, 0x20, 0x0c);
	ck_assert_uint_eq(test_in8(t, 0x20), 0);
}
END_TEST

START_TEST(the_listener_hears_changes_only)
{
	for (unsigned int i = 0; i < 10; i++)
		pulse(4);
	ck_assert_uint_eq(intr_changes, 1);
}
END_TEST

START_TEST(state_and_registers)
{
	struct test_board *t2 = test_board_create();

	ck_assert_int_eq(vdev_i8259_create(&t2->board, note_intr, NULL, &other), 0);
	pulse(3);
	vdev_i8259_acknowledge(pic);
	pulse(12);
	pulse(1);
	test_round_trip(vdev_i8259_device(pic), vdev_i8259_device(other));
	ck_assert_uint_eq(vdev_i8259_acknowledge(other), 0x09);
	vdev_device_destroy(vdev_i8259_device(other));
	test_board_destroy(t2);
	test_hostile_state(vdev_i8259_device(pic));
	test_register_walk(t, vdev_i8259_device(pic), true, 0x20, 2);
	test_register_walk(t, vdev_i8259_device(pic), true, 0xa0, 2);
	test_register_walk(t, vdev_i8259_device(pic), true, 0x4d0, 2);
}
END_TEST

/* Data sheet, "Operation command words"; ELCR: 290562 section 4.2.3. */
START_TEST(the_data_sheet)
{
	static const struct test_register registers[] = {
		{"IMR of the master", 0x21, 1, 0x00, 0xff, 0},
		{"IMR of the slave", 0xa1, 1, 0x00, 0xff, 0},
		{"ELCR 1", 0x4d0, 1, 0x00, 0xf8, 0},
		{"ELCR 2", 0x4d1, 1, 0x00, 0xde, 0},
	};
	const struct test_access access = test_access_ports(t);

	test_registers(vdev_i8259_device(pic), &access, registers, ARRAY_SIZE(registers));
	for (uint16_t base = 0x20; base <= 0xa0; base += 0x80) {
		test_out8(t, base, 0x0a);
		ck_assert_uint_eq(test_in8(t, base), 0); /* IRR */
		test_out8(t, base, 0x0b);
		ck_assert_uint_eq(test_in8(t, base), 0); /* ISR */
	}
}
END_TEST

TEST_MAIN("vdev/i8259", setup, teardown, the_data_sheet, an_edge_is_one_interrupt,
	  lower_priorities_wait_for_the_eoi, the_slave_comes_through_input_2,
	  special_fully_nested_lets_the_slave_nest, masks_hold_back_and_let_go,
	  level_inputs_ask_as_long_as_they_are_high, elcr_keeps_the_board_inputs_on_edges,
	  an_interrupt_that_went_away_is_spurious, automatic_eoi_leaves_nothing_in_service,
	  rotation_changes_the_order, special_mask_mode_opens_lower_priorities,
	  polling_acknowledges, the_listener_hears_changes_only, state_and_registers)
