/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulator against the real processor: random encodings of every instruction that is emulated,
 * with random registers, flags and memory, executed once in this process and once by the emulator;
 * general and vector registers, flags and memory must agree. Runs in 64-bit mode and, by a far jump
 * into a compatibility segment, in 32-bit mode.
 */
#include "emulate_machine.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Both views use these linear addresses: natively by mmap, in the machine by its page tables. */
#define DATA_LINEAR 0x10000000ull
#define DATA_SIZE   0x4000ull
#define CODE_LINEAR 0x20000000ull
#define CODE_GPA    0x10000ull

#define ROUNDS      60

/* Shared with the assembly below: offsets are used there. */
struct native_frame {
	uint64_t gpr[16];      /* 0 */
	uint64_t flags;        /* 128 */
	uint64_t code;         /* 136: 64-bit entry */
	uint32_t far_offset;   /* 144: 32-bit entry */
	uint16_t far_selector; /* 148 */
	uint16_t is_32;        /* 150 */
	uint64_t host_rsp;     /* 152 */
	uint8_t ymm[16][32];   /* 160 */
};

extern struct native_frame native_frame;
void native_run(void);
extern char native_return[];
struct native_frame native_frame;

/* clang-format off */
__asm__(
"	.text\n"
"native_run:\n"
"	push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
"	mov %rsp, native_frame+152(%rip)\n"
"	cmpw $0, native_frame+150(%rip)\n"
"	je 1f\n"
"	mov $0x2b, %eax\n mov %eax, %ds\n mov %eax, %es\n"
"1:	lea native_frame+160(%rip), %rax\n"
"	vmovdqu 0(%rax), %ymm0\n   vmovdqu 32(%rax), %ymm1\n  vmovdqu 64(%rax), %ymm2\n"
"	vmovdqu 96(%rax), %ymm3\n  vmovdqu 128(%rax), %ymm4\n vmovdqu 160(%rax), %ymm5\n"
"	vmovdqu 192(%rax), %ymm6\n vmovdqu 224(%rax), %ymm7\n vmovdqu 256(%rax), %ymm8\n"
"	vmovdqu 288(%rax), %ymm9\n vmovdqu 320(%rax), %ymm10\n vmovdqu 352(%rax), %ymm11\n"
"	vmovdqu 384(%rax), %ymm12\n vmovdqu 416(%rax), %ymm13\n vmovdqu 448(%rax), %ymm14\n"
"	vmovdqu 480(%rax), %ymm15\n"
"	pushq native_frame+128(%rip)\n popfq\n"
"	mov native_frame+0(%rip), %rax\n   mov native_frame+8(%rip), %rcx\n"
"	mov native_frame+16(%rip), %rdx\n  mov native_frame+24(%rip), %rbx\n"
"	mov native_frame+32(%rip), %rsp\n  mov native_frame+40(%rip), %rbp\n"
"	mov native_frame+48(%rip), %rsi\n  mov native_frame+56(%rip), %rdi\n"
"	mov native_frame+64(%rip), %r8\n   mov native_frame+72(%rip), %r9\n"
"	mov native_frame+80(%rip), %r10\n  mov native_frame+88(%rip), %r11\n"
"	mov native_frame+96(%rip), %r12\n  mov native_frame+104(%rip), %r13\n"
"	mov native_frame+112(%rip), %r14\n mov native_frame+120(%rip), %r15\n"
/* RCX alone is sacrificed to nothing: both jumps go through memory and keep the flags. */
"	jmp *native_frame+136(%rip)\n"
"	.globl native_enter_32\n"
"native_enter_32:\n"
"	ljmpl *native_frame+144(%rip)\n"
"native_return:\n"
"	mov %rax, native_frame+0(%rip)\n   mov %rcx, native_frame+8(%rip)\n"
"	mov %rdx, native_frame+16(%rip)\n  mov %rbx, native_frame+24(%rip)\n"
"	mov %rsp, native_frame+32(%rip)\n  mov %rbp, native_frame+40(%rip)\n"
"	mov %rsi, native_frame+48(%rip)\n  mov %rdi, native_frame+56(%rip)\n"
"	mov %r8, native_frame+64(%rip)\n   mov %r9, native_frame+72(%rip)\n"
"	mov %r10, native_frame+80(%rip)\n  mov %r11, native_frame+88(%rip)\n"
"	mov %r12, native_frame+96(%rip)\n  mov %r13, native_frame+104(%rip)\n"
"	mov %r14, native_frame+112(%rip)\n mov %r15, native_frame+120(%rip)\n"
"	mov native_frame+152(%rip), %rsp\n"
"	pushfq\n popq native_frame+128(%rip)\n"
"	cld\n"
"	lea native_frame+160(%rip), %rax\n"
"	vmovdqu %ymm0, 0(%rax)\n   vmovdqu %ymm1, 32(%rax)\n  vmovdqu %ymm2, 64(%rax)\n"
"	vmovdqu %ymm3, 96(%rax)\n  vmovdqu %ymm4, 128(%rax)\n vmovdqu %ymm5, 160(%rax)\n"
"	vmovdqu %ymm6, 192(%rax)\n vmovdqu %ymm7, 224(%rax)\n vmovdqu %ymm8, 256(%rax)\n"
"	vmovdqu %ymm9, 288(%rax)\n vmovdqu %ymm10, 320(%rax)\n vmovdqu %ymm11, 352(%rax)\n"
"	vmovdqu %ymm12, 384(%rax)\n vmovdqu %ymm13, 416(%rax)\n vmovdqu %ymm14, 448(%rax)\n"
"	vmovdqu %ymm15, 480(%rax)\n vzeroupper\n"
"	xor %eax, %eax\n mov %eax, %ds\n mov %eax, %es\n"
"	pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
"	ret\n");
/* clang-format on */
extern char native_enter_32[];

#define COMPATIBILITY_SEGMENT 0x23u /* Linux's */

#define FLAG_DF               0x400ull
#define ALL                   0x8d5ull /* CF PF AF ZF SF OF */
#define CARRY                 0x41ull  /* CF and ZF: the rest is undefined after a bit test */

enum form {
	FORM_MODRM,      /* reg field random */
	FORM_GROUP,      /* reg field fixed */
	FORM_BIT,        /* register holds a bit offset: may reach out of the operand */
	FORM_STRING,     /* no ModRM */
	FORM_ACCUMULATOR /* MOV with a direct offset */
};

enum {
	REX_W_ONLY = 1,
	NO_16 = 2,
	NO_32BIT_MODE = 4,
	ALIGNED = 8,
	NO_W = 16,
	NO_PREFIX = 32,
	VEX = 64
};

struct pattern {
	const char *name;
	uint8_t form;
	uint8_t prefix; /* mandatory, or 0 */
	uint8_t length;
	uint8_t opcode[3];
	uint8_t group;
	int8_t immediate; /* bytes; -1: of the operand size, at most 4 */
	uint8_t limits;
	uint64_t flags;
};

#define ALU_PATTERNS(name, base, group_)                                      \
	{name " m8,r8", FORM_MODRM, 0, 1, {base}, 0, 0, 0, ALL},              \
		{name " m,r", FORM_MODRM, 0, 1, {base + 1}, 0, 0, 0, ALL},    \
		{name " r8,m8", FORM_MODRM, 0, 1, {base + 2}, 0, 0, 0, ALL},  \
		{name " r,m", FORM_MODRM, 0, 1, {base + 3}, 0, 0, 0, ALL},    \
		{name " m8,i8", FORM_GROUP, 0, 1, {0x80}, group_, 1, 0, ALL}, \
		{name " m,i", FORM_GROUP, 0, 1, {0x81}, group_, -1, 0, ALL},  \
	{                                                                     \
		name " m,i8", FORM_GROUP, 0, 1, {0x83}, group_, 1, 0, ALL     \
	}
#define CC_PATTERNS(cc)                                                    \
	{"cmovcc", FORM_MODRM, 0, 2, {0x0f, 0x40 + cc}, 0, 0, 0, ALL},     \
	{                                                                  \
		"setcc", FORM_MODRM, 0, 2, {0x0f, 0x90 + cc}, 0, 0, 0, ALL \
	}
#define SSE(name, prefix, op, limits)                                      \
	{                                                                  \
		name, FORM_MODRM, prefix, 2, {0x0f, op}, 0, 0, limits, ALL \
	}

static const struct pattern patterns[] = {
	{"mov m8,r8", FORM_MODRM, 0, 1, {0x88}, 0, 0, 0, ALL},
	{"mov m,r", FORM_MODRM, 0, 1, {0x89}, 0, 0, 0, ALL},
	{"mov r8,m8", FORM_MODRM, 0, 1, {0x8a}, 0, 0, 0, ALL},
	{"mov r,m", FORM_MODRM, 0, 1, {0x8b}, 0, 0, 0, ALL},
	{"mov m8,i8", FORM_GROUP, 0, 1, {0xc6}, 0, 1, 0, ALL},
	{"mov m,i", FORM_GROUP, 0, 1, {0xc7}, 0, -1, 0, ALL},
	{"mov al,moffs", FORM_ACCUMULATOR, 0, 1, {0xa0}, 0, 0, 0, ALL},
	{"mov ax,moffs", FORM_ACCUMULATOR, 0, 1, {0xa1}, 0, 0, 0, ALL},
	{"mov moffs,al", FORM_ACCUMULATOR, 0, 1, {0xa2}, 0, 0, 0, ALL},
	{"mov moffs,ax", FORM_ACCUMULATOR, 0, 1, {0xa3}, 0, 0, 0, ALL},
	{"movzx r,m8", FORM_MODRM, 0, 2, {0x0f, 0xb6}, 0, 0, 0, ALL},
	{"movzx r,m16", FORM_MODRM, 0, 2, {0x0f, 0xb7}, 0, 0, 0, ALL},
	{"movsx r,m8", FORM_MODRM, 0, 2, {0x0f, 0xbe}, 0, 0, 0, ALL},
	{"movsx r,m16", FORM_MODRM, 0, 2, {0x0f, 0xbf}, 0, 0, 0, ALL},
	{"movsxd", FORM_MODRM, 0, 1, {0x63}, 0, 0, NO_32BIT_MODE, ALL},
	{"movnti", FORM_MODRM, 0, 2, {0x0f, 0xc3}, 0, 0, NO_16, ALL},
	{"movbe r,m", FORM_MODRM, 0, 3, {0x0f, 0x38, 0xf0}, 0, 0, 0, ALL},
	{"movbe m,r", FORM_MODRM, 0, 3, {0x0f, 0x38, 0xf1}, 0, 0, 0, ALL},
	ALU_PATTERNS("add", 0x00, 0),
	ALU_PATTERNS("or", 0x08, 1),
	ALU_PATTERNS("adc", 0x10, 2),
	ALU_PATTERNS("sbb", 0x18, 3),
	ALU_PATTERNS("and", 0x20, 4),
	ALU_PATTERNS("sub", 0x28, 5),
	ALU_PATTERNS("xor", 0x30, 6),
	ALU_PATTERNS("cmp", 0x38, 7),
	{"test m8,r8", FORM_MODRM, 0, 1, {0x84}, 0, 0, 0, ALL},
	{"test m,r", FORM_MODRM, 0, 1, {0x85}, 0, 0, 0, ALL},
	{"test m8,i8", FORM_GROUP, 0, 1, {0xf6}, 0, 1, 0, ALL},
	{"test m,i", FORM_GROUP, 0, 1, {0xf7}, 0, -1, 0, ALL},
	{"not m8", FORM_GROUP, 0, 1, {0xf6}, 2, 0, 0, ALL},
	{"not m", FORM_GROUP, 0, 1, {0xf7}, 2, 0, 0, ALL},
	{"neg m8", FORM_GROUP, 0, 1, {0xf6}, 3, 0, 0, ALL},
	{"neg m", FORM_GROUP, 0, 1, {0xf7}, 3, 0, 0, ALL},
	{"inc m8", FORM_GROUP, 0, 1, {0xfe}, 0, 0, 0, ALL},
	{"inc m", FORM_GROUP, 0, 1, {0xff}, 0, 0, 0, ALL},
	{"dec m8", FORM_GROUP, 0, 1, {0xfe}, 1, 0, 0, ALL},
	{"dec m", FORM_GROUP, 0, 1, {0xff}, 1, 0, 0, ALL},
	{"push m", FORM_GROUP, 0, 1, {0xff}, 6, 0, 0, ALL},
	{"pop m", FORM_GROUP, 0, 1, {0x8f}, 0, 0, 0, ALL},
	{"xchg m8,r8", FORM_MODRM, 0, 1, {0x86}, 0, 0, 0, ALL},
	{"xchg m,r", FORM_MODRM, 0, 1, {0x87}, 0, 0, 0, ALL},
	{"xadd m8,r8", FORM_MODRM, 0, 2, {0x0f, 0xc0}, 0, 0, 0, ALL},
	{"xadd m,r", FORM_MODRM, 0, 2, {0x0f, 0xc1}, 0, 0, 0, ALL},
	{"cmpxchg m8,r8", FORM_MODRM, 0, 2, {0x0f, 0xb0}, 0, 0, 0, ALL},
	{"cmpxchg m,r", FORM_MODRM, 0, 2, {0x0f, 0xb1}, 0, 0, 0, ALL},
	{"bt m,r", FORM_BIT, 0, 2, {0x0f, 0xa3}, 0, 0, 0, CARRY},
	{"bts m,r", FORM_BIT, 0, 2, {0x0f, 0xab}, 0, 0, 0, CARRY},
	{"btr m,r", FORM_BIT, 0, 2, {0x0f, 0xb3}, 0, 0, 0, CARRY},
	{"btc m,r", FORM_BIT, 0, 2, {0x0f, 0xbb}, 0, 0, 0, CARRY},
	{"bt m,i8", FORM_GROUP, 0, 2, {0x0f, 0xba}, 4, 1, 0, CARRY},
	{"bts m,i8", FORM_GROUP, 0, 2, {0x0f, 0xba}, 5, 1, 0, CARRY},
	{"btr m,i8", FORM_GROUP, 0, 2, {0x0f, 0xba}, 6, 1, 0, CARRY},
	{"btc m,i8", FORM_GROUP, 0, 2, {0x0f, 0xba}, 7, 1, 0, CARRY},
	CC_PATTERNS(0),
	CC_PATTERNS(1),
	CC_PATTERNS(2),
	CC_PATTERNS(3),
	CC_PATTERNS(4),
	CC_PATTERNS(5),
	CC_PATTERNS(6),
	CC_PATTERNS(7),
	CC_PATTERNS(8),
	CC_PATTERNS(9),
	CC_PATTERNS(10),
	CC_PATTERNS(11),
	CC_PATTERNS(12),
	CC_PATTERNS(13),
	CC_PATTERNS(14),
	CC_PATTERNS(15),
	{"movsb", FORM_STRING, 0, 1, {0xa4}, 0, 0, 0, ALL},
	{"movs", FORM_STRING, 0, 1, {0xa5}, 0, 0, 0, ALL},
	{"rep movsb", FORM_STRING, 0xf3, 1, {0xa4}, 0, 0, 0, ALL},
	{"rep movs", FORM_STRING, 0xf3, 1, {0xa5}, 0, 0, 0, ALL},
	{"stosb", FORM_STRING, 0, 1, {0xaa}, 0, 0, 0, ALL},
	{"rep stos", FORM_STRING, 0xf3, 1, {0xab}, 0, 0, 0, ALL},
	{"lodsb", FORM_STRING, 0, 1, {0xac}, 0, 0, 0, ALL},
	{"lods", FORM_STRING, 0, 1, {0xad}, 0, 0, 0, ALL},
	{"rep lods", FORM_STRING, 0xf3, 1, {0xad}, 0, 0, 0, ALL},
	{"cmps", FORM_STRING, 0, 1, {0xa7}, 0, 0, 0, ALL},
	{"repe cmpsb", FORM_STRING, 0xf3, 1, {0xa6}, 0, 0, 0, ALL},
	{"repne cmps", FORM_STRING, 0xf2, 1, {0xa7}, 0, 0, 0, ALL},
	{"scasb", FORM_STRING, 0, 1, {0xae}, 0, 0, 0, ALL},
	{"repe scas", FORM_STRING, 0xf3, 1, {0xaf}, 0, 0, 0, ALL},
	{"repne scasb", FORM_STRING, 0xf2, 1, {0xae}, 0, 0, 0, ALL},
	SSE("movups x,m", 0, 0x10, NO_W | NO_PREFIX),
	SSE("movups m,x", 0, 0x11, NO_W | NO_PREFIX),
	SSE("movupd x,m", 0x66, 0x10, NO_W | NO_PREFIX),
	SSE("movss x,m", 0xf3, 0x10, NO_W | NO_PREFIX),
	SSE("movss m,x", 0xf3, 0x11, NO_W | NO_PREFIX),
	SSE("movsd x,m", 0xf2, 0x10, NO_W | NO_PREFIX),
	SSE("movsd m,x", 0xf2, 0x11, NO_W | NO_PREFIX),
	SSE("movlps x,m", 0, 0x12, NO_W | NO_PREFIX),
	SSE("movlps m,x", 0, 0x13, NO_W | NO_PREFIX),
	SSE("movhps x,m", 0, 0x16, NO_W | NO_PREFIX),
	SSE("movhpd m,x", 0x66, 0x17, NO_W | NO_PREFIX),
	SSE("movaps x,m", 0, 0x28, NO_W | NO_PREFIX | ALIGNED),
	SSE("movapd m,x", 0x66, 0x29, NO_W | NO_PREFIX | ALIGNED),
	SSE("movntps m,x", 0, 0x2b, NO_W | NO_PREFIX | ALIGNED),
	SSE("movntdq m,x", 0x66, 0xe7, NO_W | NO_PREFIX | ALIGNED),
	SSE("movdqa x,m", 0x66, 0x6f, NO_W | NO_PREFIX | ALIGNED),
	SSE("movdqa m,x", 0x66, 0x7f, NO_W | NO_PREFIX | ALIGNED),
	SSE("movdqu x,m", 0xf3, 0x6f, NO_W | NO_PREFIX),
	SSE("movdqu m,x", 0xf3, 0x7f, NO_W | NO_PREFIX),
	SSE("lddqu x,m", 0xf2, 0xf0, NO_W | NO_PREFIX),
	SSE("movq x,m", 0xf3, 0x7e, NO_W | NO_PREFIX),
	SSE("movq m,x", 0x66, 0xd6, NO_W | NO_PREFIX),
	SSE("movd/q x,m", 0x66, 0x6e, NO_PREFIX),
	SSE("movd/q m,x", 0x66, 0x7e, NO_PREFIX),
	SSE("vmovups v,m", 0, 0x10, VEX | NO_PREFIX),
	SSE("vmovups m,v", 0, 0x11, VEX | NO_PREFIX),
	SSE("vmovdqu v,m", 0xf3, 0x6f, VEX | NO_PREFIX),
	SSE("vmovdqa m,v", 0x66, 0x7f, VEX | ALIGNED | NO_PREFIX),
};

static struct machine machine;
static uint8_t *native_data;
static uint8_t *native_code;
static uint64_t seed;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dull;
}

static uint64_t below(uint64_t n)
{
	return (random64() >> 20) % n;
}

/* Values on the edges of carries and signs are the interesting ones. */
static uint64_t operand_value(void)
{
	static const uint64_t edges[] = {0,
					 1,
					 0x7f,
					 0x80,
					 0xff,
					 0x7fff,
					 0x8000,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 0x7fffffffffffffff,
					 0x8000000000000000,
					 ~0ull,
					 0xf,
					 0x10};

	return below(2) ? random64() : edges[below(sizeof edges / sizeof edges[0])];
}

/* One instruction under construction. */
struct test_insn {
	uint8_t bytes[16];
	unsigned length;
	bool is_32;
	uint64_t target; /* linear address of the operand */
};

static void emit(struct test_insn *insn, uint64_t value, unsigned size)
{
	memcpy(insn->bytes + insn->length, &value, size);
	insn->length += size;
}

static unsigned operand_size(const struct pattern *p, bool word, bool wide)
{
	uint8_t last = p->opcode[p->length - 1];
	bool is_stack = p->opcode[0] == 0x8f || (p->opcode[0] == 0xff && p->group == 6);

	return wide ? 8 : word ? 2 : last == 0 && is_stack ? 8 : 4;
}

/*
 * Chooses an addressing form, and sets base and index so that it leads to insn->target. Register
 * numbers 8 to 15 come from rex.
 */
static void emit_memory(struct test_insn *insn, unsigned reg, unsigned rex_x, unsigned rex_b,
			unsigned immediate, uint64_t avoid_mask)
{
	uint64_t *gpr = native_frame.gpr;
	unsigned mod = (unsigned)below(3), rm = (unsigned)below(8);
	int64_t disp = mod == 1 ? (int8_t)random64() : mod == 2 ? (int16_t)random64() : 0;

	while (avoid_mask >> (rm | rex_b << 3) & 1 || rm == 4)
		rm = (unsigned)below(8);
	if (below(4) == 0) { /* SIB, with an index */
		unsigned index = (unsigned)below(8), scale = (unsigned)below(4);

		while (index == 4 || avoid_mask >> (index | rex_x << 3) & 1 ||
		       (index | rex_x << 3) == (rm | rex_b << 3))
			index = (unsigned)below(8);
		if (mod == 0 && rm == 5)
			mod = 1, disp = 4;
		emit(insn, mod << 6 | reg << 3 | 4, 1);
		emit(insn, scale << 6 | index << 3 | rm, 1);
		gpr[index | rex_x << 3] = below(64);
		gpr[rm | rex_b << 3] =
			insn->target - (uint64_t)disp - (gpr[index | rex_x << 3] << scale);
	} else if (mod == 0 && rm == 5) {
		emit(insn, reg << 3 | 5, 1);
		disp = (int64_t)insn->target;
		if (!insn->is_32) /* relative to the next instruction */
			disp -= (int64_t)(CODE_LINEAR + insn->length + 4 + immediate);
		emit(insn, (uint64_t)disp, 4);
		return;
	} else {
		emit(insn, mod << 6 | reg << 3 | rm, 1);
		gpr[rm | rex_b << 3] = insn->target - (uint64_t)disp;
	}
	if (insn->is_32)
		for (int i = 0; i < 8; i++)
			gpr[i] &= 0xffffffff;
	if (mod)
		emit(insn, (uint64_t)disp, mod == 1 ? 1 : 4);
}

static void emit_vex(struct test_insn *insn, const struct pattern *p, unsigned rex, bool l)
{
	static const uint8_t pp[] = {[0x66] = 1, [0xf3] = 2, [0xf2] = 3};

	emit(insn, 0xc4, 1);
	emit(insn, ((~rex & 7u) << 5 | 1), 1);
	emit(insn, 0x78u | (unsigned)l << 2 | pp[p->prefix], 1);
	emit(insn, p->opcode[1], 1);
}

static void emit_opcode(struct test_insn *insn, const struct pattern *p, unsigned rex, bool word)
{
	if (p->limits & VEX) {
		emit_vex(insn, p, rex, below(2));
		return;
	}
	if (word)
		emit(insn, 0x66, 1);
	if (p->prefix)
		emit(insn, p->prefix, 1);
	if (rex)
		emit(insn, 0x40 | rex, 1);
	emit(insn,
	     p->opcode[0] | (p->length > 1 ? p->opcode[1] << 8 : 0) |
		     (p->length > 2 ? p->opcode[2] << 16 : 0),
	     p->length);
}

static void random_state(struct test_insn *insn)
{
	native_frame.flags = (random64() & (ALL | FLAG_DF)) | 0x202;
	for (int i = 0; i < 16; i++)
		native_frame.gpr[i] = operand_value();
	if (insn->is_32)
		for (int i = 0; i < 16; i++)
			native_frame.gpr[i] &= i < 8 ? 0xffffffff : 0;
	native_frame.gpr[EMULATE_RSP] = DATA_LINEAR + DATA_SIZE / 2 + below(64);
	for (size_t i = 0; i < sizeof native_frame.ymm; i++)
		((uint8_t *)native_frame.ymm)[i] = (uint8_t)random64();
	for (size_t i = 0; i < DATA_SIZE; i += 8) {
		uint64_t value = operand_value();

		memcpy(native_data + i, &value, 8);
	}
}

static void make_string(struct test_insn *insn, const struct pattern *p, unsigned rex, bool word)
{
	uint64_t *gpr = native_frame.gpr;

	gpr[EMULATE_RSI] = insn->target;
	gpr[EMULATE_RDI] = DATA_LINEAR + DATA_SIZE / 4 + below(256);
	gpr[EMULATE_RCX] = below(24);
	if (below(2)) /* long equal stretches, for the comparisons */
		memset(native_data, (int)(gpr[EMULATE_RAX] = 0), DATA_SIZE - below(DATA_SIZE / 2));
	emit_opcode(insn, p, rex & 8, word);
}

static void make_insn(struct test_insn *insn, const struct pattern *p, bool is_32)
{
	bool word = !(p->limits & (NO_16 | NO_PREFIX)) && below(4) == 0;
	unsigned rex = is_32 ? 0 : (unsigned)below(16) & (p->limits & (NO_W | VEX) ? 7 : 15);
	unsigned reg = p->form == FORM_GROUP ? p->group : (unsigned)below(8);
	unsigned full = reg | (rex & 4) << 1;
	unsigned immediate;
	uint64_t avoid = 0;

	*insn = (struct test_insn){.is_32 = is_32};
	if (p->form == FORM_GROUP)
		rex &= ~4u;
	if (is_32 && p->limits & VEX)
		rex = 0;
	if (rex & 8)
		word = false;
	insn->target = DATA_LINEAR + DATA_SIZE / 2 + below(0x300) - 0x180;
	if (below(4) == 0) /* across a page boundary */
		insn->target = DATA_LINEAR + 0x1000 - below(8);
	if (p->limits & ALIGNED)
		insn->target &= ~31ull;
	random_state(insn);
	if (p->form == FORM_STRING) {
		make_string(insn, p, rex, word);
		return;
	}
	immediate = p->immediate < 0 ? (operand_size(p, word, rex & 8) == 2 ? 2 : 4)
				     : (unsigned)p->immediate;
	emit_opcode(insn, p, rex, word);
	if (p->form == FORM_ACCUMULATOR) {
		emit(insn, insn->target, is_32 ? 4 : 8);
		return;
	}
	if (p->form == FORM_BIT) {
		avoid = 1ull << full;
		native_frame.gpr[full] = below(2000) - 1000;
		if (full == EMULATE_RSP && is_32)
			native_frame.gpr[full] &= 0xffffffff;
	}
	if (p->opcode[0] == 0x0f && (p->opcode[1] & 0xfe) == 0xb0) {
		avoid = 1; /* let CMPXCHG sometimes find what it expects in RAX */
		memcpy(&native_frame.gpr[EMULATE_RAX], native_data + (insn->target - DATA_LINEAR),
		       below(2) ? 0
		       : is_32  ? 4
				: 8);
	}
	emit_memory(insn, reg, rex >> 1 & 1, rex & 1, immediate, avoid);
	emit(insn, operand_value(), immediate);
}

/* The bytes after the instruction lead back, from either mode. */
static void place_code(const struct test_insn *insn)
{
	uint8_t back_64[14] = {0xff, 0x25};
	uint8_t back_32[7] = {0xea};
	uint64_t address = (uint64_t)native_return;
	uint32_t far = CODE_LINEAR + 0x800;
	uint16_t selector = 0x33;

	memcpy(back_64 + 6, &address, 8);
	memcpy(back_32 + 1, &far, 4);
	memcpy(back_32 + 5, &selector, 2);
	memcpy(native_code, insn->bytes, insn->length);
	if (insn->is_32)
		memcpy(native_code + insn->length, back_32, sizeof back_32);
	else
		memcpy(native_code + insn->length, back_64, sizeof back_64);
	memcpy(native_code + 0x800, back_64, sizeof back_64);
	native_frame.is_32 = insn->is_32;
	native_frame.code = insn->is_32 ? (uint64_t)native_enter_32 : CODE_LINEAR;
	native_frame.far_offset = CODE_LINEAR;
	native_frame.far_selector = COMPATIBILITY_SEGMENT;
}

/* The compatibility segment runs in long mode's paging: the same tables, another code segment. */
static void load_machine(const struct test_insn *insn)
{
	machine_enter_long(&machine);
	if (insn->is_32)
		machine.regs.segment[EMULATE_CS].attributes = 0xc09b;
	memcpy(machine.regs.gpr, native_frame.gpr, sizeof machine.regs.gpr);
	machine.regs.rflags = native_frame.flags;
	machine.regs.rip = CODE_LINEAR;
	memcpy(machine.vector, native_frame.ymm, sizeof machine.vector);
	memcpy(machine.device, native_data, DATA_SIZE);
	machine_put(&machine, CODE_GPA, insn->bytes, EMULATE_MAX_LENGTH);
}

static const char *describe(const struct pattern *p, const struct test_insn *insn)
{
	static char text[128];
	int n = snprintf(text, sizeof text, "%s, %d bits:", p->name, insn->is_32 ? 32 : 64);

	for (unsigned i = 0; i < insn->length; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, " %02x", insn->bytes[i]);
	return text;
}

/* A check that costs nothing where it holds. */
#define REQUIRE(condition, ...)                    \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

static void compare(const struct pattern *p, const struct test_insn *insn)
{
	for (int i = 0; i < 16; i++)
		REQUIRE(machine.regs.gpr[i] == native_frame.gpr[i],
			"%s: register %d is %lx, must be %lx", describe(p, insn), i,
			machine.regs.gpr[i], native_frame.gpr[i]);
	REQUIRE(!((machine.regs.rflags ^ native_frame.flags) & (p->flags | FLAG_DF)),
		"%s: flags %lx, must be %lx", describe(p, insn), machine.regs.rflags,
		native_frame.flags);
	REQUIRE(!memcmp(machine.device, native_data, DATA_SIZE), "%s: memory differs",
		describe(p, insn));
	REQUIRE(!memcmp(machine.vector, native_frame.ymm, sizeof machine.vector),
		"%s: vector registers differ", describe(p, insn));
	REQUIRE(machine.regs.rip == CODE_LINEAR + insn->length, "%s: rip", describe(p, insn));
}

static void run_pattern(const struct pattern *p, bool is_32)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct test_insn insn;
		int r;

		make_insn(&insn, p, is_32);
		place_code(&insn);
		load_machine(&insn);
		r = machine_step(&machine);
		REQUIRE(r == EMULATE_DONE, "%s: result %d", describe(p, &insn), r);
		native_run();
		compare(p, &insn);
	}
}

static void *map_at(uint64_t address, size_t size, int protection)
{
	void *p = mmap((void *)address, size, protection,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ck_assert_ptr_eq(p, (void *)address);
	return p;
}

static void setup(void)
{
	seed = 0x9e3779b97f4a7c15;
	machine_init(&machine);
	native_data = map_at(DATA_LINEAR, DATA_SIZE, PROT_READ | PROT_WRITE);
	native_code = map_at(CODE_LINEAR, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC);
	for (uint64_t i = 0; i < DATA_SIZE; i += 0x1000)
		machine_map_page(&machine, DATA_LINEAR + i, DEVICE_GPA + i, 7);
	machine_map_page(&machine, CODE_LINEAR, CODE_GPA, 7);
}

static void teardown(void)
{
	munmap(native_data, DATA_SIZE);
	munmap(native_code, 0x1000);
	machine_fini(&machine);
}

START_TEST(test_long_mode)
{
	run_pattern(&patterns[_i], false);
}
END_TEST

START_TEST(test_compatibility_mode)
{
	if (!(patterns[_i].limits & NO_32BIT_MODE))
		run_pattern(&patterns[_i], true);
}
END_TEST

/* Some hosts that are machines themselves run 64-bit user code only. */
static bool has_compatibility_segment(void)
{
	uint32_t rights;
	bool there;

	__asm__("lar %2, %0" : "=r"(rights), "=@ccz"(there) : "r"(COMPATIBILITY_SEGMENT) : "cc");
	return there;
}

static int run(bool is_32)
{
	Suite *suite = suite_create("emulate_native");
	TCase *tc = tcase_create("native");
	SRunner *runner = srunner_create(suite);
	int count = sizeof patterns / sizeof patterns[0];
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	if (is_32)
		tcase_add_loop_test(tc, test_compatibility_mode, 0, count);
	else
		tcase_add_loop_test(tc, test_long_mode, 0, count);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

/* Without an argument 64-bit mode, with one 32-bit mode. */
int main(int argc, char **argv)
{
	bool is_32 = argc > 1;

	if (is_32 && !has_compatibility_segment()) {
		printf("skipped: this machine runs 64-bit user code only\n");
		return 77;
	}
	return run(is_32);
}
