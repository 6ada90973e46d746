/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host, top, stop-all.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bus/names.h"
#include "config/units.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/terminal.h"
#include "ctl/value.h"

/* ── a{sv} of simple values ────────────────────────────────────────────────────────────────── */

static void print_pair(struct json *json, bool as_json, const char *key, const char *text,
		       uint64_t number, char type)
{
	char value[64];

	value_format(key, number, value, sizeof(value));
	if (as_json && type == 's')
		json_string(json, key, text);
	else if (as_json && type == 'b')
		json_bool(json, key, number != 0);
	else if (as_json)
		json_number(json, key, number);
	else if (type == 's')
		printf("%-22s %s\n", key, *text ? text : "none");
	else if (type == 'b')
		printf("%-22s %s\n", key, number ? "yes" : "no");
	else
		printf("%-22.*s %s\n", value_label_length(key), key, value);
}

/* `version` of Keelson comes first; NULL: it is not asked for. */
static int print_dictionary(struct ctl *ctl, sd_bus_message *reply, const char *version)
{
	int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
	struct json json;

	json_begin(&json, stdout);
	if (ctl->json)
		json_open(&json, NULL, '{');
	if (version)
		print_pair(&json, ctl->json, "Keelson", version, 0, 's');
	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
		const char *key, *contents, *text = "";
		uint32_t u = 0;
		uint64_t t = 0;

		r = sd_bus_message_read(reply, "s", &key);
		if (r >= 0)
			r = sd_bus_message_peek_type(reply, NULL, &contents);
		if (r < 0)
			break;
		r = sd_bus_message_read(reply, "v", contents,
					*contents == 's'   ? (void *)&text
					: *contents == 't' ? (void *)&t
							   : (void *)&u);
		print_pair(&json, ctl->json, key, text, t + u, *contents);
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	if (ctl->json) {
		json_close(&json, '}');
		json_end(&json);
	}
	return r < 0 ? ctl_bad_reply(r) : EXIT_SUCCESS;
}

static int run_host(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_free_ char *version = NULL;
	int r;

	if (!ctl_arguments(argc, argv, 0, 0) || ctl_call(ctl, "GetHost", &reply, "") < 0)
		return EXIT_FAILURE;
	r = sd_bus_get_property_string(ctl->bus, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
				       "Version", NULL, &version);
	return r < 0 ? ctl_bad_reply(r) : print_dictionary(ctl, reply, version);
}

static int run_metrics(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;

	if (!ctl_arguments(argc, argv, 1, 1) ||
	    ctl_call(ctl, "GetVMMetrics", &reply, "s", argv[1]) < 0)
		return EXIT_FAILURE;
	return print_dictionary(ctl, reply, NULL);
}

/* ── top ───────────────────────────────────────────────────────────────────────────────────── */

struct sample {
	char name[80];
	uint64_t cpu_ns, rss_kib, disk_bytes, net_bytes;
};

struct samples {
	size_t count;
	struct sample items[512];
	uint64_t at_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int sample_one(struct ctl *ctl, const char *name, struct sample *sample)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	int r = ctl_call(ctl, "GetVMMetrics", &reply, "s", name);

	if (r < 0)
		return r;
	memset(sample, 0, sizeof(*sample));
	snprintf(sample->name, sizeof(sample->name), "%s", name);
	r = sd_bus_message_enter_container(reply, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
		uint64_t value = 0;
		const char *key;

		r = sd_bus_message_read(reply, "sv", &key, "t", &value);
		if (r < 0)
			break;
		if (strcmp(key, "WorkerCPUNSec") == 0)
			sample->cpu_ns = value;
		else if (strcmp(key, "WorkerMemoryKiB") == 0)
			sample->rss_kib = value;
		else if (strncmp(key, "Disk", 4) == 0 && strstr(key, "Bytes"))
			sample->disk_bytes += value;
		else if (strncmp(key, "Network", 7) == 0)
			sample->net_bytes += value;
		r = sd_bus_message_exit_container(reply);
	}
	return r;
}

/* Of the machine `only` alone, by name or UUID, or of all that are on. */
static int sample_all(struct ctl *ctl, const char *only, struct samples *samples)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *uuid, *name, *power;
	int r = ctl_call(ctl, "ListVMs", &reply, "");

	samples->count = 0;
	samples->at_ns = now_ns();
	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(reply, 'a', "(sssssutboo)");
	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sssssutboo")) > 0) {
		r = sd_bus_message_read(reply, "sss", &uuid, &name, &power);
		if (r >= 0 && (!only || strcmp(only, name) == 0 || strcasecmp(only, uuid) == 0) &&
		    strcmp(power, "off") != 0 && strcmp(power, "saved") != 0 &&
		    samples->count < ARRAY_SIZE(samples->items) &&
		    sample_one(ctl, name, &samples->items[samples->count]) >= 0)
			samples->count++;
		if (r >= 0)
			r = sd_bus_message_skip(reply, "ssutboo");
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	return r;
}

static const struct sample *find_sample(const struct samples *samples, const char *name)
{
	for (size_t i = 0; i < samples->count; i++) {
		if (strcmp(samples->items[i].name, name) == 0)
			return &samples->items[i];
	}
	return NULL;
}

/* A machine that was started anew counts from 0 again. */
static uint64_t since(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static double cpu_percent(const struct sample *old, const struct sample *new, double seconds)
{
	return (double)since(old->cpu_ns, new->cpu_ns) / 1e7 / seconds;
}

static uint64_t per_second(uint64_t before, uint64_t now, double seconds)
{
	return (uint64_t)((double)since(before, now) / seconds);
}

static void top_row(struct table *table, const struct sample *old, const struct sample *new,
		    double seconds)
{
	char cpu[32], memory[32], disk[32], net[32];

	snprintf(cpu, sizeof(cpu), "%.1f", cpu_percent(old, new, seconds));
	units_format_size(new->rss_kib * 1024, memory, sizeof(memory));
	units_format_size(per_second(old->disk_bytes, new->disk_bytes, seconds), disk,
			  sizeof(disk));
	units_format_size(per_second(old->net_bytes, new->net_bytes, seconds), net, sizeof(net));
	table_row(table, (const char *[]){new->name, cpu, memory, disk, net});
}

static void print_top(const struct samples *old, const struct samples *new)
{
	static const char *const headings[] = {"NAME", "CPU %", "MEMORY", "DISK/s", "NETWORK/s"};
	double seconds = (double)(new->at_ns - old->at_ns) / 1e9;
	struct table table;

	table_begin(&table, ARRAY_SIZE(headings), headings);
	for (size_t i = 0; i < new->count; i++) {
		const struct sample *before = find_sample(old, new->items[i].name);

		if (before)
			top_row(&table, before, &new->items[i], seconds);
	}
	table_end(&table);
}

static void top_json(const struct samples *old, const struct samples *new)
{
	double seconds = (double)(new->at_ns - old->at_ns) / 1e9;
	struct json json;

	json_begin(&json, stdout);
	json_open(&json, NULL, '[');
	for (size_t i = 0; i < new->count; i++) {
		const struct sample *after = &new->items[i];
		const struct sample *before = find_sample(old, after->name);

		if (!before)
			continue;
		json_open(&json, NULL, '{');
		json_string(&json, "name", after->name);
		json_fraction(&json, "cpu_percent", cpu_percent(before, after, seconds));
		json_number(&json, "memory_kib", after->rss_kib);
		json_number(&json, "disk_bytes", since(before->disk_bytes, after->disk_bytes));
		json_number(&json, "network_bytes", since(before->net_bytes, after->net_bytes));
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_end(&json);
	fflush(stdout);
}

#define CTRL_C 3

/* True when q or Ctrl-C was typed within the interval, or nobody can type any more. */
static bool wait_or_quit(void)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
	char key = 0;

	if (!isatty(STDIN_FILENO)) {
		poll(NULL, 0, 1000);
		return false;
	}
	if (poll(&fd, 1, 1000) <= 0)
		return false;
	return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == CTRL_C;
}

static int run_top(struct ctl *ctl, int argc, char **argv)
{
	static struct samples samples[2];
	const char *only = NULL;
	long rounds = -1;

	if (!ctl_arguments(argc, argv, 0, 2))
		return EXIT_FAILURE;
	for (int i = 1; i < argc; i++) {
		_cleanup_free_ char *path = NULL;

		if (argv[i][strspn(argv[i], "0123456789")] == '\0')
			rounds = strtol(argv[i], NULL, 10);
		else if (only || !(path = ctl_vm_path(ctl, argv[i])))
			return only ? ctl_usage(argv[0]) : EXIT_FAILURE;
		else
			only = argv[i];
	}
	if (sample_all(ctl, only, &samples[0]) < 0)
		return EXIT_FAILURE;
	terminal_take(false);
	for (int turn = 1; rounds != 0; turn ^= 1, rounds -= rounds > 0) {
		if (wait_or_quit())
			break;
		if (sample_all(ctl, only, &samples[turn]) < 0)
			return EXIT_FAILURE;
		if (ctl->json) {
			top_json(&samples[turn ^ 1], &samples[turn]);
			continue;
		}
		if (isatty(STDOUT_FILENO))
			printf("\033[H\033[J");
		print_top(&samples[turn ^ 1], &samples[turn]);
	}
	return EXIT_SUCCESS;
}

/* ── host shutdown ─────────────────────────────────────────────────────────────────────────── */

/* Machines that are not off; -errno, without a word, while the daemon is not there. */
static int count_running(struct ctl *ctl)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *power;
	int count = 0, r = sd_bus_call_method(ctl->bus, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
					      "ListVMs", NULL, &reply, "");

	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(reply, 'a', "(sssssutboo)");
	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sssssutboo")) > 0) {
		r = sd_bus_message_read(reply, "sss", NULL, NULL, &power);
		count += r >= 0 && strcmp(power, "off") != 0 && strcmp(power, "saved") != 0;
		if (r >= 0)
			r = sd_bus_message_skip(reply, "ssutboo");
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	return r < 0 ? r : count;
}

enum { POLL_MS = 500, PATIENCE = 120 }; /* a minute for a daemon that is being restarted */

static int wait_for_stop(struct ctl *ctl)
{
	int left, before = -1, failures = 0;

	while ((left = count_running(ctl)) != 0) {
		failures = left < 0 ? failures + 1 : 0;
		if (failures > PATIENCE) {
			ctl_fail("The daemon does not answer any more: %s", strerror(-left));
			return EXIT_FAILURE;
		}
		if (left > 0 && left != before)
			printf("%d machines are still running\n", left);
		fflush(stdout);
		before = left;
		poll(NULL, 0, POLL_MS);
	}
	return EXIT_SUCCESS;
}

static int run_stop_all(struct ctl *ctl, int argc, char **argv)
{
	if (!ctl_arguments(argc, argv, 0, 0) || ctl_call(ctl, "StopAll", NULL, "") < 0)
		return EXIT_FAILURE;
	return ctl->no_wait ? EXIT_SUCCESS : wait_for_stop(ctl);
}

const struct verb host_verbs[] = {
	{"host", "", "show the host: hypervisor, memory, processors", NULL, run_host, ""},
	{"top", "[VM] [ROUNDS]", "show what machines use, second by second",
	 "q, or Ctrl-C, leaves; so does the end of that many rounds.\n", run_top, "vm"},
	{"metrics", "VM", "show a machine's counters", NULL, run_metrics, "vm"},
	{"stop-all", "", "stop all machines by their stop actions, in order",
	 "What the service keelson-guests does at the host's shutdown. What would start by "
	 "itself\nmeanwhile, after a crash or at the host's boot, does not.\n",
	 run_stop_all, ""},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
