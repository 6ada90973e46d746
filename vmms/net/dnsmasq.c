/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration and life of dnsmasq.
 */
#include "net/dnsmasq.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/command.h"

static void format_ip(uint32_t address, char buffer[static INET_ADDRSTRLEN])
{
	struct in_addr in = {.s_addr = htonl(address)};

	inet_ntop(AF_INET, &in, buffer, INET_ADDRSTRLEN);
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Leases are given from the upper half, so that addresses below can be given by hand. */
static int write_configuration(const struct network *network, const char *path)
{
	_cleanup_(close_file) FILE *file = fopen(path, "we");
	uint32_t mask = ~(uint32_t)0 << (32 - network->prefix);
	uint32_t base = network->address & mask, top = base | ~mask;
	char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];

	if (!file)
		return -errno;
	format_ip(base + (top - base) / 2 + 1, first);
	format_ip(top - 1, last);
	fprintf(file,
		"interface=%s\nbind-interfaces\nexcept-interface=lo\n"
		"dhcp-range=%s,%s,1h\ndhcp-authoritative\ndhcp-leasefile=%s/net/%s.leases\n",
		network->bridge, first, last, network->manager->settings.runtime_dir,
		network->bridge);
	return fflush(file) == 0 ? fchmod(fileno(file), 0644) == 0 ? 0 : -errno : -errno;
}

/* ── as a unit ─────────────────────────────────────────────────────────────────────────────── */

static int on_unit_answer(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const sd_bus_error *failure = sd_bus_message_get_error(m);

	if (failure)
		log_error("dnsmasq's unit: %s", failure->message);
	return 0;
}

static int call_systemd(const struct network *network, const char *member)
{
	char unit[64];

	if (!network->manager->bus)
		return -ENOTCONN;
	snprintf(unit, sizeof(unit), "keelson-dnsmasq@%s.service", network->bridge);
	return sd_bus_call_method_async(network->manager->bus, NULL, "org.freedesktop.systemd1",
					"/org/freedesktop/systemd1",
					"org.freedesktop.systemd1.Manager", member, on_unit_answer,
					NULL, "ss", unit, "replace");
}

/* ── as a child ────────────────────────────────────────────────────────────────────────────── */

static int enable_forwarding(struct vm_error *err)
{
	_cleanup_close_ int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_full(fd, "1\n", 2);

	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, -r, "Forwarding of IPv4");
	return 0;
}

static int start_child(struct network *network, const char *path, struct vm_error *err)
{
	char option[512];
	const char *const argv[] = {"dnsmasq",     "--keep-in-foreground", option,
				    "--pid-file=", "--log-facility=-",     NULL};
	int r = enable_forwarding(err);

	snprintf(option, sizeof(option), "--conf-file=%s", path);
	return r == 0 ? command_spawn(argv, &network->dnsmasq, err) : r;
}

/* ── either ────────────────────────────────────────────────────────────────────────────────── */

int dnsmasq_start(struct network *network, struct vm_error *err)
{
	const struct settings *settings = &network->manager->settings;
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/net/%s.conf", settings->runtime_dir, network->bridge) < 0) {
		path = NULL;
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	r = write_configuration(network, path);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, -r, "%s", path);
	if (!settings->scopes)
		return network->dnsmasq ? 0 : start_child(network, path, err);
	r = call_systemd(network, "StartUnit");
	return r < 0 ? vm_error_set_errno(err, VM_ERROR_NETWORK, -r, "systemd cannot be asked") : 0;
}

static void stop_child(struct network *network)
{
	if (network->dnsmasq == 0)
		return;
	kill(network->dnsmasq, SIGTERM);
	waitpid(network->dnsmasq, NULL, 0);
	network->dnsmasq = 0;
}

void dnsmasq_stop(struct network *network)
{
	int r;

	stop_child(network);
	if (!network->manager->settings.scopes)
		return;
	r = call_systemd(network, "StopUnit");
	if (r < 0)
		log_error("Network %s: systemd cannot be asked: %s", network->name, strerror(-r));
}

void dnsmasq_leave(struct network *network)
{
	stop_child(network);
}
