/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scripts for nft, and what it says of others' chains. nft(8).
 */
#include "net/rules.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const char *const rules_nft[] = {"nft", "-f", "-", NULL};
const char *const rules_chains[] = {"nft", "list", "chains", NULL};

/* The first line makes the second possible where there is none yet. */
#define FRESH_TABLE(family) "table " family " keelson-%1$s\ndelete table " family " keelson-%1$s\n"

void rules_format(const struct network *network, char script[static RULES_SIZE])
{
	uint32_t mask = ~(uint32_t)0 << (32 - network->prefix);
	struct in_addr in = {.s_addr = htonl(network->address & mask)};
	char net[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &in, net, sizeof(net));
	snprintf(script, RULES_SIZE,
		 FRESH_TABLE("ip") "table ip keelson-%1$s {\n"
				   "  chain forward {\n"
				   "    type filter hook forward priority filter; policy accept;\n"
				   "    oifname \"%1$s\" iifname != \"%1$s\" ct state "
				   "established,related accept\n"
				   "    oifname \"%1$s\" iifname != \"%1$s\" drop\n"
				   "  }\n"
				   "  chain postrouting {\n"
				   "    type nat hook postrouting priority srcnat;\n"
				   "    ip saddr %2$s/%3$u oifname != \"%1$s\" masquerade\n"
				   "  }\n"
				   "}\n"
		 /* The network has no IPv6: whatever a machine advertises is not for the host. */
		 FRESH_TABLE("ip6") "table ip6 keelson-%1$s {\n"
				    "  chain input {\n"
				    "    type filter hook input priority filter; policy accept;\n"
				    "    iifname \"%1$s\" drop\n"
				    "  }\n"
				    "  chain forward {\n"
				    "    type filter hook forward priority filter; policy accept;\n"
				    "    iifname \"%1$s\" drop\n"
				    "    oifname \"%1$s\" drop\n"
				    "  }\n"
				    "}\n",
		 network->bridge, net, network->prefix);
}

void rules_format_guard(const struct network *network, char script[static RULES_SIZE])
{
	snprintf(script, RULES_SIZE,
		 FRESH_TABLE(
			 "bridge") "table bridge keelson-%1$s {\n"
				   "  chain forward {\n"
				   "    type filter hook forward priority filter; policy accept;\n"
				   "    meta iifgroup %2$u icmpv6 type nd-router-advert drop\n"
				   "  }\n"
				   "}\n",
		 network->bridge, NETWORK_LINK_GROUP);
}

void rules_format_removal(const struct network *network, char script[static RULES_SIZE])
{
	snprintf(script, RULES_SIZE, FRESH_TABLE("ip") FRESH_TABLE("ip6"), network->bridge);
}

void rules_format_guard_removal(const struct network *network, char script[static RULES_SIZE])
{
	snprintf(script, RULES_SIZE, FRESH_TABLE("bridge"), network->bridge);
}

static void copy_line(const char **at, char *line, size_t size)
{
	size_t length = strcspn(*at, "\n");

	snprintf(line, size, "%.*s", (int)MIN(length, size - 1), *at);
	*at += length + ((*at)[length] == '\n');
}

bool rules_find_drop(const char *listing, unsigned int skip, struct rules_chain *ret)
{
	struct rules_chain at = {0};

	for (const char *next = listing; *next;) {
		char line[256];

		copy_line(&next, line, sizeof(line));
		if (sscanf(line, " table %15s %63s", at.family, at.table) == 2 ||
		    sscanf(line, " chain %63s", at.name) == 1)
			continue;
		if (!strstr(line, "hook forward") || !strstr(line, "policy drop") ||
		    strncmp(at.table, "keelson-", 8) == 0 ||
		    (strcmp(at.family, "ip") != 0 && strcmp(at.family, "inet") != 0))
			continue;
		if (skip-- == 0) {
			*ret = at;
			return true;
		}
	}
	return false;
}

bool rules_let_through(const char *rules, const char *bridge)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "iifname \"%s\"", bridge);
	while (*rules) {
		char line[256];

		copy_line(&rules, line, sizeof(line));
		if (strstr(line, wanted) && strstr(line, "accept"))
			return true;
	}
	return false;
}

void rules_format_warning(const struct rules_chain *chain, const char *bridge, char *text,
			  size_t size)
{
	snprintf(text, size,
		 "another firewall of this host (table %1$s %2$s, chain %3$s) drops what it is not "
		 "told "
		 "to forward; machines reach the outside only if it lets %4$s through: "
		 "nft insert rule %1$s %2$s %3$s iifname %4$s accept; "
		 "nft insert rule %1$s %2$s %3$s oifname %4$s ct state established,related accept",
		 chain->family, chain->table, chain->name, bridge);
}
