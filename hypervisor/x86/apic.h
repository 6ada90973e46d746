/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The physical local APIC of the running processor, as MMIO or – where there is x2APIC – as
 * MSRs: the root is shown x2APIC, and with an IOMMU its devices name x2APIC destinations. Registers
 * are named by their x2APIC index; MMIO offset = index × 16.
 */
#pragma once

#include "core/types.h"

enum apic_register {
	APIC_ID = 0x02,
	APIC_VERSION = 0x03,
	APIC_TPR = 0x08,
	APIC_EOI = 0x0b,
	APIC_LDR = 0x0d,
	APIC_DFR = 0x0e,
	APIC_SVR = 0x0f,
	APIC_ISR = 0x10,
	APIC_TMR = 0x18,
	APIC_LVT_CMCI = 0x2f,
	APIC_ICR = 0x30,
	APIC_ICR_HIGH = 0x31,
	APIC_LVT_TIMER = 0x32,
	APIC_LVT_THERMAL = 0x33,
	APIC_LVT_PERF = 0x34,
	APIC_LVT_LINT0 = 0x35,
	APIC_LVT_LINT1 = 0x36,
	APIC_LVT_ERROR = 0x37,
	APIC_TIMER_INITIAL = 0x38,
	APIC_TIMER_CURRENT = 0x39,
	APIC_TIMER_DIVIDE = 0x3e,
	APIC_EXT_FEATURE = 0x40, /* APM 2 16.3.5 */
	APIC_EXT_LVT = 0x50,
};

#define APIC_SVR_ENABLE   (1u << 8)
#define APIC_LVT_MASK     (1u << 16)
#define APIC_MODE_NMI     (4u << 8)
#define APIC_MODE_INIT    (5u << 8)
#define APIC_MODE_STARTUP (6u << 8)
#define APIC_MODE_EXTINT  (7u << 8)
#define APIC_ASSERT       (1u << 14)
#define APIC_ALL_BUT_SELF (3u << 18)

/* Chooses the access mode and enters it. Boot processor, before all else here. */
void apic_init_mode(void);
/* Enables the local APIC of this processor; every LVT but ours masked. */
void apic_init_cpu(void);

/* The mode that apic_init_mode() has chosen. */
bool apic_is_x2apic(void);
/* Whether an IPI can have this destination. */
bool apic_reaches(u32 id);

/* AMD's registers behind the architectural ones: APIC_EXT_FEATURE, and LVTs from APIC_EXT_LVT on. */
bool apic_has_extended(u32 reg);

/* The first four LVT entries always exist; thermal, performance and CMCI may not. */
bool apic_has_lvt(u32 reg);

u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 value);
u32 apic_id(void);

static inline void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* Bit of ISR (APIC_ISR) or TMR (APIC_TMR) for a vector. */
bool apic_vector_bit(u32 first_reg, u8 vector);

void apic_send(u32 apic_id, u32 command); /* command: ICR low half */
void apic_send_all_but_self_nmi(void);

/* One-shot count-down of the timer in ticks of apic_timer_hz; 0 stops it. */
void apic_timer_start(u32 ticks);
