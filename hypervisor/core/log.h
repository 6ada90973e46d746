/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log: a ring of time-stamped lines in the hypervisor's memory, echoed to the console sink.
 * The root reads it by hypercall. Any context (NMI and panic too), any processor; never blocks:
 * the ring takes no lock, old lines are overwritten and counted.
 *
 * A line takes one or more consecutive pieces of the ring; a cursor counts pieces.
 */
#pragma once

#include "core/types.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

#define LOG_RING_SIZE 65536u
#define LOG_LINE_MAX  240u /* bytes of one line; what is longer is cut */

/* Bytes go to the sink as they are logged, for levels up to `echo`. NULL: nowhere. */
void log_init(void (*sink)(const char *text, size_t length), enum log_level echo);
void log_write(enum log_level level, const char *format, ...) printf_like(2, 3);

#define log_error(...)   log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)

/*
 * Copies up to `size` bytes of the text that follows position *cursor (0: the oldest) and moves
 * it. Returns the bytes copied, 0 at the end; *ret_lost: pieces that were overwritten before they
 * were read. `size` is at least one piece (LOG_PIECE_TEXT).
 */
#define LOG_PIECE_TEXT   120u
size_t log_read(u64 *cursor, char *buffer, size_t size, u64 *ret_lost);
