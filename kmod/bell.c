// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Doorbells that the hypervisor rings by itself: a table at the end of each VP's intercept page says
 * which event flag (hv/intercept.h). The guest is not left; another processor takes the flag. What
 * finds no place in the table, or nobody to take its flag, stops the VP, and vp_exit.c rings.
 *
 * All under partition->lock. The partition has a copy of the table, for VPs that come later.
 */
#include <asm/barrier.h>

#include "vid.h"

/* A VP may be looking at it. */
static void write_entry(struct hv_doorbell *at, const struct hv_doorbell *d)
{
	WRITE_ONCE(at->key, 0);
	smp_wmb();
	WRITE_ONCE(at->value, d->value);
	WRITE_ONCE(at->flag, d->flag);
	smp_wmb();
	WRITE_ONCE(at->key, d->key);
}

static void change(struct vid_partition *p, u32 place, const struct hv_doorbell *d)
{
	struct vid_vp *vp;

	p->bells[place] = *d;
	list_for_each_entry(vp, &p->vp_list, list) write_entry(&vp->intercept->doorbell[place], d);
}

/* A free place in the bucket, or VID_BELL_NONE. */
static u32 find_free(const struct vid_partition *p, u32 bucket)
{
	u32 i;

	for (i = bucket; i < bucket + HV_DOORBELL_BUCKET; i++)
		if (!p->bells[i].key)
			return i;
	return VID_BELL_NONE;
}

/* 0: the hypervisor has no such kind. */
static u64 key_of(const struct vid_ioctl_doorbell *d)
{
	u64 match = d->flags & VID_IOCTL_DOORBELL_MATCH ? HV_DOORBELL_MATCH : 0;

	if (d->value > U32_MAX)
		return 0;
	switch (d->kind) {
	case VID_IOCTL_DOORBELL_PORT:
		return HV_DOORBELL_PORT(d->address, d->size) | match;
	case VID_IOCTL_DOORBELL_SIGNAL:
		return HV_DOORBELL_SIGNAL(d->address) | match;
	default:
		return 0;
	}
}

u32 vid_bell_add(struct vid_partition *p, const struct vid_ioctl_doorbell *d, struct vid_flag *flag)
{
	struct hv_doorbell bell = {.key = key_of(d), .value = d->value};
	u32 place;

	if (!bell.key)
		return VID_BELL_NONE;
	place = find_free(p, hv_doorbell_bucket(bell.key, bell.value));
	if (place == VID_BELL_NONE || vid_synic_add(p, flag, HV_EVENT_FLAGS / 2))
		return VID_BELL_NONE;
	bell.flag = flag->number;
	change(p, place, &bell);
	return place;
}

void vid_bell_remove(struct vid_partition *p, u32 place, struct vid_flag *flag)
{
	if (place == VID_BELL_NONE)
		return;
	change(p, place, &(struct hv_doorbell){0});
	vid_synic_remove(flag);
}

/* First whoever looked at the table has set the flag, then the flag has been taken. */
void vid_bell_retire(struct vid_partition *p, u32 place, struct vid_flag *flag)
{
	change(p, place, &(struct hv_doorbell){0});
	synchronize_rcu();
	synchronize_rcu();
	vid_synic_remove(flag);
}

void vid_bell_join(struct vid_vp *vp)
{
	struct vid_partition *p = vp->partition;
	u32 i;

	mutex_lock(&p->lock);
	list_add(&vp->list, &p->vp_list);
	for (i = 0; i < HV_DOORBELLS; i++)
		write_entry(&vp->intercept->doorbell[i], &p->bells[i]);
	mutex_unlock(&p->lock);
}

void vid_bell_leave(struct vid_vp *vp)
{
	mutex_lock(&vp->partition->lock);
	list_del(&vp->list);
	mutex_unlock(&vp->partition->lock);
}
