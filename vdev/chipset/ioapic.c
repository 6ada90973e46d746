/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O APIC. Invariant: a level-triggered entry whose input is asserted, that is not masked and
 * whose remote IRR is clear, does not exist between two calls: it was sent.
 */
#include "vdev/ioapic.h"

#include <errno.h>
#include <stdlib.h>

#include "vid/partition.h"

#define REG_ID            0x00
#define REG_VERSION       0x01
#define REG_ARB           0x02
#define REG_REDIR         0x10
#define REG_REDIR_END     (REG_REDIR + 2 * VDEV_IOAPIC_PINS)

#define IOREGSEL          0x00
#define IOWIN             0x10

#define VERSION           ((VDEV_IOAPIC_PINS - 1) << 16 | 0x11)
#define ID_MASK           UINT32_C(0x0f000000)

#define ENTRY_VECTOR      UINT64_C(0xff)
#define ENTRY_MODE_SHIFT  8
#define ENTRY_LOGICAL     BIT64(11)
#define ENTRY_STATUS      BIT64(12)
#define ENTRY_REMOTE_IRR  BIT64(14)
#define ENTRY_LEVEL       BIT64(15)
#define ENTRY_MASKED      BIT64(16)
#define ENTRY_DESTINATION 56
#define ENTRY_WRITABLE    UINT64_C(0xff0000000001afff)

struct vdev_ioapic {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_range range;
	uint8_t select;
	uint32_t id;
	uint32_t lines; /* levels of the inputs */
	uint64_t entries[VDEV_IOAPIC_PINS];
	uint64_t sent, refused;
};

static void send(struct vdev_ioapic *ioapic, uint64_t entry)
{
	struct vid_interrupt interrupt = {
		.vector = (uint8_t)(entry & ENTRY_VECTOR),
		.mode = (entry >> ENTRY_MODE_SHIFT) & 7,
		.logical = entry & ENTRY_LOGICAL,
		.level = entry & ENTRY_LEVEL,
		.destination = (uint32_t)(entry >> ENTRY_DESTINATION),
	};

	ioapic->sent++;
	if (vid_partition_interrupt(ioapic->board->partition, &interrupt) < 0)
		ioapic->refused++;
}

/* Sends a level-triggered interrupt that is due. */
static void serve_level(struct vdev_ioapic *ioapic, unsigned int pin)
{
	uint64_t *entry = &ioapic->entries[pin];

	if (!(ioapic->lines & BIT(pin)) || !(*entry & ENTRY_LEVEL))
		return;
	if (*entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR))
		return;
	*entry |= ENTRY_REMOTE_IRR;
	send(ioapic, *entry);
}

void vdev_ioapic_set(struct vdev_ioapic *ioapic, unsigned int pin, bool level)
{
	bool rose;

	CHECK(pin < VDEV_IOAPIC_PINS);
	rose = level && !(ioapic->lines & BIT(pin));
	ioapic->lines = level ? ioapic->lines | BIT(pin) : ioapic->lines & ~BIT(pin);
	if (rose && !(ioapic->entries[pin] & (ENTRY_LEVEL | ENTRY_MASKED)))
		send(ioapic, ioapic->entries[pin]);
	serve_level(ioapic, pin);
}

void vdev_ioapic_eoi(struct vdev_ioapic *ioapic, uint8_t vector)
{
	for (unsigned int pin = 0; pin < VDEV_IOAPIC_PINS; pin++) {
		uint64_t *entry = &ioapic->entries[pin];

		if (!(*entry & ENTRY_REMOTE_IRR) || (*entry & ENTRY_VECTOR) != vector)
			continue;
		*entry &= ~ENTRY_REMOTE_IRR;
		serve_level(ioapic, pin);
	}
}

uint64_t vdev_ioapic_sent(const struct vdev_ioapic *ioapic)
{
	return ioapic->sent;
}

uint64_t vdev_ioapic_refused(const struct vdev_ioapic *ioapic)
{
	return ioapic->refused;
}

/* ---- registers ---- */

static uint32_t read_window(const struct vdev_ioapic *ioapic)
{
	uint8_t reg = ioapic->select;

	if (reg == REG_ID || reg == REG_ARB)
		return ioapic->id;
	if (reg == REG_VERSION)
		return VERSION;
	if (reg < REG_REDIR || reg >= REG_REDIR_END)
		return 0;
	return (uint32_t)(ioapic->entries[(reg - REG_REDIR) / 2] >> (reg & 1 ? 32 : 0));
}

static void write_entry(struct vdev_ioapic *ioapic, unsigned int pin, bool high, uint32_t value)
{
	uint64_t shifted = high ? (uint64_t)value << 32 : value;
	uint64_t mask = ENTRY_WRITABLE & (high ? UINT64_MAX << 32 : UINT32_MAX);
	uint64_t *entry = &ioapic->entries[pin];

	*entry = (*entry & ~mask) | (shifted & mask);
	/* Guests turn an entry to edge and back to clear a remote IRR that got stuck. */
	if (!(*entry & ENTRY_LEVEL))
		*entry &= ~ENTRY_REMOTE_IRR;
	serve_level(ioapic, pin);
}

static void write_window(struct vdev_ioapic *ioapic, uint32_t value)
{
	uint8_t reg = ioapic->select;

	if (reg == REG_ID)
		ioapic->id = value & ID_MASK;
	else if (reg >= REG_REDIR && reg < REG_REDIR_END)
		write_entry(ioapic, (reg - REG_REDIR) / 2, reg & 1, value);
}

static uint64_t ioapic_read(void *owner, uint64_t offset, unsigned int width)
{
	const struct vdev_ioapic *ioapic = owner;

	if (offset == IOREGSEL)
		return ioapic->select;
	return offset == IOWIN ? read_window(ioapic) : 0;
}

static void ioapic_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_ioapic *ioapic = owner;

	if (offset == IOREGSEL)
		ioapic->select = (uint8_t)value;
	else if (offset == IOWIN)
		write_window(ioapic, (uint32_t)value);
}

static const struct vdev_range_ops range_ops = {
	.read = ioapic_read,
	.write = ioapic_write,
	.min_width = 4,
	.max_width = 4,
};

/* ---- device ---- */

static const struct vdev_field fields[] = {
	VDEV_FIELD(1, struct vdev_ioapic, select),
	VDEV_FIELD_MAX(2, struct vdev_ioapic, id, ID_MASK),
	VDEV_FIELD_MAX(3, struct vdev_ioapic, lines, BIT(VDEV_IOAPIC_PINS) - 1),
	VDEV_FIELD_ARRAY(4, struct vdev_ioapic, entries),
};

static struct vdev_ioapic *to_ioapic(struct vdev_device *device)
{
	return container_of(device, struct vdev_ioapic, device);
}

static void ioapic_reset(struct vdev_device *device)
{
	struct vdev_ioapic *ioapic = to_ioapic(device);

	ioapic->select = 0;
	ioapic->id = 0;
	for (unsigned int pin = 0; pin < VDEV_IOAPIC_PINS; pin++)
		ioapic->entries[pin] = ENTRY_MASKED;
}

static void ioapic_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static bool entry_valid(uint64_t entry)
{
	if (entry & ~(ENTRY_WRITABLE | ENTRY_REMOTE_IRR))
		return false;
	return (entry & ENTRY_LEVEL) || !(entry & ENTRY_REMOTE_IRR);
}

static int ioapic_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_ioapic *ioapic = to_ioapic(device);
	struct vdev_ioapic copy = *ioapic;
	int r = vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), &copy);

	if (r < 0)
		return r;
	for (unsigned int pin = 0; pin < VDEV_IOAPIC_PINS; pin++) {
		if (!entry_valid(copy.entries[pin]))
			return -EBADMSG;
	}
	*ioapic = copy;
	for (unsigned int pin = 0; pin < VDEV_IOAPIC_PINS; pin++)
		serve_level(ioapic, pin);
	return 0;
}

static void ioapic_destroy(struct vdev_device *device)
{
	struct vdev_ioapic *ioapic = to_ioapic(device);

	vdev_bus_remove(&ioapic->board->memory, &ioapic->range);
	free(ioapic);
}

static const struct vdev_device_class ioapic_class = {
	.type = "82093AA",
	.version = 1,
	.reset = ioapic_reset,
	.save = ioapic_save,
	.restore = ioapic_restore,
	.destroy = ioapic_destroy,
};

int vdev_ioapic_create(struct vdev_board *board, struct vdev_ioapic **ret_ioapic)
{
	struct vdev_ioapic *ioapic = calloc(1, sizeof(*ioapic));
	int r;

	if (!ioapic)
		return -ENOMEM;
	vdev_device_init(&ioapic->device, &ioapic_class, "ioapic");
	ioapic->board = board;
	ioapic->range = (struct vdev_range){.name = "IOAPIC",
					    .base = VDEV_IOAPIC_BASE,
					    .size = 0x1000,
					    .ops = &range_ops,
					    .owner = ioapic};
	ioapic_reset(&ioapic->device);
	r = vdev_bus_add(&board->memory, &ioapic->range);
	if (r < 0) {
		free(ioapic);
		return r;
	}
	*ret_ioapic = ioapic;
	return 0;
}

struct vdev_device *vdev_ioapic_device(struct vdev_ioapic *ioapic)
{
	return &ioapic->device;
}
