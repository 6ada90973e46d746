/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between the kernels that vid.ko is built for, and what Linux's own Hyper-V code
 * offers. The names of asm/mshyperv.h collide with those of hv/, so only linux.c includes it.
 */
#ifndef VID_LINUX_H
#define VID_LINUX_H

#include <linux/types.h>

struct eventfd_ctx;
struct file;
struct page;
struct vm_area_struct;

/* Through Linux's hypercall page. The lists lie in the kernel's direct map. Any context. */
u64 linux_hypercall(u64 control, void *input, void *output);
/* The same with two words of input in registers. */
u64 linux_fast_hypercall(u16 code, u64 input, u64 more);

/* Whether Linux found a hypervisor that it talks Hyper-V to, and has a hypercall page of it. */
bool linux_has_hypercalls(void);

/*
 * Runs `handler`, in hard interrupt context, at each interrupt of linux_callback_vector(). The one
 * slot that Linux has is hv_vmbus's in a guest; the root partition has no VMBus, so it is free.
 */
void linux_set_callback(void (*handler)(void));
u8 linux_callback_vector(void);

void linux_eventfd_signal(struct eventfd_ctx *eventfd);

/* Makes processor `cpu`, which cannot go away meanwhile, take an interrupt. */
void linux_interrupt_cpu(int cpu);

void linux_set_vm_flags(struct vm_area_struct *vma, bool may_write);

/* Whether this is a memfd that can neither grow nor shrink. */
bool linux_is_sealed_memfd(const struct file *file);
/* Whether this pinned page is the file's at `index`. */
bool linux_is_page_of(struct page *page, const struct file *file, u64 index);

#endif
