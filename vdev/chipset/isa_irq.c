/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fans each interrupt line out to the two controllers; a guest uses one of them and masks the other.
 */
#include "vdev/isa_irq.h"

#include "vdev/i8259.h"
#include "vdev/ioapic.h"

#define TIMER        0u
#define CASCADE      2u
#define IOAPIC_TIMER 2u
#define ISA_COUNT    16u

static void fan_out(void *owner, unsigned int pin, bool level)
{
	struct vdev_isa_irq *wiring = owner;

	if (pin < ISA_COUNT)
		vdev_i8259_set(wiring->pic, pin, level);
	if (pin != CASCADE)
		vdev_ioapic_set(wiring->ioapic, pin == TIMER ? IOAPIC_TIMER : pin, level);
}

void vdev_isa_irq_init(struct vdev_isa_irq *wiring, struct vdev_i8259 *pic,
		       struct vdev_ioapic *ioapic)
{
	*wiring = (struct vdev_isa_irq){.pic = pic, .ioapic = ioapic};
	for (unsigned int i = 0; i < VDEV_ISA_IRQ_LINES; i++)
		wiring->lines[i] = (struct vdev_irq_line){fan_out, wiring, i, 0};
}
