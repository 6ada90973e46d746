/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A partition without a hypervisor, for tests of devices, providers and the worker: guest memory is
 * real, VPs return the exits that a test queued, and what would reach a guest is recorded.
 */
#ifndef VID_FAKE_H
#define VID_FAKE_H

#include "vid/partition.h"
#include "vid/vp.h"

#define VID_FAKE_RECORDS 64u

int must_check vid_fake_partition_create(struct vid_partition **ret_partition);

/* Interrupts posted since the last call, oldest first; returns how many of them are in `ret`. */
size_t vid_fake_take_interrupts(struct vid_partition *partition, struct vid_interrupt *ret,
				size_t space);

/* A record of vid_message_post() (type != 0) or vid_event_flag_set() (type == 0). */
struct vid_fake_event {
	uint32_t vp_index;
	unsigned int sint;
	uint32_t type;
	unsigned int flag;
	size_t size;
	uint8_t payload[VID_MESSAGE_PAYLOAD];
};

size_t vid_fake_take_events(struct vid_partition *partition, struct vid_fake_event *ret,
			    size_t space);

/*
 * A slot has one message, as the hypervisor's has: vid_message_post() says -EAGAIN until it is taken,
 * here or by vid_fake_take_events(). ret_wanted: whether that was said, so that the guest's end of
 * message would be told of.
 */
bool vid_fake_take_message(struct vid_partition *partition, struct vid_fake_event *ret_message,
			   bool *ret_wanted);

/* What a guest's write does to doorbells. True: one matched and its eventfd was signalled. */
bool vid_fake_guest_writes(struct vid_partition *partition, const struct vid_doorbell *write);

/* Posts the interrupt or sets the flag of every irqfd that is readable, and resets it. Returns how many. */
size_t vid_fake_run_irqfds(struct vid_partition *partition);

/* Queues what the next vid_vp_run() returns. With an empty queue it waits for a kick. -ENOSPC. */
int must_check vid_fake_queue_exit(struct vid_vp *vp, const struct vid_exit *exit);

/* Whether LINT0 can take an interrupt; and the vector taken last, or -1. */
void vid_fake_set_extint_ready(struct vid_vp *vp, bool ready);
int vid_fake_take_extint(struct vid_vp *vp);

#endif
