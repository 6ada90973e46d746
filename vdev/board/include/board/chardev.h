/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's end of a serial line, as a UART sees it. Both directions can be full: the UART then
 * keeps what it has, and the other side says when to go on.
 */
#ifndef BOARD_CHARDEV_H
#define BOARD_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vdev_chardev_ops {
	/*
	 * The guest sends. Returns how many of `size` bytes were taken; fewer than offered means full,
	 * and the owner calls the device's writable function when that is over. Never blocks.
	 */
	size_t (*write)(void *owner, const uint8_t *data, size_t size);
	/* The device has room again after it took fewer bytes than were offered. May be NULL. */
	void (*readable)(void *owner);
};

struct vdev_chardev {
	const struct vdev_chardev_ops *ops;
	void *owner;
};

#endif
