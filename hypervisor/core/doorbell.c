/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See doorbell.h. The parent may write the table at any time: each word is read once. */
#include "core/doorbell.h"
#include "core/arch.h"
#include "core/partition.h"
#include "core/synic.h"
#include "hv/intercept.h"

#define ALONE_PER_SECOND 50000 /* 20 us */

static const struct hv_doorbell *find(const struct vp *vp, u64 key, u32 value)
{
	const struct hv_doorbell *d = &vp->intercept_page->doorbell[hv_doorbell_bucket(key, value)];

	for (u32 i = 0; i < HV_DOORBELL_BUCKET; i++)
		if (__atomic_load_n(&d[i].key, __ATOMIC_ACQUIRE) == key && d[i].value == value)
			return &d[i];
	return NULL;
}

/* 137 instructions if the flag is set already; 36 more if not, and 48 for the interrupt. */
bool doorbell_ring(struct vp *vp, u64 key, u32 value)
{
	const struct hv_doorbell *d = find(vp, key | HV_DOORBELL_MATCH, value);
	const struct partition *root = vp->partition->parent;
	bool newly;
	u32 flag;

	if (!d)
		d = find(vp, key, 0);
	if (!d || !vp->wake_set)
		return false;
	flag = d->flag % HV_EVENT_FLAGS;
	for (u32 i = 1, at = vp->host->index; i < root->vp_count; i++) {
		at = at + 1 < root->vp_count ? at + 1 : 0;
		if (synic_signal(root->vp[at], vp->wake_sint, flag, NULL) == HV_STATUS_SUCCESS)
			return true;
	}
	if (synic_signal(vp->host, vp->wake_sint, flag, &newly) != HV_STATUS_SUCCESS)
		return false;
	if (newly)
		timers_look_by(vp->host->timers, arch_tsc() + arch_tsc_hz() / ALONE_PER_SECOND);
	return true;
}
