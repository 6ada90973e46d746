/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks: inventory, bridges, address translation, DHCP and DNS, taps.
 */
#include "net/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/vm.h"
#include "net/command.h"
#include "net/dnsmasq.h"
#include "net/link.h"

/* ── addresses ─────────────────────────────────────────────────────────────────────────────── */

static uint32_t mask_of(unsigned int prefix)
{
	return ~(uint32_t)0 << (32 - prefix);
}

static void format_ip(uint32_t address, char buffer[static INET_ADDRSTRLEN])
{
	struct in_addr in = {.s_addr = htonl(address)};

	inet_ntop(AF_INET, &in, buffer, INET_ADDRSTRLEN);
}

void network_format_address(const struct network *network, char *buffer, size_t size)
{
	char ip[INET_ADDRSTRLEN];

	format_ip(network->address, ip);
	if (network->nat)
		snprintf(buffer, size, "%s/%u", ip, network->prefix);
	else
		snprintf(buffer, size, "%s", "");
}

static bool parse_address(const char *text, uint32_t *ret_address, unsigned int *ret_prefix)
{
	char ip[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	struct in_addr in;
	char *end;
	unsigned long prefix;

	if (!slash || (size_t)(slash - text) >= sizeof(ip))
		return false;
	memcpy(ip, text, (size_t)(slash - text));
	ip[slash - text] = '\0';
	prefix = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || prefix < 8 || prefix > 29 ||
	    inet_pton(AF_INET, ip, &in) != 1)
		return false;
	*ret_address = ntohl(in.s_addr);
	*ret_prefix = (unsigned int)prefix;
	/* the bridge's own address: a host of the network */
	return (*ret_address & ~mask_of(*ret_prefix)) != 0 &&
	       (*ret_address | mask_of(*ret_prefix)) != ~(uint32_t)0;
}

static const struct network *overlapping(const struct manager *manager, uint32_t address,
					 unsigned int prefix)
{
	for (const struct network *other = manager->networks; other; other = other->next) {
		uint32_t mask = mask_of(MIN(prefix, other->prefix));

		if (other->nat && (other->address & mask) == (address & mask))
			return other;
	}
	return NULL;
}

/* 10.77.n.1/24 with the first n that no network of ours has. */
static bool free_address(const struct manager *manager, uint32_t *ret_address)
{
	for (uint32_t n = 1; n < 255; n++) {
		uint32_t address = 10u << 24 | 77u << 16 | n << 8 | 1;

		if (!overlapping(manager, address, 24)) {
			*ret_address = address;
			return true;
		}
	}
	return false;
}

/* ── inventory ─────────────────────────────────────────────────────────────────────────────── */

static struct network *network_new(struct manager *manager, const char *name)
{
	struct network *network = calloc(1, sizeof(*network));

	if (!network)
		return NULL;
	network->manager = manager;
	network->name = strdup(name);
	if (!network->name) {
		free(network);
		return NULL;
	}
	return network;
}

static void network_free(struct network *network)
{
	free(network->name);
	free(network);
}

static void enlist(struct network *network)
{
	struct network **at = &network->manager->networks;

	while (*at && strcmp((*at)->name, network->name) < 0)
		at = &(*at)->next;
	network->next = *at;
	*at = network;
}

static void delist(struct network *network)
{
	struct network **at = &network->manager->networks;

	while (*at != network)
		at = &(*at)->next;
	*at = network->next;
}

int network_find(struct manager *manager, const char *name, struct network **ret,
		 struct vm_error *err)
{
	for (struct network *network = manager->networks; network; network = network->next) {
		if (strcmp(network->name, name) == 0) {
			*ret = network;
			return 0;
		}
	}
	return vm_error_set(err, VM_ERROR_NO_SUCH_NETWORK,
			    "There is no network '%s'; 'vmctl network list' shows those there are, "
			    "'vmctl network create %s' makes it",
			    name, name);
}

static int load_one(void *data, const struct store_network *row)
{
	struct network *network = network_new(data, row->name);

	if (!network)
		return -ENOMEM;
	network->nat = strcmp(row->mode, "nat") == 0;
	snprintf(network->bridge, sizeof(network->bridge), "%s", row->bridge);
	network->vlan = row->vlan;
	network->autostart = row->autostart;
	if (network->nat && !parse_address(row->address, &network->address, &network->prefix))
		log_error("Network %s: address '%s' makes no sense", row->name, row->address);
	enlist(network);
	return 0;
}

int network_load_all(struct manager *manager, struct vm_error *err)
{
	return store_network_each(manager->store, load_one, manager, err);
}

static int save(const struct network *network, struct vm_error *err)
{
	char address[32];
	struct store_network row = {.name = network->name,
				    .mode = network->nat ? "nat" : "bridge",
				    .bridge = network->bridge,
				    .address = address,
				    .vlan = network->vlan,
				    .autostart = network->autostart};

	network_format_address(network, address, sizeof(address));
	return store_network_put(network->manager->store, &row, err);
}

/* ── address translation ───────────────────────────────────────────────────────────────────── */

static const char *const nft[] = {"nft", "-f", "-", NULL};

/* A table of its own for each network: replaced and removed as a whole. */
static int add_rules(const struct network *network, struct vm_error *err)
{
	char script[1024], net[INET_ADDRSTRLEN];

	format_ip(network->address & mask_of(network->prefix), net);
	snprintf(script, sizeof(script),
		 "table ip keelson-%s\n"
		 "delete table ip keelson-%s\n"
		 "table ip keelson-%s {\n"
		 "  chain forward {\n"
		 "    type filter hook forward priority filter; policy accept;\n"
		 "    oifname \"%s\" iifname != \"%s\" ct state established,related accept\n"
		 "    oifname \"%s\" iifname != \"%s\" drop\n"
		 "  }\n"
		 "  chain postrouting {\n"
		 "    type nat hook postrouting priority srcnat;\n"
		 "    ip saddr %s/%u oifname != \"%s\" masquerade\n"
		 "  }\n"
		 "}\n",
		 network->bridge, network->bridge, network->bridge, network->bridge,
		 network->bridge, network->bridge, network->bridge, net, network->prefix,
		 network->bridge);
	return command_run(nft, script, err);
}

static void remove_rules(const struct network *network)
{
	struct vm_error err = {0};
	char script[128];

	snprintf(script, sizeof(script), "table ip keelson-%s\ndelete table ip keelson-%s\n",
		 network->bridge, network->bridge);
	if (command_run(nft, script, &err) < 0)
		log_warning("Network %s: %s", network->name, err.text);
}

/* ── start and stop ────────────────────────────────────────────────────────────────────────── */

static int set_address(const struct network *network, struct vm_error *err)
{
	char address[32];
	const char *const argv[] = {"ip",  "address",       "replace", address,
				    "dev", network->bridge, NULL};

	network_format_address(network, address, sizeof(address));
	return command_run(argv, "", err);
}

static int start_bridge(const struct network *network, struct vm_error *err)
{
	int r = link_exists(network->bridge) ? 0 : link_add_bridge(network->bridge);

	if (r == 0)
		r = link_set_up(network->bridge, true);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, -r, "Network %s: bridge %s",
					  network->name, network->bridge);
	return set_address(network, err);
}

static int start_nat(struct network *network, struct vm_error *err)
{
	int r = start_bridge(network, err);

	if (r == 0)
		r = add_rules(network, err);
	if (r == 0)
		r = dnsmasq_start(network, err);
	return r;
}

static void stop_nat(struct network *network)
{
	int r;

	dnsmasq_stop(network);
	remove_rules(network);
	if (!link_exists(network->bridge))
		return;
	r = link_set_up(network->bridge, false);
	if (r == 0)
		r = link_remove_bridge(network->bridge);
	if (r < 0)
		log_warning("Network %s: bridge %s stays: %s", network->name, network->bridge,
			    strerror(-r));
}

int network_start(struct network *network, struct vm_error *err)
{
	int r = 0;

	if (network->active)
		return 0;
	if (network->nat)
		r = start_nat(network, err);
	else if (!link_is_bridge(network->bridge))
		r = vm_error_set(
			err, VM_ERROR_NETWORK,
			"Network %s: there is no bridge %s; make it, or leave --bridge away "
			"for one with address translation",
			network->name, network->bridge);
	if (r == 0) {
		network->active = true;
		manager_event(network->manager, NULL, "network", "%s started", network->name);
	}
	return r;
}

/* A machine that names the network; running ones only if so asked. */
static const struct vm *user_of(const struct network *network, bool running)
{
	for (const struct vm *vm = network->manager->vms; vm; vm = vm->next) {
		for (size_t i = 0; i < vm->config->interface_count; i++) {
			const struct domain_interface *card = &vm->config->interfaces[i];

			if (!card->bridge && strcmp(card->source, network->name) == 0 &&
			    (!running || vm_power_has_worker(vm->power)))
				return vm;
		}
	}
	return NULL;
}

int network_stop(struct network *network, struct vm_error *err)
{
	const struct vm *user = user_of(network, true);

	if (user)
		return vm_error_set(err, VM_ERROR_BUSY,
				    "Network %s: machine %s runs on it; shut that down first",
				    network->name, user->config->name);
	if (network->nat && network->active)
		stop_nat(network);
	if (network->active)
		manager_event(network->manager, NULL, "network", "%s stopped", network->name);
	network->active = false;
	return 0;
}

void network_start_all(struct manager *manager)
{
	for (struct network *network = manager->networks; network; network = network->next) {
		struct vm_error err = {0};

		if (network->autostart && network_start(network, &err) < 0)
			log_error("%s", err.text);
	}
}

void network_free_all(struct manager *manager)
{
	while (manager->networks) {
		struct network *network = manager->networks;

		/* All of it stays for the machines. */
		dnsmasq_leave(network);
		delist(network);
		network_free(network);
	}
}

/* ── create and delete ─────────────────────────────────────────────────────────────────────── */

/* What may stand in rules, file and unit names as it is. */
#define BRIDGE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static int choose_bridge(struct network *network, const char *wanted, struct vm_error *err)
{
	if (strlen(wanted) >= IFNAMSIZ || strspn(wanted, BRIDGE_LETTERS) != strlen(wanted))
		return vm_error_set(
			err, VM_ERROR_INVALID_ARGUMENT,
			"'%s' cannot be the name of a bridge: at most %d letters, digits and "
			"'._-'",
			wanted, IFNAMSIZ - 1);
	if (*wanted)
		snprintf(network->bridge, sizeof(network->bridge), "%s", wanted);
	for (int n = 0; !network->bridge[0] && n < 1000; n++) {
		char candidate[IFNAMSIZ];
		bool taken;

		snprintf(candidate, sizeof(candidate), "kbr%d", n);
		taken = link_exists(candidate);
		for (struct network *o = network->manager->networks; o; o = o->next)
			taken |= strcmp(o->bridge, candidate) == 0;
		if (!taken)
			memcpy(network->bridge, candidate, sizeof(candidate));
	}
	for (struct network *o = network->manager->networks; o; o = o->next) {
		if (strcmp(o->bridge, network->bridge) == 0)
			return vm_error_set(err, VM_ERROR_NETWORK_EXISTS,
					    "Bridge %s belongs to network %s already",
					    network->bridge, o->name);
	}
	return 0;
}

static int choose_address(struct network *network, const char *wanted, struct vm_error *err)
{
	const struct network *other;

	if (!*wanted) {
		network->prefix = 24;
		if (free_address(network->manager, &network->address))
			return 0;
		return vm_error_set(
			err, VM_ERROR_NETWORK_EXISTS,
			"No address range is left in 10.77.0.0/16; give one with --address");
	}
	if (!parse_address(wanted, &network->address, &network->prefix))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' is not an address with prefix length like 10.77.1.1/24",
				    wanted);
	other = overlapping(network->manager, network->address, network->prefix);
	if (other)
		return vm_error_set(err, VM_ERROR_NETWORK_EXISTS,
				    "Address range %s overlaps that of network %s", wanted,
				    other->name);
	return 0;
}

static int prepare(struct network *network, const struct network_request *request,
		   struct vm_error *err)
{
	int r;

	if (!request->nat && (!*request->bridge || *request->address))
		return vm_error_set(
			err, VM_ERROR_INVALID_ARGUMENT,
			"A network that joins a bridge needs --bridge, and no --address");
	if (request->vlan > 4094)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "VLAN %u is outside 1 to 4094",
				    request->vlan);
	network->nat = request->nat;
	network->vlan = request->vlan;
	network->autostart = true;
	r = choose_bridge(network, request->bridge, err);
	return r == 0 && request->nat ? choose_address(network, request->address, err) : r;
}

int network_create(struct manager *manager, const struct network_request *request,
		   struct network **ret, struct vm_error *err)
{
	struct network *network = NULL;
	int r;

	if (!domain_name_valid(request->name))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' cannot be a network's name", request->name);
	if (network_find(manager, request->name, &network, NULL) == 0)
		return vm_error_set(err, VM_ERROR_NETWORK_EXISTS, "There is a network '%s' already",
				    request->name);
	network = network_new(manager, request->name);
	if (!network)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	r = prepare(network, request, err);
	if (r == 0)
		r = save(network, err);
	if (r < 0) {
		network_free(network);
		return r;
	}
	enlist(network);
	r = network_start(network, err);
	if (r < 0) {
		if (network->nat)
			stop_nat(network);
		if (store_network_remove(manager->store, network->name, NULL) < 0)
			log_error("Network %s stays in the inventory", network->name);
		delist(network);
		network_free(network);
		return r;
	}
	*ret = network;
	return 0;
}

int network_delete(struct network *network, struct vm_error *err)
{
	const struct vm *user = user_of(network, false);
	int r;

	if (user)
		return vm_error_set(err, VM_ERROR_BUSY,
				    "Network %s: machine %s has a card on it; detach that first",
				    network->name, user->config->name);
	r = network_stop(network, err);
	if (r == 0)
		r = store_network_remove(network->manager->store, network->name, err);
	if (r < 0)
		return r;
	manager_event(network->manager, NULL, "network", "%s deleted", network->name);
	delist(network);
	network_free(network);
	return 0;
}

/* ── taps ──────────────────────────────────────────────────────────────────────────────────── */

/* Untagged frames of the port belong to the VLAN, and only that one passes. */
static int set_vlan(const char *bridge, const char *port, uint32_t vlan, struct vm_error *err)
{
	char id[16];
	const char *const filter[] = {"ip",     "link",           "set", bridge, "type",
				      "bridge", "vlan_filtering", "1",   NULL};
	const char *const drop[] = {"bridge", "vlan", "del", "dev", port, "vid", "1", NULL};
	const char *const add[] = {"bridge", "vlan", "add",  "dev",      port,
				   "vid",    id,     "pvid", "untagged", NULL};
	int r;

	snprintf(id, sizeof(id), "%u", vlan);
	r = command_run(filter, "", err);
	if (r == 0 && vlan != 1)
		r = command_run(drop, "", err);
	return r == 0 ? command_run(add, "", err) : r;
}

static int find_bridge(struct manager *manager, const struct domain *config,
		       const struct domain_interface *card, const char **ret_bridge,
		       uint32_t *ret_vlan, struct vm_error *err)
{
	struct network *network = NULL;
	int r;

	*ret_vlan = card->vlan;
	*ret_bridge = card->source;
	if (card->bridge) {
		if (link_is_bridge(card->source))
			return 0;
		return vm_error_set(err, VM_ERROR_NETWORK, "Machine %s: there is no bridge %s",
				    config->name, card->source);
	}
	r = network_find(manager, card->source, &network, err);
	if (r < 0)
		return r;
	if (!network->active)
		return vm_error_set(
			err, VM_ERROR_NETWORK,
			"Machine %s: network %s is not active; 'vmctl network start %s'",
			config->name, network->name, network->name);
	*ret_bridge = network->bridge;
	if (card->vlan == 0)
		*ret_vlan = network->vlan;
	return 0;
}

int network_open_tap(struct manager *manager, const struct domain *config, size_t index,
		     int *ret_fd, struct vm_error *err)
{
	const struct domain_interface *card = &config->interfaces[index];
	_cleanup_close_ int fd = -1;
	struct vm_error inner = {0};
	char name[IFNAMSIZ];
	const char *bridge;
	uint32_t vlan;
	int r = find_bridge(manager, config, card, &bridge, &vlan, err);

	if (r < 0)
		return r;
	r = link_open_tap(&fd, name);
	if (r == 0)
		r = link_add_port(bridge, name);
	if (r == 0)
		r = link_set_up(name, true);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, -r,
					  "Machine %s: a tap on bridge %s", config->name, bridge);
	if (vlan != 0 && set_vlan(bridge, name, vlan, &inner) < 0)
		return vm_error_set(err, VM_ERROR_NETWORK, "Machine %s: VLAN %u on bridge %s: %s",
				    config->name, vlan, bridge, inner.text);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
