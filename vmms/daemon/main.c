/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmms, the virtual machine management service: command line, loop, signals, systemd.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bus/bus.h"
#include "config/domain_xml.h"
#include "daemon/journal.h"
#include "daemon/manager.h"
#include "daemon/metrics.h"
#include "store/backup.h"

static void usage(void)
{
	printf("Usage: vmms [OPTION]…\n"
	       "The virtual machine management service of Keelson; usually started by systemd.\n\n"
	       "  --config FILE        settings (default /etc/keelson/vmms.conf)\n"
	       "  --set SETTING=VALUE  one setting, over the file's; may be repeated\n"
	       "  --state-dir DIR      short for --set StateDirectory=DIR\n"
	       "  --runtime-dir DIR    short for --set RuntimeDirectory=DIR\n"
	       "  --restore-config FILE\n"
	       "                       make a backup (vmctl backup-config) the inventory, and "
	       "end;\n"
	       "                       the service has to be stopped, machines may run on\n"
	       "  --debug              log more\n"
	       "  --version\n"
	       "  --help\n");
}

enum {
	OPTION_CONFIG = 256,
	OPTION_SET,
	OPTION_STATE,
	OPTION_RUNTIME,
	OPTION_RESTORE,
	OPTION_DEBUG,
	OPTION_VERSION,
	OPTION_HELP
};

static const struct option options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"set", required_argument, NULL, OPTION_SET},
	{"state-dir", required_argument, NULL, OPTION_STATE},
	{"runtime-dir", required_argument, NULL, OPTION_RUNTIME},
	{"restore-config", required_argument, NULL, OPTION_RESTORE},
	{"debug", no_argument, NULL, OPTION_DEBUG},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static int set_pair(struct settings *settings, char *pair, struct vm_error *err)
{
	char *equals = strchr(pair, '=');

	if (!equals)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT, "'%s' is not SETTING=VALUE",
				    pair);
	*equals = '\0';
	return settings_set(settings, pair, equals + 1, err);
}

static int apply_option(struct settings *settings, int option, struct vm_error *err)
{
	switch (option) {
	case OPTION_SET:
		return set_pair(settings, optarg, err);
	case OPTION_STATE:
		return settings_set(settings, "StateDirectory", optarg, err);
	case OPTION_RUNTIME:
		return settings_set(settings, "RuntimeDirectory", optarg, err);
	default:
		return 0;
	}
}

struct command_line {
	const char *config;
	const char *restore; /* the backup to be restored instead of a run; NULL: none */
	bool debug;
	int exit_status; /* -1: go on */
};

/* First what is not a setting: the file comes before the settings that override it. */
static struct command_line look_at(int argc, char **argv)
{
	struct command_line line = {"/etc/keelson/vmms.conf", NULL, false, -1};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPTION_CONFIG)
			line.config = optarg;
		else if (option == OPTION_RESTORE)
			line.restore = optarg;
		else if (option == OPTION_DEBUG)
			line.debug = true;
		else if (option == OPTION_VERSION)
			printf("vmms %s\n", KEELSON_VERSION), line.exit_status = EXIT_SUCCESS;
		else if (option == OPTION_HELP)
			usage(), line.exit_status = EXIT_SUCCESS;
		else if (option == '?')
			line.exit_status = EXIT_FAILURE;
	}
	if (optind < argc) {
		fprintf(stderr, "vmms: unexpected argument '%s'\n", argv[optind]);
		line.exit_status = EXIT_FAILURE;
	}
	return line;
}

static int read_settings(struct settings *settings, const char *file, int argc, char **argv,
			 struct vm_error *err)
{
	int option, r = settings_init(settings);

	if (r < 0)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	r = settings_read(settings, file, err);
	optind = 1;
	while (r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		r = apply_option(settings, option, err);
	return r;
}

/* ── loop ──────────────────────────────────────────────────────────────────────────────────── */

struct daemon {
	struct manager manager;
	struct bus *bus;
	struct ev_loop *loop;
	ev_signal terminate, interrupt;
	ev_timer watchdog;
	bool failed;
};

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

/* Without the bus nobody can reach the daemon; systemd starts it again, machines run on. */
static void on_bus_lost(void *data)
{
	struct daemon *daemon = data;

	log_error("The connection to the bus is lost");
	daemon->failed = true;
	ev_break(daemon->loop, EVBREAK_ALL);
}

static void on_watchdog(struct ev_loop *loop, ev_timer *watcher, int events)
{
	sd_notify(0, "WATCHDOG=1");
}

static void start_watchdog(struct daemon *daemon)
{
	uint64_t interval = 0;

	ev_init(&daemon->watchdog, on_watchdog);
	if (sd_watchdog_enabled(0, &interval) <= 0)
		return;
	ev_timer_set(&daemon->watchdog, (double)interval / 2e6, (double)interval / 2e6);
	ev_timer_start(daemon->loop, &daemon->watchdog);
}

static int run(struct daemon *daemon, struct vm_error *err)
{
	int r = manager_init(&daemon->manager, daemon->loop, err);

	if (r == 0)
		r = bus_open(&daemon->manager, on_bus_lost, daemon, &daemon->bus, err);
	if (r < 0)
		return r;
	ev_signal_init(&daemon->terminate, on_signal, SIGTERM);
	ev_signal_init(&daemon->interrupt, on_signal, SIGINT);
	ev_signal_start(daemon->loop, &daemon->terminate);
	ev_signal_start(daemon->loop, &daemon->interrupt);
	start_watchdog(daemon);
	r = manager_begin(&daemon->manager, err);
	if (r < 0)
		return r;
	metrics_start(&daemon->manager);
	sd_notifyf(0, "READY=1\nSTATUS=%zu machines", daemon->manager.vm_count);
	log_info("Ready: %zu machines", daemon->manager.vm_count);
	ev_run(daemon->loop, 0);
	sd_notify(0, "STOPPING=1");
	return daemon->failed ? -EIO : 0;
}

/* ── restoring ─────────────────────────────────────────────────────────────────────────────── */

static int restore(const struct settings *settings, const char *from, struct vm_error *err)
{
	_cleanup_free_ char *path = NULL;
	struct store_restored restored;
	int r;

	if (asprintf(&path, "%s/vmms.db", settings->state_dir) < 0) {
		path = NULL;
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	r = store_restore(from, path, &restored, err);
	if (r < 0)
		return r;
	printf("%zu machines are in the inventory %s.\n", restored.vms, path);
	if (restored.kept)
		printf("The one from before is kept as %s.\n", restored.kept);
	if (restored.abandoned)
		printf("%zu machines that the backup does not know may be running still; their "
		       "processes ('systemctl list-units keelson\\*.scope') are nobody's now.\n",
		       restored.abandoned);
	store_restored_free(&restored);
	return 0;
}

int main(int argc, char **argv)
{
	struct daemon daemon = {0};
	struct vm_error err = {0};
	struct command_line line = look_at(argc, argv);
	int r;

	if (line.exit_status >= 0)
		return line.exit_status;
	log_init("vmms", line.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		 getenv("JOURNAL_STREAM") != NULL);
	journal_init(getenv("JOURNAL_STREAM") != NULL);
	daemon.manager.caller = CALLER_DAEMON;
	signal(SIGPIPE, SIG_IGN);
	domain_xml_init();
	daemon.loop = ev_default_loop(EVFLAG_NOENV);
	if (!daemon.loop)
		return EXIT_FAILURE;
	r = read_settings(&daemon.manager.settings, line.config, argc, argv, &err);
	if (r == 0 && line.restore) {
		r = restore(&daemon.manager.settings, line.restore, &err);
	} else if (r == 0) {
		r = run(&daemon, &err);
	}
	if (r < 0 && err.code)
		log_error("%s", err.text);
	daemon.bus = bus_close(daemon.bus);
	if (daemon.manager.loop) {
		metrics_stop(&daemon.manager);
		manager_fini(&daemon.manager);
	} else {
		settings_fini(&daemon.manager.settings);
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
