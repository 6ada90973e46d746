/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the native comparison cannot show: 16-bit and real mode, segments, faults and that nothing
 * happened before them, accesses as the device sees them, string I/O, long repetitions, and what is
 * refused.
 */
#include "emulate_machine.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#define CODE 0x1000ull
#define DATA 0x8000ull

static struct machine m;

static void setup(void)
{
	machine_init(&m);
	machine_enter_long(&m);
	machine_map_page(&m, CODE, CODE, 7);
	machine_map_page(&m, DATA, DATA, 7);
	machine_map_page(&m, DEVICE_GPA, DEVICE_GPA, 7);
	m.regs.rip = CODE;
}

static void teardown(void)
{
	machine_fini(&m);
}

#define STEP(...)                                                                    \
	({                                                                           \
		static const uint8_t code_[] = {__VA_ARGS__};                        \
		machine_put(&m, m.regs.rip + m.regs.segment[EMULATE_CS].base, code_, \
			    sizeof code_);                                           \
		machine_step(&m);                                                    \
	})

static void device_put(uint64_t offset, uint64_t value, unsigned size)
{
	memcpy(m.device + offset, &value, size);
}

static void assert_access(unsigned index, char kind, unsigned size, uint64_t address,
			  uint64_t value)
{
	ck_assert_uint_lt(index, m.accesses);
	ck_assert_int_eq(m.log[index].kind, kind);
	ck_assert_uint_eq(m.log[index].size, size);
	ck_assert_uint_eq(m.log[index].address, address);
	ck_assert_uint_eq(m.log[index].value, value);
}

static void assert_exception(int r, unsigned vector, uint32_t error)
{
	ck_assert_int_eq(r, EMULATE_EXCEPTION);
	ck_assert_uint_eq(m.exception.vector, vector);
	ck_assert_uint_eq(m.exception.error_code, error);
}

/* One instruction from the table, in its mode; RBX/BX holds the address of the device register. */
struct row {
	const char *name;
	char mode; /* 'r' real, 'p' protected 32-bit, 'l' long */
	uint8_t length;
	uint8_t bytes[12];
	uint64_t rax, rcx; /* before */
	uint64_t memory;   /* 8 bytes of the register, before */
	uint64_t rax_after, rcx_after, memory_after;
	uint64_t flags_after; /* arithmetic flags */
};

/* clang-format off */
static const struct row rows[] = {
	/* Real mode: ES:BX with ES based at the device. */
	{"mov es:[bx],ax", 'r', 3, {0x26, 0x89, 0x07}, 0x12345678, 0, ~0ull,
	 0x12345678, 0, 0xffffffffffff5678, 0},
	{"mov ax,es:[bx]", 'r', 3, {0x26, 0x8b, 0x07}, 0x1111111111111111, 0, 0xabcd,
	 0x111111111111abcd, 0, 0xabcd, 0},
	{"mov es:[bx],eax", 'r', 4, {0x26, 0x66, 0x89, 0x07}, 0x12345678, 0, ~0ull,
	 0x12345678, 0, 0xffffffff12345678, 0},
	{"mov es:[ebx],al", 'r', 4, {0x26, 0x67, 0x88, 0x03}, 0x99, 0, 0, 0x99, 0, 0x99, 0},
	{"add word es:[bx],1", 'r', 4, {0x26, 0x83, 0x07, 0x01}, 0, 0, 0x1ffff, 0, 0, 0x10000, 0x55},
	{"xchg es:[bx],ch", 'r', 3, {0x26, 0x86, 0x2f}, 0, 0x4200, 0x77, 0, 0x7700, 0x42, 0},
	{"mov es:[0x10+bx-0x10],cx", 'r', 4, {0x26, 0x89, 0x4f, 0x00}, 0, 0xbeef, 0,
	 0, 0xbeef, 0xbeef, 0},
	/* 32-bit protected mode, flat. */
	{"mov [ebx],eax", 'p', 2, {0x89, 0x03}, 0x12345678, 0, ~0ull,
	 0x12345678, 0, 0xffffffff12345678, 0},
	{"mov [ebx],ax", 'p', 3, {0x66, 0x89, 0x03}, 0x12345678, 0, 0, 0x12345678, 0, 0x5678, 0},
	{"movzx eax,word [ebx]", 'p', 3, {0x0f, 0xb7, 0x03}, ~0u, 0, 0x18001, 0x8001, 0, 0x18001, 0},
	{"movsx eax,word [ebx]", 'p', 3, {0x0f, 0xbf, 0x03}, 0, 0, 0x18001, 0xffff8001, 0, 0x18001, 0},
	{"lock or dword [ebx],imm8", 'p', 4, {0xf0, 0x83, 0x0b, 0x80}, 0, 0, 1,
	 0, 0, 0xffffff81, 0x84},
	{"dec dword [ebx]", 'p', 2, {0xff, 0x0b}, 0, 0, 0, 0, 0, 0xffffffff, 0x94},
	{"cmpxchg [ebx],ecx, equal", 'p', 3, {0x0f, 0xb1, 0x0b}, 5, 9, 5, 5, 9, 9, 0x44},
	{"cmpxchg [ebx],ecx, other", 'p', 3, {0x0f, 0xb1, 0x0b}, 5, 9, 6, 6, 9, 6, 0x95},
	{"bts dword [ebx],31", 'p', 4, {0x0f, 0xba, 0x2b, 0x1f}, 0, 0, 0, 0, 0, 0x80000000, 0},
	{"mov [ebx],ds", 'p', 2, {0x8c, 0x1b}, 0, 0, ~0ull, 0, 0, 0xffffffffffff0008, 0},
	/* 64-bit mode. */
	{"mov [rbx],rax", 'l', 3, {0x48, 0x89, 0x03}, 0x1122334455667788, 0, 0,
	 0x1122334455667788, 0, 0x1122334455667788, 0},
	{"mov eax,[rbx]", 'l', 2, {0x8b, 0x03}, ~0ull, 0, ~0ull, 0xffffffff, 0, ~0ull, 0},
	{"mov qword [rbx],-2", 'l', 7, {0x48, 0xc7, 0x03, 0xfe, 0xff, 0xff, 0xff}, 0, 0, 0,
	 0, 0, 0xfffffffffffffffe, 0},
	{"sub al,[rbx]", 'l', 2, {0x2a, 0x03}, 0x80, 0, 1, 0x7f, 0, 1, 0x810},
	{"test dword [rbx],imm", 'l', 6, {0xf7, 0x03, 0, 0, 0, 0x80}, 0, 0, 0x80000000,
	 0, 0, 0x80000000, 0x84},
	{"neg qword [rbx]", 'l', 3, {0x48, 0xf7, 0x1b}, 0, 0, 1, 0, 0, ~0ull, 0x95},
	{"lock xadd [rbx],ecx", 'l', 4, {0xf0, 0x0f, 0xc1, 0x0b}, 0, 1, 0xffffffff,
	 0, 0xffffffff, 0, 0x55},
	{"movbe eax,[rbx]", 'l', 4, {0x0f, 0x38, 0xf0, 0x03}, 0, 0, 0x11223344,
	 0x44332211, 0, 0x11223344, 0},
};
/* clang-format on */

static void enter_row(const struct row *row)
{
	if (row->mode == 'r')
		machine_enter_real(&m);
	if (row->mode == 'p')
		machine_enter_protected(&m);
	m.regs.gpr[EMULATE_RBX] = row->mode == 'r' ? 0x20 : DEVICE_GPA + 0x20;
	m.regs.gpr[EMULATE_RAX] = row->rax;
	m.regs.gpr[EMULATE_RCX] = row->rcx;
	m.regs.segment[EMULATE_ES].base = row->mode == 'r' ? DEVICE_GPA : 0;
	m.regs.rip = CODE;
	device_put(0x20, row->memory, 8);
	machine_put(&m, CODE, row->bytes, row->length);
}

START_TEST(test_table)
{
	const struct row *row = &rows[_i];
	uint64_t memory;

	enter_row(row);
	ck_assert_msg(machine_step(&m) == EMULATE_DONE, "%s", row->name);
	memcpy(&memory, m.device + 0x20, 8);
	ck_assert_msg(m.regs.gpr[EMULATE_RAX] == row->rax_after, "%s: rax %lx", row->name,
		      m.regs.gpr[EMULATE_RAX]);
	ck_assert_msg(m.regs.gpr[EMULATE_RCX] == row->rcx_after, "%s: rcx %lx", row->name,
		      m.regs.gpr[EMULATE_RCX]);
	ck_assert_msg(memory == row->memory_after, "%s: memory %lx", row->name, memory);
	ck_assert_msg((m.regs.rflags & 0x8d5) == row->flags_after, "%s: flags %lx", row->name,
		      m.regs.rflags);
	ck_assert_uint_eq(m.regs.rip, CODE + row->length);
}
END_TEST

/* --- what the device sees --- */

START_TEST(test_one_access_of_the_operand_size)
{
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA + 4;
	m.regs.gpr[EMULATE_RAX] = 0x1122334455667788;
	ck_assert_int_eq(STEP(0x48, 0x89, 0x03), EMULATE_DONE);
	ck_assert_uint_eq(m.accesses, 1);
	assert_access(0, 'w', 8, DEVICE_GPA + 4, 0x1122334455667788);
}
END_TEST

START_TEST(test_read_modify_write_is_one_read_one_write)
{
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	device_put(0, 0xf0, 4);
	ck_assert_int_eq(STEP(0x83, 0x0b, 0x0f), EMULATE_DONE); /* or dword [rbx], 15 */
	ck_assert_uint_eq(m.accesses, 2);
	assert_access(0, 'r', 4, DEVICE_GPA, 0xf0);
	assert_access(1, 'w', 4, DEVICE_GPA, 0xff);
}
END_TEST

START_TEST(test_compare_does_not_write)
{
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	ck_assert_int_eq(STEP(0x3b, 0x03), EMULATE_DONE);
	ck_assert_int_eq(STEP(0x39, 0x03), EMULATE_DONE);
	ck_assert_int_eq(STEP(0x0f, 0xba, 0x23, 0x01), EMULATE_DONE); /* bt */
	ck_assert_uint_eq(m.accesses, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(m.log[i].kind, 'r');
}
END_TEST

START_TEST(test_vector_store_in_eights)
{
	memset(m.vector[3], 0x5a, 16);
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	ck_assert_int_eq(STEP(0x0f, 0x11, 0x1b), EMULATE_DONE);
	ck_assert_uint_eq(m.accesses, 2);
	assert_access(0, 'w', 8, DEVICE_GPA, 0x5a5a5a5a5a5a5a5a);
	assert_access(1, 'w', 8, DEVICE_GPA + 8, 0x5a5a5a5a5a5a5a5a);
}
END_TEST

START_TEST(test_access_across_pages_reaches_both)
{
	machine_map_page(&m, DEVICE_GPA + 0x1000, DEVICE_GPA + 0x5000, 7);
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA + 0xffd;
	m.regs.gpr[EMULATE_RAX] = 0x44332211;
	ck_assert_int_eq(STEP(0x89, 0x03), EMULATE_DONE);
	ck_assert_uint_eq(m.accesses, 3);
	assert_access(0, 'w', 2, DEVICE_GPA + 0xffd, 0x2211);
	assert_access(1, 'w', 1, DEVICE_GPA + 0xfff, 0x33);
	assert_access(2, 'w', 1, DEVICE_GPA + 0x5000, 0x44);
}
END_TEST

START_TEST(test_device_error_reaches_the_caller)
{
	struct emulate_regs before;

	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	before = m.regs;
	m.fail = -EIO;
	ck_assert_int_eq(STEP(0x8b, 0x03), -EIO);
	ck_assert_int_eq(STEP(0x89, 0x03), -EIO);
	ck_assert_int_eq(STEP(0xf3, 0xab), EMULATE_DONE); /* rcx is 0: touches nothing */
	m.regs.rip = CODE;
	ck_assert_int_eq(memcmp(&before, &m.regs, sizeof before), 0);
}
END_TEST

/* --- faults, and nothing before them --- */

START_TEST(test_second_page_faults_before_any_access)
{
	struct emulate_regs before;

	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA + 0xffe;
	before = m.regs;
	assert_exception(STEP(0x89, 0x03), 14, 2);
	ck_assert_uint_eq(m.exception.cr2, DEVICE_GPA + 0x1000);
	ck_assert_uint_eq(m.accesses, 0);
	ck_assert_int_eq(memcmp(&before, &m.regs, sizeof before), 0);
}
END_TEST

START_TEST(test_movs_destination_faults_before_source_is_read)
{
	m.regs.gpr[EMULATE_RSI] = DEVICE_GPA;
	m.regs.gpr[EMULATE_RDI] = 0x700000;
	assert_exception(STEP(0xa5), 14, 2);
	ck_assert_uint_eq(m.exception.cr2, 0x700000);
	ck_assert_uint_eq(m.accesses, 0);
}
END_TEST

START_TEST(test_ins_destination_faults_before_the_port_is_read)
{
	m.regs.gpr[EMULATE_RDX] = 0x1f0;
	m.regs.gpr[EMULATE_RDI] = 0x700000;
	assert_exception(STEP(0x6d), 14, 2);
	ck_assert_uint_eq(m.accesses, 0);
}
END_TEST

START_TEST(test_read_modify_write_needs_the_right_to_write)
{
	machine_map_page(&m, DEVICE_GPA + 0x2000, DEVICE_GPA + 0x2000, 5);
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA + 0x2000;
	assert_exception(STEP(0x83, 0x0b, 0x0f), 14, 3);
	ck_assert_uint_eq(m.accesses, 0);
}
END_TEST

START_TEST(test_rep_fault_keeps_the_progress)
{
	m.regs.gpr[EMULATE_RSI] = DEVICE_GPA;
	m.regs.gpr[EMULATE_RDI] = DATA + 0xff8;
	m.regs.gpr[EMULATE_RCX] = 5;
	assert_exception(STEP(0xf3, 0xa5), 14, 2);
	ck_assert_uint_eq(m.exception.cr2, DATA + 0x1000);
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RCX], 3);
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RSI], DEVICE_GPA + 8);
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RDI], DATA + 0x1000);
	ck_assert_uint_eq(m.regs.rip, CODE);
	ck_assert_uint_eq(m.accesses, 2);
}
END_TEST

START_TEST(test_non_canonical)
{
	m.regs.gpr[EMULATE_RBX] = 0x800000000000;
	assert_exception(STEP(0x89, 0x03), 13, 0);
	m.regs.gpr[EMULATE_RBP] = 0x7fffffffffff;
	assert_exception(STEP(0x89, 0x45, 0x00), 12, 0);
}
END_TEST

START_TEST(test_misaligned_movaps)
{
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA + 8;
	assert_exception(STEP(0x0f, 0x29, 0x03), 13, 0);
	ck_assert_uint_eq(m.accesses, 0);
}
END_TEST

START_TEST(test_vector_unit_off)
{
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	m.regs.cr0 |= 8;
	assert_exception(STEP(0x0f, 0x11, 0x03), 7, 0);
	m.regs.cr0 |= 4;
	assert_exception(STEP(0x0f, 0x11, 0x03), 6, 0);
}
END_TEST

START_TEST(test_user_code_cannot_reach_supervisor_page)
{
	machine_map_page(&m, DEVICE_GPA + 0x2000, DEVICE_GPA + 0x2000, 3);
	m.regs.segment[EMULATE_SS].attributes |= SEGMENT_DPL;
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA + 0x2000;
	assert_exception(STEP(0x8b, 0x03), 14, 5);
}
END_TEST

/* --- segments --- */

START_TEST(test_limit)
{
	machine_enter_protected(&m);
	m.regs.segment[EMULATE_DS].limit = 0xffff;
	m.regs.segment[EMULATE_DS].base = DEVICE_GPA;
	m.regs.gpr[EMULATE_RBX] = 0xfffc;
	ck_assert_int_eq(STEP(0x8b, 0x03), EMULATE_DONE);
	m.regs.gpr[EMULATE_RBX] = 0xfffd;
	assert_exception(STEP(0x8b, 0x03), 13, 0);
}
END_TEST

START_TEST(test_expand_down)
{
	machine_enter_protected(&m);
	m.regs.segment[EMULATE_SS] = (struct emulate_segment){
		.base = DEVICE_GPA, .limit = 0xfff, .selector = 16, .attributes = 0x4097};
	m.regs.gpr[EMULATE_RBP] = 0x1000;
	ck_assert_int_eq(STEP(0x8b, 0x45, 0x00), EMULATE_DONE);
	m.regs.gpr[EMULATE_RBP] = 0xfff;
	assert_exception(STEP(0x8b, 0x45, 0x00), 12, 0);
}
END_TEST

START_TEST(test_rights_of_the_segment)
{
	machine_enter_protected(&m);
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	m.regs.segment[EMULATE_DS].attributes = 0xc091; /* read only */
	ck_assert_int_eq(STEP(0x8b, 0x03), EMULATE_DONE);
	assert_exception(STEP(0x89, 0x03), 13, 0);
	m.regs.segment[EMULATE_DS].attributes = 0xc099; /* execute only */
	assert_exception(STEP(0x8b, 0x03), 13, 0);
	m.regs.segment[EMULATE_DS].attributes = 0; /* null */
	assert_exception(STEP(0x8b, 0x03), 13, 0);
	ck_assert_uint_eq(m.accesses, 1);
}
END_TEST

START_TEST(test_fs_base_counts_in_long_mode_ds_base_does_not)
{
	m.regs.segment[EMULATE_DS].base = 0x1234;
	m.regs.segment[EMULATE_FS].base = DEVICE_GPA;
	m.regs.gpr[EMULATE_RBX] = 0x10;
	ck_assert_int_eq(STEP(0x64, 0x8a, 0x03), EMULATE_DONE);
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	ck_assert_int_eq(STEP(0x8a, 0x03), EMULATE_DONE);
	assert_access(0, 'r', 1, DEVICE_GPA + 0x10, 0);
	assert_access(1, 'r', 1, DEVICE_GPA, 0);
}
END_TEST

START_TEST(test_real_mode_offset_wraps_at_64k)
{
	machine_enter_real(&m);
	m.regs.segment[EMULATE_DS].base = DEVICE_GPA;
	m.regs.gpr[EMULATE_RBX] = 0xfff0;
	m.regs.gpr[EMULATE_RSI] = 0x20;
	ck_assert_int_eq(STEP(0x8a, 0x00), EMULATE_DONE); /* mov al,[bx+si] */
	assert_access(0, 'r', 1, DEVICE_GPA + 0x10, 0);
	m.regs.gpr[EMULATE_RBX] = 0xffff;
	assert_exception(STEP(0x8b, 0x07), 13, 0); /* a word at 0xffff */
}
END_TEST

START_TEST(test_stack_of_16_bits)
{
	machine_enter_real(&m);
	m.regs.segment[EMULATE_DS].base = DEVICE_GPA;
	m.regs.segment[EMULATE_SS].base = 0x20000;
	m.regs.gpr[EMULATE_RSP] = 0xaaaa0000;
	device_put(0x10, 0xbeef, 2);
	m.regs.gpr[EMULATE_RBX] = 0x10;
	ck_assert_int_eq(STEP(0xff, 0x37), EMULATE_DONE); /* push word [bx]: SP wraps */
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RSP], 0xaaaafffe);
	ck_assert_int_eq(memcmp(m.ram + 0x2fffe, "\xef\xbe", 2), 0);
	m.regs.gpr[EMULATE_RBX] = 0x20;
	ck_assert_int_eq(STEP(0x8f, 0x07), EMULATE_DONE); /* pop word [bx] */
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RSP], 0xaaaa0000);
	ck_assert_int_eq(memcmp(m.device + 0x20, "\xef\xbe", 2), 0);
}
END_TEST

/* --- string I/O and repetition --- */

START_TEST(test_rep_insw)
{
	m.port_value = 0x1000;
	m.regs.gpr[EMULATE_RDX] = 0x1f0;
	m.regs.gpr[EMULATE_RDI] = DATA;
	m.regs.gpr[EMULATE_RCX] = 3;
	ck_assert_int_eq(STEP(0xf3, 0x66, 0x6d), EMULATE_DONE);
	ck_assert_int_eq(memcmp(m.ram + DATA, "\x00\x10\x01\x10\x02\x10\x00", 7), 0);
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RDI], DATA + 6);
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RCX], 0);
	assert_access(2, 'i', 2, 0x1f0, 0x1002);
}
END_TEST

START_TEST(test_rep_outsb_backwards)
{
	machine_put(&m, DATA, "abc", 3);
	m.regs.gpr[EMULATE_RDX] = 0x402;
	m.regs.gpr[EMULATE_RSI] = DATA + 2;
	m.regs.gpr[EMULATE_RCX] = 3;
	m.regs.rflags |= 0x400;
	ck_assert_int_eq(STEP(0xf3, 0x6e), EMULATE_DONE);
	assert_access(0, 'o', 1, 0x402, 'c');
	assert_access(2, 'o', 1, 0x402, 'a');
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RSI], DATA - 1);
}
END_TEST

START_TEST(test_real_mode_string_wraps)
{
	machine_enter_real(&m);
	m.regs.segment[EMULATE_ES].base = 0x20000;
	m.regs.gpr[EMULATE_RDI] = 0x1fffe;
	m.regs.gpr[EMULATE_RCX] = 0x10002; /* CX is 2 */
	m.regs.gpr[EMULATE_RAX] = 0x4241;
	ck_assert_int_eq(STEP(0xf3, 0xab), EMULATE_DONE);
	ck_assert_int_eq(memcmp(m.ram + 0x20000, "AB", 2), 0);
	ck_assert_int_eq(memcmp(m.ram + 0x2fffe, "AB", 2), 0);
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RDI], 0x10002);
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RCX], 0x10000);
}
END_TEST

START_TEST(test_long_repetition_lets_the_guest_breathe)
{
	int again = 0;
	int r;

	m.regs.gpr[EMULATE_RDI] = DEVICE_GPA;
	m.regs.gpr[EMULATE_RCX] = 4096;
	m.regs.gpr[EMULATE_RAX] = 0x77;
	while ((r = STEP(0xf3, 0xaa)) == EMULATE_AGAIN) {
		ck_assert_uint_eq(m.regs.rip, CODE);
		ck_assert_int_lt(++again, 100);
	}
	ck_assert_int_eq(r, EMULATE_DONE);
	ck_assert_int_gt(again, 0);
	ck_assert_uint_eq(m.accesses, 4096);
	ck_assert_uint_eq(m.device[4095], 0x77);
}
END_TEST

START_TEST(test_source_segment_override)
{
	m.regs.segment[EMULATE_GS].base = DEVICE_GPA;
	m.regs.gpr[EMULATE_RSI] = 8;
	device_put(8, 0x5c, 1);
	ck_assert_int_eq(STEP(0x65, 0xac), EMULATE_DONE);
	ck_assert_uint_eq(m.regs.gpr[EMULATE_RAX], 0x5c);
}
END_TEST

/* --- fetching --- */

START_TEST(test_instruction_across_pages)
{
	machine_map_page(&m, CODE + 0x1000, 0x20000, 7);
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	m.regs.rip = CODE + 0xfff;
	m.ram[CODE + 0xfff] = 0x8a;
	m.ram[0x20000] = 0x03;
	ck_assert_int_eq(machine_step(&m), EMULATE_DONE);
	ck_assert_uint_eq(m.regs.rip, CODE + 0x1001);
}
END_TEST

START_TEST(test_fetch_fault_on_the_second_page_only_if_needed)
{
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	m.regs.rip = CODE + 0xffe;
	ck_assert_int_eq(STEP(0x8a, 0x03), EMULATE_DONE);
	m.regs.rip = CODE + 0xffe;
	assert_exception(STEP(0x8a, 0x43), 14, 0x10);
	ck_assert_uint_eq(m.exception.cr2, CODE + 0x1000);
}
END_TEST

START_TEST(test_given_bytes_are_used)
{
	static const uint8_t bytes[] = {0x8a, 0x03};
	static const struct emulate_stop stop = {.bytes = bytes, .length = 2};

	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	m.regs.rip = 0x600000; /* not mapped */
	ck_assert_int_eq(emulate_instruction(&m.regs, &machine_ops, &m, &stop, &m.exception),
			 EMULATE_DONE);
	ck_assert_uint_eq(m.regs.rip, 0x600002);
}
END_TEST

/* mov (%rbx), %al; another instruction. RBX is mapped nowhere: the processor knew where it is. */
START_TEST(test_given_address_is_used)
{
	static const uint8_t bytes[] = {0x8a, 0x03, 0x90, 0x90};
	struct emulate_stop stop = {bytes, sizeof bytes, true, false, DEVICE_GPA + 5};

	m.device[5] = 0x5a;
	for (int i = 0; i < 2; i++) {
		m.regs.gpr[EMULATE_RAX] = 0;
		m.regs.gpr[EMULATE_RBX] = 0x600005;
		ck_assert_int_eq(
			emulate_instruction(&m.regs, &machine_ops, &m, &stop, &m.exception),
			EMULATE_DONE);
		ck_assert_uint_eq(m.regs.gpr[EMULATE_RAX], 0x5a);
	}
	/* Neither for another address nor for another kind of access. */
	m.regs.gpr[EMULATE_RBX] = 0x600006;
	assert_exception(emulate_instruction(&m.regs, &machine_ops, &m, &stop, &m.exception), 14,
			 0);
	m.regs.gpr[EMULATE_RBX] = 0x600005;
	stop.write = true;
	assert_exception(emulate_instruction(&m.regs, &machine_ops, &m, &stop, &m.exception), 14,
			 0);
}
END_TEST

/* Bytes that begin alike, and the same bytes in another mode. */
START_TEST(test_what_was_decoded_before)
{
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(STEP(0xc7, 0x43, 0x04, 0x11, 0x22, 0x33, 0x44), EMULATE_DONE);
		ck_assert_uint_eq(m.device[4], 0x11);
		ck_assert_uint_eq(m.device[7], 0x44);
		ck_assert_int_eq(STEP(0xc7, 0x43, 0x04, 0x11, 0x55, 0x66, 0x77), EMULATE_DONE);
		ck_assert_uint_eq(m.device[5], 0x55);
		ck_assert_uint_eq(m.device[7], 0x77);
	}
	machine_enter_protected(&m);
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	m.device[6] = 0;
	ck_assert_int_eq(STEP(0x66, 0xc7, 0x43, 0x04, 0x11, 0x22, 0x33), EMULATE_DONE);
	ck_assert_uint_eq(m.device[6], 0);
}
END_TEST

START_TEST(test_refused)
{
	struct emulate_regs before;

	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	before = m.regs;
	assert_exception(STEP(0xf0, 0x8b, 0x03), 6, 0);              /* lock mov */
	assert_exception(STEP(0x0f, 0x04), 6, 0);                    /* no instruction */
	ck_assert_int_eq(STEP(0xd8, 0x03), -EOPNOTSUPP);             /* fadd dword [rbx] */
	ck_assert_int_eq(STEP(0x0f, 0x6f, 0x03), -EOPNOTSUPP);       /* movq mm0,[rbx] */
	ck_assert_int_eq(STEP(0x8e, 0x03), -EOPNOTSUPP);             /* mov es,[rbx] */
	ck_assert_int_eq(STEP(0x0f, 0xa1), -EOPNOTSUPP);             /* pop fs */
	ck_assert_int_eq(STEP(0xc5, 0xfc, 0x58, 0x03), -EOPNOTSUPP); /* vaddps */
	ck_assert_int_eq(memcmp(&before, &m.regs, sizeof before), 0);
	ck_assert_uint_eq(m.accesses, 0);
}
END_TEST

START_TEST(test_rf_is_cleared)
{
	m.regs.gpr[EMULATE_RBX] = DEVICE_GPA;
	m.regs.rflags |= 1 << 16;
	ck_assert_int_eq(STEP(0x8a, 0x03), EMULATE_DONE);
	ck_assert_uint_eq(m.regs.rflags, 2);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_table, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(tc, test_one_access_of_the_operand_size);
	tcase_add_test(tc, test_read_modify_write_is_one_read_one_write);
	tcase_add_test(tc, test_compare_does_not_write);
	tcase_add_test(tc, test_vector_store_in_eights);
	tcase_add_test(tc, test_access_across_pages_reaches_both);
	tcase_add_test(tc, test_device_error_reaches_the_caller);
	tcase_add_test(tc, test_second_page_faults_before_any_access);
	tcase_add_test(tc, test_movs_destination_faults_before_source_is_read);
	tcase_add_test(tc, test_ins_destination_faults_before_the_port_is_read);
	tcase_add_test(tc, test_read_modify_write_needs_the_right_to_write);
	tcase_add_test(tc, test_rep_fault_keeps_the_progress);
	tcase_add_test(tc, test_non_canonical);
	tcase_add_test(tc, test_misaligned_movaps);
	tcase_add_test(tc, test_vector_unit_off);
	tcase_add_test(tc, test_user_code_cannot_reach_supervisor_page);
	tcase_add_test(tc, test_limit);
	tcase_add_test(tc, test_expand_down);
	tcase_add_test(tc, test_rights_of_the_segment);
	tcase_add_test(tc, test_fs_base_counts_in_long_mode_ds_base_does_not);
	tcase_add_test(tc, test_real_mode_offset_wraps_at_64k);
	tcase_add_test(tc, test_stack_of_16_bits);
	tcase_add_test(tc, test_rep_insw);
	tcase_add_test(tc, test_rep_outsb_backwards);
	tcase_add_test(tc, test_real_mode_string_wraps);
	tcase_add_test(tc, test_long_repetition_lets_the_guest_breathe);
	tcase_add_test(tc, test_source_segment_override);
	tcase_add_test(tc, test_instruction_across_pages);
	tcase_add_test(tc, test_fetch_fault_on_the_second_page_only_if_needed);
	tcase_add_test(tc, test_given_bytes_are_used);
	tcase_add_test(tc, test_given_address_is_used);
	tcase_add_test(tc, test_what_was_decoded_before);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_rf_is_cleared);
}

int main(void)
{
	Suite *suite = suite_create("emulate");
	TCase *tc = tcase_create("emulate");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	add_tests(tc);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
