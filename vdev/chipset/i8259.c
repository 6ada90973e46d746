/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8259A pair. chips[0] is the master, whose input 2 is the output of chips[1]. Invariant after
 * every public call: master input 2 is the slave's request, and `output` is what the listener was
 * told last.
 */
#include "vdev/i8259.h"

#include <errno.h>
#include <stdlib.h>

#define CASCADE     2u
#define CHIP_COUNT  2u
#define RANGE_COUNT 3u
#define NONE        8u /* no input: also the lowest of all priorities */

#define ICW1_IC4    BIT(0)
#define ICW1        BIT(4)
#define ICW4_AEOI   BIT(1)
#define ICW4_SFNM   BIT(4)
#define OCW3        BIT(3)
#define OCW3_RIS    BIT(0)
#define OCW3_RR     BIT(1)
#define OCW3_POLL   BIT(2)
#define OCW3_SMM    BIT(5)
#define OCW3_ESMM   BIT(6)
#define OCW2_EOI    BIT(5)
#define OCW2_SL     BIT(6)
#define OCW2_R      BIT(7)
#define POLL_ACTIVE BIT(7)

enum icw { ICW_NONE, ICW_2, ICW_3, ICW_4 };

struct chip {
	uint8_t irr, imr, isr;
	uint8_t lines;  /* levels of the inputs */
	uint8_t elcr;   /* 1: level */
	uint8_t vector; /* ICW2, bits 7:3 */
	uint8_t lowest; /* input of lowest priority */
	uint8_t next;   /* enum icw: what the data port takes next */
	bool wants_icw4, auto_eoi, rotate_auto, nested, special_mask, read_isr, poll;
};

struct vdev_i8259 {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_range ranges[RANGE_COUNT];
	struct chip chips[CHIP_COUNT];
	bool output;
	void (*intr)(void *owner, bool level);
	void *owner;
};

/* What the PIIX4 lets be level triggered: not the timer, keyboard, cascade; RTC, coprocessor. */
static const uint8_t elcr_mask[CHIP_COUNT] = {0xf8, 0xde};

/* ---- one chip ---- */

/* Priority of the highest bit set, 0 best; NONE if there is none. */
static unsigned int best_priority(const struct chip *c, uint8_t bits)
{
	unsigned int priority = 0;

	while (priority < NONE && !(bits & BIT((c->lowest + 1 + priority) & 7)))
		priority++;
	return priority;
}

static unsigned int input_of(const struct chip *c, unsigned int priority)
{
	return priority == NONE ? NONE : (c->lowest + 1 + priority) & 7;
}

/* The input that asks for an interrupt, or NONE. */
static unsigned int requesting(const struct vdev_i8259 *pic, const struct chip *c)
{
	unsigned int wanted = best_priority(c, c->irr & (uint8_t)~c->imr);
	uint8_t in_service = c->isr;

	if (c->special_mask)
		in_service &= (uint8_t)~c->imr;
	if (c->nested && c == &pic->chips[0])
		in_service &= (uint8_t)~BIT(CASCADE);
	return wanted < best_priority(c, in_service) ? input_of(c, wanted) : NONE;
}

static void set_input(struct chip *c, unsigned int input, bool level)
{
	uint8_t bit = (uint8_t)BIT(input);
	bool rose = level && !(c->lines & bit);

	c->lines = level ? c->lines | bit : c->lines & (uint8_t)~bit;
	if (c->elcr & bit)
		c->irr = level ? c->irr | bit : c->irr & (uint8_t)~bit;
	else if (rose)
		c->irr |= bit;
}

static void acknowledge(struct chip *c, unsigned int input)
{
	uint8_t bit = (uint8_t)BIT(input);

	if (!c->auto_eoi)
		c->isr |= bit;
	else if (c->rotate_auto)
		c->lowest = (uint8_t)input;
	if (!(c->elcr & bit))
		c->irr &= (uint8_t)~bit;
}

/* ---- both ---- */

static void update(struct vdev_i8259 *pic)
{
	bool output;

	set_input(&pic->chips[0], CASCADE, requesting(pic, &pic->chips[1]) != NONE);
	if (requesting(pic, &pic->chips[1]) == NONE)
		pic->chips[0].irr &= (uint8_t)~BIT(CASCADE);
	output = requesting(pic, &pic->chips[0]) != NONE;
	if (output == pic->output)
		return;
	pic->output = output;
	pic->intr(pic->owner, output);
}

void vdev_i8259_set(struct vdev_i8259 *pic, unsigned int pin, bool level)
{
	CHECK(pin < 16);
	if (pin == CASCADE)
		return;
	set_input(&pic->chips[pin / 8], pin % 8, level);
	update(pic);
}

bool vdev_i8259_pending(const struct vdev_i8259 *pic)
{
	return pic->output;
}

/* Takes the chip's request; without one the answer is input 7, and nothing is in service. */
static unsigned int take(struct vdev_i8259 *pic, struct chip *c)
{
	unsigned int input = requesting(pic, c);

	if (input == NONE)
		return 7;
	acknowledge(c, input);
	return input;
}

uint8_t vdev_i8259_acknowledge(struct vdev_i8259 *pic)
{
	struct chip *master = &pic->chips[0], *slave = &pic->chips[1];
	unsigned int input = take(pic, master);
	uint8_t vector = (uint8_t)(master->vector + input);

	if (input == CASCADE) {
		input = take(pic, slave);
		vector = (uint8_t)(slave->vector + input);
		/* The cascade input is an edge; a further request of the slave makes the next one. */
		set_input(master, CASCADE, false);
	}
	update(pic);
	return vector;
}

/* ---- registers ---- */

static void write_icw1(struct chip *c, uint8_t value)
{
	c->irr = c->lines & c->elcr;
	c->imr = 0;
	c->isr = 0;
	c->lowest = 7;
	c->special_mask = c->read_isr = c->poll = false;
	c->auto_eoi = c->nested = c->rotate_auto = false;
	c->wants_icw4 = value & ICW1_IC4;
	c->next = ICW_2;
}

static void write_ocw3(struct chip *c, uint8_t value)
{
	if (value & OCW3_POLL)
		c->poll = true;
	if (value & OCW3_RR)
		c->read_isr = value & OCW3_RIS;
	if (value & OCW3_ESMM)
		c->special_mask = value & OCW3_SMM;
}

/* An EOI ends `input` (NONE: nothing was in service) and may make it the lowest in priority. */
static void end_of_interrupt(struct chip *c, unsigned int input, bool rotate)
{
	if (input == NONE)
		return;
	c->isr &= (uint8_t)~BIT(input);
	if (rotate)
		c->lowest = (uint8_t)input;
}

static unsigned int highest_in_service(const struct chip *c)
{
	uint8_t in_service = c->isr;

	if (c->special_mask)
		in_service &= (uint8_t)~c->imr;
	return input_of(c, best_priority(c, in_service));
}

static void write_ocw2(struct chip *c, uint8_t value)
{
	unsigned int input = value & 7;

	switch (value & (OCW2_R | OCW2_SL | OCW2_EOI)) {
	case OCW2_EOI:
	case OCW2_R | OCW2_EOI:
		end_of_interrupt(c, highest_in_service(c), value & OCW2_R);
		break;
	case OCW2_SL | OCW2_EOI:
	case OCW2_R | OCW2_SL | OCW2_EOI:
		end_of_interrupt(c, input, value & OCW2_R);
		break;
	case OCW2_R | OCW2_SL:
		c->lowest = (uint8_t)input;
		break;
	case OCW2_R:
	case 0:
		c->rotate_auto = value & OCW2_R;
		break;
	}
}

static void write_command(struct chip *c, uint8_t value)
{
	if (value & ICW1)
		write_icw1(c, value);
	else if (value & OCW3)
		write_ocw3(c, value);
	else
		write_ocw2(c, value);
}

static void write_data(struct chip *c, uint8_t value)
{
	switch ((enum icw)c->next) {
	case ICW_NONE:
		c->imr = value;
		break;
	case ICW_2:
		c->vector = value & 0xf8;
		c->next = ICW_3;
		break;
	case ICW_3: /* the wiring is fixed */
		c->next = c->wants_icw4 ? ICW_4 : ICW_NONE;
		break;
	case ICW_4:
		c->auto_eoi = value & ICW4_AEOI;
		c->nested = value & ICW4_SFNM;
		c->next = ICW_NONE;
		break;
	}
}

static struct chip *chip_at(struct vdev_i8259 *pic, const struct vdev_range *range)
{
	return &pic->chips[range - pic->ranges];
}

static uint8_t read_poll(struct vdev_i8259 *pic, struct chip *c)
{
	bool asked = requesting(pic, c) != NONE;

	c->poll = false;
	return asked ? (uint8_t)(POLL_ACTIVE | take(pic, c)) : 0;
}

static uint64_t chip_read(struct vdev_i8259 *pic, struct chip *c, uint64_t offset)
{
	uint8_t value;

	if (c->poll) {
		value = read_poll(pic, c);
		update(pic);
		return value;
	}
	if (offset == 1)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static void chip_write(struct vdev_i8259 *pic, struct chip *c, uint64_t offset, uint64_t value)
{
	if (offset == 0)
		write_command(c, (uint8_t)value);
	else
		write_data(c, (uint8_t)value);
	update(pic);
}

static uint64_t master_read(void *owner, uint64_t offset, unsigned int width)
{
	struct vdev_i8259 *pic = owner;

	return chip_read(pic, chip_at(pic, &pic->ranges[0]), offset);
}

static void master_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_i8259 *pic = owner;

	chip_write(pic, chip_at(pic, &pic->ranges[0]), offset, value);
}

static uint64_t slave_read(void *owner, uint64_t offset, unsigned int width)
{
	struct vdev_i8259 *pic = owner;

	return chip_read(pic, chip_at(pic, &pic->ranges[1]), offset);
}

static void slave_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_i8259 *pic = owner;

	chip_write(pic, chip_at(pic, &pic->ranges[1]), offset, value);
}

static uint64_t elcr_read(void *owner, uint64_t offset, unsigned int width)
{
	return ((struct vdev_i8259 *)owner)->chips[offset].elcr;
}

static void elcr_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_i8259 *pic = owner;
	struct chip *c = &pic->chips[offset];

	c->elcr = (uint8_t)value & elcr_mask[offset];
	c->irr = (uint8_t)((c->irr & ~c->elcr) | (c->lines & c->elcr));
	update(pic);
}

static const struct vdev_range_ops master_ops = {.read = master_read, .write = master_write};
static const struct vdev_range_ops slave_ops = {.read = slave_read, .write = slave_write};
static const struct vdev_range_ops elcr_ops = {.read = elcr_read, .write = elcr_write};

/* ---- device ---- */

/* clang-format off */
#define CHIP_FIELDS(tag, n)                                                                        \
	VDEV_FIELD((tag) + 0, struct vdev_i8259, chips[n].irr),                                        \
	VDEV_FIELD((tag) + 1, struct vdev_i8259, chips[n].imr),                                        \
	VDEV_FIELD((tag) + 2, struct vdev_i8259, chips[n].isr),                                        \
	VDEV_FIELD((tag) + 3, struct vdev_i8259, chips[n].lines),                                      \
	VDEV_FIELD((tag) + 4, struct vdev_i8259, chips[n].elcr),                                       \
	VDEV_FIELD((tag) + 5, struct vdev_i8259, chips[n].vector),                                     \
	VDEV_FIELD_MAX((tag) + 6, struct vdev_i8259, chips[n].lowest, 7),                              \
	VDEV_FIELD_MAX((tag) + 7, struct vdev_i8259, chips[n].next, ICW_4),                            \
	VDEV_FIELD((tag) + 8, struct vdev_i8259, chips[n].wants_icw4),                                 \
	VDEV_FIELD((tag) + 9, struct vdev_i8259, chips[n].auto_eoi),                                   \
	VDEV_FIELD((tag) + 10, struct vdev_i8259, chips[n].rotate_auto),                               \
	VDEV_FIELD((tag) + 11, struct vdev_i8259, chips[n].nested),                                    \
	VDEV_FIELD((tag) + 12, struct vdev_i8259, chips[n].special_mask),                              \
	VDEV_FIELD((tag) + 13, struct vdev_i8259, chips[n].read_isr),                                  \
	VDEV_FIELD((tag) + 14, struct vdev_i8259, chips[n].poll)
/* clang-format on */

static const struct vdev_field fields[] = {CHIP_FIELDS(0x100, 0), CHIP_FIELDS(0x200, 1)};

static struct vdev_i8259 *to_pic(struct vdev_device *device)
{
	return container_of(device, struct vdev_i8259, device);
}

/* The inputs keep their levels: they are other devices' outputs. */
static void reset_chip(struct chip *c)
{
	*c = (struct chip){.lines = c->lines, .lowest = 7};
}

static void i8259_reset(struct vdev_device *device)
{
	struct vdev_i8259 *pic = to_pic(device);

	reset_chip(&pic->chips[0]);
	reset_chip(&pic->chips[1]);
	update(pic);
}

static void i8259_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

/* Some of the bits a guest cannot set; a state that has them was not saved by us. */
static bool chip_valid(const struct chip *c, uint8_t mask)
{
	return !(c->elcr & ~mask) && !(c->vector & 7);
}

static int i8259_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_i8259 *pic = to_pic(device);
	struct vdev_i8259 copy = *pic;
	int r = vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), &copy);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < CHIP_COUNT; i++) {
		if (!chip_valid(&copy.chips[i], elcr_mask[i]))
			return -EBADMSG;
	}
	pic->chips[0] = copy.chips[0];
	pic->chips[1] = copy.chips[1];
	update(pic);
	return 0;
}

static void i8259_destroy(struct vdev_device *device)
{
	struct vdev_i8259 *pic = to_pic(device);

	vdev_bus_remove_all(&pic->board->ports, pic->ranges, RANGE_COUNT);
	free(pic);
}

static const struct vdev_device_class i8259_class = {
	.type = "8259A",
	.version = 1,
	.reset = i8259_reset,
	.save = i8259_save,
	.restore = i8259_restore,
	.destroy = i8259_destroy,
};

int vdev_i8259_create(struct vdev_board *board, void (*intr)(void *owner, bool level), void *owner,
		      struct vdev_i8259 **ret_pic)
{
	struct vdev_i8259 *pic = calloc(1, sizeof(*pic));
	int r;

	if (!pic)
		return -ENOMEM;
	vdev_device_init(&pic->device, &i8259_class, "i8259");
	pic->board = board;
	pic->intr = intr;
	pic->owner = owner;
	pic->ranges[0] = (struct vdev_range){"8259A master", 0x20, 2, &master_ops, pic, 0, 0};
	pic->ranges[1] = (struct vdev_range){"8259A slave", 0xa0, 2, &slave_ops, pic, 0, 0};
	pic->ranges[2] = (struct vdev_range){"ELCR", 0x4d0, 2, &elcr_ops, pic, 0, 0};
	i8259_reset(&pic->device);
	r = vdev_bus_add_all(&board->ports, pic->ranges, RANGE_COUNT);
	if (r < 0) {
		free(pic);
		return r;
	}
	*ret_pic = pic;
	return 0;
}

struct vdev_device *vdev_i8259_device(struct vdev_i8259 *pic)
{
	return &pic->device;
}
