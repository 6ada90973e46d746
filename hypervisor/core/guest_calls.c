/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HvCallPostMessage and HvCallSignalEvent of guests (TLFS 11.11). Connections are the worker's:
 * the VP stops and whoever knows the connection says how it went.
 */
#include "core/calls.h"
#include "core/doorbell.h"
#include "core/format.h"
#include "core/intercept.h"
#include "core/partition.h"
#include "hv/cpuid.h"
#include "hv/intercept.h"
#include "hv/partition.h"

static hv_status post_message(struct hypercall *call)
{
	const struct hv_post_message_input *in = (const void *)call->header;

	if (in->size > HV_MESSAGE_PAYLOAD || !in->type || in->type & 0x80000000)
		return HV_STATUS_INVALID_PARAMETER;
	intercept_hypercall(call->vp, in->connection, 0, in);
	return HV_STATUS_INVALID_CONNECTION_ID;
}

/* Fast: connection in 31:0, flag in 47:32. */
static hv_status signal_event(struct hypercall *call)
{
	u64 in = call->header[0];

	if ((in >> 32 & 0xffff) >= HV_EVENT_FLAGS)
		return HV_STATUS_INVALID_PARAMETER;
	if (doorbell_ring(call->vp, HV_DOORBELL_SIGNAL((u32)in), (u16)(in >> 32)))
		return HV_STATUS_SUCCESS;
	intercept_hypercall(call->vp, (u32)in, (u16)(in >> 32), NULL);
	return HV_STATUS_INVALID_CONNECTION_ID;
}

const struct hypercall_kind guest_calls[] = {
	CALL_OF((u64)HV_SIGNAL_EVENTS << 32, SIGNAL_EVENT, sizeof(u64), signal_event),
	CALL((u64)HV_POST_MESSAGES << 32, POST_MESSAGE, post_message, post_message),
	{0},
};
