/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks that machines can be put on: a bridge of ours with NAT, DHCP and DNS, or a bridge that
 * the administrator has made.
 *
 * The kernel's objects are made when the network is started and are made again, where missing,
 * when the daemon starts; machines keep running on them in between.
 */
#ifndef VMMS_NET_NETWORK_H
#define VMMS_NET_NETWORK_H

#include <net/if.h>
#include <sys/types.h>

#include "config/domain.h"
#include "daemon/manager.h"

struct network {
	struct network *next;
	struct manager *manager;
	char *name;
	bool nat; /* otherwise: joins the bridge as it is */
	char bridge[IFNAMSIZ];
	uint32_t address; /* of the bridge, host byte order; with nat */
	unsigned int prefix;
	uint32_t vlan; /* for its machines' ports; 0: none */
	bool autostart;
	bool active;
	pid_t dnsmasq; /* 0: none */
	ev_child dnsmasq_watcher;
};

struct network_request {
	const char *name;
	const char *bridge;  /* "" with nat: a name is made up. Otherwise the one to join */
	const char *address; /* "10.77.1.1/24"; "" with nat: a free one is taken */
	uint32_t vlan;
	bool nat;
};

int must_check network_load_all(struct manager *manager, struct vm_error *err);
void network_start_all(struct manager *manager);
void network_free_all(struct manager *manager);

int must_check network_find(struct manager *manager, const char *name, struct network **ret,
			    struct vm_error *err);
/* Defines it and starts it. A network that cannot be started is not defined. */
int must_check network_create(struct manager *manager, const struct network_request *request,
			      struct network **ret, struct vm_error *err);
/* Refused while a machine's configuration names it. */
int must_check network_delete(struct network *network, struct vm_error *err);
int must_check network_start(struct network *network, struct vm_error *err);
/* Refused while a machine runs on it. */
int must_check network_stop(struct network *network, struct vm_error *err);

/* "10.77.1.1/24"; "" for a network without. */
void network_format_address(const struct network *network, char *buffer, size_t size);

/* A tap for card number `index` of a machine, on its network or bridge. */
int must_check network_open_tap(struct manager *manager, const struct domain *config, size_t index,
				int *ret_fd, struct vm_error *err);

#endif
