/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fake backend. Everything that would leave for the hypervisor ends in a bounded record here;
 * a record that overflows drops the newest entry.
 */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fake_partition_destroy(struct vid_partition *base)
{
	struct fake_partition *p = fake_partition(base);

	vid_partition_fini(base);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static int fake_partition_fd(const struct vid_partition *base)
{
	return -1;
}

static int fake_map(struct vid_partition *base, uint64_t gpa, const struct vid_memory *memory,
		    uint64_t offset, uint64_t size, unsigned int access)
{
	return 0;
}

static int fake_unmap(struct vid_partition *base, uint64_t gpa, uint64_t size)
{
	return 0;
}

static int fake_interrupt(struct vid_partition *base, const struct vid_interrupt *interrupt)
{
	struct fake_partition *p = fake_partition(base);

	pthread_mutex_lock(&p->lock);
	if (p->interrupt_count < VID_FAKE_RECORDS)
		p->interrupts[p->interrupt_count++] = *interrupt;
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static bool same_doorbell(const struct vid_doorbell *a, const struct vid_doorbell *b)
{
	return a->kind == b->kind && a->address == b->address && a->size == b->size &&
	       a->match == b->match && (!a->match || a->value == b->value);
}

static struct fake_doorbell *find_doorbell_locked(struct fake_partition *p,
						  const struct vid_doorbell *d)
{
	for (size_t i = 0; i < p->doorbell_count; i++) {
		if (same_doorbell(&p->doorbells[i].doorbell, d))
			return &p->doorbells[i];
	}
	return NULL;
}

static int fake_doorbell_set(struct vid_partition *base, const struct vid_doorbell *d, int eventfd)
{
	struct fake_partition *p = fake_partition(base);
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (find_doorbell_locked(p, d))
		r = -EEXIST;
	else if (p->doorbell_count == VID_FAKE_RECORDS)
		r = -ENOSPC;
	else
		p->doorbells[p->doorbell_count++] = (struct fake_doorbell){*d, eventfd};
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int fake_doorbell_clear(struct vid_partition *base, const struct vid_doorbell *d)
{
	struct fake_partition *p = fake_partition(base);
	struct fake_doorbell *found;

	pthread_mutex_lock(&p->lock);
	found = find_doorbell_locked(p, d);
	if (found)
		*found = p->doorbells[--p->doorbell_count];
	pthread_mutex_unlock(&p->lock);
	return found ? 0 : -ENOENT;
}

static struct fake_irqfd *find_irqfd_locked(struct fake_partition *p, int eventfd)
{
	for (size_t i = 0; i < p->irqfd_count; i++) {
		if (p->irqfds[i].eventfd == eventfd)
			return &p->irqfds[i];
	}
	return NULL;
}

static int add_irqfd(struct fake_partition *p, const struct fake_irqfd *irqfd)
{
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (find_irqfd_locked(p, irqfd->eventfd))
		r = -EEXIST;
	else if (p->irqfd_count == VID_FAKE_RECORDS)
		r = -ENOSPC;
	else
		p->irqfds[p->irqfd_count++] = *irqfd;
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int fake_irqfd_set(struct vid_partition *base, int eventfd,
			  const struct vid_interrupt *interrupt)
{
	const struct fake_irqfd irqfd = {.interrupt = *interrupt, .eventfd = eventfd};

	return add_irqfd(fake_partition(base), &irqfd);
}

static int fake_irqfd_set_flag(struct vid_partition *base, int eventfd,
			       const struct vid_event_flag *flag)
{
	const struct fake_irqfd irqfd = {.is_flag = true, .flag = *flag, .eventfd = eventfd};

	return add_irqfd(fake_partition(base), &irqfd);
}

static int fake_irqfd_clear(struct vid_partition *base, int eventfd)
{
	struct fake_partition *p = fake_partition(base);
	struct fake_irqfd *found;

	pthread_mutex_lock(&p->lock);
	found = find_irqfd_locked(p, eventfd);
	if (found)
		*found = p->irqfds[--p->irqfd_count];
	pthread_mutex_unlock(&p->lock);
	return found ? 0 : -ENOENT;
}

/* Is a message in the slot that `event` is for? */
static bool slot_full_locked(const struct fake_partition *p, const struct vid_fake_event *event)
{
	for (size_t i = 0; i < p->event_count; i++)
		if (p->events[i].type && p->events[i].vp_index == event->vp_index &&
		    p->events[i].sint == event->sint)
			return true;
	return false;
}

static int record_event(struct fake_partition *p, const struct vid_fake_event *event)
{
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (p->event_count == VID_FAKE_RECORDS) {
		r = -EAGAIN;
	} else if (event->type && slot_full_locked(p, event)) {
		p->slot_wanted = true;
		r = -EAGAIN;
	} else {
		p->events[p->event_count++] = *event;
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int fake_message_post(struct vid_partition *base, uint32_t vp, unsigned int sint,
			     uint32_t type, const void *payload, size_t size)
{
	struct vid_fake_event event = {.vp_index = vp, .sint = sint, .type = type, .size = size};

	memcpy(event.payload, payload, size);
	return record_event(fake_partition(base), &event);
}

static int fake_event_flag_set(struct vid_partition *base, uint32_t vp, unsigned int sint,
			       unsigned int flag)
{
	struct vid_fake_event event = {.vp_index = vp, .sint = sint, .flag = flag};

	return record_event(fake_partition(base), &event);
}

/* Fake VPs carry out nothing, so that nobody sees any of these. */
static int fake_set_cpuid(struct vid_partition *base, const struct vid_cpuid_result *result)
{
	return 0;
}

static int fake_intercept_msrs(struct vid_partition *base, bool on)
{
	return 0;
}

static int fake_intercept_cpuid(struct vid_partition *base, uint32_t leaf, bool on)
{
	return 0;
}

static int fake_freeze_time(struct vid_partition *base, bool freeze)
{
	struct fake_partition *p = fake_partition(base);

	if (p->frozen == freeze)
		return -EALREADY;
	p->frozen = freeze;
	return 0;
}

static int fake_get_time(struct vid_partition *base, uint64_t *ret_time)
{
	*ret_time = fake_partition(base)->time;
	return 0;
}

static int fake_set_time(struct vid_partition *base, uint64_t time)
{
	fake_partition(base)->time = time;
	return 0;
}

/* As if a hypervisor held eight pages, three of them in use. */
static int fake_get_balance(struct vid_partition *base, uint64_t *ret_free, uint64_t *ret_used)
{
	*ret_free = 5;
	*ret_used = 3;
	return 0;
}

static const struct vid_backend_ops fake_ops = {
	.partition_destroy = fake_partition_destroy,
	.partition_fd = fake_partition_fd,
	.map = fake_map,
	.unmap = fake_unmap,
	.interrupt = fake_interrupt,
	.doorbell_set = fake_doorbell_set,
	.doorbell_clear = fake_doorbell_clear,
	.irqfd_set = fake_irqfd_set,
	.irqfd_set_flag = fake_irqfd_set_flag,
	.irqfd_clear = fake_irqfd_clear,
	.message_post = fake_message_post,
	.event_flag_set = fake_event_flag_set,
	.set_cpuid = fake_set_cpuid,
	.intercept_msrs = fake_intercept_msrs,
	.intercept_cpuid = fake_intercept_cpuid,
	.freeze_time = fake_freeze_time,
	.get_time = fake_get_time,
	.set_time = fake_set_time,
	.get_balance = fake_get_balance,
	.vp_create = fake_vp_create,
	.vp_destroy = fake_vp_destroy,
	.vp_run = fake_vp_run,
	.vp_kick = fake_vp_kick,
	.vp_extint = fake_vp_extint,
	.vp_extint_ready = fake_vp_extint_ready,
	.vp_regs = fake_vp_regs,
	.vp_get_registers = fake_vp_get_registers,
	.vp_set_registers = fake_vp_set_registers,
	.vp_translate = fake_vp_translate,
	.vp_get_state = fake_vp_get_state,
	.vp_set_state = fake_vp_set_state,
};

int vid_fake_partition_create(struct vid_partition **ret_partition)
{
	struct fake_partition *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	r = vid_partition_init(&p->base, &fake_ops);
	if (r < 0) {
		free(p);
		return r;
	}
	pthread_mutex_init(&p->lock, NULL);
	*ret_partition = &p->base;
	return 0;
}

size_t vid_fake_take_interrupts(struct vid_partition *base, struct vid_interrupt *ret, size_t space)
{
	struct fake_partition *p = fake_partition(base);
	size_t count;

	pthread_mutex_lock(&p->lock);
	count = MIN(p->interrupt_count, space);
	memcpy(ret, p->interrupts, count * sizeof(*ret));
	p->interrupt_count = 0;
	pthread_mutex_unlock(&p->lock);
	return count;
}

size_t vid_fake_take_events(struct vid_partition *base, struct vid_fake_event *ret, size_t space)
{
	struct fake_partition *p = fake_partition(base);
	size_t count;

	pthread_mutex_lock(&p->lock);
	count = MIN(p->event_count, space);
	memcpy(ret, p->events, count * sizeof(*ret));
	p->event_count = 0;
	pthread_mutex_unlock(&p->lock);
	return count;
}

bool vid_fake_take_message(struct vid_partition *base, struct vid_fake_event *ret_message,
			   bool *ret_wanted)
{
	struct fake_partition *p = fake_partition(base);
	size_t i;
	bool found;

	pthread_mutex_lock(&p->lock);
	for (i = 0; i < p->event_count && !p->events[i].type; i++)
		continue;
	found = i < p->event_count;
	if (found) {
		*ret_message = p->events[i];
		p->event_count--;
		memmove(&p->events[i], &p->events[i + 1],
			(p->event_count - i) * sizeof(p->events[0]));
		*ret_wanted = p->slot_wanted;
		p->slot_wanted = false;
	}
	pthread_mutex_unlock(&p->lock);
	return found;
}

static bool doorbell_hit(const struct vid_doorbell *d, const struct vid_doorbell *write)
{
	return d->kind == write->kind && d->address == write->address && d->size == write->size &&
	       (!d->match || d->value == write->value);
}

bool vid_fake_guest_writes(struct vid_partition *base, const struct vid_doorbell *write_access)
{
	struct fake_partition *p = fake_partition(base);
	const uint64_t one = 1;
	bool hit = false;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->doorbell_count && !hit; i++) {
		hit = doorbell_hit(&p->doorbells[i].doorbell, write_access);
		if (hit)
			CHECK(write(p->doorbells[i].eventfd, &one, sizeof(one)) == sizeof(one));
	}
	pthread_mutex_unlock(&p->lock);
	return hit;
}

size_t vid_fake_run_irqfds(struct vid_partition *base)
{
	struct fake_partition *p = fake_partition(base);
	size_t fired = 0;

	for (size_t i = 0; i < p->irqfd_count; i++) {
		uint64_t count;

		if (read(p->irqfds[i].eventfd, &count, sizeof(count)) != sizeof(count))
			continue;
		if (p->irqfds[i].is_flag)
			fake_event_flag_set(base, p->irqfds[i].flag.vp_index,
					    p->irqfds[i].flag.sint, p->irqfds[i].flag.flag);
		else
			fake_interrupt(base, &p->irqfds[i].interrupt);
		fired++;
	}
	return fired;
}
