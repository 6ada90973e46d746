/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The short way for plain moves. The processor has checked segment, address and rights before it
 * stopped, so there is nothing to translate: what is looked at is whether the bytes are those of such
 * an access at all.
 */
#include "emulate_private.h"

#define PAGE_OFFSET 0xfffull

static uint64_t register_value(const uint64_t gpr[EMULATE_GPRS], uint64_t next, unsigned reg)
{
	if (reg == REG_NONE)
		return 0;
	return reg == REG_RIP ? next : gpr[reg];
}

/* Without segment base, of the 64-bit address size, and at the place of the stop. */
static bool is_there(const struct insn *insn, const struct operand *op,
		     const struct emulate_stop *stop, const uint64_t gpr[EMULATE_GPRS],
		     uint64_t rip)
{
	uint64_t next = rip + insn->length;
	uint64_t address = register_value(gpr, next, op->base) +
			   register_value(gpr, next, op->index) * op->scale + (uint64_t)op->value;

	return insn->address_size == 8 && op->segment != EMULATE_FS && op->segment != EMULATE_GS &&
	       !((address ^ stop->gpa) & PAGE_OFFSET) &&
	       (stop->gpa & PAGE_OFFSET) + op->size <= PAGE_OFFSET + 1;
}

bool emulate_is_move(const struct emulate_stop *stop, const uint64_t gpr[EMULATE_GPRS],
		     uint64_t rip, struct emulate_move *ret_move)
{
	const struct operand *memory, *other;
	struct insn insn;

	if (emulate_decode(stop->bytes, stop->length, 8, &insn) != 0 || insn.opcode != OPCODE_MOVE)
		return false;
	memory = &insn.operand[stop->write ? 0 : 1];
	other = &insn.operand[stop->write ? 1 : 0];
	if (memory->kind != OPERAND_MEMORY || !is_there(&insn, memory, stop, gpr, rip))
		return false;
	if (other->kind != OPERAND_GPR && (other->kind != OPERAND_IMMEDIATE || !stop->write))
		return false;
	*ret_move = (struct emulate_move){
		.write = stop->write,
		.size = memory->size,
		.length = insn.length,
		.reg = other->reg,
		.reg_size = other->size,
		.value = other->kind == OPERAND_GPR ? gpr[other->reg] : (uint64_t)other->value,
	};
	return true;
}

uint64_t emulate_move_result(const struct emulate_move *move, uint64_t old, uint64_t value)
{
	uint64_t mask = emulate_size_mask(move->reg_size);

	return move->reg_size >= 4 ? value : (old & ~mask) | (value & mask);
}
