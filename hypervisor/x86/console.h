/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where log lines go: a 16550 UART (polled), QEMU's debug port 0xe9, or nowhere. The root may use
 * the same UART: its settings win from then on, our lines come in between.
 */
#pragma once

#include "core/types.h"

/* com1, com2, debugcon, none, or the UART's port as 0x…. False: not one of these. */
bool console_init(const char *name);

/* Bytes out, one processor at a time. Bounded: a dead UART costs a time-out, not the machine. */
void console_write(const char *text, size_t length);
