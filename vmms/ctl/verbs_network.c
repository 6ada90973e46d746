/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network list, show, create, delete, start, stop.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/names.h"
#include "ctl/ctl.h"
#include "ctl/json.h"

struct listed_network {
	const char *name, *mode, *bridge, *address;
	uint32_t vlan;
	int active, autostart;
	const char *warning; /* "" for none */
};

/* The networks as the daemon lists them, and what of the host is in the way of some. */
struct networks {
	sd_bus_message *list, *warnings; /* hold the strings */
	struct listed_network *all;
	size_t count;
};

static void networks_fini(struct networks *networks)
{
	sd_bus_message_unref(networks->list);
	sd_bus_message_unref(networks->warnings);
	free(networks->all);
}

static int read_list(struct networks *networks)
{
	struct listed_network n = {.warning = ""}, *grown;
	int r = sd_bus_message_enter_container(networks->list, 'a', "(ssssubb)");

	while (r >= 0 &&
	       (r = sd_bus_message_read(networks->list, "(ssssubb)", &n.name, &n.mode, &n.bridge,
					&n.address, &n.vlan, &n.active, &n.autostart)) > 0) {
		grown = realloc(networks->all, (networks->count + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		networks->all = grown;
		grown[networks->count++] = n;
	}
	return r;
}

static int read_warnings(struct networks *networks)
{
	const char *name, *text;
	int r = sd_bus_message_enter_container(networks->warnings, 'a', "{ss}");

	while (r >= 0 && (r = sd_bus_message_read(networks->warnings, "{ss}", &name, &text)) > 0) {
		for (size_t i = 0; i < networks->count; i++) {
			if (strcmp(networks->all[i].name, name) == 0)
				networks->all[i].warning = text;
		}
	}
	return r;
}

static int networks_get(struct ctl *ctl, struct networks *ret)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	*ret = (struct networks){0};
	if (ctl_call(ctl, "ListNetworks", &ret->list, "") < 0)
		return -EIO;
	r = read_list(ret);
	/* A daemon of an earlier version has no such property, and no warnings. */
	if (r >= 0 && sd_bus_get_property(ctl->bus, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
					  "NetworkWarnings", &error, &ret->warnings, "a{ss}") >= 0)
		r = read_warnings(ret);
	sd_bus_error_free(&error);
	if (r >= 0)
		return 0;
	networks_fini(ret);
	ctl_bad_reply(r);
	return r;
}

static void network_json(struct json *json, const struct listed_network *network)
{
	json_open(json, NULL, '{');
	json_string(json, "name", network->name);
	json_string(json, "mode", network->mode);
	json_string(json, "bridge", network->bridge);
	json_string(json, "address", network->address);
	json_number(json, "vlan", network->vlan);
	json_bool(json, "active", network->active);
	json_bool(json, "autostart", network->autostart);
	json_string(json, "warning", network->warning);
	json_close(json, '}');
}

static void network_row(struct table *table, const struct listed_network *network)
{
	char vlan[16];

	snprintf(vlan, sizeof(vlan), network->vlan ? "%u" : "-", network->vlan);
	table_row(table, (const char *[]){network->name, network->mode, network->bridge,
					  *network->address ? network->address : "-", vlan,
					  network->active ? "yes" : "no"});
}

/* Beside the result, which is on standard output. */
static void warn(const struct ctl *ctl, const struct listed_network *network)
{
	if (!ctl->json && *network->warning)
		fprintf(stderr, "vmctl: %s: %s\n", network->name, network->warning);
}

static int list(struct ctl *ctl)
{
	static const char *const headings[] = {"NAME",    "MODE", "BRIDGE",
					       "ADDRESS", "VLAN", "ACTIVE"};
	struct networks networks;
	struct listing list;

	if (networks_get(ctl, &networks) < 0)
		return EXIT_FAILURE;
	listing_begin(&list, ctl->json, ARRAY_SIZE(headings), headings);
	for (size_t i = 0; i < networks.count; i++) {
		if (ctl->json)
			network_json(&list.json, &networks.all[i]);
		else
			network_row(&list.table, &networks.all[i]);
	}
	listing_end(&list);
	for (size_t i = 0; i < networks.count; i++)
		warn(ctl, &networks.all[i]);
	networks_fini(&networks);
	return EXIT_SUCCESS;
}

static const struct listed_network *find(const struct networks *networks, const char *name)
{
	for (size_t i = 0; i < networks->count; i++) {
		if (strcmp(networks->all[i].name, name) == 0)
			return &networks->all[i];
	}
	return NULL;
}

static void network_lines(const struct listed_network *network)
{
	printf("%-10s %s\n%-10s %s\n%-10s %s\n", "Name", network->name, "Mode", network->mode,
	       "Bridge", network->bridge);
	if (*network->address)
		printf("%-10s %s\n", "Address", network->address);
	if (network->vlan)
		printf("%-10s %u\n", "VLAN", network->vlan);
	printf("%-10s %s\n%-10s %s\n", "Active", network->active ? "yes" : "no", "Autostart",
	       network->autostart ? "yes" : "no");
	if (*network->warning)
		printf("%-10s %s\n", "Warning", network->warning);
}

static int show(struct ctl *ctl, const char *name)
{
	const struct listed_network *network;
	struct networks networks;
	struct json json;

	if (networks_get(ctl, &networks) < 0)
		return EXIT_FAILURE;
	network = find(&networks, name);
	if (!network) {
		networks_fini(&networks);
		return ctl_fail_as(VM_ERROR_NO_SUCH_NETWORK,
				   "There is no network '%s'; 'vmctl network list' shows those "
				   "there are",
				   name);
	}
	if (ctl->json) {
		json_begin(&json, stdout);
		network_json(&json, network);
		json_end(&json);
	} else {
		network_lines(network);
	}
	networks_fini(&networks);
	return EXIT_SUCCESS;
}

/* It runs, and something of the host keeps its machines from the outside. */
static void warn_of(struct ctl *ctl, const char *name)
{
	const struct listed_network *network;
	struct networks networks;

	if (ctl->json || networks_get(ctl, &networks) < 0)
		return;
	network = find(&networks, name);
	if (network)
		warn(ctl, network);
	networks_fini(&networks);
}

static const struct option create_options[] = {
	{"bridge", required_argument, NULL, 'b'},
	{"address", required_argument, NULL, 'a'},
	{"vlan", required_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

/* The daemon says what a VLAN may be; this only keeps what is no number from being one. */
static uint32_t parse_vlan(const char *text)
{
	char *end;
	unsigned long vlan = strtoul(text, &end, 10);

	if (!*text || *end || *text == '-' || vlan == 0 || vlan > 4094)
		exit(ctl_fail("--vlan takes a number from 1 to 4094, not '%s'", text));
	return (uint32_t)vlan;
}

/* argv: "network" "create" NAME OPTION… */
static int create(struct ctl *ctl, int argc, char **argv)
{
	const char *bridge = "", *address = "";
	uint32_t vlan = 0;
	int option, status;

	optind = 0;
	while ((option = ctl_next_option(argc, argv, create_options)) != -1) {
		if (option == 'b')
			bridge = optarg;
		else if (option == 'a')
			address = optarg;
		else if (option == 'v')
			vlan = parse_vlan(optarg);
		else
			return EXIT_FAILURE;
	}
	/* "create" and the name are behind the options now. */
	if (optind + 2 != argc)
		return ctl_usage(argv[0]);
	status = ctl_done_if(ctl_call(ctl, "CreateNetwork", NULL, "ssssu", argv[optind + 1],
				      *bridge ? "bridge" : "nat", bridge, address, vlan),
			     argv[optind + 1], "created");
	if (status == EXIT_SUCCESS)
		warn_of(ctl, argv[optind + 1]);
	return status;
}

/* Two operations in a row, each with several programs that have 20 s each (daemon: net/). */
#define PATIENCE_USEC (UINT64_C(300) * 1000000)

static int run_network(struct ctl *ctl, int argc, char **argv)
{
	static const struct {
		const char *word, *member, *done;
	} simple[] = {{"delete", "DeleteNetwork", "deleted"},
		      {"start", "StartNetwork", "started"},
		      {"stop", "StopNetwork", "stopped"}};

	ctl->timeout_usec = PATIENCE_USEC;
	if (argc == 1 || (argc == 2 && strcmp(argv[1], "list") == 0))
		return list(ctl);
	if (strcmp(argv[1], "create") == 0)
		return create(ctl, argc, argv);
	if (argc == 3 && strcmp(argv[1], "show") == 0)
		return show(ctl, argv[2]);
	for (size_t i = 0; argc == 3 && i < ARRAY_SIZE(simple); i++) {
		int status;

		if (strcmp(simple[i].word, argv[1]) != 0)
			continue;
		status = ctl_done_if(ctl_call(ctl, simple[i].member, NULL, "s", argv[2]), argv[2],
				     "%s", simple[i].done);
		if (status == EXIT_SUCCESS && strcmp(argv[1], "start") == 0)
			warn_of(ctl, argv[2]);
		return status;
	}
	return ctl_usage(argv[0]);
}

const struct verb network_verbs[] = {
	{"network",
	 "[list | show NAME | create NAME [OPTION]… | delete NAME | start NAME | stop NAME]",
	 "list, make and delete networks for machines",
	 "Options of create:\n"
	 "  --address A.B.C.D/N   the bridge's address; its machines reach the outside by address\n"
	 "                        translation and get addresses and names from dnsmasq. Without,\n"
	 "                        a free 10.77.n.0/24 is taken\n"
	 "  --bridge NAME         join this Linux bridge instead, which must be there\n"
	 "  --vlan N              put the machines' ports into this VLAN of the bridge\n",
	 run_network, "network"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
