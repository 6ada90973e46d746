/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exact conversion between clocks: value × numerator / denominator as one multiplication and one
 * shift, with 128 bits in between. The quotient is computed bit by bit once, at boot: a 128-bit
 * division would call a library that is not there.
 */
#pragma once

#include "core/types.h"

struct scale {
	u64 mul;
	u8 shift; /* 0 … 127 */
};

__extension__ typedef unsigned __int128 u128_value;

/*
 * numerator × 2^shift / denominator (not 0), rounded down, and whether that was inexact. False if
 * it needs over 64 bits.
 */
static inline bool scale_quotient(u64 numerator, u64 denominator, u8 shift, u64 *ret_quotient,
				  bool *ret_inexact)
{
	u64 quotient = numerator / denominator;
	u64 rest = numerator % denominator;
	bool carry;

	for (; shift; shift--) {
		if (quotient >> 63)
			return false;
		quotient <<= 1;
		carry = rest >> 63;
		rest <<= 1;
		if (carry || rest >= denominator) {
			rest -= denominator;
			quotient |= 1;
		}
	}
	*ret_quotient = quotient;
	*ret_inexact = rest;
	return true;
}

/*
 * The most exact scale for a ratio, both not 0. At most one part in 2^62 too much, never too
 * little: what divides evenly comes out even.
 */
static inline struct scale scale_make(u64 numerator, u64 denominator)
{
	struct scale s = {.shift = 127};
	bool inexact;

	while (!scale_quotient(numerator, denominator, s.shift, &s.mul, &inexact) || !~s.mul)
		s.shift--;
	s.mul += inexact;
	return s;
}

/* Saturates. */
static inline u64 scale_apply(struct scale s, u64 value)
{
	u128_value result = ((u128_value)value * s.mul) >> s.shift;

	return result >> 64 ? ~0ull : (u64)result;
}
