/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bridges and taps, by ioctl.
 */
#ifndef VMMS_NET_LINK_H
#define VMMS_NET_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

bool link_exists(const char *name);
bool link_is_bridge(const char *name);

/* 0 or -errno. */
int must_check link_add_bridge(const char *name);
int must_check link_remove_bridge(const char *name);
int must_check link_add_port(const char *bridge, const char *port);
int must_check link_set_up(const char *name, bool up);

/* A tap that is gone when the last descriptor is closed. *ret_name gets the kernel's choice. */
int must_check link_open_tap(int *ret_fd, char ret_name[static IFNAMSIZ]);

#endif
