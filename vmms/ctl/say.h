/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vmctl says: errors, that a call is done, and options that it does not know. For people each is
 * a sentence; with --json an object, errors on standard error and results on standard output.
 */
#ifndef VMMS_CTL_SAY_H
#define VMMS_CTL_SAY_H

#include <getopt.h>
#include <stdbool.h>

#include "base/macros.h"
#include "model/error.h"

/* Before anything is said. */
void say_as_json(bool json);

/* "vmctl: …", or an error of that name; EXIT_FAILURE. */
int say_error(const char *name, const char *message);
int ctl_fail(const char *format, ...) printf_like(1, 2);
int ctl_fail_as(enum vm_error_code code, const char *format, ...) printf_like(2, 3);

/* The usage line of a verb, as an error. */
int ctl_usage(const char *verb);

/* "web: renamed to www". EXIT_SUCCESS. */
int ctl_done(const char *object, const char *format, ...) printf_like(2, 3);

/* EXIT_FAILURE if r is negative, which has been told then; else as ctl_done(). */
int ctl_done_if(int r, const char *object, const char *format, ...) printf_like(3, 4);

/*
 * getopt_long() that tells of an option that is not among `options`, with the nearest that is, or
 * that lacks its value. Returns '?' then. Starts over where optind is 0.
 */
int ctl_next_option(int argc, char **argv, const struct option *options);

/* Of `words`, which a NULL ends, the one that `word` may be a slip of; NULL: none is near. */
const char *ctl_nearest(const char *word, const char *const *words);

#endif
