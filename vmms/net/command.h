/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other programs: nft, dnsmasq.
 */
#ifndef VMMS_NET_COMMAND_H
#define VMMS_NET_COMMAND_H

#include <sys/types.h>

#include "base/macros.h"
#include "model/error.h"

/*
 * Runs a program found in the usual system directories, with `input` on its standard input, and
 * waits for it. A failure is a NetworkError with the first line of what it said.
 */
int must_check command_run(const char *const argv[], const char *input, struct vm_error *err);

/* Starts a program that stays, and that ends when this process does. */
int must_check command_spawn(const char *const argv[], pid_t *ret, struct vm_error *err);

#endif
