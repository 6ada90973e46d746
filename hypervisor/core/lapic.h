/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual local APIC (Intel SDM 3A chapter 11, AMD APM 2 chapter 16). One implementation for
 * the root's and the children's VPs. This file owns the register state and every priority rule;
 * who delivers a physical interrupt or writes an MSR does not know how vectors are ranked.
 *
 * Threads: lapic_post(), lapic_post_nmi() and the IPI paths may run on any processor; everything
 * else only on the processor that runs the VP (or while the VP is stopped).
 *
 * x2APIC registers are reached through lapic_msr_*; the state is kept by x2APIC index, so that the
 * xAPIC page of children is another way in (lapic_mmio_*), not another state.
 */
#ifndef CORE_LAPIC_H
#define CORE_LAPIC_H

#include "core/timer.h"
#include "core/types.h"

struct vp;

#define LAPIC_HZ \
	200000000ull /* the virtual bus clock that divides down to the timer, as Hyper-V's */

#define APIC_BASE_BSP     BIT(8)
#define APIC_BASE_X2APIC  BIT(10)
#define APIC_BASE_ENABLE  BIT(11)
#define APIC_BASE_ADDRESS 0xfee00000ull

#define MSR_APIC_BASE     0x1b
#define MSR_TSC_DEADLINE  0x6e0
#define MSR_X2APIC_FIRST  0x800
#define MSR_X2APIC_LAST   0x8ff

struct lapic {
	u32 irr[8]; /* atomic */
	u32 tmr[8]; /* atomic; set with the IRR bit, before it */
	u32 isr[8];
	u32 id; /* physical APIC id */
	u32 svr, tpr, ldr, dfr, esr, esr_pending;
	u32 icr_low, icr_high;
	u32 lvt[7]; /* CMCI, timer, thermal, perf, LINT0, LINT1, error: enum lapic_lvt */
	u32 timer_initial, timer_divide;
	u64 timer_start; /* TSC when the running count began */
	u64 base;        /* MSR_APIC_BASE */
	u64 tsc_deadline;
	s64 extint; /* atomic: vector of a pending ExtINT (bypasses IRR and ISR), or -1 */
	struct timer timer;
};

enum lapic_lvt {
	LVT_CMCI,
	LVT_TIMER,
	LVT_THERMAL,
	LVT_PERF,
	LVT_LINT0,
	LVT_LINT1,
	LVT_ERROR,
};

enum lapic_result {
	LAPIC_OK,
	LAPIC_GP, /* inject #GP(0) */
};

/*
 * Power-up state. `base` is the initial MSR_APIC_BASE: the root's is enabled in x2APIC mode (its
 * "firmware" did that), a child's is in xAPIC mode.
 */
void lapic_init(struct lapic *l, u32 id, u64 base);

/* INIT reset: as power-up, but the id, the mode and APIC_BASE stay (SDM 3A 11.4.7.3). */
void lapic_reset(struct lapic *l);

/* MSR_APIC_BASE, MSR_TSC_DEADLINE and 0x800–0x8ff. Reserved bits and unknown registers: LAPIC_GP. */
enum lapic_result must_check lapic_msr_read(struct lapic *l, u32 msr, u64 *ret_value);
enum lapic_result must_check lapic_msr_write(struct lapic *l, u32 msr, u64 value);

/*
 * Sets a vector pending. `level` tells lapic_eoi() to report it. Returns false if it already was
 * pending. The caller kicks the VP if it is not the current one. Vectors below 16 set ESR instead.
 */
bool lapic_post(struct lapic *l, u8 vector, bool level);

/*
 * Highest vector that may interrupt what is in service now (its class is above the highest ISR
 * class), not counting TPR; -1: none. The processor compares it with TPR in hardware; where that
 * is not so, lapic_deliverable() does it in software.
 */
int lapic_pending(const struct lapic *l);
int lapic_deliverable(const struct lapic *l);

/* The processor took `vector`: IRR → ISR. */
void lapic_accept(struct lapic *l, u8 vector);

/* EOI: clears the highest ISR bit, reports level ones through arch_level_eoi(). */
void lapic_eoi(struct lapic *l);

/* CR8 view of TPR (bits 7:4). */
void lapic_set_cr8(struct lapic *l, u8 cr8);
u8 lapic_cr8(const struct lapic *l);
u8 lapic_ppr(const struct lapic *l);

/* The software-enable bit and the mode; a disabled LAPIC takes no fixed interrupts. */
bool lapic_enabled(const struct lapic *l);

#endif
