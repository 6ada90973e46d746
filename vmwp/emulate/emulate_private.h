/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the instruction emulator: the decoded instruction in our own terms, the
 * state of one emulation, and the steps decode → prepare (translate all operands; may fault) →
 * execute (has effects).
 *
 * Functions returning int give 0, -errno, or STEP_FAULT after filling e->exception, or STEP_AGAIN.
 */
#ifndef VMWP_EMULATE_PRIVATE_H
#define VMWP_EMULATE_PRIVATE_H

#include "emulate/emulate.h"

#define STEP_FAULT       1
#define STEP_AGAIN       2

#define FLAG_CF          0x001ull
#define FLAG_PF          0x004ull
#define FLAG_AF          0x010ull
#define FLAG_ZF          0x040ull
#define FLAG_SF          0x080ull
#define FLAG_DF          0x400ull
#define FLAG_OF          0x800ull
#define FLAG_TF          0x100ull
#define FLAG_RF          (1ull << 16)
#define FLAG_VM          (1ull << 17)
#define FLAG_AC          (1ull << 18)
#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

enum { VECTOR_UD = 6, VECTOR_NM = 7, VECTOR_SS = 12, VECTOR_GP = 13, VECTOR_PF = 14 };

/* What to do; the operation of a family is in insn.sub. */
enum opcode {
	OPCODE_NONE,
	OPCODE_MOVE,        /* MOV, MOVZX, MOVNTI: second operand, zero-extended, to first */
	OPCODE_SIGN_EXTEND, /* MOVSX, MOVSXD */
	OPCODE_BYTE_SWAP,   /* MOVBE */
	OPCODE_CONDITION_MOVE,
	OPCODE_CONDITION_SET,
	OPCODE_BINARY, /* sub: enum alu_binary */
	OPCODE_UNARY,  /* sub: enum alu_unary */
	OPCODE_BIT,    /* sub: enum alu_bit */
	OPCODE_EXCHANGE,
	OPCODE_EXCHANGE_ADD,
	OPCODE_COMPARE_EXCHANGE,
	OPCODE_PUSH,
	OPCODE_POP,
	OPCODE_STRING, /* sub: enum string_op */
	OPCODE_VECTOR, /* sub: enum vector_op */
};

enum alu_binary { ALU_ADD, ALU_ADC, ALU_SUB, ALU_SBB, ALU_CMP, ALU_AND, ALU_OR, ALU_XOR, ALU_TEST };
enum alu_unary { ALU_INC, ALU_DEC, ALU_NEG, ALU_NOT };
enum alu_bit { ALU_BT, ALU_BTS, ALU_BTR, ALU_BTC };
enum string_op {
	STRING_MOVS,
	STRING_STOS,
	STRING_LODS,
	STRING_CMPS,
	STRING_SCAS,
	STRING_INS,
	STRING_OUTS
};
enum vector_op {
	VECTOR_MOVE,         /* all of the register */
	VECTOR_MOVE_ALIGNED, /* the same; a misaligned operand is #GP */
	VECTOR_MOVE_SCALAR,  /* the low element; a load clears the rest */
	VECTOR_MOVE_LOW,     /* the low 8 bytes; a load keeps the rest */
	VECTOR_MOVE_HIGH,    /* the high 8 bytes of XMM */
};

enum operand_kind {
	OPERAND_NONE,
	OPERAND_GPR,
	OPERAND_GPR_HIGH, /* AH, CH, DH, BH */
	OPERAND_SEGMENT,  /* the selector */
	OPERAND_VECTOR,
	OPERAND_IMMEDIATE,
	OPERAND_MEMORY,
};

/* Base or index of a memory operand that is no general register. */
#define REG_NONE 0xff
#define REG_RIP  0xfe

struct operand {
	uint8_t kind; /* enum operand_kind */
	uint8_t size; /* bytes */
	uint8_t reg;  /* register number */
	bool write;   /* is, or may be, written */
	/* memory */
	uint8_t segment;
	uint8_t base;
	uint8_t index;
	uint8_t scale;
	int64_t value; /* displacement, or immediate, sign-extended */
};

#define INSN_OPERANDS 3

struct insn {
	uint8_t opcode; /* enum opcode */
	uint8_t sub;
	uint8_t length;
	uint8_t operand_size; /* bytes; of a string instruction: of one element */
	uint8_t address_size; /* bytes: 2, 4, 8 */
	uint8_t condition;    /* low 4 bits of the opcode, for OPCODE_CONDITION_* */
	bool rep;
	bool repne;
	bool vex;
	uint8_t count; /* operands in use */
	struct operand operand[INSN_OPERANDS];
};

/* A translated memory operand: its guest-physical pieces in one or two pages. */
struct span {
	uint64_t gpa[2];
	uint32_t size;
	uint32_t first; /* bytes in gpa[0]; the rest is in gpa[1] */
};

struct emulate {
	struct emulate_regs *regs; /* a working copy, taken over when a step is complete */
	const struct emulate_vcpu_ops *ops;
	void *ctx;
	struct emulate_exception *exception;
	struct insn insn;
	struct span span[INSN_OPERANDS]; /* of the operands in memory */
	struct span stack;               /* PUSH, POP: the other one */

	/*
	 * The page that the processor has stopped in. Another address that ends in the same 12 bits
	 * would be another code than the processor's, by a race of the guest's own; it too gets
	 * no more than the access that was allowed.
	 */
	struct {
		bool valid;
		bool write;
		uint64_t gpa;
	} stop;

	/* The last translation for reading and for writing: a REP stays in its pages for long. */
	struct {
		bool valid;
		uint64_t linear;
		uint64_t gpa;
	} last[2];
};

/*
 * emulate_decode.c. mode: bytes of default operand size of the code segment, 2, 4 or 8. After 0 and
 * -EOPNOTSUPP, ret_insn has the length.
 */
int emulate_decode(const uint8_t *bytes, size_t length, unsigned mode, struct insn *ret_insn);
#define DECODE_INVALID   1 /* no instruction of the processor: #UD */
#define DECODE_TRUNCATED 2 /* it goes on behind length */

/* emulate_memory.c */
unsigned emulate_mode(const struct emulate_regs *regs);
unsigned emulate_cpl(const struct emulate_regs *regs);
int emulate_raise(struct emulate *e, unsigned vector, uint32_t error_code);
int emulate_translate_linear(struct emulate *e, uint64_t linear, uint32_t access,
			     uint64_t *ret_gpa);
int emulate_span(struct emulate *e, unsigned segment, uint64_t offset, unsigned size, bool write,
		 struct span *ret_span);
int emulate_span_read(struct emulate *e, const struct span *span, void *buf);
int emulate_span_write(struct emulate *e, const struct span *span, const void *buf);

/* emulate_operand.c */
uint64_t emulate_size_mask(unsigned size);
void emulate_gpr_write(struct emulate_regs *regs, unsigned reg, unsigned size, uint64_t value);
void emulate_gpr_add(struct emulate_regs *regs, unsigned reg, unsigned size, int64_t delta);
unsigned emulate_stack_width(const struct emulate *e);
uint64_t emulate_offset(const struct emulate *e, const struct operand *op);
int emulate_prepare(struct emulate *e);
int emulate_operand_read(struct emulate *e, unsigned index, uint64_t *ret_value);
int emulate_operand_write(struct emulate *e, unsigned index, uint64_t value);

/* emulate_execute.c, emulate_string.c, emulate_vector.c */
int emulate_execute(struct emulate *e);
int emulate_string(struct emulate *e);
int emulate_vector_prepare(struct emulate *e);
int emulate_vector(struct emulate *e);

/* emulate_alu.c: pure functions of the operands; size in bytes; flags are updated in place. */
uint64_t emulate_alu_binary(enum alu_binary op, unsigned size, uint64_t a, uint64_t b,
			    uint64_t *flags);
uint64_t emulate_alu_unary(enum alu_unary op, unsigned size, uint64_t a, uint64_t *flags);
uint64_t emulate_alu_bit(enum alu_bit op, unsigned size, uint64_t a, uint64_t bit, uint64_t *flags);
bool emulate_alu_condition(unsigned condition, uint64_t flags);

#endif
