/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The controller's channel: packets, requests, completions. A request's data is where the guest has it;
 * nothing is copied but answers that are made here. A request lives from its packet to its completion
 * in the guest's ring; one that finds no room there waits, and holds up what comes behind it.
 */
#include "vsp/storvsp.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "scsi.h"
#include "vid/memory.h"
#include "vid/partition.h"
#include "vsp/vmbus.h"
#include "wire/ring.h"
#include "wire/storvsp.h"

#define PAGES_MAX (VSP_STORVSP_TRANSFER / VID_PAGE_SIZE + 1)

enum state { STATE_NEW, STATE_BEGUN, STATE_VERSION, STATE_PROPERTIES, STATE_READY };

struct request {
	struct vsp_storvsp *storvsp;
	struct request *next; /* free, or finished */
	uint64_t id;
	bool wants_completion;
	struct wire_storvsp packet;
	struct scsi_command command;
	struct disk_request io;
	uint32_t size; /* of the guest's buffer */
	struct iovec iov[PAGES_MAX];
	unsigned int iov_count;
};

struct vsp_storvsp {
	struct vid_partition *partition;
	struct disk_engine *engine;
	struct vsp_channel *channel;
	int epoll, stop;
	pthread_t thread;
	bool has_thread;
	struct scsi_target target;

	/* The channel's lock. */
	enum state state;
	bool closing; /* completions go nowhere */
	unsigned int in_flight;
	struct request *free, *finished, **finished_end;
	bool stalled;
	struct request request[VSP_STORVSP_REQUESTS];
};

/* --- requests --- */

static struct request *take_request(struct vsp_storvsp *s)
{
	struct request *r = s->free;

	if (r)
		s->free = r->next;
	return r;
}

static void give_request(struct vsp_storvsp *s, struct request *r)
{
	r->next = s->free;
	s->free = r;
}

static int complete(struct vsp_storvsp *s, const struct request *r)
{
	const struct iovec part = {(void *)(uintptr_t)&r->packet, sizeof r->packet};
	const struct vsp_message message = {WIRE_PACKET_COMPLETION, 0, r->id, &part, 1};

	return r->wants_completion ? vsp_channel_send(s->channel, &message) : 0;
}

/* In order. False: there is no room for the next one; the guest signals when there is. */
static bool complete_finished(struct vsp_storvsp *s)
{
	while (s->finished) {
		struct request *r = s->finished;

		if (!s->closing && complete(s, r) == -EAGAIN)
			return false;
		s->finished = r->next;
		give_request(s, r);
	}
	s->finished_end = &s->finished;
	return true;
}

static void finish(struct request *r)
{
	struct vsp_storvsp *s = r->storvsp;

	r->packet.operation = WIRE_STORVSP_COMPLETE_IO;
	r->next = NULL;
	*s->finished_end = r;
	s->finished_end = &r->next;
}

/* --- guest memory --- */

static bool add_piece(struct request *r, uint8_t *host, size_t size)
{
	struct iovec *last = r->iov_count ? &r->iov[r->iov_count - 1] : NULL;

	if (!host)
		return false;
	if (last && (uint8_t *)last->iov_base + last->iov_len == host)
		last->iov_len += size;
	else
		r->iov[r->iov_count++] = (struct iovec){host, size};
	return true;
}

/* Each page once; the last may be needed in part. */
static int map_buffer(struct vsp_storvsp *s, struct request *r, uint32_t offset, uint32_t bytes,
		      const uint64_t *pages, size_t page_count)
{
	const unsigned int access = VID_ACCESS_READ | VID_ACCESS_WRITE;

	for (size_t i = 0; i < page_count && bytes; i++) {
		size_t want = MIN((size_t)bytes, (size_t)(VID_PAGE_SIZE - offset)), got = 0;
		uint8_t *host = NULL;

		if (pages[i] < UINT64_MAX / VID_PAGE_SIZE)
			host = vid_gpa_host(s->partition, pages[i] * VID_PAGE_SIZE + offset, want,
					    access, &got);
		if (got != want || !add_piece(r, host, want))
			return -EFAULT;
		bytes -= (uint32_t)want;
		offset = 0;
	}
	return bytes ? -EINVAL : 0;
}

/* The head between descriptor and payload: one range. */
static int take_buffer(struct vsp_storvsp *s, struct request *r, const struct vsp_packet *packet)
{
	struct {
		struct wire_gpa_direct head;
		uint64_t pages[PAGES_MAX];
	} h;
	size_t size = packet->payload - sizeof(struct wire_packet);

	if (packet->type != WIRE_PACKET_GPA_DIRECT)
		return 0;
	if (size < sizeof h.head || size > sizeof h)
		return -EINVAL;
	vsp_channel_copy(s->channel, sizeof(struct wire_packet), &h, size);
	if (h.head.range_count != 1 || h.head.offset >= VID_PAGE_SIZE ||
	    h.head.bytes > VSP_STORVSP_TRANSFER)
		return -EINVAL;
	r->size = h.head.bytes;
	return map_buffer(s, r, h.head.offset, h.head.bytes, h.pages, (size - sizeof h.head) / 8);
}

/* The first `size` bytes alone. */
static void cut_buffer(struct request *r, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < r->iov_count && size; i++) {
		r->iov[i].iov_len = MIN((uint64_t)r->iov[i].iov_len, size);
		size -= r->iov[i].iov_len;
	}
	r->iov_count = i;
}

static void copy_to_guest(struct request *r, const uint8_t *data, size_t size)
{
	for (unsigned int i = 0; i < r->iov_count && size; i++) {
		size_t n = MIN(r->iov[i].iov_len, size);

		memcpy(r->iov[i].iov_base, data, n);
		data += n;
		size -= n;
	}
}

static void copy_from_guest(const struct request *r, uint8_t *data, size_t size)
{
	for (unsigned int i = 0; i < r->iov_count && size; i++) {
		size_t n = MIN(r->iov[i].iov_len, size);

		memcpy(data, r->iov[i].iov_base, n);
		data += n;
		size -= n;
	}
}

/* --- SCSI --- */

static void put_status(struct wire_srb *srb, const struct scsi_command *c)
{
	srb->scsi_status = c->status;
	srb->srb_status = WIRE_SRB_SUCCESS;
	if (c->status == SCSI_GOOD)
		return;
	srb->srb_status = WIRE_SRB_ERROR | WIRE_SRB_SENSE_VALID;
	srb->sense_length = SCSI_SENSE_SIZE;
	memset(srb->sense, 0, sizeof srb->sense);
	memcpy(srb->sense, c->sense, SCSI_SENSE_SIZE);
}

/* What has moved, for the guest to know what has not. */
static uint32_t moved(const struct request *r)
{
	const struct scsi_command *c = &r->command;

	if (c->status != SCSI_GOOD)
		return 0;
	return c->data_size ? c->data_size : (uint32_t)(r->iov_count ? c->length : 0);
}

static void finish_srb(struct request *r)
{
	struct scsi_command *c = &r->command;
	struct wire_srb *srb = &r->packet.srb;

	c->data_size = MIN(c->data_size, r->size);
	copy_to_guest(r, c->data, c->data_size);
	put_status(srb, c);
	srb->transfer_length = moved(r);
	finish(r);
}

static void on_io(struct disk_request *io, int result);

static void submit(struct request *r, enum disk_op op)
{
	struct scsi_command *c = &r->command;

	r->io = (struct disk_request){.op = op,
				      .offset = c->offset,
				      .length = c->length,
				      .iov = r->iov,
				      .iov_count = r->iov_count,
				      .done = on_io,
				      .owner = r};
	r->storvsp->in_flight++;
	disk_submit(c->disk, &r->io);
}

static void on_io(struct disk_request *io, int result)
{
	struct request *r = io->owner;

	r->storvsp->in_flight--;
	if (result == 0 && r->command.flush_after) {
		r->command.flush_after = false;
		submit(r, DISK_OP_FLUSH);
		return;
	}
	scsi_finish(&r->command, result);
	finish_srb(r);
}

static bool moves_data(const struct scsi_command *c)
{
	return c->op == DISK_OP_READ || c->op == DISK_OP_WRITE;
}

static void start_io(struct request *r)
{
	struct scsi_command *c = &r->command;

	if (moves_data(c) && c->length > r->size) {
		scsi_fail_length(c);
		finish_srb(r);
		return;
	}
	cut_buffer(r, moves_data(c) ? c->length : 0);
	submit(r, c->op);
}

static void execute(struct vsp_storvsp *s, struct request *r, int buffer_error)
{
	struct wire_srb *srb = &r->packet.srb;
	uint8_t cdb[SCSI_CDB_SIZE] = {0}, parameters[SCSI_PARAMETERS_MAX] = {0};
	unsigned int lun = srb->path || srb->target ? SCSI_LUNS_MAX : srb->lun;

	r->packet.status = 0;
	memcpy(cdb, srb->cdb, MIN((size_t)srb->cdb_length, sizeof cdb));
	if (cdb[0] == SCSI_UNMAP)
		copy_from_guest(r, parameters, sizeof parameters);
	scsi_begin(&s->target, lun, cdb, parameters, &r->command);
	if (r->command.outcome == SCSI_NO_LUN) {
		srb->srb_status = WIRE_SRB_INVALID_LUN;
		srb->transfer_length = 0;
		finish(r);
		return;
	}
	if (buffer_error < 0)
		scsi_fail_transfer(&r->command);
	if (r->command.outcome == SCSI_IO)
		start_io(r);
	else
		finish_srb(r);
}

/* --- the protocol --- */

static bool version_spoken(uint16_t version)
{
	return version == WIRE_STORVSP_VERSION_WIN10 || version == WIRE_STORVSP_VERSION_BLUE ||
	       version == WIRE_STORVSP_VERSION_WIN8;
}

static uint32_t query_version(struct vsp_storvsp *s, const struct wire_storvsp *p)
{
	if (s->state != STATE_BEGUN)
		return WIRE_STORVSP_DEVICE_STATE;
	if (!version_spoken(p->version))
		return WIRE_STORVSP_REVISION_MISMATCH;
	s->state = STATE_VERSION;
	return 0;
}

static uint32_t query_properties(struct vsp_storvsp *s, struct wire_storvsp *p)
{
	if (s->state != STATE_VERSION)
		return WIRE_STORVSP_DEVICE_STATE;
	memset(p->bytes, 0, sizeof p->bytes);
	p->properties.max_transfer = VSP_STORVSP_TRANSFER;
	s->state = STATE_PROPERTIES;
	return 0;
}

static uint32_t change_state(struct vsp_storvsp *s, enum state from, enum state to)
{
	if (s->state != from)
		return WIRE_STORVSP_DEVICE_STATE;
	s->state = to;
	return 0;
}

/* All that is not a SCSI command is answered at once. Resets find nothing that had to be reset. */
static uint32_t manage(struct vsp_storvsp *s, struct wire_storvsp *p)
{
	switch (p->operation) {
	case WIRE_STORVSP_BEGIN_INIT:
		return change_state(s, STATE_NEW, STATE_BEGUN);
	case WIRE_STORVSP_QUERY_VERSION:
		return query_version(s, p);
	case WIRE_STORVSP_QUERY_PROPERTIES:
		return query_properties(s, p);
	case WIRE_STORVSP_END_INIT:
		return change_state(s, STATE_PROPERTIES, STATE_READY);
	case WIRE_STORVSP_RESET_LUN:
	case WIRE_STORVSP_RESET_ADAPTER:
	case WIRE_STORVSP_RESET_BUS:
		return s->state == STATE_READY ? 0 : WIRE_STORVSP_DEVICE_STATE;
	default:
		return WIRE_STORVSP_INVALID;
	}
}

static void handle(struct vsp_storvsp *s, struct request *r, int buffer_error)
{
	if (r->packet.operation == WIRE_STORVSP_EXECUTE_SRB && s->state == STATE_READY) {
		execute(s, r, buffer_error);
		return;
	}
	r->packet.status = manage(s, &r->packet);
	finish(r);
}

/* A packet without the 64 bytes of a request has none of them. */
static void take_packet(struct vsp_storvsp *s, struct request *r, const struct vsp_packet *packet)
{
	size_t size = MIN(packet->size - packet->payload, (uint32_t)sizeof r->packet);
	int buffer_error;

	r->id = packet->id;
	r->wants_completion = packet->flags & WIRE_PACKET_WANTS_COMPLETION;
	r->size = 0;
	r->iov_count = 0;
	memset(&r->packet, 0, sizeof r->packet);
	vsp_channel_copy(s->channel, packet->payload, &r->packet, size);
	buffer_error = take_buffer(s, r, packet);
	if (buffer_error < 0) {
		r->size = 0;
		r->iov_count = 0;
	}
	vsp_channel_consume(s->channel, packet);
	handle(s, r, buffer_error);
}

static enum vsp_ready ready(void *owner)
{
	struct vsp_storvsp *s = owner;
	struct vsp_packet packet;
	struct request *r;

	s->stalled = true;
	if (!complete_finished(s))
		return VSP_READY_STALLED;
	if (vsp_channel_peek(s->channel, &packet) < 0) {
		s->stalled = false;
		return VSP_READY_EMPTY;
	}
	r = take_request(s);
	if (!r)
		return VSP_READY_STALLED;
	s->stalled = false;
	take_packet(s, r, &packet);
	return complete_finished(s) ? VSP_READY_AGAIN : VSP_READY_STALLED;
}

/* --- the channel --- */

static int opened(void *owner)
{
	struct vsp_storvsp *s = owner;

	s->state = STATE_NEW;
	s->stalled = s->closing = false;
	return 0;
}

/* Behind this nothing is read from guest memory, or written. The guest waits for it. */
static void closed(void *owner)
{
	struct vsp_storvsp *s = owner;

	s->closing = true;
	while (s->in_flight)
		disk_engine_wait(s->engine);
	complete_finished(s);
}

static void dispatch_engine(struct vsp_storvsp *s)
{
	vsp_channel_lock(s->channel);
	disk_engine_dispatch(s->engine);
	if (complete_finished(s) && s->stalled)
		vsp_channel_kick(s->channel);
	vsp_channel_unlock(s->channel);
}

void vsp_storvsp_dispatch(struct vsp_storvsp *s, bool wait)
{
	struct epoll_event events[3];
	int n = epoll_wait(s->epoll, events, ARRAY_SIZE(events), wait ? -1 : 0);

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (fd == disk_engine_fd(s->engine))
			dispatch_engine(s);
		else if (fd == vsp_channel_fd(s->channel))
			vsp_channel_serve(s->channel);
	}
}

static bool stop_wanted(const struct vsp_storvsp *s)
{
	uint64_t count;

	return read(s->stop, &count, sizeof count) == sizeof count;
}

static void *run(void *argument)
{
	struct vsp_storvsp *s = argument;

	while (!stop_wanted(s))
		vsp_storvsp_dispatch(s, true);
	return NULL;
}

int vsp_storvsp_start(struct vsp_storvsp *s)
{
	int r = pthread_create(&s->thread, NULL, run, s);

	s->has_thread = r == 0;
	return -r;
}

struct disk_stats vsp_storvsp_stats(struct vsp_storvsp *s)
{
	struct disk_stats sum = {0};

	vsp_channel_lock(s->channel);
	for (unsigned int i = 0; i < SCSI_LUNS_MAX; i++) {
		struct disk *disk = s->target.lun[i].disk;
		struct disk_stats stats = disk ? disk_stats(disk) : (struct disk_stats){0};

		sum.reads += stats.reads;
		sum.writes += stats.writes;
		sum.read_bytes += stats.read_bytes;
		sum.write_bytes += stats.write_bytes;
	}
	vsp_channel_unlock(s->channel);
	return sum;
}

/* --- the whole --- */

/* FNV-1a: an identity that is the same at each start of the machine. */
static void make_id(struct scsi_lun *lun, const struct vsp_storvsp_config *config, uint8_t number)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	const uint8_t place[2] = {(uint8_t)config->number, number};

	for (size_t i = 0; i < sizeof config->machine; i++)
		hash = (hash ^ config->machine[i]) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < sizeof place; i++)
		hash = (hash ^ place[i]) * UINT64_C(0x100000001b3);
	memcpy(lun->id, &hash, sizeof lun->id);
	lun->id[0] = 0x30 | (lun->id[0] & 0x0f);
}

static void describe(struct vsp_storvsp *s, const struct vsp_storvsp_config *config)
{
	s->target.max_transfer = VSP_STORVSP_TRANSFER;
	for (uint8_t i = 0; i < VSP_STORVSP_LUNS; i++) {
		const struct vsp_storvsp_lun *from = &config->lun[i];
		struct scsi_lun *lun = &s->target.lun[i];

		lun->disk = from->disk;
		make_id(lun, config, i);
		if (from->serial)
			snprintf(lun->serial, sizeof lun->serial, "%s", from->serial);
		else
			snprintf(lun->serial, sizeof lun->serial,
				 "%02x%02x%02x%02x%02x%02x%02x%02x", lun->id[0], lun->id[1],
				 lun->id[2], lun->id[3], lun->id[4], lun->id[5], lun->id[6],
				 lun->id[7]);
	}
}

static int watch(struct vsp_storvsp *s, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int offer(struct vsp_storvsp *s, const struct vsp_storvsp_config *config)
{
	static const struct vsp_channel_ops ops = {opened, closed, ready};
	struct vsp_offer o = {
		.interface = {0xba6163d9,
			      0x04a1,
			      0x4d29,
			      {0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f}},
		.instance = {0x6b656c73, 0x7363, 0x7369, {0}},
		.ops = &ops,
		.owner = s,
	};

	o.instance.d[7] = (uint8_t)config->number;
	return vsp_channel_offer(config->vmbus, &o, &s->channel);
}

static int make(struct vsp_storvsp *s, const struct vsp_storvsp_config *config)
{
	int r;

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	s->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->stop < 0)
		return -errno;
	r = offer(s, config);
	if (r == 0)
		r = watch(s, s->stop);
	if (r == 0)
		r = watch(s, vsp_channel_fd(s->channel));
	return r < 0 ? r : watch(s, disk_engine_fd(s->engine));
}

int vsp_storvsp_create(const struct vsp_storvsp_config *config, struct vsp_storvsp **ret_storvsp)
{
	struct vsp_storvsp *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return -ENOMEM;
	s->partition = config->partition;
	s->engine = config->engine;
	s->epoll = s->stop = -1;
	s->finished_end = &s->finished;
	for (size_t i = 0; i < VSP_STORVSP_REQUESTS; i++) {
		s->request[i].storvsp = s;
		give_request(s, &s->request[i]);
	}
	describe(s, config);
	r = make(s, config);
	if (r < 0) {
		vsp_storvsp_destroy(s);
		return r;
	}
	*ret_storvsp = s;
	return 0;
}

static void stop_thread(struct vsp_storvsp *s)
{
	const uint64_t one = 1;

	if (!s->has_thread)
		return;
	CHECK(write(s->stop, &one, sizeof one) == sizeof one);
	pthread_join(s->thread, NULL);
}

void vsp_storvsp_destroy(struct vsp_storvsp *s)
{
	if (!s)
		return;
	if (s->channel) /* while the thread is there: the system cancels what a thread leaves behind */
		vsp_channel_rescind(s->channel);
	stop_thread(s);
	fd_close(s->epoll);
	fd_close(s->stop);
	free(s);
}
