/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions on their way: registers of the TLFS, two that meet, single steps. */
#include "core/event.h"
#include "child.h"

#define PF_EVENT (HV_PENDING | HV_EVENT_HAS_ERROR | 14ull << 16 | 7ull << 32)
#define TF       0x100u
#define RF       0x10000u
#define DR6_INIT 0xffff0ff0u
#define DR6_BLD  BIT(11)

static struct child c;
static struct vp *vp;

static void prepare(void)
{
	vp = child_with_vp(&c);
}

static u64 get(u32 name, u64 *ret_high)
{
	union hv_register_value v;

	ck_assert_uint_eq(get_register(&c, 0, name, &v), 0);
	if (ret_high)
		*ret_high = v.word[1];
	return v.word[0];
}

static hv_status set_pair(u32 name, u64 low, u64 high)
{
	struct {
		struct hv_vp_input header;
		struct hv_set_register r;
	} in = {.header.partition_id = c.id, .r.name = name, .r.value.word = {low, high}};

	return STATUS(raw(HV_CALL_SET_VP_REGISTERS | REPS(1), &in, sizeof(in)));
}

static void deliver(u8 vector, u32 error)
{
	vp->arch->event_queued = true;
	vp->arch->event = (struct event){HV_INTERRUPTION_EXCEPTION, vector, error != NO_ERROR_CODE,
					 error != NO_ERROR_CODE ? error : 0};
}

START_TEST(an_event_waits_and_is_shown)
{
	u64 cr2;

	prepare();
	ck_assert_uint_eq(set_pair(HV_REGISTER_PENDING_EVENT0, PF_EVENT, 0x1234), 0);
	ck_assert_uint_eq(get(HV_REGISTER_PENDING_EVENT0, &cr2), PF_EVENT);
	ck_assert_uint_eq(cr2, 0x1234);
	ck_assert_uint_ne(vp->arch->regs.cr2, 0x1234);
	ck_assert(vp_prepare(vp));
	ck_assert_uint_eq(vp->arch->regs.cr2, 0x1234);
	ck_assert_int_eq(vp->arch->exception, 14);
	ck_assert_uint_eq(vp->arch->exception_error, 7);
	ck_assert_uint_eq(get(HV_REGISTER_PENDING_EVENT0, NULL), 0);
	ck_assert_uint_eq(get(HV_REGISTER_PENDING_INTERRUPTION, NULL),
			  HV_PENDING | HV_INTERRUPTION_EXCEPTION << 1 | HV_INTERRUPTION_HAS_ERROR |
				  14 << 16 | 7ull << 32);
}
END_TEST

START_TEST(an_event_can_be_taken_back)
{
	prepare();
	ck_assert_uint_eq(set_pair(HV_REGISTER_PENDING_EVENT0, PF_EVENT, 0x1234), 0);
	ck_assert_uint_eq(set_pair(HV_REGISTER_PENDING_EVENT0, 0, 0), 0);
	ck_assert(vp_prepare(vp));
	ck_assert_int_eq(vp->arch->exception, -1);
	ck_assert_uint_eq(set_pair(HV_REGISTER_PENDING_EVENT0, PF_EVENT, 0), 0);
	vp_event(vp, VP_EVENT_INIT);
	vp_prepare(vp);
	ck_assert_int_eq(vp->arch->exception, -1);
}
END_TEST

START_TEST(an_extint_is_the_local_apics)
{
	const u64 extint = HV_PENDING | HV_EVENT_EXT_INT << 1 | 0x30 << 8;

	prepare();
	ck_assert_uint_eq(set_pair(HV_REGISTER_PENDING_EVENT0, extint, 0), 0);
	ck_assert_int_eq((int)vp->lapic.extint, 0x30);
	ck_assert_uint_eq(get(HV_REGISTER_PENDING_EVENT0, NULL), extint);
}
END_TEST

START_TEST(an_event_ends_a_halt)
{
	prepare();
	ck_assert_uint_eq(
		set_register(&c, 0, HV_REGISTER_INTERNAL_ACTIVITY, HV_ACTIVITY_HALT_SUSPEND), 0);
	ck_assert(!vp_prepare(vp));
	ck_assert_uint_eq(set_pair(HV_REGISTER_PENDING_EVENT0, PF_EVENT, 0), 0);
	ck_assert(vp_prepare(vp));
	ck_assert_uint_eq(get(HV_REGISTER_INTERNAL_ACTIVITY, NULL), 0);
}
END_TEST

START_TEST(what_is_delivered_can_be_set)
{
	const u64 values[] = {
		0,
		HV_PENDING | HV_INTERRUPTION_INTERRUPT << 1 | 0xff << 16,
		HV_PENDING | HV_INTERRUPTION_NMI << 1 | 2 << 16,
		HV_PENDING | HV_INTERRUPTION_EXCEPTION << 1 | 6 << 16,
		HV_PENDING | HV_INTERRUPTION_EXCEPTION << 1 | HV_INTERRUPTION_HAS_ERROR | 13 << 16 |
			0xfff8ull << 32,
	};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		ck_assert_uint_eq(set_pair(HV_REGISTER_PENDING_INTERRUPTION, values[i], 0), 0);
		ck_assert_uint_eq(get(HV_REGISTER_PENDING_INTERRUPTION, NULL), values[i]);
	}
	for (u64 state = 0; state < 4; state++) {
		ck_assert_uint_eq(set_register(&c, 0, HV_REGISTER_INTERRUPT_STATE, state), 0);
		ck_assert_uint_eq(get(HV_REGISTER_INTERRUPT_STATE, NULL), state);
	}
}
END_TEST

/* SDM 3A table 6-5; 0xff: a shutdown. */
START_TEST(two_exceptions_meet)
{
	static const struct {
		u8 first, second, result;
	} pairs[] = {
		{1, 1, 1},     {17, 17, 17}, {1, 17, 17}, {6, 13, 13}, {13, 6, 6},   {14, 6, 6},
		{13, 13, 8},   {0, 10, 8},   {10, 11, 8}, {12, 0, 8},  {13, 14, 14}, {14, 14, 8},
		{14, 13, 8},   {14, 0, 8},   {3, 14, 14}, {8, 1, 1},   {8, 17, 17},  {8, 13, 0xff},
		{8, 14, 0xff}, {8, 0, 0xff}, {21, 21, 8}, {14, 21, 8}, {18, 14, 14},
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		prepare();
		fake_vp_clear(vp);
		deliver(pairs[i].first, NO_ERROR_CODE);
		event_raise(vp, pairs[i].second, 5, 0);
		ck_assert_int_eq(vp_prepare(vp), pairs[i].result != 0xff);
		ck_assert_int_eq(vp->suspended, pairs[i].result == 0xff);
		if (pairs[i].result == 0xff)
			continue;
		ck_assert_int_eq(vp->arch->exception, pairs[i].result);
		ck_assert_uint_eq(vp->arch->exception_error, pairs[i].result == 8 ? 0 : 5);
	}
}
END_TEST

START_TEST(a_shutdown_stops_for_the_worker)
{
	prepare();
	deliver(8, 0);
	event_raise(vp, 14, 0, 0);
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_INTERCEPT);
	ck_assert_uint_eq(vp->intercept_page->type, HV_MESSAGE_UNRECOVERABLE_EXCEPTION);
}
END_TEST

/* An interrupt and an NMI that a fault keeps from being delivered come again. */
START_TEST(an_interrupt_is_not_lost)
{
	prepare();
	vp->lapic.svr |= LAPIC_SVR_ENABLE;
	vp->lapic.isr[1] = BIT(1);
	vp->arch->event_queued = true;
	vp->arch->event = (struct event){HV_INTERRUPTION_INTERRUPT, 0x41, false, 0};
	event_inject(vp, 14, 0);
	ck_assert_int_eq(vp->arch->exception, 14);
	ck_assert_uint_eq(vp->lapic.isr[1], 0);
	ck_assert_int_eq(lapic_pending(&vp->lapic), 0x41);
	/* One of the 8259's is not in service. */
	vp->arch->event = (struct event){HV_INTERRUPTION_INTERRUPT, 0x30, false, 0};
	event_inject(vp, 14, 0);
	ck_assert_int_eq((int)vp->lapic.extint, 0x30);
	vp->arch->event = (struct event){HV_INTERRUPTION_NMI, 2, false, 0};
	event_inject(vp, 14, 0);
	ck_assert_uint_eq(vp->held, VP_EVENT_NMI);
}
END_TEST

START_TEST(a_machine_check_lets_the_delivery_go_first)
{
	struct vexit e = {.type = VEXIT_EXCEPTION, .exception.vector = 18};

	prepare();
	deliver(14, 2);
	exit_handle(vp, &e);
	ck_assert_uint_eq(vp->arch->event.vector, 14);
	ck_assert_uint_eq(vp->held, VP_EVENT_MC);
}
END_TEST

START_TEST(dr6_of_a_debug_exception)
{
	static const struct {
		u64 before, parameter, after;
	} rows[] = {
		{DR6_INIT, DR6_SINGLE_STEP, DR6_INIT | DR6_SINGLE_STEP},
		{DR6_INIT | 0xf, 2, DR6_INIT | 2},
		{DR6_INIT | BIT(13), DR6_SINGLE_STEP, DR6_INIT | BIT(13) | DR6_SINGLE_STEP},
		{DR6_INIT, DR6_BLD, DR6_INIT & ~DR6_BLD},
		{DR6_INIT & ~DR6_BLD, BIT(0), DR6_INIT | BIT(0)},
		{DR6_INIT, BIT(16), DR6_INIT & ~BIT(16)},
		{DR6_INIT, ~0ull, 0xfffee7ff},
	};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		vp->arch->regs.dr6 = rows[i].before;
		vp->arch->event_queued = false;
		event_raise(vp, 1, NO_ERROR_CODE, rows[i].parameter);
		ck_assert(vp_prepare(vp));
		ck_assert_uint_eq(vp->arch->regs.dr6, rows[i].after);
	}
}
END_TEST

static void exits_by(const struct vexit *e, bool moves)
{
	prepare();
	fake_vp_clear(vp);
	vp->held = 0;
	vp->arch->regs.rflags = TF | RF | 2;
	vp->arch->interrupt_state = HV_INTERRUPT_STATE_SHADOW;
	exit_handle(vp, e);
	ck_assert_uint_eq(vp->arch->advanced != 0, moves);
	ck_assert_uint_eq(vp->held, moves ? VP_HELD_EXCEPTION : 0);
	ck_assert_uint_eq(vp->arch->regs.rflags, moves ? TF | 2 : TF | RF | 2);
	ck_assert_uint_eq(vp->arch->interrupt_state, moves ? 0 : HV_INTERRUPT_STATE_SHADOW);
	if (moves)
		ck_assert_uint_eq(vp->exception.parameter, DR6_SINGLE_STEP);
}

START_TEST(steps_trap_behind_what_is_carried_out)
{
	exits_by(&(struct vexit){.type = VEXIT_CPUID, .length = 2}, true);
	exits_by(&(struct vexit){.type = VEXIT_HLT, .length = 1}, true);
	exits_by(&(struct vexit){.type = VEXIT_IO, .length = 1, .io = {.port = 1, .size = 1}},
		 false);
	exits_by(&(struct vexit){.type = VEXIT_NONE}, false);
}
END_TEST

/* A new RIP in the page is an instruction that the worker has carried out. */
START_TEST(steps_trap_behind_what_the_worker_does)
{
	const struct fake_step stop = {
		.exit = {.type = VEXIT_IO, .length = 1, .io = {.port = 1, .size = 1}}};

	prepare();
	fake_script(&stop, 1);
	vp->arch->regs.rflags = TF | RF | 2;
	ck_assert_uint_eq(dispatch(&c, 0, 0).event, HV_DISPATCH_INTERCEPT);
	vp->register_page->rip = 0x1001;
	vp->register_page->dirty = HV_DIRTY_RIP;
	vp->arch->exception = -1;
	dispatch(&c, 0, HV_DISPATCH_CLEAR_INTERCEPT);
	ck_assert_int_eq(vp->arch->exception, 1);
	ck_assert_uint_eq(vp->arch->regs.rflags, TF | 2);
	ck_assert_uint_eq(vp->arch->regs.rip, 0x1001);
	/* By the call, it is just a register. */
	vp->arch->exception = -1;
	set_register(&c, 0, HV_REGISTER_RIP, 0x2000);
	dispatch(&c, 0, 0);
	ck_assert_int_eq(vp->arch->exception, -1);
}
END_TEST

/* The ABI's list of registers is what the hypervisor has. */
START_TEST(registers_are_those_of_the_abi)
{
	union hv_register_value v;

	prepare();
	for (u32 high = 0; high < 0x20; high++)
		for (u32 low = 0; low < 0x300; low++)
			ck_assert_msg((get_register(&c, 0, high << 16 | low, &v) == 0) ==
					      !!hv_register_exists(high << 16 | low),
				      "register %x", high << 16 | low);
}
END_TEST

TEST_MAIN("event", an_event_waits_and_is_shown, an_event_can_be_taken_back,
	  an_extint_is_the_local_apics, an_event_ends_a_halt, what_is_delivered_can_be_set,
	  two_exceptions_meet, a_shutdown_stops_for_the_worker, an_interrupt_is_not_lost,
	  a_machine_check_lets_the_delivery_go_first, dr6_of_a_debug_exception,
	  steps_trap_behind_what_is_carried_out, steps_trap_behind_what_the_worker_does,
	  registers_are_those_of_the_abi)
