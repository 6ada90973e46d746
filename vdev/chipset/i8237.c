/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DMA controllers. Invariant: a channel's current address and count are what the guest
 * programmed, advanced by what was moved; the count is one less than the transfers left.
 */
#include "vdev/i8237.h"

#include <errno.h>
#include <stdlib.h>

#include "vid/partition.h"

#define CONTROLLERS     2u
#define CHANNELS        4u
#define PAGES           15u /* ports 81h to 8Fh */

#define REG_STATUS      8u /* read; command when written */
#define REG_REQUEST     9u
#define REG_MASK        10u
#define REG_MODE        11u
#define REG_CLEAR       12u /* byte pointer */
#define REG_TEMP        13u /* read; master clear when written */
#define REG_UNMASK      14u
#define REG_MASKS       15u

#define COMMAND_DISABLE BIT(2)
#define MODE_TYPE       0x0cu
#define MODE_WRITE      0x04u /* device to memory */
#define MODE_READ       0x08u
#define MODE_AUTO       BIT(4)
#define MODE_DECREMENT  BIT(5)

struct controller {
	uint16_t base_address[CHANNELS], base_count[CHANNELS];
	uint16_t address[CHANNELS], count[CHANNELS];
	uint8_t mode[CHANNELS];
	uint8_t command, mask, request;
	uint8_t terminal; /* status bits 3:0 */
	bool high;        /* the byte pointer: the next byte is the high one */
};

struct vdev_i8237 {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_range ranges[3];
	struct controller controllers[CONTROLLERS];
	uint8_t pages[PAGES];
};

/* ---- registers of one controller ---- */

static uint8_t half(uint16_t value, bool high)
{
	return (uint8_t)(high ? value >> 8 : value);
}

static void set_half(uint16_t *value, bool high, uint8_t byte)
{
	*value = (uint16_t)(high ? (*value & 0xff) | byte << 8 : (*value & 0xff00) | byte);
}

static uint8_t read_channel(struct controller *c, unsigned int reg)
{
	bool high = c->high;

	c->high = !high;
	return half(reg & 1 ? c->count[reg / 2] : c->address[reg / 2], high);
}

static void write_channel(struct controller *c, unsigned int reg, uint8_t value)
{
	unsigned int channel = reg / 2;
	uint16_t *base = reg & 1 ? &c->base_count[channel] : &c->base_address[channel];

	set_half(base, c->high, value);
	c->high = !c->high;
	if (reg & 1)
		c->count[channel] = *base;
	else
		c->address[channel] = *base;
}

static uint8_t read_register(struct controller *c, unsigned int reg)
{
	uint8_t value = 0;

	if (reg < REG_STATUS)
		return read_channel(c, reg);
	if (reg == REG_STATUS) {
		value = (uint8_t)(c->request << 4 | c->terminal);
		c->terminal = 0;
	} else if (reg == REG_MASKS) {
		value = c->mask | 0xf0;
	}
	return value;
}

static void change_bit(uint8_t *bits, uint8_t value)
{
	uint8_t bit = (uint8_t)BIT(value & 3);

	*bits = value & 4 ? *bits | bit : *bits & (uint8_t)~bit;
}

static void master_clear(struct controller *c)
{
	c->command = c->request = c->terminal = 0;
	c->mask = 0x0f;
	c->high = false;
}

static void write_register(struct controller *c, unsigned int reg, uint8_t value)
{
	switch (reg) {
	case REG_STATUS:
		c->command = value;
		break;
	case REG_REQUEST:
		change_bit(&c->request, value);
		break;
	case REG_MASK:
		change_bit(&c->mask, value);
		break;
	case REG_MODE:
		c->mode[value & 3] = value & (uint8_t)~3;
		break;
	case REG_CLEAR:
		c->high = false;
		break;
	case REG_TEMP:
		master_clear(c);
		break;
	case REG_UNMASK:
		c->mask = 0;
		break;
	case REG_MASKS:
		c->mask = value & 0x0f;
		break;
	default:
		write_channel(c, reg, value);
	}
}

/* ---- ports ---- */

static uint64_t low_read(void *owner, uint64_t offset, unsigned int width)
{
	return read_register(&((struct vdev_i8237 *)owner)->controllers[0], (unsigned int)offset);
}

static void low_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	write_register(&((struct vdev_i8237 *)owner)->controllers[0], (unsigned int)offset,
		       (uint8_t)value);
}

/* The second controller's registers are at even ports. */
static uint64_t high_read(void *owner, uint64_t offset, unsigned int width)
{
	return read_register(&((struct vdev_i8237 *)owner)->controllers[1],
			     (unsigned int)offset / 2);
}

static void high_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	write_register(&((struct vdev_i8237 *)owner)->controllers[1], (unsigned int)offset / 2,
		       (uint8_t)value);
}

static uint64_t page_read(void *owner, uint64_t offset, unsigned int width)
{
	return ((struct vdev_i8237 *)owner)->pages[offset];
}

static void page_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	((struct vdev_i8237 *)owner)->pages[offset] = (uint8_t)value;
}

static const struct vdev_range_ops low_ops = {.read = low_read, .write = low_write};
static const struct vdev_range_ops high_ops = {.read = high_read, .write = high_write};
static const struct vdev_range_ops page_ops = {.read = page_read, .write = page_write};

/* ---- transfers ---- */

/* Index in pages[] of each channel's page register; 4 is the cascade. */
static const uint8_t page_of[CONTROLLERS * CHANNELS] = {6, 2, 0, 1, 14, 10, 8, 9};

struct transfer {
	struct vdev_i8237 *dma;
	struct controller *c;
	unsigned int number; /* in the controller */
	unsigned int unit;   /* bytes of one transfer */
	uint64_t page;
	bool to_memory;
	uint8_t *buffer;
};

static uint64_t unit_address(const struct transfer *t)
{
	return t->page + (uint64_t)t->c->address[t->number] * t->unit;
}

/* Where there is no memory, reads give ones and writes go nowhere, as on the bus. */
static void move_unit(const struct transfer *t, uint8_t *data)
{
	struct vid_partition *partition = t->dma->board->partition;

	if (t->to_memory) {
		if (vid_gpa_write(partition, unit_address(t), data, t->unit) < 0)
			return;
	} else if (vid_gpa_read(partition, unit_address(t), data, t->unit) < 0) {
		data[0] = data[t->unit - 1] = 0xff;
	}
}

static bool end_of_count(struct controller *c, unsigned int number)
{
	if (c->count[number]-- != 0)
		return false;
	c->terminal |= (uint8_t)BIT(number);
	c->request &= (uint8_t)~BIT(number);
	if (c->mode[number] & MODE_AUTO) {
		c->address[number] = c->base_address[number];
		c->count[number] = c->base_count[number];
	} else {
		c->mask |= (uint8_t)BIT(number);
	}
	return true;
}

static size_t run(const struct transfer *t, size_t size, bool *ret_terminal)
{
	struct controller *c = t->c;
	size_t done = 0;

	*ret_terminal = false;
	while (size - done >= t->unit && !*ret_terminal) {
		move_unit(t, t->buffer + done);
		c->address[t->number] += c->mode[t->number] & MODE_DECREMENT ? UINT16_MAX : 1;
		*ret_terminal = end_of_count(c, t->number);
		done += t->unit;
	}
	return done;
}

static size_t transfer(struct vdev_i8237 *dma, unsigned int channel, void *buffer, size_t size,
		       bool to_memory, bool *ret_terminal)
{
	bool words = channel >= CHANNELS;
	struct controller *c = &dma->controllers[words];
	uint64_t page = dma->pages[page_of[channel]] & (words ? 0xfe : 0xff);
	struct transfer t = {.dma = dma,
			     .c = c,
			     .number = channel % CHANNELS,
			     .unit = words ? 2 : 1,
			     .page = page << 16,
			     .to_memory = to_memory,
			     .buffer = buffer};

	CHECK(channel < CONTROLLERS * CHANNELS && channel != CHANNELS);
	*ret_terminal = false;
	if ((c->command & COMMAND_DISABLE) || (c->mask & BIT(t.number)))
		return 0;
	if ((c->mode[t.number] & MODE_TYPE) != (to_memory ? MODE_WRITE : MODE_READ))
		return 0;
	return run(&t, size, ret_terminal);
}

size_t vdev_i8237_read(struct vdev_i8237 *dma, unsigned int channel, void *buffer, size_t size,
		       bool *ret_terminal)
{
	return transfer(dma, channel, buffer, size, false, ret_terminal);
}

size_t vdev_i8237_write(struct vdev_i8237 *dma, unsigned int channel, const void *buffer,
			size_t size, bool *ret_terminal)
{
	return transfer(dma, channel, (void *)(uintptr_t)buffer, size, true, ret_terminal);
}

/* ---- device ---- */

/* clang-format off */
#define CONTROLLER_FIELDS(tag, n)                                                                  \
	VDEV_FIELD_ARRAY((tag) + 0, struct vdev_i8237, controllers[n].base_address),                   \
	VDEV_FIELD_ARRAY((tag) + 1, struct vdev_i8237, controllers[n].base_count),                     \
	VDEV_FIELD_ARRAY((tag) + 2, struct vdev_i8237, controllers[n].address),                        \
	VDEV_FIELD_ARRAY((tag) + 3, struct vdev_i8237, controllers[n].count),                          \
	VDEV_FIELD_ARRAY((tag) + 4, struct vdev_i8237, controllers[n].mode),                           \
	VDEV_FIELD((tag) + 5, struct vdev_i8237, controllers[n].command),                              \
	VDEV_FIELD_MAX((tag) + 6, struct vdev_i8237, controllers[n].mask, 15),                         \
	VDEV_FIELD_MAX((tag) + 7, struct vdev_i8237, controllers[n].request, 15),                      \
	VDEV_FIELD_MAX((tag) + 8, struct vdev_i8237, controllers[n].terminal, 15),                     \
	VDEV_FIELD((tag) + 9, struct vdev_i8237, controllers[n].high)
/* clang-format on */

static const struct vdev_field fields[] = {
	VDEV_FIELD_ARRAY(1, struct vdev_i8237, pages),
	CONTROLLER_FIELDS(0x100, 0),
	CONTROLLER_FIELDS(0x200, 1),
};

static struct vdev_i8237 *to_dma(struct vdev_device *device)
{
	return container_of(device, struct vdev_i8237, device);
}

static void i8237_reset(struct vdev_device *device)
{
	struct vdev_i8237 *dma = to_dma(device);

	for (unsigned int i = 0; i < CONTROLLERS; i++) {
		dma->controllers[i] = (struct controller){0};
		master_clear(&dma->controllers[i]);
	}
	for (unsigned int i = 0; i < PAGES; i++)
		dma->pages[i] = 0;
}

static void i8237_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static int i8237_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	return vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), to_dma(device));
}

static void i8237_destroy(struct vdev_device *device)
{
	struct vdev_i8237 *dma = to_dma(device);

	vdev_bus_remove_all(&dma->board->ports, dma->ranges, ARRAY_SIZE(dma->ranges));
	free(dma);
}

static const struct vdev_device_class i8237_class = {
	.type = "8237A",
	.version = 1,
	.reset = i8237_reset,
	.save = i8237_save,
	.restore = i8237_restore,
	.destroy = i8237_destroy,
};

int vdev_i8237_create(struct vdev_board *board, struct vdev_i8237 **ret_dma)
{
	struct vdev_i8237 *dma = calloc(1, sizeof(*dma));
	int r;

	if (!dma)
		return -ENOMEM;
	vdev_device_init(&dma->device, &i8237_class, "i8237");
	dma->board = board;
	dma->ranges[0] = (struct vdev_range){"8237A bytes", 0x00, 16, &low_ops, dma, 0, 0};
	dma->ranges[1] = (struct vdev_range){"8237A words", 0xc0, 32, &high_ops, dma, 0, 0};
	dma->ranges[2] = (struct vdev_range){"DMA pages", 0x81, PAGES, &page_ops, dma, 0, 0};
	i8237_reset(&dma->device);
	r = vdev_bus_add_all(&board->ports, dma->ranges, ARRAY_SIZE(dma->ranges));
	if (r < 0) {
		free(dma);
		return r;
	}
	*ret_dma = dma;
	return 0;
}

struct vdev_device *vdev_i8237_device(struct vdev_i8237 *dma)
{
	return &dma->device;
}
