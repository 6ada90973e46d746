/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks that machines can be put on: a bridge of ours with NAT, DHCP and DNS, or a bridge that
 * the administrator has made.
 *
 * The kernel's objects are made when the network is started and are made again, where missing,
 * when the daemon starts, or the network is started once more; machines keep running on them in
 * between. All that takes a while – the kernel's lock, nft, dnsmasq – is not waited for: `done` is called
 * once, later, where a function with one returns 0. One operation is under way for each network, and
 * one more may wait for its end; any beyond that is refused (Busy).
 */
#ifndef VMMS_NET_NETWORK_H
#define VMMS_NET_NETWORK_H

#include <net/if.h>
#include <sys/types.h>

#include "config/domain.h"
#include "daemon/manager.h"
#include "daemon/vm.h"

struct dnsmasq;
struct network_work;
struct inventory_write;

/* The group of the taps on networks with address translation: "ip link show group 27493". */
enum { NETWORK_LINK_GROUP = 0x6b65 };

struct waiter {
	vm_done_fn *done; /* NULL: nobody */
	void *data;
	struct caller caller; /* whoever asked for it, for the events */
};

struct network;
/* What is queued: network_start(), network_stop() or network_delete(). */
typedef int network_act_fn(struct network *network, vm_done_fn *done, void *data,
			   struct vm_error *err);

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
	char *warning;             /* what of the host is in its way, as found at its start; NULL */
	bool saved;                /* it is in the inventory */
	struct network_work *work; /* what is under way; NULL: nothing */
	struct inventory_write *writing; /* of its row, under way; NULL: nothing */
	struct dnsmasq *dnsmasq;         /* with nat */
	/* Who is told what comes of it, and why it is being taken back. */
	struct waiter waiter;
	struct vm_error failure;
	/* What was asked for meanwhile, and begins when that is done; NULL: nothing. */
	network_act_fn *queued;
	struct waiter queued_by;
};

struct network_request {
	const char *name;
	const char *bridge;  /* "" with nat: a name is made up. Otherwise the one to join */
	const char *address; /* "10.77.1.1/24"; "" with nat: a free one is taken */
	uint32_t vlan;
	bool nat;
};

int must_check network_load_all(struct manager *manager, struct vm_error *err);
/* Those marked so, at the daemon's start. */
void network_start_all(struct manager *manager);
void network_free_all(struct manager *manager);

/* The rows of all of them, as writes that are being gathered (inventory.h). */
int must_check network_put_all(struct manager *manager, struct vm_error *err);

/* A list of copies, to look at on a thread. */
int must_check network_copy_all(const struct manager *manager, struct network **ret);
void network_free_copies(struct network *networks);

int must_check network_find(struct manager *manager, const char *name, struct network **ret,
			    struct vm_error *err);
/* Defines it and starts it. A network that cannot be started is not defined. */
int must_check network_create(struct manager *manager, const struct network_request *request,
			      vm_done_fn *done, void *data, struct vm_error *err);
/* Refused while a machine's configuration names it. */
int must_check network_delete(struct network *network, vm_done_fn *done, void *data,
			      struct vm_error *err);
/* One that is active is mended: whatever of it others have removed is made again. */
int must_check network_start(struct network *network, vm_done_fn *done, void *data,
			     struct vm_error *err);
/* Refused while a machine runs on it. */
int must_check network_stop(struct network *network, vm_done_fn *done, void *data,
			    struct vm_error *err);

/* Is one of the machine's networks being started? It waits for that then. */
bool network_awaited(struct manager *manager, const struct domain *config);

/* "10.77.1.1/24"; "" for a network without. */
void network_format_address(const struct network *network, char *buffer, size_t size);

/* A tap for card number `index` of a machine, on its network or bridge. For a thread (opening.c). */
int must_check network_open_tap(struct manager *manager, const struct domain *config, size_t index,
				int *ret_fd, struct vm_error *err);

#endif
