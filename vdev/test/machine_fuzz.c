/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any sequence of register accesses, passing time, host input, resets, saves and restores, on the
 * whole machine. Each step is an opcode byte and its operands; what does not parse ends the run.
 */
#include <string.h>

#include "test_machine.h"

struct input {
	const uint8_t *data;
	size_t size;
};

static uint32_t take(struct input *in, unsigned int bytes)
{
	uint32_t value = 0;

	if (in->size < bytes) {
		in->size = 0;
		return 0;
	}
	memcpy(&value, in->data, bytes);
	in->data += bytes;
	in->size -= bytes;
	return value;
}

/* Ports where something answers, so that a run is not lost in the void. */
static uint64_t pick_port(struct test_machine *m, struct input *in)
{
	const struct vdev_bus *ports = &m->t->board.ports;
	const struct vdev_range *range = ports->ranges[take(in, 1) % ports->count];

	return range->base + take(in, 1) % range->size;
}

static uint64_t pick_address(struct input *in)
{
	uint32_t choice = take(in, 2);

	return choice & 1 ? VDEV_IOAPIC_BASE + (choice & 0x10) : 0xa0000 + (choice & 0xffff) * 6;
}

static void save_and_restore(struct test_machine *m, uint8_t damage, uint32_t at)
{
	struct vdev_state_writer w;
	struct vdev_state_reader reader;

	vdev_state_writer_init(&w);
	for (unsigned int i = 0; i < TEST_MACHINE_DEVICES; i++)
		vdev_device_save(m->devices[i], &w);
	CHECK(vdev_state_writer_error(&w) == 0);
	w.data[at % w.size] ^= damage;
	if (vdev_state_reader_init(&reader, w.data, w.size) == 0) {
		for (unsigned int i = 0; i < TEST_MACHINE_DEVICES; i++) {
			int r = vdev_device_restore(m->devices[i], &reader);

			CHECK(r == 0 || damage);
		}
	}
	vdev_state_writer_fini(&w);
}

static void step_host(struct test_machine *m, struct input *in)
{
	uint32_t value = take(in, 2);
	uint8_t bytes[4];

	memcpy(bytes, &value, sizeof(bytes));
	switch (take(in, 1) % 6) {
	case 0:
		vdev_i8042_key(m->kbc, (uint16_t)value, in->size & 1);
		break;
	case 1:
		vdev_i8042_mouse(m->kbc, (int16_t)value, bytes[0], (int8_t)bytes[1], bytes[0]);
		break;
	case 2:
		CHECK(vdev_ns16550a_receive(m->com1, bytes, sizeof(bytes)) <= sizeof(bytes));
		break;
	case 3:
		m->com1_space = value & 31;
		vdev_ns16550a_writable(m->com1);
		break;
	case 4:
		vdev_piix4_pm_power_button(m->pm);
		break;
	case 5:
		vdev_ioapic_eoi(m->ioapic, bytes[0]);
		break;
	}
}

static void step(struct test_machine *m, struct input *in)
{
	struct vdev_bus *ports = &m->t->board.ports, *memory = &m->t->board.memory;
	uint8_t opcode = (uint8_t)take(in, 1);
	unsigned int width = 1u << (opcode >> 4) % 3;
	uint64_t address;

	switch (opcode % 16) {
	case 0:
	case 1:
	case 2:
		vdev_bus_read(ports, pick_port(m, in), width);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		address = pick_port(m, in);
		vdev_bus_write(ports, address, width, take(in, width));
		break;
	case 7:
		vdev_bus_read(memory, pick_address(in), width);
		break;
	case 8:
		address = pick_address(in);
		vdev_bus_write(memory, address, width, take(in, width));
		break;
	case 9: /* a configuration cycle */
		vdev_bus_write(ports, 0xcf8, 4, 0x80000000u | (take(in, 2) & 0xfffc));
		vdev_bus_write(ports, 0xcfc + (opcode >> 4) % 4, width, take(in, width));
		break;
	case 10:
		test_board_advance(m->t, (uint64_t)take(in, 2) * 1000);
		break;
	case 11:
		if (vdev_i8259_pending(m->pic))
			vdev_i8259_acknowledge(m->pic);
		break;
	case 12:
		step_host(m, in);
		break;
	case 13:
		save_and_restore(m, (uint8_t)take(in, 1), take(in, 2));
		break;
	case 14:
		vdev_device_reset(m->devices[take(in, 1) % TEST_MACHINE_DEVICES]);
		break;
	case 15:
		m->com1_space = SIZE_MAX;
		vdev_ns16550a_writable(m->com1);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct test_machine *m = test_machine_create(NULL, 0x20000, MIB(2));
	struct input in = {data, size};

	while (in.size > 0)
		step(m, &in);
	CHECK(m->t->board.clock.stopped == false);
	test_machine_destroy(m);
	return 0;
}
