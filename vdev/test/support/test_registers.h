/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's data sheet as a table: each register's value after a reset, and which of its bits keep
 * what is written. What a register does beyond that is for other tests.
 */
#ifndef TEST_REGISTERS_H
#define TEST_REGISTERS_H

#include "test_board.h"

struct test_register {
	const char *name;   /* as the data sheet has it */
	unsigned int at;    /* what `access` makes of it: a port, an index, an offset */
	unsigned int width; /* bytes */
	uint32_t reset;
	uint32_t mask;   /* bits that can be written; the others stay as they are after reset */
	uint32_t ignore; /* bits that move by themselves, or clear when ones are written */
};

struct test_access {
	uint32_t (*read)(void *owner, unsigned int at, unsigned int width);
	void (*write)(void *owner, unsigned int at, unsigned int width, uint32_t value);
	void *owner;
};

/* Resets the device before each register; aborts, and names the register, if one is otherwise. */
void test_registers(struct vdev_device *device, const struct test_access *access,
		    const struct test_register *registers, size_t count);

/* Ports of the test's board; its memory, by dwords; the configuration space of a function. */
struct test_access test_access_ports(struct test_board *t);

struct test_config {
	struct test_board *t;
	unsigned int devfn;
};

/*
 * The same for a PCI function's configuration space; and all of its bytes that no row names read as
 * zero, whatever is written.
 */
void test_config_registers(struct vdev_device *device, const struct test_config *config,
			   const struct test_register *registers, size_t count);

#endif
