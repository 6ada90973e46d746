/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Negotiation and messages of an integration service. The host offers all versions that it knows of the
 * framework and of the service, and the guest answers with one of each, or with none. Every answer is
 * copied before it is looked at; what does not answer the last request is passed over.
 */
#include "service.h"

#include <errno.h>
#include <string.h>

#define ANSWER_MAX 4096u

static const uint32_t frameworks[] = {SERVICE_VERSION(1, 0), SERVICE_VERSION(3, 0)};

static struct wire_ic_version to_wire(uint32_t version)
{
	return (struct wire_ic_version){(uint16_t)(version >> 16), (uint16_t)version};
}

static uint32_t from_wire(struct wire_ic_version version)
{
	return SERVICE_VERSION(version.major, version.minor);
}

uint64_t service_now(const struct service *s)
{
	return s->services->ops->now(s->services->owner);
}

static int send(struct service *s, uint16_t type, const void *data, size_t size)
{
	struct wire_pipe pipe = {WIRE_PIPE_DATA, (uint32_t)(sizeof(struct wire_ic) + size)};
	struct wire_ic ic = {.framework = to_wire(s->framework),
			     .type = type,
			     .version = to_wire(s->version),
			     .size = (uint16_t)size,
			     .transaction = (uint8_t)(s->transaction + 1),
			     .flags = WIRE_IC_TRANSACTION | WIRE_IC_REQUEST};
	const struct iovec parts[] = {
		{&pipe, sizeof pipe}, {&ic, sizeof ic}, {(void *)(uintptr_t)data, size}};
	const struct vsp_message message = {.type = WIRE_PACKET_IN_BAND,
					    .id = ic.transaction,
					    .parts = parts,
					    .part_count = ARRAY_SIZE(parts)};
	int r = vsp_channel_send(s->channel, &message);

	if (r < 0)
		return r;
	s->transaction = ic.transaction;
	s->waiting = true;
	return 0;
}

int service_request(struct service *s, const void *data, size_t size)
{
	return s->state == SERVICE_READY ? send(s, s->class->type, data, size) : -ENOTCONN;
}

/* --- negotiation --- */

static size_t version_count(const struct service_class *class)
{
	size_t n = 0;

	while (n < SERVICE_VERSIONS_MAX && class->versions[n])
		n++;
	return n;
}

static int negotiate(struct service *s)
{
	struct {
		struct wire_ic_negotiate head;
		struct wire_ic_version version[ARRAY_SIZE(frameworks) + SERVICE_VERSIONS_MAX];
	} m = {0};
	size_t versions = version_count(s->class), n = 0;

	m.head.framework_count = ARRAY_SIZE(frameworks);
	m.head.version_count = (uint16_t)versions;
	for (size_t i = 0; i < ARRAY_SIZE(frameworks); i++)
		m.version[n++] = to_wire(frameworks[i]);
	for (size_t i = 0; i < versions; i++)
		m.version[n++] = to_wire(s->class->versions[i]);
	return send(s, WIRE_IC_NEGOTIATE, &m, sizeof m.head + n * sizeof *m.version);
}

static bool offered(const struct service_class *class, uint32_t framework, uint32_t version)
{
	bool ok = false;

	for (size_t i = 0; i < ARRAY_SIZE(frameworks); i++)
		ok |= frameworks[i] == framework;
	if (!ok)
		return false;
	for (size_t i = 0; i < version_count(class); i++)
		if (class->versions[i] == version)
			return true;
	return false;
}

static void on_versions(struct service *s, const uint8_t *data, size_t size)
{
	struct wire_ic_version version[2];
	struct wire_ic_negotiate head;

	s->state = SERVICE_REFUSED;
	if (size < sizeof head + sizeof version)
		return;
	memcpy(&head, data, sizeof head);
	memcpy(version, data + sizeof head, sizeof version);
	if (head.framework_count != 1 || head.version_count != 1 ||
	    !offered(s->class, from_wire(version[0]), from_wire(version[1])))
		return;
	s->framework = from_wire(version[0]);
	s->version = from_wire(version[1]);
	s->state = SERVICE_READY;
	if (s->class->agreed)
		s->class->agreed(s);
}

/* --- answers --- */

static void on_answer(struct service *s, const struct wire_ic *ic, const uint8_t *data, size_t size)
{
	if (!(ic->flags & WIRE_IC_RESPONSE) || !s->waiting || ic->transaction != s->transaction)
		return;
	s->waiting = false;
	if (s->state == SERVICE_NEGOTIATING && ic->type == WIRE_IC_NEGOTIATE)
		on_versions(s, data, size);
	else if (s->state == SERVICE_READY && ic->type == s->class->type && s->class->answer)
		s->class->answer(s, ic->status, data, size);
}

static void take(struct service *s, const struct vsp_packet *packet)
{
	size_t size = packet->size - packet->payload, head = sizeof(struct wire_pipe);
	uint8_t data[ANSWER_MAX];
	struct wire_ic ic;

	if (packet->type != WIRE_PACKET_IN_BAND || size > sizeof data || size < head + sizeof ic)
		return;
	vsp_channel_copy(s->channel, packet->payload, data, size);
	memcpy(&ic, data + head, sizeof ic);
	head += sizeof ic;
	on_answer(s, &ic, data + head, MIN(size - head, (size_t)ic.size));
}

static enum vsp_ready ready(void *owner)
{
	struct service *s = owner;
	struct vsp_packet packet;
	int r = vsp_channel_peek(s->channel, &packet);

	if (r == -EPROTO)
		s->state = SERVICE_REFUSED;
	if (r < 0)
		return VSP_READY_EMPTY;
	take(s, &packet);
	vsp_channel_consume(s->channel, &packet);
	return VSP_READY_AGAIN;
}

/* --- the channel --- */

static int opened(void *owner)
{
	struct service *s = owner;
	int r;

	s->framework = s->version = 0;
	s->waiting = s->refused = false;
	s->deadline = SERVICE_NEVER;
	r = negotiate(s);
	if (r == 0)
		s->state = SERVICE_NEGOTIATING;
	return r;
}

static void closed(void *owner)
{
	struct service *s = owner;

	s->state = SERVICE_CLOSED;
	s->deadline = SERVICE_NEVER;
}

int service_offer(struct service *s, struct vsp_vmbus *vmbus)
{
	static const struct vsp_channel_ops ops = {opened, closed, ready};
	const struct vsp_offer offer = {.interface = s->class->interface,
					.instance = s->class->instance,
					.pipe = true,
					.ops = &ops,
					.owner = s};

	s->deadline = SERVICE_NEVER;
	return vsp_channel_offer(vmbus, &offer, &s->channel);
}
