/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_registers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void expect(const struct test_register *r, const char *when, uint32_t value,
		   uint32_t expected)
{
	uint32_t mask = r->width == 4 ? UINT32_MAX : (1u << r->width * 8) - 1;

	mask &= ~r->ignore;
	if ((value & mask) == (expected & mask))
		return;
	fprintf(stderr, "%s (%Xh): %s it is %0*" PRIX32 "h, not %0*" PRIX32 "h\n", r->name, r->at,
		when, (int)r->width * 2, value & mask, (int)r->width * 2, expected & mask);
	abort();
}

void test_registers(struct vdev_device *device, const struct test_access *access,
		    const struct test_register *registers, size_t count)
{
	static const uint32_t patterns[] = {UINT32_MAX, 0, 0x55555555, 0xaaaaaaaa};

	for (size_t i = 0; i < count; i++) {
		const struct test_register *r = &registers[i];

		vdev_device_reset(device);
		expect(r, "after reset", access->read(access->owner, r->at, r->width), r->reset);
		for (size_t j = 0; j < ARRAY_SIZE(patterns); j++) {
			access->write(access->owner, r->at, r->width, patterns[j]);
			expect(r, "when written", access->read(access->owner, r->at, r->width),
			       (patterns[j] & r->mask) | (r->reset & ~r->mask));
		}
	}
	vdev_device_reset(device);
}

static uint32_t port_read(void *owner, unsigned int at, unsigned int width)
{
	return (uint32_t)vdev_bus_read(&((struct test_board *)owner)->board.ports, at, width);
}

static void port_write(void *owner, unsigned int at, unsigned int width, uint32_t value)
{
	vdev_bus_write(&((struct test_board *)owner)->board.ports, at, width, value);
}

struct test_access test_access_ports(struct test_board *t)
{
	return (struct test_access){port_read, port_write, t};
}

static uint32_t config_read(void *owner, unsigned int at, unsigned int width)
{
	const struct test_config *c = owner;

	return vdev_pci_config_read(&c->t->pci, c->devfn, at, width);
}

static void config_write(void *owner, unsigned int at, unsigned int width, uint32_t value)
{
	const struct test_config *c = owner;

	vdev_pci_config_write(&c->t->pci, c->devfn, at, width, value);
}

static bool is_named(const struct test_register *registers, size_t count, unsigned int at)
{
	for (size_t i = 0; i < count; i++)
		if (at >= registers[i].at && at < registers[i].at + registers[i].width)
			return true;
	return false;
}

void test_config_registers(struct vdev_device *device, const struct test_config *config,
			   const struct test_register *registers, size_t count)
{
	struct test_config copy = *config;
	const struct test_access access = {config_read, config_write, &copy};
	struct test_register rest = {.name = "reserved", .width = 1};

	test_registers(device, &access, registers, count);
	for (rest.at = 0; rest.at < VDEV_PCI_CONFIG_SIZE; rest.at++)
		if (!is_named(registers, count, rest.at))
			test_registers(device, &access, &rest, 1);
}
