/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE and AVX moves between a vector register, or a general one, and memory. MMX and AVX-512 are
 * not covered.
 */
#include "emulate_private.h"
#include "page_walk.h"

#include <errno.h>
#include <string.h>

/* Which operand is the register, and which the memory. */
static bool is_load(const struct insn *insn)
{
	return insn->operand[1].kind == OPERAND_MEMORY;
}

static int check_enabled(struct emulate *e)
{
	const struct emulate_regs *regs = e->regs;

	if (!e->ops->get_vector || !e->ops->set_vector)
		return -EOPNOTSUPP;
	if (regs->cr0 & CR0_EM || !(regs->cr4 & CR4_OSFXSR))
		return emulate_raise(e, VECTOR_UD, 0);
	if (regs->cr0 & CR0_TS)
		return emulate_raise(e, VECTOR_NM, 0);
	return 0;
}

static uint64_t linear_address(const struct emulate *e, const struct operand *memory)
{
	bool flat = emulate_mode(e->regs) == 8 && memory->segment < EMULATE_FS;

	return emulate_offset(e, memory) + (flat ? 0 : e->regs->segment[memory->segment].base);
}

/* Before translation: is the unit on, the form covered, the operand aligned? */
int emulate_vector_prepare(struct emulate *e)
{
	const struct insn *insn = &e->insn;
	const struct operand *memory = &insn->operand[is_load(insn) ? 1 : 0];
	const struct operand *reg = &insn->operand[is_load(insn) ? 0 : 1];

	if (insn->count != 2 || memory->kind != OPERAND_MEMORY || reg->kind != OPERAND_VECTOR)
		return -EOPNOTSUPP;
	if (insn->sub == VECTOR_MOVE_ALIGNED && linear_address(e, memory) & (memory->size - 1u))
		return emulate_raise(e, VECTOR_GP, 0);
	return check_enabled(e);
}

static int load(struct emulate *e)
{
	const struct insn *insn = &e->insn;
	unsigned reg = insn->operand[0].reg;
	uint8_t value[32] = {0};
	uint8_t memory[32] = {0};
	int r = emulate_span_read(e, &e->span[1], memory);

	if (r == 0 && insn->sub >= VECTOR_MOVE_LOW)
		r = e->ops->get_vector(e->ctx, reg, value);
	if (r)
		return r;
	memcpy(value + (insn->sub == VECTOR_MOVE_HIGH ? 8 : 0), memory, insn->operand[1].size);
	return e->ops->set_vector(e->ctx, reg, value, insn->vex ? 32 : 16);
}

static int store(struct emulate *e)
{
	uint8_t value[32] = {0};
	int r = e->ops->get_vector(e->ctx, e->insn.operand[1].reg, value);

	if (r)
		return r;
	return emulate_span_write(e, &e->span[0],
				  value + (e->insn.sub == VECTOR_MOVE_HIGH ? 8 : 0));
}

int emulate_vector(struct emulate *e)
{
	return is_load(&e->insn) ? load(e) : store(e);
}
