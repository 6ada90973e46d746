/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps. Each ends with next(), or with finish().
 */
#include "net/network_work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/task.h"
#include "net/command.h"
#include "net/dnsmasq.h"
#include "net/link.h"
#include "net/ranges.h"
#include "net/rules.h"

struct network_work {
	struct network *network;
	void (*done)(struct network *network, const struct vm_error *err);
	void (*const *steps)(struct network_work *work); /* NULL at the end */
	/* what the thread sees and finds */
	struct task task;
	bool on_thread;
	struct network seen;
	char *runtime_dir;
	uint32_t *candidates; /* addresses to choose from; NULL: the one it has */
	size_t candidate_count;
	/* or the other program */
	struct command *command;
	char *chains; /* of other firewalls, by nft; the one that is looked at, and how many were */
	struct rules_chain chain;
	unsigned int chains_seen;
};

/* ── the machinery ─────────────────────────────────────────────────────────────────────────── */

static void work_free(struct network_work *work)
{
	free(work->runtime_dir);
	free(work->candidates);
	free(work->chains);
	free(work);
}

static struct network_work *work_new(struct network *network,
				     void (*done)(struct network *network,
						  const struct vm_error *err),
				     void (*const *steps)(struct network_work *work))
{
	struct network_work *work = calloc(1, sizeof(*work));

	if (!work || !(work->runtime_dir = strdup(network->manager->settings.runtime_dir))) {
		free(work);
		return NULL;
	}
	work->network = network;
	work->done = done;
	work->steps = steps;
	return work;
}

static void finish(struct network_work *work, const struct vm_error *err)
{
	struct network *network = work->network;
	void (*done)(struct network * network, const struct vm_error *err) = work->done;

	network->work = NULL;
	work_free(work);
	done(network, err);
}

static void next(struct network_work *work)
{
	void (*step)(struct network_work * work) = *work->steps++;

	if (step)
		step(work);
	else
		finish(work, NULL);
}

static void no_progress(struct task *task, unsigned int permille)
{
}

static void run_on_thread(struct network_work *work, int (*run)(struct task *task),
			  void (*done)(struct task *task))
{
	struct vm_error err = {0};
	int r;

	memset(&work->task, 0, sizeof(work->task));
	work->seen = *work->network; /* its name lives as long as the work */
	work->task.run = run;
	work->task.progress = no_progress;
	work->task.done = done;
	work->task.data = work;
	work->on_thread = true;
	r = task_start(&work->task, work->network->manager->loop);
	if (r == 0)
		return;
	work->on_thread = false;
	(void)vm_error_set_errno(&err, VM_ERROR_NETWORK, -r, "A thread");
	finish(work, &err);
}

static void run_nft(struct network_work *work, const char *const argv[], const char *input,
		    void (*done)(void *data, const char *output, const struct vm_error *err))
{
	struct vm_error err = {0};

	if (command_start(work->network->manager->loop, argv, input, done, work, &work->command,
			  &err) < 0)
		done(work, "", &err);
}

/* ── up: the interface, on a thread ────────────────────────────────────────────────────────── */

static void own_alias(const struct network *network, char alias[static 64])
{
	snprintf(alias, 64, "keelson network %.40s", network->name);
}

/* One of an earlier version has no alias: its name is what tells it, one that we have made up. */
static bool is_own(const struct network *network, const struct link_info *info)
{
	char alias[64];

	own_alias(network, alias);
	return info->bridge && (strcmp(info->alias, alias) == 0 ||
				(!*info->alias && strncmp(network->bridge, "kbr", 3) == 0));
}

static int link_failed(const struct network *network, int r, const char *what, struct vm_error *err)
{
	return vm_error_set_errno(err, VM_ERROR_NETWORK, -r, "Network %s: %s %s", network->name,
				  what, network->bridge);
}

static int check_range(const struct network_work *work, const struct ranges *ranges,
		       struct vm_error *err)
{
	char what[128], own[32];

	if (!ranges_overlap(ranges, work->seen.address, work->seen.prefix, what, sizeof(what)))
		return 0;
	network_format_address(&work->seen, own, sizeof(own));
	return vm_error_set(
		err, VM_ERROR_NETWORK_EXISTS,
		"Network %s: the address range of %s overlaps %s; give another one with "
		"--address",
		work->seen.name, own, what);
}

static int choose_range(struct network_work *work, const struct ranges *ranges,
			struct vm_error *err)
{
	char what[128];

	for (size_t i = 0; i < work->candidate_count; i++) {
		work->seen.address = work->candidates[i];
		if (!ranges_overlap(ranges, work->seen.address, work->seen.prefix, what,
				    sizeof(what)))
			return 0;
	}
	return vm_error_set(
		err, VM_ERROR_NETWORK_EXISTS,
		"Network %s: the host uses all address ranges that were tried, the last "
		"one as %s; give one with --address",
		work->seen.name, work->candidate_count ? what : "another network's");
}

static int settle_range(struct network_work *work, struct vm_error *err)
{
	struct ranges *ranges = NULL;
	int r = ranges_read(work->seen.bridge, &ranges);

	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_NETWORK, -r,
					  "The host's addresses and routes cannot be read");
	r = work->candidates ? choose_range(work, ranges, err) : check_range(work, ranges, err);
	ranges_free(ranges);
	return r;
}

static int settle_bridge(const struct network *network, struct vm_error *err)
{
	struct link_info info;
	char alias[64];
	int r = link_get(network->bridge, &info);

	own_alias(network, alias);
	if (r == -ENODEV)
		r = link_add_bridge(network->bridge, alias);
	else if (r == 0 && !is_own(network, &info))
		return vm_error_set(
			err, VM_ERROR_NETWORK,
			"Network %s: there is an interface %s already, which is not the network's "
			"own; choose another name, or none",
			network->name, network->bridge);
	else if (r == 0 && !*info.alias)
		r = link_set_alias(network->bridge, alias);
	return r < 0 ? link_failed(network, r, "bridge", err) : 0;
}

/* As root outside of the service's narrow view; within it the unit of dnsmasq does the same. */
static void write_setting(const char *path, const char *value)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_full(fd, value, strlen(value)) < 0)
		log_debug("%s: %s", path, strerror(errno));
}

static void set_up_kernel(const struct network *network)
{
	char path[128];

	write_setting("/proc/sys/net/ipv4/ip_forward", "1\n");
	/* The rules drop what comes by IPv6; this makes the host not even speak it there. */
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", network->bridge);
	write_setting(path, "1\n");
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", network->bridge);
	write_setting(path, "0\n");
}

static int run_link(struct task *task)
{
	struct network_work *work = task->data;
	struct network *network = &work->seen;
	struct link_info info;
	int r = 0;

	/* One that is there already has its range; whoever has come into it since is not told here. */
	if (link_get(network->bridge, &info) < 0)
		r = settle_range(work, &task->err);
	if (r == 0)
		r = settle_bridge(network, &task->err);
	if (r < 0)
		return r;
	set_up_kernel(network);
	r = link_set_up(network->bridge, true);
	if (r == 0)
		r = link_add_address(network->bridge, network->address, network->prefix);
	if (r < 0)
		return link_failed(network, r, "bridge", &task->err);
	r = dnsmasq_write_configuration(network, work->runtime_dir);
	return r < 0 ? link_failed(network, r, "configuration of dnsmasq for", &task->err) : 0;
}

static void on_link(struct task *task)
{
	struct network_work *work = task->data;

	work->on_thread = false;
	work->network->address = work->seen.address;
	if (task->result < 0) {
		struct vm_error err = task->err; /* in what is freed */

		finish(work, &err);
		return;
	}
	next(work);
}

static void step_link(struct network_work *work)
{
	run_on_thread(work, run_link, on_link);
}

/* ── up: rules ─────────────────────────────────────────────────────────────────────────────── */

static void on_rules(void *data, const char *output, const struct vm_error *err)
{
	struct network_work *work = data;

	work->command = NULL;
	if (err)
		finish(work, err);
	else
		next(work);
}

static void step_rules(struct network_work *work)
{
	char script[RULES_SIZE];

	rules_format(work->network, script);
	run_nft(work, rules_nft, script, on_rules);
}

/* The host is safe without; machines of one network may then advertise routers to each other. */
static void on_guard(void *data, const char *output, const struct vm_error *err)
{
	struct network_work *work = data;

	work->command = NULL;
	if (err)
		log_warning("Network %s: no guard against router advertisements between machines: "
			    "%s",
			    work->network->name, err->text);
	next(work);
}

static void step_guard(struct network_work *work)
{
	char script[RULES_SIZE];

	rules_format_guard(work->network, script);
	run_nft(work, rules_nft, script, on_guard);
}

/* In the way of its machines: for whoever lists it, log and events. */
static void warn(struct network_work *work)
{
	struct network *network = work->network;
	char text[640];

	rules_format_warning(&work->chain, network->bridge, text, sizeof(text));
	network->warning = strdup(text);
	log_warning("Network %s: %s", network->name, text);
	manager_event(network->manager, NULL, "network", "%s: %s", network->name, text);
}

static void look_at_chain(struct network_work *work);

static void on_chain(void *data, const char *output, const struct vm_error *err)
{
	struct network_work *work = data;

	work->command = NULL;
	if (err || rules_let_through(output, work->network->bridge)) {
		work->chains_seen++;
		look_at_chain(work);
		return;
	}
	warn(work);
	next(work);
}

static void look_at_chain(struct network_work *work)
{
	const struct rules_chain *chain = &work->chain;
	const char *const argv[] = {"nft",        "list",      "chain", chain->family,
				    chain->table, chain->name, NULL};

	if (work->chains && rules_find_drop(work->chains, work->chains_seen, &work->chain))
		run_nft(work, argv, "", on_chain);
	else
		next(work);
}

static void on_firewall(void *data, const char *output, const struct vm_error *err)
{
	struct network_work *work = data;
	struct network *network = work->network;

	work->command = NULL;
	free(network->warning);
	network->warning = NULL;
	if (!err)
		work->chains = strdup(output);
	look_at_chain(work);
}

static void step_firewall(struct network_work *work)
{
	run_nft(work, rules_chains, "", on_firewall);
}

/* ── up and down: dnsmasq ──────────────────────────────────────────────────────────────────── */

static void on_dnsmasq(struct network *network, const struct vm_error *err)
{
	if (!network->work)
		return;
	if (err)
		finish(network->work, err);
	else
		next(network->work);
}

static void step_dnsmasq(struct network_work *work)
{
	dnsmasq_start(work->network->dnsmasq, on_dnsmasq);
}

static void on_dnsmasq_stopped(struct network *network, const struct vm_error *err)
{
	if (!network->work)
		return;
	if (err)
		log_warning("Network %s: %s", network->name, err->text);
	next(network->work);
}

static void step_no_dnsmasq(struct network_work *work)
{
	dnsmasq_stop(work->network->dnsmasq, on_dnsmasq_stopped);
}

/* ── down ──────────────────────────────────────────────────────────────────────────────────── */

static void on_no_rules(void *data, const char *output, const struct vm_error *err)
{
	struct network_work *work = data;

	work->command = NULL;
	if (err)
		log_warning("Network %s: its rules may be left: %s", work->network->name,
			    err->text);
	next(work);
}

static void step_no_rules(struct network_work *work)
{
	char script[RULES_SIZE];

	rules_format_removal(work->network, script);
	run_nft(work, rules_nft, script, on_no_rules);
}

static void on_no_guard(void *data, const char *output, const struct vm_error *err)
{
	struct network_work *work = data;

	work->command = NULL; /* where it could not be made it cannot be removed either */
	next(work);
}

static void step_no_guard(struct network_work *work)
{
	char script[RULES_SIZE];

	rules_format_guard_removal(work->network, script);
	run_nft(work, rules_nft, script, on_no_guard);
}

static int run_no_link(struct task *task)
{
	const struct network *network = &((struct network_work *)task->data)->seen;
	struct link_info info;
	int r = link_get(network->bridge, &info);

	if (r == 0 && !is_own(network, &info))
		return 0; /* somebody else's */
	if (r == 0)
		r = link_set_up(network->bridge, false);
	if (r == 0)
		r = link_remove(network->bridge);
	if (r < 0 && r != -ENODEV)
		log_warning("Network %s: bridge %s stays: %s", network->name, network->bridge,
			    strerror(-r));
	return 0;
}

static void on_no_link(struct task *task)
{
	struct network_work *work = task->data;

	work->on_thread = false;
	next(work);
}

static void step_no_link(struct network_work *work)
{
	run_on_thread(work, run_no_link, on_no_link);
}

/* ── the bridge of somebody else ───────────────────────────────────────────────────────────── */

static int run_look(struct task *task)
{
	const struct network *network = &((struct network_work *)task->data)->seen;

	if (link_is_bridge(network->bridge))
		return 0;
	return vm_error_set(
		&task->err, VM_ERROR_NETWORK,
		"Network %s: there is no bridge %s; make it, or leave --bridge away for "
		"one with address translation",
		network->name, network->bridge);
}

static void step_look(struct network_work *work)
{
	run_on_thread(work, run_look, on_link);
}

/* ── begin ─────────────────────────────────────────────────────────────────────────────────── */

static void (*const nat_up[])(struct network_work *work) = {
	step_link, step_rules, step_guard, step_firewall, step_dnsmasq, NULL,
};
static void (*const nat_down[])(struct network_work *work) = {
	step_no_dnsmasq, step_no_rules, step_no_guard, step_no_link, NULL,
};
static void (*const joined_up[])(struct network_work *work) = {step_look, NULL};

/* 10.77.n.1, 172.29.n.1, 192.168.n.1, each with 24 bits, those that no network of ours has. */
static int list_candidates(struct network_work *work)
{
	static const uint32_t begins[] = {0x0a4d0001, 0xac1d0001, 0xc0a80001};

	work->candidates = calloc(ARRAY_SIZE(begins) * 254, sizeof(*work->candidates));
	if (!work->candidates)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		for (uint32_t n = 1; n < 255; n++) {
			if (!network_overlapping(work->network, begins[i] | n << 8, 24))
				work->candidates[work->candidate_count++] = begins[i] | n << 8;
		}
	}
	return 0;
}

int network_work_up(struct network *network, bool any_address,
		    void (*done)(struct network *network, const struct vm_error *err),
		    struct vm_error *err)
{
	struct network_work *work;
	int r = network->nat ? command_check("nft", "nftables", err) : 0;

	if (r == 0 && network->nat)
		r = command_check("dnsmasq", "dnsmasq-base", err);
	if (r < 0)
		return r;
	work = work_new(network, done, network->nat ? nat_up : joined_up);
	if (!work || (any_address && list_candidates(work) < 0)) {
		if (work)
			work_free(work);
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	network->work = work;
	next(work);
	return 0;
}

int network_work_down(struct network *network,
		      void (*done)(struct network *network, const struct vm_error *err),
		      struct vm_error *err)
{
	static void (*const nothing[])(struct network_work * work) = {NULL};
	struct network_work *work = work_new(network, done, network->nat ? nat_down : nothing);

	if (!work)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	network->work = work;
	next(work);
	return 0;
}

void network_work_abandon(struct network *network)
{
	struct network_work *work = network->work;

	if (!work)
		return;
	if (work->on_thread)
		task_abandon(&work->task);
	command_abandon(work->command);
	network->work = NULL;
	work_free(work);
}
