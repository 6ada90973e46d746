/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration mechanism #1: CONFADD at CF8h, CONFDATA at CFCh–CFFh (290633 section 3.2). Bus 0
 * only. CONFADD answers to 32-bit accesses; narrower ones at CF8h–CFBh go to what lies behind them,
 * which is the PIIX4's reset control at CF9h.
 */
#ifndef VDEV_PCI_HOST_H
#define VDEV_PCI_HOST_H

#include "board/device.h"
#include "vdev/pci.h"

/* `behind` is a range inside CF8h–CFBh that is not itself on the port bus, or NULL. */
int must_check vdev_pci_host_create(struct vdev_board *board, struct vdev_pci_bus *bus,
				    struct vdev_range *behind, struct vdev_device **ret_device);

#endif
