/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the local APIC call of each other; nobody else includes this. */
#pragma once

#include "core/lapic.h"

/* x2APIC register numbers (MSR - 0x800); the xAPIC page has them 16 bytes apart. */
enum lapic_register {
	REG_ID = 0x02,
	REG_VERSION = 0x03,
	REG_TPR = 0x08,
	REG_PPR = 0x0a,
	REG_EOI = 0x0b,
	REG_LDR = 0x0d,
	REG_DFR = 0x0e, /* xAPIC only */
	REG_SVR = 0x0f,
	REG_ISR = 0x10,
	REG_TMR = 0x18,
	REG_IRR = 0x20,
	REG_ESR = 0x28,
	REG_LVT_CMCI = 0x2f,
	REG_ICR = 0x30,
	REG_ICR_HIGH = 0x31, /* xAPIC only */
	REG_LVT_TIMER = 0x32,
	REG_LVT_THERMAL = 0x33,
	REG_LVT_PERF = 0x34,
	REG_LVT_LINT0 = 0x35,
	REG_LVT_LINT1 = 0x36,
	REG_LVT_ERROR = 0x37,
	REG_TIMER_INITIAL = 0x38,
	REG_TIMER_CURRENT = 0x39,
	REG_TIMER_DIVIDE = 0x3e,
	REG_SELF_IPI = 0x3f, /* x2APIC only */
	REG_COUNT = 0x40,
};

/* lapic.c: notes an error for ESR and raises LVT_ERROR. Any processor. */
void lapic_error(struct lapic *l, u32 bit);

/* lapic_ipi.c: ICR (or self-IPI, by value) was written. */
void lapic_send_icr(struct lapic *l, u32 low, u32 destination);

/* lapic_timer.c */
void lapic_timer_init(struct lapic *l);
void lapic_timer_stop(struct lapic *l);
/* After lvt[LVT_TIMER] changed from `old`. */
void lapic_timer_mode_changed(struct lapic *l, u32 old);
void lapic_timer_set_initial(struct lapic *l, u32 count);
void lapic_timer_set_divide(struct lapic *l, u32 divide);
void lapic_timer_restore(struct lapic *l, u32 initial, u32 current, u32 divide);
u32 lapic_timer_current(const struct lapic *l);
u64 lapic_timer_deadline(const struct lapic *l);
void lapic_timer_set_deadline(struct lapic *l, u64 deadline);
