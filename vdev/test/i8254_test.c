/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254: each mode's output and count against its definition, latches, read-back, BCD, gate,
 * and the interrupt of counter 0.
 */
#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
#include "vdev/i8254.h"

static struct test_board *t;
static struct vdev_i8254 *pit;
static struct test_line *irq0;

static void setup(void)
{
	t = test_board_create();
	irq0 = &t->irq[0];
	ck_assert_int_eq(vdev_i8254_create(&t->board, &irq0->line, &pit), 0);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_i8254_device(pit));
	test_board_destroy(t);
}

/* Time at the start of tick `tick`. */
static void go_to_tick(uint64_t tick)
{
	test_board_advance(t, vdev_ticks_to_ns(tick, VDEV_I8254_HZ) - t->time);
}

static void load(unsigned int counter, unsigned int mode, uint16_t count)
{
	test_out8(t, 0x43, (uint8_t)(counter << 6 | 0x30 | mode << 1));
	test_out8(t, (uint16_t)(0x40 + counter), (uint8_t)count);
	test_out8(t, (uint16_t)(0x40 + counter), (uint8_t)(count >> 8));
}

static uint16_t read_count(unsigned int counter)
{
	uint8_t low;

	test_out8(t, 0x43, (uint8_t)(counter << 6));
	low = test_in8(t, (uint16_t)(0x40 + counter));
	return (uint16_t)(low | test_in8(t, (uint16_t)(0x40 + counter)) << 8);
}

static void set_gate(bool gate)
{
	test_out8(t, 0x61, gate);
}

START_TEST(mode_0_rises_at_the_end)
{
	load(0, 0, 100);
	ck_assert(!irq0->level);
	go_to_tick(99);
	ck_assert_uint_eq(read_count(0), 1);
	ck_assert(!irq0->level);
	go_to_tick(100);
	ck_assert(irq0->level);
	ck_assert_uint_eq(irq0->rises, 1);
	go_to_tick(103);
	ck_assert_uint_eq(read_count(0), 0xfffd);
	go_to_tick(1000000);
	ck_assert_uint_eq(irq0->rises, 1);
	test_out8(t, 0x43, 0x30);
	ck_assert(!irq0->level);
}
END_TEST

START_TEST(mode_0_first_byte_stops)
{
	load(2, 0, 0x100);
	set_gate(true);
	test_out8(t, 0x42, 0x10);
	go_to_tick(0x200);
	ck_assert(!vdev_i8254_output(pit, 2));
	test_out8(t, 0x42, 0);
	go_to_tick(0x20f);
	ck_assert(!vdev_i8254_output(pit, 2));
	go_to_tick(0x210);
	ck_assert(vdev_i8254_output(pit, 2));
}
END_TEST

START_TEST(mode_2_is_low_in_its_last_tick)
{
	load(2, 2, 5);
	set_gate(true);
	for (uint64_t tick = 0; tick < 20; tick++) {
		go_to_tick(tick);
		ck_assert_int_eq(vdev_i8254_output(pit, 2), tick % 5 != 4);
		ck_assert_uint_eq(read_count(2), 5 - tick % 5);
	}
}
END_TEST

START_TEST(mode_2_interrupts_every_period)
{
	load(0, 2, 1193); /* about 1 kHz */
	irq0->rises = 0;
	test_board_advance(t, VDEV_SECOND);
	ck_assert_uint_eq(irq0->rises, VDEV_I8254_HZ / 1193);
}
END_TEST

START_TEST(mode_2_takes_a_new_count_at_the_end_of_the_period)
{
	load(2, 2, 100);
	set_gate(true);
	go_to_tick(30);
	test_out8(t, 0x42, 50);
	test_out8(t, 0x42, 0);
	go_to_tick(40);
	ck_assert_uint_eq(read_count(2), 60);
	go_to_tick(100);
	ck_assert_uint_eq(read_count(2), 50);
	go_to_tick(149);
	ck_assert(!vdev_i8254_output(pit, 2));
}
END_TEST

START_TEST(mode_3_is_a_square_wave)
{
	static const uint16_t even[] = {6, 4, 2, 6, 4, 2}, odd[] = {4, 2, 0, 4, 2};

	load(2, 3, 6);
	set_gate(true);
	for (uint64_t tick = 0; tick < 12; tick++) {
		go_to_tick(tick);
		ck_assert_int_eq(vdev_i8254_output(pit, 2), tick % 6 < 3);
		ck_assert_uint_eq(read_count(2), even[tick % 6]);
	}
	load(2, 3, 5);
	for (uint64_t tick = 0; tick < 10; tick++) {
		go_to_tick(11 + tick);
		ck_assert_int_eq(vdev_i8254_output(pit, 2), tick % 5 < 3);
		ck_assert_uint_eq(read_count(2), odd[tick % 5]);
	}
}
END_TEST

START_TEST(mode_4_strobes_once)
{
	load(2, 4, 3);
	set_gate(true);
	for (uint64_t tick = 0; tick < 10; tick++) {
		go_to_tick(tick);
		ck_assert_int_eq(vdev_i8254_output(pit, 2), tick != 3);
	}
}
END_TEST

START_TEST(mode_1_starts_with_the_gate)
{
	load(2, 1, 10);
	go_to_tick(50);
	ck_assert(vdev_i8254_output(pit, 2));
	set_gate(true);
	ck_assert(!vdev_i8254_output(pit, 2));
	go_to_tick(55);
	set_gate(false);
	set_gate(true); /* again, from the start */
	go_to_tick(64);
	ck_assert(!vdev_i8254_output(pit, 2));
	go_to_tick(65);
	ck_assert(vdev_i8254_output(pit, 2));
}
END_TEST

START_TEST(the_gate_stops_mode_0)
{
	set_gate(true);
	load(2, 0, 100);
	go_to_tick(40);
	set_gate(false);
	go_to_tick(400);
	ck_assert_uint_eq(read_count(2), 60);
	set_gate(true);
	go_to_tick(459);
	ck_assert_uint_eq(test_in8(t, 0x61) & 0x20, 0);
	go_to_tick(460);
	ck_assert_uint_eq(test_in8(t, 0x61) & 0x20, 0x20);
}
END_TEST

START_TEST(zero_stands_for_the_largest_count)
{
	load(0, 2, 0);
	go_to_tick(1);
	ck_assert_uint_eq(read_count(0), 0xffff);
	go_to_tick(65536);
	ck_assert_uint_eq(read_count(0), 0);
}
END_TEST

START_TEST(bcd_counts_in_decimal)
{
	test_out8(t, 0x43, 0x31);
	test_out8(t, 0x40, 0x00);
	test_out8(t, 0x40, 0x10);
	go_to_tick(1);
	ck_assert_uint_eq(read_count(0), 0x0999);
	go_to_tick(1001);
	ck_assert_uint_eq(read_count(0), 0x9999);
}
END_TEST

START_TEST(latches_hold_until_read)
{
	load(0, 2, 1000);
	go_to_tick(100);
	test_out8(t, 0x43, 0);
	go_to_tick(200);
	test_out8(t, 0x43, 0); /* has no effect: one is latched */
	ck_assert_uint_eq(test_in8(t, 0x40), 900 & 0xff);
	ck_assert_uint_eq(test_in8(t, 0x40), 900 >> 8);
	ck_assert_uint_eq(test_in8(t, 0x40), 800 & 0xff);
	ck_assert_uint_eq(test_in8(t, 0x40), 800 >> 8);
}
END_TEST

START_TEST(read_back_gives_status_then_count)
{
	load(0, 2, 1000);
	go_to_tick(100);
	test_out8(t, 0x43, 0xc2);
	ck_assert_uint_eq(test_in8(t, 0x40), 0xb4);
	ck_assert_uint_eq(test_in8(t, 0x40), 900 & 0xff);
	ck_assert_uint_eq(test_in8(t, 0x40), 900 >> 8);
	test_out8(t, 0x43, 0x34);
	test_out8(t, 0x43, 0xe2);
	ck_assert_uint_eq(test_in8(t, 0x40), 0xf4); /* null count */
}
END_TEST

START_TEST(single_byte_access)
{
	test_out8(t, 0x43, 0x14); /* low byte only, mode 2 */
	test_out8(t, 0x40, 0x80);
	go_to_tick(1);
	ck_assert_uint_eq(test_in8(t, 0x40), 0x7f);
	test_out8(t, 0x43, 0x24); /* high byte only */
	test_out8(t, 0x40, 0x02);
	go_to_tick(2);
	ck_assert_uint_eq(test_in8(t, 0x40), 0x01);
}
END_TEST

START_TEST(a_fast_counter_does_not_flood)
{
	load(0, 2, 2);
	irq0->rises = 0;
	test_board_advance(t, VDEV_MILLISECOND);
	ck_assert_uint_gt(irq0->rises, 10);
	ck_assert_uint_le(irq0->rises, 21);
}
END_TEST

START_TEST(port_61_toggles_the_refresh_bit)
{
	unsigned int toggles = 0;
	uint8_t before = test_in8(t, 0x61), now;

	for (unsigned int i = 0; i < 1000; i++) {
		test_board_advance(t, 1000);
		now = test_in8(t, 0x61);
		toggles += (before ^ now) >> 4 & 1;
		before = now;
	}
	ck_assert_uint_ge(toggles, 64);
	ck_assert_uint_le(toggles, 68);
	test_out8(t, 0x61, 0xff);
	ck_assert_uint_eq(test_in8(t, 0x61) & 0xcf, 0x0f);
}
END_TEST

START_TEST(state_and_registers)
{
	struct test_board *t2 = test_board_create();
	struct vdev_i8254 *other;

	ck_assert_int_eq(vdev_i8254_create(&t2->board, &t2->irq[0].line, &other), 0);
	load(0, 2, 1193);
	load(2, 0, 500);
	go_to_tick(5000);
	t2->time = t->time;
	test_round_trip(vdev_i8254_device(pit), vdev_i8254_device(other));
	t2->irq[0].rises = 0;
	test_board_advance(t2, 100 * VDEV_MILLISECOND);
	ck_assert_uint_ge(t2->irq[0].rises, 99);
	vdev_device_destroy(vdev_i8254_device(other));
	test_board_destroy(t2);
	test_hostile_state(vdev_i8254_device(pit));
	test_register_walk(t, vdev_i8254_device(pit), true, 0x40, 4);
	test_register_walk(t, vdev_i8254_device(pit), true, 0x61, 1);
}
END_TEST

/* Port 61h, 290562 section 4.2.4; of 43h nothing can be read. */
START_TEST(the_data_sheet)
{
	static const struct test_register registers[] = {
		{"control word", 0x43, 1, 0xff, 0, 0},
		{"port 61h", 0x61, 1, 0x20, 0x0f, BIT(4) | BIT(5)}, /* refresh, counter 2 */
	};
	const struct test_access access = test_access_ports(t);

	test_registers(vdev_i8254_device(pit), &access, registers, ARRAY_SIZE(registers));
	for (unsigned int counter = 0; counter < 3; counter++) { /* the status, by read-back */
		test_out8(t, 0x43, (uint8_t)(0xe0 | 2 << counter));
		ck_assert_uint_eq(test_in8(t, (uint16_t)(0x40 + counter)), 0xf6);
	}
}
END_TEST

TEST_MAIN("vdev/i8254", setup, teardown, the_data_sheet, mode_0_rises_at_the_end,
	  mode_0_first_byte_stops, mode_2_is_low_in_its_last_tick, mode_2_interrupts_every_period,
	  mode_2_takes_a_new_count_at_the_end_of_the_period, mode_3_is_a_square_wave,
	  mode_4_strobes_once, mode_1_starts_with_the_gate, the_gate_stops_mode_0,
	  zero_stands_for_the_largest_count, bcd_counts_in_decimal, latches_hold_until_read,
	  read_back_gives_status_then_count, single_byte_access, a_fast_counter_does_not_flood,
	  port_61_toggles_the_refresh_bit, state_and_registers)
