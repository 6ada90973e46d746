/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nft is told for a network with address translation.
 */
#ifndef VMMS_NET_RULES_H
#define VMMS_NET_RULES_H

#include "net/network.h"

enum { RULES_SIZE = 2048 };

extern const char *const rules_nft[];    /* the program, which reads what follows */
extern const char *const rules_chains[]; /* lists all chains, without their rules */

/* Tables of its own, replaced as a whole: address translation, and no IPv6 from machines to the host. */
void rules_format(const struct network *network, char script[static RULES_SIZE]);
/* No IPv6 router advertisements from one machine to another. Not every kernel can do it. */
void rules_format_guard(const struct network *network, char script[static RULES_SIZE]);
/* None of these any more, whether they were there or not. */
void rules_format_removal(const struct network *network, char script[static RULES_SIZE]);
void rules_format_guard_removal(const struct network *network, char script[static RULES_SIZE]);

struct rules_chain {
	char family[16], table[64], name[64];
};

/*
 * Does another firewall drop what is forwarded, unless it is told otherwise? `listing` is what
 * rules_chains gave. Each chain sees each packet, so what ours accepts is dropped there all the same.
 * False: there are no more than `skip` such chains.
 */
bool rules_find_drop(const char *listing, unsigned int skip, struct rules_chain *ret);
/* Is it told otherwise? `rules` is what "nft list chain" gives of it. */
bool rules_let_through(const char *rules, const char *bridge);
/* What that chain does to the network, and the commands that mend it; a sentence or two for people. */
void rules_format_warning(const struct rules_chain *chain, const char *bridge, char *text,
			  size_t size);

#endif
