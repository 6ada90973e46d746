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
#include "daemon/inventory.h"
#include "daemon/vm.h"
#include "net/dnsmasq.h"
#include "net/link.h"
#include "net/network_work.h"

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

const struct network *network_overlapping(const struct network *network, uint32_t address,
					  unsigned int prefix)
{
	for (const struct network *other = network->manager->networks; other; other = other->next) {
		uint32_t mask = mask_of(MIN(prefix, other->prefix));

		if (other != network && other->nat && (other->address & mask) == (address & mask))
			return other;
	}
	return NULL;
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
	inventory_write_forget(network->writing);
	network_work_abandon(network);
	dnsmasq_free(network->dnsmasq);
	free(network->warning);
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

int network_copy_all(const struct manager *manager, struct network **ret)
{
	struct network *first = NULL, **at = &first;

	for (const struct network *network = manager->networks; network; network = network->next) {
		struct network *copy = network_new(NULL, network->name);

		if (!copy) {
			network_free_copies(first);
			return -ENOMEM;
		}
		memcpy(copy->bridge, network->bridge, sizeof(copy->bridge));
		copy->nat = network->nat;
		copy->vlan = network->vlan;
		copy->active = network->active;
		*at = copy;
		at = &copy->next;
	}
	*ret = first;
	return 0;
}

void network_free_copies(struct network *networks)
{
	while (networks) {
		struct network *network = networks;

		networks = network->next;
		network_free(network);
	}
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

static void on_dnsmasq_lost(struct network *network, const char *why);

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
	if (network->nat && !(network->dnsmasq = dnsmasq_new(network, on_dnsmasq_lost))) {
		network_free(network);
		return -ENOMEM;
	}
	network->saved = true;
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

int network_put_all(struct manager *manager, struct vm_error *err)
{
	int r = 0;

	for (const struct network *network = manager->networks; r == 0 && network;
	     network = network->next) {
		if (network->saved)
			r = save(network, err);
	}
	return r;
}

/* Hands its row over, or takes it out; `done` is called unless this fails. */
static int write_row(struct network *network, bool remove,
		     void (*done)(void *network, const struct vm_error *err), struct vm_error *err)
{
	struct inventory_write *write = inventory_write_new(network->manager, done, network, err);
	int r;

	if (!write)
		return -ENOMEM;
	r = remove ? store_network_remove(network->manager->store, network->name, err)
		   : save(network, err);
	if (r < 0) {
		inventory_write_drop(write);
		return r;
	}
	r = inventory_write(write, INVENTORY_RECORD, err);
	if (r == 0)
		network->writing = write;
	return r;
}

/* ── start and stop ────────────────────────────────────────────────────────────────────────── */

static void tell(const struct waiter *waiter, const struct vm_error *err)
{
	if (waiter->done)
		waiter->done(waiter->data, err);
}

static bool busy(const struct network *network)
{
	return network->work || network->writing;
}

static int queue(struct network *network, network_act_fn *act, vm_done_fn *done, void *data,
		 struct vm_error *err)
{
	if (network->queued)
		return vm_error_set(err, VM_ERROR_BUSY,
				    "Network %s is being started or stopped, and one request waits "
				    "for that already; try again when both are done",
				    network->name);
	network->queued = act;
	network->queued_by = (struct waiter){done, data, network->manager->caller};
	log_debug("Network %s: a request waits for what is under way", network->name);
	return 0;
}

/* The end of what was under way. What was queued is its caller's doing, not of whoever is served now. */
static void begin_queued(struct network *network)
{
	struct manager *manager = network->manager;
	struct caller caller = manager->caller;
	struct waiter by = network->queued_by;
	network_act_fn *act = network->queued;
	struct vm_error err = {0};

	if (!act)
		return;
	network->queued = NULL;
	manager->caller = by.caller;
	if (act(network, by.done, by.data, &err) < 0)
		tell(&by, &err);
	manager->caller = caller;
}

/* Machines that wait for the network go on only if nothing else of it begins. */
static void on_idle(struct network *network)
{
	struct manager *manager = network->manager;

	begin_queued(network);
	vm_networks_changed(manager);
}

static void refuse_queued(struct network *network, const struct vm_error *why)
{
	struct waiter by = network->queued_by;

	if (!network->queued)
		return;
	network->queued = NULL;
	tell(&by, why);
}

static void on_started(struct network *network, const struct vm_error *err)
{
	struct waiter waiter = network->waiter;

	network->waiter = (struct waiter){0};
	if (err && !waiter.done) /* nobody else tells */
		log_error("%s", err->text);
	if (err)
		manager_event_by(network->manager, NULL, &waiter.caller, 0, "network",
				 "%s failed: %s", network->name, err->text);
	else if (!network->active)
		manager_event_by(network->manager, NULL, &waiter.caller, 0, "network", "%s started",
				 network->name);
	network->active = !err;
	tell(&waiter, err);
	on_idle(network);
}

int network_start(struct network *network, vm_done_fn *done, void *data, struct vm_error *err)
{
	int r;

	if (busy(network))
		return queue(network, network_start, done, data, err);
	network->waiter = (struct waiter){done, data, network->manager->caller};
	r = network_work_up(network, false, on_started, err);
	if (r < 0)
		network->waiter = (struct waiter){0};
	return r;
}

/* Begun once more. If that fails, the list says so: its machines get no addresses any more. */
static void on_dnsmasq_lost(struct network *network, const char *why)
{
	struct vm_error err = {0};

	log_error("Network %s: %s", network->name, why);
	manager_event(network->manager, NULL, "network", "%s: %s; it is started again",
		      network->name, why);
	if (busy(network)) /* which starts, or stops, it anyway */
		return;
	if (network_start(network, NULL, NULL, &err) < 0) {
		log_error("%s", err.text);
		network->active = false;
	}
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

bool network_awaited(struct manager *manager, const struct domain *config)
{
	for (size_t i = 0; i < config->interface_count; i++) {
		const struct domain_interface *card = &config->interfaces[i];
		struct network *network = NULL;

		if (!card->bridge && network_find(manager, card->source, &network, NULL) == 0 &&
		    busy(network))
			return true;
	}
	return false;
}

static void on_stopped(struct network *network, const struct vm_error *err)
{
	struct waiter waiter = network->waiter;

	network->waiter = (struct waiter){0};
	manager_event_by(network->manager, NULL, &waiter.caller, 0, "network", "%s stopped",
			 network->name);
	tell(&waiter, NULL);
	on_idle(network);
}

static int stop(struct network *network, network_act_fn *act,
		void (*stopped)(struct network *network, const struct vm_error *err),
		vm_done_fn *done, void *data, struct vm_error *err)
{
	const struct vm *user = user_of(network, true);
	int r;

	if (user)
		return vm_error_set(err, VM_ERROR_BUSY,
				    "Network %s: machine %s runs on it; shut that down first",
				    network->name, user->config->name);
	if (busy(network))
		return queue(network, act, done, data, err);
	network->waiter = (struct waiter){done, data, network->manager->caller};
	/* From now on no machine begins to run on it. */
	network->active = false;
	r = network_work_down(network, stopped, err);
	if (r < 0)
		network->waiter = (struct waiter){0};
	return r;
}

int network_stop(struct network *network, vm_done_fn *done, void *data, struct vm_error *err)
{
	return stop(network, network_stop, on_stopped, done, data, err);
}

void network_start_all(struct manager *manager)
{
	for (struct network *network = manager->networks; network; network = network->next) {
		struct vm_error err = {0};

		if (network->autostart && network_start(network, NULL, NULL, &err) < 0) {
			log_error("%s", err.text);
			manager_event(manager, NULL, "network", "%s failed: %s", network->name,
				      err.text);
		}
	}
}

void network_free_all(struct manager *manager)
{
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_CANCELED, "The daemon ends");
	while (manager->networks) {
		struct network *network = manager->networks;
		struct waiter waiter = network->waiter;

		/* All of it stays for the machines, but a dnsmasq that is a child. */
		delist(network);
		refuse_queued(network, &err);
		network_free(network);
		tell(&waiter, &err);
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

/* The host's own ranges are looked at by what makes the bridge (network_work.c). */
static int choose_address(struct network *network, const char *wanted, struct vm_error *err)
{
	const struct network *other;

	network->prefix = 24;
	if (!*wanted)
		return 0;
	if (!parse_address(wanted, &network->address, &network->prefix))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' is not an address with prefix length like 10.77.1.1/24",
				    wanted);
	other = network_overlapping(network, network->address, network->prefix);
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

static void forget(struct network *network)
{
	struct vm_error err = {0};

	delist(network);
	(void)vm_error_set(&err, VM_ERROR_NO_SUCH_NETWORK, "Network %s is not there any more",
			   network->name);
	refuse_queued(network, &err);
	network_free(network);
}

/* It could not be started: what was made of it has been taken down. */
static void on_taken_back(struct network *network, const struct vm_error *none)
{
	struct waiter waiter = network->waiter;
	struct vm_error err = network->failure;

	forget(network);
	tell(&waiter, &err);
}

static void take_back(struct network *network, const struct vm_error *why)
{
	struct vm_error err = {0};

	network->failure = *why;
	if (network_work_down(network, on_taken_back, &err) < 0) {
		log_error("%s", err.text);
		on_taken_back(network, NULL);
	}
}

static void on_saved(void *data, const struct vm_error *failed)
{
	struct network *network = data;
	struct waiter waiter = network->waiter;

	network->writing = NULL;
	if (failed) {
		take_back(network, failed);
		return;
	}
	network->saved = true;
	network->waiter = (struct waiter){0};
	network->active = true;
	manager_event_by(network->manager, NULL, &waiter.caller, 0, "network", "%s started",
			 network->name);
	tell(&waiter, NULL);
	on_idle(network);
}

/* In the inventory when it is there: a crash before that leaves a bridge that is known by its alias. */
static void on_created(struct network *network, const struct vm_error *failed)
{
	struct vm_error err = {0};

	if (!failed && write_row(network, false, on_saved, &err) < 0)
		failed = &err;
	if (failed)
		take_back(network, failed);
}

int network_create(struct manager *manager, const struct network_request *request, vm_done_fn *done,
		   void *data, struct vm_error *err)
{
	struct network *network = NULL;
	bool any_address = request->nat && !*request->address;
	int r;

	if (!domain_name_valid(request->name))
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "'%s' cannot be a network's name", request->name);
	if (network_find(manager, request->name, &network, NULL) == 0)
		return vm_error_set(err, VM_ERROR_NETWORK_EXISTS, "There is a network '%s' already",
				    request->name);
	network = network_new(manager, request->name);
	if (!network ||
	    (request->nat && !(network->dnsmasq = dnsmasq_new(network, on_dnsmasq_lost)))) {
		if (network)
			network_free(network);
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	r = prepare(network, request, err);
	if (r < 0) {
		network_free(network);
		return r;
	}
	network->waiter = (struct waiter){done, data, network->manager->caller};
	enlist(network);
	r = network_work_up(network, any_address, on_created, err);
	if (r < 0)
		forget(network);
	return r;
}

static void on_removed(void *data, const struct vm_error *failed)
{
	struct network *network = data;
	struct manager *manager = network->manager;
	struct waiter waiter = network->waiter;

	network->writing = NULL;
	network->waiter = (struct waiter){0};
	if (failed) {
		tell(&waiter, failed);
		on_idle(network);
		return;
	}
	manager_event_by(manager, NULL, &waiter.caller, 0, "network", "%s deleted", network->name);
	forget(network);
	tell(&waiter, NULL);
	vm_networks_changed(manager);
}

static void on_deleted(struct network *network, const struct vm_error *none)
{
	struct vm_error err = {0};

	if (write_row(network, true, on_removed, &err) < 0)
		on_removed(network, &err);
}

int network_delete(struct network *network, vm_done_fn *done, void *data, struct vm_error *err)
{
	const struct vm *user = user_of(network, false);

	if (user)
		return vm_error_set(err, VM_ERROR_BUSY,
				    "Network %s: machine %s has a card on it; detach that first",
				    network->name, user->config->name);
	return stop(network, network_delete, on_deleted, done, data, err);
}

/* ── taps ──────────────────────────────────────────────────────────────────────────────────── */

/* Where a card's tap goes. */
struct port {
	const char *bridge;
	uint32_t vlan;
	bool nat;
};

static int find_port(struct manager *manager, const struct domain *config,
		     const struct domain_interface *card, struct port *ret, struct vm_error *err)
{
	struct network *network = NULL;
	int r;

	*ret = (struct port){.bridge = card->source, .vlan = card->vlan};
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
	ret->bridge = network->bridge;
	ret->nat = network->nat;
	if (card->vlan == 0)
		ret->vlan = network->vlan;
	return 0;
}

int network_open_tap(struct manager *manager, const struct domain *config, size_t index,
		     int *ret_fd, struct vm_error *err)
{
	_cleanup_close_ int fd = -1;
	char name[IFNAMSIZ];
	struct port port;
	int r = find_port(manager, config, &config->interfaces[index], &port, err);

	if (r < 0)
		return r;
	r = link_open_tap(&fd, name);
	if (r == 0 && port.nat)
		r = link_set_group(name, NETWORK_LINK_GROUP);
	if (r == 0)
		r = link_add_port(port.bridge, name);
	if (r == 0)
		r = link_set_up(name, true);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, -r,
					  "Machine %s: a tap on bridge %s", config->name,
					  port.bridge);
	r = port.vlan ? link_set_vlan(port.bridge, name, port.vlan) : 0;
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, -r,
					  "Machine %s: VLAN %u on bridge %s", config->name,
					  port.vlan, port.bridge);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
