// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUID: what the hypervisor shows, hides and mirrors. */
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv/cpuid.h"
#include "x86/asm.h"

enum { EAX, EBX, ECX, EDX };

#define CR4_PKE BIT(22)

/* Bits that must be set or clear on any machine. */
static const struct {
	const char *name;
	u32 leaf;
	u8 reg;
	u32 set, clear;
} bits[] = {
	{"cpuid-hypervisor", 1, ECX, BIT(31), 0},
	{"cpuid-x2apic", 1, ECX, BIT(21), 0},
	{"cpuid-tsc-deadline", 1, ECX, BIT(24), 0},
	{"cpuid-no-vmx-smx", 1, ECX, 0, BIT(5) | BIT(6)},
	{"cpuid-arat", 6, EAX, BIT(2), 0},
	{"cpuid-no-svm-skinit", 0x80000001, ECX, 0, BIT(2) | BIT(12)},
	{"cpuid-svm-leaf-eax", 0x8000000a, EAX, 0, ~0u},
	{"cpuid-svm-leaf-ebx", 0x8000000a, EBX, 0, ~0u},
	{"cpuid-svm-leaf-ecx", 0x8000000a, ECX, 0, ~0u},
	{"cpuid-svm-leaf-edx", 0x8000000a, EDX, 0, ~0u},
	{"cpuid-no-encryption", 0x8000001f, EAX, 0, ~0u},
	{"cpuid-hv-access", HV_CPUID_FEATURES, EAX,
	 HV_ACCESS_REFERENCE_COUNTER | HV_ACCESS_HYPERCALL_MSRS | HV_ACCESS_VP_INDEX |
		 HV_ACCESS_REFERENCE_TSC | HV_ACCESS_FREQUENCY_MSRS | HV_ACCESS_TSC_INVARIANT |
		 HV_ACCESS_SYNIC,
	 HV_ACCESS_SYNTHETIC_TIMERS | HV_ACCESS_APIC_MSRS},
	/* AccessPartitionId and CpuManagement would make Linux take itself for a root. */
	{"cpuid-not-linux-root", HV_CPUID_FEATURES, EBX, 0, BIT(1) | BIT(12)},
	{"cpuid-hv-features", HV_CPUID_FEATURES, EDX,
	 HV_FEATURE_FREQUENCIES | HV_FEATURE_CRASH_MSRS, HV_FEATURE_DIRECT_TIMER},
	{"cpuid-hv-hints", HV_CPUID_RECOMMENDATIONS, EAX,
	 HV_HINT_RELAXED_TIMING | HV_HINT_DEPRECATE_AUTOEOI, 0},
	{"cpuid-hv-synthetic-debugger", 0x40000081, EAX, 0, ~0u},
	{"cpuid-hv-synthetic-debugger-2", 0x40000082, EAX, 0, ~0u},
	{"cpuid-hv-last", HV_CPUID_LAST, EAX, 0, ~0u},
};

static void test_bits(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(bits); i++) {
		u32 out[4], found;

		cpuid(bits[i].leaf, 0, out);
		found = out[bits[i].reg];
		check((found & bits[i].set) == bits[i].set && !(found & bits[i].clear),
		      bits[i].name, "leaf %x gives %x, needs %x set, %x clear", bits[i].leaf, found,
		      bits[i].set, bits[i].clear);
	}
}

static void test_vendor(void)
{
	u32 out[4];

	cpuid(HV_CPUID_VENDOR, 0, out);
	check(out[EAX] >= HV_CPUID_LIMITS && out[EAX] <= 0x4000ffff, "cpuid-hv-range",
	      "last leaf is %x", out[EAX]);
	check(!memcmp(&out[EBX], "Microsoft Hv", 12), "cpuid-hv-vendor", "found %x %x %x", out[EBX],
	      out[ECX], out[EDX]);
	cpuid(HV_CPUID_INTERFACE, 0, out);
	check_equal("cpuid-hv-interface", out[EAX], HV_INTERFACE_SIGNATURE);
}

static bool leaf_bit(u32 leaf, u32 reg, u32 bit)
{
	u32 out[4];

	cpuid(leaf, 0, out);
	return out[reg] & BIT(bit);
}

/* CPUID bits that mirror CR4: off, on, as it was. */
static void test_mirror(const char *name, u64 cr4_bit, u32 leaf, u32 feature, u32 mirror)
{
	u64 cr4 = read_cr4();
	bool off, on;

	if (!leaf_bit(leaf, ECX, feature))
		return;
	write_cr4(cr4 & ~cr4_bit);
	off = leaf_bit(leaf, ECX, mirror);
	write_cr4(cr4 | cr4_bit);
	on = leaf_bit(leaf, ECX, mirror);
	write_cr4(cr4);
	check(!off && on, name, "bit is %d without CR4's, %d with it", off, on);
}

/* The size of the XSAVE area follows the guest's XCR0. */
static void test_xsave_size(void)
{
	u64 xcr0 = xgetbv(0);
	u32 small[4], large[4];

	xsetbv(0, 1);
	cpuid(0xd, 0, small);
	xsetbv(0, 7);
	cpuid(0xd, 0, large);
	xsetbv(0, xcr0);
	check(small[EBX] == 576 && large[EBX] == 832, "cpuid-xsave-size",
	      "expected 576 and 832 bytes, found %u and %u", small[EBX], large[EBX]);
}

static u32 wrong_ids;

static void check_ids(void *arg)
{
	u32 one[4], topology[4], index = this_cpu()->index;

	cpuid(1, 0, one);
	cpuid(0xb, 0, topology);
	if (one[EBX] >> 24 != index || topology[EDX] != index)
		__atomic_fetch_add(&wrong_ids, 1, __ATOMIC_RELAXED);
}

static void test_ids(void)
{
	bool all;

	wrong_ids = 0;
	all = cpu_run_all(check_ids, NULL);
	check(all && !wrong_ids, "cpuid-apic-ids", "%u of %u processors see a wrong id", wrong_ids,
	      cpu_count);
}

void test_cpuid(void)
{
	test_vendor();
	test_bits();
	test_mirror("cpuid-osxsave", CR4_OSXSAVE, 1, 26, 27);
	test_mirror("cpuid-ospke", CR4_PKE, 7, 3, 4);
	test_xsave_size();
	test_ids();
}
