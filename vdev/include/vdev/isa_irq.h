/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's interrupt wiring: each ISA interrupt goes to an 8259 input and to an IOAPIC input. The
 * timer, IRQ 0, is at IOAPIC input 2, as the MADT says; the other inputs are one to one. Inputs 16
 * to 23 lead to the IOAPIC alone.
 */
#ifndef VDEV_ISA_IRQ_H
#define VDEV_ISA_IRQ_H

#include "board/irq.h"

#define VDEV_ISA_IRQ_LINES 24u

struct vdev_i8259;
struct vdev_ioapic;

/* The caller's memory. Holds no state of its own but the lines. */
struct vdev_isa_irq {
	struct vdev_i8259 *pic;
	struct vdev_ioapic *ioapic;
	struct vdev_irq_line lines[VDEV_ISA_IRQ_LINES];
};

void vdev_isa_irq_init(struct vdev_isa_irq *wiring, struct vdev_i8259 *pic,
		       struct vdev_ioapic *ioapic);

#endif
