// SPDX-License-Identifier: GPL-2.0-or-later
/* MSRs: what is hidden, what faults, what keeps its value. */
#include "apic.h"
#include "boot.h"
#include "check.h"
#include "core/format.h"
#include "cpu.h"
#include "groups.h"
#include "hv.h"
#include "hv/msr.h"

#define EFER_SCE        BIT(0)
#define MSR_VM_IGNNE    0xc0010115
#define MSR_SVM_KEY     0xc0010118
#define VM_CR_OFF       (BIT(3) | BIT(4)) /* LOCK, SVMDIS */
#define BASE_ENABLED    0xfee00c00ull
#define BASE_BSP        BIT(8)
#define FAR_ADDRESS     0x7ffffff000ull /* no machine of these tests has RAM there */
#define LOCAL_APIC_PAGE 0xfee00000ull

static void test_efer(void)
{
	u64 efer = rdmsr(MSR_EFER), v, accepted = 0, odd = 0;

	check((efer & (EFER_LME | EFER_LMA | EFER_SVME)) == (EFER_LME | EFER_LMA), "msr-efer",
	      "found %lx", efer);
	check(!msr_set(MSR_EFER, efer | EFER_SVME), "msr-efer-svme", "it could be set");
	check(!msr_set(MSR_EFER, efer & ~EFER_LME), "msr-efer-lme",
	      "it could be cleared under paging");
	for (u32 bit = 0; bit < 64; bit++) {
		/* Bochs shows TCE in CPUID, and its VMRUN refuses it. */
		if (bit == 8 || bit == 10 || (boot.bochs && bit == 15) ||
		    !msr_set(MSR_EFER, efer ^ BIT(bit)))
			continue;
		accepted |= BIT(bit);
		v = rdmsr(MSR_EFER);
		if (v != (efer ^ BIT(bit)))
			odd |= BIT(bit);
		wrmsr(MSR_EFER, efer);
	}
	check(!odd, "msr-efer-kept", "bits %lx do not keep their value", odd);
	check((accepted & (EFER_SCE | EFER_NXE)) == (EFER_SCE | EFER_NXE) &&
		      !(accepted & ~0xc801ull),
	      "msr-efer-bits", "bits %lx can be changed", accepted);
}

/* MSRs of virtualization: neither read nor written, but VM_CR, which says why. */
static void test_svm(void)
{
	static const struct {
		const char *name;
		u32 msr;
	} hidden[] = {
		{"msr-vm-ignne", MSR_VM_IGNNE},
		{"msr-vm-hsave", MSR_VM_HSAVE},
		{"msr-svm-key", MSR_SVM_KEY},
	};
	u64 v = 0;

	check(msr_get(MSR_VM_CR, &v) && v == VM_CR_OFF, "msr-vm-cr", "expected %llx, found %lx",
	      VM_CR_OFF, v);
	check(!msr_set(MSR_VM_CR, 0) && !msr_set(MSR_VM_CR, VM_CR_OFF), "msr-vm-cr-write",
	      "it can be written");
	for (u32 i = 0; i < ARRAY_SIZE(hidden); i++)
		check(!msr_get(hidden[i].msr, &v) && !msr_set(hidden[i].msr, 0), hidden[i].name,
		      "no #GP");
}

static void test_apic_base(void)
{
	static const struct {
		const char *name;
		u64 value;
	} refused[] = {
		{"msr-apic-base-off", 0xfee00000},
		{"msr-apic-base-xapic", 0xfee00800},
		{"msr-apic-base-invalid", 0xfee00400},
		{"msr-apic-base-moved", 0xfed00c00},
		{"msr-apic-base-reserved-low", BASE_ENABLED | 1},
		{"msr-apic-base-reserved-9", BASE_ENABLED | BIT(9)},
		{"msr-apic-base-reserved-63", BASE_ENABLED | BIT(63)},
	};
	u64 base = rdmsr(MSR_APIC_BASE);

	check_equal("msr-apic-base", base, BASE_ENABLED | BASE_BSP);
	check(msr_set(MSR_APIC_BASE, base), "msr-apic-base-same", "#GP");
	for (u32 i = 0; i < ARRAY_SIZE(refused); i++)
		check(!msr_set(MSR_APIC_BASE, refused[i].value), refused[i].name, "%lx is accepted",
		      refused[i].value);
	check_equal("msr-apic-base-after", rdmsr(MSR_APIC_BASE), base);
}

static void read_apic_base(void *arg)
{
	*(u64 *)arg = rdmsr(MSR_APIC_BASE);
}

static void test_apic_base_others(void)
{
	for (u32 i = 1; i < cpu_count; i++) {
		u64 base = 0;
		bool came = cpu_run(i, read_apic_base, &base);

		check(came && base == BASE_ENABLED, "msr-apic-base-ap", "processor %u: found %lx",
		      i, base);
	}
}

enum { R = 1, W = 2 };

/* x2APIC registers that exist: access, and the bits a write may set. */
static const struct {
	u8 first, last, access;
	u64 bits;
} x2apic[] = {
	{APIC_ID, APIC_VERSION, R, 0},
	{APIC_TPR, APIC_TPR, R | W, 0xff},
	{APIC_PPR, APIC_PPR, R, 0},
	{APIC_EOI, APIC_EOI, W, 0},
	{APIC_LDR, APIC_LDR, R, 0},
	{APIC_SVR, APIC_SVR, R | W, 0x3ff},
	{APIC_ISR, APIC_ISR + 23, R, 0},
	{APIC_ESR, APIC_ESR, R | W, 0},
	{APIC_LVT_CMCI, APIC_LVT_CMCI, R | W, 0x117ff},
	{APIC_ICR, APIC_ICR, R | W, 0xffffffff000cdfff},
	{APIC_LVT_TIMER, APIC_LVT_TIMER, R | W, 0x710ff},
	{APIC_LVT_THERMAL, APIC_LVT_PERF, R | W, 0x117ff},
	{APIC_LVT_LINT0, APIC_LVT_LINT1, R | W, 0x1f7ff},
	{APIC_LVT_ERROR, APIC_LVT_ERROR, R | W, 0x110ff},
	{APIC_TIMER_INITIAL, APIC_TIMER_INITIAL, R | W, 0xffffffff},
	{APIC_TIMER_CURRENT, APIC_TIMER_CURRENT, R, 0},
	{APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE, R | W, 0xb},
	{APIC_SELF_IPI, APIC_SELF_IPI, W, 0xff},
	{APIC_EXT_FEATURE, APIC_EXT_FEATURE, R, 0}, /* only where the version says so */
};

static int x2apic_rule(u32 reg)
{
	for (u32 i = 0; i < ARRAY_SIZE(x2apic); i++)
		if (reg >= x2apic[i].first && reg <= x2apic[i].last)
			return (int)i;
	return -1;
}

/* Writes that must fault do nothing; so each bit is tried with all others clear. */
static u32 x2apic_accepts_reserved(u32 reg, u64 bits)
{
	u32 accepted = 0;

	for (u32 bit = 0; bit < 64; bit++)
		if (!(bits & BIT(bit)) && msr_set(MSR_X2APIC + reg, BIT(bit)))
			accepted++;
	return accepted;
}

static void test_x2apic(void)
{
	u32 wrong_reads = 0, wrong_writes = 0, first_read = 0, first_write = 0;

	for (u32 reg = 0; reg < 0x100; reg++) {
		int rule = x2apic_rule(reg);
		bool there = reg != APIC_EXT_FEATURE || (apic_read(APIC_VERSION) & BIT(31));
		u32 access = rule < 0 || !there ? 0 : x2apic[rule].access;
		u64 bits = access & W ? x2apic[rule].bits : 0, v;

		if (msr_get(MSR_X2APIC + reg, &v) != !!(access & R) && !wrong_reads++)
			first_read = reg;
		if ((x2apic_accepts_reserved(reg, bits) ||
		     (!(access & W) && msr_set(MSR_X2APIC + reg, 0))) &&
		    !wrong_writes++)
			first_write = reg;
	}
	check(!wrong_reads, "msr-x2apic-reads", "%u registers, first %x", wrong_reads, first_read);
	check(!wrong_writes, "msr-x2apic-writes", "%u registers, first %x", wrong_writes,
	      first_write);
	apic_write(APIC_ESR, 0);
}

/* Synthetic MSRs that this partition has. */
static const struct {
	u32 first, last, access;
} synthetic[] = {
	{HV_MSR_GUEST_OS_ID, HV_MSR_HYPERCALL, R | W},
	{HV_MSR_VP_INDEX, HV_MSR_VP_INDEX, R},
	{HV_MSR_TIME_REF_COUNT, HV_MSR_TIME_REF_COUNT, R},
	{HV_MSR_REFERENCE_TSC, HV_MSR_REFERENCE_TSC, R | W},
	{HV_MSR_TSC_FREQUENCY, HV_MSR_APIC_FREQUENCY, R},
	{HV_MSR_VP_ASSIST, HV_MSR_VP_ASSIST, R | W},
	{HV_MSR_SCONTROL, HV_MSR_SCONTROL, R | W},
	{HV_MSR_SVERSION, HV_MSR_SVERSION, R},
	{HV_MSR_SIEFP, HV_MSR_EOM, R | W},
	{HV_MSR_SINT0, HV_MSR_SINT15, R | W},
	{HV_MSR_CRASH_P0, HV_MSR_CRASH_CTL, R | W},
	{HV_MSR_TSC_INVARIANT_CONTROL, HV_MSR_TSC_INVARIANT_CONTROL, R | W},
};

static u32 synthetic_access(u32 msr)
{
	for (u32 i = 0; i < ARRAY_SIZE(synthetic); i++)
		if (msr >= synthetic[i].first && msr <= synthetic[i].last)
			return synthetic[i].access;
	return 0;
}

static void test_synthetic(void)
{
	u32 reads = 0, writes = 0;

	for (u32 msr = 0x40000000; msr < 0x40000400; msr++) {
		u32 access = synthetic_access(msr);
		u64 v;

		if (msr_get(msr, &v) != !!(access & R))
			reads = msr;
		if (!(access & W) && (msr_set(msr, 0) || msr_set(msr, ~0ull)))
			writes = msr;
	}
	check(!reads, "msr-synthetic-reads", "MSR %x", reads);
	check(!writes, "msr-synthetic-writes", "MSR %x", writes);
}

static void test_crash(void)
{
	static const char text[] = "guest: this is what a crash says";
	u64 v, wrong = 0;

	for (u32 i = 0; i < 5; i++)
		wrmsr(HV_MSR_CRASH_P0 + i, 0x1111 * (i + 1));
	for (u32 i = 0; i < 5; i++)
		wrong |= rdmsr(HV_MSR_CRASH_P0 + i) ^ 0x1111 * (i + 1);
	check(!wrong, "msr-crash-parameters", "not kept: %lx", wrong);
	v = rdmsr(HV_MSR_CRASH_CTL);
	check_equal("msr-crash-control", v, HV_CRASH_NOTIFY | HV_CRASH_MESSAGE);
	wrmsr(HV_MSR_CRASH_P0 + 3, (u64)text);
	wrmsr(HV_MSR_CRASH_P4, sizeof(text) - 1);
	wrmsr(HV_MSR_CRASH_CTL, HV_CRASH_NOTIFY | HV_CRASH_MESSAGE);
	check(hv_log_has(text), "msr-crash-message", "the log does not have it");
}

/* Addresses that no page or text may be at: nothing happens to the hypervisor. */
static void test_bad_pages(void)
{
	static const char *const names[] = {"msr-page-far", "msr-page-farthest", "msr-page-device",
					    "msr-page-own"};
	struct hv_range own[HV_MAX_RANGES];
	u64 bad[] = {FAR_ADDRESS, ~0ull & ~0xfffull, LOCAL_APIC_PAGE, 0};

	hv_memory(own);
	bad[3] = own[0].start;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		bool refused = !msr_set(HV_MSR_HYPERCALL, bad[i] | HV_MSR_PAGE_ENABLE) &&
			       !msr_set(HV_MSR_REFERENCE_TSC, bad[i] | HV_MSR_PAGE_ENABLE) &&
			       !msr_set(HV_MSR_VP_ASSIST, bad[i] | HV_MSR_PAGE_ENABLE);

		check(refused, names[i], "%lx is accepted", bad[i]);
		wrmsr(HV_MSR_CRASH_P0 + 3, bad[i]);
		wrmsr(HV_MSR_CRASH_P4, ~0ull >> i * 16);
		wrmsr(HV_MSR_CRASH_CTL, HV_CRASH_NOTIFY | HV_CRASH_MESSAGE);
	}
	hv_init();
}

static void call_page(void *arg)
{
	hypercall(0, 0, 0);
}

static void test_hypercall_page(void)
{
	static const u8 start[] = {0xf3, 0x0f, 0x1e, 0xfa};
	struct fault f;

	check(!memcmp(hypercall_page, start, sizeof(start)) && hypercall_page[7] == 0xc3,
	      "msr-hypercall-page", "it does not begin with ENDBR64 and end with RET");
	check(!msr_set(HV_MSR_HYPERCALL, (u64)hypercall_page | 4), "msr-hypercall-reserved",
	      "no #GP");
	wrmsr(HV_MSR_GUEST_OS_ID, 0);
	check(!(rdmsr(HV_MSR_HYPERCALL) & HV_MSR_PAGE_ENABLE), "msr-hypercall-off-without-id",
	      "it stays enabled");
	f = try_call(call_page, NULL);
	check(f.taken && f.vector == VECTOR_UD, "msr-hypercall-ud-without-id", "taken %d vector %u",
	      f.taken, f.vector);
	hv_init();
	check_equal("msr-hypercall-on-again", rdmsr(HV_MSR_HYPERCALL),
		    (u64)hypercall_page | HV_MSR_PAGE_ENABLE);
}

static void test_assist_page(void)
{
	static u8 page[PAGE_SIZE] aligned_to(PAGE_SIZE);
	u64 sum = 0;

	memset(page, 0x55, sizeof(page));
	check(!msr_set(HV_MSR_VP_ASSIST, (u64)page | 2), "msr-assist-reserved", "no #GP");
	wrmsr(HV_MSR_VP_ASSIST, (u64)page | HV_MSR_PAGE_ENABLE);
	for (u32 i = 0; i < PAGE_SIZE; i++)
		sum += page[i];
	check_equal("msr-assist-zero", sum, 0);
	wrmsr(HV_MSR_VP_ASSIST, 0);
}

static void test_tsc_writes(void)
{
	u64 before = rdtsc(), after, v = 1;
	bool set = msr_set(MSR_TSC, 12345) && msr_set(MSR_TSC_ADJUST, 1ull << 40);

	after = rdtsc();
	check(set && after > before && after - before < 1ull << 40, "msr-tsc-write",
	      "set %d, %lx before, %lx after", set, before, after);
	check(msr_get(MSR_TSC_ADJUST, &v) && !v, "msr-tsc-adjust", "found %lx", v);
}

/* Every MSR of the three ranges of real ones can be asked for; most fault, nothing breaks. */
static void test_read_all(void)
{
	static const u32 starts[] = {0, 0xc0000000, 0xc0010000};
	u64 v, readable = 0;

	for (u32 i = 0; i < ARRAY_SIZE(starts); i++)
		for (u32 k = 0; k < 0x2000; k++)
			readable += msr_get(starts[i] + k, &v);
	check(readable > 20, "msr-read-all", "only %lu can be read", readable);
}

void test_msr(void)
{
	test_efer();
	test_svm();
	test_apic_base();
	test_apic_base_others();
	test_x2apic();
	test_synthetic();
	test_crash();
	test_bad_pages();
	test_hypercall_page();
	test_assist_page();
	test_tsc_writes();
	test_read_all();
}
