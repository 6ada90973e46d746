/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The addresses and routes of the host, by netlink.
 */
#include "net/ranges.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "net/netlink.h"

/* Routes for more are default routes; a tunnel for everything has two of one bit. */
enum { MIN_PREFIX = 8 };

struct range {
	uint32_t address;
	unsigned int prefix;
	bool route;
	char link[IFNAMSIZ]; /* "" where there is none, or more than one */
};

struct ranges {
	struct range *items;
	size_t count;
	int except; /* index of an interface */
	int error;
};

struct ranges *ranges_free(struct ranges *ranges)
{
	if (ranges)
		free(ranges->items);
	free(ranges);
	return NULL;
}

static void add(struct ranges *ranges, const struct nl_addr *addr, int link, bool route)
{
	struct range *grown, range = {.route = route};
	uint32_t wire;

	if (!addr || nl_addr_get_family(addr) != AF_INET || nl_addr_get_len(addr) != sizeof(wire) ||
	    nl_addr_get_prefixlen(addr) < MIN_PREFIX || (link != 0 && link == ranges->except))
		return;
	memcpy(&wire, nl_addr_get_binary_addr(addr), sizeof(wire));
	range.address = ntohl(wire);
	range.prefix = nl_addr_get_prefixlen(addr);
	if (link == 0 || !if_indextoname((unsigned int)link, range.link))
		range.link[0] = '\0';
	grown = realloc(ranges->items, (ranges->count + 1) * sizeof(*grown));
	if (!grown) {
		ranges->error = -ENOMEM;
		return;
	}
	ranges->items = grown;
	grown[ranges->count++] = range;
}

static void add_address(struct nl_object *object, void *data)
{
	struct rtnl_addr *addr = (struct rtnl_addr *)object;

	add(data, rtnl_addr_get_local(addr), rtnl_addr_get_ifindex(addr), false);
}

static void add_route(struct nl_object *object, void *data)
{
	struct rtnl_route *route = (struct rtnl_route *)object;
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, 0);

	/* What is unreachable, by a route that says so, may be reached by a better one. */
	if (rtnl_route_get_type(route) == RTN_UNICAST)
		add(data, rtnl_route_get_dst(route), hop ? rtnl_route_nh_get_ifindex(hop) : 0,
		    true);
}

int ranges_read(const char *except, struct ranges **ret)
{
	struct ranges *ranges = calloc(1, sizeof(*ranges));
	_cleanup_netlink_ struct nl_sock *sock = NULL;
	struct nl_cache *addresses = NULL, *routes = NULL;
	int r = ranges ? netlink_open(&sock) : -ENOMEM;

	if (r == 0)
		r = netlink_errno(rtnl_addr_alloc_cache(sock, &addresses));
	if (r == 0)
		r = netlink_errno(rtnl_route_alloc_cache(sock, AF_INET, 0, &routes));
	if (r == 0) {
		ranges->except = (int)if_nametoindex(except);
		nl_cache_foreach(addresses, add_address, ranges);
		nl_cache_foreach(routes, add_route, ranges);
		r = ranges->error;
	}
	nl_cache_free(addresses);
	nl_cache_free(routes);
	if (r < 0) {
		ranges_free(ranges);
		return r;
	}
	*ret = ranges;
	return 0;
}

bool ranges_overlap(const struct ranges *ranges, uint32_t address, unsigned int prefix, char *what,
		    size_t size)
{
	for (size_t i = 0; i < ranges->count; i++) {
		const struct range *range = &ranges->items[i];
		uint32_t mask = ~(uint32_t)0 << (32 - MIN(prefix, range->prefix));
		struct in_addr in = {.s_addr = htonl(range->address)};
		char ip[INET_ADDRSTRLEN];

		if ((range->address & mask) != (address & mask))
			continue;
		inet_ntop(AF_INET, &in, ip, sizeof(ip));
		snprintf(what, size, "the host's %s %s/%u%s%s", range->route ? "route" : "address",
			 ip, range->prefix, *range->link ? " on " : "", range->link);
		return true;
	}
	return false;
}
