/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes, for those who decode an instruction or two (SDM 2A 2.1.1, 2.2.1). */
#pragma once

#include "core/types.h"

#define PREFIX_OPERAND_SIZE 0x66
#define PREFIX_ADDRESS_SIZE 0x67
#define REX_B               0x01
#define REX_R               0x04

/* Segments, sizes, LOCK, repetition. */
static inline bool decode_is_prefix(u8 b)
{
	switch (b) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case PREFIX_OPERAND_SIZE:
	case PREFIX_ADDRESS_SIZE:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return false;
	}
}

/* In 64-bit code only. */
static inline bool decode_is_rex(u8 b)
{
	return (b & 0xf0) == 0x40;
}
