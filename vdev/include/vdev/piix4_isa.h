/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PIIX4's PCI–ISA bridge (Intel 290562 chapter 4), function 0 of its device: routes PIRQA#–PIRQD#
 * to ISA interrupts and holds the reset control register of port CF9h. Decoding of ISA ranges is
 * fixed: all that is on the port bus answers.
 */
#ifndef VDEV_PIIX4_ISA_H
#define VDEV_PIIX4_ISA_H

#include "board/device.h"
#include "vdev/pci.h"

#define VDEV_PIIX4_DEVICE \
	1u /* its PCI device number, which SeaBIOS and our DSDT take for granted */

struct vdev_piix4_isa;

/*
 * Becomes the interrupt router of `bus`. `isa_irqs` are the 16 lines that it routes to. It must be
 * made before the functions with an interrupt pin and be destroyed after them.
 */
int must_check vdev_piix4_isa_create(struct vdev_pci_bus *bus, struct vdev_irq_line *isa_irqs,
				     struct vdev_piix4_isa **ret_isa);
struct vdev_device *vdev_piix4_isa_device(struct vdev_piix4_isa *isa);

/* Port CF9h, to be put behind CONFADD: vdev_pci_host_create(). */
struct vdev_range *vdev_piix4_isa_reset_control(struct vdev_piix4_isa *isa);

#endif
