/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration and life of dnsmasq. dnsmasq(8).
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
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/command.h"
#include "net/unit.h"

/*
 * The one of an earlier daemon, or the kernel, may still hold the port for a moment: the pause between
 * attempts doubles from the first to the last of these, 15 s in all.
 */
#define FIRST_PAUSE_SECONDS 0.05
#define LAST_PAUSE_SECONDS  1.0
#define PATIENCE_SECONDS    15
#define LIMIT_SECONDS       20

typedef void done_fn(struct network *network, const struct vm_error *err);

struct dnsmasq {
	struct network *network;
	struct ev_loop *loop;
	done_fn *done; /* NULL: nothing is under way */
	void (*lost)(struct network *network, const char *why);
	bool wanted; /* it is to run */
	/* as a unit */
	struct unit_job *job;
	/* as a child */
	ev_child child; /* pid 0: none */
	ev_io said;
	ev_timer timer; /* the next attempt, or the limit */
	bool ready;
	double pause, waited; /* before the next attempt, and in all */
	char line[256];       /* what it says, up to the end of the line */
	size_t length;
	char first[256]; /* the first thing that it said */
};

/* ── configuration ─────────────────────────────────────────────────────────────────────────── */

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

/*
 * Leases are given from the upper half, so that addresses below can be given by hand. The host's own
 * name is told with the address that machines reach it at: in /etc/hosts it stands with one of the
 * host's loopback device.
 */
int dnsmasq_write_configuration(const struct network *network, const char *runtime_dir)
{
	uint32_t mask = ~(uint32_t)0 << (32 - network->prefix);
	uint32_t base = network->address & mask, top = base | ~mask;
	char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN], own[INET_ADDRSTRLEN], host[256] = "";
	_cleanup_(close_file) FILE *file = NULL;
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/net/%s.conf", runtime_dir, network->bridge) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	file = fopen(path, "we");
	if (!file)
		return -errno;
	format_ip(base + (top - base) / 2 + 1, first);
	format_ip(top - 1, last);
	format_ip(network->address, own);
	fprintf(file,
		"interface=%s\nbind-interfaces\nexcept-interface=lo\nno-hosts\n"
		"dhcp-range=%s,%s,1h\ndhcp-authoritative\ndhcp-leasefile=%s/net/%s.leases\n",
		network->bridge, first, last, runtime_dir, network->bridge);
	if (gethostname(host, sizeof(host) - 1) == 0 && *host && !strpbrk(host, ",\n"))
		fprintf(file, "host-record=%s,%s\n", host, own);
	return fflush(file) == 0 && fchmod(fileno(file), 0644) == 0 ? 0 : -errno;
}

/* ── either ────────────────────────────────────────────────────────────────────────────────── */

static void finish(struct dnsmasq *dnsmasq, const struct vm_error *err)
{
	done_fn *done = dnsmasq->done;

	ev_timer_stop(dnsmasq->loop, &dnsmasq->timer);
	dnsmasq->done = NULL;
	if (done)
		done(dnsmasq->network, err);
}

static void finish_failed(struct dnsmasq *dnsmasq, const char *why)
{
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_NETWORK,
			   "Network %s: its name and address server (dnsmasq) does not run: %s",
			   dnsmasq->network->name, why);
	finish(dnsmasq, &err);
}

/* ── as a unit ─────────────────────────────────────────────────────────────────────────────── */

static void on_unit(void *data, const struct vm_error *err)
{
	struct dnsmasq *dnsmasq = data;

	dnsmasq->job = NULL;
	if (err)
		finish_failed(dnsmasq, err->text);
	else
		finish(dnsmasq, NULL);
}

static void call_unit(struct dnsmasq *dnsmasq, const char *method)
{
	char instance[128], unit[192];
	int r;

	unit_escape(dnsmasq->network->bridge, instance, sizeof(instance));
	snprintf(unit, sizeof(unit), "keelson-dnsmasq@%s.service", instance);
	unit_job_free(dnsmasq->job);
	dnsmasq->job = NULL;
	r = unit_job_start(dnsmasq->network->manager->bus, method, unit, on_unit, dnsmasq,
			   &dnsmasq->job);
	if (r < 0)
		finish_failed(dnsmasq, strerror(-r));
}

/* ── as a child ────────────────────────────────────────────────────────────────────────────── */

static void set_timer(struct dnsmasq *dnsmasq, double seconds)
{
	ev_timer_stop(dnsmasq->loop, &dnsmasq->timer);
	ev_now_update(dnsmasq->loop);
	ev_timer_set(&dnsmasq->timer, seconds, 0);
	ev_timer_start(dnsmasq->loop, &dnsmasq->timer);
}

static void forget_child(struct dnsmasq *dnsmasq)
{
	ev_child_stop(dnsmasq->loop, &dnsmasq->child);
	ev_io_stop(dnsmasq->loop, &dnsmasq->said);
	if (dnsmasq->child.pid)
		fd_close(dnsmasq->said.fd);
	dnsmasq->child.pid = 0;
	dnsmasq->ready = false;
}

static void hear_line(struct dnsmasq *dnsmasq)
{
	if (!*dnsmasq->line)
		return;
	log_debug("Network %s: %s", dnsmasq->network->name, dnsmasq->line);
	if (!dnsmasq->first[0])
		memcpy(dnsmasq->first, dnsmasq->line, sizeof(dnsmasq->first));
	/* Its first word in the log, when all its sockets are there. */
	if (!dnsmasq->ready && strstr(dnsmasq->line, "started")) {
		dnsmasq->ready = true;
		finish(dnsmasq, NULL);
	}
}

static void hear(struct dnsmasq *dnsmasq)
{
	char buffer[1024];
	ssize_t size = read(dnsmasq->said.fd, buffer, sizeof(buffer));

	if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
		ev_io_stop(dnsmasq->loop, &dnsmasq->said);
	for (ssize_t i = 0; i < size; i++) {
		if (buffer[i] != '\n' && dnsmasq->length < sizeof(dnsmasq->line) - 1) {
			dnsmasq->line[dnsmasq->length++] = buffer[i];
			continue;
		}
		dnsmasq->line[dnsmasq->length] = '\0';
		dnsmasq->length = 0;
		hear_line(dnsmasq);
	}
}

static void on_said(struct ev_loop *loop, ev_io *watcher, int events)
{
	hear(watcher->data);
}

static void try_child(struct dnsmasq *dnsmasq)
{
	const struct network *network = dnsmasq->network;
	char option[512], pid_option[512];
	const char *const argv[] = {"dnsmasq",  "--keep-in-foreground", option,
				    pid_option, "--log-facility=-",     NULL};
	struct vm_error err = {0};
	int said;

	snprintf(option, sizeof(option), "--conf-file=%s/net/%s.conf",
		 network->manager->settings.runtime_dir, network->bridge);
	snprintf(pid_option, sizeof(pid_option), "--pid-file=%s/net/%s.pid",
		 network->manager->settings.runtime_dir, network->bridge);
	dnsmasq->first[0] = '\0';
	dnsmasq->length = 0;
	if (command_spawn(argv, &dnsmasq->child.pid, &said, &err) < 0) {
		dnsmasq->child.pid = 0;
		finish_failed(dnsmasq, err.text);
		return;
	}
	ev_child_set(&dnsmasq->child, dnsmasq->child.pid, 0);
	ev_child_start(dnsmasq->loop, &dnsmasq->child);
	ev_io_set(&dnsmasq->said, said, EV_READ);
	ev_io_start(dnsmasq->loop, &dnsmasq->said);
	set_timer(dnsmasq, LIMIT_SECONDS);
}

static ssize_t read_file(const char *path, char *buffer, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, buffer, size - 1);

	buffer[length > 0 ? length : 0] = '\0';
	return length;
}

/*
 * The child of a daemon that was killed: the kernel's signal for that is lost when a program gives up
 * its rights, as dnsmasq does. It is ours if it reads our configuration.
 */
static void end_stale(const struct dnsmasq *dnsmasq)
{
	const char *directory = dnsmasq->network->manager->settings.runtime_dir;
	char path[512], text[512], wanted[512];
	ssize_t length;
	long pid;

	snprintf(path, sizeof(path), "%s/net/%s.pid", directory, dnsmasq->network->bridge);
	if (read_file(path, text, sizeof(text)) <= 0 || (pid = strtol(text, NULL, 10)) <= 1)
		return;
	snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
	length = read_file(path, text, sizeof(text));
	for (ssize_t i = 0; i < length; i++)
		text[i] = text[i] ? text[i] : ' ';
	snprintf(wanted, sizeof(wanted), "--conf-file=%s/net/%s.conf ", directory,
		 dnsmasq->network->bridge);
	if (strstr(text, wanted))
		kill((pid_t)pid, SIGTERM);
}

/* Not a failure yet: nobody is told but the log. */
static bool try_later(struct dnsmasq *dnsmasq)
{
	if (!strstr(dnsmasq->first, "in use") || dnsmasq->waited >= PATIENCE_SECONDS)
		return false;
	end_stale(dnsmasq);
	if (dnsmasq->waited <= 0)
		log_info("Network %s: its address is still in use; trying again",
			 dnsmasq->network->name);
	set_timer(dnsmasq, dnsmasq->pause);
	dnsmasq->waited += dnsmasq->pause;
	dnsmasq->pause = MIN(dnsmasq->pause * 2, LAST_PAUSE_SECONDS);
	return true;
}

static void on_ended(struct ev_loop *loop, ev_child *watcher, int events)
{
	struct dnsmasq *dnsmasq = watcher->data;
	bool ready = dnsmasq->ready;

	hear(dnsmasq); /* its last words, if it had some */
	forget_child(dnsmasq);
	if (!dnsmasq->wanted) {
		finish(dnsmasq, NULL);
	} else if (ready) {
		dnsmasq->lost(dnsmasq->network, "dnsmasq has ended");
	} else if (!try_later(dnsmasq)) {
		finish_failed(dnsmasq, dnsmasq->first[0] ? dnsmasq->first : "it said nothing");
	}
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct dnsmasq *dnsmasq = watcher->data;

	ev_timer_stop(loop, watcher);
	if (dnsmasq->child.pid)
		kill(dnsmasq->child.pid, SIGKILL); /* neither ready nor gone in all that time */
	else if (dnsmasq->wanted)
		try_child(dnsmasq);
}

/* ── start and stop ────────────────────────────────────────────────────────────────────────── */

struct dnsmasq *dnsmasq_new(struct network *network,
			    void (*lost)(struct network *network, const char *why))
{
	struct dnsmasq *dnsmasq = calloc(1, sizeof(*dnsmasq));

	if (!dnsmasq)
		return NULL;
	dnsmasq->network = network;
	dnsmasq->loop = network->manager->loop;
	dnsmasq->lost = lost;
	ev_child_init(&dnsmasq->child, on_ended, 0, 0);
	ev_init(&dnsmasq->said, on_said);
	ev_init(&dnsmasq->timer, on_timer);
	dnsmasq->child.data = dnsmasq->said.data = dnsmasq->timer.data = dnsmasq;
	return dnsmasq;
}

void dnsmasq_start(struct dnsmasq *dnsmasq, done_fn *done)
{
	dnsmasq->done = done;
	dnsmasq->wanted = true;
	dnsmasq->pause = FIRST_PAUSE_SECONDS;
	dnsmasq->waited = 0;
	if (dnsmasq->network->manager->settings.scopes)
		call_unit(dnsmasq, "RestartUnit");
	else if (dnsmasq->child.pid)
		finish(dnsmasq, NULL);
	else
		try_child(dnsmasq);
}

void dnsmasq_stop(struct dnsmasq *dnsmasq, done_fn *done)
{
	dnsmasq->done = done;
	dnsmasq->wanted = false;
	if (dnsmasq->network->manager->settings.scopes) {
		call_unit(dnsmasq, "StopUnit");
	} else if (dnsmasq->child.pid) {
		kill(dnsmasq->child.pid, SIGTERM);
		set_timer(dnsmasq, LIMIT_SECONDS);
	} else {
		end_stale(dnsmasq);
		finish(dnsmasq, NULL);
	}
}

struct dnsmasq *dnsmasq_free(struct dnsmasq *dnsmasq)
{
	if (!dnsmasq)
		return NULL;
	unit_job_free(dnsmasq->job);
	if (dnsmasq->child.pid)
		kill(dnsmasq->child.pid, SIGTERM);
	forget_child(dnsmasq);
	ev_timer_stop(dnsmasq->loop, &dnsmasq->timer);
	free(dnsmasq);
	return NULL;
}
