/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may wait for the disk, on a thread of its own; for the files of this folder.
 *
 * The store is still used by one thread at a time: whoever has work done aside waits for its end,
 * in a function of the owner's that may serve others meanwhile.
 */
#ifndef VMMS_STORE_ASIDE_H
#define VMMS_STORE_ASIDE_H

#include "base/macros.h"

struct aside;

/* `serve` returns when `done_fd` is readable. */
int must_check aside_create(void (*serve)(void *data, int done_fd), void *data, struct aside **ret);
struct aside *aside_destroy(struct aside *aside);

/* Returns when run(argument) has; without an `aside`, runs it here. Not from within `serve`. */
void aside_run(struct aside *aside, void (*run)(void *argument), void *argument);

#endif
