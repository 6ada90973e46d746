/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop's thread makes everything, watches disks, consoles, clock and signals, and alone starts,
 * stops and resets processors. What happens in a VP's thread is noted in `pending` and wakes it.
 *
 * Lock order: the machine's lock is the only one; `pending` is atomic and may be set with or
 * without it.
 */
#include "worker.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "console.h"
#include "disk/disk.h"
#include "machine.h"
#include "sandbox.h"
#include "vcpu.h"
#include "vid/partition.h"

/* Bits of `pending`. */
enum {
	PENDING_RESET = BIT(0),
	PENDING_OFF = BIT(1),
	PENDING_TRIPLE_FAULT = BIT(2),
	PENDING_ERROR = BIT(3),
	PENDING_SUSPEND = BIT(4),
};

struct worker {
	const struct config *config;
	struct vid_partition *partition;
	struct ev_loop *loop;
	struct disk_engine *engine;
	struct disk *disk[CONFIG_DRIVES];
	struct console console[CONFIG_SERIALS];
	struct machine machine;
	bool machine_made;
	struct vcpus vcpus;
	int timer_fd;
	int debug_fd;
	_Atomic unsigned int pending;
	enum worker_status status;
	ev_async wake;
	ev_io disk_ready, clock_ready;
	ev_signal terminate, interrupt;
};

/* --- from the VPs' threads --- */

static void note(struct worker *w, unsigned int what)
{
	atomic_fetch_or(&w->pending, what);
	vcpus_request_stop(&w->vcpus);
	ev_async_send(w->loop, &w->wake);
}

static void send_to_vp0(struct worker *w, enum vid_delivery_mode mode)
{
	const struct vid_interrupt interrupt = {.mode = (uint8_t)mode};
	int r = vid_partition_interrupt(w->partition, &interrupt);

	if (r < 0) {
		log_error("interrupt of mode %u is refused: %s", mode, strerror(-r));
		note(w, PENDING_ERROR);
	}
}

static void device_event(void *owner, enum vdev_event event)
{
	struct worker *w = owner;

	switch (event) {
	case VDEV_EVENT_RESET:
		note(w, PENDING_RESET);
		break;
	case VDEV_EVENT_POWEROFF:
		note(w, PENDING_OFF);
		break;
	case VDEV_EVENT_SUSPEND:
		note(w, PENDING_SUSPEND);
		break;
	case VDEV_EVENT_INIT:
		send_to_vp0(w, VID_DELIVER_INIT);
		break;
	case VDEV_EVENT_NMI:
		send_to_vp0(w, VID_DELIVER_NMI);
		break;
	case VDEV_EVENT_HOST_ERROR:
		log_error("the host refused memory that the machine needs");
		note(w, PENDING_ERROR);
		break;
	}
}

static void device_intr(void *owner, bool level)
{
	struct worker *w = owner;

	if (level)
		vcpus_interrupt(&w->vcpus);
}

static void device_rearm(void *owner, uint64_t deadline)
{
	struct worker *w = owner;
	struct itimerspec at = {0};

	if (deadline != VDEV_NEVER) {
		deadline = MAX(deadline, UINT64_C(1)); /* 0 would disarm */
		at.it_value.tv_sec = (time_t)(deadline / VDEV_SECOND);
		at.it_value.tv_nsec = (long)(deadline % VDEV_SECOND);
	}
	CHECK(timerfd_settime(w->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

/* Nobody has to read it, so a full pipe loses bytes. */
static void firmware_log(void *owner, uint8_t byte)
{
	struct worker *w = owner;

	if (w->debug_fd >= 0 && write(w->debug_fd, &byte, 1) < 0 && errno != EAGAIN)
		w->debug_fd = -1;
}

static void vcpu_reports(void *owner, uint32_t index, enum vcpu_report what, const char *text)
{
	struct worker *w = owner;

	switch (what) {
	case VCPU_TRIPLE_FAULT:
		log_warning("%s", text);
		note(w, PENDING_TRIPLE_FAULT);
		break;
	case VCPU_CRASH:
	case VCPU_HANG:
		log_warning("%s", text);
		break;
	case VCPU_ERROR:
		log_error("%s", text);
		note(w, PENDING_ERROR);
		break;
	}
}

/* --- the loop's callbacks --- */

static void disk_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct worker *w = watcher->data;

	machine_lock(&w->machine);
	disk_engine_dispatch(w->engine);
	machine_unlock(&w->machine);
}

static void clock_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct worker *w = watcher->data;
	uint64_t expirations;

	if (read(w->timer_fd, &expirations, sizeof expirations) < 0)
		return; /* rearmed meanwhile */
	machine_lock(&w->machine);
	vdev_clock_run(&w->machine.board.clock);
	machine_unlock(&w->machine);
}

static void end(struct worker *w, enum worker_status status)
{
	w->status = status;
	ev_break(w->loop, EVBREAK_ALL);
}

static void restart(struct worker *w)
{
	struct machine_error error = {"the processors cannot be made again"};
	int r = machine_reset(&w->machine, &error);

	if (r == 0)
		r = vcpus_reset(&w->vcpus);
	if (r == 0)
		r = vcpus_start(&w->vcpus);
	if (r == 0) {
		log_info("reset");
		return;
	}
	log_error("reset failed: %s (%s)", error.text, strerror(-r));
	end(w, WORKER_HOST_ERROR);
}

/* The most definite one of several wins. */
static void act(struct worker *w, unsigned int pending)
{
	if (pending & PENDING_ERROR) {
		end(w, WORKER_HOST_ERROR);
	} else if (pending & (PENDING_OFF | PENDING_SUSPEND)) {
		log_info("the guest turned the machine off");
		end(w, WORKER_OFF);
	} else if (pending & PENDING_TRIPLE_FAULT && w->config->exit_on_triple_fault) {
		end(w, WORKER_CRASHED);
	} else if (w->config->exit_on_reset) {
		log_info("the guest reset the machine");
		end(w, WORKER_RESET_WANTED);
	} else {
		restart(w);
	}
}

static void woken(struct ev_loop *loop, ev_async *watcher, int events)
{
	struct worker *w = watcher->data;
	unsigned int pending = atomic_exchange(&w->pending, 0);

	if (!pending)
		return;
	vcpus_stop(&w->vcpus);
	act(w, pending | atomic_exchange(&w->pending, 0));
}

static void signalled(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct worker *w = watcher->data;

	log_info("stopped by signal %d", watcher->signum);
	end(w, WORKER_OFF);
}

static void start_watching(struct worker *w)
{
	ev_async_init(&w->wake, woken);
	ev_io_init(&w->disk_ready, disk_ready, disk_engine_fd(w->engine), EV_READ);
	ev_io_init(&w->clock_ready, clock_ready, w->timer_fd, EV_READ);
	ev_signal_init(&w->terminate, signalled, SIGTERM);
	ev_signal_init(&w->interrupt, signalled, SIGINT);
	w->wake.data = w->disk_ready.data = w->clock_ready.data = w;
	w->terminate.data = w->interrupt.data = w;
	ev_async_start(w->loop, &w->wake);
	ev_io_start(w->loop, &w->disk_ready);
	ev_io_start(w->loop, &w->clock_ready);
	ev_signal_start(w->loop, &w->terminate);
	ev_signal_start(w->loop, &w->interrupt);
}

/* --- making everything --- */

static int complain(int error, const char *format, ...) printf_like(2, 3);

static int complain(int error, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	log_error("%s", text);
	return error;
}

static int make_base(struct worker *w)
{
	int r;

	w->loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!w->loop)
		return complain(-ENOMEM, "the event loop cannot be made");
	w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer_fd < 0)
		return complain(-errno, "a timer cannot be made: %s", strerror(errno));
	r = disk_engine_create(DISK_ENGINE_BEST, &w->engine);
	return r < 0 ? complain(r, "file I/O cannot be set up: %s", strerror(-r)) : 0;
}

static int open_disk(struct worker *w, unsigned int i)
{
	static const char *const names[] = {"hda", "hdb", "hdc", "hdd"};
	const struct config_drive *drive = &w->config->drive[i];
	bool cdrom = drive->kind == CONFIG_DRIVE_CDROM;
	struct disk_error error;
	int r;

	if (drive->fd < 0)
		return 0;
	r = disk_open_raw(w->engine, drive->fd, cdrom ? 2048 : 512,
			  drive->read_only ? DISK_READ_ONLY : 0, &w->disk[i], &error);
	return r < 0 ? complain(r, "%s: descriptor %d %s", names[i], drive->fd, error.text) : 0;
}

static int open_console(struct worker *w, unsigned int i)
{
	const struct config_serial *serial = &w->config->serial[i];
	char name[64];
	int r = 0;

	console_init(&w->console[i], w->loop, &w->machine);
	if (serial->kind == CONFIG_SERIAL_FD)
		r = console_open_fd(&w->console[i], serial->fd);
	if (serial->kind == CONFIG_SERIAL_PTY)
		r = console_open_pty(&w->console[i], name, sizeof name);
	if (r < 0)
		return complain(r, "com%u: cannot be opened: %s", i + 1, strerror(-r));
	if (serial->kind == CONFIG_SERIAL_PTY)
		log_info("com%u is %s", i + 1, name);
	return 0;
}

static int make_ends(struct worker *w)
{
	int r = 0;

	for (unsigned int i = 0; i < CONFIG_DRIVES && r == 0; i++)
		r = open_disk(w, i);
	for (unsigned int i = 0; i < CONFIG_SERIALS && r == 0; i++)
		r = open_console(w, i);
	if (r == 0 && w->config->debug_fd >= 0) {
		r = fd_set_nonblock(w->config->debug_fd, true);
		w->debug_fd = w->config->debug_fd;
	}
	return r;
}

static struct vdev_ide_drive drive_of(const struct worker *w, unsigned int i)
{
	static const enum vdev_ide_kind kinds[] = {
		[CONFIG_DRIVE_NONE] = VDEV_IDE_NONE,
		[CONFIG_DRIVE_DISK] = VDEV_IDE_DISK,
		[CONFIG_DRIVE_CDROM] = VDEV_IDE_CDROM,
	};

	return (struct vdev_ide_drive){.kind = kinds[w->config->drive[i].kind], .disk = w->disk[i]};
}

static int make_machine(struct worker *w)
{
	static const struct machine_host host = {device_event, device_intr, device_rearm,
						 firmware_log};
	struct machine_config config = {
		.name = w->config->name,
		.memory = MIB(w->config->memory_mib),
		.processors = w->config->processors,
		.firmware_fd = w->config->firmware_fd,
		.kernel_fd = w->config->kernel_fd,
		.initrd_fd = w->config->initrd_fd,
		.cmdline = w->config->cmdline,
		.host = &host,
		.owner = w,
	};
	struct machine_error error;
	int r;

	for (unsigned int i = 0; i < CONFIG_DRIVES; i++)
		config.drive[i] = drive_of(w, i);
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		config.serial[i] = console_chardev(&w->console[i]);
	r = machine_init(&w->machine, w->partition, &config, &error);
	if (r < 0)
		return complain(r, "%s", error.text);
	w->machine_made = true;
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		console_start(&w->console[i], w->machine.serial[i]);
	return 0;
}

static int make_processors(struct worker *w)
{
	static const struct vcpu_ops ops = {vcpu_reports};
	int r = vcpus_init(&w->vcpus, &w->machine, w->config->processors, &ops, w);

	return r < 0 ? complain(r, "%u processors cannot be made: %s", w->config->processors,
				strerror(-r))
		     : 0;
}

static int make(struct worker *w)
{
	int r = make_base(w);

	if (r == 0)
		r = make_ends(w);
	if (r == 0)
		r = make_machine(w);
	return r < 0 ? r : make_processors(w);
}

static void unmake(struct worker *w)
{
	vcpus_fini(&w->vcpus);
	if (w->machine_made)
		machine_fini(&w->machine);
	for (unsigned int i = 0; i < CONFIG_SERIALS; i++)
		console_fini(&w->console[i]);
	for (unsigned int i = 0; i < CONFIG_DRIVES; i++) {
		if (w->disk[i])
			disk_drain(w->disk[i]);
		disk_close(w->disk[i]);
	}
	disk_engine_destroy(w->engine);
	fd_close(w->timer_fd);
	if (w->loop)
		ev_loop_destroy(w->loop);
}

static void run(struct worker *w)
{
	int r = vcpus_start(&w->vcpus);

	if (r < 0) {
		log_error("threads cannot be made: %s", strerror(-r));
		w->status = WORKER_HOST_ERROR;
		return;
	}
	log_info("running, %u MiB, %u processors", w->config->memory_mib, w->config->processors);
	ev_run(w->loop, 0);
	vcpus_stop(&w->vcpus);
}

enum worker_status worker_run(const struct config *config, struct vid_partition *partition,
			      const struct worker_options *options)
{
	struct worker *w = calloc(1, sizeof *w);
	enum worker_status status;
	int r;

	if (!w)
		return complain(WORKER_BAD_START, "there is not enough memory");
	w->config = config;
	w->partition = partition;
	w->timer_fd = w->debug_fd = -1;
	w->status = WORKER_BAD_START;
	r = make(w);
	if (r == 0) {
		start_watching(w);
		r = options->sandbox ? sandbox_enter() : 0;
		if (r < 0)
			complain(r, "the sandbox cannot be entered: %s", strerror(-r));
	}
	if (r == 0)
		run(w);
	status = w->status;
	unmake(w);
	free(w);
	return status;
}

/* --- the program --- */

static int close_others(const struct config *config)
{
	int keep[5 + CONFIG_DRIVES + CONFIG_SERIALS];
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

static int read_config(struct config *config, int count, char *const *words)
{
	struct config_error error;
	int r;

	config_init(config);
	r = config_arguments(config, count, words, &error);
	if (r == 0)
		r = config_check(config, &error);
	if (r < 0)
		return complain(r, "%s", error.text);
	r = close_others(config);
	return r < 0 ? complain(r, "descriptors cannot be closed: %s", strerror(-r)) : 0;
}

int worker_main(int count, char *const *words,
		int (*open_partition)(int fd, struct vid_partition **ret_partition),
		const struct worker_options *options)
{
	static struct config config;
	struct vid_partition *partition;
	int status, r;

	log_init("vmwp", LOG_LEVEL_INFO, false);
	if (read_config(&config, count, words) < 0)
		return WORKER_BAD_START;
	r = open_partition(config.partition_fd, &partition);
	if (r < 0)
		return complain(WORKER_BAD_START, "partition: %s", strerror(-r));
	status = worker_run(&config, partition, options);
	vid_partition_destroy(partition);
	return status;
}
