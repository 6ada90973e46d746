// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intercepts that end here: what rings a doorbell. The intercept page is the hypervisor's; what a
 * process may have written into the register page harms its own guest only.
 */
#include "hv/hypercall.h"
#include "hv/status.h"
#include "mmio_write.h"
#include "vid.h"

#define STATE_LONG_MODE 0x10u /* EFER.LMA */
#define CS_LONG         0x2000u
#define CS_32_BIT       0x4000u

static void advance(struct vid_vp *vp, unsigned int length)
{
	vp->registers->rip += length;
	vp->registers->dirty |= HV_DIRTY_RIP;
}

static bool handle_io(struct vid_vp *vp, const struct hv_io_intercept *m)
{
	u32 size = m->info & HV_IO_SIZE, length = m->header.length_cr8 & 15;
	u64 value = m->rax & (~0ull >> (64 - size * 8));

	if (m->header.access != HV_INTERCEPT_WRITE || m->info & HV_IO_STRING || !length)
		return false;
	if (!vid_doorbell_ring(vp->partition, VID_IOCTL_DOORBELL_PORT, m->port, size, value))
		return false;
	advance(vp, length);
	return true;
}

static bool is_64_bit(const struct hv_intercept_header *h)
{
	return h->execution_state & STATE_LONG_MODE && h->cs.attributes & CS_LONG;
}

static bool handle_memory(struct vid_vp *vp, const struct hv_memory_intercept *m)
{
	bool wide = is_64_bit(&m->header);
	struct mmio_write write;

	if (!READ_ONCE(vp->partition->doorbell_count[VID_IOCTL_DOORBELL_MMIO]) ||
	    m->header.access != HV_INTERCEPT_WRITE)
		return false;
	/* 16-bit code is left to the worker. */
	if (!wide && !(m->header.cs.attributes & CS_32_BIT))
		return false;
	if (mmio_write_decode(m->bytes, min_t(u32, m->byte_count, sizeof(m->bytes)), wide,
			      vp->registers->gpr, &write))
		return false;
	if (!vid_doorbell_ring(vp->partition, VID_IOCTL_DOORBELL_MMIO, m->gpa, write.size,
			       write.value))
		return false;
	advance(vp, write.length);
	return true;
}

/* A signal never gets farther: RAX says already that the connection is not known. */
static bool handle_hypercall(struct vid_vp *vp, const struct hv_hypercall_intercept *m)
{
	if (m->code != HV_CALL_SIGNAL_EVENT)
		return false;
	if (vid_doorbell_ring(vp->partition, VID_IOCTL_DOORBELL_SIGNAL, m->connection, 0,
			      m->flag)) {
		vp->registers->gpr[0] = HV_STATUS_SUCCESS;
		vp->registers->dirty |= HV_DIRTY_GENERAL;
	}
	return true;
}

bool vid_vp_handle_intercept(struct vid_vp *vp)
{
	const struct hv_intercept_page *page = vp->intercept;

	switch (page->type) {
	case HV_MESSAGE_IO_PORT:
		return handle_io(vp, &page->io);
	case HV_MESSAGE_UNMAPPED_GPA:
	case HV_MESSAGE_GPA_INTERCEPT:
		return handle_memory(vp, &page->memory);
	case HV_MESSAGE_APIC_EOI:
		return vid_doorbell_ring(vp->partition, VID_IOCTL_DOORBELL_EOI, page->eoi.vector, 0,
					 0);
	case HV_MESSAGE_KEELSON_HYPERCALL:
		return handle_hypercall(vp, &page->hypercall);
	default:
		return false;
	}
}
