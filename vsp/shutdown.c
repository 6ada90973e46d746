/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shutdown and restart on request. The guest says at once whether it will, and then does it by itself;
 * of its end the machine's power management tells.
 */
#include <errno.h>

#include "service.h"

#define TIMEOUT 60u /* s; for guests that ask somebody first */

int shutdown_request(struct service *s, bool restart)
{
	const struct wire_ic_shutdown m = {
		.reason = WIRE_IC_SHUTDOWN_REASON,
		.timeout = TIMEOUT,
		.flags = restart ? WIRE_IC_SHUTDOWN_RESTART : WIRE_IC_SHUTDOWN_OFF,
	};
	int r;

	if (restart && s->version < SERVICE_VERSION(3, 1)) /* it has no such flag */
		return -ENOTCONN;
	r = service_request(s, &m, sizeof m);
	if (r < 0)
		return -ENOTCONN;
	s->restart = restart;
	s->refused = false;
	return 0;
}

static void answer(struct service *s, uint32_t status, const uint8_t *data, size_t size)
{
	s->refused = status != 0;
}

const struct service_class service_shutdown = {
	.interface = {0x0e0b6031, 0x5213, 0x4934, {0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb}},
	.instance = {0xb6650ff7, 0x33bc, 0x4840, {0x80, 0x48, 0xe0, 0x67, 0x67, 0x86, 0xf3, 0x93}},
	.type = WIRE_IC_SHUTDOWN,
	.versions = {SERVICE_VERSION(1, 0), SERVICE_VERSION(3, 0), SERVICE_VERSION(3, 1),
		     SERVICE_VERSION(3, 2)},
	.answer = answer,
};
