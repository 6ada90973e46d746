/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82093AA I/O APIC (Intel 290566): 24 inputs, registers at FEC00000h. It posts its messages to
 * the board's partition.
 *
 * Inputs are seen as asserted or not; the polarity bit of an entry is kept for the guest and has no
 * effect. An edge on a masked input is lost, as the data sheet says (section 3.2.4).
 */
#ifndef VDEV_IOAPIC_H
#define VDEV_IOAPIC_H

#include "board/device.h"

#define VDEV_IOAPIC_PINS 24u
#define VDEV_IOAPIC_BASE UINT64_C(0xfec00000)

struct vdev_ioapic;

int must_check vdev_ioapic_create(struct vdev_board *board, struct vdev_ioapic **ret_ioapic);
struct vdev_device *vdev_ioapic_device(struct vdev_ioapic *ioapic);

/* Level of input `pin`, 0 to 23. */
void vdev_ioapic_set(struct vdev_ioapic *ioapic, unsigned int pin, bool level);

/* A processor ended the level-triggered interrupt `vector` (VID_EXIT_EOI). */
void vdev_ioapic_eoi(struct vdev_ioapic *ioapic, uint8_t vector);

/* Messages posted so far, and posts that the partition refused. */
uint64_t vdev_ioapic_sent(const struct vdev_ioapic *ioapic);
uint64_t vdev_ioapic_refused(const struct vdev_ioapic *ioapic);

#endif
