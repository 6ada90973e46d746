/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instruction emulation: carries out one guest instruction whose memory operand is a device's
 * register, or a string I/O instruction, after the processor has stopped at it. Covers data moves,
 * integer arithmetic and logic, bit tests, string instructions, PUSH/POP of memory, and SSE/AVX
 * moves, in 16-, 32- and 64-bit modes with segmentation and paging.
 *
 * Nothing is done by halves: every operand is translated before the first access has an effect,
 * and registers change only when the instruction (or one iteration of a REP) is complete.
 */
#ifndef VMWP_EMULATE_H
#define VMWP_EMULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EMULATE_RAX,
	EMULATE_RCX,
	EMULATE_RDX,
	EMULATE_RBX,
	EMULATE_RSP,
	EMULATE_RBP,
	EMULATE_RSI,
	EMULATE_RDI,
	EMULATE_R8,
	EMULATE_GPRS = 16
};

/* Order of the segment registers as instructions number them. */
enum { EMULATE_ES, EMULATE_CS, EMULATE_SS, EMULATE_DS, EMULATE_FS, EMULATE_GS, EMULATE_SEGMENTS };

/* Attributes as in TLFS HV_X64_SEGMENT_REGISTER. */
#define SEGMENT_TYPE    0x000f
#define SEGMENT_CODE    0x0008 /* of the type: code, not data */
#define SEGMENT_DOWN    0x0004 /* data: expands down */
#define SEGMENT_RW      0x0002 /* data: writable; code: readable */
#define SEGMENT_DPL     0x0060
#define SEGMENT_PRESENT 0x0080
#define SEGMENT_LONG    0x2000
#define SEGMENT_DEFAULT 0x4000 /* D/B: 32-bit */

struct emulate_segment {
	uint64_t base;
	uint32_t limit; /* in bytes, granularity already applied */
	uint16_t selector;
	uint16_t attributes;
};

/* What the instruction sees and changes: gpr, rip and rflags. The rest is read only. */
struct emulate_regs {
	uint64_t gpr[EMULATE_GPRS];
	uint64_t rip;
	uint64_t rflags;
	struct emulate_segment segment[EMULATE_SEGMENTS];
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
	uint8_t phys_bits; /* MAXPHYADDR of the guest */
};

/*
 * The way to the virtual processor and its machine. Called in the thread of the VP. Functions that
 * return int give 0 or -errno; an error ends the emulation and is handed to the caller.
 */
struct emulate_vcpu_ops {
	/* Host address of [gpa, gpa + len), within one page; NULL where that is not (writable) RAM. */
	void *(*map)(void *ctx, uint64_t gpa, size_t len, bool write);

	/* A device's register; size is 1, 2, 4 or 8. What no device claims reads as ones. */
	int (*mmio_read)(void *ctx, uint64_t gpa, unsigned size, uint64_t *ret_value);
	int (*mmio_write)(void *ctx, uint64_t gpa, unsigned size, uint64_t value);

	/* size is 1, 2 or 4. The processor has checked the right to the port already. */
	int (*port_in)(void *ctx, uint16_t port, unsigned size, uint32_t *ret_value);
	int (*port_out)(void *ctx, uint16_t port, unsigned size, uint32_t value);

	/*
	 * Vector register index, 32 bytes of YMM. set_vector with size 16 keeps bytes 16..31 (legacy
	 * SSE), with size 32 sets all. May be NULL: then vector instructions are not supported.
	 */
	int (*get_vector)(void *ctx, unsigned index, uint8_t ret_value[32]);
	int (*set_vector)(void *ctx, unsigned index, const uint8_t value[32], unsigned size);
};

enum emulate_result {
	EMULATE_DONE,  /* complete; rip is behind the instruction */
	EMULATE_AGAIN, /* run the guest: it comes back to this instruction (a long REP, a race) */
	EMULATE_EXCEPTION, /* inject *ret_exception; rip is still at the instruction */
};

struct emulate_exception {
	uint8_t vector;
	bool has_error_code;
	uint32_t error_code;
	uint64_t cr2; /* #PF: the linear address */
};

/*
 * What an intercept delivers beside the registers. A processor that stops at an address has walked
 * the page tables already: what it was allowed there is not asked for again.
 */
struct emulate_stop {
	const uint8_t *bytes; /* of the instruction */
	size_t length;        /* 0: fetched from guest memory */
	bool gpa_valid;
	bool write;
	uint64_t gpa; /* where the access, for writing or reading, has stopped */
};

/* Most bytes that an instruction has. */
#define EMULATE_MAX_LENGTH 15

/*
 * Emulates the instruction at CS:RIP. regs is updated as the result says. With RFLAGS.TF one iteration
 * of a REP is done: its trap comes behind each. Traps and the interrupt shadow are the caller's.
 *
 * Returns an emulate_result, -EOPNOTSUPP for a valid instruction that is not covered, or the
 * -errno of an operation.
 */
int emulate_instruction(struct emulate_regs *regs, const struct emulate_vcpu_ops *ops, void *ctx,
			const struct emulate_stop *stop, struct emulate_exception *ret_exception);

/* Where the instruction behind one of this length is, in code of 2, 4 or 8 bytes (emulate_mode()). */
uint64_t emulate_next(uint64_t rip, unsigned length, unsigned mode);

/*
 * By far the most accesses to devices: a MOV or MOVZX of 64-bit code between a whole register, or a
 * constant, and the memory where the processor has stopped.
 */
struct emulate_move {
	bool write;
	uint8_t size;     /* of the access */
	uint8_t length;   /* of the instruction */
	uint8_t reg;      /* reading: the register that gets it, */
	uint8_t reg_size; /* zero-extended to this size, as emulate_move_result() does */
	uint64_t value;   /* writing */
};

/* False: it is something else, or not in one page, and emulate_instruction() has to look at it. */
bool emulate_is_move(const struct emulate_stop *stop, const uint64_t gpr[EMULATE_GPRS],
		     uint64_t rip, struct emulate_move *ret_move);
/* What the register is after `value` was read. */
uint64_t emulate_move_result(const struct emulate_move *move, uint64_t old, uint64_t value);

/*
 * The length of the instruction at CS:RIP, whether it is covered or not; 0 if it cannot be fetched
 * or is none.
 */
unsigned emulate_length(struct emulate_regs *regs, const struct emulate_vcpu_ops *ops, void *ctx,
			const uint8_t *bytes, size_t length);

/* The bytes at CS:RIP, as many as can be fetched; returns how many. */
size_t emulate_fetch(struct emulate_regs *regs, const struct emulate_vcpu_ops *ops, void *ctx,
		     uint8_t bytes[EMULATE_MAX_LENGTH]);

#endif
