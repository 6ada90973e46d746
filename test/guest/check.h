/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results: one line per check on COM1, "ok NAME" or "FAIL NAME: …", and the end of the run by
 * QEMU's isa-debug-exit. Boot processor only, but for check_abort().
 */
#ifndef GUEST_CHECK_H
#define GUEST_CHECK_H

#include "core/types.h"

#define DEBUG_EXIT_PORT 0xf4

/* Counts and prints; the format says what was expected and found. Returns `ok`. */
bool check(bool ok, const char *name, const char *format, ...) printf_like(3, 4);
/* found = expected. */
bool check_equal(const char *name, u64 found, u64 expected);
/* A line that is no check. */
void print_line(const char *format, ...) printf_like(1, 2);

/* Last line, and the end: QEMU's status is 1 if all went well, 3 if not. */
_Noreturn void check_end(void);
/* The guest cannot go on. Any processor. */
_Noreturn void check_abort(const char *format, ...) printf_like(1, 2);

#endif
