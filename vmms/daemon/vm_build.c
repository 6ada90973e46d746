/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a configuration becomes in a worker: files opened here and handed over, one message for
 * each part of the machine. The daemon opens but never reads them: a worker parses.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/disk_open.h"
#include "daemon/vm.h"
#include "net/network.h"
#include "worker/worker.h"

struct vm_files {
	int device, firmware, kernel, initrd;
	int disks[DOMAIN_MAX_DISKS];
	int taps[DOMAIN_MAX_INTERFACES];
};

struct vm_files *vm_files_close(struct vm_files *files)
{
	if (!files)
		return NULL;
	fd_close(files->device);
	fd_close(files->firmware);
	fd_close(files->kernel);
	fd_close(files->initrd);
	for (size_t i = 0; i < DOMAIN_MAX_DISKS; i++)
		fd_close(files->disks[i]);
	for (size_t i = 0; i < DOMAIN_MAX_INTERFACES; i++)
		fd_close(files->taps[i]);
	free(files);
	return NULL;
}

int vm_open_medium(const struct vm *vm, const char *path, int *ret_fd, struct vm_error *err)
{
	_cleanup_close_ int fd = -1;
	int r = disk_open(vm->config->name, "CD image", path, false, &fd, err);

	if (r < 0)
		return r;
	/* As at a start: no machine writes to it as long as the worker has it. */
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno != EWOULDBLOCK
			       ? disk_open_failed(vm->config->name, "CD image", path, errno, err)
			       : vm_error_set(
					 err, VM_ERROR_FILE,
					 "Machine %s: CD image %s is in use by another machine "
					 "or program, which may write to it",
					 vm->config->name, path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/*
 * The lock lives in the open file description that the worker gets, so it holds as long as the
 * worker, and keeps two machines, or two daemons, from writing to one disk.
 */
static int lock_disk(const struct vm *vm, const struct domain_disk *disk, int fd,
		     struct vm_error *err)
{
	if (flock(fd, (disk->readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return disk_open_failed(vm->config->name, "disk", disk->source, errno, err);
	return vm_error_set(err, VM_ERROR_FILE,
			    "Machine %s: disk %s (%s) is in use by another machine or program",
			    vm->config->name, disk->target, disk->source);
}

static int open_disks(const struct vm *vm, struct vm_files *files, struct vm_error *err)
{
	for (size_t i = 0; i < vm->config->disk_count; i++) {
		const struct domain_disk *disk = &vm->config->disks[i];
		int r;

		if (!disk->source)
			continue;
		r = disk_open(vm->config->name, "disk", disk->source, !disk->readonly,
			      &files->disks[i], err);
		if (r == 0)
			r = lock_disk(vm, disk, files->disks[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int open_boot_files(const struct vm *vm, struct vm_files *files, struct vm_error *err)
{
	const struct domain *config = vm->config;
	int r;

	if (!config->kernel)
		return disk_open(config->name, "firmware", vm->manager->settings.firmware, false,
				 &files->firmware, err);
	r = disk_open(config->name, "kernel", config->kernel, false, &files->kernel, err);
	if (r == 0 && config->initrd)
		r = disk_open(config->name, "initrd", config->initrd, false, &files->initrd, err);
	return r;
}

static int open_taps(struct vm *vm, struct vm_files *files, struct vm_error *err)
{
	for (size_t i = 0; i < vm->config->interface_count; i++) {
		int r = network_open_tap(vm->manager, vm->config, i, &files->taps[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The worker makes its partition with it. Without the driver the worker says so itself. */
static void open_device(const struct vm *vm, struct vm_files *files)
{
	files->device = open(vm->manager->settings.device, O_RDWR | O_CLOEXEC);
	if (files->device < 0)
		log_debug("%s: %s: %s", vm->config->name, vm->manager->settings.device,
			  strerror(errno));
}

static struct vm_files *files_new(void)
{
	struct vm_files *files = malloc(sizeof(*files));

	if (files)
		memset(files, 0xff, sizeof(*files)); /* every descriptor -1 */
	return files;
}

int vm_files_open(struct vm *vm, struct vm_files **ret, struct vm_error *err)
{
	struct vm_files *files = files_new();
	int r;

	if (!files)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	r = open_boot_files(vm, files, err);
	if (r == 0)
		r = open_disks(vm, files, err);
	if (r == 0)
		r = open_taps(vm, files, err);
	if (r < 0) {
		vm_files_close(files);
		return r;
	}
	open_device(vm, files);
	*ret = files;
	return 0;
}

/* ── messages ──────────────────────────────────────────────────────────────────────────────── */

typedef void answered_fn(void *vm, const struct proto_message *answer);

static void add_fd(struct proto_message *message, int fd)
{
	if (fd >= 0)
		message->fds[message->fd_count++] = fd;
}

static uint8_t wire_boot(enum domain_boot boot)
{
	static const uint8_t wire[DOMAIN_BOOT_COUNT] = {
		[DOMAIN_BOOT_NONE] = PROTO_BOOT_NONE,
		[DOMAIN_BOOT_HD] = PROTO_BOOT_HD,
		[DOMAIN_BOOT_CDROM] = PROTO_BOOT_CD,
		[DOMAIN_BOOT_NETWORK] = PROTO_BOOT_NET,
	};

	return wire[boot];
}

static int send_machine(struct vm *vm, const struct vm_files *files, answered_fn *answered)
{
	struct proto_message message = {.type = PROTO_MACHINE};
	const struct domain *config = vm->config;

	message.machine.memory = KIB(config->memory_kib);
	message.machine.vcpus = config->vcpus;
	message.machine.clock_localtime = config->clock_localtime;
	message.machine.stop_on_reboot = config->on_reboot == DOMAIN_ACTION_DESTROY;
	for (int i = 0; i < DOMAIN_MAX_BOOT; i++)
		message.machine.boot[i] = wire_boot(config->boot[i]);
	snprintf(message.text, sizeof(message.text), "%s", config->name);
	add_fd(&message, files->device);
	return worker_send(vm->worker, &message, answered);
}

static int send_boot(struct vm *vm, const struct vm_files *files, answered_fn *answered)
{
	struct proto_message message = {.type = PROTO_FIRMWARE};

	if (files->kernel >= 0) {
		message.type = PROTO_KERNEL;
		add_fd(&message, files->kernel);
		add_fd(&message, files->initrd);
		if (vm->config->cmdline)
			snprintf(message.text, sizeof(message.text), "%s", vm->config->cmdline);
	} else {
		add_fd(&message, files->firmware);
	}
	return worker_send(vm->worker, &message, answered);
}

static int send_disk(struct vm *vm, const struct domain_disk *disk, int fd, answered_fn *answered)
{
	struct proto_message message = {.type = PROTO_DISK};

	message.disk.unit = (uint8_t)domain_disk_unit(disk->target);
	message.disk.kind = disk->kind == DOMAIN_DISK_CDROM ? PROTO_DISK_CD : PROTO_DISK_HD;
	message.disk.format = PROTO_FORMAT_RAW;
	message.disk.readonly = disk->readonly;
	if (disk->serial)
		snprintf(message.text, sizeof(message.text), "%s", disk->serial);
	add_fd(&message, fd);
	return worker_send(vm->worker, &message, answered);
}

static int send_nic(struct vm *vm, const struct domain_interface *card, int fd,
		    answered_fn *answered)
{
	struct proto_message message = {.type = PROTO_NIC};

	memcpy(message.nic.mac, card->mac, sizeof(message.nic.mac));
	message.nic.link_down = card->link_down;
	add_fd(&message, fd);
	return worker_send(vm->worker, &message, answered);
}

int vm_build_send(struct vm *vm, const struct vm_files *files, answered_fn *answered)
{
	int r = send_machine(vm, files, answered);

	if (r == 0)
		r = send_boot(vm, files, answered);
	for (size_t i = 0; r == 0 && i < vm->config->disk_count; i++)
		r = send_disk(vm, &vm->config->disks[i], files->disks[i], answered);
	for (size_t i = 0; r == 0 && i < vm->config->interface_count; i++)
		r = send_nic(vm, &vm->config->interfaces[i], files->taps[i], answered);
	return r;
}

/* ── memory ────────────────────────────────────────────────────────────────────────────────── */

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static uint64_t available_kib(void)
{
	_cleanup_(close_file) FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	uint64_t kib;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			return kib;
	}
	return UINT64_MAX; /* unknown: let the worker try */
}

int vm_build_check_memory(const struct vm *vm, struct vm_error *err)
{
	uint64_t available = available_kib();

	if (vm->config->memory_kib <= available)
		return 0;
	return vm_error_set(
		err, VM_ERROR_NO_MEMORY,
		"Machine %s needs %" PRIu64 " MiB of memory, %" PRIu64
		" MiB are free. Stop another machine, or give this one less ('vmctl set "
		"%s memory=SIZE')",
		vm->config->name, vm->config->memory_kib / 1024, available / 1024,
		vm->config->name);
}
