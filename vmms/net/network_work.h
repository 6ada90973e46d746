/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done to a network, step by step, each on a thread or by another program; network.c decides.
 */
#ifndef VMMS_NET_NETWORK_WORK_H
#define VMMS_NET_NETWORK_WORK_H

#include "net/network.h"

/*
 * Makes, or mends, all that a network consists of: bridge, address, rules, dnsmasq. With `any_address`
 * the network gets the first range that the host does not use, told in network->address, before `done`.
 * Only what is the network's own is touched: another interface of that name is an error.
 */
int must_check network_work_up(struct network *network, bool any_address,
			       void (*done)(struct network *network, const struct vm_error *err),
			       struct vm_error *err);
/* Takes all of it down. What cannot be is logged, and is no error. */
int must_check network_work_down(struct network *network,
				 void (*done)(struct network *network, const struct vm_error *err),
				 struct vm_error *err);
/* At the daemon's end: all stays as it is, nothing is called. */
void network_work_abandon(struct network *network);

/* Is the range one of another network of ours? NULL if not. */
const struct network *network_overlapping(const struct network *network, uint32_t address,
					  unsigned int prefix);

#endif
