/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root's exits: CPUID and MSR policy, XSETBV, memory faults, exceptions, the end. */
#include "core/exit.h"
#include "core/format.h"
#include "core/log.h"
#include "core/msr.h"
#include "hv/msr.h"
#include "runner.h"

static struct vp *vp;

static void prepare(void)
{
	fake_reset();
	fake_root(2);
	vp = root_partition.vp[0];
}

static void set_cpuid(u32 n, u32 leaf, u32 a, u32 b, u32 c, u32 d)
{
	const u32 values[5] = {leaf, a, b, c, d};

	memcpy(fake.cpuid[n], values, sizeof(values));
}

static void cpuid(u32 leaf)
{
	struct vexit e = {.type = VEXIT_CPUID, .length = 2};

	vp->gpr[RAX] = 0xffffffff00000000 | leaf;
	vp->gpr[RCX] = 0xffffffff00000000;
	exit_handle(vp, &e);
}

static bool rdmsr(u32 msr, u64 *value)
{
	struct vexit e = {.type = VEXIT_MSR_READ, .length = 2};

	fake_vp_clear(vp);
	vp->gpr[RCX] = 0xabc00000000 | msr;
	exit_handle(vp, &e);
	*value = vp->gpr[RDX] << 32 | vp->gpr[RAX];
	if (vp->arch->exception < 0)
		return vp->arch->advanced == 2;
	ck_assert_int_eq(vp->arch->exception, 13);
	ck_assert_uint_eq(vp->arch->exception_error, 0);
	ck_assert_uint_eq(vp->arch->advanced, 0);
	return false;
}

static bool wrmsr(u32 msr, u64 value)
{
	struct vexit e = {.type = VEXIT_MSR_WRITE, .length = 2};

	fake_vp_clear(vp);
	vp->gpr[RCX] = msr;
	vp->gpr[RAX] = 0xfff00000000 | (u32)value;
	vp->gpr[RDX] = 0xfff00000000 | value >> 32;
	exit_handle(vp, &e);
	return vp->arch->exception < 0 && vp->arch->advanced == 2;
}

static u64 must_read(u32 msr)
{
	u64 value;

	ck_assert(rdmsr(msr, &value));
	return value;
}

START_TEST(cpuid_hides_and_shows)
{
	prepare();
	set_cpuid(0, 1, 0x11, 0x22, ~0u & ~(1u << 31 | 1u << 24 | 1u << 21), 0x44);
	cpuid(1);
	ck_assert_uint_eq(vp->arch->advanced, 2);
	ck_assert_uint_eq(vp->gpr[RAX], 0x11);
	ck_assert_uint_eq(vp->gpr[RBX], 0x22);
	ck_assert_uint_eq(vp->gpr[RDX], 0x44);
	ck_assert_uint_eq(vp->gpr[RCX], 0xffffffffu & ~(1u << 5 | 1u << 6 | 1u << 27));
	vp->arch->regs.cr4 = 1 << 18;
	cpuid(1);
	ck_assert_uint_eq(vp->gpr[RCX] >> 27 & 1, 1);
}
END_TEST

START_TEST(cpuid_other_leaves)
{
	prepare();
	set_cpuid(0, 0, 0x10, 1, 2, 3);
	set_cpuid(1, 6, 0, 1, 2, 3);
	set_cpuid(2, 7, 0, 1, ~0u, 3);
	set_cpuid(3, 0x80000001, ~0u, ~0u, ~0u, ~0u);
	set_cpuid(4, 0x8000000a, 1, 2, 3, 4);
	set_cpuid(5, 0x0a, 1, 2, 3, 4);
	set_cpuid(6, 0x8000001f, 1, 2, 3, 4);
	set_cpuid(7, 0x80000008, 1, 0xff, 2, 0x00010007);
	cpuid(0);
	ck_assert_uint_eq(vp->gpr[RAX], 0x10);
	ck_assert_uint_eq(vp->gpr[RDX], 3);
	cpuid(6);
	ck_assert_uint_eq(vp->gpr[RAX], 4);
	cpuid(7);
	ck_assert_uint_eq(vp->gpr[RCX], 0xffffffffu & ~(1u << 4));
	vp->arch->regs.cr4 = 1 << 22;
	cpuid(7);
	ck_assert_uint_eq(vp->gpr[RCX], 0xffffffffu);
	cpuid(0x80000001);
	ck_assert_uint_eq(vp->gpr[RCX], 0xffffffffu & ~(1u << 2 | 1u << 12));
	ck_assert_uint_eq(vp->gpr[RDX], 0xffffffffu);
	cpuid(0x80000008); /* INVLPGB, and how much it does at once */
	ck_assert_uint_eq(vp->gpr[RBX], 0xf7);
	ck_assert_uint_eq(vp->gpr[RDX], 0x00010000);
	for (u32 n = 4; n <= 6; n++) {
		cpuid(fake.cpuid[n][0]);
		ck_assert_uint_eq(vp->gpr[RAX] | vp->gpr[RBX] | vp->gpr[RCX] | vp->gpr[RDX], 0);
	}
}
END_TEST

static void expect_text(const char *want)
{
	char text[13];

	for (int i = 0; i < 3; i++) {
		u32 word = (u32)vp->gpr[(const int[]){RBX, RCX, RDX}[i]];

		memcpy(text + 4 * i, &word, 4);
	}
	text[12] = '\0';
	ck_assert_str_eq(text, want);
}

START_TEST(cpuid_hypervisor_leaves)
{
	prepare();
	set_cpuid(0, 0x40000007, 1, 1, 1, 1); /* what lies below is not ours to show */
	cpuid(0x40000000);
	ck_assert_uint_eq(vp->gpr[RAX], 0x40000006);
	expect_text("Microsoft Hv");
	cpuid(0x40000001);
	ck_assert_uint_eq(vp->gpr[RAX], 0x31237648);
	cpuid(0x40000003);
	ck_assert_uint_eq(vp->gpr[RAX], 0x8a66);
	ck_assert_uint_eq(vp->gpr[RBX], 5); /* not CpuManagement, not AccessPartitionId */
	ck_assert_uint_eq(vp->gpr[RDX], 0x500);
	cpuid(0x40000004);
	ck_assert_uint_eq(vp->gpr[RAX], 0x220);
	for (u32 leaf = 0x40000006; leaf <= 0x400000ff; leaf++) {
		cpuid(leaf);
		ck_assert_uint_eq(vp->gpr[RAX] | vp->gpr[RBX] | vp->gpr[RCX] | vp->gpr[RDX], 0);
	}
}
END_TEST

START_TEST(msr_policy)
{
	const struct {
		u32 msr;
		bool r, w; /* intercepted */
		bool can_read, can_write;
		u64 reads;
	} c[] = {
		{0x10, false, true, false, true, 0}, /* TSC: read directly */
		{0x1b, true, true, true, false, APIC_BASE_ADDRESS | 0xd00},
		{0x3a, true, true, true, false, 1},
		{0x3b, true, true, true, true, 0},
		{0x480, true, true, false, false, 0},
		{0x493, true, true, false, false, 0},
		{0x6e0, true, true, true, true, 0},
		{0x802, true, true, true, false, 0},
		{0x8ff, true, true, false, false, 0},
		{0xc0010114, true, true, true, false, 0x18},
		{0xc0010115, true, true, false, false, 0},
		{0xc0010117, true, true, false, false, 0},
		{0xc0010118, true, true, false, false, 0},
		{0xc0000100, false, false, false, false, 0},
		{0x277, false, false, false, false, 0},
		{0x40000003, true, true, false, false, 0},
		{0x400001ff, true, true, false, false, 0},
	};
	u64 value;

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		ck_assert_int_eq(msr_intercepted(&root_partition, c[i].msr, false), c[i].r);
		ck_assert_int_eq(msr_intercepted(&root_partition, c[i].msr, true), c[i].w);
		ck_assert_int_eq(rdmsr(c[i].msr, &value), c[i].can_read);
		if (c[i].can_read)
			ck_assert_uint_eq(value, c[i].reads);
		ck_assert_int_eq(wrmsr(c[i].msr, 0x1000), c[i].can_write);
	}
}
END_TEST

START_TEST(msr_of_the_machine)
{
	u64 value;

	prepare();
	fake.msr[0] = (struct fake_msr){0xc0010015, 0x123456789abcdef0};
	ck_assert_uint_eq(must_read(0xc0010015), 0x123456789abcdef0);
	ck_assert(wrmsr(0xc0010015, 0xfedcba9876543210));
	ck_assert_uint_eq(fake.msr[0].value, 0xfedcba9876543210);
	ck_assert(!rdmsr(0xc0010016, &value));
	ck_assert(!wrmsr(0xc0010016, 0));
}
END_TEST

START_TEST(efer)
{
	prepare();
	vp->arch->regs.efer = 0x1d01; /* with SVME, which the processor needs */
	ck_assert_uint_eq(must_read(0xc0000080), 0xd01);
	ck_assert(!wrmsr(0xc0000080, 0x1d01));
	ck_assert(!wrmsr(0xc0000080, 0xd01 | BIT(13)));
	ck_assert(!wrmsr(0xc0000080, 0xd01 | BIT(32)));
	ck_assert(!wrmsr(0xc0000080, 0x401)); /* LME off while paging */
	ck_assert(wrmsr(0xc0000080, 0x100));
	ck_assert_uint_eq(vp->arch->regs.efer & ~0x1000u, 0x500); /* LMA is not for writing */
	vp->arch->regs.cr0 = 1;
	vp->arch->regs.efer = 0;
	ck_assert(wrmsr(0xc0000080, 0x500));
	ck_assert_uint_eq(vp->arch->regs.efer, 0x100);
}
END_TEST

/* Each bit of EFER that the processor may have, by the CPUID bit that shows it; others are refused. */
START_TEST(efer_follows_cpuid)
{
	static const struct {
		u32 leaf;
		u8 reg, bit, efer;
	} shown[] = {
		{0x80000001, 3, 17, 15}, {0x80000001, 4, 25, 14}, {0x80000008, 2, 8, 17},
		{0x80000008, 2, 13, 18}, {0x80000021, 1, 7, 20},  {0x80000021, 1, 8, 21},
	};

	prepare();
	vp->arch->regs.efer = 0x1d01;
	for (u32 i = 0; i < ARRAY_SIZE(shown); i++) {
		memset(fake.cpuid, 0, sizeof(fake.cpuid));
		fake.cpuid[0][0] = 0x80000000;
		fake.cpuid[0][1] = 0x80000021;
		ck_assert(!wrmsr(0xc0000080, 0xd01 | BIT(shown[i].efer)));
		fake.cpuid[1][0] = shown[i].leaf;
		fake.cpuid[1][shown[i].reg] = 1u << shown[i].bit;
		for (u32 bit = 13; bit < 64; bit++)
			ck_assert(wrmsr(0xc0000080, 0xd01 | BIT(bit)) == (bit == shown[i].efer));
	}
	/* A leaf beyond the last one says something else on some processors. */
	memset(fake.cpuid, 0, sizeof(fake.cpuid));
	fake.cpuid[0][0] = 0x80000000;
	fake.cpuid[0][1] = 0x8000001f;
	fake.cpuid[1][0] = 0x80000021;
	fake.cpuid[1][1] = ~0u;
	ck_assert(!wrmsr(0xc0000080, 0xd01 | BIT(21)));
}
END_TEST

START_TEST(apic_registers_by_msr)
{
	u64 value;

	prepare();
	ck_assert(wrmsr(0x80f, 0x1ff));
	ck_assert(wrmsr(0x83f, 0x41));
	ck_assert(vp_prepare(vp));
	ck_assert_int_eq(vp->arch->offered, 0x41);
	ck_assert(!wrmsr(0x83f, 0x100));
	ck_assert(!rdmsr(0x83f, &value));
}
END_TEST

/* AMD's LVTs behind the architectural ones are the processor's own: for errors and sampling. */
START_TEST(extended_lvts)
{
	u64 value;

	prepare();
	ck_assert(wrmsr(0x850, 0x100f8 - 8));
	ck_assert_uint_eq(fake.extended_lvt, 0x100f0);
	ck_assert(rdmsr(0x850, &value));
	ck_assert_uint_eq(value, 0x100f0);
	ck_assert(!wrmsr(0x850, BIT(32)));
	ck_assert(!wrmsr(0x851, 0) && !rdmsr(0x851, &value));
	ck_assert(rdmsr(0x803, &value) && (value & BIT(31)));
	ck_assert(!rdmsr(0x83f, &value) && !rdmsr(0x854, &value));
}
END_TEST

START_TEST(xsetbv)
{
	const struct {
		u64 value;
		bool ok;
	} c[] = {
		{1, true},     {3, true},     {7, true},      {0, false},
		{2, false},    {5, false},    {0x207, true},  {0xe7, true},
		{0xe3, false}, {0x27, false}, {0x107, false}, {BIT(63) | 1, false},
		{0x0b, false}, {0x13, false},
	};
	struct vexit e = {.type = VEXIT_XSETBV, .length = 3};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		fake_vp_clear(vp);
		fake.xcr0 = 99;
		vp->gpr[RCX] = 0;
		vp->gpr[RAX] = (u32)c[i].value;
		vp->gpr[RDX] = c[i].value >> 32;
		exit_handle(vp, &e);
		ck_assert_int_eq(vp->arch->exception, c[i].ok ? -1 : 13);
		ck_assert_uint_eq(vp->arch->advanced, c[i].ok ? 3 : 0);
		ck_assert_uint_eq(fake.xcr0, c[i].ok ? c[i].value : 99);
	}
	vp->gpr[RAX] = 1;
	vp->gpr[RDX] = 0;
	vp->gpr[RCX] = 1; /* no such register */
	fake_vp_clear(vp);
	exit_handle(vp, &e);
	ck_assert_int_eq(vp->arch->exception, 13);
	vp->gpr[RCX] = 0;
	vp->arch->cpl = 3;
	fake_vp_clear(vp);
	exit_handle(vp, &e);
	ck_assert_int_eq(vp->arch->exception, 13);
}
END_TEST

START_TEST(touching_the_hypervisors_memory)
{
	struct vexit e = {.type = VEXIT_NPF, .npf.access = ACCESS_WRITE};
	char text[512];
	u64 cursor = 0, lost;
	size_t n;

	prepare();
	e.npf.gpa = GPA(FAKE_RAM_BASE + (FAKE_RAM_PAGES - 1) * PAGE_SIZE);
	for (int i = 0; i < 5; i++)
		exit_handle(vp, &e);
	ck_assert_uint_eq(vp->arch->step_overs, 5);
	ck_assert_uint_eq(root_partition.foreign_accesses, 5);
	n = log_read(&cursor, text, sizeof(text) - 1, &lost);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "memory of the hypervisor"));
	ck_assert_ptr_eq(strchr(text, '\n'), text + n - 1); /* said once */
}
END_TEST

START_TEST(fault_on_what_is_mapped_by_now)
{
	struct vexit e = {.type = VEXIT_NPF,
			  .npf = {GPA(FAKE_RAM_BASE), ACCESS_WRITE | ACCESS_WALK}};
	bool flush;

	prepare();
	exit_handle(vp, &e);
	ck_assert_uint_eq(vp->arch->step_overs, 0);
	ck_assert_uint_eq(root_partition.foreign_accesses, 0);
	ck_assert_uint_eq(gpa_map_range(&root_partition.map, GPA(FAKE_RAM_BASE), SPA(FAKE_RAM_BASE),
					PAGE_SIZE, GPA_READ, &flush),
			  HV_STATUS_SUCCESS);
	exit_handle(vp, &e);
	ck_assert_uint_eq(vp->arch->step_overs, 1);
}
END_TEST

START_TEST(exceptions_go_back)
{
	struct vexit e = {.type = VEXIT_EXCEPTION};

	prepare();
	e.exception.vector = 18;
	exit_handle(vp, &e);
	ck_assert_int_eq(vp->arch->exception, 18);
	ck_assert_uint_eq(vp->arch->exception_error, NO_ERROR_CODE);
	e.exception.vector = 14;
	e.exception.has_error = true;
	e.exception.error = 6;
	exit_handle(vp, &e);
	ck_assert_int_eq(vp->arch->exception, 14);
	ck_assert_uint_eq(vp->arch->exception_error, 6);
	ck_assert_uint_eq(vp->arch->advanced, 0);
}
END_TEST

START_TEST(undefined_and_io)
{
	struct vexit e = {.type = VEXIT_UNDEFINED};

	prepare();
	exit_handle(vp, &e);
	ck_assert_int_eq(vp->arch->exception, 6);
	e.type = VEXIT_IO;
	exit_handle(vp, &e);
	ck_assert_int_eq(vp->arch->exception, 13);
	fake_vp_clear(vp);
	e.type = VEXIT_IRET;
	exit_handle(vp, &e);
	e.type = VEXIT_NONE;
	exit_handle(vp, &e);
	ck_assert_int_eq(vp->arch->exception, -1);
	ck_assert_uint_eq(vp->arch->advanced, 0);
}
END_TEST

START_TEST(triple_fault_restarts_the_machine)
{
	struct vexit e = {.type = VEXIT_SHUTDOWN};

	prepare();
	exit_handle(vp, &e);
	ck_assert_uint_eq(fake.resets, 1);
	ck_assert(!vp_prepare(vp));
}
END_TEST

START_TEST(unknown_exit_is_our_fault)
{
	struct vexit e = {.type = VEXIT_UNKNOWN, .code = 0x999};

	prepare();
	exit_handle(vp, &e);
}
END_TEST

START_TEST(counters_and_history)
{
	static char text[4096];
	struct vexit e = {.type = VEXIT_NONE};
	u64 cursor = 0, lost;
	size_t n;

	prepare();
	for (u64 i = 0; i < 20; i++) {
		fake.tsc = 100 * i;
		e.rip = 0x1000 + i;
		exit_handle(vp, &e);
	}
	e.type = VEXIT_UNDEFINED;
	e.rip = 0xdead;
	exit_handle(vp, &e);
	ck_assert_uint_eq(vp->exits[VEXIT_NONE], 20);
	ck_assert_uint_eq(vp->exits[VEXIT_UNDEFINED], 1);
	fake.tsc = 2000;
	exit_dump_history(vp);
	n = log_read(&cursor, text, sizeof(text) - 1, &lost);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "undefined rip 000000000000dead\n"));
	ck_assert_ptr_nonnull(strstr(text, "interrupt rip 0000000000001005\n"));
	ck_assert_ptr_null(strstr(text, "1004,")); /* 16 are kept */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		cpuid_hides_and_shows,
		cpuid_other_leaves,
		cpuid_hypervisor_leaves,
		msr_policy,
		msr_of_the_machine,
		efer,
		efer_follows_cpuid,
		extended_lvts,
		apic_registers_by_msr,
		xsetbv,
		touching_the_hypervisors_memory,
		fault_on_what_is_mapped_by_now,
		exceptions_go_back,
		undefined_and_io,
		triple_fault_restarts_the_machine,
		counters_and_history,
	};
	const TTest *const aborting[] = {unknown_exit_is_our_fault};

	return run_tests("exit", tests, ARRAY_SIZE(tests)) |
	       run_aborting_tests("exit-panic", aborting, ARRAY_SIZE(aborting));
}
