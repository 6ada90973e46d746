/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC timer in its three modes; FAKE_HZ is ten ticks of TSC for one of the bus clock. */
#include "core/lapic.h"
#include "runner.h"

#define SVR         0x80f
#define TIMER       0x832
#define INITIAL     0x838
#define CURRENT     0x839
#define DIVIDE      0x83e
#define VECTOR      0xec
#define DIVIDE_BY_1 0xb

_Static_assert(FAKE_HZ == 10 * LAPIC_HZ, "the figures below");

static struct lapic *l;

static void wr(u32 msr, u64 value)
{
	ck_assert_int_eq(lapic_msr_write(l, msr, value), LAPIC_OK);
}

static u64 rd(u32 msr)
{
	u64 value = 0;

	ck_assert_int_eq(lapic_msr_read(l, msr, &value), LAPIC_OK);
	return value;
}

static void prepare(u32 lvt)
{
	fake_root(1);
	l = &root_partition.vp[0]->lapic;
	wr(SVR, 0x1ff);
	wr(DIVIDE, DIVIDE_BY_1);
	wr(TIMER, lvt | VECTOR);
}

static void at(u64 tsc)
{
	fake.tsc = tsc;
	if (tsc >= fake.timer_armed)
		fake.timer_armed = TIMER_NEVER; /* it has fired */
	timers_expire(&fake_timers[0], tsc);
}

static bool fired(void)
{
	if (lapic_pending(l) != VECTOR)
		return false;
	fake_take(l, VECTOR);
	lapic_eoi(l);
	return true;
}

START_TEST(one_shot)
{
	prepare(0);
	wr(INITIAL, 100);
	ck_assert_uint_eq(rd(CURRENT), 100);
	at(500);
	ck_assert_uint_eq(rd(CURRENT), 50);
	at(991);
	ck_assert_uint_eq(rd(CURRENT), 1);
	ck_assert(!fired());
	ck_assert_uint_ge(fake.timer_armed, 1000);
	ck_assert_uint_le(fake.timer_armed, 1010);
	at(fake.timer_armed);
	ck_assert(fired());
	ck_assert_uint_eq(rd(CURRENT), 0);
	ck_assert_uint_eq(rd(INITIAL), 100);
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
	at(5000);
	ck_assert(!fired());
}
END_TEST

START_TEST(dividers)
{
	const struct {
		u32 code, by;
	} d[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};

	for (size_t i = 0; i < ARRAY_SIZE(d); i++) {
		fake_reset();
		prepare(0);
		wr(DIVIDE, d[i].code);
		wr(INITIAL, 1000);
		ck_assert_uint_ge(fake.timer_armed, 10000ull * d[i].by);
		ck_assert_uint_le(fake.timer_armed, 10000ull * d[i].by + 10);
		fake.tsc = 2500ull * d[i].by;
		ck_assert_uint_eq(rd(CURRENT), 750);
	}
}
END_TEST

START_TEST(divider_changed_while_running)
{
	prepare(0);
	wr(INITIAL, 1000);
	fake.tsc = 4000;
	wr(DIVIDE, 0);
	ck_assert_uint_eq(rd(CURRENT), 600);
	fake.tsc = 4000 + 2000;
	ck_assert_uint_eq(rd(CURRENT), 500);
	ck_assert_uint_ge(fake.timer_armed, 16000);
	ck_assert_uint_le(fake.timer_armed, 16010);
}
END_TEST

START_TEST(periodic_does_not_drift)
{
	prepare(0x20000);
	fake.tsc_hz = 0; /* the clock was set up before: nothing below may ask again */
	wr(INITIAL, 40333);
	for (u64 n = 1; n <= 10000; n++) {
		at(fake.timer_armed);
		if (!fired())
			ck_abort_msg("period %lu", n);
		if (fake.tsc < n * 403330 || fake.tsc > n * 403330 + 1)
			ck_abort_msg("period %lu at %lu", n, fake.tsc);
	}
}
END_TEST

START_TEST(periodic_seen_late)
{
	prepare(0x20000);
	wr(INITIAL, 100000);
	at(3500000);
	ck_assert(fired());
	ck_assert(!fired());
	ck_assert_uint_ge(fake.timer_armed, 4000000);
	ck_assert_uint_le(fake.timer_armed, 4000001);
	ck_assert_uint_eq(rd(CURRENT), 50000);
	fake.tsc = 4200000; /* due, but nobody came yet: the count has wrapped */
	ck_assert_uint_eq(rd(CURRENT), 80000);
}
END_TEST

START_TEST(count_zero_stops)
{
	prepare(0x20000);
	wr(INITIAL, 100);
	wr(INITIAL, 0);
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
	ck_assert_uint_eq(rd(CURRENT), 0);
}
END_TEST

START_TEST(masked_runs_silently)
{
	prepare(0x10000);
	wr(INITIAL, 10);
	at(fake.timer_armed);
	ck_assert(!fired());
	ck_assert_uint_eq(rd(CURRENT), 0);
}
END_TEST

START_TEST(one_shot_and_periodic_share_the_count)
{
	prepare(0);
	wr(INITIAL, 100);
	fake.tsc = 300;
	wr(TIMER, 0x20000 | VECTOR);
	ck_assert_uint_eq(rd(CURRENT), 70);
	at(fake.timer_armed);
	ck_assert(fired());
	ck_assert_uint_ge(fake.timer_armed, 2000);
}
END_TEST

/* A one-shot that has run out stands still, whatever the mode becomes; so does a saved one. */
START_TEST(spent_stays_zero)
{
	const bool seen[] = {true, false}; /* whether the timer's interrupt came before the write */

	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		fake_reset();
		prepare(0);
		wr(INITIAL, 100);
		fake.tsc = 1300;
		if (seen[i])
			at(fake.tsc);
		wr(TIMER, 0x20000 | VECTOR);
		ck_assert(fired());
		ck_assert_uint_eq(rd(CURRENT), 0);
		ck_assert_uint_eq(rd(INITIAL), 100);
		ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
		at(10000000);
		ck_assert(!fired());
		wr(TIMER, VECTOR);
		ck_assert_uint_eq(rd(CURRENT), 0);
		wr(INITIAL, 100); /* starts it again */
		ck_assert_uint_eq(rd(CURRENT), 100);
	}
}
END_TEST

/* Due, but nobody came yet, when the guest writes: it fires by the entry that it ran under. */
START_TEST(writes_when_due)
{
	const struct {
		u32 lvt, msr;
		u64 value;
		bool fires;
	} w[] = {
		{0, TIMER, 0x10000 | VECTOR, true},
		{0x10000, TIMER, VECTOR, false},
		{0, TIMER, 0x33, true},
		{0, TIMER, 0x40000 | VECTOR, true},
		{0x20000, TIMER, VECTOR, true},
		{0x20000, DIVIDE, 0, true},
		{0, DIVIDE, 0, true},
		{0, INITIAL, 5000, true},
		{0x20000, INITIAL, 0, true},
		{0x40000, TIMER, VECTOR, true},
		{0x40000, MSR_TSC_DEADLINE, 0, true},
		{0x50000, TIMER, 0x40000 | VECTOR, false},
		{0x40000, MSR_TSC_DEADLINE, 1ull << 40, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		fake_reset();
		prepare(w[i].lvt);
		wr(INITIAL, 40000);
		wr(MSR_TSC_DEADLINE, 400000);
		fake.tsc = 400020;
		wr(w[i].msr, w[i].value);
		if (fired() != w[i].fires)
			ck_abort_msg("row %zu", i);
		at(fake.tsc + 10);
		ck_assert(!fired());
	}
}
END_TEST

/* From periodic to one-shot, the period that runs is the last. */
START_TEST(periodic_ends)
{
	prepare(0x20000);
	wr(INITIAL, 100);
	fake.tsc = 3300; /* short periods: two were passed over */
	ck_assert_uint_eq(rd(CURRENT), 70);
	wr(TIMER, VECTOR);
	ck_assert(fired()); /* for those */
	ck_assert_uint_eq(rd(CURRENT), 70);
	at(4001);
	ck_assert(fired());
	ck_assert_uint_eq(rd(CURRENT), 0);
	at(10000000);
	ck_assert(!fired());
}
END_TEST

/* Periods below the floor: the count goes by the period, interrupts come every 200 µs, in step. */
START_TEST(period_floor)
{
	const u64 floor = FAKE_HZ / 5000;
	const u32 counts[] = {1, 7, 100, 39999};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		u64 period = counts[i] * 10ull, last = 0;

		fake_reset();
		prepare(0x20000);
		wr(INITIAL, counts[i]);
		for (u32 n = 0; n < 1000; n++) {
			at(fake.timer_armed);
			ck_assert(fired());
			ck_assert_uint_le(fake.tsc % period, 1);
			if (n)
				ck_assert_uint_ge(fake.tsc - last, floor);
			ck_assert_uint_le(fake.tsc - last, floor + period);
			last = fake.tsc;
		}
		fake.tsc = last + period / 2;
		ck_assert_uint_ge(rd(CURRENT), counts[i] / 2);
		ck_assert_uint_le(rd(CURRENT), counts[i] / 2 + 1);
	}
}
END_TEST

/* A deadline is compared with the TSC as the guest has set it. */
START_TEST(deadline_and_moved_tsc)
{
	struct vp *vp;

	prepare(0x40000);
	vp = root_partition.vp[0];
	fake.tsc = 1000;
	wr(MSR_TSC_DEADLINE, 5000);
	vp_set_tsc(vp, 4000);
	ck_assert_uint_eq(fake.timer_armed, 2000);
	vp_set_tsc(vp, 0);
	ck_assert_uint_eq(fake.timer_armed, 6000);
	ck_assert(!fired());
	vp_set_tsc(vp, 5000);
	ck_assert(fired());
	ck_assert_uint_eq(rd(MSR_TSC_DEADLINE), 0);
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
}
END_TEST

/* The deadline passes between two looks at the clock: it is due, not lost. */
START_TEST(deadline_passes_meanwhile)
{
	for (u64 ahead = 1; ahead < 12; ahead++) {
		fake_reset();
		prepare(0x40000);
		fake.tsc = 1000;
		fake.tsc_step = 3;
		wr(MSR_TSC_DEADLINE, 1000 + ahead);
		fake.tsc_step = 0;
		at(2000);
		ck_assert(fired());
	}
}
END_TEST

/* While the partition is frozen, what is saved is what there was, and what is set starts then. */
START_TEST(frozen)
{
	prepare(0);
	wr(INITIAL, 100);
	root_partition.frozen_tsc = fake.tsc = 300;
	root_partition.frozen = true;
	fake.tsc = 500000;
	ck_assert_uint_eq(rd(CURRENT), 70);
	wr(INITIAL, 50);
	root_partition.frozen = false;
	vp_shift_time(root_partition.vp[0], fake.tsc - 300);
	ck_assert_uint_eq(rd(CURRENT), 50);
	ck_assert_uint_eq(fake.timer_armed, fake.tsc + 501);
}
END_TEST

START_TEST(deadline)
{
	prepare(0x40000);
	wr(MSR_TSC_DEADLINE, 1000);
	ck_assert_uint_eq(fake.timer_armed, 1000);
	ck_assert_uint_eq(rd(MSR_TSC_DEADLINE), 1000);
	at(999);
	ck_assert(!fired());
	at(1000);
	ck_assert(fired());
	ck_assert_uint_eq(rd(MSR_TSC_DEADLINE), 0);
	wr(INITIAL, 55); /* ignored in this mode */
	ck_assert_uint_eq(rd(INITIAL), 0);
	ck_assert_uint_eq(rd(CURRENT), 0);
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
}
END_TEST

START_TEST(deadline_in_the_past)
{
	prepare(0x40000);
	fake.tsc = 5000;
	wr(MSR_TSC_DEADLINE, 4000);
	ck_assert(fired()); /* at once */
	ck_assert_uint_eq(rd(MSR_TSC_DEADLINE), 0);
	wr(MSR_TSC_DEADLINE, 9000);
	wr(MSR_TSC_DEADLINE, 5000);
	ck_assert(fired());
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
	wr(MSR_TSC_DEADLINE, 9000);
	wr(MSR_TSC_DEADLINE, 0);
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
	wr(MSR_TSC_DEADLINE, ~0ull);
	ck_assert(!fired());
	ck_assert_uint_eq(rd(MSR_TSC_DEADLINE), ~0ull);
}
END_TEST

START_TEST(deadline_in_guest_time)
{
	prepare(0x40000);
	root_partition.vp[0]->tsc_offset = (u64)-1000000;
	fake.tsc = 1000500; /* guest: 500 */
	wr(MSR_TSC_DEADLINE, 700);
	ck_assert_uint_eq(fake.timer_armed, 1000700);
	wr(MSR_TSC_DEADLINE, 500);
	ck_assert(fired());
	wr(MSR_TSC_DEADLINE, ~0ull - 5);
	ck_assert(!fired());
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
}
END_TEST

START_TEST(deadline_elsewhere_is_ignored)
{
	prepare(0);
	wr(MSR_TSC_DEADLINE, 1000);
	ck_assert_uint_eq(rd(MSR_TSC_DEADLINE), 0);
	ck_assert_uint_ne(fake.timer_armed, 1000);
}
END_TEST

START_TEST(mode_change_disarms)
{
	prepare(0x40000);
	wr(MSR_TSC_DEADLINE, 1000);
	wr(TIMER, VECTOR);
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
	wr(TIMER, 0x40000 | VECTOR);
	ck_assert_uint_eq(rd(MSR_TSC_DEADLINE), 0);
	wr(TIMER, VECTOR);
	wr(INITIAL, 100);
	wr(TIMER, 0x40000 | VECTOR);
	ck_assert_uint_eq(fake.timer_armed, TIMER_NEVER);
}
END_TEST

/* Clocks that divide badly, and slower than the bus: never early, never more than a tick late. */
START_TEST(odd_clocks)
{
	const u64 hz[] = {1000000000, 2894561237, 3792874001, 199999999, 150000001, 5100000003};

	for (size_t i = 0; i < ARRAY_SIZE(hz); i++) {
		fake_reset();
		fake.tsc_hz = hz[i];
		prepare(0);
		for (u64 count = 1; count < 0xffffffff; count = count * 7 + 3) {
			__extension__ unsigned __int128 exact =
				(unsigned __int128)count * hz[i] / LAPIC_HZ;

			wr(INITIAL, count);
			ck_assert_uint_ge(fake.timer_armed, (u64)exact);
			ck_assert_uint_le(fake.timer_armed, (u64)exact + 1);
		}
	}
}
END_TEST

TEST_MAIN("lapic_timer", one_shot, dividers, divider_changed_while_running, periodic_does_not_drift,
	  periodic_seen_late, count_zero_stops, masked_runs_silently,
	  one_shot_and_periodic_share_the_count, spent_stays_zero, writes_when_due, periodic_ends,
	  period_floor, deadline_and_moved_tsc, deadline_passes_meanwhile, frozen, deadline,
	  deadline_in_the_past, deadline_in_guest_time, deadline_elsewhere_is_ignored,
	  mode_change_disarms, odd_clocks)
