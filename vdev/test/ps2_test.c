/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard and mouse against their references (IBM, "Keyboards (101- and 102-Key)" and "Mouse" of the
 * Personal System/2 Hardware Interface Technical Reference): what each of the 256 command bytes is
 * answered with from power-on state, and what the commands that change something leave behind.
 */
#include <stdio.h>
#include <string.h>

#include "test_board.h"
#include "test_main.h"
#include "vdev/i8042.h"

#define ANSWER_MAX 8

struct answer {
	const char *name;
	uint8_t first, last; /* of the command bytes that it is for */
	unsigned int count;
	uint8_t bytes[ANSWER_MAX];
};

static struct test_board *t;
static struct vdev_i8042 *kbc;

/* Both ports on, without translation. */
static void enable(struct test_board *board)
{
	test_out8(board, 0x64, 0x60);
	test_out8(board, 0x60, 0x03);
}

static void setup(void)
{
	t = test_board_create();
	ck_assert_int_eq(vdev_i8042_create(&t->board, &t->irq[1].line, &t->irq[12].line, &kbc), 0);
	enable(t);
}

static void teardown(void)
{
	vdev_device_destroy(vdev_i8042_device(kbc));
	test_board_destroy(t);
}

static void start_anew(void)
{
	vdev_device_reset(vdev_i8042_device(kbc));
	enable(t);
}

static void to_keyboard(uint8_t byte)
{
	test_out8(t, 0x60, byte);
}

static void to_mouse(uint8_t byte)
{
	test_out8(t, 0x64, 0xd4);
	test_out8(t, 0x60, byte);
}

static unsigned int answers(struct test_board *board, uint8_t *bytes)
{
	unsigned int count = 0;

	while (test_in8(board, 0x64) & 1) {
		ck_assert_uint_lt(count, ANSWER_MAX);
		bytes[count++] = test_in8(board, 0x60);
	}
	return count;
}

static void expect(const char *name, unsigned int command, const uint8_t *expected,
		   unsigned int count)
{
	uint8_t bytes[ANSWER_MAX];
	unsigned int there = answers(t, bytes);

	if (there != count || memcmp(bytes, expected, count) != 0) {
		fprintf(stderr, "%s (%02Xh): %u bytes, the first %02Xh\n", name, command, there,
			there ? bytes[0] : 0);
		abort();
	}
}

/* Each byte, from power-on state; those that no row names are asked to be sent again. */
static void every_byte(void (*send)(uint8_t byte), const struct answer *table, size_t size)
{
	static const struct answer none = {"no command", 0, 0xff, 1, {0xfe}};

	for (unsigned int command = 0; command <= 0xff; command++) {
		const struct answer *a = &none;

		for (size_t i = 0; i < size; i++)
			if (command >= table[i].first && command <= table[i].last)
				a = &table[i];
		start_anew();
		send((uint8_t)command);
		expect(a->name, command, a->bytes, a->count);
	}
}

START_TEST(the_keyboards_commands)
{
	static const struct answer table[] = {
		{"Set/Reset Status Indicators", 0xed, 0xed, 1, {0xfa}},
		{"Echo", 0xee, 0xee, 1, {0xee}},
		{"Select Alternate Scan Codes", 0xf0, 0xf0, 1, {0xfa}},
		{"Read ID", 0xf2, 0xf2, 3, {0xfa, 0xab, 0x83}},
		{"Set Typematic Rate/Delay", 0xf3, 0xf3, 1, {0xfa}},
		{"Enable", 0xf4, 0xf4, 1, {0xfa}},
		{"Default Disable", 0xf5, 0xf5, 1, {0xfa}},
		{"Set Default", 0xf6, 0xf6, 1, {0xfa}},
		{"Set All Keys, Set Key Type", 0xf7, 0xfd, 1, {0xfa}},
		{"Resend", 0xfe, 0xfe, 1, {0x00}}, /* nothing was sent yet */
		{"Reset", 0xff, 0xff, 2, {0xfa, 0xaa}},
	};

	every_byte(to_keyboard, table, ARRAY_SIZE(table));
}
END_TEST

/* Whether a key that is pressed is told. */
static bool scans(void)
{
	uint8_t bytes[ANSWER_MAX];

	answers(t, bytes);
	vdev_i8042_key(kbc, 0x1e, true);
	return answers(t, bytes) == 1;
}

START_TEST(the_keyboards_states)
{
	ck_assert(scans());
	to_keyboard(0xf6);
	ck_assert(scans());
	to_keyboard(0xf5);
	ck_assert(!scans());
	to_keyboard(0xf6); /* goes on scanning only if it did before */
	ck_assert(!scans());
	to_keyboard(0xf4);
	ck_assert(scans());
	to_keyboard(0xf5);
	to_keyboard(0xff);
	ck_assert(scans());
}
END_TEST

/* Default Disable and Set Default: scan code set 2; no parameter is waited for any more. */
START_TEST(the_keyboards_defaults)
{
	static const uint8_t ends[] = {0xf5, 0xf6, 0xff};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		uint8_t bytes[ANSWER_MAX];

		start_anew();
		to_keyboard(0xf0);
		to_keyboard(0x01);
		to_keyboard(0xed);
		to_keyboard(ends[i]);
		answers(t, bytes);
		to_keyboard(0x02);
		expect("a parameter of nothing", ends[i], (const uint8_t[]){0xfe}, 1);
		to_keyboard(0xf0);
		to_keyboard(0x00);
		expect("scan code set", ends[i], (const uint8_t[]){0xfa, 0xfa, 0x02}, 3);
	}
}
END_TEST

START_TEST(the_keyboards_parameters)
{
	uint8_t bytes[ANSWER_MAX];

	for (unsigned int leds = 0; leds < 8; leds++) {
		to_keyboard(0xed);
		to_keyboard((uint8_t)leds);
		expect("indicators", leds, (const uint8_t[]){0xfa, 0xfa}, 2);
		ck_assert_uint_eq(vdev_i8042_leds(kbc), leds);
	}
	to_keyboard(0xf6);
	answers(t, bytes);
	ck_assert_uint_eq(vdev_i8042_leds(kbc), 7); /* no default of the indicators */
	to_keyboard(0xff);
	answers(t, bytes);
	ck_assert_uint_eq(vdev_i8042_leds(kbc), 0);
	to_keyboard(0xf0);
	to_keyboard(0x03); /* set 3: not there */
	expect("scan code set 3", 3, (const uint8_t[]){0xfa, 0xfe}, 2);
}
END_TEST

START_TEST(the_mouses_commands)
{
	static const struct answer table[] = {
		{"Set Scaling", 0xe6, 0xe7, 1, {0xfa}},
		{"Set Resolution", 0xe8, 0xe8, 1, {0xfa}},
		{"Status Request", 0xe9, 0xe9, 4, {0xfa, 0x00, 0x02, 0x64}},
		{"Set Stream Mode", 0xea, 0xea, 1, {0xfa}},
		{"Read Data", 0xeb, 0xeb, 4, {0xfa, 0x08, 0x00, 0x00}},
		{"Reset Wrap Mode", 0xec, 0xec, 1, {0xfa}},
		{"Set Wrap Mode", 0xee, 0xee, 1, {0xfa}},
		{"Set Remote Mode", 0xf0, 0xf0, 1, {0xfa}},
		{"Read Device Type", 0xf2, 0xf2, 2, {0xfa, 0x00}},
		{"Set Sampling Rate", 0xf3, 0xf3, 1, {0xfa}},
		{"Enable, Disable, Set Default", 0xf4, 0xf6, 1, {0xfa}},
		{"Resend", 0xfe, 0xfe, 2, {0xaa, 0x00}}, /* sent when it was switched on */
		{"Reset", 0xff, 0xff, 3, {0xfa, 0xaa, 0x00}},
	};

	every_byte(to_mouse, table, ARRAY_SIZE(table));
}
END_TEST

/* The mouse's registers are what Status Request tells: flags, resolution, rate. */
START_TEST(the_mouses_states)
{
	static const struct {
		const char *name;
		unsigned int count;
		uint8_t commands[3], status[3];
	} table[] = {
		{"power on", 0, {0}, {0x00, 0x02, 0x64}},
		{"scaling 2:1", 1, {0xe7}, {0x10, 0x02, 0x64}},
		{"scaling 1:1", 2, {0xe7, 0xe6}, {0x00, 0x02, 0x64}},
		{"resolution 0", 2, {0xe8, 0}, {0x00, 0x00, 0x64}},
		{"resolution 3", 2, {0xe8, 3}, {0x00, 0x03, 0x64}},
		{"remote", 1, {0xf0}, {0x40, 0x02, 0x64}},
		{"stream", 2, {0xf0, 0xea}, {0x00, 0x02, 0x64}},
		{"rate", 2, {0xf3, 10}, {0x00, 0x02, 0x0a}},
		{"enable", 1, {0xf4}, {0x20, 0x02, 0x64}},
		{"disable", 2, {0xf4, 0xf5}, {0x00, 0x02, 0x64}},
		{"scaling and rate, default", 3, {0xe7, 0xf4, 0xf6}, {0x00, 0x02, 0x64}},
		{"remote and rate, reset", 3, {0xf0, 0xf4, 0xff}, {0x00, 0x02, 0x64}},
		{"wrap and back", 2, {0xee, 0xec}, {0x00, 0x02, 0x64}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint8_t bytes[ANSWER_MAX], status[4] = {0xfa};

		start_anew();
		for (unsigned int j = 0; j < table[i].count; j++) {
			to_mouse(table[i].commands[j]);
			answers(t, bytes);
		}
		to_mouse(0xe9);
		memcpy(status + 1, table[i].status, 3);
		expect(table[i].name, 0xe9, status, 4);
	}
}
END_TEST

START_TEST(the_mouses_buttons_in_its_status)
{
	static const uint8_t buttons[][2] = {{VDEV_MOUSE_LEFT, 0x04}, {2, 0x01}, {4, 0x02}};

	for (size_t i = 0; i < ARRAY_SIZE(buttons); i++) {
		start_anew();
		vdev_i8042_mouse(kbc, 0, 0, 0, buttons[i][0]);
		to_mouse(0xe9);
		expect("buttons", buttons[i][0], (const uint8_t[]){0xfa, buttons[i][1], 2, 0x64},
		       4);
	}
}
END_TEST

START_TEST(wrap_mode_echoes_all_but_its_end)
{
	uint8_t bytes[ANSWER_MAX];

	to_mouse(0xee);
	answers(t, bytes);
	for (unsigned int byte = 0; byte < 0xff; byte++) {
		if (byte == 0xec)
			continue;
		to_mouse((uint8_t)byte);
		expect("wrapped", byte, (const uint8_t[]){(uint8_t)byte}, 1);
	}
	to_mouse(0xff);
	expect("reset in wrap mode", 0xff, (const uint8_t[]){0xfa, 0xaa, 0x00}, 3);
}
END_TEST

/* "…retransmits the last packet of data sent", and if that was Resend, the one before. */
START_TEST(the_mouse_sends_its_last_packet_again)
{
	static const struct {
		const char *name;
		unsigned int count, size;
		uint8_t commands[7], packet[4];
	} table[] = {
		{"acknowledgement", 1, 1, {0xf4}, {0xfa}},
		{"of a parameter", 2, 1, {0xe8, 1}, {0xfa}},
		{"status", 1, 3, {0xe9}, {0x00, 0x02, 0x64}},
		{"data", 1, 3, {0xeb}, {0x08, 0x00, 0x00}},
		{"data with a wheel",
		 7,
		 4,
		 {0xf3, 200, 0xf3, 100, 0xf3, 80, 0xeb},
		 {0x08, 0, 0, 0}},
		{"device type", 1, 1, {0xf2}, {0x00}},
		{"self-test", 1, 2, {0xff}, {0xaa, 0x00}},
		{"before its own Resend", 2, 3, {0xe9, 0x00}, {0x00, 0x02, 0x64}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint8_t bytes[ANSWER_MAX];

		start_anew();
		for (unsigned int j = 0; j < table[i].count; j++) {
			to_mouse(table[i].commands[j]);
			answers(t, bytes);
		}
		for (unsigned int times = 0; times < 3; times++) {
			to_mouse(0xfe);
			expect(table[i].name, 0xfe, table[i].packet, table[i].size);
		}
	}
}
END_TEST

START_TEST(resend_in_the_middle)
{
	to_mouse(0xf3); /* the parameter is still waited for */
	expect("rate", 0xf3, (const uint8_t[]){0xfa}, 1);
	to_mouse(0xfe);
	expect("again", 0xfe, (const uint8_t[]){0xfa}, 1);
	to_mouse(10);
	expect("parameter", 10, (const uint8_t[]){0xfa}, 1);
	to_mouse(0xe9); /* read in part: what comes behind is not lost */
	ck_assert_uint_eq(test_in8(t, 0x60), 0xfa);
	ck_assert_uint_eq(test_in8(t, 0x60), 0x00);
	ck_assert_uint_eq(test_in8(t, 0x60), 0x02);
	to_mouse(0xfe); /* the third byte is out already */
	expect("status", 0xfe, (const uint8_t[]){0x0a, 0x00, 0x02, 0x0a}, 4);
	to_mouse(0xf4);
	expect("enable", 0xf4, (const uint8_t[]){0xfa}, 1);
	vdev_i8042_mouse(kbc, 1, 2, 0, 0);
	vdev_i8042_mouse(kbc, 3, 4, 0, 0);
	expect("movements", 0, (const uint8_t[]){8, 1, 2, 8, 3, 4}, 6);
	to_mouse(0xfe);
	expect("the last", 0xfe, (const uint8_t[]){8, 3, 4}, 3);
}
END_TEST

/* A guest that does not read: the queue and the controller's buffer stay as they are. */
START_TEST(resend_with_a_full_queue)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < 100; i++)
		to_mouse(0x00); /* no command */
	to_mouse(0xfe);
	while (test_in8(t, 0x64) & 1) {
		ck_assert_uint_eq(test_in8(t, 0x60), 0xfe);
		count++;
	}
	ck_assert_uint_eq(count, 65);
}
END_TEST

/* Commands begun here are ended there: what waits for a parameter is part of the state. */
START_TEST(a_conversation_goes_on_in_another_machine)
{
	struct test_board *t2 = test_board_create();
	struct vdev_i8042 *other;
	uint8_t bytes[ANSWER_MAX];

	ck_assert_int_eq(vdev_i8042_create(&t2->board, &t2->irq[1].line, &t2->irq[12].line, &other),
			 0);
	to_keyboard(0xf0);
	to_keyboard(0x01);
	to_mouse(0xe7);
	to_mouse(0xf0);
	to_mouse(0xe8);
	to_keyboard(0xed);
	answers(t, bytes);
	test_round_trip(vdev_i8042_device(kbc), vdev_i8042_device(other));
	test_hostile_state(vdev_i8042_device(kbc));
	test_out8(t2, 0x60, 0x05);
	test_out8(t2, 0x64, 0xd4);
	test_out8(t2, 0x60, 0x03);
	ck_assert_uint_eq(answers(t2, bytes), 2);
	ck_assert_uint_eq(vdev_i8042_leds(other), 5);
	vdev_i8042_key(other, 0x1e, true);
	ck_assert_uint_eq(answers(t2, bytes), 1);
	ck_assert_uint_eq(bytes[0], 0x1e); /* set 1 */
	test_out8(t2, 0x64, 0xd4);
	test_out8(t2, 0x60, 0xe9);
	ck_assert_uint_eq(answers(t2, bytes), 4);
	ck_assert_mem_eq(bytes, ((const uint8_t[]){0xfa, 0x50, 0x03, 0x64}), 4);
	test_round_trip(vdev_i8042_device(other), vdev_i8042_device(kbc));
	to_mouse(0xfe);
	expect("status", 0xfe, (const uint8_t[]){0x50, 0x03, 0x64}, 3);
	vdev_device_destroy(vdev_i8042_device(other));
	test_board_destroy(t2);
}
END_TEST

TEST_MAIN("vdev/ps2", setup, teardown, the_keyboards_commands, the_keyboards_states,
	  the_keyboards_defaults, the_keyboards_parameters, the_mouses_commands, the_mouses_states,
	  the_mouses_buttons_in_its_status, wrap_mode_echoes_all_but_its_end,
	  the_mouse_sends_its_last_packet_again, resend_in_the_middle, resend_with_a_full_queue,
	  a_conversation_goes_on_in_another_machine)
