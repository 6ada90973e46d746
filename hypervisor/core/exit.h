/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handles one exit of a VP: CPUID, MSRs and hypercalls by policy, memory faults, shutdown. Leaves
 * the VP ready for the next vp_run(). vp_prepare() then turns pending events and interrupts into
 * what the processor injects.
 *
 * The root's way through both takes no lock. Budget in instructions, exit_handle() and vp_prepare()
 * together, with virt_ops at ten each and nothing else pending:
 *     CPUID 180     EOI 210     TSC deadline 195     nothing but to go on 75
 */
#pragma once

#include "core/virt.h"

/* What a child may have in XCR0: x87, SSE, AVX. */
#define XCR0_CHILD 7ull

void exit_handle(struct vp *vp, const struct vexit *e);

/*
 * Runs the VP, which vp_prepare() has made ready and whose in_guest is set, until an exit after
 * which its events and interrupts have to be looked at. CPUID and RDMSR change nothing of them: it
 * goes straight back, counting as in the guest all the time, so that who wants something kicks it.
 */
void exit_run(struct vp *vp);

/* A triple fault: a child stops for its worker, and the root's machine begins anew. */
void exit_shutdown(struct vp *vp);

/*
 * Before each entry: takes vp->events (INIT, SIPI, NMI, #MC), offers the local APIC's best
 * vector. False: the VP has nothing to run (waits for SIPI, is stopped), the processor may idle; or it
 * has shut down just now.
 */
bool vp_prepare(struct vp *vp);

/* The map allows the access by now: it changed after the processor looked. */
bool must_check exit_npf_is_stale(struct vp *vp, const struct vexit *e, bool *ret_mapped);

/* Whether XCR0 can have this value: for XSETBV and for the register call. */
bool must_check xcr0_valid(const struct vp *vp, u64 value);

/* Logs a VP's last exits, newest first. For panic(). */
void exit_dump_history(const struct vp *vp);
