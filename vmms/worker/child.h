/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker process does between clone and exec.
 */
#ifndef VMMS_WORKER_CHILD_H
#define VMMS_WORKER_CHILD_H

#include "worker/spawn.h"

/* Where a program that is not under /usr is seen in the worker's root. */
#define CHILD_PROGRAM_DIR "/program"

/* Waits for a byte on `go`, then executes the program, which reads the rest. What goes wrong is told on standard error. */
_Noreturn void child_main(const struct spawn_request *request, int go);

#endif
