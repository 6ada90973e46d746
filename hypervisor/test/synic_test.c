/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SynIC and synthetic timers of a child's VP: slots, flags, masks, auto-EOI, every timer mode. */
#include "child.h"
#include "core/child_exit.h"
#include "core/msr.h"
#include "core/reftime.h"
#include "core/stimer.h"
#include "core/synic.h"
#include "hv/msr.h"

#define RW (HV_MAP_READABLE | HV_MAP_WRITABLE)

static struct child c;
static struct vp *vp;
static struct hv_message *slots;
static u8 *flags;

static bool wr(u32 msr, u64 value)
{
	return msr_write(vp, msr, value);
}

static u64 rd(u32 msr)
{
	u64 value = 0;

	ck_assert(msr_read(vp, msr, &value));
	return value;
}

static void prepare(void)
{
	child_machine();
	fake.tsc = FAKE_HZ;
	c = child_new(40);
	child_add_vp(&c, 0);
	vp = child_vp(&c, 0);
	slots = (void *)child_ram(&c, 0x10, RW);
	flags = child_ram(&c, 0x11, RW);
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, MSR_APIC_BASE, APIC_BASE_ADDRESS | 0xd00), 0);
	ck_assert_int_eq(lapic_msr_write(&vp->lapic, 0x80f, 0x1ff), 0);
	ck_assert(wr(HV_MSR_SIMP, 0x10001));
	ck_assert(wr(HV_MSR_SIEFP, 0x11001));
	ck_assert(wr(HV_MSR_SINT0 + 2, 0xf3));
	ck_assert(wr(HV_MSR_SCONTROL, 1));
}

static hv_status post(u32 sint, u32 type)
{
	struct hv_post_message_direct_input in = {.partition_id = c.id, .sint = sint};
	struct hv_message m = {.type = type, .payload_size = 3, .sender = 9, .payload = "abc"};

	memcpy(in.message, &m, sizeof(m));
	return STATUS(raw(HV_CALL_POST_MESSAGE_DIRECT, &in, sizeof(in)));
}

static hv_status signal_flag(u32 sint, u32 flag, bool *newly)
{
	struct hv_signal_event_direct_input in = {c.id, 0, 0, (u8)sint, (u16)flag};
	hv_status status = STATUS(raw(HV_CALL_SIGNAL_EVENT_DIRECT, &in, sizeof(in)));

	*newly = out_page[0];
	return status;
}

/* Takes the pending vector, or -1. */
static int interrupt(void)
{
	int vector = lapic_pending(&vp->lapic);

	if (vector >= 0) {
		fake_take(&vp->lapic, (u8)vector);
		lapic_eoi(&vp->lapic);
	}
	return vector;
}

START_TEST(power_up)
{
	child_machine();
	c = child_new(40);
	child_add_vp(&c, 0);
	vp = child_vp(&c, 0);
	ck_assert_uint_eq(rd(HV_MSR_SCONTROL), 0);
	ck_assert_uint_eq(rd(HV_MSR_SVERSION), 1);
	ck_assert_uint_eq(rd(HV_MSR_SIMP), 0);
	ck_assert_uint_eq(rd(HV_MSR_EOM), 0);
	for (u32 i = 0; i < 16; i++)
		ck_assert_uint_eq(rd(HV_MSR_SINT0 + i), HV_SINT_MASKED);
	ck_assert(!wr(HV_MSR_SVERSION, 1));
	ck_assert(!wr(HV_MSR_SINT0, 0x0f)); /* below 16 and not masked */
	ck_assert(wr(HV_MSR_SINT0, 0x1000f));
	ck_assert(!wr(HV_MSR_SINT0, 0x80020));
	ck_assert(!wr(HV_MSR_SIMP, 0x10003));
	ck_assert(
		wr(HV_MSR_SIMP, 0x7777001)); /* nothing there: it does not work, but is no fault */
	ck_assert_uint_eq(post(2, 1), HV_STATUS_INVALID_SYNIC_STATE);
}
END_TEST

START_TEST(message)
{
	prepare();
	ck_assert_uint_eq(post(2, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(slots[2].type, 1);
	ck_assert_uint_eq(slots[2].payload_size, 3);
	ck_assert_uint_eq(slots[2].sender, 9);
	ck_assert_uint_eq(slots[2].flags, 0);
	ck_assert_mem_eq(slots[2].payload, "abc", 3);
	ck_assert_int_eq(interrupt(), 0xf3);
}
END_TEST

START_TEST(full_slot)
{
	prepare();
	ck_assert_uint_eq(post(2, 1), HV_STATUS_SUCCESS);
	interrupt();
	ck_assert_uint_eq(post(2, 2), HV_STATUS_INSUFFICIENT_BUFFERS);
	ck_assert_uint_eq(slots[2].type, 1);
	ck_assert_uint_eq(slots[2].flags, HV_MESSAGE_PENDING);
	ck_assert_int_eq(interrupt(), -1);
	ck_assert_uint_eq(synic_slots_freed(vp), 0);
	slots[2].type = 0;
	ck_assert(wr(HV_MSR_EOM, 0));
	child_slots_freed(vp);
	ck_assert_uint_eq(vp->intercept_page->type, HV_MESSAGE_KEELSON_MESSAGE_FREE);
	ck_assert_uint_eq(vp->intercept_page->message_free.sints, 4);
	vp->suspended = false;
	child_slots_freed(vp); /* once */
	ck_assert(!vp->suspended);
	ck_assert_uint_eq(post(2, 2), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(slots[2].flags, 0);
}
END_TEST

START_TEST(masks_and_switches)
{
	bool newly;

	prepare();
	ck_assert(wr(HV_MSR_SINT0 + 2, HV_SINT_MASKED | 0xf3));
	ck_assert_uint_eq(post(2, 1),
			  HV_STATUS_SUCCESS); /* the message stays, the interrupt is lost */
	ck_assert_int_eq(interrupt(), -1);
	ck_assert_uint_eq(signal_flag(2, 1, &newly), HV_STATUS_INVALID_SYNIC_STATE);
	ck_assert(wr(HV_MSR_SINT0 + 2, HV_SINT_POLLING | 0xf3));
	ck_assert_uint_eq(signal_flag(2, 1, &newly), HV_STATUS_SUCCESS);
	ck_assert_int_eq(interrupt(), -1);
	ck_assert(wr(HV_MSR_SINT0 + 2, 0xf3));
	ck_assert(wr(HV_MSR_SCONTROL, 0));
	ck_assert_uint_eq(signal_flag(2, 2, &newly), HV_STATUS_INVALID_SYNIC_STATE);
	ck_assert_uint_eq(post(2, 2), HV_STATUS_INVALID_SYNIC_STATE);
	ck_assert(wr(HV_MSR_SCONTROL, 1));
	ck_assert(wr(HV_MSR_SIEFP, 0x11000));
	ck_assert_uint_eq(signal_flag(2, 2, &newly), HV_STATUS_INVALID_SYNIC_STATE);
}
END_TEST

START_TEST(event_flags)
{
	bool newly;

	prepare();
	for (u32 f = 0; f < 2048; f += 89) {
		ck_assert_uint_eq(signal_flag(2, f, &newly), HV_STATUS_SUCCESS);
		ck_assert(newly);
		ck_assert_int_eq(interrupt(), 0xf3);
		ck_assert_uint_eq(flags[2 * 256 + f / 8] >> f % 8 & 1, 1);
		ck_assert_uint_eq(signal_flag(2, f, &newly), HV_STATUS_SUCCESS);
		ck_assert(!newly);
		ck_assert_int_eq(interrupt(), -1);
	}
	ck_assert_uint_eq(signal_flag(2, 2048, &newly), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(signal_flag(16, 0, &newly), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(post(16, 1), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(post(2, 0), HV_STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(auto_eoi)
{
	prepare();
	ck_assert(wr(HV_MSR_SINT0 + 2, HV_SINT_AUTO_EOI | 0xf3));
	ck_assert_uint_eq(post(2, 1), HV_STATUS_SUCCESS);
	for (u32 i = 0; i < 10; i++) { /* again and again, and nothing is in its way */
		ck_assert_int_eq(lapic_pending(&vp->lapic), 0xf3);
		fake_take(&vp->lapic, 0xf3);
		ck_assert_uint_eq(lapic_ppr(&vp->lapic), 0);
		lapic_post(&vp->lapic, 0x31, false);
		ck_assert_int_eq(lapic_pending(&vp->lapic), 0x31);
		fake_take(&vp->lapic, 0x31);
		lapic_post(&vp->lapic, 0xf3, false);
		lapic_eoi(&vp->lapic);
		ck_assert_uint_eq(lapic_ppr(&vp->lapic), 0);
	}
	fake_take(&vp->lapic, 0xf3);
	ck_assert(wr(HV_MSR_SINT0 + 2, 0xf3));
	lapic_post(&vp->lapic, 0xf3, false);
	fake_take(&vp->lapic, 0xf3);
	ck_assert_uint_eq(lapic_ppr(&vp->lapic), 0xf0);
}
END_TEST

START_TEST(pages_start_empty)
{
	prepare();
	slots[3].type = 7;
	ck_assert(wr(HV_MSR_SIMP, 0x10001)); /* the same: untouched */
	ck_assert_uint_eq(slots[3].type, 7);
	ck_assert(wr(HV_MSR_SIMP, 0));
	ck_assert(wr(HV_MSR_SIMP, 0x10001));
	ck_assert_uint_eq(slots[3].type, 0);
}
END_TEST

#define CONFIG     HV_MSR_STIMER0_CONFIG
#define COUNT      (HV_MSR_STIMER0_CONFIG + 1)
#define DIRECT(v)  (HV_TIMER_DIRECT | (u64)(v) << HV_TIMER_VECTOR_SHIFT)
#define BY_SINT(n) ((u64)(n) << HV_TIMER_SINT_SHIFT)

/* Reference time passes; what is due fires as on the VP's processor. */
static void pass(u64 units)
{
	vp_timers_to(vp, &fake_timers[0]);
	fake.tsc += units * (FAKE_HZ / 10000000);
	timers_expire(&fake_timers[0], fake.tsc);
	vp_timers_to(vp, &vp->parked);
}

static u64 now(void)
{
	return reftime_now(vp->partition);
}

START_TEST(one_shot_direct)
{
	prepare();
	ck_assert(wr(CONFIG, DIRECT(0xed) | HV_TIMER_ENABLE | HV_TIMER_AUTO_ENABLE));
	pass(10);
	ck_assert_int_eq(interrupt(), -1); /* COUNT 0: not yet */
	ck_assert(wr(COUNT, now() + 1000));
	pass(990);
	ck_assert_int_eq(interrupt(), -1);
	pass(12);
	ck_assert_int_eq(interrupt(), 0xed);
	ck_assert_uint_eq(rd(CONFIG) & HV_TIMER_ENABLE, 0);
	ck_assert(wr(COUNT, now() + 50)); /* auto-enable */
	ck_assert_uint_eq(rd(CONFIG) & HV_TIMER_ENABLE, HV_TIMER_ENABLE);
	pass(52);
	ck_assert_int_eq(interrupt(), 0xed);
	ck_assert(wr(COUNT, 5)); /* past: at once */
	ck_assert_int_eq(interrupt(), 0xed);
}
END_TEST

START_TEST(stopping)
{
	prepare();
	ck_assert(wr(CONFIG, DIRECT(0xed) | HV_TIMER_ENABLE));
	ck_assert(wr(COUNT, now() + 100));
	ck_assert(wr(COUNT, 0));
	ck_assert_uint_eq(rd(CONFIG) & HV_TIMER_ENABLE, 0);
	pass(200);
	ck_assert_int_eq(interrupt(), -1);
	ck_assert(wr(CONFIG, DIRECT(0xed) | HV_TIMER_ENABLE));
	ck_assert(wr(COUNT, now() + 100));
	ck_assert(wr(CONFIG, 0));
	pass(200);
	ck_assert_int_eq(interrupt(), -1);
	ck_assert_ptr_null(vp->parked.first);
}
END_TEST

START_TEST(config_rules)
{
	prepare();
	ck_assert(wr(CONFIG, HV_TIMER_ENABLE)); /* SINT 0 and not direct: it cannot be on */
	ck_assert_uint_eq(rd(CONFIG), 0);
	ck_assert(!wr(CONFIG, BIT(13)));
	ck_assert(!wr(CONFIG, BIT(20)));
	ck_assert(wr(HV_MSR_STIMER3_COUNT, 77));
	ck_assert_uint_eq(rd(HV_MSR_STIMER3_COUNT), 77);
	ck_assert_uint_eq(rd(COUNT), 0);
}
END_TEST

START_TEST(periodic_message)
{
	struct hv_timer_expired expired;
	u64 start;

	prepare();
	ck_assert(wr(COUNT, 2500));
	start = now();
	ck_assert(wr(CONFIG, BY_SINT(2) | HV_TIMER_PERIODIC | HV_TIMER_ENABLE));
	pass(2502);
	ck_assert_int_eq(interrupt(), 0xf3);
	ck_assert_uint_eq(slots[2].type, HV_MESSAGE_TIMER_EXPIRED);
	memcpy(&expired, slots[2].payload, sizeof(expired));
	ck_assert_uint_eq(expired.timer, 0);
	ck_assert_uint_eq(expired.expiration_time, start + 2500);
	ck_assert_uint_ge(expired.delivery_time, start + 2500);
	slots[2].type = 0;
	pass(8750); /* three periods unseen: one message */
	ck_assert_int_eq(interrupt(), 0xf3);
	slots[2].type = 0;
	pass(1);
	ck_assert_int_eq(interrupt(), -1);
	pass(2500);
	ck_assert_int_eq(interrupt(), 0xf3);
}
END_TEST

/* Periods below the floor of 200 µs, and every kind of start: one firing in that time, and in step. */
START_TEST(period_floor)
{
	const u64 counts[] = {1, 3, 750, 1999};

	for (u32 i = 0; i < ARRAY_SIZE(counts); i++) {
		u32 fired = 0;

		prepare();
		ck_assert(wr(CONFIG, DIRECT(0xed) | HV_TIMER_PERIODIC | HV_TIMER_ENABLE));
		ck_assert(wr(COUNT, counts[i]));
		for (u32 n = 0; n < 10000; n++) {
			pass(10);
			fired += interrupt() == 0xed;
		}
		ck_assert_uint_le(fired, 100000 / 2000);
		ck_assert_uint_ge(fired, 100000 / 4000);
	}
}
END_TEST

START_TEST(message_that_finds_no_slot)
{
	prepare();
	ck_assert_uint_eq(post(2, 1), HV_STATUS_SUCCESS);
	interrupt();
	ck_assert(wr(CONFIG, BY_SINT(2) | HV_TIMER_ENABLE));
	ck_assert(wr(COUNT, now() + 10));
	pass(12);
	ck_assert_int_eq(interrupt(), -1);
	ck_assert_uint_eq(vp->stimer_undelivered, 1);
	slots[2].type = 0;
	child_slots_freed(vp);
	ck_assert_uint_eq(slots[2].type, HV_MESSAGE_TIMER_EXPIRED);
	ck_assert_int_eq(interrupt(), 0xf3);
	ck_assert_uint_eq(vp->stimer_undelivered, 0);
}
END_TEST

START_TEST(four_timers)
{
	prepare();
	for (u32 i = 0; i < 4; i++) {
		ck_assert(wr(CONFIG + 2 * i, DIRECT(0x40 + 16 * i) | HV_TIMER_ENABLE));
		ck_assert(wr(COUNT + 2 * i, now() + 100 * (4 - i)));
	}
	for (int i = 3; i >= 0; i--) {
		pass(101);
		ck_assert_int_eq(interrupt(), 0x40 + 16 * i);
	}
}
END_TEST

/* Time set forward by the parent: the timer keeps its reference time, so it comes earlier. */
START_TEST(time_is_set)
{
	struct hv_property_input in = {.code = HV_PROPERTY_REFERENCE_TIME};

	prepare();
	ck_assert(wr(CONFIG, DIRECT(0xed) | HV_TIMER_ENABLE));
	ck_assert(wr(COUNT, now() + 100000));
	in.partition_id = c.id;
	in.value = now() + 99000;
	ck_assert_uint_eq(raw(HV_CALL_SET_PARTITION_PROPERTY, &in, sizeof(in)), 0);
	pass(990);
	ck_assert_int_eq(interrupt(), -1);
	pass(12);
	ck_assert_int_eq(interrupt(), 0xed);
}
END_TEST

/*
 * Times that the counter never reaches: nothing fires, at once or later, and no expiry is followed by
 * one that is not later.
 */
START_TEST(never)
{
	const u64 counts[] = {BIT(63) - 1, BIT(63), BIT(63) + 1, ~0ull - 1, ~0ull};

	for (u32 n = 0; n < 2 * ARRAY_SIZE(counts); n++) {
		u64 periodic = n & 1 ? HV_TIMER_PERIODIC : 0;

		prepare();
		ck_assert(wr(CONFIG, DIRECT(0xed) | HV_TIMER_ENABLE | periodic));
		ck_assert(wr(COUNT, counts[n / 2]));
		ck_assert_uint_eq(rd(CONFIG) & HV_TIMER_ENABLE, HV_TIMER_ENABLE);
		for (u32 i = 0; i < 3; i++) {
			pass(BIT(40));
			ck_assert_int_eq(interrupt(), -1);
		}
		ck_assert(wr(CONFIG, DIRECT(0xed) | HV_TIMER_ENABLE | periodic));
		pass(1);
		ck_assert_int_eq(interrupt(), -1);
	}
}
END_TEST

/* The same with a saved state, whose expiration may be any number. */
START_TEST(never_again)
{
	const u64 counts[] = {1, BIT(63), ~0ull - 1, ~0ull};
	const u64 expirations[] = {1, 1000, BIT(63), ~0ull - 1, ~0ull};

	for (u32 i = 0; i < ARRAY_SIZE(counts) * ARRAY_SIZE(expirations); i++) {
		u64 count = counts[i % ARRAY_SIZE(counts)];
		u64 expiration = expirations[i / ARRAY_SIZE(counts)];

		prepare();
		stimer_restore(vp, 0, DIRECT(0xed) | HV_TIMER_PERIODIC | HV_TIMER_ENABLE, count,
			       expiration);
		pass(10);
		ck_assert_int_eq(interrupt(), expiration < 1000 ? 0xed : -1);
		ck_assert_int_eq(interrupt(), -1);
		pass(1);
		ck_assert_int_eq(interrupt(), -1);
	}
}
END_TEST

/* Far off is not off: when the parent sets the time forward, it comes. */
START_TEST(far_until_time_is_set)
{
	struct hv_property_input in = {.code = HV_PROPERTY_REFERENCE_TIME};

	prepare();
	ck_assert(wr(CONFIG, DIRECT(0xed) | HV_TIMER_ENABLE));
	ck_assert(wr(COUNT, BIT(62)));
	in.partition_id = c.id;
	in.value = BIT(62) - 100;
	ck_assert_uint_eq(raw(HV_CALL_SET_PARTITION_PROPERTY, &in, sizeof(in)), 0);
	pass(98);
	ck_assert_int_eq(interrupt(), -1);
	pass(4);
	ck_assert_int_eq(interrupt(), 0xed);
	in.value = BIT(63);
	ck_assert_uint_eq(STATUS(raw(HV_CALL_SET_PARTITION_PROPERTY, &in, sizeof(in))),
			  HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE);
}
END_TEST

TEST_MAIN("synic", power_up, message, full_slot, masks_and_switches, event_flags, auto_eoi,
	  pages_start_empty, one_shot_direct, stopping, config_rules, periodic_message,
	  period_floor, message_that_finds_no_slot, four_timers, time_is_set, never, never_again,
	  far_until_time_is_set)
