/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PIIX4: interrupt routing, reset control, ACPI registers, PM timer, sleep, SMBus.
 */
#include "test_board.h"
#include "test_main.h"
#include "vdev/pci_host.h"
#include "vdev/piix4_isa.h"
#include "vdev/piix4_pm.h"

#define PM VDEV_PM_BASE

static struct test_board *t;
static struct vdev_irq_line isa_lines[16];
static struct vdev_piix4_isa *isa;
static struct vdev_piix4_pm *pm;
static struct vdev_device *host;
static const unsigned int isa_devfn = VDEV_PCI_DEVFN(1, 0), pm_devfn = VDEV_PCI_DEVFN(1, 3);

static void setup(void)
{
	t = test_board_create();
	for (unsigned int i = 0; i < 16; i++)
		isa_lines[i] = t->irq[i].line;
	ck_assert_int_eq(vdev_piix4_isa_create(&t->pci, isa_lines, &isa), 0);
	ck_assert_int_eq(vdev_piix4_pm_create(&t->pci, &t->irq[9].line, PM, &pm), 0);
	ck_assert_int_eq(
		vdev_pci_host_create(&t->board, &t->pci, vdev_piix4_isa_reset_control(isa), &host),
		0);
}

static void teardown(void)
{
	vdev_device_destroy(host);
	vdev_device_destroy(vdev_piix4_pm_device(pm));
	vdev_device_destroy(vdev_piix4_isa_device(isa));
	test_board_destroy(t);
}

static void config(unsigned int devfn, unsigned int reg, unsigned int width, uint32_t value)
{
	vdev_pci_config_write(&t->pci, devfn, reg, width, value);
}

START_TEST(pci_interrupts_are_routed)
{
	struct vdev_irq source = {0};

	vdev_irq_connect(&source, t->pci.intx[1]); /* PIRQB# */
	vdev_irq_set(&source, true);
	ck_assert_uint_eq(t->irq[11].rises, 0);
	config(isa_devfn, 0x61, 1, 11);
	ck_assert(t->irq[11].level);
	config(isa_devfn, 0x61, 1, 10);
	ck_assert(!t->irq[11].level && t->irq[10].level);
	config(isa_devfn, 0x61, 1, 0x80 | 10);
	ck_assert(!t->irq[10].level);
	config(isa_devfn, 0x61, 1, 8); /* the RTC's: not allowed */
	ck_assert(!t->irq[8].level);
	config(isa_devfn, 0x60, 4, 0x0b0b0b0b);
	ck_assert(t->irq[11].level);
	vdev_irq_set(&source, false);
	ck_assert(!t->irq[11].level);
	vdev_irq_connect(&source, NULL);
}
END_TEST

START_TEST(routing_survives_a_restore)
{
	struct vdev_irq source = {0};

	vdev_irq_connect(&source, t->pci.intx[0]);
	config(isa_devfn, 0x60, 1, 5);
	vdev_irq_set(&source, true);
	test_round_trip(vdev_piix4_isa_device(isa), vdev_piix4_isa_device(isa));
	test_hostile_state(vdev_piix4_isa_device(isa));
	ck_assert(t->irq[5].level);
	vdev_device_reset(vdev_piix4_isa_device(isa));
	ck_assert(!t->irq[5].level);
	vdev_irq_connect(&source, NULL);
}
END_TEST

START_TEST(reset_control_acts_on_the_rising_bit)
{
	test_out8(t, 0xcf9, 0x02);
	ck_assert_uint_eq(t->event_count, 0);
	test_out8(t, 0xcf9, 0x06);
	ck_assert_int_eq(t->events[0], VDEV_EVENT_RESET);
	test_out8(t, 0xcf9, 0x06);
	ck_assert_uint_eq(t->event_count, 1);
	test_out8(t, 0xcf9, 0x00);
	test_out8(t, 0xcf9, 0x04);
	ck_assert_int_eq(t->events[1], VDEV_EVENT_INIT);
	ck_assert_uint_eq(test_in8(t, 0xcf9), 0x04);
	test_out32(t, 0xcf8, 0xffffffff); /* CONFADD, not port CF9h */
	ck_assert_uint_eq(test_in8(t, 0xcf9), 0x04);
	ck_assert_uint_eq(t->event_count, 2);
}
END_TEST

START_TEST(pm_registers_move)
{
	ck_assert_uint_eq(test_in16(t, PM + 4), 0);
	config(pm_devfn, 0x40, 4, 0xb001);
	ck_assert_uint_eq(test_in16(t, PM + 4), 0xffff);
	test_out16(t, 0xb004, 1);
	ck_assert(vdev_piix4_pm_acpi_enabled(pm));
	config(pm_devfn, 0x80, 1, 0);
	ck_assert_uint_eq(test_in16(t, 0xb004), 0xffff);
	vdev_device_reset(vdev_piix4_pm_device(pm));
	ck_assert_uint_eq(test_in16(t, PM + 4), 0);
}
END_TEST

START_TEST(the_timer_counts_and_tells_its_top_bit)
{
	test_board_advance(t, VDEV_SECOND);
	ck_assert_uint_eq(test_in32(t, PM + 8), VDEV_PM_TIMER_HZ & 0xffffff);
	ck_assert_uint_eq(test_in16(t, PM) & 1, 0);
	test_board_advance(t, 2 * VDEV_SECOND);
	ck_assert_uint_eq(test_in16(t, PM) & 1, 1);
	test_out16(t, PM, 1);
	ck_assert_uint_eq(test_in16(t, PM) & 1, 0);
	test_out16(t, PM + 2, 1);
	test_out16(t, PM + 4, 1);
	ck_assert(!t->irq[9].level);
	test_board_advance(t, 3 * VDEV_SECOND);
	ck_assert(t->irq[9].level);
	test_out16(t, PM, 1);
	ck_assert(!t->irq[9].level);
	test_board_advance(t, 10 * VDEV_SECOND);
	ck_assert_uint_eq(t->irq[9].rises, 2);
}
END_TEST

START_TEST(the_power_button_asks_for_a_shutdown)
{
	vdev_piix4_pm_power_button(pm);
	ck_assert(!t->irq[9].level);
	test_out8(t, 0xb2, VDEV_PM_ACPI_ENABLE);
	ck_assert_uint_eq(test_in16(t, PM + 4) & 1, 1);
	test_out16(t, PM + 2, 0x100);
	ck_assert(t->irq[9].level);
	test_out8(t, PM + 1, 0x01); /* a byte write clears the bit as well */
	ck_assert(!t->irq[9].level);
	ck_assert_uint_eq(test_in16(t, PM), 0);
	test_out8(t, 0xb2, VDEV_PM_ACPI_DISABLE);
	ck_assert(!vdev_piix4_pm_acpi_enabled(pm));
	ck_assert_uint_eq(test_in8(t, 0xb2), VDEV_PM_ACPI_DISABLE);
}
END_TEST

START_TEST(general_purpose_events)
{
	test_out16(t, PM + 4, 1);
	vdev_piix4_pm_gpe(pm, 9);
	ck_assert(!t->irq[9].level);
	test_out8(t, PM + 0x0f, 0x02);
	ck_assert(t->irq[9].level);
	ck_assert_uint_eq(test_in32(t, PM + 0x0c), 0x02000200);
	test_out16(t, PM + 0x0c, 0x0200);
	ck_assert(!t->irq[9].level);
}
END_TEST

START_TEST(sleep_types)
{
	test_out16(t, PM + 4, 1 << 10); /* the type alone does nothing */
	ck_assert_uint_eq(t->event_count, 0);
	test_out16(t, PM + 4, 1 << 10 | 1 << 13);
	ck_assert_int_eq(t->events[0], VDEV_EVENT_SUSPEND);
	ck_assert_uint_eq(test_in16(t, PM + 4) & 0x2000, 0);
	vdev_piix4_pm_wake(pm);
	ck_assert_uint_eq(test_in16(t, PM) & 0x8000, 0x8000);
	test_out16(t, PM + 4, 1 << 13);
	ck_assert_int_eq(t->events[1], VDEV_EVENT_POWEROFF);
	test_out8(t, PM + 5, 0x20); /* SLP_EN by its byte */
	ck_assert_uint_eq(t->event_count, 3);
	test_out16(t, PM + 4, 5 << 10 | 1 << 13);
	ck_assert_uint_eq(t->event_count, 3);
}
END_TEST

START_TEST(firmware_finds_smm_set_up)
{
	ck_assert_uint_eq(vdev_pci_config_read(&t->pci, pm_devfn, 0x58, 4) & 1u << 25, 1u << 25);
}
END_TEST

START_TEST(nobody_is_on_the_smbus)
{
	config(pm_devfn, 0x90, 4, 0x701);
	ck_assert_uint_eq(test_in8(t, 0x700), 0xff);
	config(pm_devfn, 0xd2, 1, 0x09);
	ck_assert_uint_eq(test_in8(t, 0x700), 0);
	test_out8(t, 0x704, 0xa1);
	test_out8(t, 0x702, 0x48);
	ck_assert_uint_eq(test_in8(t, 0x700), 0x06);
	ck_assert_uint_eq(test_in8(t, 0x702), 0x08);
	test_out8(t, 0x700, 0xff);
	ck_assert_uint_eq(test_in8(t, 0x700), 0);
	test_out8(t, 0x707, 0x11);
	test_out8(t, 0x707, 0x22);
	test_in8(t, 0x702);
	ck_assert_uint_eq(test_in8(t, 0x707), 0x11);
	ck_assert_uint_eq(test_in8(t, 0x707), 0x22);
}
END_TEST

START_TEST(state_and_registers)
{
	config(pm_devfn, 0x90, 4, 0x701);
	config(pm_devfn, 0xd2, 1, 0x09);
	test_out16(t, PM + 2, 0x101);
	test_out16(t, PM + 4, 1);
	vdev_piix4_pm_power_button(pm);
	test_board_advance(t, 5 * VDEV_SECOND);
	test_round_trip(vdev_piix4_pm_device(pm), vdev_piix4_pm_device(pm));
	ck_assert(t->irq[9].level);
	test_hostile_state(vdev_piix4_pm_device(pm));
	ck_assert_uint_eq(test_in8(t, 0x700), 0);
	test_register_walk(t, vdev_piix4_pm_device(pm), true, PM, 0x40);
	test_register_walk(t, vdev_piix4_pm_device(pm), true, 0xb2, 2);
	config(pm_devfn, 0x90, 4, 0x701);
	config(pm_devfn, 0xd2, 1, 0x09);
	test_register_walk(t, vdev_piix4_pm_device(pm), true, 0x700, 16);
	test_round_trip(host, host);
	test_hostile_state(host);
	test_register_walk(t, host, true, 0xcf8, 8);
}
END_TEST

TEST_MAIN("vdev/piix4", setup, teardown, pci_interrupts_are_routed, routing_survives_a_restore,
	  reset_control_acts_on_the_rising_bit, pm_registers_move,
	  the_timer_counts_and_tells_its_top_bit, the_power_button_asks_for_a_shutdown,
	  general_purpose_events, sleep_types, firmware_finds_smm_set_up, nobody_is_on_the_smbus,
	  state_and_registers)
