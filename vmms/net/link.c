/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's network interfaces.
 */
#include "net/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* These requests are the same on any socket; the service may make Unix ones only. */
static int control(unsigned long request, void *argument)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, request, argument) < 0)
		return -errno;
	return 0;
}

static void set_name(struct ifreq *request, const char *name)
{
	memset(request, 0, sizeof(*request));
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
}

bool link_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

bool link_is_bridge(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", name);
	return access(path, F_OK) == 0;
}

int link_add_bridge(const char *name)
{
	char copy[IFNAMSIZ];

	snprintf(copy, sizeof(copy), "%s", name);
	return control(SIOCBRADDBR, copy);
}

int link_remove_bridge(const char *name)
{
	char copy[IFNAMSIZ];

	snprintf(copy, sizeof(copy), "%s", name);
	return control(SIOCBRDELBR, copy);
}

int link_add_port(const char *bridge, const char *port)
{
	struct ifreq request;

	set_name(&request, bridge);
	request.ifr_ifindex = (int)if_nametoindex(port);
	return control(SIOCBRADDIF, &request);
}

int link_set_up(const char *name, bool up)
{
	struct ifreq request;
	int r;

	set_name(&request, name);
	r = control(SIOCGIFFLAGS, &request);
	if (r < 0)
		return r;
	if (up)
		request.ifr_flags |= IFF_UP;
	else
		request.ifr_flags &= (short)~IFF_UP;
	return control(SIOCSIFFLAGS, &request);
}

int link_open_tap(int *ret_fd, char ret_name[static IFNAMSIZ])
{
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq request;

	set_name(&request, "keelson%d");
	request.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		return -errno;
	memcpy(ret_name, request.ifr_name, IFNAMSIZ);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
