/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring of a VMBus channel as both sides see it: one page of control, whole pages of data. Packets
 * are multiples of 8 bytes, each followed by a word whose upper half is the index that it begins at.
 */
#ifndef WIRE_RING_H
#define WIRE_RING_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_RING_PAGE 4096u
#define WIRE_RING_PENDING_SEND \
	0x1u /* feature bit: the writer sets, the reader heeds pending_send */

struct wire_ring_control {
	uint32_t write;        /* index, the writer's */
	uint32_t read;         /* index, the reader's */
	uint32_t mask;         /* the reader's: not 0, do not signal me */
	uint32_t pending_send; /* the writer's: bytes that it waits for; 0, none */
	uint32_t reserved[12];
	uint32_t features;
};

_Static_assert(offsetof(struct wire_ring_control, features) == 64, "the wire's");

enum wire_packet_type {
	WIRE_PACKET_IN_BAND = 6,
	WIRE_PACKET_TRANSFER_PAGES = 7,
	WIRE_PACKET_GPA_DIRECT = 9,
	WIRE_PACKET_COMPLETION = 11,
};

#define WIRE_PACKET_WANTS_COMPLETION 0x1u

struct wire_packet {
	uint16_t type;
	uint16_t offset8; /* of the payload, in words of 8 bytes from here */
	uint16_t length8; /* of all of it, without the word behind it */
	uint16_t flags;
	uint64_t id;
};

_Static_assert(sizeof(struct wire_packet) == 16, "the wire's");

#define WIRE_PACKET_FOOTER 8u

#endif
