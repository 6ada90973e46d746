/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who on the host uses a disk that a machine is to write to: mounts, swap, device-mapper volumes
 * (LVM, dm-crypt), software RAID, loop devices. For messages, and for uses that the kernel does not
 * keep an exclusive opener from.
 *
 * Sources: proc(5) for mountinfo and swaps, Documentation/ABI/stable/sysfs-block of Linux for
 * /sys/dev/block and holders, Documentation/ABI/testing/sysfs-block-dm for dm/name and dm/uuid.
 */
#ifndef VMMS_DAEMON_DISK_HOLDER_H
#define VMMS_DAEMON_DISK_HOLDER_H

#include <stdbool.h>
#include <sys/stat.h>

/* Where to look; other places for tests. */
struct disk_holder_sources {
	const char *mountinfo; /* tried first; may be NULL */
	const char *own_mountinfo;
	const char *swaps;
	const char *sys;
};

extern const struct disk_holder_sources disk_holder_host;

enum { DISK_HOLDER_TEXT = 256 };

/*
 * "it is mounted on /srv", "its partition sda2 is used as swap", …; false: nobody is found. `st`
 * is of a block device or regular file.
 */
bool disk_holder_find(const struct disk_holder_sources *sources, const struct stat *st,
		      char text[static DISK_HOLDER_TEXT]);

#endif
