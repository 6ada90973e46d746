/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254 programmable interval timer (Intel 231164) at ports 40h–43h, 1.193182 MHz, and the
 * system control port 61h that gates and reads its third counter. Counter 0 drives the interrupt,
 * counter 1 the refresh bit of port 61h (which is derived from time), counter 2 the speaker, which
 * is silent.
 */
#ifndef VDEV_I8254_H
#define VDEV_I8254_H

#include "board/device.h"
#include "board/irq.h"

#define VDEV_I8254_HZ 1193182u

struct vdev_i8254;

int must_check vdev_i8254_create(struct vdev_board *board, struct vdev_irq_line *irq0,
				 struct vdev_i8254 **ret_pit);
struct vdev_device *vdev_i8254_device(struct vdev_i8254 *pit);

/* Output pin of a counter now; for tests and for whoever wants to hear the speaker. */
bool vdev_i8254_output(struct vdev_i8254 *pit, unsigned int counter);

#endif
