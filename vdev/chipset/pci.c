/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions and their bus. Invariant: a base address register is `mapped` if and only if its
 * range is on the board's bus, at the address that the register holds.
 */
#include "vdev/pci.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "board/device.h"
#include "vid/partition.h"

#define BAR_IO       BIT(0)
#define BAR_64       BIT(2)
#define BAR_PREFETCH BIT(3)
#define COMMAND_WRITABLE \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | BIT(6) | BIT(8) | BIT(10))
#define STATUS_WRITE_CLEARS 0xf900

void vdev_pci_set16(struct vdev_pci_function *f, unsigned int offset, uint16_t value)
{
	bytes_put_le16(f->config + offset, value);
}

void vdev_pci_set32(struct vdev_pci_function *f, unsigned int offset, uint32_t value)
{
	bytes_put_le32(f->config + offset, value);
}

uint16_t vdev_pci_get16(const struct vdev_pci_function *f, unsigned int offset)
{
	return bytes_get_le16(f->config + offset);
}

uint32_t vdev_pci_get32(const struct vdev_pci_function *f, unsigned int offset)
{
	return bytes_get_le32(f->config + offset);
}

void vdev_pci_function_init(struct vdev_pci_function *f, const struct vdev_pci_function_ops *ops,
			    const struct vdev_pci_id *id)
{
	memset(f, 0, sizeof(*f));
	f->ops = ops;
	vdev_pci_set16(f, PCI_VENDOR_ID, id->vendor);
	vdev_pci_set16(f, PCI_DEVICE_ID, id->device);
	vdev_pci_set16(f, PCI_CLASS, id->class);
	f->config[PCI_PROG_IF] = id->prog_if;
	f->config[PCI_REVISION] = id->revision;
	bytes_put_le16(f->write_mask + PCI_COMMAND, COMMAND_WRITABLE);
	bytes_put_le16(f->clear_mask + PCI_STATUS, STATUS_WRITE_CLEARS);
	f->write_mask[PCI_LATENCY] = 0xff;
	f->write_mask[PCI_CACHE_LINE] = 0xff;
	f->write_mask[PCI_INTERRUPT_LINE] = 0xff;
}

void vdev_pci_allow_common(struct vdev_pci_function *f, uint16_t command, uint8_t latency)
{
	bytes_put_le16(f->write_mask + PCI_COMMAND, command);
	f->write_mask[PCI_LATENCY] = latency;
	f->write_mask[PCI_CACHE_LINE] = 0;
	f->write_mask[PCI_INTERRUPT_LINE] = 0;
}

static bool bar_is_64(const struct vdev_pci_bar *bar)
{
	return bar->kind == VDEV_PCI_BAR_MEM64_PREFETCH;
}

static uint32_t bar_type_bits(enum vdev_pci_bar_kind kind)
{
	switch (kind) {
	case VDEV_PCI_BAR_IO:
		return BAR_IO;
	case VDEV_PCI_BAR_MEM32_PREFETCH:
		return BAR_PREFETCH;
	case VDEV_PCI_BAR_MEM64_PREFETCH:
		return BAR_64 | BAR_PREFETCH;
	case VDEV_PCI_BAR_NONE:
	case VDEV_PCI_BAR_MEM32:
		break;
	}
	return 0;
}

void vdev_pci_bar_init(struct vdev_pci_function *f, unsigned int index, enum vdev_pci_bar_kind kind,
		       uint64_t size, const struct vdev_range_ops *ops, void *owner,
		       const char *name)
{
	struct vdev_pci_bar *bar = &f->bars[index];
	unsigned int offset = PCI_BAR0 + 4 * index;

	CHECK(index < VDEV_PCI_BAR_COUNT && size && (size & (size - 1)) == 0);
	*bar = (struct vdev_pci_bar){.kind = kind};
	bar->range = (struct vdev_range){.name = name, .size = size, .ops = ops, .owner = owner};
	CHECK(size >= (kind == VDEV_PCI_BAR_IO ? 4 : 16));
	CHECK(size <= UINT32_MAX || bar_is_64(bar));
	vdev_pci_set32(f, offset, bar_type_bits(kind));
	bytes_put_le32(f->write_mask + offset, (uint32_t) ~(size - 1));
	if (bar_is_64(bar)) {
		CHECK(index + 1 < VDEV_PCI_BAR_COUNT);
		bytes_put_le32(f->write_mask + offset + 4, (uint32_t)(~(size - 1) >> 32));
	}
}

void vdev_pci_set_interrupt_pin(struct vdev_pci_function *f, unsigned int pin)
{
	CHECK(pin >= 1 && pin <= VDEV_PCI_INTX_COUNT);
	f->config[PCI_INTERRUPT_PIN] = (uint8_t)pin;
}

/* ---- base addresses ---- */

static struct vdev_bus *bar_bus(const struct vdev_pci_function *f, const struct vdev_pci_bar *bar)
{
	return bar->kind == VDEV_PCI_BAR_IO ? &f->bus->board->ports : &f->bus->board->memory;
}

/* The address that the guest programmed. False: it decodes nothing now. */
static bool bar_address(const struct vdev_pci_function *f, unsigned int index,
			uint64_t *ret_address)
{
	const struct vdev_pci_bar *bar = &f->bars[index];
	unsigned int offset = PCI_BAR0 + 4 * index;
	uint16_t enable = bar->kind == VDEV_PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	uint64_t address = vdev_pci_get32(f, offset);

	if (bar->kind == VDEV_PCI_BAR_NONE || !(vdev_pci_get16(f, PCI_COMMAND) & enable))
		return false;
	if (bar_is_64(bar))
		address |= (uint64_t)vdev_pci_get32(f, offset + 4) << 32;
	address &= ~(bar->range.size - 1);
	*ret_address = address;
	return address != 0;
}

static void unmap_bar(struct vdev_pci_function *f, struct vdev_pci_bar *bar)
{
	if (bar->mapped)
		vdev_bus_remove(bar_bus(f, bar), &bar->range);
	bar->mapped = false;
}

/* Takes off the bus what is no longer where its register says. */
static void unmap_stale(struct vdev_pci_function *f)
{
	for (unsigned int i = 0; i < VDEV_PCI_BAR_COUNT; i++) {
		struct vdev_pci_bar *bar = &f->bars[i];
		uint64_t address;

		if (!bar_address(f, i, &address) || address != bar->range.base)
			unmap_bar(f, bar);
	}
}

/* An overlap or an impossible address leaves the register unmapped until something changes. */
static void map_missing(struct vdev_pci_function *f)
{
	for (unsigned int i = 0; i < VDEV_PCI_BAR_COUNT; i++) {
		struct vdev_pci_bar *bar = &f->bars[i];
		uint64_t address;

		if (bar->mapped || !bar_address(f, i, &address))
			continue;
		bar->range.base = address;
		bar->mapped = vdev_bus_add(bar_bus(f, bar), &bar->range) == 0;
	}
}

static void update_bars(struct vdev_pci_function *f)
{
	unmap_stale(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(f->bus->functions); i++) {
		if (f->bus->functions[i])
			map_missing(f->bus->functions[i]);
	}
}

/* ---- attaching ---- */

static struct vdev_irq_line *intx_line(const struct vdev_pci_function *f)
{
	unsigned int pin = f->config[PCI_INTERRUPT_PIN];

	if (pin == 0)
		return NULL;
	return f->bus->intx[((f->devfn >> 3) + pin - 2) % VDEV_PCI_INTX_COUNT];
}

int vdev_pci_attach(struct vdev_pci_bus *bus, struct vdev_pci_function *f, unsigned int devfn)
{
	CHECK(devfn < ARRAY_SIZE(bus->functions) && !f->bus);
	if (bus->functions[devfn])
		return -EEXIST;
	memcpy(f->reset_config, f->config, sizeof(f->config));
	f->devfn = (uint8_t)devfn;
	f->bus = bus;
	bus->functions[devfn] = f;
	vdev_irq_connect(&f->intx, intx_line(f));
	update_bars(f);
	return 0;
}

void vdev_pci_detach(struct vdev_pci_function *f)
{
	if (!f->bus)
		return;
	for (unsigned int i = 0; i < VDEV_PCI_BAR_COUNT; i++)
		unmap_bar(f, &f->bars[i]);
	vdev_irq_connect(&f->intx, NULL);
	f->bus->functions[f->devfn] = NULL;
	f->bus = NULL;
}

void vdev_pci_function_reset(struct vdev_pci_function *f)
{
	memcpy(f->config, f->reset_config, sizeof(f->config));
	vdev_irq_set(&f->intx, false);
	if (f->bus)
		update_bars(f);
}

void vdev_pci_set_irq(struct vdev_pci_function *f, bool level)
{
	vdev_irq_set(&f->intx, level);
}

/* ---- bus mastering ---- */

static bool is_master(const struct vdev_pci_function *f)
{
	return vdev_pci_get16(f, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

int vdev_pci_dma_read(struct vdev_pci_function *f, uint64_t gpa, void *buffer, size_t size)
{
	return is_master(f) ? vid_gpa_read(f->bus->board->partition, gpa, buffer, size) : -EACCES;
}

int vdev_pci_dma_write(struct vdev_pci_function *f, uint64_t gpa, const void *buffer, size_t size)
{
	return is_master(f) ? vid_gpa_write(f->bus->board->partition, gpa, buffer, size) : -EACCES;
}

/* ---- saved state ---- */

void vdev_pci_save(const struct vdev_pci_function *f, struct vdev_state_writer *writer,
		   uint16_t tag)
{
	vdev_state_put(writer, tag, f->config, sizeof(f->config));
}

int vdev_pci_restore(struct vdev_pci_function *f, const struct vdev_state_record *record,
		     uint16_t tag)
{
	uint8_t saved[VDEV_PCI_CONFIG_SIZE];
	int r = vdev_state_get(record, tag, saved, sizeof(saved));

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < sizeof(saved); i++) {
		uint8_t mask = f->write_mask[i] | f->clear_mask[i];

		f->config[i] = (uint8_t)((f->config[i] & ~mask) | (saved[i] & mask));
	}
	update_bars(f);
	return 0;
}

/* ---- the bus ---- */

void vdev_pci_bus_init(struct vdev_pci_bus *bus, struct vdev_board *board,
		       struct vdev_irq_line *const intx[VDEV_PCI_INTX_COUNT])
{
	memset(bus, 0, sizeof(*bus));
	bus->board = board;
	memcpy(bus->intx, intx, sizeof(bus->intx));
}

void vdev_pci_bus_route(struct vdev_pci_bus *bus,
			struct vdev_irq_line *const intx[VDEV_PCI_INTX_COUNT])
{
	for (unsigned int i = 0; i < ARRAY_SIZE(bus->functions); i++)
		CHECK(!bus->functions[i] || !bus->functions[i]->intx.line);
	memcpy(bus->intx, intx, sizeof(bus->intx));
}

static struct vdev_pci_function *function_at(struct vdev_pci_bus *bus, unsigned int devfn,
					     unsigned int offset, unsigned int width)
{
	CHECK(width <= 4 && offset + width <= VDEV_PCI_CONFIG_SIZE);
	return devfn < ARRAY_SIZE(bus->functions) ? bus->functions[devfn] : NULL;
}

uint32_t vdev_pci_config_read(struct vdev_pci_bus *bus, unsigned int devfn, unsigned int offset,
			      unsigned int width)
{
	struct vdev_pci_function *f = function_at(bus, devfn, offset, width);
	uint32_t value = 0;

	if (!f)
		return UINT32_MAX;
	memcpy(&value, f->config + offset, width);
	return value;
}

static void merge_byte(struct vdev_pci_function *f, unsigned int offset, uint8_t value)
{
	uint8_t mask = f->write_mask[offset];
	uint8_t merged = (uint8_t)((f->config[offset] & ~mask) | (value & mask));

	f->config[offset] = merged & (uint8_t) ~(value & f->clear_mask[offset]);
}

void vdev_pci_config_write(struct vdev_pci_bus *bus, unsigned int devfn, unsigned int offset,
			   unsigned int width, uint32_t value)
{
	struct vdev_pci_function *f = function_at(bus, devfn, offset, width);

	if (!f)
		return;
	for (unsigned int i = 0; i < width; i++)
		merge_byte(f, offset + i, (uint8_t)(value >> (8 * i)));
	if (offset < PCI_BAR0 + 4 * VDEV_PCI_BAR_COUNT)
		update_bars(f);
	if (f->ops && f->ops->config_written)
		f->ops->config_written(f, offset, width);
}
