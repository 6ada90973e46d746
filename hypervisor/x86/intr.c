// SPDX-License-Identifier: GPL-2.0-or-later
/* See intr.h. Runs with interrupts off, out of the interrupt window or the idle halt only. */
#include "core/arch.h"
#include "core/vp.h"
#include "x86/apic.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/intr.h"

static void set_bit(u32 *bits, u8 n)
{
	bits[n / 32] |= 1u << (n % 32);
}

static void clear_bit(u32 *bits, u8 n)
{
	bits[n / 32] &= ~(1u << (n % 32));
}

static bool test_bit(const u32 *bits, u8 n)
{
	return bits[n / 32] >> (n % 32) & 1;
}

static int highest_bit(const u32 *bits)
{
	for (int i = 7; i >= 0; i--)
		if (bits[i])
			return i * 32 + 31 - __builtin_clz(bits[i]);
	return -1;
}

/* A device interrupt: one uncached read to learn the trigger mode, one write to end it. */
static void forward(struct cpu *cpu, u8 vector)
{
	struct lapic *l = &cpu->vp->lapic;

	if (cpu->extint_enabled && !apic_vector_bit(APIC_ISR, vector)) {
		lapic_post_extint(l, vector);
		return;
	}
	if (apic_vector_bit(APIC_TMR, vector)) {
		set_bit(cpu->level_in_service, vector);
		if (!lapic_post(l, vector, true)) /* the root takes none: nobody will end it */
			arch_level_eoi(cpu->vp, vector);
		return;
	}
	apic_eoi();
	lapic_post(l, vector, false);
}

void intr_handle(u64 vector)
{
	struct cpu *cpu = this_cpu();

	switch (vector) {
	case VECTOR_KICK:
		apic_eoi();
		break;
	case VECTOR_TIMER:
		apic_eoi();
		cpu->timers.armed = TIMER_NEVER;
		timers_expire(&cpu->timers, rdtsc());
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		if (cpu->vp)
			forward(cpu, (u8)vector);
		else
			apic_eoi();
	}
}

void arch_level_eoi(struct vp *vp, u8 vector)
{
	struct cpu *cpu = this_cpu();
	int top;

	if (!test_bit(cpu->level_in_service, vector))
		return;
	set_bit(cpu->level_eoi_owed, vector);
	while ((top = highest_bit(cpu->level_in_service)) >= 0 &&
	       test_bit(cpu->level_eoi_owed, (u8)top)) {
		clear_bit(cpu->level_in_service, (u8)top);
		clear_bit(cpu->level_eoi_owed, (u8)top);
		apic_eoi();
	}
}

#define EXT_FEATURE_LVTS 0x00ff0000 /* how many; not what else would have to be switched on */

bool arch_lapic_read_extended(u32 reg, u32 *ret_value)
{
	if (!apic_has_extended(reg))
		return false;
	*ret_value = apic_read(reg) & (reg == APIC_EXT_FEATURE ? EXT_FEATURE_LVTS : ~0u);
	return true;
}

bool arch_lapic_write_extended(u32 reg, u32 value)
{
	if (reg == APIC_EXT_FEATURE || !apic_has_extended(reg))
		return false;
	apic_write(reg, value);
	return true;
}

void arch_lvt_changed(struct vp *vp, u32 lvt, u32 value)
{
	static const u8 registers[] = {
		[LVT_CMCI] = APIC_LVT_CMCI,   [LVT_THERMAL] = APIC_LVT_THERMAL,
		[LVT_PERF] = APIC_LVT_PERF,   [LVT_LINT0] = APIC_LVT_LINT0,
		[LVT_LINT1] = APIC_LVT_LINT1,
	};

	/* NMIs and ExtINTs come in by other ways than a vector of the IDT. */
	if (lvt == LVT_LINT0)
		this_cpu()->extint_enabled =
			(value & (APIC_LVT_MASK | APIC_MODE_EXTINT)) == APIC_MODE_EXTINT;
	if (apic_has_lvt(registers[lvt]))
		apic_write(registers[lvt], value);
	apic_write(APIC_TPR, 0); /* as in apic_init_cpu() */
}
