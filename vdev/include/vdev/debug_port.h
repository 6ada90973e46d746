/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ports that tell how firmware is doing: 402h, where SeaBIOS writes its log, and 80h, the POST
 * code. Reading 402h gives E9h, the sign that somebody listens.
 */
#ifndef VDEV_DEBUG_PORT_H
#define VDEV_DEBUG_PORT_H

#include "board/device.h"

struct vdev_debug_port;

/* `write` takes one byte of the log; NULL: nobody listens. */
int must_check vdev_debug_port_create(struct vdev_board *board,
				      void (*write)(void *owner, uint8_t byte), void *owner,
				      struct vdev_debug_port **ret_port);
struct vdev_device *vdev_debug_port_device(struct vdev_debug_port *port);

/* The POST code written last. */
uint8_t vdev_debug_port_post_code(const struct vdev_debug_port *port);

#endif
