// SPDX-License-Identifier: GPL-2.0-or-later
/* See apic.h. The mode is the same on all processors and never changes after boot. */
#include "core/arch.h"
#include "core/lapic.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/layout.h"

#define X2APIC_MSR       0x800
#define CPUID_X2APIC     BIT(21) /* 1 ECX */
#define XAPIC_BROADCAST  0xff
#define ICR_BUSY         BIT(12)
#define TIMER_DIVIDE_1   0xb
#define VERSION_EXTENDED BIT(31)

static bool x2apic;

/* From off to x2APIC mode there is no way but by xAPIC mode (SDM 3A 11.12.5). */
static void enable(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	if (x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
}

void apic_init_mode(void)
{
	u32 leaf[4];

	cpuid(1, 0, leaf);
	x2apic = (leaf[2] & CPUID_X2APIC) || (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC);
	enable();
}

bool apic_is_x2apic(void)
{
	return x2apic;
}

bool apic_reaches(u32 id)
{
	return x2apic || id < XAPIC_BROADCAST;
}

u32 apic_read(u32 reg)
{
	if (x2apic)
		return (u32)rdmsr(X2APIC_MSR + reg);
	return *(volatile u32 *)(APIC_WINDOW + reg * 16);
}

void apic_write(u32 reg, u32 value)
{
	if (x2apic)
		wrmsr(X2APIC_MSR + reg, value);
	else
		*(volatile u32 *)(APIC_WINDOW + reg * 16) = value;
}

u32 apic_id(void)
{
	u32 id = apic_read(APIC_ID);

	return x2apic ? id : id >> 24;
}

/* An emulator's version can promise them in both modes where only one has them. */
static bool read_extended_feature(u32 *ret_value)
{
	u64 value = 0;

	if (!(apic_read(APIC_VERSION) & VERSION_EXTENDED))
		return false;
	if (x2apic && rdmsr_safe(X2APIC_MSR + APIC_EXT_FEATURE, &value))
		return false;
	*ret_value = x2apic ? (u32)value : apic_read(APIC_EXT_FEATURE);
	return true;
}

bool apic_has_extended(u32 reg)
{
	u32 feature;

	return read_extended_feature(&feature) &&
	       (reg == APIC_EXT_FEATURE || reg - APIC_EXT_LVT < (feature >> 16 & 0xff));
}

bool apic_has_lvt(u32 reg)
{
	u32 max = apic_read(APIC_VERSION) >> 16 & 0xff;

	switch (reg) {
	case APIC_LVT_PERF:
		return max >= 4;
	case APIC_LVT_THERMAL:
		return max >= 5;
	case APIC_LVT_CMCI:
		return max >= 6;
	default:
		return true;
	}
}

static void mask_lvts(void)
{
	static const u8 lvts[] = {APIC_LVT_TIMER, APIC_LVT_LINT0,   APIC_LVT_LINT1, APIC_LVT_ERROR,
				  APIC_LVT_PERF,  APIC_LVT_THERMAL, APIC_LVT_CMCI};

	for (u32 i = 0; i < ARRAY_SIZE(lvts); i++)
		if (apic_has_lvt(lvts[i]))
			apic_write(lvts[i], APIC_LVT_MASK);
	for (u32 reg = APIC_EXT_LVT; apic_has_extended(reg); reg++)
		apic_write(reg, APIC_LVT_MASK);
}

void apic_init_cpu(void)
{
	enable();
	if (!x2apic) {
		apic_write(APIC_DFR, ~0u);
		apic_write(APIC_LDR, 0);
	}
	/* Mask first: QEMU forgets an ExtINT that is withdrawn only at the next register write. */
	mask_lvts();
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_1);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
}

bool apic_vector_bit(u32 first_reg, u8 vector)
{
	return apic_read(first_reg + vector / 32) >> (vector % 32) & 1;
}

void apic_send(u32 destination, u32 command)
{
	if (x2apic) {
		wrmsr(X2APIC_MSR + APIC_ICR, (u64)destination << 32 | command);
		return;
	}
	while (apic_read(APIC_ICR) & ICR_BUSY)
		arch_pause();
	apic_write(APIC_ICR_HIGH, destination << 24);
	apic_write(APIC_ICR, command);
}

void apic_send_all_but_self_nmi(void)
{
	apic_send(0, APIC_ALL_BUT_SELF | APIC_ASSERT | APIC_MODE_NMI);
}

void apic_timer_start(u32 ticks)
{
	apic_write(APIC_TIMER_INITIAL, ticks);
}
