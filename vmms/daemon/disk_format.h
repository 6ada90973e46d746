/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk images that are not raw, by their first and last bytes. Asked once, when a disk is put into a
 * definition, which from then on says "raw": what a guest writes to its disk later is never taken
 * for a format.
 *
 * Sources: qcow2 and QED, the specifications in QEMU's docs/interop; VMDK, "Virtual Disk Format 5.0"
 * (VMware); VDI, the header of VirtualBox' images (signature BEDA107Fh at byte 64); VHD, "Virtual
 * Hard Disk Image Format Specification" 1.0 (footer "conectix", dynamic header "cxsparse"); VHDX,
 * [MS-VHDX] 2.2.1; Parallels, docs/interop/parallels.txt of QEMU.
 */
#ifndef VMMS_DAEMON_DISK_FORMAT_H
#define VMMS_DAEMON_DISK_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct disk_format {
	const char *name; /* for people */
	const char *qemu; /* what qemu-img -f calls it */
};

/* The formats whose marks are at the beginning; NULL for raw. `size` bytes of `head` are there. */
const struct disk_format *disk_format_of_head(const uint8_t *head, size_t size);
/* The one whose mark is in the last 512 bytes, a VHD of fixed size; NULL: none. */
const struct disk_format *disk_format_of_tail(const uint8_t *tail, size_t size);

enum { DISK_FORMAT_HEAD = 1024, DISK_FORMAT_TAIL = 512 };

/* Reads both from a file or block device of `size` bytes. *ret is NULL for raw. */
int must_check disk_format_probe(int fd, uint64_t size, const struct disk_format **ret);

#endif
