/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keelson's own calls for the root (hv/keelson.h): the log and the counters. */
#include "core/hypercall.h"
#include "core/arch.h"
#include "core/calls.h"
#include "core/format.h"
#include "core/log.h"
#include "core/partition.h"
#include "core/virt.h"
#include "hv/keelson.h"

_Static_assert((int)HV_EXIT_KINDS == (int)VEXIT_TYPES, "the counters' order is the exits' order");
_Static_assert(ARRAY_SIZE(((struct hv_keelson_statistics *)0)->exits) == VP_EXIT_TYPES, "exits");

static hv_status read_log(struct hypercall *call)
{
	struct hv_keelson_log_output *out = (void *)call->out;
	u64 cursor = call->header[0], lost;
	size_t length;

	if (!call->vp->partition->root)
		return HV_STATUS_ACCESS_DENIED;
	length = log_read(&cursor, out->text, sizeof(out->text), &lost);
	out->cursor = cursor;
	out->lost = lost;
	out->length = (u32)length;
	out->reserved = 0;
	return HV_STATUS_SUCCESS;
}

static hv_status statistics(struct hypercall *call)
{
	const struct hv_keelson_statistics_input *in = (const void *)call->header;
	const struct partition *p = call->vp->partition;
	struct hv_keelson_statistics out;

	if (!p->root)
		return HV_STATUS_ACCESS_DENIED;
	if (in->vp_index >= p->vp_count || !p->vp[in->vp_index])
		return HV_STATUS_INVALID_VP_INDEX;
	out = (struct hv_keelson_statistics){
		.vp_count = p->vp_count,
		.foreign_accesses = __atomic_load_n(&p->foreign_accesses, __ATOMIC_RELAXED),
		.pool_free = boot_pool.free_count,
		.pool_total = boot_pool.total_count,
		.tsc_hz = arch_tsc_hz(),
	};
	memcpy(out.exits, p->vp[in->vp_index]->exits, sizeof(out.exits));
	memcpy(call->out, &out, sizeof(out));
	return HV_STATUS_SUCCESS;
}

const struct hypercall_kind keelson_calls[] = {
	CALL(0, KEELSON_READ_LOG, keelson_log, read_log,
	     .out_header = sizeof(struct hv_keelson_log_output)),
	CALL(0, KEELSON_STATISTICS, keelson_statistics, statistics,
	     .out_header = sizeof(struct hv_keelson_statistics)),
	{0},
};
