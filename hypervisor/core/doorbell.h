/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells (hv/intercept.h): the guest tells its worker something and goes on at once. They ring at
 * another processor than the child's: what would have to leave the child anyway goes the usual way.
 */
#pragma once

#include "core/virt.h"

/* False: there is none, or nobody to hear it. On the VP's processor, out of exit_handle(). */
bool must_check doorbell_ring(struct vp *vp, u64 key, u32 value);
