/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The common head of devices, and the board they stand on.
 */
#include "board/device.h"

#include <errno.h>
#include <string.h>

void vdev_device_init(struct vdev_device *device, const struct vdev_device_class *class,
		      const char *name)
{
	CHECK(strlen(name) < sizeof(device->name));
	memset(device->name, 0, sizeof(device->name));
	memcpy(device->name, name, strlen(name));
	device->class = class;
}

void vdev_device_reset(struct vdev_device *device)
{
	device->class->reset(device);
}

void vdev_device_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_begin(writer, device->name, device->class->version);
	device->class->save(device, writer);
	vdev_state_end(writer);
}

int vdev_device_restore(struct vdev_device *device, const struct vdev_state_reader *reader)
{
	struct vdev_state_record record;
	int r = vdev_state_find(reader, device->name, device->class->version, &record);

	return r < 0 ? r : device->class->restore(device, &record);
}

void vdev_device_destroy(struct vdev_device *device)
{
	if (device)
		device->class->destroy(device);
}

void vdev_board_init(struct vdev_board *board, const struct vdev_clock_source *source, void *owner,
		     struct vid_partition *partition)
{
	memset(board, 0, sizeof(*board));
	vdev_bus_init(&board->ports, VDEV_PORT_LIMIT);
	vdev_bus_init(&board->memory, VDEV_MEMORY_LIMIT);
	vdev_clock_init(&board->clock, source, owner);
	board->partition = partition;
}

void vdev_board_fini(struct vdev_board *board)
{
	vdev_bus_fini(&board->ports);
	vdev_bus_fini(&board->memory);
}

void vdev_board_event(struct vdev_board *board, enum vdev_event event)
{
	if (board->event)
		board->event(board->owner, event);
}
