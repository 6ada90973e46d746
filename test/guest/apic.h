/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC in x2APIC mode: register index + 0x800 is the MSR (SDM 3A 11.12.1.2). */
#ifndef GUEST_APIC_H
#define GUEST_APIC_H

#include "x86/asm.h"

enum apic_register {
	APIC_ID = 0x02,
	APIC_VERSION = 0x03,
	APIC_TPR = 0x08,
	APIC_PPR = 0x0a,
	APIC_EOI = 0x0b,
	APIC_LDR = 0x0d,
	APIC_SVR = 0x0f,
	APIC_ISR = 0x10,
	APIC_TMR = 0x18,
	APIC_IRR = 0x20,
	APIC_ESR = 0x28,
	APIC_LVT_CMCI = 0x2f,
	APIC_ICR = 0x30,
	APIC_LVT_TIMER = 0x32,
	APIC_LVT_THERMAL = 0x33,
	APIC_LVT_PERF = 0x34,
	APIC_LVT_LINT0 = 0x35,
	APIC_LVT_LINT1 = 0x36,
	APIC_LVT_ERROR = 0x37,
	APIC_TIMER_INITIAL = 0x38,
	APIC_TIMER_CURRENT = 0x39,
	APIC_TIMER_DIVIDE = 0x3e,
	APIC_SELF_IPI = 0x3f,
	APIC_EXT_FEATURE = 0x40, /* of AMD */
};

#define MSR_APIC_BASE       0x1b
#define MSR_TSC_DEADLINE    0x6e0
#define MSR_X2APIC          0x800

#define APIC_SVR_ENABLE     (1u << 8)
#define APIC_MASKED         (1u << 16)
#define APIC_TIMER_PERIODIC (1u << 17)
#define APIC_TIMER_DEADLINE (2u << 17)
#define APIC_MODE_LOWEST    (1u << 8)
#define APIC_MODE_NMI       (4u << 8)
#define APIC_MODE_INIT      (5u << 8)
#define APIC_MODE_STARTUP   (6u << 8)
#define APIC_MODE_EXTINT    (7u << 8)
#define APIC_LOGICAL        (1u << 11)
#define APIC_ASSERT         (1u << 14)
#define APIC_TO_SELF        (1u << 18)
#define APIC_TO_ALL         (2u << 18)
#define APIC_TO_OTHERS      (3u << 18)

static inline u64 apic_read(u32 reg)
{
	return rdmsr(MSR_X2APIC + reg);
}

static inline void apic_write(u32 reg, u64 value)
{
	wrmsr(MSR_X2APIC + reg, value);
}

static inline void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static inline void apic_send(u32 destination, u32 command)
{
	apic_write(APIC_ICR, (u64)destination << 32 | command);
}

/* Bit of ISR, TMR or IRR. */
static inline bool apic_bit(u32 first, u8 vector)
{
	return apic_read(first + vector / 32) >> vector % 32 & 1;
}

#endif
