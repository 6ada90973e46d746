/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets of libnl.
 */
#include "net/netlink.h"

#include <errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

int netlink_open(struct nl_sock **ret)
{
	struct nl_sock *sock = nl_socket_alloc();
	int r = sock ? netlink_errno(nl_connect(sock, NETLINK_ROUTE)) : -ENOMEM;

	if (r < 0) {
		nl_socket_free(sock);
		return r;
	}
	*ret = sock;
	return 0;
}

void netlink_close(struct nl_sock **sock)
{
	if (*sock)
		nl_socket_free(*sock);
}

int netlink_errno(int r)
{
	switch (r < 0 ? -r : 0) {
	case 0:
		return 0;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_NODEV:
	case NLE_OBJ_NOTFOUND:
		return -ENODEV;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_OPNOTSUPP:
	case NLE_AF_NOSUPPORT:
		return -EOPNOTSUPP;
	case NLE_RANGE:
		return -ERANGE;
	case NLE_INVAL:
		return -EINVAL;
	case NLE_NOATTR:
	case NLE_MSG_TOOSHORT:
		return -EBADMSG;
	default:
		return -EIO;
	}
}
