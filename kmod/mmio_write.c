// SPDX-License-Identifier: GPL-2.0-or-later
/* See mmio_write.h; SDM 2A 2.1 and MOV, opcodes 88, 89, C6 /0, C7 /0. */
#include "mmio_write.h"

#define REX_W 8
#define REX_R 4

struct code {
	const uint8_t *bytes;
	unsigned int count, at;
	int is_64_bit;
	int is_16_bit_operand; /* prefix 66 */
	uint8_t rex;
};

/* The next byte, or -1. */
static int next(struct code *c)
{
	return c->at < c->count ? c->bytes[c->at++] : -1;
}

static int is_segment_prefix(int byte)
{
	return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x64 ||
	       byte == 0x65;
}

/* The opcode behind the prefixes, or -1. */
static int take_prefixes(struct code *c)
{
	int byte = next(c);

	while (is_segment_prefix(byte) || byte == 0x66) {
		c->is_16_bit_operand |= byte == 0x66;
		byte = next(c);
	}
	if (c->is_64_bit && byte >= 0 && (byte & 0xf0) == 0x40) {
		c->rex = byte;
		byte = next(c);
	}
	return byte;
}

/* Leaves out the address behind ModRM; its registers do not matter, the GPA is known. */
static int skip_address(struct code *c, int modrm)
{
	int mode = modrm >> 6, rm = modrm & 7, sib;
	unsigned int displacement = mode == 1 ? 1 : mode == 2 ? 4 : 0;

	if (mode == 3)
		return -1;
	if (rm == 4) {
		sib = next(c);
		if (sib < 0)
			return -1;
		rm = sib & 7;
	}
	if (mode == 0 && rm == 5)
		displacement = 4;
	c->at += displacement;
	return c->at <= c->count ? 0 : -1;
}

static unsigned int operand_size(const struct code *c, int opcode)
{
	if (!(opcode & 1))
		return 1;
	if (c->rex & REX_W)
		return 8;
	return c->is_16_bit_operand ? 2 : 4;
}

static uint64_t truncate(uint64_t value, unsigned int size)
{
	return size == 8 ? value : value & ((1ull << size * 8) - 1);
}

/* AH to BH are bytes 4 to 7 where there is no REX prefix. */
static uint64_t read_register(const struct code *c, int modrm, unsigned int size,
			      const uint64_t gpr[16])
{
	unsigned int reg = (modrm >> 3 & 7) | (c->rex & REX_R ? 8 : 0);

	if (size == 1 && !c->rex && reg >= 4)
		return truncate(gpr[reg - 4] >> 8, 1);
	return truncate(gpr[reg], size);
}

/* Four bytes at most, sign-extended to eight. */
static int read_constant(struct code *c, unsigned int size, uint64_t *ret_value)
{
	unsigned int width = size == 8 ? 4 : size, i;
	uint64_t value = 0;
	int byte;

	for (i = 0; i < width; i++) {
		byte = next(c);
		if (byte < 0)
			return -1;
		value |= (uint64_t)byte << i * 8;
	}
	*ret_value = size == 8 ? (uint64_t)(int64_t)(int32_t)value : value;
	return 0;
}

int mmio_write_decode(const uint8_t *bytes, unsigned int count, int is_64_bit,
		      const uint64_t gpr[16], struct mmio_write *ret)
{
	struct code c = {.bytes = bytes, .count = count, .is_64_bit = is_64_bit};
	int opcode = take_prefixes(&c), modrm = next(&c);
	uint64_t value = 0;
	unsigned int size;

	if (opcode < 0 || modrm < 0 || skip_address(&c, modrm))
		return -1;
	size = operand_size(&c, opcode);
	switch (opcode) {
	case 0x88:
	case 0x89:
		value = read_register(&c, modrm, size, gpr);
		break;
	case 0xc6:
	case 0xc7:
		if (modrm & 0x38 || read_constant(&c, size, &value))
			return -1;
		break;
	default:
		return -1;
	}
	*ret = (struct mmio_write){.length = c.at, .size = size, .value = value};
	return 0;
}
