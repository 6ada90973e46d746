/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Child partitions, made and run as a driver makes and runs them. A call that fails ends the run,
 * but for child_call(), which gives its result word.
 *
 * A child sees this kernel's image where it lies, and so can run its functions on the stack of a
 * processor block that no real processor uses: what they write the root reads. Everything else of
 * the root's memory it does not see.
 */
#ifndef GUEST_CHILD_H
#define GUEST_CHILD_H

#include "core/types.h"
#include "hv/hypercall.h"
#include "hv/intercept.h"
#include "hv/partition.h"
#include "hv/status.h"

#define CHILD_VPS       2
#define CHILD_RWX       (HV_MAP_READABLE | HV_MAP_WRITABLE | HV_MAP_EXECUTABLE)
#define REPS(n)         ((u64)(n) << HV_CONTROL_REPS_SHIFT)
#define REPS_DONE(r)    ((r) >> HV_RESULT_REPS_SHIFT & HV_CONTROL_REP_MASK)
#define CHILD_BLOCKED   0u   /* child_run(): the VP waits for something that is not time */
#define CHILD_DONE_PORT 0xd0 /* a function of the child that returns writes there */

struct child_vp {
	u64 partition;
	u32 index;
	struct hv_register_page *regs;
	struct hv_intercept_page *stop; /* written: its doorbells */
};

struct child {
	u64 id;
	u64 deposited;
	struct child_vp vp[CHILD_VPS];
};

/* A free page of the root's RAM (or `count` of them, aligned to as much, for good). */
u64 child_page(void);
u64 child_pages(u32 count);

/* Any processor. `in` is copied to this processor's input list; `out` (or NULL) from its output. */
u64 child_call(u64 control, const void *in, size_t in_size, void *out, size_t out_size);

/* Deposits; gives everything back and returns how many pages that was. */
void child_deposit(u64 id, u32 count);
u64 child_withdraw(u64 id);
struct hv_memory_balance child_balance(u64 id);

/* Created and initialized, with `pages` deposited; VPs and a map are the caller's business. */
void child_new(struct child *c, u32 pages);
void child_add_vp(struct child *c, u32 index);
/* Maps pages of the root at guest page number `gpa_page`. */
void child_map(const struct child *c, u64 gpa_page, u64 page, u32 count, u32 flags);
/* This kernel's image, where it lies. */
void child_map_image(const struct child *c);
/* Everything back; returns how many of the pages deposited are missing. */
u64 child_end(struct child *c);

void child_set(const struct child_vp *v, u32 name, u64 value);
void child_set_pair(const struct child_vp *v, u32 name, u64 low, u64 high);
u64 child_get(const struct child_vp *v, u32 name);
/* Segment: selector, attributes as the TLFS has them. */
void child_set_segment(const struct child_vp *v, u32 name, u16 selector, u64 base, u16 attributes);

/* A page of code at guest-physical 0x1000, in real mode, to be run from there. */
void child_load_real(struct child *c, const void *code, size_t size);
/* The VP is to run f(arg) in long mode, and then to write CHILD_DONE_PORT. The image is mapped. */
void child_load(const struct child_vp *v, void (*f)(void *), void *arg);

/*
 * Runs it until it stops for the worker: the type of the intercept; or CHILD_BLOCKED. Interrupts of
 * the root come in between, and time that it waits for passes.
 */
u32 child_run(struct child_vp *v);
/* A port or MSR access or the like is done with: RIP behind it, RAX as the answer. */
void child_answer(struct child_vp *v, u64 rax);

#endif
