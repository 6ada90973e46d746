/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function for each type of exit; the table is in the order of enum vexit_type. */
#include "core/exit.h"
#include "core/arch.h"
#include "core/child_exit.h"
#include "core/cpuid.h"
#include "core/event.h"
#include "core/hypercall.h"
#include "core/intercept.h"
#include "core/log.h"
#include "core/msr.h"
#include "core/panic.h"
#include "core/partition.h"

#define VECTOR_UD    6
#define VECTOR_GP    13
#define VECTOR_MC    18

#define XCR0_X87     BIT(0)
#define XCR0_SSE     BIT(1)
#define XCR0_AVX     BIT(2)
#define XCR0_MPX     (BIT(3) | BIT(4))
#define XCR0_AVX_512 (BIT(5) | BIT(6) | BIT(7))

_Static_assert((int)ACCESS_READ == GPA_READ && (int)ACCESS_WRITE == GPA_WRITE &&
		       (int)ACCESS_EXECUTE == GPA_EXECUTE,
	       "what an access needs");
_Static_assert(VEXIT_TYPES <= VP_EXIT_TYPES, "vp->exits has a place for each type");

static void inject_gp(struct vp *vp)
{
	event_inject(vp, VECTOR_GP, 0);
}

static u64 edx_eax(const struct vp *vp)
{
	return vp->gpr[RDX] << 32 | (u32)vp->gpr[RAX];
}

static void on_none(struct vp *vp, const struct vexit *e)
{
}

static void on_cpuid(struct vp *vp, const struct vexit *e)
{
	u32 out[4];

	arch_cpuid((u32)vp->gpr[RAX], (u32)vp->gpr[RCX], out);
	cpuid_change(vp, out);
	if (unlikely(vp->partition->cpuid) && cpuid_parent(vp, out)) {
		intercept_cpuid(vp, e, out);
		return;
	}
	vp->gpr[RAX] = out[0];
	vp->gpr[RBX] = out[1];
	vp->gpr[RCX] = out[2];
	vp->gpr[RDX] = out[3];
	event_advance(vp, e->length);
}

/* An MSR that nobody here knows. */
static void refuse_msr(struct vp *vp, const struct vexit *e)
{
	if (vp->partition->intercept_msrs && !msr_exists(vp->partition, (u32)vp->gpr[RCX]))
		intercept_msr(vp, e);
	else
		inject_gp(vp);
}

static void on_msr_read(struct vp *vp, const struct vexit *e)
{
	u64 value;

	if (!msr_read(vp, (u32)vp->gpr[RCX], &value)) {
		refuse_msr(vp, e);
		return;
	}
	vp->gpr[RAX] = (u32)value;
	vp->gpr[RDX] = value >> 32;
	event_advance(vp, e->length);
}

static void on_msr_write(struct vp *vp, const struct vexit *e)
{
	if (msr_write(vp, (u32)vp->gpr[RCX], edx_eax(vp)))
		event_advance(vp, e->length);
	else
		refuse_msr(vp, e);
}

static void on_hypercall(struct vp *vp, const struct vexit *e)
{
	switch (hypercall_handle(vp)) {
	case HYPERCALL_REFUSED:
		event_inject(vp, VECTOR_UD, NO_ERROR_CODE);
		break;
	case HYPERCALL_DONE:
		event_advance(vp, e->length);
		break;
	case HYPERCALL_AGAIN:
		break;
	}
}

/* SDM 1 13.3: what depends on what. */
bool xcr0_valid(const struct vp *vp, u64 value)
{
	u64 supported = arch_xcr0_supported() & (vp->partition->root ? ~0ull : XCR0_CHILD);

	if ((value & ~supported) || !(value & XCR0_X87))
		return false;
	if ((value & XCR0_AVX) && !(value & XCR0_SSE))
		return false;
	if ((value & XCR0_MPX) && (value & XCR0_MPX) != XCR0_MPX)
		return false;
	return !(value & XCR0_AVX_512) ||
	       ((value & XCR0_AVX_512) == XCR0_AVX_512 && (value & XCR0_AVX));
}

static void on_xsetbv(struct vp *vp, const struct vexit *e)
{
	u64 value = edx_eax(vp);

	if ((u32)vp->gpr[RCX] || virt->cpl(vp) || !xcr0_valid(vp, value)) {
		inject_gp(vp);
		return;
	}
	arch_set_xcr0(vp, value);
	event_advance(vp, e->length);
}

static void on_hlt(struct vp *vp, const struct vexit *e)
{
	event_advance(vp, e->length);
	vp->state = VP_HALTED;
}

/* No port of the root is intercepted by core/; what x86/ intercepts it keeps to itself. */
static void on_io(struct vp *vp, const struct vexit *e)
{
	inject_gp(vp);
}

bool exit_npf_is_stale(struct vp *vp, const struct vexit *e, bool *ret_mapped)
{
	u32 rights = 0;
	spa_t spa;

	*ret_mapped = gpa_map_lookup(&vp->partition->map, e->npf.gpa, &spa, &rights);
	return *ret_mapped && !(e->npf.access & ~rights & GPA_ALL);
}

static void on_npf(struct vp *vp, const struct vexit *e)
{
	struct partition *p = vp->partition;
	bool mapped;

	if (exit_npf_is_stale(vp, e, &mapped))
		return;
	if (!__atomic_fetch_add(&p->foreign_accesses, 1, __ATOMIC_RELAXED))
		log_warning("the root touches memory of the hypervisor: address %lx, access %x, "
			    "VP %u, rip %lx; further ones are only counted",
			    e->npf.gpa.v, e->npf.access, vp->index, e->rip);
	virt->step_over(vp);
}

/* Intercepted for our own sake: the guest's handler gets it. */
static void on_exception(struct vp *vp, const struct vexit *e)
{
	u8 vector = e->exception.vector;

	/* A machine check has nothing to do with what is being delivered: that goes in first. */
	if (vector == VECTOR_MC && virt->event_queued(vp))
		vp->held |= VP_EVENT_MC;
	else
		event_inject(vp, vector,
			     e->exception.has_error ? e->exception.error : NO_ERROR_CODE);
}

/* The root's triple fault is how some kernels reboot, and what a bare machine does. */
static void on_shutdown(struct vp *vp, const struct vexit *e)
{
	log_error("root partition: triple fault on VP %u, rip %lx: the machine restarts", vp->index,
		  e->rip);
	vp->state = VP_STOPPED;
	arch_reset();
}

static void on_undefined(struct vp *vp, const struct vexit *e)
{
	event_inject(vp, VECTOR_UD, NO_ERROR_CODE);
}

static void on_unknown(struct vp *vp, const struct vexit *e)
{
	panic("VP %u: exit code %lx, which nobody asked for", vp->index, e->code);
}

typedef void handler(struct vp *vp, const struct vexit *e);

#define COMMON_HANDLERS                                                                           \
	[VEXIT_NONE] = on_none, [VEXIT_MSR_READ] = on_msr_read, [VEXIT_MSR_WRITE] = on_msr_write, \
	[VEXIT_HYPERCALL] = on_hypercall, [VEXIT_XSETBV] = on_xsetbv,                             \
	[VEXIT_EXCEPTION] = on_exception, [VEXIT_UNDEFINED] = on_undefined,                       \
	[VEXIT_IRET] = on_none, [VEXIT_CPUID] = on_cpuid

static handler *const root_handlers[VEXIT_TYPES] = {
	COMMON_HANDLERS,      [VEXIT_HLT] = on_hlt,           [VEXIT_IO] = on_io,
	[VEXIT_NPF] = on_npf, [VEXIT_SHUTDOWN] = on_shutdown, [VEXIT_UNKNOWN] = on_unknown,
};

static handler *const child_handlers[VEXIT_TYPES] = {
	COMMON_HANDLERS,
	[VEXIT_HLT] = child_exit_hlt,
	[VEXIT_IO] = child_exit_io,
	[VEXIT_NPF] = child_exit_npf,
	[VEXIT_SHUTDOWN] = child_exit_shutdown,
	[VEXIT_UNKNOWN] = child_exit_unknown,
};

static void dispatch(struct vp *vp, const struct vexit *e)
{
	if (likely(vp->partition->root))
		root_handlers[e->type](vp, e);
	else
		child_handlers[e->type](vp, e);
}

void exit_shutdown(struct vp *vp)
{
	struct vexit e = {.type = VEXIT_SHUTDOWN};
	struct vregs r;

	virt->get_regs(vp, &r);
	e.rip = r.rip;
	dispatch(vp, &e);
}

void exit_handle(struct vp *vp, const struct vexit *e)
{
	struct vp_exit_record *last = &vp->last_exit[vp->exit_count++ % VP_EXIT_RING];

	last->type = e->type;
	last->rip = e->rip;
	vp->exits[e->type]++;
	dispatch(vp, e);
}

/* What does not change what may interrupt the VP. */
#define UNRELATED (BIT(VEXIT_CPUID) | BIT(VEXIT_MSR_READ) | BIT(VEXIT_IO))

void exit_run(struct vp *vp)
{
	struct vexit e;

	do {
		virt->vp_run(vp, &e);
		if (!e.quiet || !(BIT(e.type) & UNRELATED)) {
			__atomic_store_n(&vp->in_guest, false, __ATOMIC_RELEASE);
			exit_handle(vp, &e);
			return;
		}
		exit_handle(vp, &e);
	} while (likely(!vp->suspended));
	__atomic_store_n(&vp->in_guest, false, __ATOMIC_RELEASE);
}

static const char *const names[VEXIT_TYPES] = {
	"interrupt", "cpuid", "rdmsr",     "wrmsr",    "hypercall", "xsetbv", "hlt",
	"io",        "npf",   "exception", "shutdown", "undefined", "iret",   "unknown",
};

void exit_dump_history(const struct vp *vp)
{
	u64 i, count = min_u64(vp->exit_count, VP_EXIT_RING);

	log_error("last exits of VP %u of partition %lu, newest first:", vp->index,
		  vp->partition->id);
	for (i = 1; i <= count; i++) {
		const struct vp_exit_record *r =
			&vp->last_exit[(vp->exit_count - i) % VP_EXIT_RING];

		log_error("  %9s rip %016lx", names[r->type % VEXIT_TYPES], r->rip);
	}
}
