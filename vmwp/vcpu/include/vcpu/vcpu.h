/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processors of a machine: one thread each, which runs its VP and serves what stops there.
 * Devices are called with the machine's lock held.
 */
#ifndef VMWP_VCPU_H
#define VMWP_VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/machine.h"

struct vid_vp;
struct vcpus;

#define VCPUS_MAX            64u
#define VCPU_INSTRUCTION_MAX 15u

/* What only the worker as a whole can act upon. */
enum vcpu_report {
	VCPU_TRIPLE_FAULT, /* the processor shut down */
	VCPU_CRASH,        /* the guest told of its crash; it goes on */
	VCPU_CRASH_TEXT,   /* the same; P3 is the address of its words, P4 their length */
	VCPU_HANG,         /* all processors wait with interrupts off */
	VCPU_GUEST_ERROR,  /* the guest did what nobody can carry out; text: where and what */
	VCPU_ERROR,        /* the host cannot go on; text says why */
};

/* Called in a VP's thread, without the lock. `crash` is of the crashes: P0 to P4; else NULL. */
struct vcpu_ops {
	void (*report)(void *owner, enum vcpu_report what, const char *text,
		       const uint64_t crash[5]);
};

struct vcpu {
	struct vcpus *set;
	struct vid_vp *vp;
	uint32_t index;
	pthread_t thread;
	bool started;
	_Atomic bool halted;    /* waits with interrupts off */
	_Atomic uint64_t exits; /* that reached the worker */
	uint64_t time;          /* of its earlier threads, ns */
};

struct vcpus {
	struct machine *machine;
	const struct vcpu_ops *ops;
	void *owner;
	_Atomic bool stop;
	_Atomic bool intr; /* the 8259's output */
	_Atomic bool hang_reported;
	uint64_t exits, time; /* of processors that were made anew since */
	uint32_t count;
	struct vcpu vcpu[VCPUS_MAX];
};

/* Makes the VPs, with the registers that the machine boots with. */
int must_check vcpus_init(struct vcpus *set, struct machine *machine, uint32_t count,
			  const struct vcpu_ops *ops, void *owner);
void vcpus_fini(struct vcpus *set); /* stopped; zeroed memory is allowed */

/* Starts a thread for each VP; stops and joins them. A set can be started again. */
int must_check vcpus_start(struct vcpus *set);
void vcpus_stop(struct vcpus *set);

/* VPs anew, as after power-on; stopped. */
int must_check vcpus_reset(struct vcpus *set);

/* Asks the threads to stop and does not wait. Any thread, also one of the VPs. */
void vcpus_request_stop(struct vcpus *set);

/* The 8259's output has changed; VP 0 takes the interrupt. Any thread. */
void vcpus_interrupt(struct vcpus *set, bool level);

uint64_t vcpus_exits(const struct vcpus *set);

/* Processor time of the threads so far, ns; those that were stopped included. */
uint64_t vcpus_time(const struct vcpus *set);

/* One exit, as the thread handles it. False: the thread ends. */
struct vid_exit;
bool vcpu_handle(struct vcpu *vcpu, const struct vid_exit *exit);

/* vcpu_emulate.c: emulates the instruction at RIP. Takes the lock. */
int must_check vcpu_emulate(struct vcpu *vcpu, const struct vid_exit *exit);
/* The length of the instruction at RIP, as the exit or else the decoder says; 0: not known. */
unsigned int vcpu_instruction_length(struct vcpu *vcpu, const struct vid_exit *exit);
/* Its bytes, as the exit or else guest memory has them; returns how many. */
size_t vcpu_instruction_bytes(struct vcpu *vcpu, const struct vid_exit *exit,
			      uint8_t bytes[VCPU_INSTRUCTION_MAX]);
/*
 * Behind the instruction at RIP, which has been carried out, all of it. The one place that moves RIP; its
 * trap, if the guest steps, and the end of its interrupt shadow and RFLAGS.RF are the hypervisor's part.
 */
void vcpu_advance(struct vcpu *vcpu, unsigned int length);
void vcpu_inject(struct vcpu *vcpu, uint8_t vector, bool has_error_code, uint32_t error_code,
		 uint64_t parameter);

#endif
