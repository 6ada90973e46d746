// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hypervisor's memory, touched in every way: reads give ones, writes are lost, code is #UD,
 * and everything goes on as if nothing had been.
 */
#include "apic.h"
#include "boot.h"
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "hv/hypercall.h"
#include "hv/partition.h"

#define ROUNDS   200u
#define E820_RAM 1

static struct hv_range own[HV_MAX_RANGES];
static u32 own_count;

/* Reads `n` bytes at p into out; n is in the table. */
typedef void reader(const u8 *p, u8 *out);

#define READER(name, code, ...)                                                  \
	static void name(const u8 *p, u8 *out)                                   \
	{                                                                        \
		__asm__ volatile(code                                            \
				 : "+S"(p), "+D"(out)                            \
				 :                                               \
				 : "rax", "rcx", "memory", "cc", ##__VA_ARGS__); \
	}

READER(read_mov8, "movb (%%rsi), %%al; movb %%al, (%%rdi)")
READER(read_mov16, "movw (%%rsi), %%ax; movw %%ax, (%%rdi)")
READER(read_mov32, "movl (%%rsi), %%eax; movl %%eax, (%%rdi)")
READER(read_mov64, "movq (%%rsi), %%rax; movq %%rax, (%%rdi)")
READER(read_movzx, "movzwl (%%rsi), %%eax; movw %%ax, (%%rdi)")
READER(read_movsx, "movsbq (%%rsi), %%rax; movq %%rax, (%%rdi)")
READER(read_lods, "lodsl; movl %%eax, (%%rdi)")
READER(read_movsq, "movsq")
READER(read_rep_movsb, "mov $48, %%ecx; rep movsb")
READER(read_add, "xor %%eax, %%eax; addq (%%rsi), %%rax; movq %%rax, (%%rdi)")
READER(read_pop,
       "mov %%rsp, %%rcx; mov %%rsi, %%rsp; pop %%rax; mov %%rcx, %%rsp; mov %%rax, (%%rdi)")
READER(read_sse, "movups (%%rsi), %%xmm1; movups %%xmm1, (%%rdi)")
READER(read_avx, "vmovups (%%rsi), %%ymm1; vmovups %%ymm1, (%%rdi)")
READER(read_mmx, "movq (%%rsi), %%mm0; movq %%mm0, (%%rdi); emms")
READER(read_unaligned, "movq 3(%%rsi), %%rax; movq %%rax, (%%rdi)")

static const struct {
	const char *name;
	reader *read;
	u32 size;
} readers[] = {
	{"memory-read-mov8", read_mov8, 1},
	{"memory-read-mov16", read_mov16, 2},
	{"memory-read-mov32", read_mov32, 4},
	{"memory-read-mov64", read_mov64, 8},
	{"memory-read-movzx", read_movzx, 2},
	{"memory-read-movsx", read_movsx, 8},
	{"memory-read-lods", read_lods, 4},
	{"memory-read-movsq", read_movsq, 8},
	{"memory-read-rep-movsb", read_rep_movsb, 48},
	{"memory-read-add", read_add, 8},
	{"memory-read-pop", read_pop, 8},
	{"memory-read-sse", read_sse, 16},
	{"memory-read-avx", read_avx, 32},
	{"memory-read-mmx", read_mmx, 8},
	{"memory-read-unaligned", read_unaligned, 8},
};

static bool all_ones(const u8 *p, u32 size)
{
	for (u32 i = 0; i < size; i++)
		if (p[i] != 0xff)
			return false;
	return true;
}

static void test_reads(u64 at)
{
	u8 out[64];

	for (u32 i = 0; i < ARRAY_SIZE(readers); i++) {
		memset(out, 0, sizeof(out));
		readers[i].read((const u8 *)at, out);
		check(all_ones(out, readers[i].size), readers[i].name,
		      "at %lx: found %x %x %x %x …", at, out[0], out[1], out[2], out[3]);
	}
}

/* Writes at p; returns what the instruction read there (ones), or ones. */
typedef u64 writer(u8 *p);

#define WRITER(name, code)                                                      \
	static u64 name(u8 *p)                                                  \
	{                                                                       \
		u64 v = ~0ull;                                                  \
                                                                                \
		__asm__ volatile(code                                           \
				 : "+D"(p), "+a"(v)                             \
				 :                                              \
				 : "rcx", "rdx", "rbx", "rsi", "memory", "cc"); \
		return v;                                                       \
	}

WRITER(write_mov8, "movb $0, (%%rdi)")
WRITER(write_mov64, "movq $0x55, (%%rdi)")
WRITER(write_movnti, "xor %%ecx, %%ecx; movnti %%rcx, (%%rdi)")
WRITER(write_xchg, "xor %%eax, %%eax; xchg %%rax, (%%rdi)")
WRITER(write_xadd, "xor %%eax, %%eax; inc %%eax; lock xadd %%rax, (%%rdi)")
WRITER(write_lock_inc, "lock incq (%%rdi)")
WRITER(write_lock_btr, "lock btrq $5, (%%rdi); sbb %%rax, %%rax")
WRITER(write_cmpxchg, "mov $-1, %%rax; xor %%ecx, %%ecx; lock cmpxchg %%rcx, (%%rdi)")
WRITER(write_cmpxchg16b, "mov $-1, %%rax; mov %%rax, %%rdx; xor %%ecx, %%ecx; xor %%ebx, %%ebx\n\t"
			 "lock cmpxchg16b (%%rdi)")
WRITER(write_rep_stosb, "mov $48, %%ecx; xor %%eax, %%eax; rep stosb; dec %%rax")
WRITER(write_stosq, "xor %%eax, %%eax; stosq; dec %%rax")
WRITER(write_push, "mov %%rsp, %%rcx; lea 8(%%rdi), %%rsp; push $0; mov %%rcx, %%rsp")
WRITER(write_pushf, "mov %%rsp, %%rcx; lea 8(%%rdi), %%rsp; pushfq; mov %%rcx, %%rsp")
WRITER(write_call, "mov %%rsp, %%rcx; lea 8(%%rdi), %%rsp; call 1f; 1: mov %%rcx, %%rsp")
WRITER(write_sse, "xorps %%xmm1, %%xmm1; movups %%xmm1, (%%rdi)")
WRITER(write_avx, "vxorps %%ymm1, %%ymm1, %%ymm1; vmovups %%ymm1, (%%rdi)")
WRITER(write_fxsave, "fxsave (%%rdi)")
WRITER(write_sgdt, "sgdt (%%rdi)")
WRITER(write_smsw, "smsw (%%rdi)")

static const struct {
	const char *name;
	writer *write;
} writers[] = {
	{"memory-write-mov8", write_mov8},
	{"memory-write-mov64", write_mov64},
	{"memory-write-movnti", write_movnti},
	{"memory-write-xchg", write_xchg},
	{"memory-write-xadd", write_xadd},
	{"memory-write-lock-inc", write_lock_inc},
	{"memory-write-lock-btr", write_lock_btr},
	{"memory-write-cmpxchg", write_cmpxchg},
	{"memory-write-cmpxchg16b", write_cmpxchg16b},
	{"memory-write-rep-stosb", write_rep_stosb},
	{"memory-write-stosq", write_stosq},
	{"memory-write-push", write_push},
	{"memory-write-pushf", write_pushf},
	{"memory-write-call", write_call},
	{"memory-write-sse", write_sse},
	{"memory-write-avx", write_avx},
	{"memory-write-fxsave", write_fxsave},
	{"memory-write-sgdt", write_sgdt},
	{"memory-write-smsw", write_smsw},
};

static void test_writes(u64 at)
{
	for (u32 i = 0; i < ARRAY_SIZE(writers); i++) {
		u64 found = writers[i].write((u8 *)at);
		u8 after[64];

		memcpy(after, (const u8 *)at, sizeof(after));
		check(found == ~0ull && all_ones(after, sizeof(after)), writers[i].name,
		      "at %lx: instruction read %lx, later reads %x %x …", at, found, after[0],
		      after[1]);
	}
}

static void run_at(void *at)
{
	((void (*)(void))at)();
}

static void test_execution(u64 at)
{
	struct fault f = try_call(run_at, (void *)at);

	check(f.taken && f.vector == VECTOR_UD && f.rip == at, "memory-execute",
	      "at %lx: taken %d, vector %u, rip %lx", at, f.taken, f.vector, f.rip);
}

/* MOV RAX, imm64 whose operand lies in the hypervisor's memory, the next instruction too. */
static void test_straddling_code(u64 start)
{
	u8 *code = (u8 *)start - 2, saved[2];
	struct fault f;

	memcpy(saved, code, 2);
	code[0] = 0x48;
	code[1] = 0xb8;
	f = try_call(run_at, code);
	memcpy(code, saved, 2);
	check(f.taken && f.vector == VECTOR_UD && f.rip == start + 8 && f.rax == ~0ull,
	      "memory-straddling-code", "taken %d, vector %u, rip %lx, rax %lx", f.taken, f.vector,
	      f.rip, f.rax);
}

static void test_straddling_data(u64 start)
{
	u32 *mine = (u32 *)(start - 4), saved = *mine;
	volatile u64 *both = (volatile u64 *)mine;
	u64 v;

	*mine = 0x12345678;
	v = *both;
	check_equal("memory-straddling-read", v, 0xffffffff12345678);
	*both = 0x1111111122222222;
	v = *both;
	check_equal("memory-straddling-write", v, 0xffffffff22222222);
	*mine = saved;
}

#define FOREIGN_TABLE_ADDRESS 0x8000000000ull /* the second entry of the top table */

static void read_byte(void *at)
{
	*(volatile u8 *)at;
}

/* Entries of ones have reserved bits set (the emulator forgets the present bit in the error code). */
static void test_page_tables(u64 at)
{
	u64 *top = (u64 *)read_cr3();
	struct fault f;

	top[1] = at | 7;
	f = try_call(read_byte, (void *)FOREIGN_TABLE_ADDRESS);
	top[1] = 0;
	write_cr3(read_cr3());
	check(f.taken && f.vector == VECTOR_PF && (f.error & 8) && f.cr2 == FOREIGN_TABLE_ADDRESS,
	      "memory-page-table", "taken %d, vector %u, error %lx, cr2 %lx", f.taken, f.vector,
	      f.error, f.cr2);
}

static void load_es(void *arg)
{
	__asm__ volatile("mov %0, %%es" ::"r"(8));
}

/* Descriptors of ones: whether they load is the processor's matter, but it is decided. */
static void test_descriptor_table(u64 at)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) saved, foreign = {0xff, at};
	struct fault f;

	__asm__ volatile("sgdt %0; lgdt %1" : "=m"(saved) : "m"(foreign));
	__asm__ volatile("mov %0, %%ds" ::"r"(0));
	f = try_call(load_es, NULL);
	__asm__ volatile("lgdt %0" ::"m"(saved));
	__asm__ volatile("mov %0, %%es; mov %0, %%ds" ::"r"(SEL_DATA));
	check(!f.taken || f.vector == VECTOR_GP, "memory-descriptor-table", "vector %u", f.vector);
}

static u32 debug_traps;
static u64 debug_status;

static bool count_debug(struct trap_frame *f)
{
	debug_traps++;
	debug_status |= read_dr6();
	write_dr6(0xffff0ff0);
	return true;
}

/* A few instructions under the trap flag; returns how many traps came. */
static u32 single_step(volatile u64 *at)
{
	struct cpu *c = this_cpu();

	debug_traps = 0;
	debug_status = 0;
	c->debug = count_debug;
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t"
			 "movq (%0), %%rax; nop; movq %%rax, (%0); lock incq (%0); nop\n\t"
			 "pushfq; andl $~0x100, (%%rsp); popfq"
			 :
			 : "r"(at)
			 : "rax", "memory", "cc");
	c->debug = NULL;
	return debug_traps;
}

static void test_trap_flag(u64 at)
{
	static volatile u64 mine;
	u32 expected = single_step(&mine);
	u64 status = debug_status;
	u32 found = single_step((volatile u64 *)at);

	check(found == expected && expected > 5 && debug_status == status, "memory-trap-flag",
	      "%u traps in own memory, %u here; DR6 %lx and %lx", expected, found, status,
	      debug_status);
}

static void read_as_user(void *at)
{
	if (*(volatile u64 *)at != ~0ull)
		__asm__ volatile("ud2");
}

static void test_user(u64 at)
{
	struct fault f = try_user(read_as_user, (void *)at);

	check(f.taken && f.vector == 3, "memory-cpl3", "taken %d, vector %u", f.taken, f.vector);
}

static void test_count(u64 at)
{
	u64 before = hv_statistics(0).foreign_accesses, after;

	for (u32 i = 0; i < ROUNDS; i++)
		*(volatile u32 *)(at + i * 64);
	after = hv_statistics(0).foreign_accesses;
	check_equal("memory-counted", after - before, ROUNDS);
	check(hv_log_has("the root touches memory of the hypervisor"), "memory-logged",
	      "no line in the log");
}

/* Each processor with a value of its own: nobody may see another's, nor its own again. */
static u32 seen; /* atomic: reads that were not ones */

static void hammer(void *arg)
{
	volatile u64 *at = arg;
	u64 mine = 0x1000 + this_cpu()->index;

	for (u32 i = 0; i < ROUNDS; i++) {
		at[i % 64] = mine;
		if (__atomic_exchange_n(&at[i % 64], mine, __ATOMIC_SEQ_CST) != ~0ull)
			__atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
		if (at[i % 64] != ~0ull)
			__atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
	}
}

static void test_all_processors(u64 at)
{
	bool all;

	seen = 0;
	all = cpu_run_all(hammer, (void *)at);
	check(all && !seen, "memory-all-processors", "%u reads were not ones", seen);
}

static bool stop; /* atomic */
static u64 laps;  /* atomic */

static void hammer_until_stop(void *arg)
{
	volatile u64 *at = arg;

	irq_on();
	while (!load(stop)) {
		at[1] = 1;
		if (at[1] != ~0ull)
			__atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
		store(laps, laps + 1);
	}
}

#define VECTOR_STORM 0x61
#define STORM        300u

/* Interrupts or NMIs into a processor whose every other instruction is such a touch. */
static void storm(const char *name, u64 at, u32 command, const u64 *count)
{
	u64 before = *count;
	bool came = true;

	seen = 0;
	laps = 0;
	stop = false;
	cpu_begin(1, hammer_until_stop, (void *)at);
	for (u32 i = 0; i < STORM && came; i++) {
		u64 lap = load(laps), n = load(*count);

		apic_send(1, command);
		came = wait_until(load(*count) > n && load(laps) > lap);
	}
	store(stop, true);
	came &= cpu_wait(1);
	check(came && !seen && *count - before == STORM, name,
	      "%lu of %u came, %u reads were not ones, %lu laps", *count - before, STORM, seen,
	      laps);
}

/* INIT hits at any point of a touch; the processor must be as new. */
static void test_init(u64 at)
{
	u32 came = 0;

	stop = false;
	seen = 0;
	for (u32 i = 0; i < 40; i++) {
		u64 lap = load(laps);

		cpu_begin(1, hammer_until_stop, (void *)at);
		if (!wait_until(load(laps) > lap + i % 7))
			break;
		came += cpu_restart(1);
	}
	store(stop, true);
	check(came == 40 && !seen, "memory-init", "%u of 40 restarts, %u reads were not ones", came,
	      seen);
}

/* --- memory that becomes the hypervisor's at run time --- */

static u8 lent[3 * PAGE_SIZE] aligned_to(PAGE_SIZE); /* the page in the middle */

#define LENT (lent + PAGE_SIZE)

static bool deposit(void)
{
	static u64 input[2] aligned_to(16);

	input[0] = HV_PARTITION_ID_SELF;
	input[1] = (u64)LENT / PAGE_SIZE;
	return hypercall(HV_CALL_DEPOSIT_MEMORY | 1ull << HV_CONTROL_REPS_SHIFT, (u64)input, 0) ==
	       1ull << HV_RESULT_REPS_SHIFT;
}

static bool withdraw(void)
{
	static u64 input[2] aligned_to(16), output aligned_to(8);
	u64 result;

	input[0] = HV_PARTITION_ID_SELF;
	input[1] = 0;
	result = hypercall(HV_CALL_WITHDRAW_MEMORY | 1ull << HV_CONTROL_REPS_SHIFT, (u64)input,
			   (u64)&output);
	return result == 1ull << HV_RESULT_REPS_SHIFT && output == (u64)LENT / PAGE_SIZE;
}

/* Both operands foreign, on pages far from each other; and across both borders of the page. */
static void test_two_pages(void)
{
	volatile u64 *border = (volatile u64 *)(LENT - 4), *end = (volatile u64 *)(LENT + 4092);
	const void *from = (const void *)own[0].start;
	void *to = LENT;
	u64 count = 64, before, after;

	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
	check(all_ones(LENT, 64) && !count, "memory-two-foreign-pages", "%lu bytes left", count);
	memset(lent, 0x11, 4096);
	memset(lent + 8192, 0x22, 4096);
	before = *border;
	after = *end;
	*border = 0x3333333333333333;
	*end = 0x4444444444444444;
	check(before == 0xffffffff11111111 && after == 0x22222222ffffffff &&
		      *border == 0xffffffff33333333 && *end == 0x44444444ffffffff,
	      "memory-borders", "read %lx and %lx, then %lx and %lx", before, after, *border, *end);
}

static void test_deposit(void)
{
	memset(lent, 0x55, sizeof(lent));
	if (!check(deposit(), "memory-deposit", "refused"))
		return;
	print_line("deposited: 0x%016lx", (u64)LENT);
	test_reads((u64)LENT);
	test_reads((u64)LENT + PAGE_SIZE - 64);
	test_writes((u64)LENT + 128);
	test_execution((u64)LENT);
	test_page_tables((u64)LENT);
	test_trap_flag((u64)LENT + 256);
	test_all_processors((u64)LENT);
	test_two_pages();
	check(withdraw(), "memory-withdraw", "refused, or another page");
	memset(LENT, 0x66, PAGE_SIZE);
	check(LENT[0] == 0x66 && LENT[PAGE_SIZE - 1] == 0x66, "memory-back", "found %x and %x",
	      LENT[0], LENT[PAGE_SIZE - 1]);
}

/* The map changes while others are in the middle of a touch, of another page or of this one. */
static void test_deposit_under_load(void)
{
	u32 wrong = 0;

	seen = 0;
	laps = 0;
	stop = false;
	for (u32 i = 1; i < cpu_count; i++)
		cpu_begin(i, hammer_until_stop, (void *)own[0].start);
	for (u32 i = 0; i < 100; i++) {
		volatile u64 *p = (volatile u64 *)LENT;

		*p = i;
		wrong += *p != i;
		wrong += !deposit();
		*p = i;
		wrong += *p != ~0ull;
		wrong += !withdraw();
	}
	store(stop, true);
	for (u32 i = 1; i < cpu_count; i++)
		wrong += !cpu_wait(i);
	check(!wrong && !seen && laps, "memory-deposit-under-load",
	      "%u wrong, %u reads were not ones, %lu laps", wrong, seen, laps);
}

static void test_not_ram(void)
{
	u32 overlaps = 0;

	for (u32 i = 0; i < boot.range_count; i++)
		for (u32 k = 0; k < own_count; k++)
			overlaps += boot.range[i].type == E820_RAM &&
				    boot.range[i].start < own[k].end &&
				    own[k].start < boot.range[i].start + boot.range[i].size;
	check_equal("memory-not-ram-in-e820", overlaps, 0);
}

void test_memory(void)
{
	own_count = hv_memory(own);
	test_not_ram();
	for (u32 i = 0; i < own_count; i++) {
		print_line("range %lx-%lx", own[i].start, own[i].end - 1);
		test_reads(own[i].start);
		test_reads(own[i].end - 64);
		test_writes(own[i].start + 128);
		test_execution(own[i].start);
		test_page_tables(own[i].start);
		test_descriptor_table(own[i].start);
		test_trap_flag(own[i].start + 256);
		test_user(own[i].start + 512);
		test_all_processors(own[i].start);
	}
	test_straddling_code(own[0].start);
	test_straddling_data(own[0].start);
	test_count(own[0].start + 4096);
	test_deposit();
	if (cpu_count > 1) {
		test_deposit_under_load();
		storm("memory-interrupts", own[0].start, APIC_ASSERT | VECTOR_STORM,
		      &cpu_of(1)->irq_count[VECTOR_STORM]);
		storm("memory-nmis", own[0].start, APIC_ASSERT | APIC_MODE_NMI,
		      &cpu_of(1)->nmi_count);
		test_init(own[0].start);
	}
}
