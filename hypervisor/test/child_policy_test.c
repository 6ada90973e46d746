/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a child sees of CPUID and MSRs, and how its parent changes that. */
#include "child.h"
#include "core/cpuid.h"
#include "core/msr.h"
#include "hv/msr.h"

static struct child c;
static struct vp *vp;

static void prepare(void)
{
	child_machine();
	c = child_new(40);
	child_add_vp(&c, 0);
	child_add_vp(&c, 1);
	child_add_vp(&c, 2);
	vp = child_vp(&c, 2);
}

/* A processor that has everything. */
static void full(u32 leaf)
{
	fake.cpuid[0][0] = leaf;
	for (int i = 1; i < 5; i++)
		fake.cpuid[0][i] = ~0u;
	fake.cpuid[1][0] = 0x80000000; /* it has them all */
	fake.cpuid[1][1] = 0x80000021;
}

static const u32 *read_full(u32 leaf, u32 subleaf)
{
	static u32 out[4];

	full(leaf);
	vp->gpr[RAX] = leaf;
	vp->gpr[RCX] = subleaf;
	arch_cpuid(leaf, subleaf, out);
	cpuid_change(vp, out);
	if (vp->partition->cpuid)
		ck_assert(!cpuid_parent(vp, out));
	return out;
}

static void expect(u32 leaf, u32 subleaf, u32 a, u32 b, u32 cx, u32 d)
{
	const u32 *out = read_full(leaf, subleaf);

	if (out[0] != a || out[1] != b || out[2] != cx || out[3] != d)
		ck_abort_msg("leaf %x.%x: %x %x %x %x", leaf, subleaf, out[0], out[1], out[2],
			     out[3]);
}

START_TEST(leaves)
{
	prepare();
	expect(0, 0, 0xd, ~0u, ~0u, ~0u);
	expect(1, 0, ~0u, 0x0203ffff, 0xf7f83203 & ~(1u << 27), 0x178bfbff | 1u << 28);
	expect(6, 0, 4, 0, 0, 0);
	expect(0xb, 0, 0, 1, 0x100, 2);
	expect(0xb, 1, 2, 3, 0x201, 2);
	expect(0xb, 2, 0, 0, 2, 2);
	expect(0xd, 0, 7, 576, 832, 0);
	expect(0xd, 1, 1, 0, 0, 0);
	expect(0xd, 2, ~0u, ~0u, ~0u, ~0u);
	expect(0xd, 3, 0, 0, 0, 0);
	expect(7, 1, 0, 0, 0, 0);
	expect(0x80000000, 0, 0x80000021, ~0u, ~0u, ~0u);
	expect(0x80000008, 0, 48 | 48 << 8, 0x7507d000, 2, 0);
	expect(0x80000021, 0, 0x78000165, 0, 6, 0);
	expect(0x80000007, 0, 0, 0, 0, 0);
	vp->partition->tsc_invariant_control = 1;
	expect(0x80000007, 0, 0, 0, 0, 1 << 8);
	for (u32 leaf = 0xe; leaf < 0x40; leaf++)
		expect(leaf, 0, 0, 0, 0, 0);
	for (u32 leaf = 0x80000009; leaf < 0x80000030; leaf++)
		if (leaf != 0x80000021)
			expect(leaf, 0, 0, 0, 0, 0);
	expect(0x0a, 0, 0, 0, 0, 0);
	expect(5, 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(what_must_stay_hidden)
{
	const struct {
		u32 leaf;
		int reg;
		u32 bits;
	} hidden[] = {
		{1, 2,
		 1u << 5 | 1u << 6 | 1u << 3 | 1u << 15 | 1u << 17}, /* VMX SMX MWAIT PDCM PCID */
		{1, 3, 1u << 21 | 1u << 22 | 1u << 29},              /* DS ACPI TM */
		{7, 1, 1u << 16 | 1u << 12 | 1u << 15 | 1u << 25 | 1u << 2}, /* AVX512 RDT PT SGX */
		{7, 2, 1u << 3 | 1u << 4 | 1u << 16 | 1u << 22},   /* PKU OSPKE LA57 RDPID */
		{7, 3, 1u << 26 | 1u << 27 | 1u << 29 | 1u << 31}, /* speculation control */
		{0x80000001, 2, 1u << 2 | 1u << 12 | 1u << 22},    /* SVM SKINIT TOPOEXT */
		{0x80000001, 3, 1u << 27},                         /* RDTSCP */
	};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		ck_assert_uint_eq(read_full(hidden[i].leaf, 0)[hidden[i].reg] & hidden[i].bits, 0);
}
END_TEST

START_TEST(hypervisor_leaves)
{
	prepare();
	ck_assert_uint_eq(read_full(0x40000003, 0)[0], 0x8a7e);
	ck_assert_uint_eq(read_full(0x40000003, 0)[1], 0x30);
	ck_assert_uint_eq(read_full(0x40000003, 0)[3], 0x80500);
	ck_assert_uint_eq(read_full(0x40000004, 0)[0], 0x220);
	expect(0x40000081, 0, 0, 0, 0, 0);
	expect(0x40000082, 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(osxsave_and_avx_follow_the_guest)
{
	prepare();
	vp->arch->regs.cr4 = 1 << 18;
	ck_assert_uint_eq(read_full(1, 0)[2] >> 27 & 1, 1);
	vp->xcr0 = 7;
	ck_assert_uint_eq(read_full(0xd, 0)[1], 832);
}
END_TEST

static hv_status set_result(u32 leaf, u32 subleaf, bool specific, u32 value, u32 mask)
{
	struct hv_intercept_result_input in = {
		.partition_id = c.id,
		.vp_index = ~0u,
		.type = HV_INTERCEPT_CPUID,
		.leaf = leaf,
		.subleaf = subleaf,
		.subleaf_specific = specific,
		.result[0] = {value, mask},
	};

	return STATUS(raw(HV_CALL_REGISTER_INTERCEPT_RESULT, &in, sizeof(in)));
}

START_TEST(registered_results)
{
	prepare();
	ck_assert_uint_eq(set_result(0x123, 0, false, 0x55, 0xff), 0);
	expect(0x123, 9, 0x55, 0, 0, 0);
	ck_assert_uint_eq(set_result(0x123, 2, true, 0x66, 0xff), 0);
	expect(0x123, 2, 0x66, 0, 0, 0);
	expect(0x123, 3, 0x55, 0, 0, 0);
	ck_assert_uint_eq(set_result(0x123, 0, false, 0x1, 0x1), 0); /* replaces */
	expect(0x123, 3, 1, 0, 0, 0);
	ck_assert_uint_eq(set_result(0x40000000, 0, false, 0x40000005, ~0u), 0);
	ck_assert_uint_eq(read_full(0x40000000, 0)[0], 0x40000005);
	for (u32 i = 3; i < 64; i++)
		ck_assert_uint_eq(set_result(0x1000 + i, 0, false, i, ~0u), 0);
	ck_assert_uint_eq(set_result(0x2000, 0, false, 1, 1), HV_STATUS_NO_RESOURCES);
	/* The root's own CPUID is not touched by any of it. */
	{
		u32 out[4] = {0};

		root_partition.vp[0]->gpr[RAX] = 0x123;
		cpuid_change(root_partition.vp[0], out);
		ck_assert_uint_eq(out[0], 0);
	}
}
END_TEST

START_TEST(intercepted_leaf)
{
	struct hv_install_intercept_input in = {.access = 4, .type = HV_INTERCEPT_CPUID};
	const struct fake_step step = {.exit = {.type = VEXIT_CPUID, .length = 2}};

	prepare();
	vp = child_vp(&c, 0);
	in.partition_id = c.id;
	in.parameter = 0x40000081;
	ck_assert_uint_eq(raw(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in)), 0);
	vp->gpr[RAX] = 0x40000081;
	fake_script(&step, 1);
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_INTERCEPT);
	ck_assert_uint_eq(vp->intercept_page->type, HV_MESSAGE_CPUID);
	ck_assert_uint_eq(vp->intercept_page->cpuid.rax, 0x40000081);
	ck_assert_uint_eq(vp->intercept_page->cpuid.default_rax, 0);
	ck_assert_uint_eq(vp->arch->advanced, 0);
	in.access = 0;
	ck_assert_uint_eq(raw(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in)), 0);
	fake_script(&step, 1);
	ck_assert_uint_eq(dispatch(&c, 0, HV_DISPATCH_CLEAR_INTERCEPT).event, HV_DISPATCH_NONE);
	/* A leaf once named keeps its place: 63 are left. */
	for (u32 i = 0; i < 63; i++) {
		in.access = 4;
		in.parameter = i;
		ck_assert_uint_eq(raw(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in)), 0);
	}
	in.parameter = 64;
	ck_assert_uint_eq(raw(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in)), HV_STATUS_NO_RESOURCES);
	in.type = HV_INTERCEPT_IO_PORT;
	ck_assert_uint_eq(raw(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in)), 0);
	in.type = 99;
	ck_assert_uint_eq(raw(HV_CALL_INSTALL_INTERCEPT, &in, sizeof(in)),
			  HV_STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(apic_bit_follows_its_base)
{
	const u32 shown_in[] = {1, 0x80000001};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(shown_in); i++) {
		const u64 modes[] = {0x800, 0xc00, 0, 0x800};

		for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
			u32 out[4] = {~0u, ~0u, ~0u, ~0u};

			ck_assert_int_eq(lapic_msr_write(&vp->lapic, MSR_APIC_BASE,
							 APIC_BASE_ADDRESS | modes[m]),
					 0);
			child_cpuid_change(vp, shown_in[i], 0, out);
			ck_assert_int_eq(out[3] >> 9 & 1, modes[m] != 0);
		}
	}
}
END_TEST

/* All of the MSR space that a permission map covers: what is in no table is #GP. */
START_TEST(msrs)
{
	const struct {
		u32 first, last;
		bool read, write;
	} known[] = {
		{0x0, 0x1, 1, 0},
		{0x10, 0x10, 1, 1},
		{0x17, 0x17, 1, 0},
		{0x1b, 0x1b, 1, 0},
		{0x2a, 0x2a, 1, 0},
		{0x34, 0x34, 1, 0},
		{0x3b, 0x3b, 1, 1},
		{0x79, 0x79, 0, 1},
		{0x88, 0x8b, 1, 1},
		{0xc1, 0xc2, 1, 1},
		{0xce, 0xce, 1, 0},
		{0xfe, 0xfe, 1, 0},
		{0x116, 0x116, 1, 1},
		{0x118, 0x11b, 1, 1},
		{0x11e, 0x11e, 1, 1},
		{0x140, 0x140, 1, 1},
		{0x174, 0x176, 1, 1},
		{0x179, 0x17a, 1, 1},
		{0x186, 0x187, 1, 1},
		{0x198, 0x199, 1, 0},
		{0x1a0, 0x1a0, 1, 1},
		{0x1d9, 0x1d9, 1, 1},
		{0x1db, 0x1de, 1, 0},
		{0x200, 0x20f, 1, 1},
		{0x250, 0x250, 1, 1},
		{0x258, 0x259, 1, 1},
		{0x268, 0x26f, 1, 1},
		{0x277, 0x277, 1, 1},
		{0x2ff, 0x2ff, 1, 1},
		{0x606, 0x606, 1, 0},
		{0x611, 0x611, 1, 0},
		{0x619, 0x619, 1, 0},
		{0x639, 0x639, 1, 0},
		{0x641, 0x641, 1, 0},
		{0x6e0, 0x6e0, 1, 1},
		{0xc0000080, 0xc0000080, 1, 1},
		{0xc0000081, 0xc0000084, 1, 1},
		{0xc0000102, 0xc0000102, 1, 1},
		{0xc0010000, 0xc0010007, 1, 1},
		{0xc0010010, 0xc0010010, 1, 1},
		{0xc0010015, 0xc0010015, 1, 1},
		{0xc001001b, 0xc001001b, 1, 1},
		{0xc001001f, 0xc001001f, 1, 1},
		{0xc0010020, 0xc0010020, 0, 1},
		{0xc0010055, 0xc0010055, 1, 1},
		{0xc0010058, 0xc0010058, 1, 1},
		{0xc0010112, 0xc0010114, 1, 0},
		{0xc0010115, 0xc0010115, 1, 1},
		{0xc0010117, 0xc0010117, 1, 1},
		{0xc0010140, 0xc0010141, 1, 0},
		{0xc0010200, 0xc001020b, 1, 1},
		{0xc0011021, 0xc0011021, 1, 0},
		{0xc0011022, 0xc0011023, 1, 1},
		{0xc0011029, 0xc001102a, 1, 1},
		{0xc001102c, 0xc001102c, 1, 1},
	};
	const u32 bases[] = {0, 0xc0000000, 0xc0010000};
	u64 value;

	prepare();
	for (size_t b = 0; b < 3; b++)
		for (u32 msr = bases[b]; msr < bases[b] + 0x2000; msr++) {
			bool r = false, w = false;

			for (size_t i = 0; i < ARRAY_SIZE(known); i++)
				if (msr >= known[i].first && msr <= known[i].last) {
					r = known[i].read;
					w = known[i].write;
				}
			if (msr_read(vp, msr, &value) != r || msr_write(vp, msr, 0) != w)
				ck_abort_msg("MSR %x", msr);
		}
}
END_TEST

/* doc/msr.md: those that have no effect read the same whatever was written. */
START_TEST(msrs_without_effect)
{
	const struct {
		u32 first, last;
		u64 value;
	} ignored[] = {
		{0x88, 0x8a, 0},
		{0xc1, 0xc2, 0},
		{0x116, 0x116, 0},
		{0x186, 0x187, 0},
		{0xc0010000, 0xc0010007, 0},
		{0xc0010015, 0xc0010015, 0},
		{0xc001001b, 0xc001001b, 0x20000000},
		{0xc0010115, 0xc0010115, 0},
		{0xc0010117, 0xc0010117, 0},
		{0xc0010200, 0xc001020b, 0},
		{0xc0011022, 0xc0011023, 0},
		{0xc0011029, 0xc0011029, 2},
	};
	u64 value;

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		for (u32 msr = ignored[i].first; msr <= ignored[i].last; msr++) {
			ck_assert(msr_write(vp, msr, 0));
			ck_assert(msr_write(vp, msr, 0x430076));
			ck_assert(msr_read(vp, msr, &value));
			ck_assert_uint_eq(value, ignored[i].value);
		}
	ck_assert(msr_write(vp, 0xc0010058, 0));
	ck_assert(!msr_write(vp, 0xc0010058, 0xe0000001));
	ck_assert(msr_read(vp, 0xc0010114, &value));
	ck_assert_uint_eq(value, 0x18);
}
END_TEST

START_TEST(which_msrs_exit)
{
	const u32 direct[] = {0x174,      0x175,      0x176,      0xc0000081,
			      0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(direct); i++) {
		ck_assert(!msr_intercepted(vp->partition, direct[i], false));
		ck_assert(!msr_intercepted(vp->partition, direct[i], true));
	}
	ck_assert(msr_intercepted(vp->partition, 0x277, false)); /* PAT: its types are checked */
	ck_assert(msr_write(vp, 0x277, 0x0007010600070406));
	ck_assert(!msr_write(vp, 0x277, 0x0007010600070206));
	ck_assert(!msr_write(vp, 0x277, 0x0807010600070406));
	ck_assert(!msr_intercepted(vp->partition, 0x10, false));
	ck_assert(msr_intercepted(vp->partition, 0x10, true));
	ck_assert(msr_intercepted(vp->partition, 0xc0000080, true));
	ck_assert(msr_intercepted(vp->partition, 0xc0000103, false)); /* TSC_AUX */
	ck_assert(msr_intercepted(vp->partition, 0x8b0, false));
	ck_assert(msr_intercepted(vp->partition, 0x12345, true));
}
END_TEST

START_TEST(mtrrs_are_kept)
{
	u64 value;
	u32 n = 0;

	prepare();
	for (u32 pass = 0; pass < 2; pass++)
		for (u32 msr = 0x200; msr < 0x300; msr++) {
			if (!msr_read(vp, msr, &value) || msr == 0x277)
				continue;
			if (!pass)
				ck_assert(msr_write(vp, msr, msr * 3 + 1));
			else
				ck_assert_uint_eq(value, msr * 3 + 1);
			n++;
		}
	ck_assert_uint_eq(n, 2 * VP_MTRRS);
}
END_TEST

START_TEST(tsc)
{
	u64 value;

	prepare();
	fake.tsc = 1000000;
	ck_assert(msr_write(vp, 0x10, 500));
	ck_assert_uint_eq(vp->arch->tsc_offset, 500 - 1000000ull);
	fake.tsc += 10;
	ck_assert(msr_read(vp, 0x10, &value));
	ck_assert_uint_eq(value, 510);
	ck_assert(msr_read(vp, 0x3b, &value)); /* what the write added */
	ck_assert_uint_eq(value, 500 - 1000000ull);
	ck_assert(msr_write(vp, 0x3b, 0));
	ck_assert(msr_read(vp, 0x10, &value));
	ck_assert_uint_eq(value, 1000010);
}
END_TEST

START_TEST(apic_by_hypervisor_msrs)
{
	u64 value;

	prepare();
	lapic_mmio_write(&vp->lapic, 0xf0, 0x1ff);
	ck_assert(msr_write(vp, HV_MSR_TPR, 0x30));
	ck_assert_uint_eq(vp->lapic.tpr, 0x30);
	ck_assert(msr_read(vp, HV_MSR_TPR, &value));
	ck_assert_uint_eq(value, 0x30);
	ck_assert(!msr_write(vp, HV_MSR_TPR, 0x100));
	ck_assert(msr_write(vp, HV_MSR_ICR, 2ull << 56 | 0x51));
	ck_assert_int_eq(lapic_pending(&vp->lapic), 0x51);
	fake_take(&vp->lapic, 0x51);
	ck_assert(msr_write(vp, HV_MSR_EOI, 0));
	ck_assert_uint_eq(lapic_ppr(&vp->lapic), 0x30);
	ck_assert(!msr_read(vp, HV_MSR_EOI, &value));
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, MSR_APIC_BASE, APIC_BASE_ADDRESS | 0xc00), 0);
	ck_assert(msr_write(vp, HV_MSR_ICR, 2ull << 32 | 0x61));
	ck_assert_int_eq(lapic_pending(&vp->lapic), 0x61);
	ck_assert(!msr_write(vp, HV_MSR_ICR, 0x100000));
}
END_TEST

START_TEST(fewer_privileges)
{
	u64 value;

	prepare();
	vp->partition->privileges = 0;
	for (u32 msr = 0x40000000; msr < 0x40000100; msr++) {
		if (msr == HV_MSR_VP_ASSIST)
			continue;
		ck_assert(!msr_read(vp, msr, &value));
		ck_assert(!msr_write(vp, msr, 0));
	}
	ck_assert_uint_eq(read_full(0x40000003, 0)[0], 0);
}
END_TEST

TEST_MAIN("child_policy", leaves, what_must_stay_hidden, hypervisor_leaves,
	  osxsave_and_avx_follow_the_guest, registered_results, intercepted_leaf,
	  apic_bit_follows_its_base, msrs, msrs_without_effect, which_msrs_exit, mtrrs_are_kept,
	  tsc, apic_by_hypervisor_msrs, fewer_privileges)
