/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two cascaded 8237A DMA controllers and their page registers (Intel 231466; 290562 section
 * 4.1). Ports 00h–0Fh, 81h–8Fh, C0h–DFh. Channels 0–3 move bytes within a 64 KiB page, 5–7 words
 * within 128 KiB; memory-to-memory is not wired on a PC.
 */
#ifndef VDEV_I8237_H
#define VDEV_I8237_H

#include "board/device.h"

struct vdev_i8237;

int must_check vdev_i8237_create(struct vdev_board *board, struct vdev_i8237 **ret_dma);
struct vdev_device *vdev_i8237_device(struct vdev_i8237 *dma);

/*
 * A device asserts DREQ and moves up to `size` bytes: from memory to it (read) or from it to memory
 * (write). Returns how many were moved: fewer at terminal count, none if the channel is masked or
 * set up for the other direction. A multiple of 2 on channels 5–7. *ret_terminal: TC was reached.
 */
size_t vdev_i8237_read(struct vdev_i8237 *dma, unsigned int channel, void *buffer, size_t size,
		       bool *ret_terminal);
size_t vdev_i8237_write(struct vdev_i8237 *dma, unsigned int channel, const void *buffer,
			size_t size, bool *ret_terminal);

#endif
