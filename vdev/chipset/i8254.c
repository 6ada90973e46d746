/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254's registers, port 61h, and the interrupt of counter 0. One timer, set to the next rising
 * edge of the output. Edges that are less than 50 µs apart, or that passed while nobody ran, count
 * once: a guest cannot make the worker spin.
 */
#include "vdev/i8254.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "i8254_counter.h"

#define COUNTERS            3u
#define MIN_EDGE            60u /* ticks */
#define REFRESH_TICKS       18u /* the refresh bit toggles every 15 µs */

#define CONTROL_PORT        3u
#define CONTROL_READ_BACK   3u
#define READ_BACK_NO_COUNT  BIT(5)
#define READ_BACK_NO_STATUS BIT(4)

#define PORT61_GATE2        BIT(0)
#define PORT61_SPEAKER      BIT(1)
#define PORT61_MASKS        (BIT(2) | BIT(3)) /* NMI sources that this board has not */
#define PORT61_REFRESH      BIT(4)
#define PORT61_OUT2         BIT(5)

struct vdev_i8254 {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_range range, range61;
	struct vdev_timer timer;
	struct vdev_irq irq;
	uint8_t port61;
	struct counter counters[COUNTERS];
};

static uint64_t now_tick(const struct vdev_i8254 *pit)
{
	return vdev_ns_to_ticks(vdev_clock_now(&pit->board->clock), VDEV_I8254_HZ);
}

static void arm(struct vdev_i8254 *pit, uint64_t tick)
{
	struct counter *c = &pit->counters[0];
	uint64_t rise = counter_next_rise(c, tick);

	if (rise == COUNTER_NEVER) {
		vdev_timer_cancel(&pit->timer);
		return;
	}
	if (rise < tick + MIN_EDGE)
		rise += (tick + MIN_EDGE - rise + c->count - 1) / c->count * c->count;
	vdev_timer_arm(&pit->timer, vdev_ticks_to_ns(rise, VDEV_I8254_HZ));
}

/*
 * After a change of counter 0 at `tick`: the line follows the output. One tick for the change, the
 * line and the timer: a short count may be over by the time that the clock is looked at again, and
 * its edge would be skipped.
 */
static void update(struct vdev_i8254 *pit, uint64_t tick)
{
	vdev_irq_set(&pit->irq, counter_output(&pit->counters[0], tick));
	arm(pit, tick);
}

static void expire(void *owner)
{
	struct vdev_i8254 *pit = owner;

	vdev_irq_set(&pit->irq, false);
	vdev_irq_set(&pit->irq, true);
	arm(pit, now_tick(pit));
}

/* An edge that is due and not yet made comes before a change of the counter. */
static void catch_up(struct vdev_i8254 *pit)
{
	if (!pit->timer.armed || pit->timer.deadline > vdev_clock_now(&pit->board->clock))
		return;
	vdev_timer_cancel(&pit->timer);
	expire(pit);
}

bool vdev_i8254_output(struct vdev_i8254 *pit, unsigned int counter)
{
	return counter_output(&pit->counters[counter], now_tick(pit));
}

/* ---- ports 40h–43h ---- */

static void read_back(struct vdev_i8254 *pit, uint8_t control)
{
	for (unsigned int i = 0; i < COUNTERS; i++) {
		if (!(control & BIT(i + 1)))
			continue;
		if (!(control & READ_BACK_NO_COUNT))
			counter_latch_count(&pit->counters[i], now_tick(pit));
		if (!(control & READ_BACK_NO_STATUS))
			counter_latch_status(&pit->counters[i], now_tick(pit));
	}
}

static void write_control(struct vdev_i8254 *pit, uint8_t control)
{
	unsigned int counter = control >> 6;

	if (counter == CONTROL_READ_BACK) {
		read_back(pit, control);
		return;
	}
	if ((control >> 4 & 3) == ACCESS_LATCH) {
		counter_latch_count(&pit->counters[counter], now_tick(pit));
		return;
	}
	if (counter == 0)
		catch_up(pit);
	counter_set_mode(&pit->counters[counter], control);
	if (counter == 0)
		update(pit, now_tick(pit));
}

static uint64_t pit_read(void *owner, uint64_t offset, unsigned int width)
{
	struct vdev_i8254 *pit = owner;

	return offset == CONTROL_PORT ? 0xff : counter_read(&pit->counters[offset], now_tick(pit));
}

static void pit_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_i8254 *pit = owner;
	uint64_t tick;

	if (offset == CONTROL_PORT) {
		write_control(pit, (uint8_t)value);
		return;
	}
	if (offset == 0)
		catch_up(pit);
	tick = now_tick(pit);
	counter_write(&pit->counters[offset], (uint8_t)value, tick);
	if (offset == 0)
		update(pit, tick);
}

static const struct vdev_range_ops pit_ops = {.read = pit_read, .write = pit_write};

/* ---- port 61h ---- */

static uint64_t port61_read(void *owner, uint64_t offset, unsigned int width)
{
	struct vdev_i8254 *pit = owner;
	uint8_t value = pit->port61;

	if (now_tick(pit) / REFRESH_TICKS % 2)
		value |= PORT61_REFRESH;
	if (vdev_i8254_output(pit, 2))
		value |= PORT61_OUT2;
	return value;
}

static void port61_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_i8254 *pit = owner;

	pit->port61 = value & (PORT61_GATE2 | PORT61_SPEAKER | PORT61_MASKS);
	counter_set_gate(&pit->counters[2], value & PORT61_GATE2, now_tick(pit));
}

static const struct vdev_range_ops port61_ops = {.read = port61_read, .write = port61_write};

/* ---- device ---- */

/* clang-format off */
#define COUNTER_FIELDS(tag, n)                                                                     \
	VDEV_FIELD((tag) + 0, struct vdev_i8254, counters[n].mode),                                    \
	VDEV_FIELD((tag) + 1, struct vdev_i8254, counters[n].access),                                  \
	VDEV_FIELD((tag) + 2, struct vdev_i8254, counters[n].bcd),                                     \
	VDEV_FIELD((tag) + 3, struct vdev_i8254, counters[n].gate),                                    \
	VDEV_FIELD((tag) + 4, struct vdev_i8254, counters[n].loaded),                                  \
	VDEV_FIELD((tag) + 5, struct vdev_i8254, counters[n].running),                                 \
	VDEV_FIELD((tag) + 6, struct vdev_i8254, counters[n].count),                                   \
	VDEV_FIELD((tag) + 7, struct vdev_i8254, counters[n].start),                                   \
	VDEV_FIELD((tag) + 8, struct vdev_i8254, counters[n].stopped_at),                              \
	VDEV_FIELD((tag) + 9, struct vdev_i8254, counters[n].reload_pending),                          \
	VDEV_FIELD((tag) + 10, struct vdev_i8254, counters[n].next_count),                             \
	VDEV_FIELD((tag) + 11, struct vdev_i8254, counters[n].reload_tick),                            \
	VDEV_FIELD((tag) + 12, struct vdev_i8254, counters[n].write_high),                             \
	VDEV_FIELD((tag) + 13, struct vdev_i8254, counters[n].write_low),                              \
	VDEV_FIELD((tag) + 14, struct vdev_i8254, counters[n].read_high),                              \
	VDEV_FIELD((tag) + 15, struct vdev_i8254, counters[n].count_latched),                          \
	VDEV_FIELD((tag) + 16, struct vdev_i8254, counters[n].latch),                                  \
	VDEV_FIELD((tag) + 17, struct vdev_i8254, counters[n].status_latched),                         \
	VDEV_FIELD((tag) + 18, struct vdev_i8254, counters[n].status)
/* clang-format on */

static const struct vdev_field fields[] = {
	VDEV_FIELD_MAX(1, struct vdev_i8254, port61, PORT61_GATE2 | PORT61_SPEAKER | PORT61_MASKS),
	COUNTER_FIELDS(0x100, 0),
	COUNTER_FIELDS(0x200, 1),
	COUNTER_FIELDS(0x300, 2),
};

static struct vdev_i8254 *to_pit(struct vdev_device *device)
{
	return container_of(device, struct vdev_i8254, device);
}

/* The 8254 has no reset input; power-on is mode 3 at the slowest rate, as PC firmware leaves it. */
static void i8254_reset(struct vdev_device *device)
{
	struct vdev_i8254 *pit = to_pit(device);

	pit->port61 = 0;
	for (unsigned int i = 0; i < COUNTERS; i++) {
		pit->counters[i] = (struct counter){.gate = i != 2};
		counter_set_mode(&pit->counters[i], ACCESS_BOTH << 4 | 3 << 1);
	}
	vdev_timer_cancel(&pit->timer);
	vdev_irq_set(&pit->irq, false);
}

static void i8254_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static int i8254_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_i8254 *pit = to_pit(device);
	struct vdev_i8254 copy = *pit;
	int r = vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), &copy);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < COUNTERS; i++) {
		if (!counter_valid(&copy.counters[i], now_tick(pit)))
			return -EBADMSG;
	}
	memcpy(pit->counters, copy.counters, sizeof(pit->counters));
	pit->port61 = copy.port61;
	update(pit, now_tick(pit));
	return 0;
}

static void i8254_destroy(struct vdev_device *device)
{
	struct vdev_i8254 *pit = to_pit(device);

	vdev_timer_cancel(&pit->timer);
	vdev_irq_connect(&pit->irq, NULL);
	vdev_bus_remove(&pit->board->ports, &pit->range);
	vdev_bus_remove(&pit->board->ports, &pit->range61);
	free(pit);
}

static const struct vdev_device_class i8254_class = {
	.type = "8254",
	.version = 1,
	.reset = i8254_reset,
	.save = i8254_save,
	.restore = i8254_restore,
	.destroy = i8254_destroy,
};

static int add_ranges(struct vdev_i8254 *pit)
{
	int r;

	pit->range = (struct vdev_range){
		.name = "8254", .base = 0x40, .size = 4, .ops = &pit_ops, .owner = pit};
	pit->range61 = (struct vdev_range){
		.name = "port 61h", .base = 0x61, .size = 1, .ops = &port61_ops, .owner = pit};
	r = vdev_bus_add(&pit->board->ports, &pit->range);
	return r < 0 ? r : vdev_bus_add(&pit->board->ports, &pit->range61);
}

int vdev_i8254_create(struct vdev_board *board, struct vdev_irq_line *irq0,
		      struct vdev_i8254 **ret_pit)
{
	struct vdev_i8254 *pit = calloc(1, sizeof(*pit));
	int r;

	if (!pit)
		return -ENOMEM;
	vdev_device_init(&pit->device, &i8254_class, "i8254");
	pit->board = board;
	vdev_timer_init(&pit->timer, &board->clock, expire, pit);
	vdev_irq_connect(&pit->irq, irq0);
	i8254_reset(&pit->device);
	r = add_ranges(pit);
	if (r < 0) {
		i8254_destroy(&pit->device);
		return r;
	}
	*ret_pit = pit;
	return 0;
}

struct vdev_device *vdev_i8254_device(struct vdev_i8254 *pit)
{
	return &pit->device;
}
