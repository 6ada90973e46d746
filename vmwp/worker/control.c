/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's requests. Those before POWER_ON fill in the configuration; what is wrong with it as
 * a whole is said in the answer to POWER_ON. A descriptor that was taken over is closed with the
 * worker, or when its medium or console is replaced.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "vid/partition.h"
#include "vsp/services.h"
#include "worker_private.h"

#define BACKLOG_MAX  64  /* requests of a daemon that is about to be replaced */
#define WAIT_SECONDS 600 /* for the next daemon, once the machine has stopped */

static int refuse(char *text, int error, const char *why)
{
	snprintf(text, PROTO_MAX_TEXT + 1, "%s", why);
	return error;
}

/* proto_service_ops hands a message over const, and what is wanted of its descriptors is taken out. */
static int take_fd(const struct proto_message *message, size_t i)
{
	struct proto_message *owned = (struct proto_message *)(uintptr_t)message;

	return i < message->fd_count ? TAKE_FD(owned->fds[i]) : -1;
}

/* --- what the machine is --- */

static int on_machine(struct worker *w, const struct proto_message *message, char *text)
{
	static const enum machine_boot boots[PROTO_BOOT_COUNT] = {
		[PROTO_BOOT_NONE] = MACHINE_BOOT_NONE,
		[PROTO_BOOT_HD] = MACHINE_BOOT_DISK,
		[PROTO_BOOT_CD] = MACHINE_BOOT_CDROM,
		[PROTO_BOOT_NET] = MACHINE_BOOT_NETWORK,
	};
	uint64_t mib = message->machine.memory >> 20;

	if (message->machine.memory % MIB(1) || mib < CONFIG_MEMORY_MIN_MIB ||
	    mib > CONFIG_MEMORY_MAX_MIB)
		return refuse(text, -EINVAL, "memory is not 16 to 1048576 whole MiB");
	if (message->machine.vcpus == 0 || message->machine.vcpus > CONFIG_VPS_MAX)
		return refuse(text, -EINVAL, "there are 1 to 64 processors");
	w->config.memory_mib = (uint32_t)mib;
	w->config.processors = message->machine.vcpus;
	w->config.local_time = message->machine.clock_localtime;
	w->config.resets = message->machine.stop_on_reboot ? 0 : CONFIG_RESETS_ANY;
	w->config.exit_on_triple_fault = message->machine.stop_on_reboot;
	for (unsigned int i = 0; i < ARRAY_SIZE(w->config.boot); i++)
		w->config.boot[i] = boots[message->machine.boot[i]];
	w->config.partition_fd = take_fd(message, 0);
	return 0;
}

static int on_firmware(struct worker *w, const struct proto_message *message, char *text)
{
	if (w->config.firmware_fd >= 0 || w->config.kernel_fd >= 0)
		return refuse(text, -EEXIST, "firmware or a kernel is there already");
	w->config.firmware_fd = take_fd(message, 0);
	return 0;
}

static int on_kernel(struct worker *w, const struct proto_message *message, char *text)
{
	if (w->config.firmware_fd >= 0 || w->config.kernel_fd >= 0)
		return refuse(text, -EEXIST, "firmware or a kernel is there already");
	if (strlen(message->text) >= sizeof w->config.cmdline)
		return refuse(text, -EINVAL, "the command line has more than 2047 bytes");
	strcpy(w->config.cmdline, message->text);
	w->config.has_cmdline = true;
	w->config.kernel_fd = take_fd(message, 0);
	w->config.initrd_fd = take_fd(message, 1);
	return 0;
}

static int on_disk(struct worker *w, const struct proto_message *message, char *text)
{
	struct config_drive *drive;

	if (message->disk.unit >= CONFIG_DRIVES)
		return refuse(text, -EINVAL, "there are eight units");
	if (message->disk.unit >= CONFIG_IDE_DRIVES && message->disk.kind == PROTO_DISK_CD)
		return refuse(text, -EINVAL, "a CD-ROM drive is one of the first four units");
	drive = &w->config.drive[message->disk.unit];
	if (drive->kind != CONFIG_DRIVE_NONE)
		return refuse(text, -EEXIST, "the unit is taken");
	if (strlen(message->text) >= sizeof drive->serial)
		return refuse(text, -EINVAL, "the serial number has more than 20 bytes");
	strcpy(drive->serial, message->text);
	drive->kind = message->disk.kind == PROTO_DISK_CD ? CONFIG_DRIVE_CDROM : CONFIG_DRIVE_DISK;
	drive->read_only = message->disk.readonly || drive->kind == CONFIG_DRIVE_CDROM;
	drive->fd = take_fd(message, 0);
	return 0;
}

/* --- what it shall do --- */

/* After a failure the machine is half made: the worker waits for its end and repeats the reason. */
static int on_power_on(struct worker *w, char *text)
{
	int r;

	if (w->state == RUN_FAILED)
		return refuse(text, -EINVAL, w->error);
	r = worker_power_on(w);
	if (r == 0)
		return 0;
	log_error("%s", w->error);
	return refuse(text, r, w->error);
}

static int on_pause(struct worker *w)
{
	worker_pause(w);
	return 0;
}

static int on_resume(struct worker *w, char *text)
{
	int r = worker_resume(w);

	return r < 0 ? refuse(text, r, w->error) : 0;
}

/* The guest's driver knows better what to do than one that is told of a button, if it has that. */
static int on_shutdown(struct worker *w)
{
	if (vsp_services_shutdown(w->machine.services, false) < 0)
		machine_power_button(&w->machine);
	return 0;
}

static int on_reboot(struct worker *w, char *text)
{
	if (vsp_services_shutdown(w->machine.services, true) == 0)
		return 0;
	return refuse(text, -EOPNOTSUPP,
		      "the guest has no driver by which it could be asked to reboot");
}

static int on_power_off(struct worker *w)
{
	worker_end(w, WORKER_OFF, PROTO_CAUSE_REQUEST, "turned off on request");
	return 0;
}

static int on_console(struct worker *w, const struct proto_message *message, char *text)
{
	int fd, r;

	if (message->port.number >= CONFIG_SERIALS)
		return refuse(text, -ENODEV, "there are two serial ports");
	fd = take_fd(message, 0);
	r = console_attach(&w->console[message->port.number], fd);
	if (r == 0)
		return 0;
	fd_close(fd);
	return refuse(text, r, "the descriptor is no stream");
}

/* The new medium is looked at before the old one is given up. */
static int on_medium(struct worker *w, const struct proto_message *message, char *text)
{
	unsigned int unit = message->port.number;
	struct disk *disk = NULL, *old;
	struct disk_error error;
	int fd, r;

	if (unit >= CONFIG_DRIVES || w->config.drive[unit].kind != CONFIG_DRIVE_CDROM)
		return refuse(text, -ENODEV, "the unit is not a CD-ROM drive");
	fd = take_fd(message, 0);
	if (fd >= 0) {
		r = disk_open_raw(w->engine, fd, 2048, DISK_READ_ONLY, &disk, &error);
		if (r < 0) {
			fd_close(fd);
			return refuse(text, r, error.text);
		}
	}
	r = machine_medium(&w->machine, unit, disk, &old);
	if (r < 0) {
		disk_close(disk);
		disk = NULL;
	}
	disk_close(old);
	w->disk[unit] = disk;
	return r;
}

static int on_request(void *data, const struct proto_message *message, char *text)
{
	struct worker *w = data;

	switch (message->type) {
	case PROTO_MACHINE:
		return on_machine(w, message, text);
	case PROTO_FIRMWARE:
		return on_firmware(w, message, text);
	case PROTO_KERNEL:
		return on_kernel(w, message, text);
	case PROTO_DISK:
		return on_disk(w, message, text);
	case PROTO_POWER_ON:
		return on_power_on(w, text);
	case PROTO_PAUSE:
		return on_pause(w);
	case PROTO_RESUME:
		return on_resume(w, text);
	case PROTO_RESET:
		worker_reset(w);
		return 0;
	case PROTO_SHUTDOWN:
		return on_shutdown(w);
	case PROTO_POWER_OFF:
		return on_power_off(w);
	case PROTO_CONSOLE:
		return on_console(w, message, text);
	case PROTO_MEDIUM:
		return on_medium(w, message, text);
	case PROTO_NIC:
		return refuse(text, -EOPNOTSUPP, "this machine has no network card");
	case PROTO_REBOOT:
		return on_reboot(w, text);
	default:
		return refuse(text, -EOPNOTSUPP, "the worker does not know this request");
	}
}

static void add_stats(struct proto_stats *to, struct disk_stats stats)
{
	to->disk_reads += stats.reads;
	to->disk_writes += stats.writes;
	to->disk_read_bytes += stats.read_bytes;
	to->disk_write_bytes += stats.write_bytes;
}

static void on_stats(void *data, struct proto_stats *ret)
{
	struct worker *w = data;

	*ret = (struct proto_stats){.vcpu_ns = vcpus_time(&w->vcpus),
				    .exits = vcpus_exits(&w->vcpus)};
	if (!w->partition)
		return;
	if (vid_partition_get_balance(w->partition, &ret->deposit_free, &ret->deposit_used) < 0)
		log_debug("the hypervisor does not tell what it has for the machine");
	if (w->machine.storvsp)
		add_stats(ret, vsp_storvsp_stats(w->machine.storvsp));
	machine_lock(&w->machine);
	for (unsigned int i = 0; i < CONFIG_IDE_DRIVES; i++)
		if (w->disk[i])
			add_stats(ret, disk_stats(w->disk[i]));
	machine_unlock(&w->machine);
}

/* --- the socket --- */

/*
 * The peer changes when a daemon comes or goes, and a new one may well have the old one's number: so
 * the watcher is always set anew.
 */
static void watch_peer(struct worker *w)
{
	if (w->state == RUN_ENDED && w->service.told)
		ev_break(w->loop, EVBREAK_ALL);
	ev_io_stop(w->loop, &w->peer_ready);
	if (w->service.peer < 0)
		return;
	ev_io_set(&w->peer_ready, w->service.peer, EV_READ);
	ev_io_start(w->loop, &w->peer_ready);
}

static void peer_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct worker *w = watcher->data;

	proto_service_handle(&w->service);
	watch_peer(w);
}

/*
 * A daemon that is gone makes room for the next: what it left in the socket, and its end, come
 * before the newcomer.
 */
static void listener_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct worker *w = watcher->data;

	for (int i = 0; i < BACKLOG_MAX && w->service.peer >= 0; i++)
		proto_service_handle(&w->service);
	proto_service_accept(&w->service);
	watch_peer(w);
}

static void waited(struct ev_loop *loop, ev_timer *watcher, int events)
{
	log_warning("no daemon has come to hear of the end");
	ev_break(loop, EVBREAK_ALL);
}

void worker_control_wait(struct worker *w)
{
	if (!ev_is_active(&w->waited))
		ev_timer_start(w->loop, &w->waited);
}

/* 16 bytes of hexadecimal digits, with dashes where a UUID has them. */
static bool parse_hex(const char *text, uint8_t bytes[static 16])
{
	for (int i = 0; i < 16; i++) {
		unsigned int byte;

		text += *text == '-';
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    sscanf(text, "%2x", &byte) != 1)
			return false;
		bytes[i] = (uint8_t)byte;
		text += 2;
	}
	return *text == 0;
}

/* By a pipe, since everybody can read a command line; it is closed when it has been read. */
static bool read_nonce(const char *fd_text, uint8_t nonce[16])
{
	char *end, hex[33] = "";
	long fd = strtol(fd_text, &end, 10);
	int r;

	if (!isdigit((unsigned char)*fd_text) || *end || fd > INT32_MAX)
		return false;
	r = fd_read_full((int)fd, hex, sizeof hex - 1);
	fd_close((int)fd);
	return r == 0 && parse_hex(hex, nonce);
}

int worker_control_init(struct worker *w, int listener, const char *uuid, const char *nonce_fd)
{
	static const struct proto_service_ops ops = {.request = on_request, .stats = on_stats};
	int r = fd_set_nonblock(listener, true);

	if (r < 0)
		return worker_fail(w, r, "--control-fd: descriptor %d: %s", listener, strerror(-r));
	proto_service_init(&w->service, listener, &ops, w);
	w->controlled = true;
	if (!parse_hex(uuid, w->service.uuid))
		return worker_fail(w, -EINVAL, "--uuid: \"%.64s\" is no UUID", uuid);
	if (!read_nonce(nonce_fd, w->service.nonce))
		return worker_fail(w, -EINVAL,
				   "--nonce-fd: no 32 hexadecimal digits at descriptor \"%.16s\"",
				   nonce_fd);
	memcpy(w->config.uuid, w->service.uuid, sizeof w->config.uuid);
	snprintf(w->config.name, sizeof w->config.name, "%s", uuid);
	return 0;
}

void worker_control_start(struct worker *w)
{
	ev_io_init(&w->listener_ready, listener_ready, w->service.listener, EV_READ);
	ev_init(&w->peer_ready, peer_ready);
	ev_timer_init(&w->waited, waited, WAIT_SECONDS, 0);
	w->listener_ready.data = w->peer_ready.data = w;
	ev_io_start(w->loop, &w->listener_ready);
}

void worker_control_fini(struct worker *w)
{
	if (w->controlled)
		proto_service_fini(&w->service);
}
