/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One machine: its memory, its board and its devices; machine.c is where the list of the devices is.
 * Knows nothing of threads or loops: who calls into a machine holds its lock, with the exceptions
 * that are named.
 */
#ifndef VMWP_MACHINE_H
#define VMWP_MACHINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/chardev.h"
#include "board/device.h"
#include "machine/kernel_boot.h"
#include "vdev/ide.h"
#include "vdev/isa_irq.h"
#include "vdev/pci.h"
#include "vsp/storvsp.h"

struct disk;
struct vdev_fw_cfg;
struct vdev_i82443bx;
struct vdev_i8042;
struct vdev_i8254;
struct vdev_mc146818;
struct vdev_ns16550a;
struct vdev_piix4_isa;
struct vdev_piix4_pm;
struct vdev_shadow;
struct vid_memory;
struct vid_partition;
struct vsp_services;
struct vsp_vmbus;

#define MACHINE_SERIALS     2u
#define MACHINE_SCSI_DISKS  4u
#define MACHINE_DEVICES_MAX 24u
#define MACHINE_BOOTS       3u

/* What firmware is to try, in this order; NONE ends the list. */
enum machine_boot {
	MACHINE_BOOT_NONE,
	MACHINE_BOOT_DISK,
	MACHINE_BOOT_CDROM,
	MACHINE_BOOT_NETWORK, /* there is no network card to boot from yet */
};

/* What the machine asks of its owner; called with the lock held, from any thread. */
struct machine_host {
	void (*event)(void *owner, enum vdev_event event); /* act later, not in the call */
	void (*intr)(void *owner, bool level);             /* the 8259's output has changed */
	void (*rearm)(void *owner, uint64_t deadline);     /* of the clock: CLOCK_MONOTONIC, ns */
	void (*firmware_log)(void *owner, uint8_t byte);   /* may be NULL */
};

struct machine_config {
	const char *name;
	uint64_t memory; /* bytes, whole MiB */
	int meminfo_fd;  /* of free_memory_open() */
	unsigned int processors;
	int firmware_fd;          /* a BIOS image; or -1 and */
	int kernel_fd, initrd_fd; /* kernel_boot.h says what they may be */
	const char *cmdline;
	uint8_t uuid[16];    /* in text order */
	int64_t date_offset; /* ns from UTC to what the clock shows */
	enum machine_boot boot[MACHINE_BOOTS];
	struct vdev_ide_drive drive[VDEV_IDE_DRIVES];
	struct disk_engine
		*scsi_engine; /* of the SCSI disks alone; its thread has no lock of the machine's */
	struct vsp_storvsp_lun scsi[MACHINE_SCSI_DISKS];
	struct vdev_chardev serial[MACHINE_SERIALS];
	const struct machine_host *host;
	void *owner;
};

struct machine_error {
	char text[256];
};

struct machine {
	pthread_mutex_t lock; /* around the machine as a whole: everything in vdev */
	struct machine_config config;
	struct vid_partition *partition;
	struct vid_memory *ram, *firmware;
	struct vdev_board board;
	struct vdev_pci_bus pci;
	struct vdev_isa_irq irq;
	struct kernel_entry entry; /* direct boot */

	struct vdev_device *devices[MACHINE_DEVICES_MAX]; /* in the order of the list */
	size_t device_count;
	struct vdev_shadow *shadow;
	struct vdev_i8259 *pic;
	struct vdev_ioapic *ioapic;
	struct vdev_i8254 *timer;
	struct vdev_mc146818 *rtc;
	struct vdev_i8042 *keyboard;
	struct vdev_fw_cfg *fw_cfg;
	struct vdev_i82443bx *bridge;
	struct vdev_piix4_isa *isa;
	struct vdev_piix4_pm *pm;
	struct vdev_device *ide;
	struct vdev_ns16550a *serial[MACHINE_SERIALS];
	struct vsp_vmbus *vmbus; /* these three have their own locks */
	struct vsp_services *services;
	struct vsp_storvsp *storvsp; /* NULL: there is no disk for it */
};

/*
 * Makes memory and devices and, for a direct boot, loads the kernel. Descriptors and the disks of
 * the configuration stay the caller's and must live as long. No lock is needed. An error is
 * said in *ret_error, and there is nothing to clean up then.
 */
int must_check machine_init(struct machine *m, struct vid_partition *partition,
			    const struct machine_config *config, struct machine_error *ret_error);
void machine_fini(struct machine *m); /* zeroed memory is allowed, and left behind */

/*
 * Hardware reset of all devices; a direct boot begins anew with kernel and initrd read again. The
 * processors are the caller's and stand still. Takes the lock itself.
 */
int must_check machine_reset(struct machine *m, struct machine_error *ret_error);

bool machine_boots_directly(const struct machine *m);

/*
 * Firmware's device paths for the configuration's boot order, a line each: of every kind the first
 * drive. Returns their length; 0: firmware is to use its own order.
 */
#define MACHINE_BOOT_PATHS 128u
size_t machine_boot_paths(const struct machine_config *config, char text[MACHINE_BOOT_PATHS]);

/* Presses the power button: the guest is asked to shut down. Takes the lock itself. */
void machine_power_button(struct machine *m);

/*
 * Replaces the medium of a CD-ROM drive, or takes it out (NULL), whether the guest has locked the
 * tray or not. What was there is in *ret_old (NULL: nothing was), without requests, for the caller to
 * close, also if the new one is refused. Takes the lock itself.
 */
int must_check machine_medium(struct machine *m, unsigned int unit, struct disk *disk,
			      struct disk **ret_old);

/* The guest's time: stands still, goes on, does what is due. They take the lock themselves. */
void machine_stop_clock(struct machine *m);
void machine_start_clock(struct machine *m);
void machine_run_clock(struct machine *m);

static inline void machine_lock(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
}

static inline void machine_unlock(struct machine *m)
{
	pthread_mutex_unlock(&m->lock);
}

#endif
