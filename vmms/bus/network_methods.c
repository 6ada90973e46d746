/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's methods for networks.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bus/methods.h"
#include "net/network.h"

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref, cleanup_message);

static int append_network(sd_bus_message *reply, const struct network *network)
{
	char address[32];

	network_format_address(network, address, sizeof(address));
	return sd_bus_message_append(reply, "(ssssubb)", network->name,
				     network->nat ? "nat" : "bridge", network->bridge, address,
				     network->vlan, network->active, network->autostart);
}

int network_append_warnings(sd_bus_message *reply, const struct manager *manager)
{
	int r = sd_bus_message_open_container(reply, 'a', "{ss}");

	for (const struct network *network = manager->networks; r >= 0 && network;
	     network = network->next) {
		if (network->active && network->warning)
			r = sd_bus_message_append(reply, "{ss}", network->name, network->warning);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int method_list(struct manager *manager, struct vm *vm, sd_bus_message *m,
		       struct vm_error *err)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	int r = call_open_list(m, "(ssssubb)", &reply);

	for (const struct network *network = manager->networks; r >= 0 && network;
	     network = network->next)
		r = append_network(reply, network);
	return call_send_list(r, reply, err);
}

static int read_request(sd_bus_message *m, struct network_request *request, struct vm_error *err)
{
	const char *mode;
	int r = sd_bus_message_read(m, "ssssu", &request->name, &mode, &request->bridge,
				    &request->address, &request->vlan);

	if (r < 0)
		return call_bad_message(r, err);
	request->nat = strcmp(mode, "nat") == 0;
	if (!request->nat && strcmp(mode, "bridge") != 0)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "The mode '%s' is neither nat nor bridge", mode);
	return 0;
}

static int method_create(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	struct network_request request = {0};
	int r = read_request(m, &request, err);

	if (r < 0)
		return r;
	return call_later(m,
			  network_create(manager, &request, call_done, sd_bus_message_ref(m), err));
}

static int with_network(struct manager *manager, sd_bus_message *m,
			int (*act)(struct network *network, vm_done_fn *done, void *data,
				   struct vm_error *err),
			struct vm_error *err)
{
	struct network *network;
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);

	if (r < 0)
		return call_bad_message(r, err);
	r = network_find(manager, name, &network, err);
	if (r < 0)
		return r;
	return call_later(m, act(network, call_done, sd_bus_message_ref(m), err));
}

static int method_delete(struct manager *manager, struct vm *vm, sd_bus_message *m,
			 struct vm_error *err)
{
	return with_network(manager, m, network_delete, err);
}

static int method_start(struct manager *manager, struct vm *vm, sd_bus_message *m,
			struct vm_error *err)
{
	return with_network(manager, m, network_start, err);
}

static int method_stop(struct manager *manager, struct vm *vm, sd_bus_message *m,
		       struct vm_error *err)
{
	return with_network(manager, m, network_stop, err);
}

static const struct bus_method methods[] = {
	{"ListNetworks", NULL, method_list, false, CALL_QUERIES, NULL},
	{"CreateNetwork", ACTION_MANAGE_NETWORK, method_create, false, CALL_CHANGES, NULL},
	{"DeleteNetwork", ACTION_MANAGE_NETWORK, method_delete, false, CALL_CHANGES, NULL},
	{"StartNetwork", ACTION_MANAGE_NETWORK, method_start, false, CALL_CHANGES, NULL},
	{"StopNetwork", ACTION_MANAGE_NETWORK, method_stop, false, CALL_CHANGES, NULL},
};

const struct bus_method *network_method_find(const char *member)
{
	return call_find(methods, ARRAY_SIZE(methods), member);
}
