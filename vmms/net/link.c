/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to rtnetlink, by libnl; what it has no function for is put together here.
 */
#include "net/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/inet6.h>

#include "base/cleanup.h"
#include "net/netlink.h"

DEFINE_CLEANUP(struct rtnl_link *, rtnl_link_put, cleanup_link);
DEFINE_CLEANUP(struct rtnl_addr *, rtnl_addr_put, cleanup_addr);
DEFINE_CLEANUP(struct nl_addr *, nl_addr_put, cleanup_nl_addr);

bool link_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

static int get(struct nl_sock *sock, const char *name, struct rtnl_link **ret)
{
	int r = rtnl_link_get_kernel(sock, 0, name, ret);

	return r == -NLE_OBJ_NOTFOUND || r == -NLE_NODEV ? -ENODEV : netlink_errno(r);
}

int link_get(const char *name, struct link_info *ret)
{
	_cleanup_netlink_ struct nl_sock *sock = NULL;
	_cleanup_(cleanup_link) struct rtnl_link *link = NULL;
	const char *type, *alias;
	int r = netlink_open(&sock);

	if (r == 0)
		r = get(sock, name, &link);
	if (r < 0)
		return r;
	type = rtnl_link_get_type(link);
	alias = rtnl_link_get_ifalias(link);
	ret->index = rtnl_link_get_ifindex(link);
	ret->bridge = type && strcmp(type, "bridge") == 0;
	snprintf(ret->alias, sizeof(ret->alias), "%s", alias ? alias : "");
	return 0;
}

bool link_is_bridge(const char *name)
{
	struct link_info info;

	return link_get(name, &info) == 0 && info.bridge;
}

/* Changes what `fill` sets, of the interface of that name. */
static int change(const char *name,
		  int (*fill)(struct nl_sock *sock, struct rtnl_link *changes, const void *data),
		  const void *data)
{
	_cleanup_netlink_ struct nl_sock *sock = NULL;
	_cleanup_(cleanup_link) struct rtnl_link *link = NULL, *changes = rtnl_link_alloc();
	int r = changes ? netlink_open(&sock) : -ENOMEM;

	if (r == 0)
		r = get(sock, name, &link);
	if (r == 0)
		r = fill(sock, changes, data);
	return r == 0 ? netlink_errno(rtnl_link_change(sock, link, changes, 0)) : r;
}

static int fill_alias(struct nl_sock *sock, struct rtnl_link *changes, const void *data)
{
	rtnl_link_set_ifalias(changes, data);
	return 0;
}

int link_set_alias(const char *name, const char *alias)
{
	return change(name, fill_alias, alias);
}

static int fill_no_ipv6(struct nl_sock *sock, struct rtnl_link *changes, const void *data)
{
	return netlink_errno(rtnl_link_inet6_set_addr_gen_mode(changes, IN6_ADDR_GEN_MODE_NONE));
}

int link_add_bridge(const char *name, const char *alias)
{
	_cleanup_netlink_ struct nl_sock *sock = NULL;
	int r = netlink_open(&sock);

	if (r == 0)
		r = netlink_errno(rtnl_link_bridge_add(sock, name));
	if (r == 0)
		r = link_set_alias(name, alias);
	if (r == 0)
		(void)change(name, fill_no_ipv6, NULL); /* a kernel without IPv6 has none either */
	return r;
}

int link_remove(const char *name)
{
	_cleanup_netlink_ struct nl_sock *sock = NULL;
	_cleanup_(cleanup_link) struct rtnl_link *link = NULL;
	int r = netlink_open(&sock);

	if (r == 0)
		r = get(sock, name, &link);
	return r == 0 ? netlink_errno(rtnl_link_delete(sock, link)) : r;
}

static int fill_master(struct nl_sock *sock, struct rtnl_link *changes, const void *data)
{
	_cleanup_(cleanup_link) struct rtnl_link *bridge = NULL;
	int r = get(sock, data, &bridge);

	if (r == 0)
		rtnl_link_set_master(changes, rtnl_link_get_ifindex(bridge));
	return r;
}

int link_add_port(const char *bridge, const char *port)
{
	return change(port, fill_master, bridge);
}

static int fill_group(struct nl_sock *sock, struct rtnl_link *changes, const void *data)
{
	rtnl_link_set_group(changes, *(const uint32_t *)data);
	return 0;
}

int link_set_group(const char *name, uint32_t group)
{
	return change(name, fill_group, &group);
}

static int fill_up(struct nl_sock *sock, struct rtnl_link *changes, const void *data)
{
	if (*(const bool *)data)
		rtnl_link_set_flags(changes, IFF_UP);
	else
		rtnl_link_unset_flags(changes, IFF_UP);
	return 0;
}

int link_set_up(const char *name, bool up)
{
	return change(name, fill_up, &up);
}

int link_add_address(const char *name, uint32_t address, unsigned int prefix)
{
	_cleanup_netlink_ struct nl_sock *sock = NULL;
	_cleanup_(cleanup_addr) struct rtnl_addr *addr = rtnl_addr_alloc();
	uint32_t wire = htonl(address);
	_cleanup_(cleanup_nl_addr) struct nl_addr *local =
		nl_addr_build(AF_INET, &wire, sizeof(wire));
	struct link_info info;
	int r = addr && local ? netlink_open(&sock) : -ENOMEM;

	if (r == 0)
		r = link_get(name, &info);
	if (r < 0)
		return r;
	nl_addr_set_prefixlen(local, (int)prefix);
	rtnl_addr_set_ifindex(addr, info.index);
	rtnl_addr_set_local(addr, local);
	r = netlink_errno(rtnl_addr_add(sock, addr, 0));
	return r == -EEXIST ? 0 : r;
}

/* ── VLANs ─────────────────────────────────────────────────────────────────────────────────── */

/* rtnetlink(7): IFLA_LINKINFO of a bridge. */
static int put_filtering(struct nl_msg *msg)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO), *data;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "bridge") < 0)
		return -ENOMEM;
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!data || nla_put_u8(msg, IFLA_BR_VLAN_FILTERING, 1) < 0)
		return -ENOMEM;
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return 0;
}

static int put_vlan(struct nl_msg *msg, uint16_t flags, uint16_t vlan)
{
	struct bridge_vlan_info info = {.flags = flags, .vid = vlan};
	struct nlattr *spec = nla_nest_start(msg, IFLA_AF_SPEC);

	if (!spec || nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info) < 0)
		return -ENOMEM;
	nla_nest_end(msg, spec);
	return 0;
}

static struct nl_msg *link_message(int type, unsigned char family, int index)
{
	struct ifinfomsg header = {.ifi_family = family, .ifi_index = index};
	struct nl_msg *msg = nlmsg_alloc_simple(type, 0);

	if (msg && nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* Takes the message over. */
static int send_message(struct nl_sock *sock, struct nl_msg *msg, int filled)
{
	if (filled < 0) {
		nlmsg_free(msg);
		return filled;
	}
	return netlink_errno(nl_send_sync(sock, msg));
}

static int filter_vlans(struct nl_sock *sock, int bridge)
{
	struct nl_msg *msg = link_message(RTM_NEWLINK, AF_UNSPEC, bridge);

	return msg ? send_message(sock, msg, put_filtering(msg)) : -ENOMEM;
}

static int change_vlan(struct nl_sock *sock, int type, int port, uint16_t flags, uint16_t vlan)
{
	struct nl_msg *msg = link_message(type, AF_BRIDGE, port);

	return msg ? send_message(sock, msg, put_vlan(msg, flags, vlan)) : -ENOMEM;
}

int link_set_vlan(const char *bridge, const char *port, uint32_t vlan)
{
	_cleanup_netlink_ struct nl_sock *sock = NULL;
	struct link_info bridge_info, port_info;
	int r = netlink_open(&sock);

	if (r == 0)
		r = link_get(bridge, &bridge_info);
	if (r == 0)
		r = link_get(port, &port_info);
	if (r == 0)
		r = filter_vlans(sock, bridge_info.index);
	if (r == 0 && vlan != 1)
		r = change_vlan(sock, RTM_DELLINK, port_info.index, 0, 1);
	return r == 0 ? change_vlan(sock, RTM_SETLINK, port_info.index,
				    BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED,
				    (uint16_t)vlan)
		      : r;
}

/* ── taps ──────────────────────────────────────────────────────────────────────────────────── */

int link_open_tap(int *ret_fd, char ret_name[static IFNAMSIZ])
{
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq request = {.ifr_name = "keelson%d"};

	request.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		return -errno;
	memcpy(ret_name, request.ifr_name, IFNAMSIZ);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
