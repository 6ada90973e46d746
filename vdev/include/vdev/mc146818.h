/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MC146818A real-time clock with the 256 bytes of CMOS RAM that the PIIX4 has (Motorola
 * MC146818A; Intel 290562 section 4.7). Ports 70h–73h. Time comes from the host's date plus an
 * offset that the guest makes by setting the clock; the offset is what is saved.
 */
#ifndef VDEV_MC146818_H
#define VDEV_MC146818_H

#include "board/device.h"
#include "board/irq.h"

/* Places in the RAM that PC firmware reads. */
#define CMOS_FLOPPY        0x10
#define CMOS_EQUIPMENT     0x14
#define CMOS_BASE_LOW      0x15 /* KiB below 640 K, 2 bytes */
#define CMOS_EXTENDED_LOW  0x17 /* KiB above 1 M, at most 65535, 2 bytes */
#define CMOS_EXTENDED2_LOW 0x30 /* the same once more */
#define CMOS_CENTURY       0x32 /* goes on with the clock, in its format; the FADT names it */
#define CMOS_ABOVE_16M_LOW 0x34 /* 64 KiB units above 16 M and below 4 G, 2 bytes */
#define CMOS_ABOVE_4G_LOW  0x5b /* 64 KiB units above 4 G, 3 bytes */
#define CMOS_PROCESSORS    0x5f /* processors but the first; SeaBIOS */

struct vdev_mc146818;

/* Where the date comes from. */
struct vdev_date_source {
	/* Nanoseconds since 1970-01-01 00:00 of the time that the machine's clock shall show. */
	int64_t (*read)(void *owner);
};

int must_check vdev_mc146818_create(struct vdev_board *board, struct vdev_irq_line *irq8,
				    const struct vdev_date_source *date, void *date_owner,
				    struct vdev_mc146818 **ret_rtc);
struct vdev_device *vdev_mc146818_device(struct vdev_mc146818 *rtc);

/* Writes a byte of RAM (offset 0Eh to FFh) before the machine starts. */
void vdev_mc146818_set_ram(struct vdev_mc146818 *rtc, unsigned int offset, uint8_t value);
uint8_t vdev_mc146818_ram(const struct vdev_mc146818 *rtc, unsigned int offset);

/* The bytes that tell firmware of memory: bytes of RAM below and above 4 GiB. */
void vdev_mc146818_set_memory(struct vdev_mc146818 *rtc, uint64_t below_4g, uint64_t above_4g);

#endif
