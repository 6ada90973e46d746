/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See synic.h. The guest owns its pages and may write anything at any time; what is read from
 * them decides only whether its own slot counts as free.
 */
#include "core/synic.h"
#include "core/arch.h"
#include "core/format.h"
#include "core/partition.h"
#include "hv/msr.h"

#define PAGE_BITS (HV_MSR_PAGE_MASK | HV_MSR_PAGE_ENABLE)
#define SINT_BITS (HV_SINT_VECTOR | HV_SINT_MASKED | HV_SINT_AUTO_EOI | HV_SINT_POLLING)

void synic_init(struct vp *vp)
{
	vp->synic.flags_changes = ~0ull;
	for (u32 i = 0; i < HV_SINT_COUNT; i++)
		vp->synic.sint[i] = HV_SINT_MASKED;
}

static void *page_of(struct vp *vp, u64 msr, u64 offset, u64 size)
{
	if (!(vp->synic.control & HV_SCONTROL_ENABLE) || !(msr & HV_MSR_PAGE_ENABLE))
		return NULL;
	return partition_memory(vp->partition, GPA((msr & HV_MSR_PAGE_MASK) + offset), size,
				GPA_READ | GPA_WRITE);
}

static struct hv_message *slot_of(struct vp *vp, u32 sint)
{
	return page_of(vp, vp->synic.simp, sint * HV_MESSAGE_SIZE, HV_MESSAGE_SIZE);
}

/* Looks the SIEF page up with `changes` of the map, or forgets it: ~0. */
static void set_flags(struct vp *vp, u64 changes)
{
	spin_lock(&vp->synic.lock);
	vp->synic.flags = page_of(vp, vp->synic.siefp, 0, PAGE_SIZE);
	__atomic_store_n(&vp->synic.flags_changes, changes, __ATOMIC_RELEASE);
	spin_unlock(&vp->synic.lock);
}

/* The local APIC does without EOI for the vectors of auto-EOI sources. */
static void collect_auto_eoi(struct vp *vp)
{
	u64 set[4] = {0};

	for (u32 i = 0; i < HV_SINT_COUNT; i++) {
		u64 sint = vp->synic.sint[i];

		if ((sint & HV_SINT_AUTO_EOI) && !(sint & HV_SINT_MASKED))
			set[(u8)sint / 64] |= BIT((u8)sint % 64);
	}
	memcpy(vp->lapic.auto_eoi, set, sizeof(set));
}

/* A vector below 16 is for a masked source only (TLFS 11.8.4). */
static bool write_sint(struct vp *vp, u32 n, u64 value)
{
	if ((value & ~SINT_BITS) || (!(value & HV_SINT_MASKED) && (u8)value < 16))
		return false;
	vp->synic.sint[n] = value;
	collect_auto_eoi(vp);
	return true;
}

static bool write_page(struct vp *vp, u64 *msr, u64 value)
{
	u64 old = *msr;
	void *page;

	if (value & ~PAGE_BITS)
		return false;
	*msr = value;
	/* A page that becomes the SynIC's starts empty. */
	if ((value & HV_MSR_PAGE_ENABLE) && value != old) {
		page = partition_memory(vp->partition, GPA(value & HV_MSR_PAGE_MASK), PAGE_SIZE,
					GPA_READ | GPA_WRITE);
		if (page)
			memset(page, 0, PAGE_SIZE);
	}
	return true;
}

bool synic_msr_read(const struct vp *vp, u32 msr, u64 *ret_value)
{
	switch (msr) {
	case HV_MSR_SCONTROL:
		*ret_value = vp->synic.control;
		return true;
	case HV_MSR_SVERSION:
		*ret_value = HV_SYNIC_VERSION;
		return true;
	case HV_MSR_SIEFP:
		*ret_value = vp->synic.siefp;
		return true;
	case HV_MSR_SIMP:
		*ret_value = vp->synic.simp;
		return true;
	case HV_MSR_EOM:
		*ret_value = 0;
		return true;
	case HV_MSR_SINT0 ... HV_MSR_SINT15:
		*ret_value = vp->synic.sint[msr - HV_MSR_SINT0];
		return true;
	default:
		return false;
	}
}

bool synic_msr_write(struct vp *vp, u32 msr, u64 value)
{
	switch (msr) {
	case HV_MSR_SCONTROL:
		vp->synic.control = value & HV_SCONTROL_ENABLE;
		set_flags(vp, ~0ull);
		/* Behind this, nobody sets flags for a processor of the root that goes away. */
		if (!vp->synic.control && vp->partition->root)
			arch_flush_map(vp->partition);
		return true;
	case HV_MSR_SIEFP:
		if (!write_page(vp, &vp->synic.siefp, value))
			return false;
		set_flags(vp, ~0ull);
		return true;
	case HV_MSR_SIMP:
		return write_page(vp, &vp->synic.simp, value);
	case HV_MSR_EOM: /* what it sets off is the caller's */
		return true;
	case HV_MSR_SINT0 ... HV_MSR_SINT15:
		return write_sint(vp, msr - HV_MSR_SINT0, value);
	default:
		return false;
	}
}

static void raise(struct vp *vp, u32 sint)
{
	u64 value = vp->synic.sint[sint];

	if (value & (HV_SINT_MASKED | HV_SINT_POLLING))
		return;
	if (lapic_post(&vp->lapic, (u8)value, false))
		vp_kick(vp);
}

static bool slot_free(const struct hv_message *slot)
{
	return !__atomic_load_n(&slot->type, __ATOMIC_SEQ_CST);
}

/*
 * The guest clears the type, then looks at the pending flag, then writes EOM. So: flag first, then
 * the type once more; whoever comes second sees the other.
 */
static bool wait_for_slot(struct vp *vp, u32 sint, struct hv_message *slot)
{
	__atomic_fetch_or(&vp->synic.full, BIT(sint), __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&slot->flags, HV_MESSAGE_PENDING, __ATOMIC_SEQ_CST);
	if (!slot_free(slot))
		return false;
	__atomic_fetch_and(&vp->synic.full, ~(u32)BIT(sint), __ATOMIC_SEQ_CST);
	return true;
}

/* The type last: with it the message is there. */
static void fill(struct hv_message *slot, const struct hv_message *message)
{
	slot->payload_size = message->payload_size;
	slot->flags = 0;
	slot->reserved = 0;
	slot->sender = message->sender;
	memcpy(slot->payload, message->payload, sizeof(slot->payload));
	__atomic_store_n(&slot->type, message->type, __ATOMIC_RELEASE);
}

hv_status synic_post(struct vp *vp, u32 sint, const struct hv_message *message)
{
	struct hv_message *slot = slot_of(vp, sint);
	bool filled = false;

	if (!slot)
		return HV_STATUS_INVALID_SYNIC_STATE;
	spin_lock(&vp->synic.lock);
	if (slot_free(slot) || wait_for_slot(vp, sint, slot)) {
		fill(slot, message);
		filled = true;
	}
	spin_unlock(&vp->synic.lock);
	if (!filled)
		return HV_STATUS_INSUFFICIENT_BUFFERS;
	raise(vp, sint);
	return HV_STATUS_SUCCESS;
}

hv_status synic_signal(struct vp *vp, u32 sint, u32 flag, bool *ret_newly)
{
	u64 changes = __atomic_load_n(&vp->partition->map.changes, __ATOMIC_ACQUIRE);
	u32 *word, bit = 1u << flag % 32;
	bool newly;

	if (unlikely(__atomic_load_n(&vp->synic.flags_changes, __ATOMIC_ACQUIRE) != changes))
		set_flags(vp, changes);
	word = vp->synic.flags;
	if (!word || (vp->synic.sint[sint] & HV_SINT_MASKED))
		return HV_STATUS_INVALID_SYNIC_STATE;
	word += (sint * HV_EVENT_FLAGS_SIZE / 4) + flag / 32;
	newly = !(__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST) & bit);
	if (newly)
		raise(vp, sint);
	if (ret_newly)
		*ret_newly = newly;
	return HV_STATUS_SUCCESS;
}

bool synic_is_signaled(const struct vp *vp, u32 sint, u32 flag)
{
	u64 changes = __atomic_load_n(&vp->partition->map.changes, __ATOMIC_ACQUIRE);
	const u32 *word = vp->synic.flags;

	if (!word || __atomic_load_n(&vp->synic.flags_changes, __ATOMIC_ACQUIRE) != changes)
		return false;
	word += (sint * HV_EVENT_FLAGS_SIZE / 4) + flag / 32;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(word, __ATOMIC_RELAXED) & 1u << flag % 32;
}

u32 synic_slots_freed(struct vp *vp)
{
	u32 full = __atomic_load_n(&vp->synic.full, __ATOMIC_SEQ_CST), freed = 0;
	const struct hv_message *slot;

	if (likely(!full))
		return 0;
	for (u32 i = 0; i < HV_SINT_COUNT; i++) {
		if (!(full & BIT(i)))
			continue;
		slot = slot_of(vp, i);
		/* No page: nobody need wait for it any more. */
		if (!slot || slot_free(slot))
			freed |= (u32)BIT(i);
	}
	return __atomic_fetch_and(&vp->synic.full, ~freed, __ATOMIC_SEQ_CST) & freed;
}
