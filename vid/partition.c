/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The common half of partitions: arguments are checked here once, for every backend.
 */
#include "backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SINT_COUNT       16u
#define EVENT_FLAG_COUNT 2048u

int vid_partition_init(struct vid_partition *p, const struct vid_backend_ops *ops)
{
	memset(p, 0, sizeof(*p));
	p->ops = ops;
	return -pthread_rwlock_init(&p->map_lock, NULL);
}

void vid_partition_fini(struct vid_partition *p)
{
	free(p->mappings);
	pthread_rwlock_destroy(&p->map_lock);
}

void vid_partition_destroy(struct vid_partition *p)
{
	if (p)
		p->ops->partition_destroy(p);
}

int vid_partition_fd(const struct vid_partition *p)
{
	return p->ops->partition_fd(p);
}

int vid_partition_interrupt(struct vid_partition *p, const struct vid_interrupt *interrupt)
{
	return p->ops->interrupt(p, interrupt);
}

/* SDM 3A 11.11: destination 19:12 and mode bit 2 of the address; vector, mode, trigger of the data. */
struct vid_interrupt vid_interrupt_from_msi(uint64_t address, uint32_t data)
{
	return (struct vid_interrupt){
		.vector = (uint8_t)data,
		.mode = (data >> 8) & 7,
		.level = data & BIT(15),
		.logical = address & BIT(2),
		.destination = (uint32_t)(address >> 12) & 0xff,
	};
}

static bool doorbell_valid(const struct vid_doorbell *d)
{
	bool power_of_two = d->size && (d->size & (d->size - 1)) == 0;

	switch (d->kind) {
	case VID_DOORBELL_PORT:
		return d->address <= UINT16_MAX && power_of_two && d->size <= 4;
	case VID_DOORBELL_MMIO:
		return power_of_two && d->size <= 8;
	case VID_DOORBELL_SIGNAL:
		return d->address <= UINT32_MAX && d->size == 0;
	case VID_DOORBELL_EOI:
		return d->address <= UINT8_MAX && d->size == 0 && !d->match;
	}
	return false;
}

int vid_doorbell_set(struct vid_partition *p, const struct vid_doorbell *doorbell, int eventfd)
{
	if (!doorbell_valid(doorbell) || eventfd < 0)
		return -EINVAL;
	return p->ops->doorbell_set(p, doorbell, eventfd);
}

int vid_doorbell_clear(struct vid_partition *p, const struct vid_doorbell *doorbell)
{
	return p->ops->doorbell_clear(p, doorbell);
}

int vid_irqfd_set(struct vid_partition *p, int eventfd, const struct vid_interrupt *interrupt)
{
	if (eventfd < 0)
		return -EINVAL;
	return p->ops->irqfd_set(p, eventfd, interrupt);
}

int vid_irqfd_set_flag(struct vid_partition *p, int eventfd, const struct vid_event_flag *flag)
{
	if (eventfd < 0 || flag->sint >= SINT_COUNT || flag->flag >= EVENT_FLAG_COUNT)
		return -EINVAL;
	return p->ops->irqfd_set_flag(p, eventfd, flag);
}

int vid_irqfd_clear(struct vid_partition *p, int eventfd)
{
	return p->ops->irqfd_clear(p, eventfd);
}

int vid_message_post(struct vid_partition *p, uint32_t vp_index, unsigned int sint, uint32_t type,
		     const void *payload, size_t size)
{
	if (sint >= SINT_COUNT || size > VID_MESSAGE_PAYLOAD || type == 0)
		return -EINVAL;
	return p->ops->message_post(p, vp_index, sint, type, payload, size);
}

int vid_event_flag_set(struct vid_partition *p, uint32_t vp_index, unsigned int sint,
		       unsigned int flag)
{
	if (sint >= SINT_COUNT || flag >= EVENT_FLAG_COUNT)
		return -EINVAL;
	return p->ops->event_flag_set(p, vp_index, sint, flag);
}

int vid_partition_set_cpuid(struct vid_partition *p, const struct vid_cpuid_result *result)
{
	return p->ops->set_cpuid(p, result);
}

int vid_partition_intercept_msrs(struct vid_partition *p, bool on)
{
	return p->ops->intercept_msrs(p, on);
}

int vid_partition_intercept_cpuid(struct vid_partition *p, uint32_t leaf, bool on)
{
	return p->ops->intercept_cpuid(p, leaf, on);
}

int vid_partition_freeze_time(struct vid_partition *p, bool freeze)
{
	return p->ops->freeze_time(p, freeze);
}

int vid_partition_get_time(struct vid_partition *p, uint64_t *ret_time)
{
	return p->ops->get_time(p, ret_time);
}

int vid_partition_set_time(struct vid_partition *p, uint64_t time)
{
	return p->ops->set_time(p, time);
}

int vid_partition_get_balance(struct vid_partition *p, uint64_t *ret_free, uint64_t *ret_used)
{
	return p->ops->get_balance(p, ret_free, ret_used);
}
