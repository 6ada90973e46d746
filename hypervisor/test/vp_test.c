/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vp_prepare() makes of events, halts and interrupts, in every state of a VP. */
#include "core/exit.h"
#include "core/lapic.h"
#include "runner.h"

static struct vp *bsp, *ap;

static void prepare(void)
{
	fake_reset();
	fake_root(2);
	bsp = root_partition.vp[0];
	ap = root_partition.vp[1];
	for (u32 i = 0; i < 2; i++)
		ck_assert_int_eq(lapic_msr_write(&root_partition.vp[i]->lapic, 0x80f, 0x1ff), 0);
}

static void run_ap(void)
{
	prepare();
	ap->state = VP_RUNNING;
}

static void halt(struct vp *vp, bool interrupts)
{
	struct vexit e = {.type = VEXIT_HLT, .length = 1};

	vp->arch->regs.rflags = interrupts ? 0x202 : 2;
	exit_handle(vp, &e);
}

START_TEST(offers_the_best_vector)
{
	prepare();
	ck_assert(vp_prepare(bsp));
	ck_assert_int_eq(bsp->arch->offered, -1);
	lapic_post(&bsp->lapic, 0x31, false);
	lapic_post(&bsp->lapic, 0x71, false);
	ck_assert(vp_prepare(bsp));
	ck_assert_int_eq(bsp->arch->offered, 0x71);
	fake_take(&bsp->lapic, 0x71);
	ck_assert(vp_prepare(bsp));
	ck_assert_int_eq(bsp->arch->offered, -1);
}
END_TEST

START_TEST(init_then_sipi)
{
	const struct vregs *r;

	run_ap();
	r = &ap->arch->regs;
	ap->gpr[RBX] = 5;
	fake.cpuid[0][0] = 1;
	fake.cpuid[0][1] = 0x830f10;
	lapic_post(&ap->lapic, 0x40, false);
	vp_event(ap, VP_EVENT_INIT);
	ck_assert_ptr_eq(fake.kicked, ap);
	ck_assert(!vp_prepare(ap));
	ck_assert_int_eq(ap->state, VP_WAIT_SIPI);
	ck_assert_uint_eq(ap->events, 0);
	ck_assert_uint_eq(r->rip, 0xfff0);
	ck_assert_uint_eq(r->segment[SEG_CS].base, 0xffff0000);
	ck_assert_uint_eq(r->cr0, 0x10);
	ck_assert_uint_eq(r->efer, 0);
	ck_assert_uint_eq(r->rflags, 2);
	ck_assert_uint_eq(ap->gpr[RBX], 0);
	ck_assert_uint_eq(ap->gpr[RDX], 0x830f10);
	ck_assert_int_eq(lapic_pending(&ap->lapic), -1);
	vp_start(ap, 0x9a);
	ck_assert(vp_prepare(ap));
	ck_assert_int_eq(ap->state, VP_RUNNING);
	ck_assert_uint_eq(r->rip, 0);
	ck_assert_uint_eq(r->segment[SEG_CS].selector, 0x9a00);
	ck_assert_uint_eq(r->segment[SEG_CS].base, 0x9a000);
}
END_TEST

START_TEST(init_and_sipi_together)
{
	run_ap();
	vp_event(ap, VP_EVENT_INIT);
	vp_start(ap, 0x10);
	ck_assert(vp_prepare(ap));
	ck_assert_uint_eq(ap->arch->regs.segment[SEG_CS].base, 0x10000);
}
END_TEST

START_TEST(sipi_is_for_those_who_wait)
{
	run_ap();
	ap->arch->regs.rip = 0x1234;
	vp_start(ap, 0x10);
	ck_assert(vp_prepare(ap));
	ck_assert_uint_eq(ap->arch->regs.rip, 0x1234);
	vp_event(ap, VP_EVENT_INIT); /* the dropped SIPI does not come back */
	ck_assert(!vp_prepare(ap));
	ck_assert_int_eq(ap->state, VP_WAIT_SIPI);
}
END_TEST

START_TEST(waiting_for_sipi_sees_nothing_else)
{
	prepare();
	ck_assert_int_eq(ap->state, VP_WAIT_SIPI);
	vp_event(ap, VP_EVENT_NMI);
	lapic_post(&ap->lapic, 0x40, false);
	ck_assert(!vp_prepare(ap));
	vp_start(ap, 1);
	ck_assert(vp_prepare(ap));
	ck_assert_uint_eq(ap->arch->nmis, 0);
}
END_TEST

START_TEST(init_of_the_boot_processor)
{
	prepare();
	vp_event(bsp, VP_EVENT_INIT);
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->arch->regs.rip, 0xfff0);
}
END_TEST

START_TEST(nmi)
{
	prepare();
	vp_event(bsp, VP_EVENT_NMI);
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->arch->nmis, 1);
	fake_vp_clear(bsp);
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->arch->nmis, 0);
}
END_TEST

START_TEST(blocked_nmi_waits)
{
	prepare();
	bsp->arch->nmi_blocked = true;
	vp_event(bsp, VP_EVENT_NMI);
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->events, 0); /* vp_run() would not enter otherwise */
	ck_assert_uint_eq(bsp->arch->nmis, 0);
	ck_assert(vp_prepare(bsp));
	bsp->arch->nmi_blocked = false;
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->arch->nmis, 1);
}
END_TEST

/* Two senders are two NMIs, three are two; while a handler runs, all of them are one. */
START_TEST(nmis_of_several_senders)
{
	prepare();
	for (u32 senders = 1; senders <= 3; senders++) {
		u32 taken = 0;

		for (u32 i = 0; i < senders; i++)
			vp_event(bsp, VP_EVENT_NMI);
		for (u32 i = 0; i < 4; i++) {
			fake_vp_clear(bsp);
			bsp->arch->nmi_blocked = false;
			ck_assert(vp_prepare(bsp));
			taken += bsp->arch->nmis;
		}
		ck_assert_uint_eq(taken, senders < 2 ? senders : 2);
		ck_assert_uint_eq(bsp->held, 0);
	}
	bsp->arch->nmi_blocked = true;
	for (u32 i = 0; i < 3; i++) {
		vp_event(bsp, VP_EVENT_NMI);
		ck_assert(vp_prepare(bsp));
	}
	vp_event(bsp, VP_EVENT_NMI);
	vp_event(bsp, VP_EVENT_NMI);
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->held, VP_EVENT_NMI);
}
END_TEST

START_TEST(queued_event_first)
{
	prepare();
	bsp->arch->event_queued = true;
	vp_event(bsp, VP_EVENT_NMI);
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->arch->nmis, 0);
	ck_assert_uint_eq(fake.exits_soon, 1);
	bsp->arch->event_queued = false;
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->arch->nmis, 1);
	ck_assert_uint_eq(fake.exits_soon, 1);
}
END_TEST

START_TEST(order_of_urgency)
{
	prepare();
	lapic_post_extint(&bsp->lapic, 0x20);
	vp_event(bsp, VP_EVENT_NMI);
	vp_event(bsp, VP_EVENT_MC);
	ck_assert(vp_prepare(bsp));
	ck_assert_int_eq(bsp->arch->exception, 18);
	ck_assert_uint_eq(bsp->arch->exception_error, NO_ERROR_CODE);
	ck_assert_uint_eq(bsp->arch->nmis, 0);
	ck_assert_uint_eq(fake.exits_soon, 1);
	fake_vp_clear(bsp);
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->arch->nmis, 1);
	ck_assert_int_eq(bsp->arch->extint, -1);
	fake_vp_clear(bsp);
	ck_assert(vp_prepare(bsp));
	ck_assert_int_eq(bsp->arch->extint, 0x20);
	ck_assert_int_eq((int)bsp->lapic.extint, -1);
}
END_TEST

START_TEST(extint_waits_until_it_can_be_taken)
{
	prepare();
	bsp->arch->extint_blocked = true;
	lapic_post_extint(&bsp->lapic, 0x20);
	ck_assert(vp_prepare(bsp));
	ck_assert_int_eq((int)bsp->lapic.extint, 0x20);
	bsp->arch->extint_blocked = false;
	ck_assert(vp_prepare(bsp));
	ck_assert_int_eq(bsp->arch->extint, 0x20);
	ck_assert_int_eq((int)bsp->lapic.extint, -1);
}
END_TEST

START_TEST(halt_ends_with_an_interrupt)
{
	prepare();
	halt(bsp, true);
	ck_assert_uint_eq(bsp->arch->advanced, 1);
	ck_assert(!vp_prepare(bsp));
	bsp->lapic.tpr = 0x50;
	lapic_post(&bsp->lapic, 0x40, false); /* below TPR */
	ck_assert(!vp_prepare(bsp));
	lapic_post(&bsp->lapic, 0x60, false);
	ck_assert(vp_prepare(bsp));
	ck_assert_int_eq(bsp->arch->offered, 0x60);
	ck_assert_int_eq(bsp->state, VP_RUNNING);
}
END_TEST

START_TEST(halt_with_interrupts_off)
{
	prepare();
	halt(bsp, false);
	lapic_post(&bsp->lapic, 0x60, false);
	lapic_post_extint(&bsp->lapic, 0x20);
	ck_assert(!vp_prepare(bsp));
	vp_event(bsp, VP_EVENT_NMI);
	ck_assert(vp_prepare(bsp));
	ck_assert_uint_eq(bsp->arch->nmis, 1);
}
END_TEST

START_TEST(halt_ends_with_extint_and_init)
{
	prepare();
	halt(bsp, true);
	lapic_post_extint(&bsp->lapic, 0x20);
	ck_assert(vp_prepare(bsp));
	ck_assert_int_eq(bsp->arch->extint, 0x20);
	run_ap();
	halt(ap, true);
	vp_event(ap, VP_EVENT_INIT);
	ck_assert(!vp_prepare(ap));
	vp_start(ap, 2);
	ck_assert(vp_prepare(ap));
}
END_TEST

START_TEST(stopped_stays_stopped)
{
	prepare();
	bsp->state = VP_STOPPED;
	lapic_post(&bsp->lapic, 0x60, false);
	vp_event(bsp, VP_EVENT_NMI);
	vp_start(bsp, 1);
	ck_assert(!vp_prepare(bsp));
}
END_TEST

START_TEST(level_eoi_reaches_the_machine)
{
	prepare();
	vp_level_eoi(bsp, 0x55);
	ck_assert_uint_eq(fake.level_eois, 1);
	ck_assert_uint_eq(fake.level_eoi_vector, 0x55);
}
END_TEST

START_TEST(lookup_by_apic_id)
{
	prepare();
	ck_assert_ptr_eq(partition_vp_by_apic_id(&root_partition, 1), ap);
	ck_assert_ptr_null(partition_vp_by_apic_id(&root_partition, 2));
	ck_assert_ptr_null(partition_vp_by_apic_id(&root_partition, ~0u));
	ap->lapic.id = 0x100;
	ck_assert_ptr_eq(partition_vp_by_apic_id(&root_partition, 0x100), ap);
	ck_assert_ptr_null(partition_vp_by_apic_id(&root_partition, 1));
}
END_TEST

TEST_MAIN("vp", offers_the_best_vector, init_then_sipi, init_and_sipi_together,
	  sipi_is_for_those_who_wait, waiting_for_sipi_sees_nothing_else,
	  init_of_the_boot_processor, nmi, blocked_nmi_waits, nmis_of_several_senders,
	  queued_event_first, order_of_urgency, extint_waits_until_it_can_be_taken,
	  halt_ends_with_an_interrupt, halt_with_interrupts_off, halt_ends_with_extint_and_init,
	  stopped_stays_stopped, level_eoi_reaches_the_machine, lookup_by_apic_id)
