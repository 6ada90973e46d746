/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network list, create, delete, start, stop.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/json.h"

struct listed_network {
	const char *name, *mode, *bridge, *address;
	uint32_t vlan;
	int active, autostart;
};

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

static int list(struct ctl *ctl)
{
	static const char *const headings[] = {"NAME",    "MODE", "BRIDGE",
					       "ADDRESS", "VLAN", "ACTIVE"};
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct listed_network n;
	struct listing list;
	int r;

	if (ctl_call(ctl, "ListNetworks", &reply, "") < 0)
		return EXIT_FAILURE;
	r = sd_bus_message_enter_container(reply, 'a', "(ssssubb)");
	listing_begin(&list, ctl->json, ARRAY_SIZE(headings), headings);
	while (r >= 0 &&
	       (r = sd_bus_message_read(reply, "(ssssubb)", &n.name, &n.mode, &n.bridge, &n.address,
					&n.vlan, &n.active, &n.autostart)) > 0) {
		if (ctl->json)
			network_json(&list.json, &n);
		else
			network_row(&list.table, &n);
	}
	listing_end(&list);
	return r < 0 ? ctl_bad_reply(r) : EXIT_SUCCESS;
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
	int option;

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
	return ctl_done_if(ctl_call(ctl, "CreateNetwork", NULL, "ssssu", argv[optind + 1],
				    *bridge ? "bridge" : "nat", bridge, address, vlan),
			   argv[optind + 1], "created");
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
	for (size_t i = 0; argc == 3 && i < ARRAY_SIZE(simple); i++) {
		if (strcmp(simple[i].word, argv[1]) == 0)
			return ctl_done_if(ctl_call(ctl, simple[i].member, NULL, "s", argv[2]),
					   argv[2], "%s", simple[i].done);
	}
	return ctl_usage(argv[0]);
}

const struct verb network_verbs[] = {
	{"network", "[list | create NAME [OPTION]… | delete NAME | start NAME | stop NAME]",
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
