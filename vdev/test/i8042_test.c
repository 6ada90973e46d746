/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard controller with keyboard and mouse, by the conversations that drivers have with them.
 */
#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
#include "vdev/i8042.h"

static struct test_board *t;
static struct vdev_i8042 *kbc;

static void setup(void)
{
	t = test_board_create();
	ck_assert_int_eq(vdev_i8042_create(&t->board, &t->irq[1].line, &t->irq[12].line, &kbc), 0);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_i8042_device(kbc));
	test_board_destroy(t);
}

static void command(uint8_t value)
{
	test_out8(t, 0x64, value);
}

static void data(uint8_t value)
{
	test_out8(t, 0x60, value);
}

/* The next byte, or -1 if there is none; a byte of the mouse has 0x100 added. */
static int next(void)
{
	uint8_t status = test_in8(t, 0x64);

	if (!(status & 1))
		return -1;
	return test_in8(t, 0x60) | (status & 0x20 ? 0x100 : 0);
}

static void expect(const int *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(next(), bytes[i]);
	ck_assert_int_eq(next(), -1);
}

#define EXPECT(...) expect((const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

/* Both ports on, with interrupts, and translation if wished. */
static void enable(bool translate)
{
	command(0x60);
	data(translate ? 0x47 : 0x07);
}

static void mouse_command(uint8_t value)
{
	command(0xd4);
	data(value);
}

START_TEST(self_tests_and_command_byte)
{
	command(0xaa);
	EXPECT(0x55);
	ck_assert_uint_eq(test_in8(t, 0x64) & 0x04, 0x04);
	command(0xab);
	EXPECT(0x00);
	command(0xa9);
	EXPECT(0x00);
	command(0x60);
	data(0x65);
	command(0x20);
	EXPECT(0x65);
	command(0xa7);
	command(0xad);
	command(0x20);
	EXPECT(0x75);
	command(0xa8);
	command(0xae);
	command(0x20);
	EXPECT(0x45);
}
END_TEST

START_TEST(keyboard_reset_and_identity)
{
	enable(false);
	data(0xff);
	EXPECT(0xfa, 0xaa);
	data(0xf2);
	EXPECT(0xfa, 0xab, 0x83);
	enable(true);
	data(0xf2);
	EXPECT(0xfa, 0xab, 0x41);
	data(0xee);
	EXPECT(0xee);
	data(0xed);
	EXPECT(0xfa);
	data(0x05);
	EXPECT(0xfa);
	ck_assert_uint_eq(vdev_i8042_leds(kbc), 5);
	data(0xfe);
	EXPECT(0xfa);
	data(0x12);
	EXPECT(0xfe);
}
END_TEST

START_TEST(keys_in_set_1_through_translation)
{
	enable(true);
	vdev_i8042_key(kbc, 0x1e, true);
	vdev_i8042_key(kbc, 0x1e, false);
	EXPECT(0x1e, 0x9e);
	vdev_i8042_key(kbc, 0xe048, true);
	vdev_i8042_key(kbc, 0xe048, false);
	EXPECT(0xe0, 0x48, 0xe0, 0xc8);
	vdev_i8042_key(kbc, 0xe11d, true);
	vdev_i8042_key(kbc, 0xe11d, false);
	EXPECT(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
	vdev_i8042_key(kbc, 0xe037, true);
	EXPECT(0xe0, 0x2a, 0xe0, 0x37);
	vdev_i8042_key(kbc, 0xe037, false);
	EXPECT(0xe0, 0xb7, 0xe0, 0xaa);
	for (uint16_t key = 1; key < 0x54; key++) {
		vdev_i8042_key(kbc, key, true);
		EXPECT(key);
	}
}
END_TEST

START_TEST(keys_in_set_2_and_set_1_untranslated)
{
	enable(false);
	vdev_i8042_key(kbc, 0x1e, true);
	vdev_i8042_key(kbc, 0x1e, false);
	EXPECT(0x1c, 0xf0, 0x1c);
	vdev_i8042_key(kbc, 0x41, true); /* F7 */
	EXPECT(0x83);
	data(0xf0);
	EXPECT(0xfa);
	data(0x01);
	EXPECT(0xfa);
	vdev_i8042_key(kbc, 0xe048, false);
	EXPECT(0xe0, 0xc8);
	data(0xf0);
	data(0x00);
	EXPECT(0xfa, 0xfa, 0x01);
}
END_TEST

START_TEST(interrupts_have_an_edge_per_byte)
{
	enable(true);
	vdev_i8042_key(kbc, 0xe048, true);
	ck_assert_uint_eq(t->irq[1].rises, 1);
	next();
	ck_assert_uint_eq(t->irq[1].rises, 2);
	next();
	ck_assert(!t->irq[1].level);
	ck_assert_uint_eq(t->irq[12].rises, 0);
}
END_TEST

START_TEST(a_disabled_keyboard_keeps_its_keys)
{
	enable(true);
	command(0xad);
	vdev_i8042_key(kbc, 0x1e, true);
	EXPECT(-1);
	command(0xae);
	EXPECT(0x1e);
	data(0xf5);
	EXPECT(0xfa);
	vdev_i8042_key(kbc, 0x1e, true);
	EXPECT(-1);
}
END_TEST

START_TEST(a_full_buffer_loses_whole_keys)
{
	enable(false);
	command(0xad);
	for (unsigned int i = 0; i < 100; i++)
		vdev_i8042_key(kbc, 0xe048, true);
	command(0xae);
	for (unsigned int i = 0; i < 24; i++) {
		ck_assert_int_eq(next(), 0xe0);
		ck_assert_int_eq(next(), 0x75);
	}
	EXPECT(-1);
	vdev_i8042_key(kbc, 0x1e, true);
	EXPECT(0x1c);
}
END_TEST

START_TEST(the_mouse_tells_what_it_is)
{
	static const uint8_t knock3[] = {200, 100, 80}, knock4[] = {200, 200, 80};

	enable(true);
	mouse_command(0xff);
	EXPECT(0x1fa, 0x1aa, 0x100);
	for (unsigned int i = 0; i < 3; i++) {
		mouse_command(0xf3);
		mouse_command(knock3[i]);
		EXPECT(0x1fa, 0x1fa);
	}
	mouse_command(0xf2);
	EXPECT(0x1fa, 0x103);
	for (unsigned int i = 0; i < 3; i++) {
		mouse_command(0xf3);
		mouse_command(knock4[i]);
		EXPECT(0x1fa, 0x1fa);
	}
	mouse_command(0xf2);
	EXPECT(0x1fa, 0x104);
	mouse_command(0xe9);
	EXPECT(0x1fa, 0x100, 0x102, 0x150);
	mouse_command(0x77);
	EXPECT(0x1fe);
}
END_TEST

START_TEST(mouse_packets)
{
	enable(true);
	vdev_i8042_mouse(kbc, 5, 5, 0, 0);
	EXPECT(-1); /* reporting is off */
	mouse_command(0xf6);
	mouse_command(0xf4);
	while (next() >= 0)
		continue;
	ck_assert_uint_gt(t->irq[12].rises, 0);
	vdev_i8042_mouse(kbc, 10, -3, 0, VDEV_MOUSE_LEFT);
	EXPECT(0x129, 0x10a, 0x1fd);
	vdev_i8042_mouse(kbc, 0, 0, 0, 0);
	EXPECT(0x108, 0x100, 0x100);
	vdev_i8042_mouse(kbc, 0, 0, 0, 0);
	EXPECT(-1);
	vdev_i8042_mouse(kbc, 300, 0, 0, 0); /* more than one packet holds */
	EXPECT(0x108, 0x1ff, 0x100, 0x108, 0x12d, 0x100);
}
END_TEST

START_TEST(movement_adds_up_while_nobody_reads)
{
	unsigned int packets = 0;
	int x = 0;

	enable(true);
	mouse_command(0xf4);
	EXPECT(0x1fa);
	for (unsigned int i = 0; i < 1000; i++)
		vdev_i8042_mouse(kbc, 1, 0, 0, 0);
	for (int first = next(); first >= 0; first = next(), packets++) {
		x += next() & 0xff;
		next();
	}
	ck_assert_int_eq(x, 1000);
	ck_assert_uint_lt(packets, 25);
}
END_TEST

START_TEST(output_port_and_resets)
{
	command(0xd1);
	data(0xdd);
	command(0xd0);
	EXPECT(0xdd);
	ck_assert_uint_eq(test_in8(t, 0x92), 0);
	test_out8(t, 0x92, 0x02);
	ck_assert_uint_eq(test_in8(t, 0x92), 2);
	command(0xd0);
	EXPECT(0xdf);
	ck_assert_uint_eq(t->event_count, 0);
	command(0xfe);
	ck_assert_uint_eq(t->event_count, 1);
	ck_assert_int_eq(t->events[0], VDEV_EVENT_RESET);
	test_out8(t, 0x92, 0x01);
	ck_assert_int_eq(t->events[1], VDEV_EVENT_INIT);
	command(0xd1);
	data(0xfe);
	ck_assert_int_eq(t->events[2], VDEV_EVENT_RESET);
	command(0xff);
	ck_assert_uint_eq(t->event_count, 3);
}
END_TEST

START_TEST(bytes_can_be_put_into_the_output_buffer)
{
	enable(true);
	command(0xd2);
	data(0x42);
	EXPECT(0x42);
	command(0xd3);
	data(0x43);
	EXPECT(0x143);
}
END_TEST

START_TEST(state_and_registers)
{
	struct test_board *t2 = test_board_create();
	struct vdev_i8042 *other;

	ck_assert_int_eq(vdev_i8042_create(&t2->board, &t2->irq[1].line, &t2->irq[12].line, &other),
			 0);
	enable(true);
	mouse_command(0xf4);
	vdev_i8042_key(kbc, 0xe048, true);
	vdev_i8042_mouse(kbc, 1, 2, 3, 1);
	test_round_trip(vdev_i8042_device(kbc), vdev_i8042_device(other));
	ck_assert_uint_eq(test_in8(t2, 0x60), 0xfa);
	ck_assert_uint_eq(test_in8(t2, 0x60), 0xe0);
	vdev_device_destroy(vdev_i8042_device(other));
	test_board_destroy(t2);
	test_hostile_state(vdev_i8042_device(kbc));
	test_register_walk(t, vdev_i8042_device(kbc), true, 0x60, 1);
	test_register_walk(t, vdev_i8042_device(kbc), true, 0x64, 1);
	test_register_walk(t, vdev_i8042_device(kbc), true, 0x92, 1);
}
END_TEST

#define RAM 0x100 /* added to an address in the controller's memory */
#define OUT 0x200 /* its output port */

static uint32_t read_inside(void *owner, unsigned int at, unsigned int width)
{
	if (at < RAM)
		return test_in8(t, (uint16_t)at);
	command(at == OUT ? 0xd0 : (uint8_t)(0x20 + at - RAM));
	return test_in8(t, 0x60);
}

static void write_inside(void *owner, unsigned int at, unsigned int width, uint32_t value)
{
	if (at < RAM) {
		test_out8(t, (uint16_t)at, (uint8_t)value);
		return;
	}
	command(at == OUT ? 0xd1 : (uint8_t)(0x60 + at - RAM));
	data((uint8_t)value);
}

/* The PC's program of the UPI-41A; port 92h: 82371AB, 290562 section 4.2.6. */
START_TEST(the_data_sheet)
{
	static const struct test_register registers[] = {
		{"command byte", RAM, 1, 0x30, 0xff, 0},
		{"RAM, first", RAM + 1, 1, 0x00, 0xff, 0},
		{"RAM, last", RAM + 31, 1, 0x00, 0xff, 0},
		{"output port", OUT, 1, 0x03, 0xff, 0},
		{"port 92h", 0x92, 1, 0x02, 0x03, 0},
	};
	const struct test_access access = {read_inside, write_inside, NULL};

	test_registers(vdev_i8042_device(kbc), &access, registers, ARRAY_SIZE(registers));
	ck_assert_uint_eq(test_in8(t, 0x64), 0x10); /* the status: not locked, nothing there */
}
END_TEST

/*
 * What each of the 256 commands answers and leaves in the command byte, after a reset. Those that no
 * row names, and those that wait for a data byte, do neither.
 */
START_TEST(the_controllers_commands)
{
	static const struct {
		const char *name;
		uint8_t first, last;
		int answer; /* -1: none */
		uint8_t mode;
		bool resets; /* the even ones */
	} table[] = {
		{"read command byte", 0x20, 0x20, 0x30, 0x30, false},
		{"read RAM", 0x21, 0x3f, 0x00, 0x30, false},
		{"disable mouse", 0xa7, 0xa7, -1, 0x30, false},
		{"enable mouse", 0xa8, 0xa8, -1, 0x10, false},
		{"test mouse", 0xa9, 0xa9, 0x00, 0x30, false},
		{"self-test", 0xaa, 0xaa, 0x55, 0x34, false},
		{"test keyboard", 0xab, 0xab, 0x00, 0x30, false},
		{"disable keyboard", 0xad, 0xad, -1, 0x30, false},
		{"enable keyboard", 0xae, 0xae, -1, 0x20, false},
		{"read input port", 0xc0, 0xc0, 0x80, 0x30, false},
		{"read output port", 0xd0, 0xd0, 0x03, 0x30, false},
		{"read test inputs", 0xe0, 0xe0, 0x00, 0x30, false},
		{"pulse output port", 0xf0, 0xff, -1, 0x30, true},
	};

	for (unsigned int c = 0; c <= 0xff; c++) {
		int expected = -1;
		uint8_t left = 0x30;
		bool resets = false;

		for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
			if (c < table[i].first || c > table[i].last)
				continue;
			expected = table[i].answer;
			left = table[i].mode;
			resets = table[i].resets && !(c & 1);
		}
		vdev_device_reset(vdev_i8042_device(kbc));
		t->event_count = 0;
		command((uint8_t)c);
		ck_assert_uint_eq(test_in8(t, 0x64) & 0x08, 0x08); /* a command was written last */
		ck_assert_msg(next() == expected && next() == -1, "answer to %02Xh", c);
		ck_assert_msg(t->event_count == resets, "resets at %02Xh", c);
		command(0x20);
		ck_assert_msg(next() == left, "command byte after %02Xh", c);
	}
}
END_TEST

/* "Before another INIT pulse can be generated, this bit must be written back to 0." */
START_TEST(fast_init_is_an_edge)
{
	t->event_count = 0;
	test_out8(t, 0x92, 0x03);
	test_out8(t, 0x92, 0x03);
	ck_assert_uint_eq(t->event_count, 1);
	ck_assert_int_eq(t->events[0], VDEV_EVENT_INIT);
	test_out8(t, 0x92, 0x02);
	test_out8(t, 0x92, 0x03);
	ck_assert_uint_eq(t->event_count, 2);
}
END_TEST

TEST_MAIN("vdev/i8042", setup, teardown, the_data_sheet, the_controllers_commands,
	  fast_init_is_an_edge, self_tests_and_command_byte, keyboard_reset_and_identity,
	  keys_in_set_1_through_translation, keys_in_set_2_and_set_1_untranslated,
	  interrupts_have_an_edge_per_byte, a_disabled_keyboard_keeps_its_keys,
	  a_full_buffer_loses_whole_keys, the_mouse_tells_what_it_is, mouse_packets,
	  movement_adds_up_while_nobody_reads, output_port_and_resets,
	  bytes_can_be_put_into_the_output_buffer, state_and_registers)
