/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's connection. A message is copied, judged, and acted upon under the server's lock; it has
 * one answer at most, for which there is room before it is looked at. Offers and rescinds are no
 * answers but marks at their channels, so what waits is bounded whatever the guest does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "private.h"
#include "vid/partition.h"

/* --- to the guest --- */

/* Slots are not full for ever: -EAGAIN. Any other error is the guest's SynIC: what is said is lost. */
static bool post(struct vsp_vmbus *v, uint32_t vp, const void *payload, size_t size)
{
	return vid_message_post(v->partition, vp, WIRE_VMBUS_SINT, WIRE_VMBUS_MESSAGE_TYPE, payload,
				size) != -EAGAIN;
}

static void reply(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct reply *r = &v->replies[(v->first_reply + v->reply_count) % VSP_REPLIES_MAX];

	CHECK(v->reply_count < VSP_REPLIES_MAX && size <= sizeof r->payload);
	v->reply_count++;
	r->vp = v->vp;
	r->size = (uint16_t)size;
	memcpy(r->payload, payload, size);
}

static bool tell_replies(struct vsp_vmbus *v)
{
	while (v->reply_count) {
		const struct reply *r = &v->replies[v->first_reply];

		if (!post(v, r->vp, r->payload, r->size))
			return false;
		v->first_reply = (v->first_reply + 1) % VSP_REPLIES_MAX;
		v->reply_count--;
	}
	return true;
}

static struct wire_guid guid_of(const struct vsp_guid *g)
{
	struct wire_guid guid = {g->a, g->b, g->c, {0}};

	memcpy(guid.d, g->d, sizeof guid.d);
	return guid;
}

static bool tell_offer(struct vsp_vmbus *v, const struct vsp_channel *c)
{
	struct wire_vmbus_offer m = {
		.header.type = WIRE_VMBUS_OFFER,
		.interface = guid_of(&c->offer.interface),
		.instance = guid_of(&c->offer.instance),
		.flags = WIRE_OFFER_ENUMERATE | (c->offer.pipe ? WIRE_OFFER_PIPE : 0),
		.mmio_mib = c->offer.mmio_mib,
		.subchannel = c->offer.subchannel,
		.relid = c->relid,
		.dedicated = 1,
		.connection = CHANNEL_CONNECTION + c->relid,
	};

	if (c->offer.pipe)
		m.user[0] = WIRE_PIPE_MESSAGE;
	return post(v, v->vp, &m, sizeof m);
}

static bool tell_rescind(struct vsp_vmbus *v, const struct vsp_channel *c)
{
	const struct wire_vmbus_relid m = {{WIRE_VMBUS_RESCIND, 0}, c->relid};

	return post(v, v->vp, &m, sizeof m);
}

static bool tell_channel(struct vsp_vmbus *v, struct vsp_channel *c)
{
	if (c->state == CHANNEL_RESCINDED ? !tell_rescind(v, c) : !tell_offer(v, c))
		return false;
	c->to_tell = false;
	c->known = true;
	return true;
}

static bool tell_channels(struct vsp_vmbus *v)
{
	for (size_t i = 0; i < VSP_CHANNELS_MAX; i++)
		if (v->channel[i].to_tell && !tell_channel(v, &v->channel[i]))
			return false;
	return true;
}

void vmbus_tell(struct vsp_vmbus *v)
{
	const struct wire_vmbus_header all = {WIRE_VMBUS_ALL_OFFERS, 0};

	if (!tell_replies(v) || !v->offers_wanted || !tell_channels(v) || v->all_told)
		return;
	v->all_told = post(v, v->vp, &all, sizeof all);
}

/* --- connections --- */

static void disconnect(struct vsp_vmbus *v)
{
	for (size_t i = 0; i < VSP_CHANNELS_MAX; i++) {
		struct vsp_channel *c = &v->channel[i];

		channel_close(c);
		c->known = c->to_tell = false;
		if (c->state == CHANNEL_RESCINDED)
			c->state = CHANNEL_FREE;
	}
	gpadls_clear(&v->gpadls);
	v->version = 0;
	v->offers_wanted = v->all_told = false;
	v->reply_count = 0;
}

static bool version_spoken(uint32_t version)
{
	return version == WIRE_VMBUS_VERSION(4, 0) || version == WIRE_VMBUS_VERSION(4, 1) ||
	       (version >= WIRE_VMBUS_VERSION(5, 0) && version <= WIRE_VMBUS_VERSION(5, 3));
}

/* Since 5.0 the guest says which SINT messages are to come by; all clients say what it was before. */
static bool contact_accepted(const struct wire_vmbus_initiate_contact *m)
{
	if (!version_spoken(m->version))
		return false;
	return m->version < WIRE_VMBUS_VERSION(5, 0) || (m->sint == WIRE_VMBUS_SINT && m->vtl == 0);
}

static void on_contact(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct wire_vmbus_version_response answer = {{WIRE_VMBUS_VERSION_RESPONSE, 0}, 0, 0, 0, 0};
	struct wire_vmbus_initiate_contact m;

	memcpy(&m, payload, sizeof m);
	disconnect(v);
	v->vp = m.target_vp;
	if (contact_accepted(&m)) {
		v->version = m.version;
		answer.supported = 1;
		if (m.version >= WIRE_VMBUS_VERSION(5, 0))
			answer.connection = WIRE_VMBUS_CONNECTION_5;
	}
	reply(v, &answer, sizeof answer);
}

static void on_unload(struct vsp_vmbus *v, const void *payload, size_t size)
{
	const struct wire_vmbus_header answer = {WIRE_VMBUS_UNLOAD_RESPONSE, 0};

	disconnect(v);
	reply(v, &answer, sizeof answer);
}

/* Once a connection; the guest would count a channel twice. */
static void on_request_offers(struct vsp_vmbus *v, const void *payload, size_t size)
{
	if (v->offers_wanted) {
		v->bad_messages++;
		return;
	}
	v->offers_wanted = true;
	for (size_t i = 0; i < VSP_CHANNELS_MAX; i++)
		v->channel[i].to_tell = v->channel[i].state == CHANNEL_OFFERED;
}

/* --- channels --- */

/* One that the guest may speak of; else the message is counted as bad. */
static struct vsp_channel *channel_of(struct vsp_vmbus *v, uint32_t relid)
{
	if (relid >= 1 && relid <= VSP_CHANNELS_MAX && v->channel[relid - 1].known)
		return &v->channel[relid - 1];
	v->bad_messages++;
	return NULL;
}

static int open_channel(struct vsp_vmbus *v, const struct wire_vmbus_open *m)
{
	const struct gpadl *gpadl = gpadls_find(&v->gpadls, m->gpadl);
	struct vsp_channel *c = channel_of(v, m->relid);

	if (!c || c->state != CHANNEL_OFFERED)
		return -ENOENT;
	return gpadl ? channel_open(c, gpadl, m) : -EINVAL;
}

static void on_open(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct wire_vmbus_open_result answer = {{WIRE_VMBUS_OPEN_RESULT, 0}, 0, 0, 0};
	struct wire_vmbus_open m;

	memcpy(&m, payload, sizeof m);
	answer.relid = m.relid;
	answer.id = m.id;
	answer.status = open_channel(v, &m) < 0 ? WIRE_VMBUS_FAILURE : 0;
	reply(v, &answer, sizeof answer);
}

static void on_close(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct wire_vmbus_relid m;
	struct vsp_channel *c;

	memcpy(&m, payload, sizeof m);
	c = channel_of(v, m.relid);
	if (c)
		channel_close(c);
}

static void on_modify(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct wire_vmbus_modify_response answer = {{WIRE_VMBUS_MODIFY_RESPONSE, 0}, 0, 0};
	struct wire_vmbus_modify m;
	struct vsp_channel *c;

	memcpy(&m, payload, sizeof m);
	c = channel_of(v, m.relid);
	answer.relid = m.relid;
	if (c && c->open)
		channel_retarget(c, m.target_vp);
	else
		answer.status = WIRE_VMBUS_FAILURE;
	if (v->version >= WIRE_VMBUS_VERSION(5, 3))
		reply(v, &answer, sizeof answer);
}

/* The guest has nothing of the channel any more; until the next connection it is not offered again. */
static void on_relid_released(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct wire_vmbus_relid m;
	struct vsp_channel *c;

	memcpy(&m, payload, sizeof m);
	c = channel_of(v, m.relid);
	if (!c)
		return;
	channel_close(c);
	gpadls_remove_of(&v->gpadls, m.relid);
	c->known = c->to_tell = false;
	if (c->state == CHANNEL_RESCINDED)
		c->state = CHANNEL_FREE;
}

/* --- GPADLs --- */

static void answer_gpadl(struct vsp_vmbus *v, uint32_t relid, uint32_t id, int result)
{
	const struct wire_vmbus_gpadl_created answer = {
		{WIRE_VMBUS_GPADL_CREATED, 0}, relid, id, result < 0 ? WIRE_VMBUS_FAILURE : 0};

	if (result)
		reply(v, &answer, sizeof answer);
}

static void on_gpadl_header(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct wire_vmbus_gpadl_header m;
	int r = -ENOENT;

	memcpy(&m, payload, sizeof m);
	if (channel_of(v, m.relid))
		r = gpadls_begin(&v->gpadls, v->partition, payload, size);
	answer_gpadl(v, m.relid, m.gpadl, r);
}

/* One that nobody has begun, or that was refused at its beginning, was answered already. */
static void on_gpadl_body(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct wire_vmbus_gpadl_body m;
	uint32_t relid = 0;
	int r;

	memcpy(&m, payload, sizeof m);
	r = gpadls_continue(&v->gpadls, v->partition, payload, size, &relid);
	if (r == -ENOENT)
		v->bad_messages++;
	else
		answer_gpadl(v, relid, m.gpadl, r);
}

/* An open channel has its own list of the ring's pages. One that is not there is torn down, too. */
static void on_gpadl_teardown(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct wire_vmbus_gpadl_torndown answer = {{WIRE_VMBUS_GPADL_TORNDOWN, 0}, 0};
	struct wire_vmbus_gpadl_teardown m;

	memcpy(&m, payload, sizeof m);
	gpadls_remove(&v->gpadls, m.gpadl);
	answer.gpadl = m.gpadl;
	reply(v, &answer, sizeof answer);
}

/* Sockets: nobody listens. */
static void on_tl_connect(struct vsp_vmbus *v, const void *payload, size_t size)
{
	struct wire_vmbus_tl_connect_result answer = {.header.type = WIRE_VMBUS_TL_CONNECT_RESULT,
						      .status = WIRE_VMBUS_REFUSED};
	struct wire_vmbus_tl_connect m;

	memcpy(&m, payload, sizeof m);
	answer.endpoint = m.endpoint;
	answer.service = m.service;
	if (v->version >= WIRE_VMBUS_VERSION(4, 1))
		reply(v, &answer, sizeof answer);
}

/* --- from the guest --- */

static const struct {
	size_t size; /* at least */
	void (*act)(struct vsp_vmbus *v, const void *payload, size_t size);
	bool unconnected; /* allowed before a connection is there */
} kinds[] = {
	[WIRE_VMBUS_REQUEST_OFFERS] = {sizeof(struct wire_vmbus_header), on_request_offers, false},
	[WIRE_VMBUS_OPEN] = {sizeof(struct wire_vmbus_open), on_open, false},
	[WIRE_VMBUS_CLOSE] = {sizeof(struct wire_vmbus_relid), on_close, false},
	[WIRE_VMBUS_GPADL_HEADER] = {sizeof(struct wire_vmbus_gpadl_header), on_gpadl_header,
				     false},
	[WIRE_VMBUS_GPADL_BODY] = {sizeof(struct wire_vmbus_gpadl_body), on_gpadl_body, false},
	[WIRE_VMBUS_GPADL_TEARDOWN] = {sizeof(struct wire_vmbus_gpadl_teardown), on_gpadl_teardown,
				       false},
	[WIRE_VMBUS_RELID_RELEASED] = {sizeof(struct wire_vmbus_relid), on_relid_released, false},
	[WIRE_VMBUS_INITIATE_CONTACT] = {sizeof(struct wire_vmbus_initiate_contact), on_contact,
					 true},
	[WIRE_VMBUS_UNLOAD] = {sizeof(struct wire_vmbus_header), on_unload, true},
	[WIRE_VMBUS_TL_CONNECT] = {sizeof(struct wire_vmbus_tl_connect), on_tl_connect, false},
	[WIRE_VMBUS_MODIFY] = {sizeof(struct wire_vmbus_modify), on_modify, false},
};

static void act(struct vsp_vmbus *v, uint32_t type, const void *payload, size_t size)
{
	struct wire_vmbus_header header = {0, 0};

	if (type == WIRE_VMBUS_MESSAGE_TYPE && size >= sizeof header)
		memcpy(&header, payload, sizeof header);
	if (header.type < ARRAY_SIZE(kinds) && kinds[header.type].act &&
	    size >= kinds[header.type].size && (v->version || kinds[header.type].unconnected))
		kinds[header.type].act(v, payload, size);
	else
		v->bad_messages++;
}

int vsp_vmbus_message(struct vsp_vmbus *v, uint32_t connection, uint32_t type, const void *payload,
		      size_t size)
{
	bool full;

	if (connection != WIRE_VMBUS_CONNECTION && connection != WIRE_VMBUS_CONNECTION_5)
		return -ENXIO;
	pthread_mutex_lock(&v->lock);
	full = v->reply_count == VSP_REPLIES_MAX;
	if (!full)
		act(v, type, payload, size);
	vmbus_tell(v);
	pthread_mutex_unlock(&v->lock);
	return full ? -EAGAIN : 0;
}

void vsp_vmbus_slot_free(struct vsp_vmbus *v)
{
	pthread_mutex_lock(&v->lock);
	vmbus_tell(v);
	pthread_mutex_unlock(&v->lock);
}

void vsp_vmbus_reset(struct vsp_vmbus *v)
{
	pthread_mutex_lock(&v->lock);
	disconnect(v);
	pthread_mutex_unlock(&v->lock);
}

uint32_t vsp_vmbus_version(struct vsp_vmbus *v)
{
	uint32_t version;

	pthread_mutex_lock(&v->lock);
	version = v->version;
	pthread_mutex_unlock(&v->lock);
	return version;
}

uint64_t vsp_vmbus_bad_messages(struct vsp_vmbus *v)
{
	uint64_t count;

	pthread_mutex_lock(&v->lock);
	count = v->bad_messages;
	pthread_mutex_unlock(&v->lock);
	return count;
}

/* --- offers --- */

static int claim(struct vsp_vmbus *v, struct vsp_channel **ret_channel)
{
	for (size_t i = 0; i < VSP_CHANNELS_MAX; i++) {
		struct vsp_channel *c = &v->channel[i];

		if (c->state != CHANNEL_FREE)
			continue;
		if (c->fd < 0)
			c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (c->fd < 0)
			return -errno;
		*ret_channel = c;
		return 0;
	}
	return -ENOSPC;
}

int vsp_channel_offer(struct vsp_vmbus *v, const struct vsp_offer *offer,
		      struct vsp_channel **ret_channel)
{
	struct vsp_channel *c = NULL;
	int r;

	pthread_mutex_lock(&v->lock);
	r = claim(v, &c);
	if (r == 0) {
		c->state = CHANNEL_OFFERED;
		c->offer = *offer;
		c->to_tell = v->offers_wanted;
		*ret_channel = c;
		vmbus_tell(v);
	}
	pthread_mutex_unlock(&v->lock);
	return r;
}

/* An offer that has not been told is not taken back either. */
void vsp_channel_rescind(struct vsp_channel *c)
{
	struct vsp_vmbus *v = c->vmbus;

	pthread_mutex_lock(&v->lock);
	channel_close(c);
	c->state = c->known ? CHANNEL_RESCINDED : CHANNEL_FREE;
	c->to_tell = c->known;
	vmbus_tell(v);
	pthread_mutex_unlock(&v->lock);
}

/* --- the whole --- */

int vsp_vmbus_create(struct vid_partition *partition, struct vsp_vmbus **ret_vmbus)
{
	struct vsp_vmbus *v = calloc(1, sizeof *v);

	if (!v)
		return -ENOMEM;
	v->partition = partition;
	pthread_mutex_init(&v->lock, NULL);
	for (uint32_t i = 0; i < VSP_CHANNELS_MAX; i++) {
		v->channel[i] = (struct vsp_channel){.vmbus = v, .relid = i + 1, .fd = -1};
		pthread_mutex_init(&v->channel[i].lock, NULL);
	}
	*ret_vmbus = v;
	return 0;
}

void vsp_vmbus_destroy(struct vsp_vmbus *v)
{
	if (!v)
		return;
	disconnect(v);
	for (uint32_t i = 0; i < VSP_CHANNELS_MAX; i++) {
		fd_close(v->channel[i].fd);
		pthread_mutex_destroy(&v->channel[i].lock);
	}
	pthread_mutex_destroy(&v->lock);
	free(v);
}
