/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole machine: interrupts from a device to a vector, all registers walked at once, everything
 * saved from one machine and restored into another, hostile or not.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "test_machine.h"
#include "test_main.h"

static struct test_machine *m;

static void setup(void)
{
	m = test_machine_create(NULL, 0x20000, MIB(2));
}

static void teardown(void)
{
	test_machine_destroy(m);
}

static void save_all(struct test_machine *from, struct vdev_state_writer *w)
{
	vdev_state_writer_init(w);
	for (unsigned int i = 0; i < TEST_MACHINE_DEVICES; i++)
		vdev_device_save(from->devices[i], w);
	ck_assert_int_eq(vdev_state_writer_error(w), 0);
}

static void reset_all(void)
{
	for (unsigned int i = 0; i < TEST_MACHINE_DEVICES; i++)
		vdev_device_reset(m->devices[i]);
}

static void initialize_pic(void)
{
	static const uint16_t writes[][2] = {{0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0x21, 1},
					     {0xa0, 0x11}, {0xa1, 0x28}, {0xa1, 2}, {0xa1, 1},
					     {0x21, 0xe8}, {0xa1, 0xee}};

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
		test_out8(m->t, writes[i][0], (uint8_t)writes[i][1]);
}

START_TEST(the_timer_becomes_a_vector)
{
	initialize_pic();
	test_out8(m->t, 0x43, 0x34);
	test_out8(m->t, 0x40, 0x9b);
	test_out8(m->t, 0x40, 0x2e);
	if (vdev_i8259_pending(m->pic)) {
		vdev_i8259_acknowledge(m->pic);
		test_out8(m->t, 0x20, 0x20);
	}
	for (unsigned int i = 0; i < 10; i++) {
		test_board_advance(m->t, 10 * VDEV_MILLISECOND);
		ck_assert(vdev_i8259_pending(m->pic));
		ck_assert_uint_eq(vdev_i8259_acknowledge(m->pic), 0x20);
		test_out8(m->t, 0x20, 0x20);
		ck_assert(!vdev_i8259_pending(m->pic));
	}
}
END_TEST

START_TEST(a_key_and_a_serial_byte_become_vectors)
{
	const uint8_t byte = 'x';

	initialize_pic();
	test_out8(m->t, 0x64, 0x60);
	test_out8(m->t, 0x60, 0x45);
	vdev_i8042_key(m->kbc, 0x1e, true);
	ck_assert_uint_eq(vdev_i8259_acknowledge(m->pic), 0x21);
	test_out8(m->t, 0x20, 0x20);
	test_out8(m->t, 0x3fc, 0x08);
	test_out8(m->t, 0x3f9, 0x01);
	ck_assert_uint_eq(vdev_ns16550a_receive(m->com1, &byte, 1), 1);
	ck_assert_uint_eq(vdev_i8259_acknowledge(m->pic), 0x24);
}
END_TEST

START_TEST(the_debug_port_logs)
{
	ck_assert_uint_eq(test_in8(m->t, 0x402), 0xe9);
	test_out8(m->t, 0x402, 'S');
	test_out8(m->t, 0x80, 0x42);
	ck_assert_uint_eq(m->debug_log.size, 1);
	ck_assert_uint_eq(vdev_debug_port_post_code(m->debug), 0x42);
}
END_TEST

START_TEST(every_port_with_every_width)
{
	for (unsigned int width = 1; width <= 4; width *= 2) {
		for (unsigned int port = 0; port <= 0xffff; port++) {
			vdev_bus_read(&m->t->board.ports, port, width);
			vdev_bus_write(&m->t->board.ports, port, width, port * 0x01010101u);
			vdev_bus_write(&m->t->board.ports, port, width, UINT32_MAX);
		}
		test_board_advance(m->t, VDEV_SECOND);
	}
	reset_all();
	ck_assert_uint_eq(vdev_i8259_pending(m->pic), 0);
}
END_TEST

START_TEST(reset_brings_back_power_on_state)
{
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer fresh, again;

	save_all(m, &fresh);
	initialize_pic();
	test_out32(m->t, 0xcf8, 0x80000058);
	test_out32(m->t, 0xcfc, 0x33333333);
	test_out8(m->t, 0x3fb, 0x83);
	test_out8(m->t, 0x80, 0x99);
	test_out8(m->t, 0x64, 0xae);
	reset_all();
	save_all(m, &again);
	ck_assert_uint_eq(fresh.size, again.size);
	ck_assert_mem_eq(fresh.data, again.data, fresh.size);
}
END_TEST

START_TEST(one_machine_becomes_another)
{
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer saved, again;
	struct test_machine *m2 = test_machine_create(NULL, 0x20000, MIB(2));
	struct vdev_state_reader reader;

	initialize_pic();
	test_out8(m->t, 0x43, 0x34);
	test_out8(m->t, 0x40, 0x9b);
	test_out8(m->t, 0x40, 0x2e);
	test_board_advance(m->t, 15 * VDEV_MILLISECOND);
	vdev_i8042_key(m->kbc, 0x1e, true);
	save_all(m, &saved);
	m2->t->time = m->t->time;
	ck_assert_int_eq(vdev_state_reader_init(&reader, saved.data, saved.size), 0);
	for (unsigned int i = 0; i < TEST_MACHINE_DEVICES; i++)
		ck_assert_int_eq(vdev_device_restore(m2->devices[i], &reader), 0);
	save_all(m2, &again);
	ck_assert_uint_eq(saved.size, again.size);
	ck_assert_mem_eq(saved.data, again.data, saved.size);
	ck_assert_int_eq(vdev_i8259_pending(m2->pic), vdev_i8259_pending(m->pic));
	ck_assert_uint_eq(vdev_i8259_acknowledge(m2->pic), vdev_i8259_acknowledge(m->pic));
	test_machine_destroy(m2);
}
END_TEST

START_TEST(the_order_of_restoring_does_not_matter)
{
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer saved, again;
	struct test_machine *m2 = test_machine_create(NULL, 0x20000, MIB(2));
	struct vdev_state_reader reader;

	initialize_pic();
	vdev_piix4_pm_power_button(m->pm);
	test_out8(m->t, 0x3fc, 0x08);
	test_out8(m->t, 0x3f9, 0x02);
	save_all(m, &saved);
	ck_assert_int_eq(vdev_state_reader_init(&reader, saved.data, saved.size), 0);
	for (unsigned int i = TEST_MACHINE_DEVICES; i-- > 0;)
		ck_assert_int_eq(vdev_device_restore(m2->devices[i], &reader), 0);
	save_all(m2, &again);
	ck_assert_mem_eq(saved.data, again.data, saved.size);
	test_machine_destroy(m2);
}
END_TEST

START_TEST(no_device_takes_a_damaged_state)
{
	for (unsigned int i = 0; i < TEST_MACHINE_DEVICES; i++)
		test_hostile_state(m->devices[i]);
}
END_TEST

START_TEST(ranges_have_names_and_count)
{
	const struct vdev_bus *ports = &m->t->board.ports;
	uint64_t writes = 0;

	test_out8(m->t, 0x3f8, 'x');
	for (size_t i = 0; i < ports->count; i++) {
		ck_assert_ptr_nonnull(ports->ranges[i]->name);
		writes += ports->ranges[i]->writes;
	}
	ck_assert_uint_eq(writes, 1);
	ck_assert_uint_eq(m->com1_log.size, 1);
}
END_TEST

TEST_MAIN("vdev/machine", setup, teardown, the_timer_becomes_a_vector,
	  a_key_and_a_serial_byte_become_vectors, the_debug_port_logs, every_port_with_every_width,
	  reset_brings_back_power_on_state, one_machine_becomes_another,
	  the_order_of_restoring_does_not_matter, no_device_takes_a_damaged_state,
	  ranges_have_names_and_count)
