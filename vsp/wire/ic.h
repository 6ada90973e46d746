/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integration services: a pipe of messages, each a request of the host's that the guest sends back
 * with its answer in it.
 */
#ifndef WIRE_IC_H
#define WIRE_IC_H

#include <stdint.h>

struct wire_pipe {
	uint32_t type; /* 1 */
	uint32_t size;
};

#define WIRE_PIPE_DATA 1u

enum wire_ic_type {
	WIRE_IC_NEGOTIATE = 0,
	WIRE_IC_HEARTBEAT = 1,
	WIRE_IC_SHUTDOWN = 3,
	WIRE_IC_TIME_SYNC = 4,
};

struct wire_ic_version {
	uint16_t major, minor;
};

struct wire_ic {
	struct wire_ic_version framework;
	uint16_t type;
	struct wire_ic_version version;
	uint16_t size; /* of what follows */
	uint32_t status;
	uint8_t transaction, flags;
	uint8_t reserved[2];
} __attribute__((packed));

_Static_assert(sizeof(struct wire_ic) == 20, "the wire's");

#define WIRE_IC_TRANSACTION 0x1u
#define WIRE_IC_REQUEST     0x2u
#define WIRE_IC_RESPONSE    0x4u

struct wire_ic_negotiate {
	uint16_t framework_count, version_count;
	uint32_t reserved; /* struct wire_ic_version of both kinds follow */
};

struct wire_ic_heartbeat {
	uint64_t sequence; /* the answer's is one more */
	uint32_t reserved[8];
};

struct wire_ic_shutdown {
	uint32_t reason;
	uint32_t timeout; /* s */
	uint32_t flags;
	uint8_t text[2048];
};

#define WIRE_IC_SHUTDOWN_OFF     0u
#define WIRE_IC_SHUTDOWN_RESTART 2u
#define WIRE_IC_SHUTDOWN_REASON  0x80040001u /* planned, of the operating system's */

#define WIRE_IC_TIME_SYNC_NOW    0x1u /* set the clock */
#define WIRE_IC_TIME_SAMPLE      0x2u

/* Dates are in units of 100 ns since 1601. */
struct wire_ic_time { /* versions 1 and 3 */
	uint64_t host, guest, round_trip;
	uint8_t flags;
} __attribute__((packed));

struct wire_ic_time_reference { /* version 4 */
	uint64_t host;
	uint64_t reference; /* the partition's reference time when it was so late */
	uint8_t flags, leap, stratum;
	uint8_t reserved[3];
} __attribute__((packed));

#endif
