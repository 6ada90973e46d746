/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers as the guest sees them: the MSRs of x2APIC mode, where a reserved bit or a wrong
 * register is #GP, and the page of xAPIC mode, where both are ignored.
 */
#include "core/lapic_parts.h"
#include "core/partition.h"

/* Seven LVT entries, integrated APIC, no EOI-broadcast suppression. */
#define VERSION         (0x15 | (LVT_COUNT - 1) << 16)

#define LVT_VECTOR      0x000000ffu
#define LVT_DELIVERY    0x00000700u
#define LVT_STATUS      0x00001000u /* read-only */
#define LVT_POLARITY    0x00002000u
#define LVT_REMOTE_IRR  0x00004000u /* read-only */
#define LVT_TRIGGER     0x00008000u
#define LVT_TIMER_MODES 0x00060000u
#define LVT_EVENT_BITS  (LVT_VECTOR | LVT_DELIVERY | LVT_STATUS | LAPIC_LVT_MASKED)
#define LVT_LINT_BITS   (LVT_EVENT_BITS | LVT_POLARITY | LVT_REMOTE_IRR | LVT_TRIGGER)

#define ICR_BUSY        0x00001000u
#define ICR_BITS        0x000ccfffu

enum { READABLE = 1, WRITABLE = 2, READ_WRITE = 3, X2_READ_ONLY = 4 };

static const struct register_rule {
	u32 bits; /* that a write may set */
	u8 access;
} rules[REG_COUNT] = {
	[REG_ID] = {0, READABLE},
	[REG_VERSION] = {0, READABLE},
	[REG_TPR] = {0xff, READ_WRITE},
	[REG_PPR] = {0, READABLE},
	[REG_EOI] = {0, WRITABLE},
	[REG_LDR] = {0xff000000, READ_WRITE | X2_READ_ONLY},
	[REG_SVR] = {0x3ff, READ_WRITE},
	[REG_ISR... REG_ISR + 7] = {0, READABLE},
	[REG_TMR... REG_TMR + 7] = {0, READABLE},
	[REG_IRR... REG_IRR + 7] = {0, READABLE},
	[REG_ESR] = {0, READ_WRITE},
	[REG_LVT_CMCI] = {LVT_EVENT_BITS, READ_WRITE},
	[REG_ICR] = {ICR_BITS | ICR_BUSY, READ_WRITE},
	[REG_LVT_TIMER] = {LVT_VECTOR | LVT_STATUS | LAPIC_LVT_MASKED | LVT_TIMER_MODES,
			   READ_WRITE},
	[REG_LVT_THERMAL] = {LVT_EVENT_BITS, READ_WRITE},
	[REG_LVT_PERF] = {LVT_EVENT_BITS, READ_WRITE},
	[REG_LVT_LINT0] = {LVT_LINT_BITS, READ_WRITE},
	[REG_LVT_LINT1] = {LVT_LINT_BITS, READ_WRITE},
	[REG_LVT_ERROR] = {LVT_VECTOR | LVT_STATUS | LAPIC_LVT_MASKED, READ_WRITE},
	[REG_TIMER_INITIAL] = {~0u, READ_WRITE},
	[REG_TIMER_CURRENT] = {0, READABLE},
	[REG_TIMER_DIVIDE] = {0xb, READ_WRITE},
	[REG_SELF_IPI] = {0xff, WRITABLE},
};

static bool is_x2apic(const struct lapic *l)
{
	return l->base & APIC_BASE_X2APIC;
}

static u32 word_of(const u64 bits[4], u32 i)
{
	return (u32)(__atomic_load_n(&bits[i / 2], __ATOMIC_RELAXED) >> 32 * (i & 1));
}

static enum lapic_lvt lvt_of(u32 reg)
{
	return reg == REG_LVT_CMCI ? LVT_CMCI : LVT_TIMER + (reg - REG_LVT_TIMER);
}

static u32 read_ldr(const struct lapic *l)
{
	return is_x2apic(l) ? (l->id >> 4) << 16 | 1u << (l->id & 15) : l->ldr;
}

/* A readable register; the two halves of ICR are the callers' matter. */
static u32 read_register(const struct lapic *l, u32 reg)
{
	switch (reg) {
	case REG_ID:
		return is_x2apic(l) ? l->id : l->id << 24;
	case REG_VERSION:
		return VERSION;
	case REG_TPR:
		return l->tpr;
	case REG_PPR:
		return lapic_ppr(l);
	case REG_LDR:
		return read_ldr(l);
	case REG_SVR:
		return l->svr;
	case REG_ISR ... REG_ISR + 7:
		return word_of(l->isr, reg - REG_ISR);
	case REG_TMR ... REG_TMR + 7:
		return word_of(l->tmr, reg - REG_TMR);
	case REG_IRR ... REG_IRR + 7:
		return word_of(l->irr, reg - REG_IRR);
	case REG_ESR:
		return l->esr;
	case REG_LVT_CMCI:
	case REG_LVT_TIMER ... REG_LVT_ERROR:
		return l->lvt[lvt_of(reg)];
	case REG_ICR:
		return l->icr_low;
	case REG_TIMER_INITIAL:
		return l->timer_initial;
	case REG_TIMER_CURRENT:
		return lapic_timer_current(l);
	case REG_TIMER_DIVIDE:
		return l->timer_divide;
	default:
		return 0;
	}
}

/* Performance counters mask their entry when they fire: writing it again counts as a change. */
static void physical_lvt_written(struct lapic *l, enum lapic_lvt n, u32 old)
{
	struct vp *vp = container_of(l, struct vp, lapic);

	if (vp->partition->root && (l->lvt[n] != old || n == LVT_PERF))
		arch_lvt_changed(vp, n, l->lvt[n]);
}

static void write_lvt(struct lapic *l, enum lapic_lvt n, u32 value)
{
	u32 old = l->lvt[n];

	value &= ~(LVT_STATUS | LVT_REMOTE_IRR);
	if (!(l->svr & LAPIC_SVR_ENABLE))
		value |= LAPIC_LVT_MASKED;
	l->lvt[n] = value;
	if (n == LVT_TIMER)
		lapic_timer_mode_changed(l, old);
	else if (n != LVT_ERROR)
		physical_lvt_written(l, n, old);
}

static void write_svr(struct lapic *l, u32 value)
{
	l->svr = value;
	if (value & LAPIC_SVR_ENABLE)
		return;
	for (int i = 0; i < LVT_COUNT; i++)
		write_lvt(l, i, l->lvt[i] | LAPIC_LVT_MASKED);
}

static void write_icr(struct lapic *l, u32 low, u32 destination)
{
	l->icr_low = low & ~ICR_BUSY;
	l->icr_high = destination;
	lapic_send_icr(l, l->icr_low, destination);
}

/* xAPIC: the destination lies in bits 31:24 of the other half. */
static void write_icr_low(struct lapic *l, u32 value)
{
	l->icr_low = value & ICR_BITS;
	lapic_send_icr(l, l->icr_low, l->icr_high >> 24);
}

/* A writable register, with a value that its rule allows. */
static void write_register(struct lapic *l, u32 reg, u32 value)
{
	switch (reg) {
	case REG_TPR:
		l->tpr = value;
		break;
	case REG_EOI:
		lapic_eoi(l);
		break;
	case REG_LDR:
		l->ldr = value;
		break;
	case REG_SVR:
		write_svr(l, value);
		break;
	case REG_ESR:
		l->esr = __atomic_exchange_n(&l->esr_pending, 0, __ATOMIC_RELAXED);
		break;
	case REG_LVT_CMCI:
	case REG_LVT_TIMER ... REG_LVT_ERROR:
		write_lvt(l, lvt_of(reg), value);
		break;
	case REG_TIMER_INITIAL:
		lapic_timer_set_initial(l, value);
		break;
	case REG_TIMER_DIVIDE:
		lapic_timer_set_divide(l, value);
		break;
	case REG_SELF_IPI:
		lapic_send_icr(l, value | TO_SELF << 18, 0);
		break;
	}
}

static enum lapic_result read_x2apic(struct lapic *l, u32 reg, u64 *ret_value)
{
	if (!is_x2apic(l) || reg >= REG_COUNT || !(rules[reg].access & READABLE))
		return LAPIC_GP;
	*ret_value = read_register(l, reg);
	if (reg == REG_ICR)
		*ret_value |= (u64)l->icr_high << 32;
	return LAPIC_OK;
}

static enum lapic_result write_x2apic(struct lapic *l, u32 reg, u64 value)
{
	if (!is_x2apic(l) || reg >= REG_COUNT)
		return LAPIC_GP;
	if ((rules[reg].access & (WRITABLE | X2_READ_ONLY)) != WRITABLE)
		return LAPIC_GP;
	if ((u32)value & ~rules[reg].bits)
		return LAPIC_GP;
	if (reg == REG_ICR) {
		write_icr(l, (u32)value, (u32)(value >> 32));
		return LAPIC_OK;
	}
	if (value >> 32)
		return LAPIC_GP;
	write_register(l, reg, (u32)value);
	return LAPIC_OK;
}

/*
 * Modes: disabled → xAPIC → x2APIC, and from both back to disabled. The root stays in x2APIC mode:
 * the page belongs to the physical APIC, which it must not reach.
 */
static enum lapic_result write_base(struct lapic *l, u64 value)
{
	const u64 modes = APIC_BASE_ENABLE | APIC_BASE_X2APIC;
	u64 from = l->base & modes, to = value & modes;

	if ((value & ~(modes | APIC_BASE_BSP)) != APIC_BASE_ADDRESS)
		return LAPIC_GP;
	if (container_of(l, struct vp, lapic)->partition->root && to != from)
		return LAPIC_GP;
	if (to == APIC_BASE_X2APIC || (from == modes && to == APIC_BASE_ENABLE) ||
	    (!from && to == modes))
		return LAPIC_GP;
	if (from && !to)
		lapic_reset(l);
	l->base = APIC_BASE_ADDRESS | (l->base & APIC_BASE_BSP) | to;
	return LAPIC_OK;
}

enum lapic_result lapic_msr_read(struct lapic *l, u32 msr, u64 *ret_value)
{
	switch (msr) {
	case MSR_APIC_BASE:
		*ret_value = l->base;
		return LAPIC_OK;
	case MSR_TSC_DEADLINE:
		*ret_value = lapic_timer_deadline(l);
		return LAPIC_OK;
	default:
		return read_x2apic(l, msr - MSR_X2APIC_FIRST, ret_value);
	}
}

enum lapic_result lapic_msr_write(struct lapic *l, u32 msr, u64 value)
{
	switch (msr) {
	case MSR_APIC_BASE:
		return write_base(l, value);
	case MSR_TSC_DEADLINE:
		lapic_timer_set_deadline(l, value);
		return LAPIC_OK;
	default:
		return write_x2apic(l, msr - MSR_X2APIC_FIRST, value);
	}
}

bool lapic_mmio_on(const struct lapic *l)
{
	return (l->base & (APIC_BASE_ENABLE | APIC_BASE_X2APIC)) == APIC_BASE_ENABLE;
}

u32 lapic_mmio_read(struct lapic *l, u32 offset)
{
	u32 reg = offset >> 4;

	if (offset % 16)
		return 0;
	if (reg == REG_DFR)
		return l->dfr;
	if (reg == REG_ICR_HIGH)
		return l->icr_high;
	if (reg < REG_COUNT && (rules[reg].access & READABLE))
		return read_register(l, reg);
	lapic_error(l, LAPIC_ESR_ADDRESS);
	return 0;
}

void lapic_mmio_write(struct lapic *l, u32 offset, u32 value)
{
	u32 reg = offset >> 4;

	if (offset % 16)
		return;
	if (reg == REG_DFR)
		l->dfr = value | 0x0fffffff;
	else if (reg == REG_ICR_HIGH)
		l->icr_high = value & 0xff000000;
	else if (reg == REG_ICR)
		write_icr_low(l, value);
	else if (reg < REG_SELF_IPI && (rules[reg].access & WRITABLE))
		write_register(l, reg, value & rules[reg].bits);
	else if (reg != REG_ID && reg != REG_VERSION)
		lapic_error(l, LAPIC_ESR_ADDRESS);
}
