/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of a program: lines on standard error, in the "<N>text" form that the journal reads as
 * priorities when standard error goes there. Only programs log (vmwp, vmms, vmctl); libraries
 * return errors. Any thread; a line is one write(2).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

/* The values are syslog's. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/*
 * `name` goes before every line and must live as long as the program. Lines above `max` are dropped.
 * `prefixed`: write the "<N>" priorities. Call it once, before the first thread.
 */
void log_init(const char *name, enum log_level max, bool prefixed);

void log_write(enum log_level level, const char *format, ...) printf_like(2, 3);

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * Keeps what a guest can trigger from filling the log: at most `burst` lines in `interval_ns`.
 * Zeroed memory with these two set is ready. Not thread-safe: one per owner.
 */
struct log_ratelimit {
	uint64_t interval_ns;
	unsigned int burst;
	uint64_t begin_ns;
	unsigned int used;
	unsigned int dropped; /* since the interval began */
};

/*
 * May one more line be written at time `now_ns`? *ret_dropped (may be NULL): lines that were
 * refused in the interval that just ended, 0 inside an interval.
 */
bool log_ratelimit_pass(struct log_ratelimit *limit, uint64_t now_ns, unsigned int *ret_dropped);

#endif
