/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The effect of one decoded and prepared instruction. Reads come before writes, memory before
 * registers; an error of the machine leaves the caller's registers as they were, because the caller
 * takes over the working copy only after success.
 */
#include "emulate_private.h"

#include <errno.h>

static uint64_t sign_extended(uint64_t value, unsigned size)
{
	unsigned shift = 64 - size * 8;

	return (uint64_t)((int64_t)(value << shift) >> shift);
}

static int execute_move(struct emulate *e)
{
	uint64_t value;
	int r = emulate_operand_read(e, 1, &value);

	if (r)
		return r;
	if (e->insn.opcode == OPCODE_SIGN_EXTEND)
		value = sign_extended(value, e->insn.operand[1].size);
	if (e->insn.opcode == OPCODE_BYTE_SWAP)
		value = __builtin_bswap64(value) >> (64 - e->insn.operand[1].size * 8);
	return emulate_operand_write(e, 0, value);
}

/* The source is read in any case, and a 32-bit destination cleared above, moved or not. */
static int execute_condition_move(struct emulate *e)
{
	uint64_t value, old;
	int r = emulate_operand_read(e, 1, &value);

	if (r)
		return r;
	r = emulate_operand_read(e, 0, &old);
	if (r)
		return r;
	if (!emulate_alu_condition(e->insn.condition, e->regs->rflags))
		value = old;
	return emulate_operand_write(e, 0, value);
}

static int execute_binary(struct emulate *e)
{
	enum alu_binary op = e->insn.sub;
	uint64_t flags = e->regs->rflags;
	uint64_t a, b;
	int r = emulate_operand_read(e, 0, &a);

	if (r == 0)
		r = emulate_operand_read(e, 1, &b);
	if (r)
		return r;
	a = emulate_alu_binary(op, e->insn.operand[0].size, a, b, &flags);
	e->regs->rflags = flags;
	return op == ALU_CMP || op == ALU_TEST ? 0 : emulate_operand_write(e, 0, a);
}

static int execute_unary(struct emulate *e)
{
	uint64_t a;
	int r = emulate_operand_read(e, 0, &a);

	if (r)
		return r;
	a = emulate_alu_unary(e->insn.sub, e->insn.operand[0].size, a, &e->regs->rflags);
	return emulate_operand_write(e, 0, a);
}

static int execute_bit(struct emulate *e)
{
	uint64_t a, bit;
	int r = emulate_operand_read(e, 0, &a);

	if (r == 0)
		r = emulate_operand_read(e, 1, &bit);
	if (r)
		return r;
	a = emulate_alu_bit(e->insn.sub, e->insn.operand[0].size, a, bit, &e->regs->rflags);
	return e->insn.sub == ALU_BT ? 0 : emulate_operand_write(e, 0, a);
}

/* Memory may be either operand; it is written before the register. */
static int execute_exchange(struct emulate *e)
{
	unsigned memory = e->insn.operand[1].kind == OPERAND_MEMORY ? 1 : 0;
	uint64_t a, b;
	int r = emulate_operand_read(e, memory, &a);

	if (r == 0)
		r = emulate_operand_read(e, !memory, &b);
	if (r == 0)
		r = emulate_operand_write(e, memory, b);
	return r ? r : emulate_operand_write(e, !memory, a);
}

static int execute_exchange_add(struct emulate *e)
{
	uint64_t a, b, sum;
	int r = emulate_operand_read(e, 0, &a);

	if (r == 0)
		r = emulate_operand_read(e, 1, &b);
	if (r)
		return r;
	sum = emulate_alu_binary(ALU_ADD, e->insn.operand[0].size, a, b, &e->regs->rflags);
	r = emulate_operand_write(e, 1, a);
	return r ? r : emulate_operand_write(e, 0, sum);
}

/* The processor writes the destination back also when it did not compare equal. */
static int execute_compare_exchange(struct emulate *e)
{
	unsigned size = e->insn.operand[0].size;
	uint64_t accumulator = e->regs->gpr[EMULATE_RAX] & emulate_size_mask(size);
	uint64_t a, b;
	bool equal;
	int r = emulate_operand_read(e, 0, &a);

	if (r == 0)
		r = emulate_operand_read(e, 1, &b);
	if (r)
		return r;
	emulate_alu_binary(ALU_CMP, size, accumulator, a, &e->regs->rflags);
	equal = e->regs->rflags & FLAG_ZF;
	r = emulate_operand_write(e, 0, equal ? b : a);
	if (r == 0 && !equal)
		emulate_gpr_write(e->regs, EMULATE_RAX, size, a);
	return r;
}

static int execute_push(struct emulate *e)
{
	uint64_t value;
	int r = emulate_operand_read(e, 0, &value);

	if (r == 0)
		r = emulate_span_write(e, &e->stack, &value);
	if (r == 0)
		emulate_gpr_add(e->regs, EMULATE_RSP, emulate_stack_width(e),
				-(int)e->insn.operand_size);
	return r;
}

static int execute_pop(struct emulate *e)
{
	uint64_t value = 0;
	int r = emulate_span_read(e, &e->stack, &value);

	if (r)
		return r;
	emulate_gpr_add(e->regs, EMULATE_RSP, emulate_stack_width(e), e->insn.operand_size);
	return emulate_operand_write(e, 0, value);
}

int emulate_execute(struct emulate *e)
{
	switch ((enum opcode)e->insn.opcode) {
	case OPCODE_MOVE:
	case OPCODE_SIGN_EXTEND:
	case OPCODE_BYTE_SWAP:
		return execute_move(e);
	case OPCODE_CONDITION_MOVE:
		return execute_condition_move(e);
	case OPCODE_CONDITION_SET:
		return emulate_operand_write(
			e, 0, emulate_alu_condition(e->insn.condition, e->regs->rflags));
	case OPCODE_BINARY:
		return execute_binary(e);
	case OPCODE_UNARY:
		return execute_unary(e);
	case OPCODE_BIT:
		return execute_bit(e);
	case OPCODE_EXCHANGE:
		return execute_exchange(e);
	case OPCODE_EXCHANGE_ADD:
		return execute_exchange_add(e);
	case OPCODE_COMPARE_EXCHANGE:
		return execute_compare_exchange(e);
	case OPCODE_PUSH:
		return execute_push(e);
	case OPCODE_POP:
		return execute_pop(e);
	case OPCODE_VECTOR:
		return emulate_vector(e);
	case OPCODE_STRING:
		return emulate_string(e);
	case OPCODE_NONE:
		break;
	}
	return -EOPNOTSUPP;
}
