/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as an instruction, any registers, any page tables: the emulator stays within the guest's
 * RAM, ends, and has no effect when it says so. The input is registers first, then code; what is
 * left goes into the page tables.
 */
#include "test/emulate_machine.h"

#include <stdlib.h>
#include <string.h>

#define CODE 0x1000ull

struct input {
	uint8_t mode;
	uint8_t flags; /* bit 0: hostile page tables; 1: hostile segments; 2: CPL 3 */
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
	enter(&in);
	fill_tables(&in, data + sizeof in, size - sizeof in);
	machine.accesses = 0;
	before = machine.regs;
	r = machine_step(&machine);
	if (r == EMULATE_DONE && machine.regs.rip == before.rip)
		abort();
	if (r != EMULATE_DONE && machine.regs.rip != before.rip)
		abort();
	if (r < 0 && memcmp(&before, &machine.regs, sizeof before))
		abort();
	if (r == EMULATE_EXCEPTION && machine.exception.vector > 14)
		abort();
	return 0;
}
