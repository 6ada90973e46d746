/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells (hv/intercept.h): the guest tells its worker something and goes on at once. They ring at
 * another processor than the child's, at one after the other, and each VP interrupts others once in 20
 * microseconds at most: what comes more often, and what nobody else hears, is its own processor's. That
 * one takes the flag when the child is left, for whatever reason, and that is 20 microseconds later if
 * there is no other: several rings cost one stop, and a guest that has nothing more to do halts
 * anyway. A flag that still waits where it was set last is not set anywhere else.
 */
#pragma once

#include "core/virt.h"

/* False: there is none, or nobody to hear it. On the VP's processor, out of exit_handle(). */
bool must_check doorbell_ring(struct vp *vp, u64 key, u32 value);
