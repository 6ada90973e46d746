/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A root with a child partition, made by hypercalls as the driver makes them. Every helper fails
 * the test if its call does not succeed; raw() gives the result word.
 */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include "core/exit.h"
#include "core/format.h"
#include "core/manage.h"
#include "hv/hypercall.h"
#include "hv/intercept.h"
#include "hv/keelson.h"
#include "hv/partition.h"
#include "runner.h"

#define REPS(n)        ((u64)(n) << HV_CONTROL_REPS_SHIFT)
#define START(n)       ((u64)(n) << HV_CONTROL_START_SHIFT)
#define STATUS(result) ((hv_status)((result)&0xffff))
#define DONE(result)   ((result) >> 32 & 0xfff)

struct child {
	u64 id;
	u64 pages; /* ever deposited */
};

extern u8 *in_page, *out_page;
extern u32 caller; /* root VP that calls */
extern u32 starts; /* how often the last call was started until it was done */

/* Machine, root with four VPs, two pages for lists. */
void child_machine(void);

/* A hypercall of the root with `in` as its list; in_page is used when `in` is NULL. */
u64 raw(u64 control, const void *in, size_t size);

hv_status partition_call(u16 code, u64 id);
/* `count` fresh pages of the root (or `page` on) to a partition. */
void deposit(u64 id, u32 count);
hv_status deposit_page(u64 id, u64 page);
u32 withdraw_all(u64 id);

/* Created, with `pages` deposited, initialized. */
struct child child_new(u32 pages);
void child_add_vp(const struct child *c, u32 index);
struct vp *child_vp(const struct child *c, u32 index);
/* Machine and a child with one VP: that one. */
struct vp *child_with_vp(struct child *ret_child);
/* Pages, given as page numbers of the root, at guest page `gpa_page` on; the result words. */
u64 map_pages(u64 id, u64 gpa_page, u32 flags, u32 count, const u64 *pages);
u64 unmap_pages(u64 id, u64 gpa_page, u32 flags, u32 count);
/* A fresh page of the root, mapped at guest page number `gpa_page`; its memory. */
u8 *child_ram(const struct child *c, u64 gpa_page, u32 flags);

hv_status get_register(const struct child *c, u32 index, u32 name, union hv_register_value *v);
hv_status set_register(const struct child *c, u32 index, u32 name, u64 value);

struct hv_dispatch_output dispatch(const struct child *c, u32 index, u32 flags);

#endif
