/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every emulated device is to the worker: something that can be reset, saved, restored and
 * destroyed. A device is made by its own create function, which takes the board and its resources,
 * adds its ranges to the buses and leaves it in power-on state. The machine's list of devices is in
 * the worker.
 */
#ifndef BOARD_DEVICE_H
#define BOARD_DEVICE_H

#include "board/bus.h"
#include "board/clock.h"
#include "board/state.h"

struct vid_partition;
struct vdev_device;

struct vdev_device_class {
	const char *type; /* the data sheet's name */
	uint16_t version; /* of the saved state that save() writes */

	/* Hardware reset (PCIRST#, RSTDRV): as after create(), but the host's side stays as it is. */
	void (*reset)(struct vdev_device *device);
	/* Puts fields; the record around them is made by vdev_device_save(). */
	void (*save)(const struct vdev_device *device, struct vdev_state_writer *writer);
	/*
	 * Takes over a record, of this or an older version, sets its interrupt sources and arms its
	 * timers. On error (-EBADMSG) the device is as before.
	 */
	int (*restore)(struct vdev_device *device, const struct vdev_state_record *record);
	/* Leaves the buses, cancels timers, frees. */
	void (*destroy)(struct vdev_device *device);
};

struct vdev_device {
	const struct vdev_device_class *class;
	char name[VDEV_STATE_NAME_SIZE]; /* unique in the machine: the name of its record */
};

/* `name` must fit; CHECKed, as names are the machine's own. */
void vdev_device_init(struct vdev_device *device, const struct vdev_device_class *class,
		      const char *name);

void vdev_device_reset(struct vdev_device *device);
void vdev_device_save(const struct vdev_device *device, struct vdev_state_writer *writer);
int must_check vdev_device_restore(struct vdev_device *device,
				   const struct vdev_state_reader *reader);
void vdev_device_destroy(struct vdev_device *device); /* NULL is allowed */

/* What a device tells the worker about the machine as a whole. */
enum vdev_event {
	VDEV_EVENT_RESET,      /* reset everything and start at the reset vector */
	VDEV_EVENT_INIT,       /* INIT# to the boot processor only (8042 pulse, port 92h) */
	VDEV_EVENT_POWEROFF,   /* S5 was entered */
	VDEV_EVENT_SUSPEND,    /* S3 was entered: like power off, but memory is kept */
	VDEV_EVENT_NMI,        /* to the boot processor */
	VDEV_EVENT_HOST_ERROR, /* the host refused what the machine cannot go on without (memory) */
};

/* What devices stand on. One per machine; outlives its devices. */
struct vdev_board {
	struct vdev_bus ports;
	struct vdev_bus memory;
	struct vdev_clock clock;
	struct vid_partition *partition; /* for DMA: vid_gpa_read(), vid_gpa_write() */

	/* Called inside a device's callback: take a note, act when the device has returned. */
	void (*event)(void *owner, enum vdev_event event);
	void *owner;
};

void vdev_board_init(struct vdev_board *board, const struct vdev_clock_source *source, void *owner,
		     struct vid_partition *partition);
void vdev_board_fini(struct vdev_board *board);
void vdev_board_event(struct vdev_board *board, enum vdev_event event);

#endif
