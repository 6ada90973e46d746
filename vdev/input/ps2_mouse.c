/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PS/2 mouse: three-byte packets, and the four-byte ones of the IntelliMouse and the
 * IntelliMouse Explorer, which a guest asks for by setting three sample rates in a row. Movement
 * that finds no room in the queue adds up until there is.
 *
 * Resend is for packets, unlike the keyboard's: an acknowledgement, what follows it, a movement. The
 * queue knows where each begins.
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
#define CMD_RESEND       0xfeu
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

_Static_assert(PS2_QUEUE_SIZE == 64, "a bit of `starts` for each place");

/* ---- what is sent ---- */

static uint64_t place(const struct ps2_mouse *m, unsigned int n)
{
	return UINT64_C(1) << (m->queue.first + n) % PS2_QUEUE_SIZE;
}

/* Another byte of the packet. */
static void answer_more(struct ps2_mouse *m, uint8_t byte)
{
	if (m->queue.count < PS2_QUEUE_SIZE)
		m->starts &= ~place(m, m->queue.count);
	ps2_queue_answer(&m->queue, byte);
}

/* A packet, or its first byte. */
static void answer(struct ps2_mouse *m, uint8_t byte)
{
	if (m->queue.count < PS2_QUEUE_SIZE)
		m->starts |= place(m, m->queue.count);
	ps2_queue_answer(&m->queue, byte);
}

/* The mouse's own Resend is no packet that it would send again. */
uint8_t ps2_mouse_take(struct ps2_mouse *m)
{
	bool starts = m->starts & place(m, 0);
	uint8_t byte = ps2_queue_take(&m->queue);

	if (starts && byte == PS2_RESEND)
		return byte;
	if (starts)
		m->sent_count = 0;
	if (m->sent_count < PS2_PACKET_MAX)
		m->sent[m->sent_count++] = byte;
	return byte;
}

/*
 * Back to the head of the queue with what was sent of the last packet; the rest follows anyway. A
 * guest that has left the queue full gets nothing again.
 */
static void send_again(struct ps2_mouse *m)
{
	struct ps2_queue *q = &m->queue;

	if (!m->sent_count || q->count + m->sent_count > PS2_QUEUE_SIZE)
		return;
	while (m->sent_count) {
		q->first = (q->first + PS2_QUEUE_SIZE - 1) % PS2_QUEUE_SIZE;
		q->data[q->first] = m->sent[--m->sent_count];
		q->count++;
		m->starts &= ~place(m, 0);
	}
	m->starts |= place(m, 0);
}

/* ---- state ---- */

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
	/* As if it had told of its self-test when it was switched on. */
	m->sent[0] = PS2_SELF_TEST;
	m->sent[1] = m->id;
	m->sent_count = 2;
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

	answer(m, (uint8_t)((m->buttons & 7) | PACKET_ONE | (dx < 0 ? PACKET_X_SIGN : 0) |
			    (dy < 0 ? PACKET_Y_SIGN : 0)));
	answer_more(m, (uint8_t)dx);
	answer_more(m, (uint8_t)dy);
	if (m->id)
		answer_more(m, fourth_byte(m));
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
	answer(m, PS2_ACK);
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
	answer(m, status);
	answer_more(m, m->resolution);
	answer_more(m, m->rates[2]);
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
		answer(m, m->id);
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
	m->sent_count = 0;
	answer(m, PS2_ACK);
	answer(m, PS2_SELF_TEST);
	answer_more(m, m->id);
}

static bool known_command(uint8_t value)
{
	return value >= CMD_SCALING_1 && value <= CMD_DEFAULTS && value != 0xed && value != 0xef &&
	       value != 0xf1;
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t value)
{
	if (m->wrap && value != CMD_RESET && value != CMD_WRAP_OFF) {
		answer(m, value);
	} else if (value == CMD_RESEND) {
		send_again(m);
	} else if (m->command) {
		write_parameter(m, m->command, value);
	} else if (value == CMD_RESET) {
		do_reset(m);
	} else if (known_command(value)) {
		ps2_queue_clear(&m->queue);
		answer(m, PS2_ACK);
		do_command(m, value);
	} else {
		answer(m, PS2_RESEND);
	}
}
