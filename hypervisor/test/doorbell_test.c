/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doorbells of a child: which one rings, at whom, and what stops the VP all the same. */
#include "child.h"
#include "core/doorbell.h"
#include "core/synic.h"
#include "hv/msr.h"

#define SINT   2
#define FLAG   70
#define VECTOR 0xf3
#define PORT   0xc100

static struct child c;
static struct vp *vp;
static u8 *page[4]; /* of flags, by root VP */

static void listen_on(u32 index)
{
	struct vp *root = root_partition.vp[index];
	spa_t spa = fake_page();

	page[index] = arch_map(spa);
	ck_assert(synic_msr_write(root, HV_MSR_SCONTROL, 1));
	ck_assert(synic_msr_write(root, HV_MSR_SIEFP, spa.v | 1));
	ck_assert(synic_msr_write(root, HV_MSR_SINT0 + SINT, VECTOR));
}

/* Root VPs 0, 1 and 3 hear flags; 0 runs the child. */
static void prepare(void)
{
	struct hv_keelson_wake_flag_input w = {.sint = SINT, .flag = 1};

	child_machine();
	c = child_new(40);
	child_add_vp(&c, 0);
	vp = child_vp(&c, 0);
	w.partition_id = c.id;
	ck_assert_uint_eq(raw(HV_CALL_KEELSON_SET_WAKE_FLAG, &w, sizeof(w)), 0);
	listen_on(0);
	listen_on(1);
	listen_on(3);
}

static void add(u64 key, u32 value, u16 flag, u32 place)
{
	struct hv_doorbell *d = &vp->intercept_page->doorbell[hv_doorbell_bucket(key, value)];

	d[place] = (struct hv_doorbell){.key = key, .value = value, .flag = flag};
}

/* A write of RAX to the port; whether the worker is told. */
static bool stops(u16 port, u8 size, u64 rax)
{
	const struct fake_step step = {
		.exit = {.type = VEXIT_IO, .length = 2, .io = {.port = port, .size = size}}};

	vp->gpr[RAX] = rax;
	vp->arch->advanced = 0;
	fake_script(&step, 1);
	if (dispatch(&c, 0, HV_DISPATCH_CLEAR_INTERCEPT).event == HV_DISPATCH_INTERCEPT) {
		ck_assert_uint_eq(vp->arch->advanced, 0);
		ck_assert_uint_eq(vp->intercept_page->type, HV_MESSAGE_IO_PORT);
		return true;
	}
	ck_assert_uint_eq(vp->arch->advanced, 2);
	return false;
}

/* Takes the flag back; whether it was set. */
static bool rang(u32 index, u32 flag)
{
	u8 *byte = &page[index][SINT * HV_EVENT_FLAGS_SIZE + flag / 8], bit = (u8)(1 << flag % 8);
	bool set = *byte & bit;

	*byte &= (u8)~bit;
	return set;
}

static bool heard(u32 flag)
{
	bool at[] = {rang(0, flag), rang(1, flag), rang(3, flag)};

	return at[0] || at[1] || at[2];
}

START_TEST(at_another_processor)
{
	prepare();
	add(HV_DOORBELL_PORT(PORT, 1), 0, FLAG, 0);
	ck_assert(!stops(PORT, 1, 5));
	ck_assert_ptr_eq(fake.kicked, root_partition.vp[1]);
	ck_assert_int_eq(lapic_pending(&root_partition.vp[1]->lapic), VECTOR);
	/* The flag still waits: nobody is interrupted once more. */
	fake.kicked = NULL;
	ck_assert(!stops(PORT, 1, 5));
	ck_assert(!stops(PORT, 1, 5));
	ck_assert_ptr_null(fake.kicked);
	ck_assert(rang(1, FLAG) && !rang(0, FLAG) && !rang(3, FLAG));
}
END_TEST

START_TEST(whoever_hears)
{
	prepare();
	add(HV_DOORBELL_PORT(PORT, 1), 0, FLAG, 1);
	ck_assert(synic_msr_write(root_partition.vp[1], HV_MSR_SINT0 + SINT, HV_SINT_MASKED));
	ck_assert(!stops(PORT, 1, 5));
	ck_assert(rang(3, FLAG));
	fake.flushes = 0;
	ck_assert(synic_msr_write(root_partition.vp[3], HV_MSR_SCONTROL, 0));
	ck_assert_uint_eq(fake.flushes, 1);
	/* Alone: the flag is this processor's, and the child is left a little later. */
	fake.tsc = 1000;
	fake.timer_arms = 0;
	ck_assert(!stops(PORT, 1, 5));
	ck_assert_uint_eq(fake.timer_arms, 1);
	ck_assert_uint_eq(fake.timer_armed, 1000 + FAKE_HZ / 50000);
	ck_assert(!stops(PORT, 1, 5));
	ck_assert_uint_eq(fake.timer_arms, 1);
	ck_assert(rang(0, FLAG) && !rang(1, FLAG) && !rang(3, FLAG));
	ck_assert(synic_msr_write(root_partition.vp[0], HV_MSR_SCONTROL, 0));
	ck_assert(stops(PORT, 1, 5));
}
END_TEST

static void later(void)
{
	fake.tsc += FAKE_HZ / 50000;
	timers_expire(&fake_timers[0], fake.tsc);
}

/* One after the other, and no more often than every 20 us; what is more is the guest's own time. */
START_TEST(spread_and_held_back)
{
	prepare();
	add(HV_DOORBELL_PORT(PORT, 1), 0, FLAG, 0);
	for (u32 i = 0; i < 6; i++) {
		ck_assert(!stops(PORT, 1, 5));
		ck_assert(rang(i % 2 ? 3 : 1, FLAG));
		fake.kicks = 0;
		for (u32 more = 0; more < 5; more++) {
			ck_assert(!stops(PORT, 1, 5));
			ck_assert(rang(0, FLAG) && !rang(1, FLAG) && !rang(3, FLAG));
		}
		ck_assert_uint_eq(fake.timer_armed, fake.tsc + FAKE_HZ / 50000);
		/* Only the processor that runs the child is asked for anything. */
		ck_assert(!fake.kicks || fake.kicked == root_partition.vp[0]);
		later();
	}
	/* While its flag waits where it was set, it is set nowhere else. */
	ck_assert(!stops(PORT, 1, 5));
	later();
	ck_assert(!stops(PORT, 1, 5));
	ck_assert(rang(1, FLAG) && !rang(0, FLAG) && !rang(3, FLAG));
}
END_TEST

START_TEST(only_what_fits)
{
	const struct fake_step in = {
		.exit = {.type = VEXIT_IO, .io = {.port = PORT, .size = 2, .in = true}}};
	const struct fake_step outs = {
		.exit = {.type = VEXIT_IO, .io = {.port = PORT, .size = 2, .string = true}}};

	prepare();
	add(HV_DOORBELL_PORT(PORT, 2) | HV_DOORBELL_MATCH, 0x1234, FLAG, 1);
	ck_assert(!stops(PORT, 2, 0xffff1234));
	ck_assert(heard(FLAG));
	ck_assert(stops(PORT, 2, 0x1235));
	ck_assert(stops(PORT, 4, 0x1234));
	ck_assert(stops(PORT + 1, 2, 0x1234));
	/* One for any value is second to that. */
	add(HV_DOORBELL_PORT(PORT, 2), 0, FLAG + 1, 0);
	ck_assert(!stops(PORT, 2, 0x1234));
	ck_assert(heard(FLAG) && !heard(FLAG + 1));
	ck_assert(!stops(PORT, 2, 0x1235));
	ck_assert(heard(FLAG + 1) && !heard(FLAG));
	fake_script(&in, 1);
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_INTERCEPT);
	fake_script(&outs, 1);
	ck_assert_uint_eq(dispatch(&c, 0, HV_DISPATCH_CLEAR_INTERCEPT).event,
			  HV_DISPATCH_INTERCEPT);
	/* A flag that there is not becomes another; the parent harms itself. */
	add(HV_DOORBELL_PORT(PORT, 1), 0, 0xffff, 0);
	ck_assert(!stops(PORT, 1, 0));
	ck_assert(heard(HV_EVENT_FLAGS - 1));
}
END_TEST

START_TEST(without_a_wake_flag)
{
	prepare();
	vp->wake_set = false;
	add(HV_DOORBELL_PORT(PORT, 1), 0, FLAG, 0);
	ck_assert(stops(PORT, 1, 5));
}
END_TEST

START_TEST(signals)
{
	const struct fake_step step = {.exit = {.type = VEXIT_HYPERCALL, .length = 3}};

	prepare();
	vp->arch->regs.rflags = 0x202;
	vp->partition->guest_os_id = 1;
	add(HV_DOORBELL_SIGNAL(0x10001) | HV_DOORBELL_MATCH, 7, FLAG, 0);
	for (u32 flag = 7; flag < 9; flag++) {
		vp->gpr[RCX] = HV_CALL_SIGNAL_EVENT | HV_CONTROL_FAST;
		vp->gpr[RDX] = 0x10001 | (u64)flag << 32;
		fake_script(&step, 1);
		ck_assert_uint_eq(dispatch(&c, 0, HV_DISPATCH_CLEAR_INTERCEPT).event,
				  flag == 7 ? HV_DISPATCH_NONE : HV_DISPATCH_INTERCEPT);
		ck_assert_uint_eq(vp->gpr[RAX],
				  flag == 7 ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_CONNECTION_ID);
		ck_assert(heard(FLAG) == (flag == 7));
	}
}
END_TEST

TEST_MAIN("doorbell", at_another_processor, whoever_hears, spread_and_held_back, only_what_fits,
	  without_a_wake_flag, signals)
