/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds the machine, top to bottom.
 */
#include "test_machine.h"

#include <stdlib.h>
#include <string.h>

#include "vid/memory.h"
#include "vid/partition.h"

#define EPOCH_2024 INT64_C(1704067200000000000) /* the test's date, in ns */

static int64_t read_date(void *owner)
{
	return EPOCH_2024 + (int64_t)((struct test_board *)owner)->time;
}

static const struct vdev_date_source date_source = {.read = read_date};

static void count_intr(void *owner, bool level)
{
	((struct test_machine *)owner)->intr_changes++;
}

static void append(struct test_log *log, const uint8_t *data, size_t size)
{
	size_t room = MIN(size, TEST_LOG_SIZE - log->size);

	memcpy(log->data + log->size, data, room);
	log->size += room;
}

static void log_debug(void *owner, uint8_t byte)
{
	append(&((struct test_machine *)owner)->debug_log, &byte, 1);
}

static size_t write_com1(void *owner, const uint8_t *data, size_t size)
{
	struct test_machine *m = owner;
	size_t taken = MIN(size, m->com1_space);

	append(&m->com1_log, data, taken);
	m->com1_space -= taken;
	return taken;
}

static const struct vdev_chardev_ops com1_ops = {.write = write_com1};

/* The board's own 1 MiB ends where the machine wants its holes. */
static void take_over_memory(struct test_machine *m, const void *rom, size_t rom_size,
			     uint64_t ram_size)
{
	struct test_board *t = m->t;

	CHECK(vid_partition_unmap(t->partition, 0, TEST_RAM_SIZE) == 0);
	vid_memory_destroy(t->ram);
	CHECK(vid_memory_create("test-ram", ram_size, &t->ram) == 0);
	CHECK(vid_memory_create("test-rom", rom_size, &m->rom) == 0);
	if (rom)
		memcpy(vid_memory_host(m->rom), rom, rom_size);
	CHECK(vid_partition_map(t->partition, 0, t->ram, 0, 0xa0000, VID_ACCESS_ALL) == 0);
	if (ram_size > MIB(1))
		CHECK(vid_partition_map(t->partition, MIB(1), t->ram, MIB(1), ram_size - MIB(1),
					VID_ACCESS_ALL) == 0);
	CHECK(vdev_shadow_create(&t->board, t->ram, m->rom, &m->shadow) == 0);
}

static void make_interrupts(struct test_machine *m)
{
	struct vdev_board *board = &m->t->board;

	CHECK(vdev_i8259_create(board, count_intr, m, &m->pic) == 0);
	CHECK(vdev_ioapic_create(board, &m->ioapic) == 0);
	vdev_isa_irq_init(&m->isa_irq, m->pic, m->ioapic);
}

static void make_pci(struct test_machine *m, struct vdev_device **ret_host)
{
	struct vdev_pci_bus *bus = &m->t->pci;
	struct vdev_irq_line *lines = m->isa_irq.lines;

	CHECK(vdev_i82443bx_create(bus, &vdev_shadow_ops, m->shadow, true, &m->bridge) == 0);
	CHECK(vdev_piix4_isa_create(bus, lines, &m->isa) == 0);
	CHECK(vdev_piix4_pm_create(bus, &lines[VDEV_PM_SCI_IRQ], 0, &m->pm) == 0);
	CHECK(vdev_pci_host_create(&m->t->board, bus, vdev_piix4_isa_reset_control(m->isa),
				   ret_host) == 0);
}

static void make_legacy(struct test_machine *m)
{
	const struct vdev_chardev com1 = {&com1_ops, m}, com2 = {NULL, NULL};
	struct vdev_irq_line *lines = m->isa_irq.lines;
	struct vdev_board *board = &m->t->board;

	CHECK(vdev_i8254_create(board, &lines[0], &m->pit) == 0);
	CHECK(vdev_mc146818_create(board, &lines[8], &date_source, m->t, &m->rtc) == 0);
	CHECK(vdev_i8237_create(board, &m->dma) == 0);
	CHECK(vdev_i8042_create(board, &lines[1], &lines[12], &m->kbc) == 0);
	CHECK(vdev_ns16550a_create(board, "com1", 0x3f8, &lines[4], &com1, &m->com1) == 0);
	CHECK(vdev_ns16550a_create(board, "com2", 0x2f8, &lines[3], &com2, &m->com2) == 0);
	CHECK(vdev_fw_cfg_create(board, &m->fw_cfg) == 0);
	CHECK(vdev_debug_port_create(board, log_debug, m, &m->debug) == 0);
}

static void tell_firmware(struct test_machine *m, uint64_t ram_size)
{
	const struct vdev_firmware_config firmware = {
		.below_4g = ram_size,
		.processors = 1,
		.name = "test",
		.console_port = 0x3f8,
	};
	const struct vdev_acpi_config acpi_config = {.processors = 1, .pci_window = 0x80000000};
	struct vdev_acpi *acpi = malloc(sizeof(*acpi));

	CHECK(acpi && vdev_acpi_build(acpi, &acpi_config) == 0);
	CHECK(vdev_acpi_add_to_fw_cfg(acpi, m->fw_cfg) == 0);
	free(acpi);
	CHECK(vdev_firmware_add(&firmware, m->fw_cfg) == 0);
	vdev_mc146818_set_memory(m->rtc, ram_size, 0);
}

struct test_machine *test_machine_create(const void *rom, size_t rom_size, uint64_t ram_size)
{
	struct test_machine *m = calloc(1, sizeof(*m));
	struct vdev_device *host;

	CHECK(m);
	m->t = test_board_create();
	m->com1_space = SIZE_MAX;
	take_over_memory(m, rom, rom_size, ram_size);
	make_interrupts(m);
	make_pci(m, &host);
	make_legacy(m);
	tell_firmware(m, ram_size);
	memcpy(m->devices,
	       (struct vdev_device *[TEST_MACHINE_DEVICES]){
		       vdev_i8259_device(m->pic), vdev_ioapic_device(m->ioapic),
		       vdev_i82443bx_device(m->bridge), vdev_piix4_isa_device(m->isa),
		       vdev_piix4_pm_device(m->pm), host, vdev_i8254_device(m->pit),
		       vdev_mc146818_device(m->rtc), vdev_i8237_device(m->dma),
		       vdev_i8042_device(m->kbc), vdev_ns16550a_device(m->com1),
		       vdev_ns16550a_device(m->com2), vdev_fw_cfg_device(m->fw_cfg),
		       vdev_debug_port_device(m->debug)},
	       sizeof(m->devices));
	return m;
}

/* The controllers go last: everybody else lets go of lines that lead to them. */
void test_machine_destroy(struct test_machine *m)
{
	for (unsigned int i = TEST_MACHINE_DEVICES; i-- > 0;)
		vdev_device_destroy(m->devices[i]);
	vdev_shadow_destroy(m->shadow);
	test_board_destroy(m->t);
	vid_memory_destroy(m->rom);
	free(m);
}
