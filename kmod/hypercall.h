/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every hypercall that vid.ko makes (the hypervisor interface library). Lists are laid out in pages
 * of the calling processor, with interrupts off, so everything here may be called in any context;
 * the exceptions say so.
 *
 * Returns 0 or -errno: -EINVAL for what the hypervisor finds wrong with the values, -ENODEV no such
 * partition, -ENOENT no such VP, -EBUSY the VP runs or the partition's state is another one, -ENOMEM
 * the partition needs a deposit, -EAGAIN a buffer is full, -ENOSPC out of something else, -EIO.
 */
#ifndef VID_HYPERCALL_H
#define VID_HYPERCALL_H

#include <linux/types.h>

#include "hv/partition.h"

struct vid_ioctl_register;

int __must_check hypercall_init(void);
void hypercall_exit(void);

/* Whether the hypervisor below is Keelson. */
bool hypercall_is_keelson(void);

/* Partitions. */
int __must_check hypercall_create_partition(u64 *ret_id);
int __must_check hypercall_initialize_partition(u64 id);
int __must_check hypercall_finalize_partition(u64 id);
int __must_check hypercall_delete_partition(u64 id);
int __must_check hypercall_get_property(u64 id, u32 code, u64 *ret_value);
int __must_check hypercall_set_property(u64 id, u32 code, u64 value);
int __must_check hypercall_install_intercept(u64 id, u32 access, u32 type, u64 parameter);
int __must_check hypercall_cpuid_result(const struct hv_intercept_result_input *result);

/*
 * Memory. *ret_done pages of the list were dealt with, also on an error. `large`: a page number, and
 * the GPA's, stands for 2 MiB.
 */
#define HYPERCALL_LIST_MAX 64u /* interrupts are off for so long: some 50 us */

int __must_check hypercall_deposit(u64 id, const u64 *pages, u32 count, u32 *ret_done);
int __must_check hypercall_withdraw(u64 id, u64 *ret_pages, u32 count, u32 *ret_done);
int __must_check hypercall_get_balance(u64 id, struct hv_memory_balance *ret_balance);
int __must_check hypercall_map(u64 id, u64 gpa_page, const u64 *pages, u32 count, u32 flags,
			       u32 *ret_done);
int __must_check hypercall_unmap(u64 id, u64 gpa_page, u32 count, u32 flags, u32 *ret_done);

/* VPs. */
int __must_check hypercall_create_vp(u64 id, u32 index);
int __must_check hypercall_delete_vp(u64 id, u32 index);
int __must_check hypercall_map_state_page(u64 id, u32 index, u32 type, u64 *ret_page);
int __must_check hypercall_set_wake_flag(u64 id, u32 index, u8 sint, u16 flag);
int __must_check hypercall_get_registers(u64 id, u32 index, struct vid_ioctl_register *registers,
					 u32 count);
int __must_check hypercall_set_registers(u64 id, u32 index,
					 const struct vid_ioctl_register *registers, u32 count);
int __must_check hypercall_translate(u64 id, u32 index, u64 flags, u64 gva,
				     struct hv_translate_output *ret);
/* `pages` is a list of page numbers; *ret_size is valid with -EAGAIN (it takes more pages), too. */
int __must_check hypercall_get_state(u64 id, u32 index, u32 type, const u64 *pages, u32 count,
				     u64 *ret_size);
int __must_check hypercall_set_state(u64 id, u32 index, u32 type, const u64 *pages, u32 count,
				     u64 size);

/* To a running partition. */
int __must_check hypercall_assert_interrupt(const struct hv_assert_interrupt_input *interrupt);
int __must_check hypercall_clear_interrupt(u64 id);
int __must_check hypercall_signal_event(const struct hv_signal_event_direct_input *event);
int __must_check hypercall_post_message(const struct hv_post_message_direct_input *message);

/*
 * Stays in the VP until the processor, whose interrupts are off, has something else to do. What an
 * intercept stopped goes on. More is in the intercept page.
 */
int __must_check hypercall_dispatch(u64 id, u32 index);

#endif
