/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two files of the fake backend share.
 */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H

#include "backend.h"
#include "vid/fake.h"

struct fake_doorbell {
	struct vid_doorbell doorbell;
	int eventfd;
};

struct fake_irqfd {
	bool is_flag;
	struct vid_interrupt interrupt;
	struct vid_event_flag flag;
	int eventfd;
};

struct fake_partition {
	struct vid_partition base;
	pthread_mutex_t lock;
	struct vid_interrupt interrupts[VID_FAKE_RECORDS]; /* L: lock, as all below but time */
	size_t interrupt_count;
	struct vid_fake_event events[VID_FAKE_RECORDS];
	size_t event_count;
	bool slot_wanted; /* a message was refused since the last was taken */
	struct fake_doorbell doorbells[VID_FAKE_RECORDS];
	size_t doorbell_count;
	struct fake_irqfd irqfds[VID_FAKE_RECORDS];
	size_t irqfd_count;
	uint64_t time; /* the thread that stopped the VPs */
	bool frozen;
};

static inline struct fake_partition *fake_partition(struct vid_partition *base)
{
	return container_of(base, struct fake_partition, base);
}

int fake_vp_create(struct vid_partition *p, uint32_t index, struct vid_vp **ret_vp);
void fake_vp_destroy(struct vid_vp *vp);
int fake_vp_run(struct vid_vp *vp, struct vid_exit *ret_exit);
void fake_vp_kick(struct vid_vp *vp);
int fake_vp_extint(struct vid_vp *vp, uint8_t vector);
bool fake_vp_extint_ready(struct vid_vp *vp);
struct vid_regs *fake_vp_regs(struct vid_vp *vp, unsigned int dirty);
int fake_vp_get_registers(struct vid_vp *vp, struct vid_register *registers, size_t count);
int fake_vp_set_registers(struct vid_vp *vp, const struct vid_register *registers, size_t count);
int fake_vp_translate(struct vid_vp *vp, uint64_t gva, unsigned int access, uint64_t *ret_gpa);
int fake_vp_get_state(struct vid_vp *vp, enum vid_vp_state state, void *buffer, size_t size,
		      size_t *ret_size);
int fake_vp_set_state(struct vid_vp *vp, enum vid_vp_state state, const void *buffer, size_t size);

#endif
