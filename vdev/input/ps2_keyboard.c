/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PS/2 keyboard: commands and scan codes of sets 1 and 2.
 */
#include "ps2.h"

#include "base/macros.h"

#define CMD_LEDS         0xedu
#define CMD_ECHO         0xeeu
#define CMD_SCAN_SET     0xf0u
#define CMD_ID           0xf2u
#define CMD_RATE         0xf3u
#define CMD_ENABLE       0xf4u
#define CMD_DISABLE      0xf5u
#define CMD_DEFAULTS     0xf6u
#define CMD_RESEND       0xfeu
#define CMD_RESET        0xffu
#define ID_FIRST         0xabu
#define ID_SECOND        0x83u
#define KEY_PAUSE        0xe11du
#define KEY_PRINT_SCREEN 0xe037u
#define EXTENDED         0xe0u
#define BREAK_SET2       0xf0u
#define BREAK_SET1       0x80u
#define CODE_MAX         8u /* bytes of the longest key */

static void set_defaults(struct ps2_keyboard *k)
{
	k->set = 2;
	k->command = 0;
}

void ps2_keyboard_reset(struct ps2_keyboard *k)
{
	ps2_queue_clear(&k->queue);
	set_defaults(k);
	k->leds = 0;
	k->last = 0;
	k->scanning = true;
}

static void answer_scan_set(struct ps2_keyboard *k, uint8_t value)
{
	ps2_queue_answer(&k->queue, value <= 2 ? PS2_ACK : PS2_RESEND);
	if (value == 0)
		ps2_queue_answer(&k->queue, k->set);
	else if (value <= 2)
		k->set = value;
}

/* The byte after a command that takes one. */
static void write_parameter(struct ps2_keyboard *k, uint8_t command, uint8_t value)
{
	k->command = 0;
	if (command == CMD_SCAN_SET) {
		answer_scan_set(k, value);
		return;
	}
	if (command == CMD_LEDS)
		k->leds = value & 7;
	ps2_queue_answer(&k->queue, PS2_ACK);
}

static void answer_id(struct ps2_keyboard *k)
{
	ps2_queue_answer(&k->queue, PS2_ACK);
	ps2_queue_answer(&k->queue, ID_FIRST);
	ps2_queue_answer(&k->queue, ID_SECOND);
}

static void do_reset(struct ps2_keyboard *k)
{
	ps2_keyboard_reset(k);
	ps2_queue_answer(&k->queue, PS2_ACK);
	ps2_queue_answer(&k->queue, PS2_SELF_TEST);
}

static void write_command(struct ps2_keyboard *k, uint8_t value)
{
	switch (value) {
	case CMD_LEDS:
	case CMD_SCAN_SET:
	case CMD_RATE:
		k->command = value;
		ps2_queue_answer(&k->queue, PS2_ACK);
		break;
	case CMD_ECHO:
		ps2_queue_answer(&k->queue, CMD_ECHO);
		break;
	case CMD_ID:
		answer_id(k);
		break;
	case CMD_ENABLE:
		ps2_queue_clear(&k->queue);
		k->scanning = true;
		ps2_queue_answer(&k->queue, PS2_ACK);
		break;
	case CMD_DISABLE:
	case CMD_DEFAULTS: /* "continues scanning, if it was enabled" */
		ps2_queue_clear(&k->queue);
		set_defaults(k);
		if (value == CMD_DISABLE)
			k->scanning = false;
		ps2_queue_answer(&k->queue, PS2_ACK);
		break;
	case CMD_RESEND:
		ps2_queue_answer(&k->queue, k->last);
		break;
	case CMD_RESET:
		do_reset(k);
		break;
	default:
		/* F7h to FDh set single keys of set 3, which there is not; the rest is no command. */
		ps2_queue_answer(&k->queue, value > CMD_DEFAULTS ? PS2_ACK : PS2_RESEND);
	}
}

/* A command byte ends the wait for a parameter. */
void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t value)
{
	if (k->command && value < CMD_LEDS)
		write_parameter(k, k->command, value);
	else
		write_command(k, value);
}

/* ---- keys ---- */

struct code {
	uint8_t bytes[CODE_MAX];
	unsigned int length;
};

static void add(struct code *code, uint8_t byte)
{
	CHECK(code->length < CODE_MAX);
	code->bytes[code->length++] = byte;
}

/* One make or break code in the present set; false: no such key. */
static bool add_key(const struct ps2_keyboard *k, struct code *code, uint8_t prefix, uint8_t set1,
		    bool down)
{
	uint8_t set2 = ps2_set2_of(set1);

	if (set2 == 0 || set1 >= BREAK_SET1)
		return false;
	if (prefix)
		add(code, prefix);
	if (k->set == 1) {
		add(code, down ? set1 : set1 | BREAK_SET1);
		return true;
	}
	if (!down)
		add(code, BREAK_SET2);
	add(code, set2);
	return true;
}

/* Pause sends its make and break at once, and nothing when it is let go. */
static bool add_pause(const struct ps2_keyboard *k, struct code *code, bool down)
{
	if (!down)
		return false;
	add_key(k, code, 0xe1, 0x1d, true);
	add_key(k, code, 0, 0x45, true);
	add_key(k, code, 0xe1, 0x1d, false);
	return add_key(k, code, 0, 0x45, false);
}

/* Print Screen comes with a shift of its own around it. */
static bool add_print_screen(const struct ps2_keyboard *k, struct code *code, bool down)
{
	add_key(k, code, EXTENDED, down ? 0x2a : 0x37, down);
	return add_key(k, code, EXTENDED, down ? 0x37 : 0x2a, down);
}

static bool make_code(const struct ps2_keyboard *k, struct code *code, uint16_t key, bool down)
{
	if (key == KEY_PAUSE)
		return add_pause(k, code, down);
	if (key == KEY_PRINT_SCREEN)
		return add_print_screen(k, code, down);
	if (key > 0xff && key >> 8 != EXTENDED)
		return false;
	return add_key(k, code, (uint8_t)(key >> 8), (uint8_t)key, down);
}

void ps2_keyboard_key(struct ps2_keyboard *k, uint16_t key, bool down)
{
	struct code code = {.length = 0};

	if (!k->scanning || !make_code(k, &code, key, down))
		return;
	if (!ps2_queue_has_room(&k->queue, code.length))
		return;
	for (unsigned int i = 0; i < code.length; i++)
		ps2_queue_answer(&k->queue, code.bytes[i]);
}
