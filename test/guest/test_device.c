// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts of devices: the PIT through the IOAPIC (edge) and through the 8259 (ExtINT on LINT0),
 * two edu devices as level-triggered lines and by MSI. On the "pc" machine.
 */
#include "apic.h"
#include "check.h"
#include "cpu.h"
#include "groups.h"
#include "pci.h"

#define VECTOR_PIT    0x55
#define VECTOR_LOW    0x45
#define VECTOR_HIGH   0x75
#define VECTOR_PIC    0x30 /* + line; a multiple of 8 */
#define ROUNDS        20u

#define IOAPIC        0xfec00000ull
#define IOAPIC_PIT    2 /* the ISA line 0 is wired to input 2 */
#define IOAPIC_LEVEL  BIT(15)
#define IOAPIC_MASKED BIT(16)
#define IOAPIC_REMOTE BIT(14) /* IRR: between delivery and EOI of a level interrupt */

#define PIT_COUNT     1193 /* 1 ms */
#define PORT_PIT0     0x40
#define PORT_PIT_MODE 0x43
#define PORT_PIC1     0x20
#define PORT_PIC2     0xa0

static struct edu low, high;

static u32 ioapic_read(u32 reg)
{
	*(volatile u32 *)IOAPIC = reg;
	return *(volatile u32 *)(IOAPIC + 0x10);
}

static void ioapic_write(u32 reg, u32 v)
{
	*(volatile u32 *)IOAPIC = reg;
	*(volatile u32 *)(IOAPIC + 0x10) = v;
}

static void ioapic_set(u32 input, u32 entry, u32 apic_id)
{
	ioapic_write(0x11 + input * 2, apic_id << 24);
	ioapic_write(0x10 + input * 2, entry);
}

static bool ioapic_remote(u32 input)
{
	return ioapic_read(0x10 + input * 2) & IOAPIC_REMOTE;
}

static u64 count(u32 cpu, u8 vector)
{
	return load(cpu_of(cpu)->irq_count[vector]);
}

/* `n` more of a vector on this processor. */
static bool comes(u8 vector, u64 n)
{
	u64 goal = count(0, vector) + n;
	bool came;

	irq_on();
	came = wait_until(count(0, vector) >= goal);
	irq_off();
	return came;
}

static void pit_start(void)
{
	out8(PORT_PIT_MODE, 0x34); /* counter 0, rate generator */
	out8(PORT_PIT0, PIT_COUNT & 0xff);
	out8(PORT_PIT0, PIT_COUNT >> 8);
}

static void pit_stop(void)
{
	out8(PORT_PIT_MODE, 0x30); /* one-shot that is never loaded */
}

static void test_pit_ioapic(void)
{
	u64 after;

	ioapic_set(IOAPIC_PIT, VECTOR_PIT, 0);
	pit_start();
	check(comes(VECTOR_PIT, ROUNDS), "device-pit-ioapic", "only %lu came",
	      count(0, VECTOR_PIT));
	ioapic_set(IOAPIC_PIT, IOAPIC_MASKED, 0);
	irq_window();
	after = count(0, VECTOR_PIT);
	for (u32 i = 0; i < 100000; i++)
		cpu_pause();
	irq_window();
	check_equal("device-pit-masked", count(0, VECTOR_PIT), after);
	pit_stop();
}

/* The 8259s: edge-triggered, cascaded on line 2; everything masked but `lines` of the first. */
static void pic_init(u8 lines)
{
	out8(PORT_PIC1, 0x11);
	out8(PORT_PIC2, 0x11);
	out8(PORT_PIC1 + 1, VECTOR_PIC);
	out8(PORT_PIC2 + 1, VECTOR_PIC + 8);
	out8(PORT_PIC1 + 1, 4);
	out8(PORT_PIC2 + 1, 2);
	out8(PORT_PIC1 + 1, 1);
	out8(PORT_PIC2 + 1, 1);
	out8(PORT_PIC1 + 1, (u8)~lines);
	out8(PORT_PIC2 + 1, 0xff);
}

static u64 in_service;

/* It bypasses the local APIC: nothing in service there, no EOI to it. */
static void on_pic(u8 vector)
{
	in_service |= apic_bit(APIC_ISR, vector);
	out8(PORT_PIC1, 0x20);
}

static void test_pit_extint(void)
{
	interrupt_set(VECTOR_PIC, on_pic);
	pic_init(1);
	in_service = 0;
	apic_write(APIC_LVT_LINT0, APIC_MODE_EXTINT);
	pit_start();
	check(comes(VECTOR_PIC, ROUNDS), "device-pit-extint", "only %lu came",
	      count(0, VECTOR_PIC));
	check(!in_service, "device-extint-not-in-service", "it was in ISR");
	pit_stop();
	irq_window();
	apic_write(APIC_LVT_LINT0, APIC_MASKED);
	out8(PORT_PIC1 + 1, 0xff);
	/* Everything else works as before. */
	apic_write(APIC_SELF_IPI, VECTOR_LOW);
	check(comes(VECTOR_LOW, 0) && count(0, VECTOR_LOW), "device-after-extint",
	      "no self-IPI any more");
}

static u32 stubborn; /* how many times more the handler does not acknowledge */
static u32 remote_inside;

static void on_level(u8 vector)
{
	const struct edu *e = vector == VECTOR_LOW ? &low : &high;

	remote_inside += ioapic_remote(e->line);
	if (stubborn)
		stubborn--;
	else
		edu_acknowledge(e);
	apic_eoi();
}

static void set_lines(u32 apic_id)
{
	interrupt_set(VECTOR_LOW, on_level);
	interrupt_set(VECTOR_HIGH, on_level);
	ioapic_set(low.line, IOAPIC_LEVEL | VECTOR_LOW, apic_id);
	ioapic_set(high.line, IOAPIC_LEVEL | VECTOR_HIGH, apic_id);
}

static void clear_lines(void)
{
	ioapic_set(low.line, IOAPIC_MASKED, 0);
	ioapic_set(high.line, IOAPIC_MASKED, 0);
}

static void test_level(void)
{
	u64 before = count(0, VECTOR_LOW);
	bool came = true;

	set_lines(0);
	remote_inside = 0;
	for (u32 i = 0; i < ROUNDS && came; i++) {
		edu_raise(&low);
		came = comes(VECTOR_LOW, 1);
	}
	irq_window();
	check(came && count(0, VECTOR_LOW) - before == ROUNDS, "device-level",
	      "%lu came, expected %u", count(0, VECTOR_LOW) - before, ROUNDS);
	check(remote_inside == ROUNDS && !ioapic_remote(low.line), "device-level-remote-irr",
	      "seen %u times, afterwards %d", remote_inside, ioapic_remote(low.line));
}

/* A line that stays up comes again after EOI. */
static void test_level_stays(void)
{
	u64 before = count(0, VECTOR_LOW);

	stubborn = 3;
	edu_raise(&low);
	check(comes(VECTOR_LOW, 4), "device-level-again", "%lu came",
	      count(0, VECTOR_LOW) - before);
	irq_window();
	check(count(0, VECTOR_LOW) - before == 4 && !ioapic_remote(low.line),
	      "device-level-again-ends", "%lu came", count(0, VECTOR_LOW) - before);
}

static u32 nested;

static void on_outer(u8 vector)
{
	u64 before = count(0, VECTOR_HIGH);

	edu_acknowledge(&low);
	edu_raise(&high);
	irq_on();
	wait_until(count(0, VECTOR_HIGH) > before);
	irq_off();
	nested += count(0, VECTOR_HIGH) == before + 1 && ioapic_remote(low.line);
	apic_eoi();
}

static void test_nested(void)
{
	bool came = true;

	set_lines(0);
	interrupt_set(VECTOR_LOW, on_outer);
	nested = 0;
	for (u32 i = 0; i < ROUNDS && came; i++) {
		edu_raise(&low);
		came = comes(VECTOR_LOW, 1);
	}
	irq_window();
	check(came && nested == ROUNDS, "device-level-nested", "%u of %u", nested, ROUNDS);
	check(!ioapic_remote(low.line) && !ioapic_remote(high.line),
	      "device-level-nested-remote-irr", "low %d, high %d", ioapic_remote(low.line),
	      ioapic_remote(high.line));
	interrupt_set(VECTOR_LOW, on_level);
}

/* The higher one is in service when the lower comes: it waits, and both end in order. */
static void on_outer_high(u8 vector)
{
	u64 before = count(0, VECTOR_LOW);

	edu_acknowledge(&high);
	edu_raise(&low);
	irq_window();
	nested += count(0, VECTOR_LOW) != before;
	apic_eoi();
}

static void test_waiting(void)
{
	bool came = true;

	interrupt_set(VECTOR_HIGH, on_outer_high);
	nested = 0;
	for (u32 i = 0; i < ROUNDS && came; i++) {
		u64 goal = count(0, VECTOR_LOW) + 1;

		edu_raise(&high);
		came = comes(VECTOR_HIGH, 1);
		irq_on();
		came &= wait_until(count(0, VECTOR_LOW) == goal);
		irq_off();
	}
	interrupt_set(VECTOR_HIGH, on_level);
	check(came && !nested && !ioapic_remote(low.line) && !ioapic_remote(high.line),
	      "device-level-waiting", "came %d, %u too early, remote IRR %d and %d", came, nested,
	      ioapic_remote(low.line), ioapic_remote(high.line));
}

static void test_level_elsewhere(void)
{
	u32 last = cpu_count - 1;
	u64 before = count(last, VECTOR_LOW);
	bool came = true;

	set_lines(last);
	for (u32 i = 0; i < ROUNDS && came; i++) {
		edu_raise(&low);
		irq_window();
		came = wait_until(count(last, VECTOR_LOW) == before + i + 1);
		came = came && wait_until(!ioapic_remote(low.line));
	}
	check(came, "device-level-last-processor", "%lu of %u came",
	      count(last, VECTOR_LOW) - before, ROUNDS);
	clear_lines();
}

static void on_msi(u8 vector)
{
	edu_acknowledge(&low);
	apic_eoi();
}

static void test_msi(void)
{
	bool came = edu_use_msi(&low, 0, VECTOR_LOW);
	u64 before = count(0, VECTOR_LOW);

	interrupt_set(VECTOR_LOW, on_msi);
	for (u32 i = 0; i < ROUNDS && came; i++) {
		edu_raise(&low);
		came = comes(VECTOR_LOW, 1);
	}
	edu_use_msi(&low, 0, 0);
	irq_window();
	check(came && count(0, VECTOR_LOW) - before == ROUNDS, "device-msi", "%lu of %u came",
	      count(0, VECTOR_LOW) - before, ROUNDS);
	interrupt_set(VECTOR_LOW, NULL);
}

void test_device(void)
{
	struct edu devices[EDU_MAX];
	u32 found = edu_find(devices);

	pic_init(0);
	test_pit_ioapic();
	test_pit_extint();
	if (!check(found == EDU_MAX && devices[0].line != devices[1].line, "device-edu",
		   "needs two edu devices on two lines, found %u", found))
		return;
	low = devices[0];
	high = devices[1];
	test_level();
	test_level_stays();
	test_nested();
	test_waiting();
	test_level_elsewhere();
	test_msi();
}
