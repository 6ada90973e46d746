/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exits of a child's VP that are handled otherwise than the root's. exit.c calls these. */
#pragma once

#include "core/virt.h"

void child_exit_npf(struct vp *vp, const struct vexit *e);
void child_exit_io(struct vp *vp, const struct vexit *e);
void child_exit_hlt(struct vp *vp, const struct vexit *e);
void child_exit_shutdown(struct vp *vp, const struct vexit *e);
void child_exit_unknown(struct vp *vp, const struct vexit *e);

/* EOM or EOI: messages that waited for a slot go on their way. */
void child_slots_freed(struct vp *vp);
