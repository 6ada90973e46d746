/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended state (x87, SSE, AVX and what else XSAVE knows) and XCR0. The root's and the child's
 * take turns in the processor; the hypervisor touches neither.
 */
#pragma once

#include "core/types.h"

struct vp;

/* The area of a root VP; at boot. */
void xstate_init_root(struct vp *vp);

/* Of a new child's VP: as after power-up. `area` is zeroed, on 64 bytes, arch_xsave_size() long. */
void xstate_init_child(struct vp *vp, void *area);

/* This processor's state is to be the child's instead of the root's, and back. */
void xstate_enter(struct vp *root, struct vp *child);
void xstate_leave(struct vp *child, struct vp *root);
