/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 16550A UART (National Semiconductor NS16550A) at 8 ports. A byte that the host takes has left
 * the transmitter at once: a guest sends 16 bytes per interrupt, at 16 exits for the data and 3 for
 * the interrupt. What the host does not take stays in the transmit FIFO; what the guest does not
 * read stays with the host: no byte is lost in either direction.
 *
 * The interrupt output is the chip's INTR pin: the Interrupt Enable Register alone decides (data
 * sheet, "Interrupt Enable Register"). The first PCs led the pin through a buffer that OUT2 of the
 * modem control register opens; later boards and most virtual machines do not, and small kernels
 * never set OUT2. Drivers that do set it lose nothing, as they clear IER while they want silence.
 */
#ifndef VDEV_NS16550A_H
#define VDEV_NS16550A_H

#include "board/chardev.h"
#include "board/device.h"
#include "board/irq.h"

struct vdev_ns16550a;

/* `name` is the device's ("com1"); `host` is copied, its ops may be NULL: nobody is there. */
int must_check vdev_ns16550a_create(struct vdev_board *board, const char *name, uint16_t port,
				    struct vdev_irq_line *irq, const struct vdev_chardev *host,
				    struct vdev_ns16550a **ret_uart);
struct vdev_device *vdev_ns16550a_device(struct vdev_ns16550a *uart);

/*
 * Bytes from the host. Returns how many were taken; after fewer than offered, host.readable is called
 * when there is room again.
 */
size_t vdev_ns16550a_receive(struct vdev_ns16550a *uart, const uint8_t *data, size_t size);

/* The host can take bytes again after write() took fewer than offered. */
void vdev_ns16550a_writable(struct vdev_ns16550a *uart);

/* A break condition on the line. */
void vdev_ns16550a_break(struct vdev_ns16550a *uart);

#endif
