/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TLFS MSRs in the order in which Linux uses them, and what a careless guest writes. */
#include "core/format.h"
#include "core/log.h"
#include "core/reftime.h"
#include "core/synthetic_msr.h"
#include "hv/msr.h"
#include "hv/reference_tsc.h"
#include "runner.h"

static struct vp *vp;

static void prepare(void)
{
	fake_reset();
	fake_root(2);
	vp = root_partition.vp[1];
}

static bool wr(u32 msr, u64 value)
{
	return synthetic_msr_write(vp, msr, value);
}

static u64 rd(u32 msr)
{
	u64 value;

	ck_assert(synthetic_msr_read(vp, msr, &value));
	return value;
}

START_TEST(as_linux_does)
{
	const u8 code[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x0f, 0x01, 0xd9, 0xc3, 0xcc};
	spa_t page, clock, assist;
	struct hv_reference_tsc *tsc;

	prepare();
	page = fake_page();
	clock = fake_page();
	assist = fake_page();
	ck_assert(wr(HV_MSR_TSC_INVARIANT_CONTROL, 1));
	ck_assert_uint_eq(rd(HV_MSR_TSC_INVARIANT_CONTROL), 1);
	ck_assert(wr(HV_MSR_REFERENCE_TSC, clock.v | 1));
	ck_assert_uint_eq(rd(HV_MSR_REFERENCE_TSC), clock.v | 1);
	tsc = arch_map(clock);
	ck_assert_uint_ne(tsc->sequence, 0);
	ck_assert_uint_eq(rd(HV_MSR_VP_INDEX), 1);
	memset(arch_map(assist), 0xff, PAGE_SIZE);
	ck_assert(wr(HV_MSR_VP_ASSIST, assist.v | 1));
	ck_assert_uint_eq(*(u64 *)arch_map(assist), 0);
	ck_assert_uint_eq(rd(HV_MSR_VP_ASSIST), assist.v | 1);
	ck_assert(wr(HV_MSR_GUEST_OS_ID, 0x8100060100000000));
	ck_assert_uint_eq(rd(HV_MSR_GUEST_OS_ID), 0x8100060100000000);
	ck_assert(wr(HV_MSR_HYPERCALL, page.v | 1));
	ck_assert_uint_eq(rd(HV_MSR_HYPERCALL), page.v | 1);
	ck_assert_mem_eq(arch_map(page), code, sizeof(code));
	ck_assert_uint_eq(rd(HV_MSR_TSC_FREQUENCY), FAKE_HZ);
	ck_assert_uint_eq(rd(HV_MSR_APIC_FREQUENCY), LAPIC_HZ);
	fake.tsc = 3 * FAKE_HZ;
	ck_assert_uint_eq(rd(HV_MSR_TIME_REF_COUNT), reftime_now(&root_partition));
}
END_TEST

START_TEST(no_identity_no_page)
{
	spa_t page;

	prepare();
	page = fake_page();
	ck_assert(wr(HV_MSR_HYPERCALL, page.v | 1));
	ck_assert_uint_eq(rd(HV_MSR_HYPERCALL), page.v);
	ck_assert_uint_eq(*(u64 *)arch_map(page), 0);
	ck_assert(wr(HV_MSR_GUEST_OS_ID, 1));
	ck_assert(wr(HV_MSR_HYPERCALL, page.v | 3));
	ck_assert(wr(HV_MSR_HYPERCALL, 0)); /* locked: ignored */
	ck_assert_uint_eq(rd(HV_MSR_HYPERCALL), page.v | 3);
	ck_assert(wr(HV_MSR_GUEST_OS_ID, 0)); /* kexec */
	ck_assert_uint_eq(rd(HV_MSR_HYPERCALL), page.v);
	ck_assert(wr(HV_MSR_GUEST_OS_ID, 2));
	ck_assert(wr(HV_MSR_HYPERCALL, page.v | 1));
	ck_assert_uint_eq(rd(HV_MSR_HYPERCALL), page.v | 1);
}
END_TEST

START_TEST(pages_that_are_not_there)
{
	const u64 hidden = FAKE_RAM_BASE + (FAKE_RAM_PAGES - 1) * PAGE_SIZE;
	const u64 bad[] = {0, hidden, 0x7fffffff000, 0xfffffffffffff000};
	const u32 msrs[] = {HV_MSR_HYPERCALL, HV_MSR_REFERENCE_TSC, HV_MSR_VP_ASSIST};

	prepare();
	ck_assert(wr(HV_MSR_GUEST_OS_ID, 1));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (size_t j = 0; j < ARRAY_SIZE(msrs); j++) {
			ck_assert(!wr(msrs[j], bad[i] | 1));
			ck_assert_uint_eq(rd(msrs[j]), 0);
			ck_assert(wr(msrs[j], bad[i])); /* not enabled: a number only */
			ck_assert(wr(msrs[j], 0));
		}
	ck_assert(!wr(HV_MSR_HYPERCALL, FAKE_RAM_BASE | 5));
	ck_assert(!wr(HV_MSR_VP_ASSIST, FAKE_RAM_BASE | 2));
	ck_assert(!wr(HV_MSR_TSC_INVARIANT_CONTROL, 2));
}
END_TEST

START_TEST(what_is_not_offered_faults)
{
	const u32 missing[] = {0x40000003, 0x40000070, 0x40000071, 0x400000b0,
			       0x400000f0, 0x40000106, 0x400001ff};
	const u32 read_only[] = {HV_MSR_VP_INDEX, HV_MSR_TIME_REF_COUNT, HV_MSR_TSC_FREQUENCY,
				 HV_MSR_APIC_FREQUENCY};
	u64 value;

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		ck_assert(!synthetic_msr_read(vp, missing[i], &value));
		ck_assert(!wr(missing[i], 0));
	}
	for (size_t i = 0; i < ARRAY_SIZE(read_only); i++)
		ck_assert(!wr(read_only[i], 0));
}
END_TEST

static void crash(const char *message, u64 gpa, u64 length)
{
	if (message)
		memcpy(arch_map(SPA(gpa)), message, strlen(message));
	for (u32 i = 0; i < 3; i++)
		ck_assert(wr(HV_MSR_CRASH_P0 + i, 0x10 + i));
	ck_assert(wr(HV_MSR_CRASH_P0 + 3, gpa));
	ck_assert(wr(HV_MSR_CRASH_P0 + 4, length));
	ck_assert(wr(HV_MSR_CRASH_CTL, HV_CRASH_NOTIFY | HV_CRASH_MESSAGE));
}

START_TEST(crash_report)
{
	static char text[4096];
	u64 cursor = 0, lost, page;
	size_t n;

	prepare();
	page = fake_page().v;
	ck_assert_uint_eq(rd(HV_MSR_CRASH_CTL), 3ull << 62);
	ck_assert(wr(HV_MSR_CRASH_CTL, 0));
	ck_assert(!root_partition.crashed);
	crash("Kernel panic\n\x1b[31m", page + 16, 18);
	ck_assert(root_partition.crashed);
	crash(NULL, 0xfffffffffffff000, 10);   /* not mapped */
	crash("x", page + PAGE_SIZE - 1, 100); /* over the end of its page */
	crash("long", page, ~0ull);
	n = log_read(&cursor, text, sizeof(text) - 1, &lost);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "VP 1 reports a crash: 10 11 12 "));
	ck_assert_ptr_nonnull(strstr(text, "partition 1: Kernel panic\n"));
	ck_assert_ptr_nonnull(strstr(text, "partition 1: .[31m\n"));
	ck_assert_ptr_nonnull(strstr(text, "partition 1: long...."));
}
END_TEST

TEST_MAIN("synthetic_msr", as_linux_does, no_identity_no_page, pages_that_are_not_there,
	  what_is_not_offered_faults, crash_report)
