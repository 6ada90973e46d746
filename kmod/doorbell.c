// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Doorbells: writes, signals and EOIs of a guest that end in an eventfd and not in the worker. A
 * write rings the first doorbell that fits; one with a value goes before one without.
 */
#include <linux/eventfd.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "linux.h"
#include "vid.h"

struct doorbell {
	struct hlist_node node;
	struct vid_ioctl_doorbell is;
	struct eventfd_ctx *eventfd;
	u32 bell; /* its place in the hypervisor's table, or VID_BELL_NONE */
	struct vid_flag flag;
};

static void raised(struct vid_flag *flag)
{
	linux_eventfd_signal(container_of(flag, struct doorbell, flag)->eventfd);
}

static u64 key_of(u32 kind, u64 address)
{
	return address ^ (u64)kind << 62;
}

static bool matches(const struct doorbell *d, u32 kind, u64 address, u32 size)
{
	return d->is.address == address && d->is.kind == kind && d->is.size == size;
}

bool vid_doorbell_ring(struct vid_partition *p, u32 kind, u64 address, u32 size, u64 value)
{
	struct doorbell *d, *found = NULL;

	if (!READ_ONCE(p->doorbell_count[kind]))
		return false;
	rcu_read_lock();
	hash_for_each_possible_rcu(p->doorbells, d, node, key_of(kind, address))
	{
		if (!matches(d, kind, address, size))
			continue;
		if (!(d->is.flags & VID_IOCTL_DOORBELL_MATCH))
			found = found ?: d;
		else if (d->is.value == value)
			found = d;
		if (found == d && d->is.flags)
			break;
	}
	if (found)
		linux_eventfd_signal(found->eventfd);
	rcu_read_unlock();
	return found;
}

static int decode(const struct vid_ioctl_doorbell *d)
{
	if (d->flags & ~(VID_IOCTL_DOORBELL_MATCH | VID_IOCTL_DOORBELL_REMOVE))
		return -EINVAL;
	if (!(d->flags & VID_IOCTL_DOORBELL_MATCH) && d->value)
		return -EINVAL;
	switch (d->kind) {
	case VID_IOCTL_DOORBELL_PORT:
		return d->address > 0xffff || !is_power_of_2(d->size) || d->size > 4 ? -EINVAL : 0;
	case VID_IOCTL_DOORBELL_MMIO:
		return !is_power_of_2(d->size) || d->size > 8 ? -EINVAL : 0;
	case VID_IOCTL_DOORBELL_SIGNAL:
		return d->address > U32_MAX || d->size ? -EINVAL : 0;
	case VID_IOCTL_DOORBELL_EOI:
		return d->address > U8_MAX || d->size || d->flags & VID_IOCTL_DOORBELL_MATCH
			       ? -EINVAL
			       : 0;
	default:
		return -EINVAL;
	}
}

static struct doorbell *find(struct vid_partition *p, const struct vid_ioctl_doorbell *a)
{
	u32 match = a->flags & VID_IOCTL_DOORBELL_MATCH;
	struct doorbell *d;

	hash_for_each_possible(
		p->doorbells, d, node,
		key_of(a->kind, a->address)) if (matches(d, a->kind, a->address, a->size) &&
						 d->is.flags == match &&
						 d->is.value == a->value) return d;
	return NULL;
}

static void destroy(struct vid_partition *p, struct doorbell *d)
{
	hash_del_rcu(&d->node);
	WRITE_ONCE(p->doorbell_count[d->is.kind], p->doorbell_count[d->is.kind] - 1);
	vid_bell_remove(p, d->bell, &d->flag);
	synchronize_rcu();
	eventfd_ctx_put(d->eventfd);
	kfree(d);
}

/*
 * Into the hypervisor's table, too. One for any value only while there is none for a value beside it:
 * that one may have found no place.
 */
static void add_bell(struct vid_partition *p, struct doorbell *d)
{
	struct doorbell *other;
	bool alone = true;

	hash_for_each_possible(p->doorbells, other, node, key_of(d->is.kind, d->is.address))
	{
		if (other == d || !matches(other, d->is.kind, d->is.address, d->is.size))
			continue;
		alone &= !other->is.flags;
		if (other->is.flags || other->bell == VID_BELL_NONE)
			continue;
		vid_bell_retire(p, other->bell, &other->flag);
		other->bell = VID_BELL_NONE;
	}
	d->flag.raised = raised;
	d->bell = d->is.flags || alone ? vid_bell_add(p, &d->is, &d->flag) : VID_BELL_NONE;
}

static int create(struct vid_partition *p, const struct vid_ioctl_doorbell *a)
{
	u32 *count = p->doorbell_count;
	struct doorbell *d;
	int r;

	if (count[0] + count[1] + count[2] + count[3] >= VID_DOORBELLS_MAX)
		return -EDQUOT;
	d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);
	if (!d)
		return -ENOMEM;
	d->is = *a;
	d->eventfd = eventfd_ctx_fdget(a->eventfd);
	if (IS_ERR(d->eventfd)) {
		r = PTR_ERR(d->eventfd);
		kfree(d);
		return r;
	}
	hash_add_rcu(p->doorbells, &d->node, key_of(a->kind, a->address));
	WRITE_ONCE(count[a->kind], count[a->kind] + 1);
	add_bell(p, d);
	return 0;
}

int vid_doorbell_change(struct vid_partition *p, const struct vid_ioctl_doorbell *a)
{
	struct doorbell *d;
	int r = decode(a);

	if (r)
		return r;
	d = find(p, a);
	if (!(a->flags & VID_IOCTL_DOORBELL_REMOVE))
		return d ? -EEXIST : create(p, a);
	if (!d)
		return -ENOENT;
	destroy(p, d);
	return 0;
}

/* No VP looks any more; a flag may still be on its way. */
void vid_doorbell_release(struct vid_partition *p)
{
	struct hlist_node *next;
	struct doorbell *d;
	int bucket;

	hash_for_each(p->doorbells, bucket, d, node) vid_bell_remove(p, d->bell, &d->flag);
	if (!hash_empty(p->doorbells))
		synchronize_rcu();
	hash_for_each_safe(p->doorbells, bucket, next, d, node)
	{
		hash_del(&d->node);
		eventfd_ctx_put(d->eventfd);
		kfree(d);
	}
}
