/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The six modes of an 8254 counter. With d the ticks since the count began and n the count:
 *
 *   mode 0  low until d = n, then high            mode 1  the same, begun by the gate
 *   mode 2  low in the last tick of n             mode 3  high for the first half of n
 *   mode 4  low in tick d = n only                mode 5  the same, begun by the gate
 */
#include "i8254_counter.h"

#include "base/macros.h"

#define CONTROL_ACCESS_SHIFT 4
#define CONTROL_MODE_SHIFT   1
#define CONTROL_BCD          BIT(0)
#define STATUS_OUTPUT        BIT(7)
#define STATUS_NULL_COUNT    BIT(6)
#define COUNT_MAX            0x10000u
#define BCD_COUNT_MAX        10000u

static bool periodic(const struct counter *c)
{
	return c->mode == 2 || c->mode == 3;
}

/* Modes 1 and 5 begin with a rising gate; the others count while the gate is high. */
static bool triggered(const struct counter *c)
{
	return c->mode == 1 || c->mode == 5;
}

static uint32_t modulus(const struct counter *c)
{
	return c->bcd ? BCD_COUNT_MAX : COUNT_MAX;
}

static uint32_t from_bcd(uint16_t v)
{
	return (v & 15u) + 10 * (v >> 4 & 15u) + 100 * (v >> 8 & 15u) + 1000 * (v >> 12 & 15u);
}

static uint16_t to_bcd(uint32_t v)
{
	return (uint16_t)(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12);
}

/* Ticks that the present count has run. */
static uint64_t elapsed(const struct counter *c, uint64_t tick)
{
	return c->running ? tick - c->start : c->stopped_at;
}

static void begin(struct counter *c, uint32_t count, uint64_t tick)
{
	c->count = count;
	c->start = tick;
	c->stopped_at = 0;
	c->running = c->gate || triggered(c);
	c->reload_pending = false;
}

/* Carries out a reload whose time has come. */
static void settle(struct counter *c, uint64_t tick)
{
	if (c->reload_pending && c->running && tick >= c->reload_tick)
		begin(c, c->next_count, c->reload_tick);
}

void counter_set_mode(struct counter *c, uint8_t control)
{
	uint8_t mode = control >> CONTROL_MODE_SHIFT & 7;

	*c = (struct counter){
		.mode = mode > 5 ? mode - 4 : mode, /* 6 and 7 are 2 and 3 */
		.access = control >> CONTROL_ACCESS_SHIFT & 3,
		.bcd = control & CONTROL_BCD,
		.gate = c->gate,
		.count = COUNT_MAX,
		.next_count = COUNT_MAX,
	};
}

void counter_set_gate(struct counter *c, bool gate, uint64_t tick)
{
	bool rises = gate && !c->gate;

	settle(c, tick);
	if (gate == c->gate)
		return;
	c->gate = gate;
	if (!c->loaded)
		return;
	if (triggered(c)) {
		if (rises)
			begin(c, c->next_count, tick);
	} else if (periodic(c)) {
		if (rises)
			begin(c, c->reload_pending ? c->next_count : c->count, tick);
		else
			c->running = false;
	} else if (rises) {
		c->start = tick - c->stopped_at;
		c->running = true;
	} else {
		c->stopped_at = elapsed(c, tick);
		c->running = false;
	}
}

static void load(struct counter *c, uint16_t raw, uint64_t tick)
{
	uint32_t count = c->bcd ? from_bcd(raw) : raw;
	bool first = !c->loaded;

	if (count == 0)
		count = modulus(c);
	c->loaded = true;
	c->next_count = count;
	if (triggered(c))
		return;
	if (!periodic(c) || first || !c->running) {
		begin(c, count, tick);
		return;
	}
	c->reload_pending = true;
	c->reload_tick = c->start + ((tick - c->start) / c->count + 1) * c->count;
}

/* Writing the first of two bytes stops mode 0, with its output low. */
static void write_first(struct counter *c, uint8_t value)
{
	c->write_low = value;
	c->write_high = true;
	if (c->mode == 0)
		c->loaded = false;
}

void counter_write(struct counter *c, uint8_t value, uint64_t tick)
{
	settle(c, tick);
	if (c->access == ACCESS_LOW) {
		load(c, value, tick);
	} else if (c->access == ACCESS_HIGH) {
		load(c, (uint16_t)(value << 8), tick);
	} else if (!c->write_high) {
		write_first(c, value);
	} else {
		c->write_high = false;
		load(c, (uint16_t)(c->write_low | value << 8), tick);
	}
}

/* The counting element's value, not yet in BCD. */
static uint32_t value_at(const struct counter *c, uint64_t tick)
{
	uint64_t d = elapsed(c, tick);
	uint32_t half = (c->count + 1) / 2;
	uint32_t phase = (uint32_t)(d % c->count);

	switch (c->mode) {
	case 2:
		return c->count - phase;
	case 3:
		return (c->count & ~1u) - 2 * (phase < half ? phase : phase - half);
	default:
		return (uint32_t)((c->count + modulus(c) - d % modulus(c)) % modulus(c));
	}
}

static uint16_t register_value(const struct counter *c, uint64_t tick)
{
	uint32_t value = value_at(c, tick) % modulus(c);

	return c->bcd ? to_bcd(value) : (uint16_t)value;
}

void counter_latch_count(struct counter *c, uint64_t tick)
{
	settle(c, tick);
	if (c->count_latched)
		return;
	c->count_latched = true;
	c->latch = register_value(c, tick);
}

void counter_latch_status(struct counter *c, uint64_t tick)
{
	settle(c, tick);
	if (c->status_latched)
		return;
	c->status_latched = true;
	c->status = (uint8_t)(c->access << CONTROL_ACCESS_SHIFT | c->mode << CONTROL_MODE_SHIFT);
	if (c->bcd)
		c->status |= CONTROL_BCD;
	if (!c->loaded || c->reload_pending)
		c->status |= STATUS_NULL_COUNT;
	if (counter_output(c, tick))
		c->status |= STATUS_OUTPUT;
}

static bool reads_high(struct counter *c)
{
	bool high = c->access == ACCESS_HIGH || (c->access == ACCESS_BOTH && c->read_high);

	if (c->access == ACCESS_BOTH)
		c->read_high = !c->read_high;
	return high;
}

uint8_t counter_read(struct counter *c, uint64_t tick)
{
	uint16_t value;
	bool high;

	settle(c, tick);
	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	value = c->count_latched ? c->latch : register_value(c, tick);
	high = reads_high(c);
	if (high || c->access != ACCESS_BOTH)
		c->count_latched = false;
	return (uint8_t)(high ? value >> 8 : value);
}

bool counter_output(struct counter *c, uint64_t tick)
{
	uint64_t d;

	settle(c, tick);
	d = elapsed(c, tick);
	switch (c->mode) {
	case 0:
		return c->loaded && d >= c->count;
	case 1:
		return !c->running || d >= c->count;
	case 2:
		return !c->running || d % c->count != c->count - 1;
	case 3:
		return !c->running || d % c->count < (c->count + 1) / 2;
	default:
		return !c->running || d != c->count;
	}
}

uint64_t counter_next_rise(struct counter *c, uint64_t tick)
{
	uint64_t d;

	settle(c, tick);
	if (!c->running || !c->loaded)
		return COUNTER_NEVER;
	d = elapsed(c, tick);
	if (periodic(c))
		return c->start + (d / c->count + 1) * c->count;
	if (c->mode >= 4)
		return d <= c->count ? c->start + c->count + 1 : COUNTER_NEVER;
	return d < c->count ? c->start + c->count : COUNTER_NEVER;
}

static bool count_valid(uint32_t count)
{
	return count >= 1 && count <= COUNT_MAX;
}

bool counter_valid(const struct counter *c, uint64_t tick)
{
	return c->mode <= 5 && c->access <= ACCESS_BOTH && count_valid(c->count) &&
	       count_valid(c->next_count) && c->start <= tick && c->stopped_at <= tick &&
	       c->reload_tick <= tick + COUNT_MAX;
}
