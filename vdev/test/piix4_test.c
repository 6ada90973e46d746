/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PIIX4: interrupt routing, reset control, ACPI registers, PM timer, sleep, SMBus.
 */
#include "test_board.h"
#include "test_main.h"
#include "test_registers.h"
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

/* The chips of a second board, for states to be restored into. */
struct chips {
	struct test_board *t;
	struct vdev_irq_line isa_lines[16];
	struct vdev_piix4_isa *isa;
	struct vdev_piix4_pm *pm;
	struct vdev_device *host;
};

static void make_chips(struct chips *c)
{
	c->t = test_board_create();
	for (unsigned int i = 0; i < 16; i++)
		c->isa_lines[i] = c->t->irq[i].line;
	ck_assert_int_eq(vdev_piix4_isa_create(&c->t->pci, c->isa_lines, &c->isa), 0);
	ck_assert_int_eq(vdev_piix4_pm_create(&c->t->pci, &c->t->irq[9].line, PM, &c->pm), 0);
	ck_assert_int_eq(vdev_pci_host_create(&c->t->board, &c->t->pci,
					      vdev_piix4_isa_reset_control(c->isa), &c->host),
			 0);
}

static void destroy_chips(struct chips *c)
{
	vdev_device_destroy(c->host);
	vdev_device_destroy(vdev_piix4_pm_device(c->pm));
	vdev_device_destroy(vdev_piix4_isa_device(c->isa));
	test_board_destroy(c->t);
}

START_TEST(states_go_to_another_board)
{
	struct chips other;
	struct vdev_irq source = {0};

	make_chips(&other);
	config(isa_devfn, 0x60, 1, 5);
	config(isa_devfn, 0x6a, 1, 0x80);
	test_out8(t, 0xcf9, 0x02);
	test_round_trip(vdev_piix4_isa_device(isa), vdev_piix4_isa_device(other.isa));
	vdev_irq_connect(&source, other.t->pci.intx[0]);
	vdev_irq_set(&source, true);
	ck_assert(other.t->irq[5].level);
	vdev_irq_connect(&source, NULL);
	ck_assert_uint_eq(test_in8(other.t, 0xcf9), 0x02);

	config(pm_devfn, 0x40, 4, 0xb001);
	config(pm_devfn, 0x90, 4, 0x701);
	config(pm_devfn, 0xd2, 1, 0x09);
	test_out8(t, 0x703, 0x42);
	test_out16(t, 0xb002, 0x100);
	test_out16(t, 0xb004, 1);
	vdev_piix4_pm_power_button(pm);
	test_round_trip(vdev_piix4_pm_device(pm), vdev_piix4_pm_device(other.pm));
	ck_assert(other.t->irq[9].level);
	ck_assert_uint_eq(test_in8(other.t, 0x703), 0x42);
	ck_assert_uint_eq(test_in16(other.t, 0xb002), 0x100);

	test_out32(t, 0xcf8, 0x80000800);
	test_round_trip(host, other.host);
	ck_assert_uint_eq(test_in32(other.t, 0xcfc), 0x71108086);
	destroy_chips(&other);
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

/* 290562 section 4.1; what has no effect here is kept. */
START_TEST(the_data_sheet_of_the_isa_bridge)
{
	static const struct test_register registers[] = {
		{"VID, DID", 0x00, 4, 0x71108086, 0, 0},
		{"PCICMD", 0x04, 2, 0x0007, 0x0108, 0},
		{"PCISTS", 0x06, 2, 0x0280, 0, 0},
		{"RID, CLASSC", 0x08, 4, 0x06010000, 0, 0},
		{"HEDT", 0x0e, 1, 0x80, 0, 0},
		{"IORT", 0x4c, 1, 0x4d, 0xff, 0},
		{"XBCS", 0x4e, 2, 0x0003, 0x07ff, 0},
		{"PIRQRCA", 0x60, 1, 0x80, 0x8f, 0},
		{"PIRQRCB", 0x61, 1, 0x80, 0x8f, 0},
		{"PIRQRCC", 0x62, 1, 0x80, 0x8f, 0},
		{"PIRQRCD", 0x63, 1, 0x80, 0x8f, 0},
		{"SERIRQC", 0x64, 1, 0x10, 0xff, 0},
		{"TOM", 0x69, 1, 0x02, 0xfe, 0},
		{"MSTAT", 0x6a, 2, 0x0000, 0x0080, 0}, /* bit 15 clears by ones, and is never set */
		{"MBDMA0", 0x76, 1, 0x04, 0x87, 0},
		{"MBDMA1", 0x77, 1, 0x04, 0x87, 0},
		{"APICBASE", 0x80, 1, 0x00, 0x7f, 0},
		{"DLC", 0x82, 1, 0x00, 0x0f, 0},
		{"PDMACFG", 0x90, 2, 0x0000, 0xfcff, 0},
		{"DDMABP0", 0x92, 2, 0x0000, 0xffc0, 0},
		{"DDMABP1", 0x94, 2, 0x0000, 0xffc0, 0},
		{"GENCFG", 0xb0, 4, 0x00000004, 0xfbffdf73, 0},
		{"RTCCFG", 0xcb, 1, 0x21, 0x3d, 0},
	};
	const struct test_config function = {t, isa_devfn};

	test_config_registers(vdev_piix4_isa_device(isa), &function, registers,
			      ARRAY_SIZE(registers));
}
END_TEST

/* 290562 section 7.1. What 44h to 7Fh watch does not happen here: they are kept only. */
START_TEST(the_data_sheet_of_power_management)
{
	static const struct test_register registers[] = {
		{"VID, DID", 0x00, 4, 0x71138086, 0, 0},
		{"PCICMD", 0x04, 2, 0x0000, 0x0001, 0},
		{"PCISTS", 0x06, 2, 0x0280, 0, 0},
		{"RID, CLASSC", 0x08, 4, 0x06800003, 0, 0},
		{"INTLN", 0x3c, 1, 0x09, 0xff, 0}, /* as firmware leaves it: the SCI */
		{"INTPN", 0x3d, 1, 0x01, 0, 0},
		{"PMBA", 0x40, 4, 0x00000001 | PM, 0x0000ffc0, 0},
		{"CNTA", 0x44, 4, 0, 0xffffffff, 0},
		{"CNTB", 0x48, 4, 0, 0x0173ffff, 0},
		{"GPICTL", 0x4c, 4, 0, 0x0fffffff, 0},
		{"DEVRESD", 0x50, 4, 0, 0x007f583f, 0},
		{"DEVACTA", 0x54, 4, 0, 0xffffffff, 0},
		{"DEVACTB", 0x58, 4, 0x02000000, 0x03ffff77, 0}, /* APMC: as firmware leaves it */
		{"DEVRESA", 0x5c, 4, 0, 0xffffffff, 0},
		{"DEVRESB", 0x60, 4, 0, 0xf7ffffff, 0},
		{"DEVRESC", 0x64, 4, 0, 0xffefffff, 0},
		{"DEVRESE", 0x68, 4, 0, 0x001fffff, 0},
		{"DEVRESF", 0x6c, 4, 0, 0xffff80ff, 0},
		{"DEVRESG", 0x70, 4, 0, 0x001fffff, 0},
		{"DEVRESH", 0x74, 4, 0, 0xffff80ff, 0},
		{"DEVRESI", 0x78, 4, 0, 0x001fffff, 0},
		{"DEVRESJ", 0x7c, 4, 0, 0x001fffff, 0},
		{"PMREGMISC", 0x80, 1, 0x01, 0x01, 0}, /* on: this test boots without firmware */
		{"SMBBA", 0x90, 4, 0x00000001, 0x0000fff0, 0},
		{"SMBHSTCFG", 0xd2, 1, 0x00, 0x0f, 0},
		{"SMBSLVC", 0xd3, 1, 0x00, 0xff, 0},
		{"SMBSHDW1", 0xd4, 1, 0x00, 0xfe, 0},
		{"SMBSHDW2", 0xd5, 1, 0x00, 0xfe, 0},
	};
	const struct test_config function = {t, pm_devfn};

	test_config_registers(vdev_piix4_pm_device(pm), &function, registers,
			      ARRAY_SIZE(registers));
}
END_TEST

/* 290562 section 7.2; statuses clear by ones and have tests of their own. */
START_TEST(the_data_sheet_of_the_pm_registers)
{
	static const struct test_register registers[] = {
		{"PMSTS", PM, 2, 0, 0, 0},
		{"PMEN", PM + 2, 2, 0, 0x0521, 0},
		{"PMCNTRL", PM + 4, 2, 0, 0x1c03, 0},
		{"PMTMR", PM + 8, 4, 0, 0, 0}, /* time stands still here */
		{"GPSTS", PM + 0xc, 2, 0, 0, 0},
		{"GPEN", PM + 0xe, 2, 0, 0xffff, 0},
		{"PCNTRL", PM + 0x10, 4, 0, 0xffffffff, 0},
		{"PLVL2", PM + 0x14, 1, 0, 0, 0},
		{"PLVL3", PM + 0x15, 1, 0, 0, 0},
		{"GLBSTS", PM + 0x18, 2, 0, 0, 0},
		{"DEVSTS", PM + 0x1c, 4, 0, 0, 0},
		{"GLBEN", PM + 0x20, 2, 0, 0xffff, 0},
		{"GLBCTL", PM + 0x28, 4, 0, 0xffffffff, 0},
		{"DEVCTL", PM + 0x2c, 4, 0, 0xffffffff, 0},
		{"GPIREG", PM + 0x30, 4, 0, 0, 0},
		{"GPOREG", PM + 0x34, 4, 0x7fffbfff, 0xffffffff, 0},
		{"APMC", 0xb2, 1, 0, 0xff, 0},
		{"APMS", 0xb3, 1, 0, 0xff, 0},
	};
	const struct test_access access = test_access_ports(t);

	test_registers(vdev_piix4_pm_device(pm), &access, registers, ARRAY_SIZE(registers));
}
END_TEST

#define SMBUS 0x700u

/* A reset takes the registers off the bus: each access puts them back. */
static uint32_t smbus_read(void *owner, unsigned int at, unsigned int width)
{
	config(pm_devfn, 0x90, 4, SMBUS | 1);
	config(pm_devfn, 0xd2, 1, 0x01);
	return test_in8(t, (uint16_t)(SMBUS + at));
}

static void smbus_write(void *owner, unsigned int at, unsigned int width, uint32_t value)
{
	config(pm_devfn, 0x90, 4, SMBUS | 1);
	config(pm_devfn, 0xd2, 1, 0x01);
	test_out8(t, (uint16_t)(SMBUS + at), (uint8_t)value);
}

/* 290562 section 7.3. Nobody addresses the slave, so its data and statuses stay 0. */
START_TEST(the_data_sheet_of_the_smbus)
{
	static const struct test_register registers[] = {
		{"SMBHSTSTS", 0x0, 1, 0x00, 0x00, 0}, /* clears by ones: a test of its own */
		{"SMBSLVSTS", 0x1, 1, 0x00, 0x00, 0},
		{"SMBHSTCNT", 0x2, 1, 0x00, 0x1f, 0}, /* START reads as 0 */
		{"SMBHSTCMD", 0x3, 1, 0x00, 0xff, 0},
		{"SMBHSTADD", 0x4, 1, 0x00, 0xff, 0},
		{"SMBHSTDAT0", 0x5, 1, 0x00, 0xff, 0},
		{"SMBHSTDAT1", 0x6, 1, 0x00, 0xff, 0},
		{"SMBBLKDAT", 0x7, 1, 0x00, 0x00, 0xff}, /* an array: a test of its own */
		{"SMBSLVCNT", 0x8, 1, 0x00, 0x0f, 0},
		{"SMBSHDWCMD", 0x9, 1, 0x00, 0x00, 0},
		{"SMBSLVEVT", 0xa, 1, 0x00, 0xff, 0},
		{"SMBSLVEVT, high", 0xb, 1, 0x00, 0xff, 0},
		{"SMBSLVDAT", 0xc, 1, 0x00, 0x00, 0},
		{"SMBSLVDAT, high", 0xd, 1, 0x00, 0x00, 0},
		{"reserved", 0xe, 1, 0x00, 0x00, 0},
		{"reserved", 0xf, 1, 0x00, 0x00, 0},
	};
	const struct test_access access = {smbus_read, smbus_write, NULL};

	test_registers(vdev_piix4_pm_device(pm), &access, registers, ARRAY_SIZE(registers));
}
END_TEST

/* "will not respond to the START bit being set unless all interrupt status bits … cleared" */
START_TEST(statuses_clear_by_ones_and_hold_up_the_next_start)
{
	smbus_write(NULL, 0x2, 1, 0x48);
	ck_assert_uint_eq(smbus_read(NULL, 0x0, 1), 0x06);
	smbus_write(NULL, 0x0, 1, 0x02);
	ck_assert_uint_eq(smbus_read(NULL, 0x0, 1), 0x04);
	smbus_write(NULL, 0x2, 1, 0x48);
	ck_assert_uint_eq(smbus_read(NULL, 0x0, 1), 0x04);
	smbus_write(NULL, 0x0, 1, 0x04);
	ck_assert_uint_eq(smbus_read(NULL, 0x0, 1), 0x00);
	smbus_write(NULL, 0x2, 1, 0x48);
	ck_assert_uint_eq(smbus_read(NULL, 0x0, 1), 0x06);
}
END_TEST

/* Thirty-two bytes, whose index a read of SMBHSTCNT takes back to 0. */
START_TEST(the_block_is_an_array)
{
	smbus_read(NULL, 0x2, 1);
	for (unsigned int i = 0; i < 33; i++)
		smbus_write(NULL, 0x7, 1, 0x40 + i);
	smbus_read(NULL, 0x2, 1);
	ck_assert_uint_eq(smbus_read(NULL, 0x7, 1), 0x60);
	for (unsigned int i = 1; i < 32; i++)
		ck_assert_uint_eq(smbus_read(NULL, 0x7, 1), 0x40 + i);
	ck_assert_uint_eq(smbus_read(NULL, 0x7, 1), 0x60);
}
END_TEST

TEST_MAIN("vdev/piix4", setup, teardown, the_data_sheet_of_the_isa_bridge,
	  the_data_sheet_of_power_management, the_data_sheet_of_the_pm_registers,
	  the_data_sheet_of_the_smbus, statuses_clear_by_ones_and_hold_up_the_next_start,
	  the_block_is_an_array, states_go_to_another_board, pci_interrupts_are_routed,
	  routing_survives_a_restore, reset_control_acts_on_the_rising_bit, pm_registers_move,
	  the_timer_counts_and_tells_its_top_bit, the_power_button_asks_for_a_shutdown,
	  general_purpose_events, sleep_types, firmware_finds_smm_set_up, nobody_is_on_the_smbus,
	  state_and_registers)
