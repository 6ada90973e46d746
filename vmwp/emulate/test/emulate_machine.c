/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of the emulator's tests. */
#include "emulate_machine.h"

#include <stdlib.h>
#include <string.h>

#define PTE_ALL 7ull /* present, writable, user */

static void note(struct machine *m, char kind, unsigned size, uint64_t address, uint64_t value)
{
	unsigned slots = sizeof m->log / sizeof m->log[0];

	m->log[m->accesses++ % slots] =
		(struct machine_access){kind, (uint8_t)size, address, value};
}

static void *map(void *ctx, uint64_t gpa, size_t len, bool write)
{
	struct machine *m = ctx;

	return gpa < RAM_SIZE && len <= RAM_SIZE - gpa ? m->ram + gpa : NULL;
}

static bool in_device(uint64_t gpa, unsigned size)
{
	return gpa >= DEVICE_GPA && gpa - DEVICE_GPA <= DEVICE_SIZE - size;
}

static int mmio_read(void *ctx, uint64_t gpa, unsigned size, uint64_t *ret_value)
{
	struct machine *m = ctx;

	if (m->fail)
		return m->fail;
	*ret_value = ~0ull;
	if (in_device(gpa, size)) {
		*ret_value = 0;
		memcpy(ret_value, m->device + (gpa - DEVICE_GPA), size);
	}
	note(m, 'r', size, gpa, *ret_value);
	return 0;
}

static int mmio_write(void *ctx, uint64_t gpa, unsigned size, uint64_t value)
{
	struct machine *m = ctx;

	if (m->fail)
		return m->fail;
	if (in_device(gpa, size))
		memcpy(m->device + (gpa - DEVICE_GPA), &value, size);
	note(m, 'w', size, gpa, value);
	return 0;
}

static int port_in(void *ctx, uint16_t port, unsigned size, uint32_t *ret_value)
{
	struct machine *m = ctx;

	if (m->fail)
		return m->fail;
	*ret_value = m->port_value++;
	note(m, 'i', size, port, *ret_value);
	return 0;
}

static int port_out(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	struct machine *m = ctx;

	if (m->fail)
		return m->fail;
	note(m, 'o', size, port, value);
	return 0;
}

static int get_vector(void *ctx, unsigned index, uint8_t ret_value[32])
{
	struct machine *m = ctx;

	memcpy(ret_value, m->vector[index], 32);
	return 0;
}

static int set_vector(void *ctx, unsigned index, const uint8_t value[32], unsigned size)
{
	struct machine *m = ctx;

	memcpy(m->vector[index], value, size);
	return 0;
}

const struct emulate_vcpu_ops machine_ops = {
	.map = map,
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
	.port_in = port_in,
	.port_out = port_out,
	.get_vector = get_vector,
	.set_vector = set_vector,
};

void machine_init(struct machine *m)
{
	memset(m, 0, sizeof *m);
	m->ram = calloc(1, RAM_SIZE);
	m->device = calloc(1, DEVICE_SIZE);
	if (!m->ram || !m->device)
		abort();
	m->tables_next = TABLES_GPA + 0x1000;
}

void machine_fini(struct machine *m)
{
	free(m->ram);
	free(m->device);
}

static void set_segments(struct machine *m, uint16_t code, uint16_t data, uint32_t limit)
{
	for (int i = 0; i < EMULATE_SEGMENTS; i++)
		m->regs.segment[i] = (struct emulate_segment){
			.limit = limit, .selector = 8, .attributes = i == EMULATE_CS ? code : data};
}

void machine_enter_long(struct machine *m)
{
	set_segments(m, 0xa09b, 0xc093, 0xffffffff);
	m->regs.cr0 = 0x80010033;
	m->regs.cr3 = TABLES_GPA;
	m->regs.cr4 = 0x620;
	m->regs.efer = 0xd00;
	m->regs.phys_bits = 40;
	m->regs.rflags = 2;
}

void machine_enter_protected(struct machine *m)
{
	set_segments(m, 0xc09b, 0xc093, 0xffffffff);
	m->regs.cr0 = 0x33;
	m->regs.cr4 = 0x600;
	m->regs.efer = 0;
	m->regs.phys_bits = 40;
	m->regs.rflags = 2;
}

void machine_enter_real(struct machine *m)
{
	set_segments(m, 0x009b, 0x0093, 0xffff);
	m->regs.cr0 = 0x30;
	m->regs.cr4 = 0;
	m->regs.efer = 0;
	m->regs.phys_bits = 40;
	m->regs.rflags = 2;
}

static uint64_t *entry_at(struct machine *m, uint64_t table, uint64_t linear, unsigned shift)
{
	return (uint64_t *)(m->ram + table) + (linear >> shift & 511);
}

void machine_map_page(struct machine *m, uint64_t linear, uint64_t gpa, uint64_t flags)
{
	uint64_t table = TABLES_GPA;

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t *entry = entry_at(m, table, linear, shift);

		if (!*entry) {
			*entry = m->tables_next | PTE_ALL;
			m->tables_next += 0x1000;
		}
		table = *entry & ~0xfffull;
	}
	*entry_at(m, table, linear, 12) = gpa | flags;
}

void machine_put(struct machine *m, uint64_t gpa, const void *bytes, size_t len)
{
	memcpy(m->ram + gpa, bytes, len);
}

int machine_step(struct machine *m)
{
	static const struct emulate_stop nothing_known;

	return emulate_instruction(&m->regs, &machine_ops, m, &nothing_known, &m->exception);
}
