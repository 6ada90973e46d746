/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socket to rtnetlink, and libnl's errors as errno's. For threads (net/link.h).
 */
#ifndef VMMS_NET_NETLINK_H
#define VMMS_NET_NETLINK_H

#include "base/cleanup.h"

struct nl_sock;

int must_check netlink_open(struct nl_sock **ret);
void netlink_close(struct nl_sock **sock);
#define _cleanup_netlink_ _cleanup_(netlink_close)

/* 0 or -errno of what a function of libnl returned. */
int netlink_errno(int r);

#endif
