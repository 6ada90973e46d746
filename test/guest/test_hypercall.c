// SPDX-License-Identifier: GPL-2.0-or-later
/* Hypercalls: every code with garbage, every way to name a wrong list, and what the calls return. */
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "hv/hypercall.h"
#include "hv/msr.h"
#include "hv/status.h"
#include "x86/asm.h"

#define FAR_ADDRESS  0x7ffffff000ull
#define APIC_ADDRESS 0xfee00000ull
#define CODES        0x10000u

/* Codes that are served, and so may answer anything but INVALID_HYPERCALL_CODE. */
static const u16 served[] = {
	HV_CALL_CREATE_PARTITION,
	HV_CALL_INITIALIZE_PARTITION,
	HV_CALL_FINALIZE_PARTITION,
	HV_CALL_DELETE_PARTITION,
	HV_CALL_GET_PARTITION_PROPERTY,
	HV_CALL_SET_PARTITION_PROPERTY,
	HV_CALL_GET_NEXT_CHILD_PARTITION,
	HV_CALL_DEPOSIT_MEMORY,
	HV_CALL_WITHDRAW_MEMORY,
	HV_CALL_GET_MEMORY_BALANCE,
	HV_CALL_MAP_GPA_PAGES,
	HV_CALL_UNMAP_GPA_PAGES,
	HV_CALL_INSTALL_INTERCEPT,
	HV_CALL_CREATE_VP,
	HV_CALL_DELETE_VP,
	HV_CALL_GET_VP_REGISTERS,
	HV_CALL_SET_VP_REGISTERS,
	HV_CALL_TRANSLATE_VIRTUAL_ADDRESS,
	HV_CALL_CLEAR_VIRTUAL_INTERRUPT,
	HV_CALL_POST_MESSAGE,
	HV_CALL_SIGNAL_EVENT,
	HV_CALL_REGISTER_INTERCEPT_RESULT,
	HV_CALL_ASSERT_VIRTUAL_INTERRUPT,
	HV_CALL_SIGNAL_EVENT_DIRECT,
	HV_CALL_POST_MESSAGE_DIRECT,
	HV_CALL_DISPATCH_VP,
	HV_CALL_MAP_VP_STATE_PAGE,
	HV_CALL_UNMAP_VP_STATE_PAGE,
	HV_CALL_GET_VP_STATE,
	HV_CALL_SET_VP_STATE,
	HV_CALL_KEELSON_READ_LOG,
	HV_CALL_KEELSON_STATISTICS,
	HV_CALL_KEELSON_SET_WAKE_FLAG,
};

/* What may stand above the code in a control word. */
static const u64 garbage[] = {
	0,
	HV_CONTROL_FAST,
	1ull << HV_CONTROL_VARIABLE_SHIFT,
	0x3ffull << HV_CONTROL_VARIABLE_SHIFT,
	1ull << HV_CONTROL_REPS_SHIFT,
	0xfffull << HV_CONTROL_REPS_SHIFT,
	1ull << HV_CONTROL_START_SHIFT,
	0xfffull << HV_CONTROL_START_SHIFT | 1ull << HV_CONTROL_REPS_SHIFT,
	HV_CONTROL_NESTED,
	HV_CONTROL_RESERVED,
	0xffffffffffff0000ull,
};

static struct {
	u64 garbage[3]; /* control bits, alternating */
	u64 input, output;
	u32 wrong; /* atomic */
	u32 first_code;
	u64 first_result;
} sweep;

static u8 page[2 * PAGE_SIZE] aligned_to(PAGE_SIZE), output[2 * PAGE_SIZE] aligned_to(PAGE_SIZE);

static bool is_served(u32 code)
{
	for (u32 i = 0; i < ARRAY_SIZE(served); i++)
		if (served[i] == code)
			return true;
	return false;
}

static void note_wrong(u32 code, u64 result)
{
	if (__atomic_fetch_add(&sweep.wrong, 1, __ATOMIC_RELAXED))
		return;
	sweep.first_code = code;
	sweep.first_result = result;
}

/* Each processor takes its share of the codes. */
static void sweep_codes(void *arg)
{
	for (u32 code = this_cpu()->index; code < CODES; code += cpu_count) {
		u64 control = code | sweep.garbage[code / cpu_count % 3];
		u64 result = hypercall(control, sweep.input, sweep.output);

		if (!is_served(code) && result != HV_STATUS_INVALID_HYPERCALL_CODE)
			note_wrong(code, result);
	}
}

static void test_all_codes(void)
{
	static const char *const names[] = {"hypercall-codes-slow-fast", "hypercall-codes-variable",
					    "hypercall-codes-reps", "hypercall-codes-reserved"};
	static const u64 inputs[] = {0, ~0ull, FAR_ADDRESS, 3};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		bool all;

		sweep.wrong = 0;
		sweep.input = inputs[i];
		sweep.output = inputs[3 - i];
		for (u32 k = 0; k < 3; k++)
			sweep.garbage[k] = garbage[(i * 3 + k) % ARRAY_SIZE(garbage)];
		all = cpu_run_all(sweep_codes, NULL);
		check(all && !sweep.wrong, names[i], "%u codes, first %x: result %lx", sweep.wrong,
		      sweep.first_code, sweep.first_result);
	}
}

#define LOG   HV_CALL_KEELSON_READ_LOG
#define STATS HV_CALL_KEELSON_STATISTICS
#define PAGE  ((u64)page)
#define OUT   ((u64)output)

/* Result of one call with good operands but for one. */
static void test_operands(u64 own)
{
	const struct {
		const char *name;
		u64 control, in, out, expected;
	} calls[] = {
		{"hypercall-log", LOG, PAGE, OUT, 0},
		{"hypercall-statistics", STATS, PAGE, OUT, 0},
		{"hypercall-input-at-page-end", STATS, PAGE + PAGE_SIZE - 8, OUT, 0},
		{"hypercall-output-at-page-end", STATS, PAGE, OUT + PAGE_SIZE - 168, 0},
		{"hypercall-input-unaligned", LOG, PAGE + 4, OUT, HV_STATUS_INVALID_ALIGNMENT},
		{"hypercall-input-odd", LOG, PAGE + 1, OUT, HV_STATUS_INVALID_ALIGNMENT},
		{"hypercall-input-crossing", LOG, PAGE + PAGE_SIZE - 4, OUT,
		 HV_STATUS_INVALID_ALIGNMENT},
		{"hypercall-output-unaligned", STATS, PAGE, OUT + 4, HV_STATUS_INVALID_ALIGNMENT},
		{"hypercall-output-crossing", LOG, PAGE, OUT + 8, HV_STATUS_INVALID_ALIGNMENT},
		{"hypercall-output-crossing-2", STATS, PAGE, OUT + PAGE_SIZE - 160,
		 HV_STATUS_INVALID_ALIGNMENT},
		{"hypercall-input-far", LOG, FAR_ADDRESS, OUT, HV_STATUS_INVALID_PARAMETER},
		{"hypercall-output-far", LOG, PAGE, FAR_ADDRESS, HV_STATUS_INVALID_PARAMETER},
		{"hypercall-input-farthest", LOG, ~7ull, OUT, HV_STATUS_INVALID_PARAMETER},
		{"hypercall-output-farthest", LOG, PAGE, ~0xfffull, HV_STATUS_INVALID_PARAMETER},
		{"hypercall-input-own", LOG, own, OUT, HV_STATUS_INVALID_PARAMETER},
		{"hypercall-output-own", LOG, PAGE, own, HV_STATUS_INVALID_PARAMETER},
		{"hypercall-input-device", LOG, APIC_ADDRESS, OUT, HV_STATUS_INVALID_PARAMETER},
		{"hypercall-output-device", LOG, PAGE, APIC_ADDRESS, HV_STATUS_INVALID_PARAMETER},
		{"hypercall-fast", LOG | HV_CONTROL_FAST, 0, 0, HV_STATUS_INVALID_HYPERCALL_INPUT},
		{"hypercall-variable", LOG | 1ull << HV_CONTROL_VARIABLE_SHIFT, PAGE, OUT,
		 HV_STATUS_INVALID_HYPERCALL_INPUT},
		{"hypercall-reps", LOG | 1ull << HV_CONTROL_REPS_SHIFT, PAGE, OUT,
		 HV_STATUS_INVALID_HYPERCALL_INPUT},
		{"hypercall-start", LOG | 1ull << HV_CONTROL_START_SHIFT, PAGE, OUT,
		 HV_STATUS_INVALID_HYPERCALL_INPUT},
		{"hypercall-nested", LOG | HV_CONTROL_NESTED, PAGE, OUT,
		 HV_STATUS_INVALID_HYPERCALL_INPUT},
		{"hypercall-reserved-27", LOG | BIT(27), PAGE, OUT,
		 HV_STATUS_INVALID_HYPERCALL_INPUT},
		{"hypercall-reserved-44", LOG | BIT(44), PAGE, OUT,
		 HV_STATUS_INVALID_HYPERCALL_INPUT},
		{"hypercall-reserved-63", LOG | BIT(63), PAGE, OUT,
		 HV_STATUS_INVALID_HYPERCALL_INPUT},
	};

	for (u32 i = 0; i < ARRAY_SIZE(calls); i++) {
		memset(page, 0, sizeof(page));
		check_equal(calls[i].name, hypercall(calls[i].control, calls[i].in, calls[i].out),
			    calls[i].expected);
	}
}

/* A refused call writes nothing; a good one nothing behind its output. */
static void test_output_extent(void)
{
	u64 sum = 0;

	memset(page, 0, sizeof(page));
	memset(output, 0xaa, sizeof(output));
	hypercall(STATS | HV_CONTROL_NESTED, PAGE, OUT);
	for (u32 i = 0; i < sizeof(output); i++)
		sum += output[i] != 0xaa;
	check_equal("hypercall-refused-writes-nothing", sum, 0);
	hypercall(STATS, PAGE, OUT);
	for (u32 i = sizeof(struct hv_keelson_statistics); i < sizeof(output); i++)
		sum += output[i] != 0xaa;
	check_equal("hypercall-writes-its-output-only", sum, 0);
}

/* All but RAX stays: the callers rely on it. */
static void test_registers(void)
{
	register u64 r8 __asm__("r8") = ~0ull;
	u64 rcx = HV_CONTROL_FAST | 0xfff0, rdx = 0x1234567890abcdef, rbx = 0xb, rsi = 0x51,
	    rdi = 0xd1;
	u64 rax;

	__asm__ volatile(
		"mov $0x1111111111111111, %%r9; mov %%r9, %%r10; mov %%r9, %%r11\n\t"
		"mov %%r9, %%r12; mov %%r9, %%r13; mov %%r9, %%r14; mov %%r9, %%r15\n\t"
		"vmmcall\n\t"
		"cmp %%r9, %%r10; jne 1f; cmp %%r9, %%r11; jne 1f; cmp %%r9, %%r12; jne 1f\n\t"
		"cmp %%r9, %%r13; jne 1f; cmp %%r9, %%r14; jne 1f; cmp %%r9, %%r15; jne 1f\n\t"
		"jmp 2f\n\t"
		"1: mov $0, %%ebx\n\t"
		"2:"
		: "=a"(rax), "+c"(rcx), "+d"(rdx), "+b"(rbx), "+S"(rsi), "+D"(rdi), "+r"(r8)
		:
		: "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	check(rax == HV_STATUS_INVALID_HYPERCALL_CODE && rcx == (HV_CONTROL_FAST | 0xfff0) &&
		      rdx == 0x1234567890abcdef && rbx == 0xb && rsi == 0x51 && rdi == 0xd1 &&
		      r8 == ~0ull,
	      "hypercall-registers", "rax %lx rcx %lx rdx %lx rbx %lx rsi %lx rdi %lx r8 %lx", rax,
	      rcx, rdx, rbx, rsi, rdi, r8);
}

static void call_log(void *arg)
{
	hypercall(LOG, PAGE, OUT);
}

static void test_user(void)
{
	struct fault f = try_user(call_log, NULL);

	check(f.taken && f.vector == VECTOR_UD && (f.cs & 3) == 3 &&
		      f.rip == (u64)hypercall_page + 4,
	      "hypercall-cpl3-ud", "taken %d, vector %u, rip %lx", f.taken, f.vector, f.rip);
}

static void test_log(void)
{
	const struct hv_keelson_log_output *log = (const void *)output;
	u64 *cursor = (u64 *)page, length = 0, calls = 0, backwards = 0;

	for (*cursor = 0; calls < 10000; calls++) {
		hypercall(LOG, PAGE, OUT);
		if (!log->length)
			break;
		backwards += log->cursor <= *cursor || log->length > HV_KEELSON_LOG_TEXT;
		length += log->length;
		*cursor = log->cursor;
	}
	check(length && !backwards && calls < 10000, "hypercall-log-whole",
	      "%lu bytes in %lu calls, cursor moved wrongly %lu times", length, calls, backwards);
	check(log->cursor == *cursor && !log->lost, "hypercall-log-end",
	      "cursor %lx, was %lx, lost %lu", log->cursor, *cursor, log->lost);
	check(hv_log_has("Keelson ") && hv_log_has("starting the root partition"),
	      "hypercall-log-text", "the boot's lines are not in it");
	*cursor = ~0ull;
	check(!hypercall(LOG, PAGE, OUT) && log->length <= HV_KEELSON_LOG_TEXT,
	      "hypercall-log-wild-cursor", "length %u", log->length);
}

#define EXITS 100u

static void make_cpuid_exits(void *arg)
{
	u32 out[4];

	for (u32 i = 0; i < EXITS; i++)
		cpuid(0x40000000, 0, out);
}

static void test_statistics(void)
{
	u32 last = cpu_count - 1;
	struct hv_keelson_statistics before = hv_statistics(last), after;
	bool came = true;

	if (last)
		came = cpu_run(last, make_cpuid_exits, NULL);
	else
		make_cpuid_exits(NULL);
	after = hv_statistics(last);
	check(came && after.exits[HV_EXIT_CPUID] - before.exits[HV_EXIT_CPUID] == EXITS,
	      "hypercall-statistics-cpuid", "counted %lu of %u exits",
	      after.exits[HV_EXIT_CPUID] - before.exits[HV_EXIT_CPUID], EXITS);
	check_equal("hypercall-statistics-vps", after.vp_count, cpu_count);
	check_equal("hypercall-statistics-tsc", after.tsc_hz, rdmsr(HV_MSR_TSC_FREQUENCY));
	check(after.pool_total && after.pool_free <= after.pool_total, "hypercall-statistics-pool",
	      "%lu of %lu pages free", after.pool_free, after.pool_total);
	before = hv_statistics(0);
	after = hv_statistics(0);
	check_equal("hypercall-statistics-hypercalls",
		    after.exits[HV_EXIT_HYPERCALL] - before.exits[HV_EXIT_HYPERCALL], 1);
	memset(page, 0, sizeof(page));
	page[0] = (u8)cpu_count;
	check_equal("hypercall-statistics-no-vp", hypercall(STATS, PAGE, OUT),
		    HV_STATUS_INVALID_VP_INDEX);
	memset(page, 0xff, 8);
	check_equal("hypercall-statistics-wild-vp", hypercall(STATS, PAGE, OUT),
		    HV_STATUS_INVALID_VP_INDEX);
}

void test_hypercall(void)
{
	struct hv_range own[HV_MAX_RANGES];

	hv_memory(own);
	test_operands(own[0].start);
	test_output_extent();
	test_registers();
	test_user();
	test_log();
	test_statistics();
	test_all_codes();
}
