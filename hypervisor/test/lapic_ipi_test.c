/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupt messages: destinations, shorthands, delivery modes. */
#include "core/lapic.h"
#include "runner.h"

#define ICR     0x830
#define VPS     4u
#define FIXED   0x4000u
#define LOGICAL 0x800u
#define SELF    0x40000u
#define ALL     0x80000u
#define OTHERS  0xc0000u
#define MODE(m) ((m) << 8)
#define TO(d)   ((u64)(d) << 32)

static void prepare(void)
{
	fake_root(VPS);
	for (u32 i = 0; i < VPS; i++)
		ck_assert_int_eq(lapic_msr_write(&root_partition.vp[i]->lapic, 0x80f, 0x1ff),
				 LAPIC_OK);
}

static void send(u32 from, u64 icr)
{
	ck_assert_int_eq(lapic_msr_write(&root_partition.vp[from]->lapic, ICR, icr), LAPIC_OK);
}

/* Set of VPs that have `vector` pending; it is taken away again. */
static u32 receivers(u8 vector)
{
	u32 set = 0;

	for (u32 i = 0; i < VPS; i++) {
		struct lapic *l = &root_partition.vp[i]->lapic;

		if (lapic_pending(l) != vector)
			continue;
		set |= 1u << i;
		fake_take(l, vector);
		lapic_eoi(l);
	}
	return set;
}

static u32 events(u32 event)
{
	u32 set = 0;

	for (u32 i = 0; i < VPS; i++)
		set |= vp_take_events(root_partition.vp[i]) & event ? 1u << i : 0;
	return set;
}

START_TEST(destinations)
{
	const struct {
		u64 icr;
		u32 to;
	} c[] = {
		{TO(2), 4},
		{TO(1), 2},
		{TO(77), 0},
		{TO(~0u), 15},
		{TO(0xff), 0},
		{TO(0x5) | LOGICAL, 5},
		{TO(0xffff) | LOGICAL, 15},
		{TO(0x10001) | LOGICAL, 0},
		{TO(~0u) | LOGICAL, 15},
		{TO(0) | LOGICAL, 0},
		{SELF, 2},
		{ALL, 15},
		{OTHERS, 13},
		{SELF | TO(3), 2},
	};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		send(1, c[i].icr | FIXED | 0x51);
		ck_assert_uint_eq(receivers(0x51), c[i].to);
	}
}
END_TEST

START_TEST(clusters)
{
	fake_root(2);
	root_partition.vp[0]->lapic.id = 0x23;
	root_partition.vp[1]->lapic.id = 0x2f;
	for (u32 i = 0; i < 2; i++)
		ck_assert_int_eq(lapic_msr_write(&root_partition.vp[i]->lapic, 0x80f, 0x1ff), 0);
	send(0, TO(0x28008) | LOGICAL | 0x51);
	ck_assert_int_eq(lapic_pending(&root_partition.vp[0]->lapic), 0x51);
	ck_assert_int_eq(lapic_pending(&root_partition.vp[1]->lapic), 0x51);
	send(0, TO(0x20008) | LOGICAL | 0x61);
	ck_assert_int_eq(lapic_pending(&root_partition.vp[0]->lapic), 0x61);
	ck_assert_int_eq(lapic_pending(&root_partition.vp[1]->lapic), 0x51);
	send(0, TO(0x2f) | 0x71);
	ck_assert_int_eq(lapic_pending(&root_partition.vp[1]->lapic), 0x71);
}
END_TEST

START_TEST(kicks)
{
	prepare();
	send(0, TO(3) | 0x60);
	ck_assert_uint_eq(fake.kicks, 1);
	ck_assert_ptr_eq(fake.kicked, root_partition.vp[3]);
	send(0, TO(3) | 0x60); /* already pending: somebody kicked */
	ck_assert_uint_eq(fake.kicks, 1);
}
END_TEST

START_TEST(lowest_priority)
{
	prepare();
	root_partition.vp[0]->lapic.tpr = 0x40;
	root_partition.vp[1]->lapic.tpr = 0x30;
	root_partition.vp[2]->lapic.tpr = 0x20;
	lapic_post(&root_partition.vp[3]->lapic, 0x50, false);
	fake_take(&root_partition.vp[3]->lapic, 0x50);
	send(0, TO(~0u) | MODE(1) | 0x91);
	ck_assert_uint_eq(receivers(0x91), 4);
	send(0, TO(0xb) | LOGICAL | MODE(1) | 0x91);
	ck_assert_uint_eq(receivers(0x91), 2);
	ck_assert_int_eq(lapic_msr_write(&root_partition.vp[2]->lapic, 0x80f, 0xff), LAPIC_OK);
	send(0, TO(~0u) | MODE(1) | 0x91); /* a disabled one is no candidate */
	ck_assert_uint_eq(receivers(0x91), 2);
}
END_TEST

START_TEST(nmi_init_sipi)
{
	prepare();
	send(0, TO(2) | MODE(4));
	ck_assert_uint_eq(events(VP_EVENT_NMI), 4);
	send(0, TO(0) | MODE(4)); /* itself, by number */
	ck_assert_uint_eq(events(VP_EVENT_NMI), 1);
	send(0, OTHERS | MODE(4));
	ck_assert_uint_eq(events(VP_EVENT_NMI), 14);
	send(0, ALL | MODE(4));
	ck_assert_uint_eq(events(VP_EVENT_NMI), 14);
	send(0, SELF | MODE(4));
	ck_assert_uint_eq(events(VP_EVENT_NMI), 0);
	send(0, TO(1) | MODE(5) | 0xc000); /* level, assert */
	ck_assert_uint_eq(events(VP_EVENT_INIT), 2);
	send(0, TO(1) | MODE(5) | 0x8000); /* level, de-assert */
	ck_assert_uint_eq(events(VP_EVENT_INIT), 0);
	send(0, TO(1) | MODE(5) | 0x4000); /* edge */
	ck_assert_uint_eq(events(VP_EVENT_INIT), 2);
	send(0, OTHERS | MODE(6) | 0x9f);
	ck_assert_uint_eq(events(VP_EVENT_SIPI), 14);
	ck_assert_uint_eq(root_partition.vp[2]->sipi_vector, 0x9f);
	for (u32 i = 0; i < VPS; i++)
		ck_assert_int_eq(lapic_pending(&root_partition.vp[i]->lapic), -1);
}
END_TEST

START_TEST(init_takes_back_sipi)
{
	prepare();
	send(0, TO(1) | MODE(6) | 0x10);
	send(0, TO(1) | MODE(5) | 0x4000);
	ck_assert_uint_eq(vp_take_events(root_partition.vp[1]), VP_EVENT_INIT);
}
END_TEST

START_TEST(modes_without_effect)
{
	prepare();
	send(0, OTHERS | MODE(2));
	send(0, OTHERS | MODE(3) | 0x40);
	send(0, OTHERS | MODE(7) | 0x40);
	ck_assert_uint_eq(events(~0u), 0);
	ck_assert_uint_eq(receivers(0x40), 0);
	ck_assert_int_eq((int)root_partition.vp[1]->lapic.extint, -1);
	send(0, OTHERS | 8); /* illegal vector: an error of the sender */
	ck_assert_uint_eq(root_partition.vp[0]->lapic.esr_pending, 0x20);
	ck_assert_uint_eq(root_partition.vp[1]->lapic.esr_pending, 0);
}
END_TEST

START_TEST(ipis_are_edges)
{
	prepare();
	send(0, TO(1) | 0xc000 | 0x61);
	ck_assert_uint_eq(root_partition.vp[1]->lapic.tmr[1], 0);
	ck_assert_uint_eq(receivers(0x61), 2);
	ck_assert_uint_eq(fake.level_eois, 0);
}
END_TEST

START_TEST(self_ipi_register)
{
	prepare();
	ck_assert_int_eq(lapic_msr_write(&root_partition.vp[2]->lapic, 0x83f, 0x55), LAPIC_OK);
	ck_assert_uint_eq(receivers(0x55), 4);
}
END_TEST

/* A partition whose local APICs are in xAPIC mode: flat and cluster, 8-bit destinations. */
START_TEST(xapic_logical)
{
	static struct partition p;
	static struct vp vps[3];
	struct lapic_message m = {.vector = 0x44, .delivery = DELIVER_FIXED, .logical = true};
	const struct {
		u32 dfr, to, set;
	} c[] = {
		{~0u, 0x01, 1},        {~0u, 0x06, 6},        {~0u, 0xff, 7},
		{~0u, 0x88, 0},        {0x0fffffff, 0x01, 1}, {0x0fffffff, 0x04, 4},
		{0x0fffffff, 0xff, 7}, {0x0fffffff, 0x11, 0},
	};

	fake_root(1);
	for (u32 i = 0; i < 3; i++) {
		vp_init(&vps[i], &p, i, i, i, &fake_timers[i]);
		lapic_mmio_write(&vps[i].lapic, 0xf0, 0x1ff);
		lapic_mmio_write(&vps[i].lapic, 0xd0, 1u << (24 + i));
	}
	for (size_t n = 0; n < ARRAY_SIZE(c); n++) {
		u32 set = 0;

		m.destination = c[n].to;
		for (u32 i = 0; i < 3; i++)
			lapic_mmio_write(&vps[i].lapic, 0xe0, c[n].dfr);
		lapic_send(&p, NULL, TO_DESTINATION, &m);
		for (u32 i = 0; i < 3; i++) {
			set |= (u32)(lapic_pending(&vps[i].lapic) == 0x44) << i;
			fake_take(&vps[i].lapic, 0x44);
			lapic_eoi(&vps[i].lapic);
		}
		ck_assert_uint_eq(set, c[n].set);
	}
	m.logical = false;
	m.destination = 0xff;
	m.delivery = DELIVER_EXTINT;
	lapic_send(&p, NULL, TO_DESTINATION, &m);
	ck_assert_int_eq((int)vps[1].lapic.extint, 0x44);
}
END_TEST

START_TEST(disabled_apic_is_not_there)
{
	static struct partition p;
	static struct vp vps[2];
	struct lapic_message m = {.destination = 1, .delivery = DELIVER_NMI};

	fake_root(1);
	for (u32 i = 0; i < 2; i++)
		vp_init(&vps[i], &p, i, i, i, &fake_timers[i]);
	ck_assert_int_eq(lapic_msr_write(&vps[1].lapic, MSR_APIC_BASE, APIC_BASE_ADDRESS),
			 LAPIC_OK);
	lapic_send(&p, NULL, TO_DESTINATION, &m);
	m.destination = 0xff;
	lapic_send(&p, NULL, TO_DESTINATION, &m);
	ck_assert_uint_eq(vps[1].events, 0);
	ck_assert_uint_eq(vps[0].events, VP_EVENT_NMI);
}
END_TEST

TEST_MAIN("lapic_ipi", destinations, clusters, kicks, lowest_priority, nmi_init_sipi,
	  init_takes_back_sipi, modes_without_effect, ipis_are_edges, self_ipi_register,
	  xapic_logical, disabled_apic_is_not_there)
