/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fake virtual processors: a queue of exits in, registers and states in plain memory.
 */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hv/register.h"

#define STATE_COUNT (VID_VP_STATE_TIMERS + 1)

struct fake_state {
	void *data;
	size_t size;
};

struct fake_vp {
	struct vid_vp base;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct vid_exit exits[VID_FAKE_RECORDS]; /* L: lock, a ring */
	size_t first, count;                     /* L */
	bool kicked;                             /* L */
	bool extint_ready;
	int extint;
	struct vid_regs regs;
	struct vid_register registers[VID_FAKE_RECORDS];
	size_t register_count;
	struct fake_state states[STATE_COUNT];
};

static struct fake_vp *fake_vp(struct vid_vp *base)
{
	return container_of(base, struct fake_vp, base);
}

int fake_vp_create(struct vid_partition *p, uint32_t index, struct vid_vp **ret_vp)
{
	struct fake_vp *vp = calloc(1, sizeof(*vp));

	if (!vp)
		return -ENOMEM;
	pthread_mutex_init(&vp->lock, NULL);
	pthread_cond_init(&vp->changed, NULL);
	vp->extint = -1;
	*ret_vp = &vp->base;
	return 0;
}

void fake_vp_destroy(struct vid_vp *base)
{
	struct fake_vp *vp = fake_vp(base);

	for (size_t i = 0; i < STATE_COUNT; i++)
		free(vp->states[i].data);
	pthread_cond_destroy(&vp->changed);
	pthread_mutex_destroy(&vp->lock);
	free(vp);
}

int fake_vp_run(struct vid_vp *base, struct vid_exit *ret_exit)
{
	struct fake_vp *vp = fake_vp(base);

	pthread_mutex_lock(&vp->lock);
	while (!vp->kicked && vp->count == 0)
		pthread_cond_wait(&vp->changed, &vp->lock);
	if (vp->kicked) {
		vp->kicked = false;
		*ret_exit = (struct vid_exit){.kind = VID_EXIT_INTERRUPTED};
	} else {
		*ret_exit = vp->exits[vp->first];
		vp->first = (vp->first + 1) % VID_FAKE_RECORDS;
		vp->count--;
	}
	pthread_mutex_unlock(&vp->lock);
	return 0;
}

void fake_vp_kick(struct vid_vp *base)
{
	struct fake_vp *vp = fake_vp(base);

	pthread_mutex_lock(&vp->lock);
	vp->kicked = true;
	pthread_cond_signal(&vp->changed);
	pthread_mutex_unlock(&vp->lock);
}

int vid_fake_queue_exit(struct vid_vp *base, const struct vid_exit *exit)
{
	struct fake_vp *vp = fake_vp(base);
	int r = -ENOSPC;

	pthread_mutex_lock(&vp->lock);
	if (vp->count < VID_FAKE_RECORDS) {
		vp->exits[(vp->first + vp->count++) % VID_FAKE_RECORDS] = *exit;
		pthread_cond_signal(&vp->changed);
		r = 0;
	}
	pthread_mutex_unlock(&vp->lock);
	return r;
}

int fake_vp_extint(struct vid_vp *base, uint8_t vector)
{
	struct fake_vp *vp = fake_vp(base);

	if (!vp->extint_ready)
		return -EAGAIN;
	vp->extint = vector;
	return 0;
}

bool fake_vp_extint_ready(struct vid_vp *base)
{
	return fake_vp(base)->extint_ready;
}

void vid_fake_set_extint_ready(struct vid_vp *base, bool ready)
{
	fake_vp(base)->extint_ready = ready;
}

int vid_fake_take_extint(struct vid_vp *base)
{
	struct fake_vp *vp = fake_vp(base);
	int vector = vp->extint;

	vp->extint = -1;
	return vector;
}

struct vid_regs *fake_vp_regs(struct vid_vp *base, unsigned int dirty)
{
	return &fake_vp(base)->regs;
}

static struct vid_register *find_register(struct fake_vp *vp, uint32_t name)
{
	for (size_t i = 0; i < vp->register_count; i++) {
		if (vp->registers[i].name == name)
			return &vp->registers[i];
	}
	return NULL;
}

/* A register that was never set reads as 0. */
int fake_vp_get_registers(struct vid_vp *base, struct vid_register *registers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!hv_register_exists(registers[i].name))
			return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		const struct vid_register *known = find_register(fake_vp(base), registers[i].name);

		registers[i].low = known ? known->low : 0;
		registers[i].high = known ? known->high : 0;
	}
	return 0;
}

/* Of the registers that have few values, those that the hypervisor lets in. */
static bool is_valid(const struct vid_register *r)
{
	switch (r->name) {
	case HV_REGISTER_PENDING_INTERRUPTION:
		return hv_pending_interruption_valid(r->low);
	case HV_REGISTER_PENDING_EVENT0:
		return hv_pending_event_valid(r->low);
	case HV_REGISTER_PENDING_EVENT1:
		return !r->low;
	case HV_REGISTER_INTERRUPT_STATE:
		return !(r->low & ~HV_INTERRUPT_STATE_BITS);
	case HV_REGISTER_INTERNAL_ACTIVITY:
		return hv_internal_activity_valid(r->low);
	default:
		return hv_register_exists(r->name);
	}
}

int fake_vp_set_registers(struct vid_vp *base, const struct vid_register *registers, size_t count)
{
	struct fake_vp *vp = fake_vp(base);

	for (size_t i = 0; i < count; i++) {
		struct vid_register *known = find_register(vp, registers[i].name);

		if (!is_valid(&registers[i]))
			return -EINVAL;
		if (!known && vp->register_count == VID_FAKE_RECORDS)
			return -ENOSPC;
		if (!known)
			known = &vp->registers[vp->register_count++];
		*known = registers[i];
	}
	return 0;
}

/* Paging is off in a fake VP. */
int fake_vp_translate(struct vid_vp *base, uint64_t gva, unsigned int access, uint64_t *ret_gpa)
{
	*ret_gpa = gva;
	return 0;
}

int fake_vp_get_state(struct vid_vp *base, enum vid_vp_state state, void *buffer, size_t size,
		      size_t *ret_size)
{
	const struct fake_state *s = &fake_vp(base)->states[state];

	if (size < s->size)
		return -ENOSPC;
	if (s->size)
		memcpy(buffer, s->data, s->size);
	*ret_size = s->size;
	return 0;
}

int fake_vp_set_state(struct vid_vp *base, enum vid_vp_state state, const void *buffer, size_t size)
{
	struct fake_state *s = &fake_vp(base)->states[state];
	void *copy = malloc(size ? size : 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, buffer, size);
	free(s->data);
	*s = (struct fake_state){copy, size};
	return 0;
}
