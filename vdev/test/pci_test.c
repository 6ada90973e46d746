/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions: write masks, base addresses that are sized, moved, piled up and switched off,
 * interrupts, bus mastering.
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "test_board.h"
#include "test_main.h"

static struct test_board *t;
static struct vdev_pci_function f, g;
static unsigned int notified;

static uint64_t read_bar(void *owner, uint64_t offset, unsigned int width)
{
	return 0x50 + offset;
}

static void write_bar(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
}

static const struct vdev_range_ops bar_ops = {read_bar, write_bar, 1, 4, false};

static void written(struct vdev_pci_function *function, unsigned int offset, unsigned int width)
{
	notified = offset * 16 + width;
}

static const struct vdev_pci_function_ops ops = {written};
static const struct vdev_pci_id id = {0x1234, 0x5678, 0x0101, 0x80, 2};
static const unsigned int slot = VDEV_PCI_DEVFN(3, 0);

static void init_function(struct vdev_pci_function *function)
{
	vdev_pci_function_init(function, &ops, &id);
	vdev_pci_bar_init(function, 0, VDEV_PCI_BAR_IO, 16, &bar_ops, NULL, "io");
	vdev_pci_bar_init(function, 1, VDEV_PCI_BAR_MEM32, 4096, &bar_ops, NULL, "mem");
	vdev_pci_bar_init(function, 2, VDEV_PCI_BAR_MEM64_PREFETCH, GIB(8), &bar_ops, NULL, "big");
	vdev_pci_set_interrupt_pin(function, 2);
}

static void setup(void)
{
	t = test_board_create();
	init_function(&f);
	init_function(&g);
	ck_assert_int_eq(vdev_pci_attach(&t->pci, &f, slot), 0);
}

static void teardown(void)
{
	vdev_pci_detach(&f);
	vdev_pci_detach(&g);
	test_board_destroy(t);
}

static uint32_t read32(unsigned int offset)
{
	return vdev_pci_config_read(&t->pci, slot, offset, 4);
}

static void write32(unsigned int offset, uint32_t value)
{
	vdev_pci_config_write(&t->pci, slot, offset, 4, value);
}

START_TEST(identity_is_read_only)
{
	write32(0, 0xffffffff);
	write32(8, 0xffffffff);
	ck_assert_uint_eq(read32(0), 0x56781234);
	ck_assert_uint_eq(read32(8), 0x01018002);
	ck_assert_uint_eq(notified, 8 * 16 + 4);
	ck_assert_uint_eq(vdev_pci_config_read(&t->pci, 0, 0, 4), 0xffffffff);
	ck_assert_uint_eq(vdev_pci_config_read(&t->pci, slot, 1, 1), 0x12);
	ck_assert_int_eq(vdev_pci_attach(&t->pci, &g, slot), -EEXIST);
}
END_TEST

START_TEST(status_bits_are_cleared_by_ones)
{
	vdev_pci_set16(&f, PCI_STATUS, 0x3000);
	vdev_pci_config_write(&t->pci, slot, PCI_STATUS, 2, 0x1000);
	ck_assert_uint_eq(vdev_pci_get16(&f, PCI_STATUS), 0x2000);
}
END_TEST

START_TEST(bars_tell_their_size)
{
	for (unsigned int i = 0; i < 4; i++)
		write32(PCI_BAR0 + 4 * i, 0xffffffff);
	ck_assert_uint_eq(read32(PCI_BAR0), 0xfffffff1);
	ck_assert_uint_eq(read32(PCI_BAR0 + 4), 0xfffff000);
	ck_assert_uint_eq(read32(PCI_BAR0 + 8), 0x0000000c);
	ck_assert_uint_eq(read32(PCI_BAR0 + 12), 0xfffffffe);
	ck_assert_uint_eq(read32(PCI_BAR0 + 16), 0);
}
END_TEST

START_TEST(bars_move_and_switch_off)
{
	write32(PCI_BAR0, 0xc000);
	ck_assert_uint_eq(test_in8(t, 0xc002), 0xff);
	write32(PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(test_in8(t, 0xc002), 0x52);
	write32(PCI_BAR0, 0xd000);
	ck_assert_uint_eq(test_in8(t, 0xc002), 0xff);
	ck_assert_uint_eq(test_in8(t, 0xd002), 0x52);
	write32(PCI_BAR0, 0xffffffff);
	ck_assert_uint_eq(test_in8(t, 0xd002), 0xff);
	write32(PCI_BAR0 + 8, 0);
	write32(PCI_BAR0 + 12, 2);
	ck_assert_uint_eq(vdev_bus_read(&t->board.memory, GIB(8) + 3, 1), 0x53);
	write32(PCI_COMMAND, 0);
	ck_assert_uint_eq(vdev_bus_read(&t->board.memory, GIB(8) + 3, 1), 0xff);
	ck_assert_uint_eq(t->board.memory.count, 0);
}
END_TEST

START_TEST(a_bar_under_another_appears_when_that_one_leaves)
{
	ck_assert_int_eq(vdev_pci_attach(&t->pci, &g, VDEV_PCI_DEVFN(4, 0)), 0);
	write32(PCI_COMMAND, PCI_COMMAND_IO);
	write32(PCI_BAR0, 0xc000);
	vdev_pci_config_write(&t->pci, g.devfn, PCI_COMMAND, 2, PCI_COMMAND_IO);
	vdev_pci_config_write(&t->pci, g.devfn, PCI_BAR0, 4, 0xc000);
	ck_assert(f.bars[0].mapped && !g.bars[0].mapped);
	write32(PCI_BAR0, 0xc100);
	ck_assert(f.bars[0].mapped && g.bars[0].mapped);
	ck_assert_uint_eq(t->board.ports.count, 2);
}
END_TEST

START_TEST(interrupts_are_swizzled)
{
	ck_assert_int_eq(vdev_pci_attach(&t->pci, &g, VDEV_PCI_DEVFN(1, 3)), 0);
	vdev_pci_set_irq(&f, true); /* device 3, INTB#: PIRQ (3 - 1 + 1) mod 4 = D */
	ck_assert(t->irq[23].level);
	vdev_pci_set_irq(&g, true); /* device 1, INTB#: PIRQB# */
	ck_assert(t->irq[21].level);
	vdev_pci_detach(&g);
	ck_assert(!t->irq[21].level);
	vdev_pci_function_reset(&f);
	ck_assert(!t->irq[23].level);
}
END_TEST

START_TEST(dma_needs_the_master_bit)
{
	uint32_t value = 0x11223344;

	ck_assert_int_eq(vdev_pci_dma_write(&f, 64, &value, 4), -EACCES);
	write32(PCI_COMMAND, PCI_COMMAND_MASTER);
	ck_assert_int_eq(vdev_pci_dma_write(&f, 64, &value, 4), 0);
	ck_assert_uint_eq(bytes_get_le32(test_ram(t) + 64), value);
	ck_assert_int_eq(vdev_pci_dma_read(&f, TEST_RAM_SIZE - 2, &value, 4), -EFAULT);
	ck_assert_int_eq(vdev_pci_dma_read(&f, 64, &value, 4), 0);
}
END_TEST

START_TEST(restore_moves_bars_and_keeps_identity)
{
	_cleanup_(vdev_state_writer_fini) struct vdev_state_writer w;
	struct vdev_state_reader r;
	struct vdev_state_record record;

	write32(PCI_COMMAND, PCI_COMMAND_IO);
	write32(PCI_BAR0, 0xc000);
	vdev_state_writer_init(&w);
	vdev_state_begin(&w, "f", 1);
	f.config[0] = 0x99; /* somebody edits the saved state */
	vdev_pci_save(&f, &w, 1);
	f.config[0] = 0x34;
	vdev_state_end(&w);
	write32(PCI_BAR0, 0xd000);
	ck_assert_int_eq(vdev_state_reader_init(&r, w.data, w.size), 0);
	ck_assert_int_eq(vdev_state_find(&r, "f", 1, &record), 0);
	ck_assert_int_eq(vdev_pci_restore(&f, &record, 2), -EBADMSG);
	ck_assert_int_eq(vdev_pci_restore(&f, &record, 1), 0);
	ck_assert_uint_eq(read32(0), 0x56781234);
	ck_assert_uint_eq(test_in8(t, 0xc002), 0x52);
	ck_assert_uint_eq(test_in8(t, 0xd002), 0xff);
}
END_TEST

START_TEST(reset_brings_back_the_first_configuration)
{
	write32(PCI_COMMAND, 7);
	write32(PCI_BAR0, 0xc000);
	write32(PCI_INTERRUPT_LINE, 11);
	vdev_pci_function_reset(&f);
	ck_assert_uint_eq(read32(PCI_COMMAND), 0);
	ck_assert_uint_eq(read32(PCI_BAR0), 1);
	ck_assert_uint_eq(read32(PCI_INTERRUPT_LINE), 0x200);
	ck_assert_uint_eq(t->board.ports.count, 0);
}
END_TEST

TEST_MAIN("vdev/pci", setup, teardown, identity_is_read_only, status_bits_are_cleared_by_ones,
	  bars_tell_their_size, bars_move_and_switch_off,
	  a_bar_under_another_appears_when_that_one_leaves, interrupts_are_swizzled,
	  dma_needs_the_master_bit, restore_moves_bars_and_keeps_identity,
	  reset_brings_back_the_first_configuration)
