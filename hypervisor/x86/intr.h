/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical interrupts. Each is taken by the hypervisor and, unless it is one of ours, forwarded
 * to the root VP of the processor it came to.
 *
 * EOI rules:
 *  - ours and edge-triggered ones: EOI at once;
 *  - level-triggered ones (the physical TMR says so): EOI only after the root's own EOI, or the
 *    line, still asserted, would fire for ever. Held-back EOIs are written in the order the
 *    physical APIC expects, highest vector in service first, whatever order the root uses;
 *  - ExtINT (8259 through LINT0) sets no ISR bit and gets no EOI.
 */
#pragma once

#include "core/types.h"

/* From entry.S, for vectors 32–255. */
void intr_handle(u64 vector);
