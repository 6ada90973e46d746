/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The physical local APIC as the hypervisor drives it, in both modes, on one that is a page of
 * memory or an array of MSRs. (That memory does not do anything: what is shown is which registers
 * are written with what, in which order of modes.)
 */
#include "runner.h"
#include "core/lapic.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/layout.h"

#define BASE        0x1b
#define X2APIC      BIT(10)
#define ENABLE      BIT(11)
#define LVTS_OF_SIX (5u << 16 | 0x10)
#define EXTENDED    BIT(31)

u8 apic_window[PAGE_SIZE] aligned_to(PAGE_SIZE);

static u64 base, registers[0x100];
static bool has_x2apic, no_extended_msrs;

u64 rdmsr(u32 msr)
{
	if (msr == BASE)
		return base;
	ck_assert_msg((base & X2APIC) && msr >= 0x800 && msr < 0x900, "MSR %x read", msr);
	return registers[msr - 0x800];
}

int rdmsr_safe(u32 msr, u64 *ret_value)
{
	if (no_extended_msrs)
		return -1;
	*ret_value = rdmsr(msr);
	return 0;
}

/* Modes change by the ways that there are: off – xAPIC – x2APIC (SDM 3A 11.12.5). */
void wrmsr(u32 msr, u64 value)
{
	if (msr == BASE) {
		ck_assert(!(value & X2APIC) || ((value & ENABLE) && (base & ENABLE)));
		ck_assert(!(base & X2APIC) || (value & X2APIC));
		ck_assert(!(value & X2APIC) || has_x2apic);
		base = value;
		return;
	}
	ck_assert_msg((base & X2APIC) && msr >= 0x800 && msr < 0x900, "MSR %x written", msr);
	ck_assert_msg(msr != 0x80e && msr != 0x831, "%x is not there in x2APIC mode", msr);
	registers[msr - 0x800] = value;
}

void cpuid(u32 leaf, u32 sub, u32 out[4])
{
	memset(out, 0, 4 * sizeof(*out));
	out[2] = leaf == 1 && has_x2apic ? 1u << 21 : 0;
}

static u32 *window(u32 reg)
{
	return (u32 *)(apic_window + reg * 16);
}

static void power_on(bool wide, u64 mode, u32 version)
{
	memset(apic_window, 0, sizeof(apic_window));
	memset(registers, 0, sizeof(registers));
	has_x2apic = wide;
	base = 0xfee00000 | mode;
	*window(APIC_VERSION) = version;
	registers[APIC_VERSION] = version;
	registers[APIC_EXT_FEATURE] = 4u << 16;
	*window(APIC_EXT_FEATURE) = 4u << 16;
	apic_init_mode();
	apic_id(); /* works at once */
	apic_init_cpu();
}

START_TEST(x2apic_where_there_is_one)
{
	static const u64 left_by_firmware[] = {0, ENABLE, ENABLE | X2APIC};

	for (u32 i = 0; i < ARRAY_SIZE(left_by_firmware); i++) {
		power_on(true, left_by_firmware[i], LVTS_OF_SIX);
		ck_assert_uint_eq(base, 0xfee00000 | ENABLE | X2APIC);
		ck_assert_uint_eq(registers[APIC_SVR], 0x1ff);
		ck_assert_uint_eq(registers[APIC_LVT_TIMER], VECTOR_TIMER);
		ck_assert_uint_eq(registers[APIC_LVT_LINT0], APIC_LVT_MASK);
		ck_assert_uint_eq(registers[APIC_LVT_CMCI], 0);
		registers[APIC_ID] = 0x12345;
		ck_assert_uint_eq(apic_id(), 0x12345);
		ck_assert(apic_reaches(0x12345));
		apic_send(0x12345, APIC_ASSERT | APIC_MODE_INIT);
		ck_assert_uint_eq(registers[APIC_ICR], 0x12345ull << 32 | 0x4500);
	}
}
END_TEST

START_TEST(xapic_where_there_is_not)
{
	power_on(false, ENABLE, LVTS_OF_SIX);
	ck_assert_uint_eq(base, 0xfee00000 | ENABLE);
	ck_assert_uint_eq(*window(APIC_SVR), 0x1ff);
	ck_assert_uint_eq(*window(APIC_DFR), ~0u);
	ck_assert_uint_eq(*window(APIC_LVT_TIMER), VECTOR_TIMER);
	*window(APIC_ID) = 0x7f000000;
	ck_assert_uint_eq(apic_id(), 0x7f);
	ck_assert(apic_reaches(0xfe) && !apic_reaches(0xff) && !apic_reaches(0x100));
	apic_send(0x7f, VECTOR_KICK);
	ck_assert_uint_eq(*window(APIC_ICR_HIGH), 0x7f000000);
	ck_assert_uint_eq(*window(APIC_ICR), VECTOR_KICK);
}
END_TEST

START_TEST(extended_lvts)
{
	power_on(true, ENABLE, LVTS_OF_SIX | EXTENDED);
	for (u32 i = 0; i < 4; i++) {
		ck_assert_uint_eq(registers[APIC_EXT_LVT + i], APIC_LVT_MASK);
		ck_assert(apic_has_extended(APIC_EXT_LVT + i));
	}
	ck_assert(apic_has_extended(APIC_EXT_FEATURE));
	ck_assert(!apic_has_extended(APIC_EXT_LVT + 4) && !apic_has_extended(APIC_EXT_LVT - 1));
	no_extended_msrs = true;
	power_on(true, ENABLE, LVTS_OF_SIX | EXTENDED);
	ck_assert(!apic_has_extended(APIC_EXT_FEATURE) && !apic_has_extended(APIC_EXT_LVT));
	no_extended_msrs = false;
	power_on(true, ENABLE, LVTS_OF_SIX);
	ck_assert_uint_eq(registers[APIC_EXT_LVT], 0);
	ck_assert(!apic_has_extended(APIC_EXT_FEATURE) && !apic_has_extended(APIC_EXT_LVT));
}
END_TEST

TEST_MAIN("apic", x2apic_where_there_is_one, xapic_where_there_is_not, extended_lvts)
