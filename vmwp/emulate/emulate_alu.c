/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer arithmetic with exact flags. AF after a logical operation is undefined in the manuals;
 * processors clear it, and so does this. BT and its relatives change CF alone.
 */
#include "emulate_private.h"

uint64_t emulate_size_mask(unsigned size)
{
	return size >= 8 ? ~0ull : (1ull << size * 8) - 1;
}

static uint64_t flag_if(bool condition, uint64_t flag)
{
	return condition ? flag : 0;
}

/* ZF, SF and PF, which depend on the result alone. */
static uint64_t flags_of_result(unsigned size, uint64_t r)
{
	return flag_if(!(r & emulate_size_mask(size)), FLAG_ZF) |
	       flag_if(r >> (size * 8 - 1) & 1, FLAG_SF) |
	       flag_if(!__builtin_parity(r & 0xff), FLAG_PF);
}

static void set_flags(uint64_t *flags, uint64_t changed, uint64_t value)
{
	*flags = (*flags & ~changed) | (value & changed);
}

static uint64_t add(unsigned size, uint64_t a, uint64_t b, bool carry, uint64_t *flags)
{
	unsigned top = size * 8 - 1;
	uint64_t r = a + b + carry;
	uint64_t carries = (a & b) | ((a | b) & ~r);

	set_flags(flags, FLAGS_ARITHMETIC,
		  flags_of_result(size, r) | flag_if(carries >> top & 1, FLAG_CF) |
			  flag_if(((a ^ r) & (b ^ r)) >> top & 1, FLAG_OF) |
			  ((a ^ b ^ r) & FLAG_AF));
	return r & emulate_size_mask(size);
}

static uint64_t subtract(unsigned size, uint64_t a, uint64_t b, bool borrow, uint64_t *flags)
{
	unsigned top = size * 8 - 1;
	uint64_t r = a - b - borrow;
	uint64_t borrows = (~a & b) | ((~a | b) & r);

	set_flags(flags, FLAGS_ARITHMETIC,
		  flags_of_result(size, r) | flag_if(borrows >> top & 1, FLAG_CF) |
			  flag_if(((a ^ b) & (a ^ r)) >> top & 1, FLAG_OF) |
			  ((a ^ b ^ r) & FLAG_AF));
	return r & emulate_size_mask(size);
}

static uint64_t logic(unsigned size, uint64_t r, uint64_t *flags)
{
	set_flags(flags, FLAGS_ARITHMETIC, flags_of_result(size, r));
	return r & emulate_size_mask(size);
}

uint64_t emulate_alu_binary(enum alu_binary op, unsigned size, uint64_t a, uint64_t b,
			    uint64_t *flags)
{
	bool carry = *flags & FLAG_CF;

	switch (op) {
	case ALU_ADD:
		return add(size, a, b, false, flags);
	case ALU_ADC:
		return add(size, a, b, carry, flags);
	case ALU_SUB:
	case ALU_CMP:
		return subtract(size, a, b, false, flags);
	case ALU_SBB:
		return subtract(size, a, b, carry, flags);
	case ALU_AND:
	case ALU_TEST:
		return logic(size, a & b, flags);
	case ALU_OR:
		return logic(size, a | b, flags);
	case ALU_XOR:
		return logic(size, a ^ b, flags);
	}
	return a;
}

uint64_t emulate_alu_unary(enum alu_unary op, unsigned size, uint64_t a, uint64_t *flags)
{
	uint64_t carry = *flags & FLAG_CF;
	uint64_t r;

	switch (op) {
	case ALU_INC:
		r = add(size, a, 1, false, flags);
		set_flags(flags, FLAG_CF, carry);
		return r;
	case ALU_DEC:
		r = subtract(size, a, 1, false, flags);
		set_flags(flags, FLAG_CF, carry);
		return r;
	case ALU_NEG:
		return subtract(size, 0, a, false, flags);
	case ALU_NOT:
		return ~a & emulate_size_mask(size);
	}
	return a;
}

uint64_t emulate_alu_bit(enum alu_bit op, unsigned size, uint64_t a, uint64_t bit, uint64_t *flags)
{
	uint64_t mask = 1ull << (bit & (size * 8 - 1));

	set_flags(flags, FLAG_CF, flag_if(a & mask, FLAG_CF));
	switch (op) {
	case ALU_BT:
		return a;
	case ALU_BTS:
		return a | mask;
	case ALU_BTR:
		return a & ~mask;
	case ALU_BTC:
		return a ^ mask;
	}
	return a;
}

bool emulate_alu_condition(unsigned condition, uint64_t flags)
{
	bool sf = flags & FLAG_SF, of = flags & FLAG_OF;
	bool result = false;

	switch (condition >> 1 & 7) {
	case 0:
		result = of;
		break;
	case 1:
		result = flags & FLAG_CF;
		break;
	case 2:
		result = flags & FLAG_ZF;
		break;
	case 3:
		result = flags & (FLAG_CF | FLAG_ZF);
		break;
	case 4:
		result = sf;
		break;
	case 5:
		result = flags & FLAG_PF;
		break;
	case 6:
		result = sf != of;
		break;
	case 7:
		result = sf != of || flags & FLAG_ZF;
		break;
	}
	return condition & 1 ? !result : result;
}
