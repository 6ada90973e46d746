/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A synthetic SCSI controller: one channel, with disks at its logical units. It has a disk engine of its
 * own, and a thread that serves both; what the two share is under the channel's lock.
 *
 * Limits of one: VSP_STORVSP_REQUESTS requests at a time, the rest waits in the guest's ring;
 * VSP_STORVSP_TRANSFER bytes in a request, which the guest is told, and one that is longer is refused.
 */
#ifndef VSP_STORVSP_H
#define VSP_STORVSP_H

#include <stdint.h>

#include "base/macros.h"
#include "disk/disk.h"

struct vid_partition;
struct vsp_storvsp;
struct vsp_vmbus;

#define VSP_STORVSP_LUNS     64u
#define VSP_STORVSP_REQUESTS 64u
#define VSP_STORVSP_TRANSFER (512u << 10)

struct vsp_storvsp_lun {
	struct disk *disk;  /* NULL: there is none */
	const char *serial; /* at most 20 characters; NULL: made of machine and number */
};

struct vsp_storvsp_config {
	struct vsp_vmbus *vmbus;
	struct vid_partition *partition;
	struct disk_engine *engine; /* of all its disks, and of nothing else */
	uint8_t machine[16];        /* its UUID, of which the disks' identities are made */
	unsigned int number;        /* of the controller, in the machine */
	struct vsp_storvsp_lun lun[VSP_STORVSP_LUNS];
};

/* Disks and engine stay the caller's. -ENOSPC: no channel; -ENOMEM, -EMFILE. */
int must_check vsp_storvsp_create(const struct vsp_storvsp_config *config,
				  struct vsp_storvsp **ret_storvsp);
/* Stops the thread, waits for what is under way. NULL is allowed. */
void vsp_storvsp_destroy(struct vsp_storvsp *storvsp);

/* Its thread; without, whoever made it calls vsp_storvsp_dispatch(). */
int must_check vsp_storvsp_start(struct vsp_storvsp *storvsp);

/* Serves what there is; with `wait`, waits for it first. */
void vsp_storvsp_dispatch(struct vsp_storvsp *storvsp, bool wait);

struct disk_stats vsp_storvsp_stats(struct vsp_storvsp *storvsp);

#endif
