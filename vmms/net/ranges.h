/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which IPv4 addresses the host uses already: its own, and those it has routes for. For threads
 * (net/link.h).
 */
#ifndef VMMS_NET_RANGES_H
#define VMMS_NET_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct ranges;

/* But not those of interface `except`. 0 or -errno. */
int must_check ranges_read(const char *except, struct ranges **ret);
struct ranges *ranges_free(struct ranges *ranges);

/* Does the host use a part of this range? `what` is told what, for people. */
bool ranges_overlap(const struct ranges *ranges, uint32_t address, unsigned int prefix, char *what,
		    size_t size);

#endif
