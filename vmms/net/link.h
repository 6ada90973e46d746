/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's network interfaces, addresses and routes, by netlink.
 *
 * A request may wait for the kernel's lock on all of them, which others hold for long on a busy host:
 * these functions are for threads. Each has a socket of its own. Results are 0 or -errno.
 */
#ifndef VMMS_NET_LINK_H
#define VMMS_NET_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

/* This one does not wait: for the loop. */
bool link_exists(const char *name);

struct link_info {
	int index;
	bool bridge;
	char alias[64]; /* "ip link set DEV alias …"; "" for none */
};

/* -ENODEV: there is none of that name. */
int must_check link_get(const char *name, struct link_info *ret);
bool link_is_bridge(const char *name);

/* Without an IPv6 address of its own. `alias` is what it is known by later. */
int must_check link_add_bridge(const char *name, const char *alias);
int must_check link_set_alias(const char *name, const char *alias);
int must_check link_remove(const char *name);
int must_check link_add_port(const char *bridge, const char *port);
int must_check link_set_group(const char *name, uint32_t group);
int must_check link_set_up(const char *name, bool up);
/* Host byte order. One that is there stays. */
int must_check link_add_address(const char *name, uint32_t address, unsigned int prefix);
/* Untagged frames of the port belong to the VLAN, and only that one passes. */
int must_check link_set_vlan(const char *bridge, const char *port, uint32_t vlan);

/* A tap that is gone when the last descriptor is closed. *ret_name gets the kernel's choice. */
int must_check link_open_tap(int *ret_fd, char ret_name[static IFNAMSIZ]);

#endif
