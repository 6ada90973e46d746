/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One counter of an 8254, as arithmetic on the number of clock ticks since the machine started: it
 * costs nothing while nobody looks. The device around it (i8254.c) owns registers and interrupts.
 */
#ifndef VDEV_I8254_COUNTER_H
#define VDEV_I8254_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

enum counter_access { ACCESS_LATCH, ACCESS_LOW, ACCESS_HIGH, ACCESS_BOTH };

/* All of it is saved. */
struct counter {
	uint8_t mode;   /* 0 to 5 */
	uint8_t access; /* enum counter_access */
	bool bcd;
	bool gate;
	bool loaded;         /* a count was written since the control word */
	bool running;        /* counts from `start`; else it stands at `stopped_at` */
	uint32_t count;      /* 1 to 65536 */
	uint64_t start;      /* tick at which the present count began */
	uint64_t stopped_at; /* ticks that had passed when the gate stopped it */
	bool reload_pending; /* periodic modes: the next period begins with `next_count` */
	uint32_t next_count;
	uint64_t reload_tick; /* when that is */
	bool write_high;      /* the next byte written is the high one */
	uint8_t write_low;    /* the low one before it */
	bool read_high;
	bool count_latched;
	uint16_t latch;
	bool status_latched;
	uint8_t status;
};

#define COUNTER_NEVER UINT64_MAX

/* A control word other than latch and read-back; the output takes its initial level. */
void counter_set_mode(struct counter *c, uint8_t control);

/* `gate` has changed, or not, at `tick`. */
void counter_set_gate(struct counter *c, bool gate, uint64_t tick);

/* A byte of the count. */
void counter_write(struct counter *c, uint8_t value, uint64_t tick);
uint8_t counter_read(struct counter *c, uint64_t tick);

void counter_latch_count(struct counter *c, uint64_t tick);
void counter_latch_status(struct counter *c, uint64_t tick);

bool counter_output(struct counter *c, uint64_t tick);

/* The first tick after `tick` at which the output rises, or COUNTER_NEVER. */
uint64_t counter_next_rise(struct counter *c, uint64_t tick);

/* Whether the functions above can have made this by `tick`. */
bool counter_valid(const struct counter *c, uint64_t tick);

#endif
