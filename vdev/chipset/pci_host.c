/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports to configuration cycles.
 */
#include "vdev/pci_host.h"

#include <errno.h>
#include <stdlib.h>

#define CONFADD_PORT     0xcf8u
#define CONFDATA         4u
#define CONFADD_ENABLE   BIT(31)
#define CONFADD_WRITABLE 0x80fffffcu

struct vdev_pci_host {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_pci_bus *bus;
	struct vdev_range range;
	struct vdev_range *behind;
	uint32_t address; /* CONFADD */
};

static bool selects_bus_0(const struct vdev_pci_host *host)
{
	return (host->address & CONFADD_ENABLE) && (host->address >> 16 & 0xff) == 0;
}

static unsigned int devfn(const struct vdev_pci_host *host)
{
	return host->address >> 8 & 0xff;
}

static unsigned int config_offset(const struct vdev_pci_host *host, uint64_t offset)
{
	return (host->address & 0xfc) + (unsigned int)(offset - CONFDATA);
}

/* Whether a narrow access is for the range behind CONFADD. */
static bool reaches_behind(const struct vdev_pci_host *host, uint64_t offset, unsigned int width)
{
	return host->behind && width == 1 &&
	       CONFADD_PORT + offset - host->behind->base < host->behind->size;
}

static uint64_t host_read(void *owner, uint64_t offset, unsigned int width)
{
	struct vdev_pci_host *host = owner;
	struct vdev_range *behind = host->behind;

	if (offset >= CONFDATA)
		return selects_bus_0(host)
			       ? vdev_pci_config_read(host->bus, devfn(host),
						      config_offset(host, offset), width)
			       : UINT32_MAX;
	if (width == 4)
		return host->address;
	if (!reaches_behind(host, offset, width))
		return UINT32_MAX;
	return behind->ops->read(behind->owner, CONFADD_PORT + offset - behind->base, 1);
}

static void host_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_pci_host *host = owner;
	struct vdev_range *behind = host->behind;

	if (offset >= CONFDATA) {
		if (selects_bus_0(host))
			vdev_pci_config_write(host->bus, devfn(host), config_offset(host, offset),
					      width, (uint32_t)value);
	} else if (width == 4) {
		host->address = (uint32_t)value & CONFADD_WRITABLE;
	} else if (reaches_behind(host, offset, width)) {
		behind->ops->write(behind->owner, CONFADD_PORT + offset - behind->base, 1, value);
	}
}

static const struct vdev_range_ops range_ops = {
	.read = host_read,
	.write = host_write,
	.max_width = 4,
};

/* ---- device ---- */

static const struct vdev_field fields[] = {VDEV_FIELD(1, struct vdev_pci_host, address)};

static struct vdev_pci_host *to_host(struct vdev_device *device)
{
	return container_of(device, struct vdev_pci_host, device);
}

static void pci_host_reset(struct vdev_device *device)
{
	to_host(device)->address = 0;
}

static void pci_host_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static int pci_host_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	struct vdev_pci_host copy;
	int r = vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), &copy);

	if (r < 0)
		return r;
	if (copy.address & ~CONFADD_WRITABLE)
		return -EBADMSG;
	to_host(device)->address = copy.address;
	return 0;
}

static void pci_host_destroy(struct vdev_device *device)
{
	struct vdev_pci_host *host = to_host(device);

	vdev_bus_remove(&host->board->ports, &host->range);
	free(host);
}

static const struct vdev_device_class pci_host_class = {
	.type = "PCI configuration mechanism #1",
	.version = 1,
	.reset = pci_host_reset,
	.save = pci_host_save,
	.restore = pci_host_restore,
	.destroy = pci_host_destroy,
};

int vdev_pci_host_create(struct vdev_board *board, struct vdev_pci_bus *bus,
			 struct vdev_range *behind, struct vdev_device **ret_device)
{
	struct vdev_pci_host *host = calloc(1, sizeof(*host));
	int r;

	if (!host)
		return -ENOMEM;
	vdev_device_init(&host->device, &pci_host_class, "pci-host");
	host->board = board;
	host->bus = bus;
	host->behind = behind;
	host->range = (struct vdev_range){.name = "PCI config",
					  .base = CONFADD_PORT,
					  .size = 8,
					  .ops = &range_ops,
					  .owner = host};
	r = vdev_bus_add(&board->ports, &host->range);
	if (r < 0) {
		free(host);
		return r;
	}
	*ret_device = &host->device;
	return 0;
}
