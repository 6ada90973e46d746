/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC's priority rules, registers and modes. */
#include "core/lapic.h"
#include "runner.h"

#define X2(reg) (MSR_X2APIC_FIRST + (reg))
enum {
	ID = 2,
	VERSION,
	TPR = 8,
	PPR = 10,
	EOI,
	LDR = 13,
	DFR,
	SVR,
	ISR,
	TMR = 24,
	IRR = 32,
	ESR = 40,
	CMCI = 47,
	ICR,
	ICR_HIGH,
	TIMER,
	THERMAL,
	PERF,
	LINT0,
	LINT1,
	ERROR,
	INITIAL,
	CURRENT,
	DIVIDE = 62,
	SELF_IPI
};

static struct vp *vp;
static struct lapic *l;
static struct partition child;
static struct vp child_vp;

static void prepare(void)
{
	fake_reset();
	fake_root(1);
	vp = root_partition.vp[0];
	l = &vp->lapic;
}

static bool wr(u32 reg, u64 value)
{
	return lapic_msr_write(l, X2(reg), value) == LAPIC_OK;
}

static u64 rd(u32 reg)
{
	u64 value = 0;

	ck_assert_int_eq(lapic_msr_read(l, X2(reg), &value), LAPIC_OK);
	return value;
}

static void enable(void)
{
	prepare();
	ck_assert(wr(SVR, 0x1ff));
}

/* A VP that starts as a child's: xAPIC mode. */
static void prepare_child(void)
{
	fake_root(1);
	child = (struct partition){.id = 2};
	vp_init(&child_vp, &child, 0, 0, 5, &fake_timers[0]);
	vp = &child_vp;
	l = &vp->lapic;
}

START_TEST(power_up)
{
	prepare();
	ck_assert_uint_eq(rd(ID), 0);
	ck_assert_uint_eq(rd(VERSION) & 0xff, 0x15);
	ck_assert_uint_eq(rd(VERSION) >> 16, 6);
	ck_assert_uint_eq(rd(SVR), 0xff);
	ck_assert(!lapic_enabled(l));
	ck_assert_uint_eq(rd(CMCI), 0x10000);
	for (u32 reg = TIMER; reg <= ERROR; reg++)
		ck_assert_uint_eq(rd(reg), 0x10000);
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert_uint_eq(rd(CURRENT), 0);
}
END_TEST

START_TEST(disabled_takes_nothing)
{
	prepare();
	ck_assert(!lapic_post(l, 0x40, false));
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert(wr(SVR, 0x1ff));
	ck_assert(lapic_post(l, 0x40, false));
	ck_assert_int_eq(lapic_pending(l), 0x40);
}
END_TEST

START_TEST(post_accept_eoi)
{
	enable();
	ck_assert(lapic_post(l, 0x41, false));
	ck_assert(!lapic_post(l, 0x41, false));
	ck_assert_uint_eq(rd(IRR + 2), 2);
	fake_take(l, 0x41);
	ck_assert_uint_eq(rd(IRR + 2), 0);
	ck_assert_uint_eq(rd(ISR + 2), 2);
	ck_assert(lapic_post(l, 0x41, false)); /* again while in service */
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert(wr(EOI, 0));
	ck_assert_uint_eq(rd(ISR + 2), 0);
	ck_assert_int_eq(lapic_pending(l), 0x41);
	ck_assert_uint_eq(fake.level_eois, 0);
}
END_TEST

/* Every pair of vectors: the second interrupts the first if its class is higher, and only then. */
START_TEST(classes)
{
	enable();
	for (int served = 16; served < 256; served++)
		for (int v = 16; v < 256; v++) {
			bool higher = v >> 4 > served >> 4;

			lapic_post(l, (u8)served, false);
			fake_take(l, (u8)served);
			lapic_post(l, (u8)v, false);
			if ((lapic_pending(l) == v) != higher ||
			    (lapic_deliverable(l) == v) != higher)
				ck_abort_msg("%d over %d", v, served);
			if (lapic_ppr(l) != (served & 0xf0))
				ck_abort_msg("PPR with %d in service", served);
			fake_take(l, (u8)v);
			lapic_eoi(l);
			if (lapic_ppr(l) != (served < v ? served & 0xf0 : v & 0xf0) && served != v)
				ck_abort_msg("PPR after EOI, %d over %d", v, served);
			lapic_eoi(l);
			if (lapic_ppr(l))
				ck_abort_msg("PPR at the end");
		}
}
END_TEST

START_TEST(highest_first)
{
	const u8 in_order[] = {0xff, 0xfe, 0xc0, 0xbf, 0x80, 0x7f, 0x40, 0x3f, 0x10};

	enable();
	for (size_t i = ARRAY_SIZE(in_order); i; i--)
		lapic_post(l, in_order[i - 1], false);
	for (size_t i = 0; i < ARRAY_SIZE(in_order); i++) {
		ck_assert_int_eq(lapic_pending(l), in_order[i]);
		fake_take(l, in_order[i]);
		lapic_eoi(l);
	}
	ck_assert_int_eq(lapic_pending(l), -1);
}
END_TEST

START_TEST(nesting)
{
	enable();
	lapic_post(l, 0x30, false);
	fake_take(l, 0x30);
	lapic_post(l, 0x50, false);
	fake_take(l, 0x50);
	lapic_post(l, 0x40, false);
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert_uint_eq(rd(PPR), 0x50);
	lapic_eoi(l);
	ck_assert_uint_eq(rd(PPR), 0x30);
	ck_assert_int_eq(lapic_pending(l), 0x40);
	lapic_eoi(l);
	lapic_eoi(l); /* one too many: nothing */
	ck_assert_uint_eq(rd(PPR), 0);
}
END_TEST

START_TEST(tpr)
{
	enable();
	lapic_post(l, 0x52, false);
	for (u32 t = 0; t < 256; t++) {
		ck_assert(wr(TPR, t));
		ck_assert_int_eq(lapic_pending(l), 0x52); /* the processor looks at TPR */
		ck_assert_int_eq(lapic_deliverable(l), t >> 4 < 5 ? 0x52 : -1);
		ck_assert_uint_eq(rd(PPR), t);
		ck_assert_uint_eq(lapic_cr8(l), t >> 4);
	}
	lapic_set_cr8(l, 7);
	ck_assert_uint_eq(rd(TPR), 0x70);
	lapic_post(l, 0x90, false);
	fake_take(l, 0x90);
	ck_assert_uint_eq(rd(PPR), 0x90);
	lapic_set_cr8(l, 9);
	ck_assert(wr(TPR, 0x9c));
	ck_assert_uint_eq(rd(PPR), 0x9c); /* same class: TPR's low bits count */
}
END_TEST

START_TEST(level_eoi)
{
	enable();
	lapic_post(l, 0x61, true);
	ck_assert_uint_eq(rd(TMR + 3), 2);
	fake_take(l, 0x61);
	ck_assert_uint_eq(fake.level_eois, 0);
	lapic_eoi(l);
	ck_assert_uint_eq(fake.level_eois, 1);
	ck_assert_uint_eq(fake.level_eoi_vector, 0x61);
	lapic_post(l, 0x61, false); /* the same vector as an edge now */
	ck_assert_uint_eq(rd(TMR + 3), 0);
	fake_take(l, 0x61);
	lapic_eoi(l);
	ck_assert_uint_eq(fake.level_eois, 1);
}
END_TEST

START_TEST(extint_bypasses)
{
	enable();
	ck_assert_int_eq((int)l->extint, -1);
	lapic_post_extint(l, 0x08);
	ck_assert_int_eq((int)l->extint, 8);
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert_uint_eq(rd(IRR), 0);
}
END_TEST

START_TEST(reserved_bits_fault)
{
	const struct {
		u32 reg;
		u64 bits;
	} allowed[] = {
		{TPR, 0xff},        {EOI, 0},         {SVR, 0x3ff},
		{ESR, 0},           {CMCI, 0x117ff},  {TIMER, 0x710ff},
		{THERMAL, 0x117ff}, {PERF, 0x117ff},  {LINT0, 0x1f7ff},
		{LINT1, 0x1f7ff},   {ERROR, 0x110ff}, {INITIAL, 0xffffffff},
		{DIVIDE, 0xb},      {SELF_IPI, 0xff}, {ICR, 0xffffffff000cdfff},
	};

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		for (int bit = 0; bit < 64; bit++) {
			enable();
			ck_assert_int_eq(wr(allowed[i].reg, BIT(bit)), allowed[i].bits >> bit & 1);
		}
}
END_TEST

START_TEST(which_registers_exist)
{
	const u8 readable[] = {ID,    VERSION, TPR,  PPR,   LDR,   SVR,   ESR,     CMCI,    ICR,
			       TIMER, THERMAL, PERF, LINT0, LINT1, ERROR, INITIAL, CURRENT, DIVIDE};
	const u8 writable[] = {TPR,  EOI,   SVR,   ESR,   CMCI,    ICR,    TIMER,   THERMAL,
			       PERF, LINT0, LINT1, ERROR, INITIAL, DIVIDE, SELF_IPI};
	u64 value;

	enable();
	for (u32 reg = 0; reg < 0x100; reg++) {
		bool r = reg >= ISR && reg < IRR + 8, w = false;

		for (size_t i = 0; i < ARRAY_SIZE(readable); i++)
			r |= readable[i] == reg;
		for (size_t i = 0; i < ARRAY_SIZE(writable); i++)
			w |= writable[i] == reg;
		ck_assert_int_eq(lapic_msr_read(l, X2(reg), &value) == LAPIC_OK, r);
		ck_assert_int_eq(lapic_msr_write(l, X2(reg), 0) == LAPIC_OK, w);
	}
}
END_TEST

START_TEST(lvt_masked_while_disabled)
{
	enable();
	ck_assert(wr(LINT1, 0x400));
	ck_assert(wr(TIMER, 0x200ec));
	ck_assert_uint_eq(rd(LINT1), 0x400);
	ck_assert(wr(SVR, 0xff));
	ck_assert_uint_eq(rd(LINT1), 0x10400);
	ck_assert_uint_eq(rd(TIMER), 0x300ec);
	ck_assert(wr(LINT1, 0x400));
	ck_assert_uint_eq(rd(LINT1), 0x10400);
	ck_assert(wr(SVR, 0x1ff));
	ck_assert_uint_eq(rd(LINT1), 0x10400); /* the guest unmasks it itself */
	ck_assert(wr(LINT1, 0x5400));
	ck_assert_uint_eq(rd(LINT1), 0x400); /* status bits are read-only */
}
END_TEST

START_TEST(physical_lvts_are_told)
{
	enable();
	ck_assert_uint_eq(fake.lvt_changes, 0);
	ck_assert(wr(LINT0, 0x700));
	ck_assert_uint_eq(fake.lvt_changes, 1);
	ck_assert_uint_eq(fake.lvt[LVT_LINT0], 0x700);
	ck_assert(wr(LINT0, 0x700));
	ck_assert_uint_eq(fake.lvt_changes, 1);
	ck_assert(wr(PERF, 0x400));
	ck_assert(wr(PERF, 0x400)); /* unmasks it again after it fired */
	ck_assert_uint_eq(fake.lvt_changes, 3);
	ck_assert_uint_eq(fake.lvt[LVT_PERF], 0x400);
	ck_assert(wr(LINT1, 0x400));
	ck_assert_uint_eq(fake.lvt[LVT_LINT1], 0x400);
	ck_assert(wr(SVR, 0xff));
	ck_assert_uint_eq(fake.lvt[LVT_LINT0], 0x10700);
	ck_assert_uint_eq(fake.lvt[LVT_LINT1], 0x10400);
}
END_TEST

START_TEST(errors)
{
	enable();
	ck_assert(wr(ERROR, 0xfe));
	ck_assert(!lapic_post(l, 5, false));
	ck_assert_uint_eq(rd(ESR), 0); /* not before a write latches it */
	ck_assert_int_eq(lapic_pending(l), 0xfe);
	fake_take(l, 0xfe);
	lapic_eoi(l);
	ck_assert(wr(SELF_IPI, 3));
	ck_assert_int_eq(lapic_pending(l), -1); /* not armed again yet */
	ck_assert(wr(ESR, 0));
	ck_assert_uint_eq(rd(ESR), 0x60);
	ck_assert(wr(SELF_IPI, 3));
	ck_assert_int_eq(lapic_pending(l), 0xfe);
	ck_assert(wr(ESR, 0));
	ck_assert_uint_eq(rd(ESR), 0x20);
	ck_assert(wr(ESR, 0));
	ck_assert_uint_eq(rd(ESR), 0);
}
END_TEST

START_TEST(error_vector_illegal_itself)
{
	enable();
	ck_assert(wr(ERROR, 0x04));
	ck_assert(wr(ICR, 0x40000 | 7));
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert(wr(ESR, 0));
	ck_assert_uint_eq(rd(ESR), 0x20);
}
END_TEST

START_TEST(init_reset)
{
	enable();
	lapic_post(l, 0x40, true);
	lapic_post(l, 0x50, false);
	fake_take(l, 0x50);
	lapic_post_extint(l, 9);
	ck_assert(wr(TPR, 0x20));
	ck_assert(wr(LINT0, 0x700));
	ck_assert(wr(TIMER, 0x20));
	ck_assert(wr(INITIAL, 1000));
	ck_assert_uint_ne(fake.timer_armed, TIMER_NEVER);
	lapic_reset(l);
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
	for (u32 i = 0; i < 24; i++)
		ck_assert_uint_eq(rd(ISR + i), 0);
	ck_assert_uint_eq(rd(TPR), 0);
	ck_assert_uint_eq(rd(SVR), 0xff);
	ck_assert_uint_eq(rd(LINT0), 0x10000);
	ck_assert_uint_eq(rd(INITIAL), 0);
	ck_assert_int_eq((int)l->extint, -1);
	ck_assert_uint_eq(l->base, APIC_BASE_ADDRESS | 0xd00);
}
END_TEST

/* Mode transitions (SDM 3A figure 11-27): from, to, allowed for a child. */
START_TEST(base_transitions)
{
	const u64 off = 0, xapic = 0x800, x2apic = 0xc00, bad = 0x400;
	const struct {
		u64 from, to;
		bool ok;
	} move[] = {
		{off, off, true},       {off, xapic, true},     {off, x2apic, false},
		{off, bad, false},      {xapic, off, true},     {xapic, xapic, true},
		{xapic, x2apic, true},  {xapic, bad, false},    {x2apic, off, true},
		{x2apic, xapic, false}, {x2apic, x2apic, true}, {x2apic, bad, false},
	};
	u64 value;

	for (size_t i = 0; i < ARRAY_SIZE(move); i++) {
		prepare_child();
		if (move[i].from != xapic)
			ck_assert_int_eq(
				lapic_msr_write(l, MSR_APIC_BASE, APIC_BASE_ADDRESS | move[i].from),
				0);
		ck_assert_int_eq(lapic_msr_write(l, MSR_APIC_BASE,
						 APIC_BASE_ADDRESS | move[i].to) == LAPIC_OK,
				 move[i].ok);
		ck_assert_int_eq(lapic_msr_read(l, MSR_APIC_BASE, &value), LAPIC_OK);
		ck_assert_uint_eq(value, APIC_BASE_ADDRESS | APIC_BASE_BSP |
						 (move[i].ok ? move[i].to : move[i].from));
	}
}
END_TEST

START_TEST(base_bits)
{
	prepare_child();
	for (int bit = 0; bit < 64; bit++) {
		bool ok = bit == 8 || bit == 11 || bit == 10;

		l->base = APIC_BASE_ADDRESS | 0x900;
		ck_assert_int_eq(
			lapic_msr_write(l, MSR_APIC_BASE, (APIC_BASE_ADDRESS | 0x900) ^ BIT(bit)) ==
				LAPIC_OK,
			ok);
	}
}
END_TEST

START_TEST(root_stays_in_x2apic)
{
	prepare();
	for (u64 mode = 0; mode < 4; mode++)
		ck_assert_int_eq(
			lapic_msr_write(l, MSR_APIC_BASE, APIC_BASE_ADDRESS | 0x100 | mode << 10) ==
				LAPIC_OK,
			mode == 3);
}
END_TEST

START_TEST(disabling_forgets)
{
	prepare_child();
	ck_assert(lapic_mmio_on(l));
	lapic_mmio_write(l, 0xf0, 0x1ff);
	lapic_post(l, 0x40, false);
	ck_assert_int_eq(lapic_msr_write(l, MSR_APIC_BASE, APIC_BASE_ADDRESS), LAPIC_OK);
	ck_assert(!lapic_mmio_on(l));
	ck_assert(!lapic_enabled(l));
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert_int_eq(lapic_msr_write(l, MSR_APIC_BASE, APIC_BASE_ADDRESS | 0x800), LAPIC_OK);
	ck_assert_uint_eq(lapic_mmio_read(l, 0xf0), 0xff);
}
END_TEST

START_TEST(xapic_page)
{
	u64 value;

	prepare_child();
	ck_assert_int_eq(lapic_msr_read(l, X2(TPR), &value), LAPIC_GP);
	ck_assert_int_eq(lapic_msr_write(l, X2(TPR), 0), LAPIC_GP);
	ck_assert_uint_eq(lapic_mmio_read(l, 0x20), 5u << 24);
	lapic_mmio_write(l, 0x20, 0xffffffff);
	ck_assert_uint_eq(lapic_mmio_read(l, 0x20), 5u << 24);
	ck_assert_uint_eq(lapic_mmio_read(l, 0xe0), 0xffffffff);
	lapic_mmio_write(l, 0xe0, 0);
	ck_assert_uint_eq(lapic_mmio_read(l, 0xe0), 0x0fffffff);
	lapic_mmio_write(l, 0xd0, 0x12345678);
	ck_assert_uint_eq(lapic_mmio_read(l, 0xd0), 0x12000000);
	lapic_mmio_write(l, 0xf0, 0xffffffff); /* reserved bits are ignored here */
	ck_assert_uint_eq(lapic_mmio_read(l, 0xf0), 0x3ff);
	lapic_mmio_write(l, 0x80, 0x130);
	ck_assert_uint_eq(lapic_mmio_read(l, 0x80), 0x30);
	lapic_mmio_write(l, 0x310, 0x05ffffff);
	ck_assert_uint_eq(lapic_mmio_read(l, 0x310), 0x05000000);
	lapic_mmio_write(l, 0x300, 0x41);
	ck_assert_uint_eq(lapic_mmio_read(l, 0x300), 0x41);
	ck_assert_int_eq(lapic_pending(l), 0x41);
	ck_assert_uint_eq(lapic_mmio_read(l, 0x84), 0); /* not on 16 bytes */
	ck_assert_uint_eq(lapic_mmio_read(l, 0x3f0), 0);
	lapic_mmio_write(l, 0x280, 0);
	ck_assert_uint_eq(lapic_mmio_read(l, 0x280), 0x80);
	fake_take(l, 0x41);
	lapic_mmio_write(l, 0xb0, 1234);
	ck_assert_uint_eq(lapic_mmio_read(l, 0xa0), 0x30);
}
END_TEST

START_TEST(to_x2apic_keeps_state)
{
	prepare_child();
	lapic_mmio_write(l, 0xf0, 0x1ff);
	lapic_mmio_write(l, 0x80, 0x20);
	lapic_post(l, 0x44, false);
	ck_assert_int_eq(lapic_msr_write(l, MSR_APIC_BASE, APIC_BASE_ADDRESS | 0xc00), LAPIC_OK);
	ck_assert(!lapic_mmio_on(l));
	ck_assert_uint_eq(rd(ID), 5);
	ck_assert_uint_eq(rd(LDR), 1 << 5);
	ck_assert_uint_eq(rd(TPR), 0x20);
	ck_assert_int_eq(lapic_pending(l), 0x44);
}
END_TEST

TEST_MAIN("lapic", power_up, disabled_takes_nothing, post_accept_eoi, classes, highest_first,
	  nesting, tpr, level_eoi, extint_bypasses, reserved_bits_fault, which_registers_exist,
	  lvt_masked_while_disabled, physical_lvts_are_told, errors, error_vector_illegal_itself,
	  init_reset, base_transitions, base_bits, root_stays_in_x2apic, disabling_forgets,
	  xapic_page, to_x2apic_keeps_state)
