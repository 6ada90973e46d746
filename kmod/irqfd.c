// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Eventfds that end in a guest's interrupt or event flag, sent from where the eventfd is signalled,
 * in whatever context that is. An irqfd is in the eventfd's wait queue; the reference to the eventfd
 * keeps that alive, whoever closes the descriptor.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "vid.h"

struct irqfd {
	struct list_head list;
	struct eventfd_ctx *eventfd;
	struct wait_queue_head *queue; /* the eventfd's */
	struct wait_queue_entry entry;
	poll_table poll;
	bool is_flag;
	union {
		struct hv_assert_interrupt_input interrupt;
		struct hv_signal_event_direct_input event;
	};
};

int vid_interrupt_decode(u64 id, const struct vid_ioctl_interrupt *i,
			 struct hv_assert_interrupt_input *ret)
{
	if (i->flags & ~(VID_IOCTL_INTERRUPT_LEVEL | VID_IOCTL_INTERRUPT_LOGICAL) ||
	    i->vector > 0xff || i->mode > 7)
		return -EINVAL;
	*ret = (struct hv_assert_interrupt_input){
		.partition_id = id,
		.control = i->mode |
			   (i->flags & VID_IOCTL_INTERRUPT_LEVEL ? HV_INTERRUPT_LEVEL : 0) |
			   (i->flags & VID_IOCTL_INTERRUPT_LOGICAL ? HV_INTERRUPT_LOGICAL : 0),
		.destination = i->destination,
		.vector = i->vector,
	};
	return 0;
}

int vid_event_flag_decode(u64 id, const struct vid_ioctl_event_flag *e,
			  struct hv_signal_event_direct_input *ret)
{
	if (e->reserved || e->sint >= HV_SINT_COUNT || e->flag >= HV_EVENT_FLAGS)
		return -EINVAL;
	*ret = (struct hv_signal_event_direct_input){
		.partition_id = id,
		.vp_index = e->vp_index,
		.sint = e->sint,
		.flag = e->flag,
	};
	return 0;
}

/* The queue's lock is held. A guest that cannot take it, yet or any more, goes without. */
static void fire(struct irqfd *i)
{
	int r;
	u64 count;

	eventfd_ctx_do_read(i->eventfd, &count);
	if (!count)
		return;
	r = i->is_flag ? hypercall_signal_event(&i->event)
		       : hypercall_assert_interrupt(&i->interrupt);
	if (r)
		pr_debug_ratelimited("vid: an interrupt is lost (%d)\n", r);
}

static int wakeup(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	if (key_to_poll(key) & EPOLLIN)
		fire(container_of(entry, struct irqfd, entry));
	return 0;
}

static void join_queue(struct file *file, struct wait_queue_head *queue, poll_table *poll)
{
	struct irqfd *i = container_of(poll, struct irqfd, poll);

	i->queue = queue;
	add_wait_queue(queue, &i->entry);
}

static void attach(struct irqfd *i, struct file *file)
{
	init_waitqueue_func_entry(&i->entry, wakeup);
	init_poll_funcptr(&i->poll, join_queue);
	if (!(vfs_poll(file, &i->poll) & EPOLLIN))
		return;
	/* It was signalled before. */
	spin_lock_irq(&i->queue->lock);
	fire(i);
	spin_unlock_irq(&i->queue->lock);
}

static void destroy(struct vid_partition *p, struct irqfd *i)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(i->eventfd, &i->entry, &count);
	eventfd_ctx_put(i->eventfd);
	list_del(&i->list);
	p->irqfd_count--;
	kfree(i);
}

static struct irqfd *find(struct vid_partition *p, const struct eventfd_ctx *eventfd)
{
	struct irqfd *i;

	list_for_each_entry(i, &p->irqfds, list) if (i->eventfd == eventfd) return i;
	return NULL;
}

static int decode(struct vid_partition *p, const struct vid_ioctl_irqfd *a, struct irqfd *i)
{
	i->is_flag = a->flags & VID_IOCTL_IRQFD_EVENT_FLAG;
	if (i->is_flag)
		return vid_event_flag_decode(p->id, &a->event_flag, &i->event);
	return vid_interrupt_decode(p->id, &a->interrupt, &i->interrupt);
}

static int create(struct vid_partition *p, const struct vid_ioctl_irqfd *a, struct file *file,
		  struct eventfd_ctx *eventfd)
{
	struct irqfd *i;
	int r;

	if (find(p, eventfd))
		return -EEXIST;
	if (p->irqfd_count >= VID_IRQFDS_MAX)
		return -EDQUOT;
	i = kzalloc(sizeof(*i), GFP_KERNEL_ACCOUNT);
	if (!i)
		return -ENOMEM;
	r = decode(p, a, i);
	if (r) {
		kfree(i);
		return r;
	}
	i->eventfd = eventfd;
	list_add(&i->list, &p->irqfds);
	p->irqfd_count++;
	attach(i, file);
	return 0;
}

static int change(struct vid_partition *p, const struct vid_ioctl_irqfd *a, struct file *file)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fileget(file);
	struct irqfd *i;
	int r;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	if (!(a->flags & VID_IOCTL_IRQFD_REMOVE)) {
		r = create(p, a, file, eventfd);
		if (r)
			eventfd_ctx_put(eventfd);
		return r;
	}
	i = find(p, eventfd);
	eventfd_ctx_put(eventfd);
	if (!i)
		return -ENOENT;
	destroy(p, i);
	return 0;
}

int vid_irqfd_change(struct vid_partition *p, const struct vid_ioctl_irqfd *a)
{
	struct file *file;
	int r;

	if (a->flags & ~(VID_IOCTL_IRQFD_REMOVE | VID_IOCTL_IRQFD_EVENT_FLAG))
		return -EINVAL;
	file = fget(a->eventfd);
	if (!file)
		return -EBADF;
	r = change(p, a, file);
	fput(file);
	return r;
}

void vid_irqfd_release(struct vid_partition *p)
{
	struct irqfd *i, *next;

	list_for_each_entry_safe(i, next, &p->irqfds, list) destroy(p, i);
}
