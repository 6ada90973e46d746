/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making the files of a plan, on a task's thread.
 */
#ifndef VMMS_DAEMON_COPY_FILE_H
#define VMMS_DAEMON_COPY_FILE_H

#include "daemon/file_plan.h"
#include "daemon/task.h"

/*
 * Creates every temporary, mode 0600, and synchronizes it and its directory to disk: copies, with
 * the holes of the source left out, texts, or empty files of their size. Never writes to a file that
 * is there already. Notes what was made in the steps. -ECANCELED when the task is.
 */
int must_check copy_plan(struct task *task, struct file_plan *plan);

#endif
