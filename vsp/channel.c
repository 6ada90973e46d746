/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One channel: its rings in guest memory, the doorbell that the guest rings, the event flag that it is
 * rung by. A guest whose ring makes no sense gets no more of it until it closes the channel.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "private.h"
#include "vid/partition.h"

/* Packets that are looked at in one go, so that one channel does not keep its thread. */
#define BATCH 64

static struct vid_doorbell doorbell_of(const struct vsp_channel *c)
{
	return (struct vid_doorbell){.kind = VID_DOORBELL_SIGNAL,
				     .address = CHANNEL_CONNECTION + c->relid};
}

static int open_rings(struct vsp_channel *c, const struct gpadl *gpadl, uint32_t downstream)
{
	int r;

	if (downstream >= gpadl->pages)
		return -EINVAL;
	r = vsp_ring_init(&c->in, gpadl->page, downstream, false);
	if (r == 0)
		r = vsp_ring_init(&c->out, gpadl->page + downstream, gpadl->pages - downstream,
				  true);
	if (r == 0)
		vsp_ring_announce(&c->out);
	return r;
}

/* It was set, and can be taken away as long as there is a partition. */
static void take_doorbell(struct vsp_channel *c)
{
	const struct vid_doorbell doorbell = doorbell_of(c);

	if (vid_doorbell_clear(c->vmbus->partition, &doorbell) < 0)
		return;
}

static int begin(struct vsp_channel *c)
{
	const struct vid_doorbell doorbell = doorbell_of(c);
	int r = vid_doorbell_set(c->vmbus->partition, &doorbell, c->fd);

	if (r < 0)
		return r;
	r = c->offer.ops->open ? c->offer.ops->open(c->offer.owner) : 0;
	if (r < 0)
		take_doorbell(c);
	return r;
}

static void close_rings(struct vsp_channel *c)
{
	vsp_ring_fini(&c->in);
	vsp_ring_fini(&c->out);
}

int channel_open(struct vsp_channel *c, const struct gpadl *gpadl,
		 const struct wire_vmbus_open *open)
{
	int r = c->open ? -EBUSY : 0;

	if (r < 0)
		return r;
	vsp_channel_lock(c);
	c->target_vp = open->target_vp;
	r = open_rings(c, gpadl, open->downstream);
	c->open = r == 0;
	if (r == 0)
		r = begin(c);
	c->open = r == 0;
	if (r < 0)
		close_rings(c);
	vsp_channel_unlock(c);
	return r;
}

void channel_close(struct vsp_channel *c)
{
	if (!c->open)
		return;
	/* First, as it waits for whoever rings: an event that is on its way finds the channel closed. */
	take_doorbell(c);
	vsp_channel_lock(c);
	c->offer.ops->close(c->offer.owner);
	c->open = false;
	close_rings(c);
	vsp_channel_unlock(c);
}

void channel_retarget(struct vsp_channel *c, uint32_t vp)
{
	vsp_channel_lock(c);
	c->target_vp = vp;
	vsp_channel_unlock(c);
}

/* --- for providers --- */

int vsp_channel_fd(const struct vsp_channel *c)
{
	return c->fd;
}

void vsp_channel_lock(struct vsp_channel *c)
{
	pthread_mutex_lock(&c->lock);
}

void vsp_channel_unlock(struct vsp_channel *c)
{
	pthread_mutex_unlock(&c->lock);
}

pthread_mutex_t *vsp_channel_mutex(struct vsp_channel *c)
{
	return &c->lock;
}

bool vsp_channel_is_open(const struct vsp_channel *c)
{
	return c->open;
}

/* The counter of an eventfd does not overflow by ones. */
void vsp_channel_kick(struct vsp_channel *c)
{
	const uint64_t one = 1;

	CHECK(write(c->fd, &one, sizeof one) == sizeof one);
}

static enum vsp_ready look(struct vsp_channel *c)
{
	enum vsp_ready ready = VSP_READY_AGAIN;

	for (int i = 0; i < BATCH && ready == VSP_READY_AGAIN; i++)
		ready = c->offer.ops->ready(c->offer.owner);
	return ready;
}

void vsp_channel_serve(struct vsp_channel *c)
{
	enum vsp_ready ready;
	uint64_t count;

	vsp_channel_lock(c);
	if (read(c->fd, &count, sizeof count) == sizeof count && c->open) {
		vsp_ring_mask(&c->in);
		ready = look(c);
		if (ready == VSP_READY_AGAIN ||
		    (ready == VSP_READY_EMPTY && vsp_ring_unmask(&c->in)))
			vsp_channel_kick(c);
	}
	vsp_channel_unlock(c);
}

/* A SINT that is masked, or a processor that there is not, is the guest's own loss. */
static void signal_guest(struct vsp_channel *c)
{
	if (c->target_vp != WIRE_VMBUS_NO_VP &&
	    vid_event_flag_set(c->vmbus->partition, c->target_vp, WIRE_VMBUS_SINT, c->relid) < 0)
		return;
}

int vsp_channel_peek(struct vsp_channel *c, struct vsp_packet *ret_packet)
{
	return c->open ? vsp_ring_peek(&c->in, ret_packet) : -EAGAIN;
}

void vsp_channel_copy(struct vsp_channel *c, uint32_t offset, void *to, size_t size)
{
	vsp_ring_copy(&c->in, offset, to, size);
}

void vsp_channel_consume(struct vsp_channel *c, const struct vsp_packet *packet)
{
	if (vsp_ring_consume(&c->in, packet))
		signal_guest(c);
}

int vsp_channel_send(struct vsp_channel *c, const struct vsp_message *message)
{
	bool wanted = false;
	int r = c->open ? vsp_ring_write(&c->out, message, &wanted) : -ENOTCONN;

	if (wanted)
		signal_guest(c);
	return r;
}
