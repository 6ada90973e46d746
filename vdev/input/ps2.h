/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two PS/2 devices behind an 8042. Each takes command bytes and fills a queue of bytes for the
 * controller; the controller (i8042.c) owns clocking, translation and interrupts.
 */
#ifndef VDEV_PS2_H
#define VDEV_PS2_H

#include <stdbool.h>
#include <stdint.h>

#include "board/state.h"

#define PS2_QUEUE_SIZE 64u
#define PS2_ACK        0xfau
#define PS2_RESEND     0xfeu
#define PS2_SELF_TEST  0xaau

/* Bytes to the controller, oldest at `first`. Answers to commands use the last places too. */
struct ps2_queue {
	uint8_t data[PS2_QUEUE_SIZE];
	uint8_t first, count;
};

#define PS2_QUEUE_RESERVE 16u /* places that only answers may use */

static inline void ps2_queue_clear(struct ps2_queue *q)
{
	q->first = q->count = 0;
}

/* An answer byte; a guest that sends commands without reading loses answers. */
static inline void ps2_queue_answer(struct ps2_queue *q, uint8_t byte)
{
	if (q->count < PS2_QUEUE_SIZE)
		q->data[(q->first + q->count++) % PS2_QUEUE_SIZE] = byte;
}

/* Room for `size` bytes of input. */
static inline bool ps2_queue_has_room(const struct ps2_queue *q, unsigned int size)
{
	return q->count + size <= PS2_QUEUE_SIZE - PS2_QUEUE_RESERVE;
}

static inline uint8_t ps2_queue_take(struct ps2_queue *q)
{
	uint8_t byte = q->data[q->first];

	q->first = (q->first + 1) % PS2_QUEUE_SIZE;
	q->count--;
	return byte;
}

struct ps2_keyboard {
	struct ps2_queue queue;
	uint8_t command; /* waits for its parameter; 0: none */
	uint8_t last;    /* byte sent last, for Resend */
	uint8_t leds;
	uint8_t set; /* scan code set, 1 or 2 */
	bool scanning;
};

void ps2_keyboard_reset(struct ps2_keyboard *k);
void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t value);
void ps2_keyboard_key(struct ps2_keyboard *k, uint16_t key, bool down);

#define PS2_PACKET_MAX 4u

struct ps2_mouse {
	struct ps2_queue queue;
	uint64_t starts; /* bit n: what is at place n of the queue begins a packet */
	uint8_t sent[PS2_PACKET_MAX], sent_count; /* of the last packet, for Resend */
	uint8_t command;
	uint8_t id;         /* 0, 3 (wheel), 4 (wheel and 5 buttons) */
	uint8_t rates[3];   /* the last three sample rates that were set: the magic knocks */
	uint8_t resolution; /* 0 to 3 */
	bool scaling;       /* 2:1 */
	bool reporting, remote, wrap;
	uint8_t buttons;
	uint8_t reported;   /* buttons of the last packet */
	int32_t dx, dy, dz; /* not reported yet */
};

#define PS2_MOUSE_MOVE_MAX 8191

void ps2_mouse_reset(struct ps2_mouse *m);
void ps2_mouse_write(struct ps2_mouse *m, uint8_t value);
void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, unsigned int buttons);
/* The next byte for the controller, of a queue that has one. */
uint8_t ps2_mouse_take(struct ps2_mouse *m);
/* The controller emptied the queue: movement that waited can become a packet. */
void ps2_mouse_drained(struct ps2_mouse *m);

/* Set 2 to set 1, as the 8042 translates; and the set 2 code of a set 1 code, 0 if there is none. */
uint8_t ps2_translate(uint8_t set2);
uint8_t ps2_set2_of(uint8_t set1);

#endif
