/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other programs, nft and dnsmasq: begun here, and waited for by the loop. All are found in the usual
 * system directories.
 */
#ifndef VMMS_NET_COMMAND_H
#define VMMS_NET_COMMAND_H

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/macros.h"
#include "model/error.h"

struct command;

/* Is it there? Otherwise the error tells which package has it. */
int must_check command_check(const char *program, const char *package, struct vm_error *err);

/*
 * Runs a program with `input` on its standard input. `done` is called once, when it has ended, or was
 * killed because it took too long: a failure is a NetworkError with the first line of what it said.
 * `output` is the beginning of what it said.
 */
int must_check command_start(struct ev_loop *loop, const char *const argv[], const char *input,
			     void (*done)(void *data, const char *output,
					  const struct vm_error *err),
			     void *data, struct command **ret, struct vm_error *err);
/* Kills it; `done` is not called. Returns NULL. */
struct command *command_abandon(struct command *command);

/*
 * Starts a program that stays, and that gets SIGTERM when this process ends. *ret_said reads what it
 * says, without blocking.
 */
int must_check command_spawn(const char *const argv[], pid_t *ret, int *ret_said,
			     struct vm_error *err);

#endif
