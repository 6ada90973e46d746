/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual local APIC (Intel SDM 3A chapter 11, AMD APM 2 chapter 16). One implementation for
 * the root's and the children's VPs. It owns the register state and every priority rule; who
 * delivers a physical interrupt or writes an MSR does not know how vectors are ranked.
 *
 * Threads: lapic_post(), lapic_post_extint() and the IPI paths may run on any processor; everything
 * else only on the processor that runs the VP (or while the VP is stopped).
 *
 * The registers of x2APIC mode are MSRs, those of xAPIC mode a page; both are ways into one state.
 */
#pragma once

#include "core/timer.h"
#include "core/types.h"

struct partition;
struct vp;

#define LAPIC_HZ            200000000ull /* the virtual bus clock that divides down to the timer */

#define APIC_BASE_BSP       BIT(8)
#define APIC_BASE_X2APIC    BIT(10)
#define APIC_BASE_ENABLE    BIT(11)
#define APIC_BASE_ADDRESS   0xfee00000ull

#define MSR_APIC_BASE       0x1bu
#define MSR_TSC_DEADLINE    0x6e0u
#define MSR_X2APIC_FIRST    0x800u
#define MSR_X2APIC_LAST     0x8ffu
#define MSR_X2APIC_ICR      0x830u

#define LAPIC_MMIO_ICR      0x300u
#define LAPIC_MMIO_ICR_HIGH 0x310u

/* Delivery modes of ICR, LVT entries and messages, bits 10:8. */
enum lapic_delivery {
	DELIVER_FIXED,
	DELIVER_LOWEST,
	DELIVER_SMI,
	DELIVER_RESERVED,
	DELIVER_NMI,
	DELIVER_INIT,
	DELIVER_SIPI,
	DELIVER_EXTINT,
};

#define LAPIC_SVR_ENABLE  BIT(8)
#define LAPIC_LVT_MASKED  BIT(16)
#define LAPIC_ESR_SEND    BIT(5) /* illegal vector sent */
#define LAPIC_ESR_RECEIVE BIT(6) /* illegal vector received */
#define LAPIC_ESR_ADDRESS BIT(7) /* no such register */

enum lapic_lvt {
	LVT_CMCI,
	LVT_TIMER,
	LVT_THERMAL,
	LVT_PERF,
	LVT_LINT0,
	LVT_LINT1,
	LVT_ERROR,
	LVT_COUNT,
};

struct lapic {
	u64 irr[4]; /* atomic; vector v is bit v % 64 of word v / 64 */
	u64 tmr[4]; /* atomic; set with the IRR bit, before it */
	u64 isr[4];
	u64 auto_eoi[4]; /* vectors that end by being taken (SynIC) */
	u64 base;        /* MSR_APIC_BASE */
	u32 id;          /* physical APIC id */
	u32 svr, tpr, ldr, dfr;
	u32 esr, esr_pending; /* esr_pending: atomic */
	u32 icr_low, icr_high;
	u32 lvt[LVT_COUNT];
	u32 timer_initial, timer_divide;
	u64 timer_start; /* TSC when the count was written */
	u64 timer_ticks; /* bus ticks from then to the next expiry */
	u64 tsc_deadline;
	s64 extint; /* atomic: vector of a pending ExtINT (bypasses IRR and ISR), or -1 */
	struct timer timer;
};

enum lapic_result {
	LAPIC_OK,
	LAPIC_GP, /* inject #GP(0) */
};

/* Once, after arch_tsc_hz() is known. */
void lapic_init_clock(void);

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

/* vp->tsc_offset has changed: the deadline is looked at once more. */
void lapic_timer_tsc_moved(struct lapic *l);

/* True if the page at APIC_BASE_ADDRESS answers: xAPIC mode. */
bool lapic_mmio_on(const struct lapic *l);
/* Aligned 32-bit access at `offset` of that page. Unknown registers read 0 and set ESR. */
u32 lapic_mmio_read(struct lapic *l, u32 offset);
void lapic_mmio_write(struct lapic *l, u32 offset, u32 value);

/*
 * Sets a vector pending. `level` tells lapic_eoi() to report it. Returns false if it already was
 * pending, or the APIC takes none. The caller kicks the VP if it is not the current one. Vectors
 * below 16 set ESR instead.
 */
bool lapic_post(struct lapic *l, u8 vector, bool level);

/* An interrupt of the 8259 that was acknowledged there; the next entry injects it. */
void lapic_post_extint(struct lapic *l, u8 vector);

/*
 * Highest vector that may interrupt what is in service now (its class is above the highest ISR
 * class), not counting TPR; -1: none. The processor compares it with TPR in hardware; where that
 * is not so, lapic_deliverable() does it in software.
 */
int lapic_pending(const struct lapic *l);
int lapic_deliverable(const struct lapic *l);

/* Whether the 8259's line reaches the processor: through LINT0, or past a disabled APIC. */
bool lapic_passes_extint(const struct lapic *l);

/* Nothing is pending at all: the question of every entry. */
static inline bool lapic_idle(const struct lapic *l)
{
	return !(__atomic_load_n(&l->irr[0], __ATOMIC_RELAXED) |
		 __atomic_load_n(&l->irr[1], __ATOMIC_RELAXED) |
		 __atomic_load_n(&l->irr[2], __ATOMIC_RELAXED) |
		 __atomic_load_n(&l->irr[3], __ATOMIC_RELAXED));
}

/*
 * Delivery. The processor takes a vector by itself, which is known only at the next exit: begin
 * takes the vector out of IRR, so that the same one sent meanwhile is a new one and does not get
 * lost; end puts it into ISR if it was taken, else back. A vector with auto-EOI ends with that, and
 * never is in service (TLFS 11.8.4). Between the two nobody looks at IRR but lapic_post().
 */
void lapic_begin_offer(struct lapic *l, u8 vector);
void lapic_end_offer(struct lapic *l, u8 vector, bool taken);
/* The vector, accepted last, was not delivered after all. False: it is not one in service. */
bool must_check lapic_take_back(struct lapic *l, u8 vector);

/* EOI: clears the highest ISR bit, reports level ones: vp_level_eoi(). */
void lapic_eoi(struct lapic *l);

/* CR8 view of TPR (bits 7:4). */
void lapic_set_cr8(struct lapic *l, u8 cr8);
u8 lapic_cr8(const struct lapic *l);
u8 lapic_ppr(const struct lapic *l);

/* The software-enable bit and the mode; a disabled LAPIC takes no fixed interrupts. */
bool lapic_enabled(const struct lapic *l);

/* Interrupt of an IPI, an MSI or an IOAPIC entry: who gets it and what. */
struct lapic_message {
	u32 destination;
	u8 vector;
	enum lapic_delivery delivery;
	bool logical;
	bool level;  /* trigger mode */
	bool assert; /* of a level-triggered one */
	bool wide;   /* destination is 32 bits (x2APIC); else 8 bits, 0xff being everybody */
};

/* Delivers to the VPs of a partition. `self`: the sender, left out or alone by shorthand; or NULL. */
enum lapic_shorthand { TO_DESTINATION, TO_SELF, TO_ALL, TO_OTHERS };
void lapic_send(struct partition *p, struct vp *self, enum lapic_shorthand shorthand,
		const struct lapic_message *message);
