/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name and address server of a network with address translation.
 *
 * Under systemd it is the unit keelson-dnsmasq@BRIDGE.service, outside the daemon's own narrow
 * service; elsewhere (Scopes=no) it is a child. Either is there when it answers, not when it was begun.
 */
#ifndef VMMS_NET_DNSMASQ_H
#define VMMS_NET_DNSMASQ_H

#include "net/network.h"

struct dnsmasq;

/* What it reads, for a thread. 0 or -errno. */
int must_check dnsmasq_write_configuration(const struct network *network, const char *runtime_dir);

/*
 * One that runs already is begun anew. `done` is called once, when it answers or has failed; `lost`
 * when it has ended by itself after that.
 */
struct dnsmasq *dnsmasq_new(struct network *network,
			    void (*lost)(struct network *network, const char *why));
void dnsmasq_start(struct dnsmasq *dnsmasq,
		   void (*done)(struct network *network, const struct vm_error *err));
void dnsmasq_stop(struct dnsmasq *dnsmasq,
		  void (*done)(struct network *network, const struct vm_error *err));
/* At the daemon's end: a unit stays, a child goes. Nothing is called any more. */
struct dnsmasq *dnsmasq_free(struct dnsmasq *dnsmasq);

#endif
