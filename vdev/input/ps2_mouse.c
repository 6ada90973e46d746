/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PS/2 mouse: three-byte packets, and the four-byte ones of the IntelliMouse and the
 * IntelliMouse Explorer, which a guest asks for by setting three sample rates in a row. Movement
 * that finds no room in the queue adds up until there is.
 */
#include "ps2.h"

#include "base/macros.h"

#define CMD_SCALING_1    0xe6u
#define CMD_SCALING_2    0xe7u
#define CMD_RESOLUTION   0xe8u
#define CMD_STATUS       0xe9u
#define CMD_STREAM       0xeau
#define CMD_READ         0xebu
#define CMD_WRAP_OFF     0xecu
#define CMD_WRAP         0xeeu
#define CMD_REMOTE       0xf0u
#define CMD_ID           0xf2u
#define CMD_RATE         0xf3u
#define CMD_ENABLE       0xf4u
#define CMD_DISABLE      0xf5u
#define CMD_DEFAULTS     0xf6u
#define CMD_RESET        0xffu
#define ID_WHEEL         3u
#define ID_EXPLORER      4u
#define PACKET_ONE       BIT(3)
#define PACKET_X_SIGN    BIT(4)
#define PACKET_Y_SIGN    BIT(5)
#define STATUS_SCALING   BIT(4)
#define STATUS_REPORTING BIT(5)
#define STATUS_REMOTE    BIT(6)
#define DEFAULT_RATE     100u
#define BUTTONS          0x1fu

static void set_defaults(struct ps2_mouse *m)
{
	m->rates[0] = m->rates[1] = m->rates[2] = DEFAULT_RATE;
	m->resolution = 2;
	m->scaling = m->reporting = m->remote = m->wrap = false;
	m->command = 0;
	m->dx = m->dy = m->dz = 0;
}

void ps2_mouse_reset(struct ps2_mouse *m)
{
	ps2_queue_clear(&m->queue);
	set_defaults(m);
	m->id = 0;
	m->buttons = m->reported = 0;
}

/* ---- packets ---- */

static int32_t take_part(int32_t *rest, int32_t low, int32_t high)
{
	int32_t part = MAX(low, MIN(high, *rest));

	*rest -= part;
	return part;
}

static uint8_t fourth_byte(struct ps2_mouse *m)
{
	int32_t dz = take_part(&m->dz, m->id == ID_WHEEL ? -127 : -7, m->id == ID_WHEEL ? 127 : 7);

	if (m->id == ID_WHEEL)
		return (uint8_t)dz;
	return (uint8_t)((dz & 0x0f) | (m->buttons & 0x18) << 1);
}

static void send_packet(struct ps2_mouse *m)
{
	int32_t dx = take_part(&m->dx, -255, 255), dy = take_part(&m->dy, -255, 255);

	ps2_queue_answer(&m->queue,
			 (uint8_t)((m->buttons & 7) | PACKET_ONE | (dx < 0 ? PACKET_X_SIGN : 0) |
				   (dy < 0 ? PACKET_Y_SIGN : 0)));
	ps2_queue_answer(&m->queue, (uint8_t)dx);
	ps2_queue_answer(&m->queue, (uint8_t)dy);
	if (m->id)
		ps2_queue_answer(&m->queue, fourth_byte(m));
	else
		m->dz = 0;
	m->reported = m->buttons;
}

static bool has_news(const struct ps2_mouse *m)
{
	return m->dx || m->dy || m->dz || m->buttons != m->reported;
}

void ps2_mouse_drained(struct ps2_mouse *m)
{
	if (m->reporting && !m->remote && !m->wrap && has_news(m) &&
	    ps2_queue_has_room(&m->queue, 4))
		send_packet(m);
}

static int32_t add_bounded(int32_t sum, int32_t more)
{
	int32_t part = MAX(-PS2_MOUSE_MOVE_MAX, MIN(PS2_MOUSE_MOVE_MAX, more));

	return MAX(-PS2_MOUSE_MOVE_MAX, MIN(PS2_MOUSE_MOVE_MAX, sum + part));
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, unsigned int buttons)
{
	m->buttons = buttons & BUTTONS;
	m->dx = add_bounded(m->dx, dx);
	m->dy = add_bounded(m->dy, dy);
	m->dz = add_bounded(m->dz, dz);
	ps2_mouse_drained(m);
}

/* ---- commands ---- */

static bool knocked(const struct ps2_mouse *m, uint8_t second)
{
	return m->rates[0] == 200 && m->rates[1] == second && m->rates[2] == 80;
}

static void set_rate(struct ps2_mouse *m, uint8_t rate)
{
	m->rates[0] = m->rates[1];
	m->rates[1] = m->rates[2];
	m->rates[2] = rate;
	if (knocked(m, 100))
		m->id = ID_WHEEL;
	else if (knocked(m, 200) && m->id == ID_WHEEL)
		m->id = ID_EXPLORER;
}

static void write_parameter(struct ps2_mouse *m, uint8_t command, uint8_t value)
{
	m->command = 0;
	if (command == CMD_RATE)
		set_rate(m, value);
	else
		m->resolution = value & 3;
	ps2_queue_answer(&m->queue, PS2_ACK);
}

/* Left is the high one of the three here, unlike in packets. */
static void answer_status(struct ps2_mouse *m)
{
	uint8_t status =
		(uint8_t)((m->buttons & 1) << 2 | (m->buttons & 4) >> 1 | (m->buttons & 2) >> 1);

	if (m->scaling)
		status |= STATUS_SCALING;
	if (m->reporting)
		status |= STATUS_REPORTING;
	if (m->remote)
		status |= STATUS_REMOTE;
	ps2_queue_answer(&m->queue, status);
	ps2_queue_answer(&m->queue, m->resolution);
	ps2_queue_answer(&m->queue, m->rates[2]);
}

/* What follows the acknowledgement. */
static void do_command(struct ps2_mouse *m, uint8_t value)
{
	switch (value) {
	case CMD_SCALING_1:
	case CMD_SCALING_2:
		m->scaling = value == CMD_SCALING_2;
		break;
	case CMD_RESOLUTION:
	case CMD_RATE:
		m->command = value;
		break;
	case CMD_STATUS:
		answer_status(m);
		break;
	case CMD_STREAM:
	case CMD_REMOTE:
		m->remote = value == CMD_REMOTE;
		break;
	case CMD_READ:
		send_packet(m);
		break;
	case CMD_WRAP:
	case CMD_WRAP_OFF:
		m->wrap = value == CMD_WRAP;
		break;
	case CMD_ID:
		ps2_queue_answer(&m->queue, m->id);
		break;
	case CMD_ENABLE:
	case CMD_DISABLE:
		m->reporting = value == CMD_ENABLE;
		break;
	case CMD_DEFAULTS:
		set_defaults(m);
		break;
	}
}

static void do_reset(struct ps2_mouse *m)
{
	ps2_mouse_reset(m);
	ps2_queue_answer(&m->queue, PS2_ACK);
	ps2_queue_answer(&m->queue, PS2_SELF_TEST);
	ps2_queue_answer(&m->queue, m->id);
}

static bool known_command(uint8_t value)
{
	return value >= CMD_SCALING_1 && value <= CMD_DEFAULTS && value != 0xed && value != 0xef &&
	       value != 0xf1;
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t value)
{
	if (m->wrap && value != CMD_RESET && value != CMD_WRAP_OFF) {
		ps2_queue_answer(&m->queue, value);
	} else if (m->command) {
		write_parameter(m, m->command, value);
	} else if (value == CMD_RESET) {
		do_reset(m);
	} else if (known_command(value)) {
		ps2_queue_clear(&m->queue);
		ps2_queue_answer(&m->queue, PS2_ACK);
		do_command(m, value);
	} else {
		ps2_queue_answer(&m->queue, PS2_RESEND);
	}
}
