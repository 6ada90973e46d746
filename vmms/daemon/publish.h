/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon tells its clients. Implemented by bus/; without a bus each does nothing.
 */
#ifndef VMMS_DAEMON_PUBLISH_H
#define VMMS_DAEMON_PUBLISH_H

#include "daemon/job.h"

void publish_vm_new(const struct vm *vm);
void publish_vm_removed(const struct vm *vm);
/* Some of its properties changed; which, the clients are told all at once. */
void publish_vm_changed(const struct vm *vm);
void publish_job_new(const struct job *job);
void publish_job_changed(const struct job *job);
void publish_job_removed(const struct job *job, enum job_result result, const struct vm_error *err);
void publish_event(struct manager *manager, const struct store_event *event);

#endif
