/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heartbeat: every two seconds a number, which the guest sends back, one higher.
 */
#include <string.h>

#include "service.h"

#define INTERVAL (2 * SERVICE_SECOND)
#define PATIENCE (10 * SERVICE_SECOND)

static void agreed(struct service *s)
{
	s->last_answer = s->deadline = service_now(s);
}

/* With no room in the ring the guest does not read: it is heard no more of until it does. */
static void tick(struct service *s)
{
	const struct wire_ic_heartbeat m = {.sequence = s->sequence};

	s->deadline = service_now(s) + INTERVAL;
	if (service_request(s, &m, sizeof m) < 0)
		return;
}

static void answer(struct service *s, uint32_t status, const uint8_t *data, size_t size)
{
	struct wire_ic_heartbeat m;

	if (size < sizeof m.sequence)
		return;
	memcpy(&m.sequence, data, sizeof m.sequence);
	if (m.sequence != s->sequence + 1)
		return;
	s->sequence += 2;
	s->last_answer = service_now(s);
}

enum vsp_heartbeat heartbeat_look(const struct service *s, uint64_t *ret_age)
{
	*ret_age = 0;
	if (s->state != SERVICE_READY)
		return VSP_HEARTBEAT_NONE;
	*ret_age = service_now(s) - s->last_answer;
	return *ret_age < PATIENCE ? VSP_HEARTBEAT_OK : VSP_HEARTBEAT_LOST;
}

const struct service_class service_heartbeat = {
	.interface = {0x57164f39, 0x9115, 0x4e78, {0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d}},
	.instance = {0xfd149e91, 0x82e0, 0x4a7d, {0xaf, 0xa6, 0x2a, 0x41, 0x66, 0xcb, 0xd7, 0xc0}},
	.type = WIRE_IC_HEARTBEAT,
	.versions = {SERVICE_VERSION(1, 0), SERVICE_VERSION(3, 0)},
	.agreed = agreed,
	.answer = answer,
	.tick = tick,
};
