/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions of a child that touch the page of the local APIC in xAPIC mode. */
#pragma once

#include "core/virt.h"

/* Carries out the instruction that faulted; false: it is none of the moves known here. */
bool must_check lapic_mmio_emulate(struct vp *vp, const struct vexit *e);
