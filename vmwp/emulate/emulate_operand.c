/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operands: registers, effective addresses, and the values behind them. emulate_prepare()
 * translates every operand in memory, so that whatever faults does so before anything happens.
 */
#include "emulate_private.h"

#include <string.h>

static uint64_t gpr_read(const struct emulate_regs *regs, unsigned reg, unsigned size)
{
	return regs->gpr[reg] & emulate_size_mask(size);
}

/* A 32-bit result clears the upper half; smaller ones keep what is above them. */
void emulate_gpr_write(struct emulate_regs *regs, unsigned reg, unsigned size, uint64_t value)
{
	uint64_t mask = emulate_size_mask(size);

	if (size >= 4)
		regs->gpr[reg] = value & mask;
	else
		regs->gpr[reg] = (regs->gpr[reg] & ~mask) | (value & mask);
}

void emulate_gpr_add(struct emulate_regs *regs, unsigned reg, unsigned size, int64_t delta)
{
	emulate_gpr_write(regs, reg, size, regs->gpr[reg] + (uint64_t)delta);
}

static uint64_t address_register(const struct emulate *e, unsigned reg)
{
	if (reg == REG_NONE)
		return 0;
	if (reg == REG_RIP)
		return e->regs->rip + e->insn.length;
	return e->regs->gpr[reg];
}

/* The offset within the segment, of the instruction's address size. */
uint64_t emulate_offset(const struct emulate *e, const struct operand *op)
{
	uint64_t offset = address_register(e, op->base) +
			  address_register(e, op->index) * op->scale + (uint64_t)op->value;

	return offset & emulate_size_mask(e->insn.address_size);
}

static int64_t sign_extend(uint64_t value, unsigned size)
{
	unsigned shift = 64 - size * 8;

	return (int64_t)(value << shift) >> shift;
}

/* BT with a register reaches bits outside of the operand: the words before and behind it. */
static int64_t bit_displacement(const struct emulate *e, const struct operand *op)
{
	const struct operand *bit = &e->insn.operand[1];
	unsigned bits = op->size * 8;

	if (e->insn.opcode != OPCODE_BIT || bit->kind != OPERAND_GPR)
		return 0;
	return (sign_extend(e->regs->gpr[bit->reg], bit->size) & ~(int64_t)(bits - 1)) / 8;
}

/* POP counts RSP up before it is used as a base. */
static int64_t pop_displacement(const struct emulate *e, const struct operand *op)
{
	return e->insn.opcode == OPCODE_POP && op->base == EMULATE_RSP ? op->size : 0;
}

static int prepare_operand(struct emulate *e, unsigned index)
{
	const struct operand *op = &e->insn.operand[index];
	uint64_t offset;

	if (op->kind != OPERAND_MEMORY)
		return 0;
	offset = emulate_offset(e, op) + (uint64_t)bit_displacement(e, op) +
		 (uint64_t)pop_displacement(e, op);
	offset &= emulate_size_mask(e->insn.address_size);
	return emulate_span(e, op->segment, offset, op->size, op->write, &e->span[index]);
}

unsigned emulate_stack_width(const struct emulate *e)
{
	if (emulate_mode(e->regs) == 8)
		return 8;
	return e->regs->segment[EMULATE_SS].attributes & SEGMENT_DEFAULT ? 4 : 2;
}

static int prepare_stack(struct emulate *e)
{
	unsigned width = emulate_stack_width(e);
	unsigned size = e->insn.operand_size;
	bool push = e->insn.opcode == OPCODE_PUSH;
	uint64_t offset = e->regs->gpr[EMULATE_RSP] - (push ? size : 0);

	offset &= emulate_size_mask(width);
	return emulate_span(e, EMULATE_SS, offset, size, push, &e->stack);
}

int emulate_prepare(struct emulate *e)
{
	int r;

	if (e->insn.opcode == OPCODE_POP) {
		r = prepare_stack(e);
		if (r)
			return r;
	}
	for (unsigned i = 0; i < e->insn.count; i++) {
		r = prepare_operand(e, i);
		if (r)
			return r;
	}
	if (e->insn.opcode == OPCODE_PUSH)
		return prepare_stack(e);
	return 0;
}

int emulate_operand_read(struct emulate *e, unsigned index, uint64_t *ret_value)
{
	const struct operand *op = &e->insn.operand[index];
	uint64_t value = 0;
	int r = 0;

	switch (op->kind) {
	case OPERAND_GPR:
		value = gpr_read(e->regs, op->reg, op->size);
		break;
	case OPERAND_GPR_HIGH:
		value = e->regs->gpr[op->reg] >> 8 & 0xff;
		break;
	case OPERAND_SEGMENT:
		value = e->regs->segment[op->reg].selector;
		break;
	case OPERAND_IMMEDIATE:
		value = (uint64_t)op->value;
		break;
	case OPERAND_MEMORY:
		r = emulate_span_read(e, &e->span[index], &value);
		break;
	}
	if (r == 0)
		*ret_value = value;
	return r;
}

int emulate_operand_write(struct emulate *e, unsigned index, uint64_t value)
{
	const struct operand *op = &e->insn.operand[index];

	if (op->kind == OPERAND_MEMORY)
		return emulate_span_write(e, &e->span[index], &value);
	if (op->kind == OPERAND_GPR_HIGH)
		e->regs->gpr[op->reg] = (e->regs->gpr[op->reg] & ~0xff00ull) | (value & 0xff) << 8;
	else
		emulate_gpr_write(e->regs, op->reg, op->size, value);
	return 0;
}
