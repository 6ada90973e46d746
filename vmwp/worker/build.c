/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and unmaking a worker's parts. What needs a path or a system call that the sandbox forbids
 * is in the base; files are looked into only afterwards, inside the sandbox.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "machine/free_memory.h"
#include "vid/partition.h"
#include "worker_private.h"

int worker_fail(struct worker *w, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(w->error, sizeof w->error, format, arguments);
	va_end(arguments);
	return error;
}

/* Read now: inside the sandbox there is no time zone. */
static void find_local_time(struct worker *w)
{
	time_t now = time(NULL);
	struct tm local;

	if (localtime_r(&now, &local))
		w->date_offset = (int64_t)local.tm_gmtoff * 1000000000;
}

int worker_make_base(struct worker *w)
{
	int r;

	find_local_time(w);
	w->meminfo_fd = free_memory_open();
	w->loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!w->loop)
		return worker_fail(w, -ENOMEM, "the event loop cannot be made");
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		console_init(&w->console[i], w->loop, &w->machine);
	w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer_fd < 0)
		return worker_fail(w, -errno, "a timer cannot be made: %s", strerror(errno));
	r = disk_engine_create(DISK_ENGINE_BEST, &w->engine);
	if (r == 0) /* its thread comes with the machine; a ring can be made only here */
		r = disk_engine_create(DISK_ENGINE_BEST, &w->scsi_engine);
	if (r < 0)
		return worker_fail(w, r, "file I/O cannot be set up: %s", strerror(-r));
	return 0;
}

static int open_pty(struct worker *w, unsigned int i)
{
	char name[64];
	int r = console_open_pty(&w->console[i], name, sizeof name);

	if (r < 0)
		return worker_fail(w, r, "com%u: no terminal: %s", i + 1, strerror(-r));
	log_info("com%u is %s", i + 1, name);
	return 0;
}

static int open_stdio(struct worker *w, unsigned int i)
{
	int r = console_open_stdio(&w->console[i]);

	if (r < 0)
		return worker_fail(w, r, "com%u: standard input and output: %s", i + 1,
				   strerror(-r));
	if (w->console[i].is_raw)
		log_info("com%u is this terminal; Ctrl-] ends the machine", i + 1);
	return 0;
}

int worker_open_terminals(struct worker *w)
{
	int r = 0;

	for (unsigned int i = 0; i < CONFIG_SERIALS && r == 0; i++) {
		if (w->config.serial[i].kind == CONFIG_SERIAL_PTY)
			r = open_pty(w, i);
		else if (w->config.serial[i].kind == CONFIG_SERIAL_STDIO)
			r = open_stdio(w, i);
	}
	return r;
}

static int open_disk(struct worker *w, unsigned int i)
{
	const struct config_drive *drive = &w->config.drive[i];
	bool cdrom = drive->kind == CONFIG_DRIVE_CDROM;
	struct disk_error error;
	int r;

	if (drive->fd < 0)
		return 0;
	r = disk_open_raw(i < CONFIG_IDE_DRIVES ? w->engine : w->scsi_engine, drive->fd,
			  cdrom ? 2048 : 512, drive->read_only ? DISK_READ_ONLY : 0, &w->disk[i],
			  &error);
	if (r == 0)
		return 0;
	if (*w->config.path[CONFIG_HDA + i])
		return worker_fail(w, r, "%s: %s %s", config_file_key(CONFIG_HDA + i),
				   w->config.path[CONFIG_HDA + i], error.text);
	return worker_fail(w, r, "%s: descriptor %d %s", config_file_key(CONFIG_HDA + i), drive->fd,
			   error.text);
}

static int open_console(struct worker *w, unsigned int i)
{
	const struct config_serial *serial = &w->config.serial[i];
	int r;

	if (serial->kind != CONFIG_SERIAL_FD)
		return 0;
	r = console_open_fd(&w->console[i], serial->fd);
	return r < 0 ? worker_fail(w, r, "com%u: descriptor %d: %s", i + 1, serial->fd,
				   strerror(-r))
		     : 0;
}

static int open_debug(struct worker *w)
{
	int r;

	if (w->config.debug_fd < 0)
		return 0;
	r = fd_set_nonblock(w->config.debug_fd, true);
	if (r < 0)
		return worker_fail(w, r, "debug: descriptor %d: %s", w->config.debug_fd,
				   strerror(-r));
	w->debug_fd = w->config.debug_fd;
	return 0;
}

static int open_ends(struct worker *w)
{
	int r = 0;

	for (unsigned int i = 0; i < CONFIG_DRIVES && r == 0; i++)
		r = open_disk(w, i);
	for (unsigned int i = 0; i < CONFIG_SERIALS && r == 0; i++)
		r = open_console(w, i);
	return r < 0 ? r : open_debug(w);
}

static struct vdev_ide_drive drive_of(const struct worker *w, unsigned int i)
{
	static const enum vdev_ide_kind kinds[] = {
		[CONFIG_DRIVE_NONE] = VDEV_IDE_NONE,
		[CONFIG_DRIVE_DISK] = VDEV_IDE_DISK,
		[CONFIG_DRIVE_CDROM] = VDEV_IDE_CDROM,
	};
	const struct config_drive *drive = &w->config.drive[i];

	return (struct vdev_ide_drive){.kind = kinds[drive->kind],
				       .disk = w->disk[i],
				       .serial = *drive->serial ? drive->serial : NULL};
}

static struct vsp_storvsp_lun lun_of(const struct worker *w, unsigned int i)
{
	const char *serial = w->config.drive[i].serial;

	return (struct vsp_storvsp_lun){w->disk[i], *serial ? serial : NULL};
}

static struct machine_config describe(struct worker *w)
{
	struct machine_config config = {
		.name = w->config.name,
		.memory = MIB(w->config.memory_mib),
		.meminfo_fd = w->meminfo_fd,
		.processors = w->config.processors,
		.firmware_fd = w->config.firmware_fd,
		.kernel_fd = w->config.kernel_fd,
		.initrd_fd = w->config.initrd_fd,
		.cmdline = w->config.cmdline,
		.date_offset = w->config.local_time ? w->date_offset : 0,
		.host = &worker_machine_host,
		.owner = w,
	};

	memcpy(config.uuid, w->config.uuid, sizeof config.uuid);
	memcpy(config.boot, w->config.boot, sizeof config.boot);
	for (unsigned int i = 0; i < CONFIG_IDE_DRIVES; i++)
		config.drive[i] = drive_of(w, i);
	config.scsi_engine = w->scsi_engine;
	for (unsigned int i = CONFIG_IDE_DRIVES; i < CONFIG_DRIVES; i++)
		config.scsi[i - CONFIG_IDE_DRIVES] = lun_of(w, i);
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		config.serial[i] = console_chardev(&w->console[i]);
	return config;
}

static int make_board(struct worker *w)
{
	struct machine_config config = describe(w);
	struct machine_error error;
	int r = machine_init(&w->machine, w->partition, &config, &error);

	if (r < 0) {
		config_add_path(&w->config, error.text, w->error, sizeof w->error);
		return r;
	}
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		console_start(&w->console[i], w->machine.serial[i]);
	r = w->machine.storvsp ? vsp_storvsp_start(w->machine.storvsp) : 0;
	return r < 0 ? worker_fail(w, r, "a thread cannot be made: %s", strerror(-r)) : 0;
}

static const char *resource_error(int error)
{
	switch (error) {
	case -EDQUOT:
		return "a quota of the module vid is used up (its parameters say which there are)";
	case -ENOSPC:
		return "the machines that run have all that the hypervisor has to give";
	default:
		return strerror(-error);
	}
}

static int make_processors(struct worker *w)
{
	int r = vcpus_init(&w->vcpus, &w->machine, w->config.processors, &worker_vcpu_ops, w);

	if (r < 0)
		return worker_fail(w, r, "%u processors cannot be made: %s", w->config.processors,
				   resource_error(r));
	return 0;
}

static const char *partition_error(int error)
{
	switch (error) {
	case -ENODEV:
		return "Linux does not run on the hypervisor; choose its entry in GRUB's menu";
	case -ENOENT:
		return "there is no device of the driver; is the module vid loaded?";
	case -EPROTO:
		return "the module vid is of another version than vmwp";
	case -EBADF:
		return "this is not the device of the module vid";
	default:
		return resource_error(error);
	}
}

static int open_partition(struct worker *w)
{
	int r = w->options->open_partition(w->config.partition_fd, &w->partition);

	return r < 0 ? worker_fail(w, r, "partition: %s", partition_error(r)) : 0;
}

int worker_make_machine(struct worker *w)
{
	int r = open_partition(w);

	if (r == 0)
		r = open_ends(w);
	if (r == 0)
		r = make_board(w);
	return r < 0 ? r : make_processors(w);
}

static void close_disks(struct worker *w)
{
	for (unsigned int i = 0; i < CONFIG_DRIVES; i++) {
		if (w->disk[i])
			disk_drain(w->disk[i]);
		disk_close(w->disk[i]);
	}
}

void worker_unmake(struct worker *w)
{
	vcpus_fini(&w->vcpus);
	machine_fini(&w->machine);
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		console_fini(&w->console[i]);
	close_disks(w);
	disk_engine_destroy(w->engine);
	disk_engine_destroy(w->scsi_engine);
	vid_partition_destroy(w->partition);
	fd_close(w->timer_fd);
	fd_close(w->meminfo_fd);
	worker_control_fini(w);
	if (w->loop)
		ev_loop_destroy(w->loop);
}
