/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The debug and the POST port.
 */
#include "vdev/debug_port.h"

#include <errno.h>
#include <stdlib.h>

#define DEBUG_PORT 0x402
#define POST_PORT  0x80
#define LISTENING  0xe9

struct vdev_debug_port {
	struct vdev_device device;
	struct vdev_board *board;
	struct vdev_range ranges[2];
	void (*write)(void *owner, uint8_t byte);
	void *owner;
	uint8_t post_code;
};

static uint64_t debug_read(void *owner, uint64_t offset, unsigned int width)
{
	return ((struct vdev_debug_port *)owner)->write ? LISTENING : 0xff;
}

static void debug_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	struct vdev_debug_port *port = owner;

	if (port->write)
		port->write(port->owner, (uint8_t)value);
}

static uint64_t post_read(void *owner, uint64_t offset, unsigned int width)
{
	return ((struct vdev_debug_port *)owner)->post_code;
}

static void post_write(void *owner, uint64_t offset, unsigned int width, uint64_t value)
{
	((struct vdev_debug_port *)owner)->post_code = (uint8_t)value;
}

static const struct vdev_range_ops debug_ops = {.read = debug_read, .write = debug_write};
static const struct vdev_range_ops post_ops = {.read = post_read, .write = post_write};

/* ---- device ---- */

static const struct vdev_field fields[] = {VDEV_FIELD(1, struct vdev_debug_port, post_code)};

static struct vdev_debug_port *to_port(struct vdev_device *device)
{
	return container_of(device, struct vdev_debug_port, device);
}

static void debug_port_reset(struct vdev_device *device)
{
	to_port(device)->post_code = 0;
}

static void debug_port_save(const struct vdev_device *device, struct vdev_state_writer *writer)
{
	vdev_state_put_fields(writer, fields, ARRAY_SIZE(fields), device);
}

static int debug_port_restore(struct vdev_device *device, const struct vdev_state_record *record)
{
	return vdev_state_get_fields(record, fields, ARRAY_SIZE(fields), to_port(device));
}

static void debug_port_destroy(struct vdev_device *device)
{
	struct vdev_debug_port *port = to_port(device);

	vdev_bus_remove_all(&port->board->ports, port->ranges, ARRAY_SIZE(port->ranges));
	free(port);
}

static const struct vdev_device_class debug_port_class = {
	.type = "debug port",
	.version = 1,
	.reset = debug_port_reset,
	.save = debug_port_save,
	.restore = debug_port_restore,
	.destroy = debug_port_destroy,
};

int vdev_debug_port_create(struct vdev_board *board, void (*write)(void *owner, uint8_t byte),
			   void *owner, struct vdev_debug_port **ret_port)
{
	struct vdev_debug_port *port = calloc(1, sizeof(*port));
	int r;

	if (!port)
		return -ENOMEM;
	vdev_device_init(&port->device, &debug_port_class, "debug-port");
	port->board = board;
	port->write = write;
	port->owner = owner;
	port->ranges[0] = (struct vdev_range){"debug port", DEBUG_PORT, 1, &debug_ops, port, 0, 0};
	port->ranges[1] = (struct vdev_range){"POST port", POST_PORT, 1, &post_ops, port, 0, 0};
	r = vdev_bus_add_all(&board->ports, port->ranges, ARRAY_SIZE(port->ranges));
	if (r < 0) {
		free(port);
		return r;
	}
	*ret_port = port;
	return 0;
}

struct vdev_device *vdev_debug_port_device(struct vdev_debug_port *port)
{
	return &port->device;
}

uint8_t vdev_debug_port_post_code(const struct vdev_debug_port *port)
{
	return port->post_code;
}
