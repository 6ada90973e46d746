/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole 440BX machine on a test board, wired as the worker wires it.
 */
#ifndef TEST_MACHINE_H
#define TEST_MACHINE_H

#include "test_board.h"
#include "vdev/acpi.h"
#include "vdev/debug_port.h"
#include "vdev/firmware.h"
#include "vdev/fw_cfg.h"
#include "vdev/i8042.h"
#include "vdev/i8237.h"
#include "vdev/i82443bx.h"
#include "vdev/i8254.h"
#include "vdev/i8259.h"
#include "vdev/ioapic.h"
#include "vdev/isa_irq.h"
#include "vdev/mc146818.h"
#include "vdev/ns16550a.h"
#include "vdev/pci_host.h"
#include "vdev/piix4_isa.h"
#include "vdev/piix4_pm.h"

#define TEST_MACHINE_DEVICES 14u
#define TEST_LOG_SIZE        4096u

struct test_log {
	uint8_t data[TEST_LOG_SIZE]; /* the newest are dropped when it is full */
	size_t size;
};

struct test_machine {
	struct test_board *t;
	struct vid_memory *rom;
	struct vdev_shadow *shadow;
	struct vdev_i8259 *pic;
	struct vdev_ioapic *ioapic;
	struct vdev_isa_irq isa_irq;
	struct vdev_i8254 *pit;
	struct vdev_mc146818 *rtc;
	struct vdev_i8237 *dma;
	struct vdev_i8042 *kbc;
	struct vdev_ns16550a *com1, *com2;
	struct vdev_i82443bx *bridge;
	struct vdev_piix4_isa *isa;
	struct vdev_piix4_pm *pm;
	struct vdev_fw_cfg *fw_cfg;
	struct vdev_debug_port *debug;
	struct vdev_device *devices[TEST_MACHINE_DEVICES]; /* in the order of their making */
	unsigned int intr_changes;
	struct test_log debug_log, com1_log;
	size_t com1_space; /* bytes that COM1's host takes before it is full */
};

/* `rom` is the firmware image, or NULL for 128 KiB of zeroes; `rom_size` as vdev_shadow_create(). */
struct test_machine *test_machine_create(const void *rom, size_t rom_size, uint64_t ram_size);
void test_machine_destroy(struct test_machine *m);

#endif
