/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See doorbell.h. The parent may write the table at any time: each word is read once. */
#include "core/doorbell.h"
#include "core/arch.h"
#include "core/partition.h"
#include "core/synic.h"
#include "hv/intercept.h"

#define PER_SECOND 50000 /* 20 us */

static const struct hv_doorbell *find(const struct vp *vp, u64 key, u32 value)
{
	const struct hv_doorbell *d = &vp->intercept_page->doorbell[hv_doorbell_bucket(key, value)];

	for (u32 i = 0; i < HV_DOORBELL_BUCKET; i++)
		if (__atomic_load_n(&d[i].key, __ATOMIC_ACQUIRE) == key && d[i].value == value)
			return &d[i];
	return NULL;
}

static u64 pause_ticks(void)
{
	return arch_tsc_hz() / PER_SECOND;
}

/* On the processor that runs the child; it leaves for it some time later. */
static bool ring_at_home(struct vp *vp, u32 flag)
{
	bool newly;

	if (synic_signal(vp->host, vp->wake_sint, flag, &newly) != HV_STATUS_SUCCESS)
		return false;
	if (newly)
		timers_look_by(vp->host->timers, arch_tsc() + pause_ticks());
	return true;
}

/* At the next one round that hears. */
static bool ring_elsewhere(struct vp *vp, u32 flag, u64 now)
{
	const struct partition *root = vp->partition->parent;
	u32 at = vp->bell_at;

	for (u32 i = 0; i < root->vp_count; i++) {
		at = at + 1 < root->vp_count ? at + 1 : 0;
		if (root->vp[at] == vp->host ||
		    synic_signal(root->vp[at], vp->wake_sint, flag, NULL) != HV_STATUS_SUCCESS)
			continue;
		vp->bell_at = at;
		vp->bell_next = now + pause_ticks();
		return true;
	}
	return false;
}

bool doorbell_ring(struct vp *vp, u64 key, u32 value)
{
	const struct hv_doorbell *d = find(vp, key | HV_DOORBELL_MATCH, value);
	const struct vp *last = vp->partition->parent->vp[vp->bell_at];
	u32 flag;
	u64 now;

	if (!d)
		d = find(vp, key, 0);
	if (!d || !vp->wake_set)
		return false;
	flag = d->flag % HV_EVENT_FLAGS;
	if (last != vp->host && synic_is_signaled(last, vp->wake_sint, flag))
		return true;
	now = arch_tsc();
	if (now < vp->bell_next && ring_at_home(vp, flag))
		return true;
	return ring_elsewhere(vp, flag, now) || ring_at_home(vp, flag);
}
