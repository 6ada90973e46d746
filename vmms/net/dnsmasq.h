/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name and address server of a network with address translation.
 *
 * Under systemd it is the unit keelson-dnsmasq@BRIDGE.service, outside the daemon's own narrow
 * service; elsewhere (Scopes=no) it is a child.
 */
#ifndef VMMS_NET_DNSMASQ_H
#define VMMS_NET_DNSMASQ_H

#include "net/network.h"

int must_check dnsmasq_start(struct network *network, struct vm_error *err);
void dnsmasq_stop(struct network *network);
/* At the daemon's end: a unit stays, a child goes. */
void dnsmasq_leave(struct network *network);

#endif
