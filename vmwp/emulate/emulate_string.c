/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MOVS, STOS, LODS, CMPS, SCAS, INS and OUTS. One iteration is one step: both operands translated,
 * then the accesses, then the registers. A repetition takes over its registers after each
 * iteration, so a fault in the middle leaves the count of what was done, as on a processor; after
 * BUDGET iterations the guest gets its chance to take an interrupt; after each one, a trap if it steps.
 */
#include "emulate_private.h"

#include <errno.h>

#define BUDGET 1024

struct iteration {
	uint64_t source; /* value read, or to write */
	struct span from;
	struct span to;
};

static bool uses_source(unsigned op)
{
	return op == STRING_MOVS || op == STRING_LODS || op == STRING_CMPS || op == STRING_OUTS;
}

static bool uses_destination(unsigned op)
{
	return op != STRING_LODS && op != STRING_OUTS;
}

static int translate(struct emulate *e, struct iteration *it)
{
	const struct insn *insn = &e->insn;
	uint64_t mask = emulate_size_mask(insn->address_size);
	bool write = insn->sub != STRING_CMPS && insn->sub != STRING_SCAS;
	int r = 0;

	if (uses_source(insn->sub))
		r = emulate_span(e, insn->operand[0].segment, e->regs->gpr[EMULATE_RSI] & mask,
				 insn->operand_size, false, &it->from);
	if (r == 0 && uses_destination(insn->sub))
		r = emulate_span(e, EMULATE_ES, e->regs->gpr[EMULATE_RDI] & mask,
				 insn->operand_size, write, &it->to);
	return r;
}

static int read_source(struct emulate *e, struct iteration *it)
{
	uint32_t narrow = 0;
	int r;

	it->source = 0;
	switch (e->insn.sub) {
	case STRING_STOS:
	case STRING_SCAS:
		it->source = e->regs->gpr[EMULATE_RAX] & emulate_size_mask(e->insn.operand_size);
		return 0;
	case STRING_INS:
		r = e->ops->port_in(e->ctx, (uint16_t)e->regs->gpr[EMULATE_RDX],
				    e->insn.operand_size, &narrow);
		it->source = narrow;
		return r;
	default:
		return emulate_span_read(e, &it->from, &it->source);
	}
}

static int compare(struct emulate *e, struct iteration *it)
{
	uint64_t other = 0;
	int r = emulate_span_read(e, &it->to, &other);

	if (r)
		return r;
	emulate_alu_binary(ALU_CMP, e->insn.operand_size, it->source, other, &e->regs->rflags);
	return 0;
}

static int use_source(struct emulate *e, struct iteration *it)
{
	switch (e->insn.sub) {
	case STRING_LODS:
		emulate_gpr_write(e->regs, EMULATE_RAX, e->insn.operand_size, it->source);
		return 0;
	case STRING_CMPS:
	case STRING_SCAS:
		return compare(e, it);
	case STRING_OUTS:
		return e->ops->port_out(e->ctx, (uint16_t)e->regs->gpr[EMULATE_RDX],
					e->insn.operand_size, (uint32_t)it->source);
	default:
		return emulate_span_write(e, &it->to, &it->source);
	}
}

static void advance(struct emulate *e)
{
	int64_t delta = e->insn.operand_size;

	if (e->regs->rflags & FLAG_DF)
		delta = -delta;
	if (uses_source(e->insn.sub))
		emulate_gpr_add(e->regs, EMULATE_RSI, e->insn.address_size, delta);
	if (uses_destination(e->insn.sub))
		emulate_gpr_add(e->regs, EMULATE_RDI, e->insn.address_size, delta);
}

static int iterate(struct emulate *e)
{
	struct iteration it;
	int r = translate(e, &it);

	if (r == 0)
		r = read_source(e, &it);
	if (r == 0)
		r = use_source(e, &it);
	if (r == 0)
		advance(e);
	return r;
}

/* After a comparison: does the condition of REPE or REPNE end the repetition? */
static bool is_decided(const struct emulate *e)
{
	bool equal = e->regs->rflags & FLAG_ZF;

	if (e->insn.sub != STRING_CMPS && e->insn.sub != STRING_SCAS)
		return false;
	return e->insn.repne ? equal : !equal;
}

static int repeat(struct emulate *e)
{
	uint64_t mask = emulate_size_mask(e->insn.address_size);
	struct emulate_regs done = *e->regs;
	int r = 0;

	for (int budget = e->regs->rflags & FLAG_TF ? 1 : BUDGET; e->regs->gpr[EMULATE_RCX] & mask;
	     budget--) {
		if (budget == 0)
			return STEP_AGAIN;
		r = iterate(e);
		if (r)
			break;
		emulate_gpr_add(e->regs, EMULATE_RCX, e->insn.address_size, -1);
		done = *e->regs;
		if (is_decided(e))
			break;
	}
	*e->regs = done;
	return r;
}

int emulate_string(struct emulate *e)
{
	return e->insn.rep || e->insn.repne ? repeat(e) : iterate(e);
}
