/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two cascaded 8259A interrupt controllers of a PC and the edge/level control registers that the
 * PIIX4 adds (Intel 231468; 290562 section 4.2). Ports 20h–21h, A0h–A1h, 4D0h–4D1h.
 *
 * An edge stays latched until it is acknowledged, also if the line falls before; so a short pulse is
 * never a spurious interrupt.
 */
#ifndef VDEV_I8259_H
#define VDEV_I8259_H

#include "board/device.h"

struct vdev_i8259;

/*
 * `intr` hears of changes of the master's INTR output; it may kick a processor but must not
 * acknowledge from inside the call.
 */
int must_check vdev_i8259_create(struct vdev_board *board, void (*intr)(void *owner, bool level),
				 void *owner, struct vdev_i8259 **ret_pic);
struct vdev_device *vdev_i8259_device(struct vdev_i8259 *pic);

/* Level of input `pin`, 0 to 15; 2 is the cascade and is ignored. */
void vdev_i8259_set(struct vdev_i8259 *pic, unsigned int pin, bool level);

/* INTR. */
bool vdev_i8259_pending(const struct vdev_i8259 *pic);

/* The two INTA# cycles: the vector. With nothing pending it is the spurious one. */
uint8_t vdev_i8259_acknowledge(struct vdev_i8259 *pic);

#endif
