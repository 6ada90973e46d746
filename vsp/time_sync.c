/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time synchronization: the date when the guest's driver comes and after each pause, to be set at once,
 * and a sample every five seconds, by which the guest corrects its clock without jumps. Since version 4
 * a date goes with the reference time of the moment, so that its way to the guest does not count.
 */
#include "service.h"
#include "vid/partition.h"

#define INTERVAL    (5 * SERVICE_SECOND)
#define EPOCH_1601  UINT64_C(116444736000000000) /* 1970, in 100 ns */
#define VERSION_REF SERVICE_VERSION(4, 0)

static uint64_t date(const struct service *s)
{
	return s->services->ops->date(s->services->owner) / 100 + EPOCH_1601;
}

static int send_old(struct service *s, uint8_t flags)
{
	const struct wire_ic_time m = {.host = date(s), .flags = flags};

	return service_request(s, &m, sizeof m);
}

static int send_new(struct service *s, uint8_t flags)
{
	struct wire_ic_time_reference m = {.flags = flags, .stratum = 1};
	uint64_t reference;
	int r = vid_partition_get_time(s->services->partition, &reference);

	if (r < 0)
		return r;
	m.host = date(s);
	m.reference = reference;
	return service_request(s, &m, sizeof m);
}

/* `restart`, of a machine that was paused, stands for: set the clock. */
static void tick(struct service *s)
{
	uint8_t flags = s->restart ? WIRE_IC_TIME_SYNC_NOW : WIRE_IC_TIME_SAMPLE;
	int r = s->version >= VERSION_REF ? send_new(s, flags) : send_old(s, flags);

	s->restart &= r < 0;
	s->deadline = service_now(s) + INTERVAL;
}

static void agreed(struct service *s)
{
	s->restart = true;
	s->deadline = service_now(s);
}

const struct service_class service_time = {
	.interface = {0x9527e630, 0xd0ae, 0x497b, {0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf}},
	.instance = {0x2dd1ce17, 0x079e, 0x403c, {0xb3, 0x52, 0xa1, 0x92, 0x1e, 0xe2, 0x07, 0xee}},
	.type = WIRE_IC_TIME_SYNC,
	.versions = {SERVICE_VERSION(1, 0), SERVICE_VERSION(3, 0), VERSION_REF},
	.agreed = agreed,
	.tick = tick,
};
