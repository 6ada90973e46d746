/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: from words or from the daemon's socket to a loop, and to an exit status.
 */
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sandbox.h"
#include "worker_private.h"

static int make_base(struct worker *w)
{
	int r = worker_make_base(w);

	if (r == 0)
		r = worker_open_terminals(w);
	if (r < 0)
		return r;
	worker_watch_signals(w);
	r = w->options->sandbox ? sandbox_enter() : 0;
	if (r < 0)
		return worker_fail(w, r, "the sandbox cannot be entered: %s", strerror(-r));
	return 0;
}

static int close_others(const struct worker *w)
{
	const struct config *config = &w->config;
	int keep[CONFIG_FILES + CONFIG_SERIALS];
	size_t n = 0;

	keep[n++] = config->partition_fd;
	keep[n++] = config->firmware_fd;
	keep[n++] = config->kernel_fd;
	keep[n++] = config->initrd_fd;
	keep[n++] = config->debug_fd;
	for (unsigned int i = 0; i < CONFIG_DRIVES; i++)
		keep[n++] = config->drive[i].fd;
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		keep[n++] = config->serial[i].fd;
	return sandbox_close_others(keep, n);
}

static void set_default(struct config *config, enum config_file file, const char *path)
{
	if (path)
		snprintf(config->path[file], CONFIG_PATH_MAX, "%s", path);
}

static void set_defaults(struct worker *w)
{
	struct config *config = &w->config;

	if (config->partition_fd < 0 && !*config->path[CONFIG_PARTITION])
		set_default(config, CONFIG_PARTITION, w->options->default_device);
	if (config->kernel_fd < 0 && !*config->path[CONFIG_KERNEL] && config->firmware_fd < 0 &&
	    !*config->path[CONFIG_FIRMWARE])
		set_default(config, CONFIG_FIRMWARE, w->options->default_firmware);
}

static int read_config(struct worker *w, int count, char *const *words)
{
	struct config_error error;
	int r;

	r = config_arguments(&w->config, count, words, &error);
	set_defaults(w);
	if (r == 0)
		r = config_check(&w->config, &error);
	if (r == 0)
		r = config_open(&w->config, &error);
	if (r < 0)
		return worker_fail(w, r, "%s", error.text);
	r = close_others(w);
	return r < 0 ? worker_fail(w, r, "descriptors: %s", strerror(-r)) : 0;
}

/* Started by hand. */
static int prepare_by_words(struct worker *w, int count, char *const *words)
{
	int r = read_config(w, count, words);

	if (r == 0)
		r = make_base(w);
	return r < 0 ? r : worker_power_on(w);
}

static bool is_controlled(int count, char *const *words)
{
	return count > 0 && strcmp(words[0], "--control-fd") == 0;
}

/* Started by the daemon: the loop runs, and the machine is made when it says so. */
static int prepare_by_daemon(struct worker *w, int count, char *const *words)
{
	char *end = NULL;
	long fd = count > 1 ? strtol(words[1], &end, 10) : -1;
	int keep = (int)fd;
	int r;

	if (count != 6 || *end || fd < 0 || fd > INT32_MAX || strcmp(words[2], "--uuid") != 0 ||
	    strcmp(words[4], "--nonce-fd") != 0)
		return worker_fail(w, -EINVAL,
				   "usage: vmwp --control-fd FD --uuid UUID --nonce-fd FD");
	r = worker_control_init(w, keep, words[3], words[5]);
	if (r == 0 && sandbox_close_others(&keep, 1) < 0)
		r = worker_fail(w, -EBADF, "descriptors cannot be closed");
	if (r == 0)
		r = make_base(w);
	if (r < 0)
		return r;
	worker_control_start(w);
	return 0;
}

static void run(struct worker *w, int count, char *const *words)
{
	int r = is_controlled(count, words) ? prepare_by_daemon(w, count, words)
					    : prepare_by_words(w, count, words);

	if (r < 0) {
		log_error("%s", w->error);
		return;
	}
	ev_run(w->loop, 0);
	vcpus_stop(&w->vcpus);
}

int worker_main(int count, char *const *words, const struct worker_options *options)
{
	struct worker *w = calloc(1, sizeof *w);
	int status;

	log_init("vmwp", LOG_LEVEL_INFO, false);
	if (!w) {
		log_error("there is not enough memory");
		return WORKER_BAD_START;
	}
	config_init(&w->config);
	w->options = options;
	w->timer_fd = w->debug_fd = w->meminfo_fd = -1;
	w->status = WORKER_BAD_START;
	run(w, count, words);
	status = w->status;
	worker_unmake(w);
	free(w);
	return status;
}
