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

bool rules_find_drop(const char *listing, char *what, size_t size)
{
	char family[16] = "", table[64] = "", chain[64] = "";

	for (const char *line = listing; line && *line;) {
		size_t length = strcspn(line, "\n");
		char copy[256];

		snprintf(copy, sizeof(copy), "%.*s", (int)MIN(length, sizeof(copy) - 1), line);
		line += length + (line[length] == '\n');
		if (sscanf(copy, " table %15s %63s", family, table) == 2 ||
		    sscanf(copy, " chain %63s", chain) == 1)
			continue;
		if (!strstr(copy, "hook forward") || !strstr(copy, "policy drop") ||
		    strncmp(table, "keelson-", 8) == 0 ||
		    (strcmp(family, "ip") != 0 && strcmp(family, "inet") != 0))
			continue;
		snprintf(what, size, "table %s %s, chain %s", family, table, chain);
		return true;
	}
	return false;
}
