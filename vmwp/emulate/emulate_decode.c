/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes to struct insn. Zydis decodes; this file is the only one that knows it. What is not in
 * the table below is not emulated.
 */
#include "emulate_private.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <string.h>

struct entry {
	uint8_t opcode;
	uint8_t sub;
};

/* clang-format off */
#define ENTRY(mnemonic, op, sub) [ZYDIS_MNEMONIC_##mnemonic] = {OPCODE_##op, sub}
#define VECTOR_ENTRY(mnemonic, kind) \
	ENTRY(mnemonic, VECTOR, VECTOR_##kind), ENTRY(V##mnemonic, VECTOR, VECTOR_##kind)
#define CONDITION(cc) ENTRY(CMOV##cc, CONDITION_MOVE, 0), ENTRY(SET##cc, CONDITION_SET, 0)

static const struct entry table[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
	ENTRY(MOV, MOVE, 0), ENTRY(MOVZX, MOVE, 0), ENTRY(MOVNTI, MOVE, 0),
	ENTRY(MOVSX, SIGN_EXTEND, 0), ENTRY(MOVSXD, SIGN_EXTEND, 0), ENTRY(MOVBE, BYTE_SWAP, 0),
	ENTRY(ADD, BINARY, ALU_ADD), ENTRY(ADC, BINARY, ALU_ADC), ENTRY(SUB, BINARY, ALU_SUB),
	ENTRY(SBB, BINARY, ALU_SBB), ENTRY(CMP, BINARY, ALU_CMP), ENTRY(AND, BINARY, ALU_AND),
	ENTRY(OR, BINARY, ALU_OR), ENTRY(XOR, BINARY, ALU_XOR), ENTRY(TEST, BINARY, ALU_TEST),
	ENTRY(INC, UNARY, ALU_INC), ENTRY(DEC, UNARY, ALU_DEC), ENTRY(NEG, UNARY, ALU_NEG),
	ENTRY(NOT, UNARY, ALU_NOT),
	ENTRY(BT, BIT, ALU_BT), ENTRY(BTS, BIT, ALU_BTS), ENTRY(BTR, BIT, ALU_BTR),
	ENTRY(BTC, BIT, ALU_BTC),
	ENTRY(XCHG, EXCHANGE, 0), ENTRY(XADD, EXCHANGE_ADD, 0), ENTRY(CMPXCHG, COMPARE_EXCHANGE, 0),
	ENTRY(PUSH, PUSH, 0), ENTRY(POP, POP, 0),
	CONDITION(O), CONDITION(NO), CONDITION(B), CONDITION(NB), CONDITION(Z), CONDITION(NZ),
	CONDITION(BE), CONDITION(NBE), CONDITION(S), CONDITION(NS), CONDITION(P), CONDITION(NP),
	CONDITION(L), CONDITION(NL), CONDITION(LE), CONDITION(NLE),
	/* MOVSD is a string instruction and a vector move; see entry_of(). */
	ENTRY(MOVSB, STRING, STRING_MOVS), ENTRY(MOVSW, STRING, STRING_MOVS),
	ENTRY(MOVSD, STRING, STRING_MOVS), ENTRY(MOVSQ, STRING, STRING_MOVS),
	ENTRY(STOSB, STRING, STRING_STOS), ENTRY(STOSW, STRING, STRING_STOS),
	ENTRY(STOSD, STRING, STRING_STOS), ENTRY(STOSQ, STRING, STRING_STOS),
	ENTRY(LODSB, STRING, STRING_LODS), ENTRY(LODSW, STRING, STRING_LODS),
	ENTRY(LODSD, STRING, STRING_LODS), ENTRY(LODSQ, STRING, STRING_LODS),
	ENTRY(CMPSB, STRING, STRING_CMPS), ENTRY(CMPSW, STRING, STRING_CMPS),
	ENTRY(CMPSD, STRING, STRING_CMPS), ENTRY(CMPSQ, STRING, STRING_CMPS),
	ENTRY(SCASB, STRING, STRING_SCAS), ENTRY(SCASW, STRING, STRING_SCAS),
	ENTRY(SCASD, STRING, STRING_SCAS), ENTRY(SCASQ, STRING, STRING_SCAS),
	ENTRY(INSB, STRING, STRING_INS), ENTRY(INSW, STRING, STRING_INS),
	ENTRY(INSD, STRING, STRING_INS),
	ENTRY(OUTSB, STRING, STRING_OUTS), ENTRY(OUTSW, STRING, STRING_OUTS),
	ENTRY(OUTSD, STRING, STRING_OUTS),
	VECTOR_ENTRY(MOVUPS, MOVE), VECTOR_ENTRY(MOVUPD, MOVE), VECTOR_ENTRY(MOVDQU, MOVE),
	VECTOR_ENTRY(LDDQU, MOVE),
	VECTOR_ENTRY(MOVAPS, MOVE_ALIGNED), VECTOR_ENTRY(MOVAPD, MOVE_ALIGNED),
	VECTOR_ENTRY(MOVDQA, MOVE_ALIGNED), VECTOR_ENTRY(MOVNTPS, MOVE_ALIGNED),
	VECTOR_ENTRY(MOVNTPD, MOVE_ALIGNED), VECTOR_ENTRY(MOVNTDQ, MOVE_ALIGNED),
	VECTOR_ENTRY(MOVNTDQA, MOVE_ALIGNED),
	VECTOR_ENTRY(MOVD, MOVE_SCALAR), VECTOR_ENTRY(MOVQ, MOVE_SCALAR),
	VECTOR_ENTRY(MOVSS, MOVE_SCALAR), ENTRY(VMOVSD, VECTOR, VECTOR_MOVE_SCALAR),
	VECTOR_ENTRY(MOVLPS, MOVE_LOW), VECTOR_ENTRY(MOVLPD, MOVE_LOW),
	VECTOR_ENTRY(MOVHPS, MOVE_HIGH), VECTOR_ENTRY(MOVHPD, MOVE_HIGH),
};
/* clang-format on */

static struct entry entry_of(const ZydisDecodedInstruction *z)
{
	if (z->mnemonic == ZYDIS_MNEMONIC_MOVSD && z->meta.category != ZYDIS_CATEGORY_STRINGOP)
		return (struct entry){OPCODE_VECTOR, VECTOR_MOVE_SCALAR};
	return table[z->mnemonic];
}

static void take_prefixes(const ZydisDecodedInstruction *z, struct insn *insn)
{
	for (unsigned i = 0; i < z->raw.prefix_count; i++) {
		uint8_t value = z->raw.prefixes[i].value;

		if (value != 0xf2 && value != 0xf3)
			continue;
		insn->rep = value == 0xf3;
		insn->repne = value == 0xf2;
	}
	insn->vex = z->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
}

static int take_byte_register(ZydisRegister reg, struct operand *op)
{
	unsigned n = (unsigned)(reg - ZYDIS_REGISTER_AL);

	op->kind = n >= 4 && n < 8 ? OPERAND_GPR_HIGH : OPERAND_GPR;
	op->reg = (uint8_t)(n < 4 ? n : n - 4); /* SPL follows BH, so all of the rest are 4 off */
	if (op->kind == OPERAND_GPR_HIGH)
		op->reg = (uint8_t)(n - 4);
	return 0;
}

static int take_register(ZydisRegister reg, struct operand *op)
{
	op->reg = (uint8_t)ZydisRegisterGetId(reg);
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR8:
		return take_byte_register(reg, op);
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		op->kind = OPERAND_GPR;
		return 0;
	case ZYDIS_REGCLASS_SEGMENT:
		op->kind = OPERAND_SEGMENT;
		return op->write ? -EOPNOTSUPP : 0;
	case ZYDIS_REGCLASS_XMM:
	case ZYDIS_REGCLASS_YMM:
		op->kind = OPERAND_VECTOR;
		return op->reg < 16 ? 0 : -EOPNOTSUPP;
	default:
		return -EOPNOTSUPP;
	}
}

static uint8_t address_register(ZydisRegister reg)
{
	if (reg == ZYDIS_REGISTER_NONE)
		return REG_NONE;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return REG_RIP;
	return (uint8_t)ZydisRegisterGetId(reg);
}

static int take_memory(const ZydisDecodedOperand *z, struct operand *op)
{
	if (z->mem.type != ZYDIS_MEMOP_TYPE_MEM)
		return -EOPNOTSUPP;
	op->kind = OPERAND_MEMORY;
	op->segment = (uint8_t)ZydisRegisterGetId(z->mem.segment);
	op->base = address_register(z->mem.base);
	op->index = address_register(z->mem.index);
	op->scale = z->mem.scale;
	op->value = z->mem.disp.has_displacement ? z->mem.disp.value : 0;
	return 0;
}

static int take_operand(const ZydisDecodedOperand *z, struct operand *op)
{
	op->size = (uint8_t)(z->size / 8);
	op->write = z->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
	switch (z->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		return take_register(z->reg.value, op);
	case ZYDIS_OPERAND_TYPE_MEMORY:
		return take_memory(z, op);
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		op->kind = OPERAND_IMMEDIATE;
		op->value = z->imm.value.s;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* String instructions name no operand; their segment override is what is wanted of the source. */
static int take_string(const ZydisDecodedInstruction *z, struct insn *insn)
{
	insn->operand[0].segment = EMULATE_DS;
	if (z->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_CS)
		insn->operand[0].segment = EMULATE_CS;
	if (z->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_SS)
		insn->operand[0].segment = EMULATE_SS;
	if (z->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_ES)
		insn->operand[0].segment = EMULATE_ES;
	if (z->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_FS)
		insn->operand[0].segment = EMULATE_FS;
	if (z->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS)
		insn->operand[0].segment = EMULATE_GS;
	return 0;
}

static bool loads_part_of_vex(const struct insn *insn)
{
	return insn->vex && insn->opcode == OPCODE_VECTOR && insn->sub >= VECTOR_MOVE_LOW &&
	       insn->count == 3;
}

static int take_operands(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *operands,
			 struct insn *insn)
{
	if (insn->opcode == OPCODE_STRING)
		return take_string(z, insn);
	insn->count = z->operand_count_visible;
	if (insn->count > INSN_OPERANDS || z->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX)
		return -EOPNOTSUPP;
	for (unsigned i = 0; i < insn->count; i++) {
		int r = take_operand(&operands[i], &insn->operand[i]);

		if (r)
			return r;
	}
	return loads_part_of_vex(insn) ? -EOPNOTSUPP : 0;
}

static int decode_with(unsigned mode, const uint8_t *bytes, size_t length,
		       ZydisDecodedInstruction *z, ZydisDecodedOperand *operands)
{
	ZydisDecoder decoder;
	ZyanStatus status;

	if (mode == 8)
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	else if (mode == 4)
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
	else
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
	status = ZydisDecoderDecodeFull(&decoder, bytes, length, z, operands);
	if (status == ZYDIS_STATUS_NO_MORE_DATA)
		return DECODE_TRUNCATED;
	return ZYAN_SUCCESS(status) ? 0 : DECODE_INVALID;
}

static int decode(const uint8_t *bytes, size_t length, unsigned mode, struct insn *ret_insn)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction z;
	struct insn insn = {0};
	struct entry entry;
	int r;

	r = decode_with(mode, bytes, length, &z, operands);
	if (r)
		return r;
	entry = entry_of(&z);
	insn.opcode = entry.opcode;
	insn.sub = entry.sub;
	insn.length = z.length;
	insn.operand_size = (uint8_t)(z.operand_width / 8);
	insn.address_size = (uint8_t)(z.address_width / 8);
	insn.condition = z.opcode & 15;
	take_prefixes(&z, &insn);
	*ret_insn = insn;
	if (!insn.opcode)
		return -EOPNOTSUPP;
	return take_operands(&z, operands, ret_insn);
}

/* --- what was decoded before --- */

/*
 * A guest comes to its devices by a handful of instructions. What they mean depends on nothing but
 * their bytes and the mode, so each thread remembers some.
 */
#define REMEMBERED 32u
#define HASHED     4u /* bytes; fewer are not looked up */

struct remembered {
	uint8_t mode; /* 0: none */
	uint8_t bytes[EMULATE_MAX_LENGTH];
	struct insn insn;
};

static struct remembered *slot_of(const uint8_t *bytes, unsigned mode)
{
	static _Thread_local struct remembered slots[REMEMBERED];
	uint32_t hash;

	memcpy(&hash, bytes, sizeof hash);
	return &slots[((hash + mode) * UINT32_C(0x9e3779b1)) >> 27];
}
_Static_assert(REMEMBERED == 1u << (32 - 27), "the hash's upper bits");

int emulate_decode(const uint8_t *bytes, size_t length, unsigned mode, struct insn *ret_insn)
{
	struct remembered *slot;
	int r;

	if (length < HASHED)
		return decode(bytes, length, mode, ret_insn);
	slot = slot_of(bytes, mode);
	if (slot->mode == mode && slot->insn.length <= length &&
	    memcmp(slot->bytes, bytes, slot->insn.length) == 0) {
		*ret_insn = slot->insn;
		return 0;
	}
	r = decode(bytes, length, mode, ret_insn);
	if (r == 0) {
		slot->mode = (uint8_t)mode;
		slot->insn = *ret_insn;
		memcpy(slot->bytes, bytes, ret_insn->length);
	}
	return r;
}
