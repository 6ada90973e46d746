/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the worker gives up before it runs a guest: all capabilities, the way back to privileges,
 * descriptors that it was not told of, core dumps, and every system call that is not on the list in
 * sandbox.c. A call that is not allowed kills the process.
 */
#ifndef VMWP_SANDBOX_H
#define VMWP_SANDBOX_H

#include <stddef.h>

#include "base/macros.h"

/* Closes all descriptors above 2 that are not in `keep` (in any order). */
int must_check sandbox_close_others(const int *keep, size_t count);

/* Capabilities, limits, no_new_privs; part of sandbox_enter(). */
int must_check sandbox_give_up_privileges(void);

/* The rest. After it, threads can be made, and no file can be opened. */
int must_check sandbox_enter(void);

#endif
