/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as an instruction, any registers, any page tables: the emulator stays within the guest's
 * RAM, ends, and has no effect when it says so. The input is registers first, then code; what is
 * left goes into the page tables.
 */
#include "emulate_machine.h"
#include "emulate_private.h"

#include <stdlib.h>
#include <string.h>

#define CODE 0x1000ull

struct input {
	uint8_t mode;
	/*
	 * Bit 0: hostile page tables; 1: hostile segments; 2: CPL 3; 3: registers point to the device;
	 * 4: the code is a MOV with a REX prefix.
	 */
	uint8_t flags;
	uint8_t code[EMULATE_MAX_LENGTH];
	uint64_t gpr[16];
	uint64_t rflags;
	uint64_t cr;
	struct emulate_segment segment[EMULATE_SEGMENTS];
} __attribute__((packed));

static struct machine machine;

static void enter(const struct input *in)
{
	if (in->mode % 3 == 0)
		machine_enter_long(&machine);
	else if (in->mode % 3 == 1)
		machine_enter_protected(&machine);
	else
		machine_enter_real(&machine);
	if (in->flags & 1)
		machine.regs.cr0 |= 0x80000000;
	if (in->flags & 1)
		machine.regs.cr4 ^= in->cr & 0x300030;
	if (in->flags & 2)
		memcpy(machine.regs.segment, in->segment, sizeof in->segment);
	if (in->flags & 4)
		machine.regs.segment[EMULATE_SS].attributes |= SEGMENT_DPL;
	memcpy(machine.regs.gpr, in->gpr, sizeof in->gpr);
	for (int i = 0; in->flags & 8 && i < EMULATE_GPRS; i++)
		machine.regs.gpr[i] = DEVICE_GPA + 0x4000 + (in->gpr[i] & 0x3fff);
	machine.regs.rflags = in->rflags;
	machine.regs.rip = CODE;
	machine.regs.cr3 = TABLES_GPA;
}

static void fill_tables(const struct input *in, const uint8_t *rest, size_t size)
{
	memset(machine.ram, 0, 0x10000);
	memset(machine.ram + TABLES_GPA, 0, 0x10000);
	machine.tables_next = TABLES_GPA + 0x1000;
	for (uint64_t page = 0; page < 0x10000; page += 0x1000) {
		machine_map_page(&machine, page, page, 7);
		machine_map_page(&machine, DEVICE_GPA + page, DEVICE_GPA + page, 7);
	}
	if (in->flags & 1)
		memcpy(machine.ram + TABLES_GPA + (in->cr >> 32 & 0xff8), rest,
		       size < 0x2000 ? size : 0x2000);
	memcpy(machine.ram + CODE, in->code, sizeof in->code);
}

static uint64_t low(uint64_t value, unsigned int size)
{
	return size == 8 ? value : value & ((UINT64_C(1) << size * 8) - 1);
}

/* What takes the short way for plain moves has the same effect there. */
static void compare_move(const struct input *in, const struct emulate_regs *before)
{
	const struct machine_access *access = &machine.log[0];
	const struct emulate_stop stop = {
		.bytes = in->code,
		.length = sizeof in->code,
		.gpa_valid = true,
		.write = access->kind == 'w',
		.gpa = access->address,
	};
	struct emulate_move m;

	/* The code is what was given, unless it has a segment base, or pages of its own. */
	if (emulate_mode(before) != 8 || in->flags & 1)
		return;
	if (machine.accesses != 1 || (access->kind != 'r' && access->kind != 'w'))
		return;
	if (!emulate_is_move(&stop, before->gpr, before->rip, &m))
		return;
	if (m.size != access->size || before->rip + m.length != machine.regs.rip)
		abort();
	if (m.write ? low(m.value, m.size) != low(access->value, m.size)
		    : emulate_move_result(&m, before->gpr[m.reg], low(access->value, m.size)) !=
			      machine.regs.gpr[m.reg])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct emulate_regs before;
	struct input in;
	int r;

	if (size < sizeof in)
		return 0;
	if (!machine.ram)
		machine_init(&machine);
	memcpy(&in, data, sizeof in);
	if (in.flags & 16) {
		in.code[0] = 0x40 | (in.code[0] & 15);
		in.code[1] = 0x88 | (in.code[1] & 3);
	}
	enter(&in);
	fill_tables(&in, data + sizeof in, size - sizeof in);
	machine.accesses = 0;
	before = machine.regs;
	r = machine_step(&machine);
	if (r == EMULATE_DONE && machine.regs.rip == before.rip)
		abort();
	if (r == EMULATE_DONE)
		compare_move(&in, &before);
	if (r != EMULATE_DONE && machine.regs.rip != before.rip)
		abort();
	if (r < 0 && memcmp(&before, &machine.regs, sizeof before))
		abort();
	if (r == EMULATE_EXCEPTION && machine.exception.vector > 14)
		abort();
	return 0;
}
