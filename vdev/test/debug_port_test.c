/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The debug port, as SeaBIOS knows it (a port that reads as E9h takes text), and
 * the POST port.
 */
#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
#include "vdev/debug_port.h"

static struct test_board *t;
static struct vdev_debug_port *port;
static uint8_t heard[16];
static unsigned int heard_count;

static void hear(void *owner, uint8_t byte)
{
	heard[heard_count++ % sizeof(heard)] = byte;
}

static void setup(void)
{
	t = test_board_create();
	heard_count = 0;
	ck_assert_int_eq(vdev_debug_port_create(&t->board, hear, NULL, &port), 0);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_debug_port_device(port));
	test_board_destroy(t);
}

START_TEST(the_data_sheet)
{
	static const struct test_register registers[] = {
		{"debug port", 0x402, 1, 0xe9, 0, 0},
		{"POST code", 0x80, 1, 0x00, 0xff, 0},
	};
	const struct test_access access = test_access_ports(t);

	test_registers(vdev_debug_port_device(port), &access, registers, ARRAY_SIZE(registers));
}
END_TEST

START_TEST(the_data_sheet_without_a_listener)
{
	static const struct test_register registers[] = {
		{"debug port", 0x402, 1, 0xff, 0, 0},
		{"POST code", 0x80, 1, 0x00, 0xff, 0},
	};
	const struct test_access access = test_access_ports(t);

	vdev_device_destroy(vdev_debug_port_device(port));
	ck_assert_int_eq(vdev_debug_port_create(&t->board, NULL, NULL, &port), 0);
	test_registers(vdev_debug_port_device(port), &access, registers, ARRAY_SIZE(registers));
	ck_assert_uint_eq(heard_count, 0);
}
END_TEST

START_TEST(bytes_are_heard_and_codes_are_not)
{
	test_out8(t, 0x402, 'S');
	test_out8(t, 0x80, 0x42);
	test_out16(t, 0x402, 'e' | '!' << 8); /* the upper byte is another port's */
	ck_assert_uint_eq(heard_count, 2);
	ck_assert_mem_eq(heard, "Se", 2);
	ck_assert_uint_eq(vdev_debug_port_post_code(port), 0x42);
}
END_TEST

START_TEST(state_and_registers)
{
	struct test_board *t2 = test_board_create();
	struct vdev_debug_port *other;

	ck_assert_int_eq(vdev_debug_port_create(&t2->board, NULL, NULL, &other), 0);
	test_out8(t, 0x80, 0x42);
	test_round_trip(vdev_debug_port_device(port), vdev_debug_port_device(other));
	ck_assert_uint_eq(test_in8(t2, 0x80), 0x42);
	vdev_device_destroy(vdev_debug_port_device(other));
	test_board_destroy(t2);
	test_hostile_state(vdev_debug_port_device(port));
	test_register_walk(t, vdev_debug_port_device(port), true, 0x402, 1);
	test_register_walk(t, vdev_debug_port_device(port), true, 0x80, 1);
}
END_TEST

TEST_MAIN("vdev/debug_port", setup, teardown, the_data_sheet, the_data_sheet_without_a_listener,
	  bytes_are_heard_and_codes_are_not, state_and_registers)
