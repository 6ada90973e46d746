/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory between 640 KiB and 1 MiB: RAM, ROM or nothing, as the host bridge's PAM and SMRAM
 * registers say. The bridge speaks through struct vdev_shadow_ops; vdev_shadow carries it out on the
 * partition's map.
 */
#ifndef VDEV_SHADOW_H
#define VDEV_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct vdev_board;
struct vdev_shadow;
struct vid_memory;

#define VDEV_SHADOW_READ     BIT(0) /* reads go to RAM; else to the ROM behind it */
#define VDEV_SHADOW_WRITE    BIT(1) /* writes go to RAM; else nowhere */

#define VDEV_SHADOW_SEGMENTS 13u /* 16 KiB each from C0000h, the last 64 KiB at F0000h */

struct vdev_shadow_ops {
	/* Segment `n` (0: C0000h … 12: F0000h) is now accessed as VDEV_SHADOW_* says. */
	void (*set)(void *owner, unsigned int segment, unsigned int access);
	/* RAM at A0000h–BFFFFh is visible or not. */
	void (*open_smram)(void *owner, bool open);
};

/*
 * `ram` is the guest's RAM from address 0 on, of which this maps A0000h to FFFFFh and the worker the
 * rest. `rom` is the firmware image, at most 16 MiB and a multiple of 4 KiB: mapped below 4 GiB, its
 * last 128 KiB also below 1 MiB. Both must outlive the object. At first all is ROM.
 */
int must_check vdev_shadow_create(struct vdev_board *board, const struct vid_memory *ram,
				  const struct vid_memory *rom, struct vdev_shadow **ret_shadow);
void vdev_shadow_destroy(struct vdev_shadow *shadow);

/* The interface for the bridge; its owner is the vdev_shadow. */
extern const struct vdev_shadow_ops vdev_shadow_ops;

/* GPA and size of a segment. */
static inline uint64_t vdev_shadow_address(unsigned int segment)
{
	return UINT64_C(0xc0000) + (uint64_t)segment * 0x4000;
}

static inline uint64_t vdev_shadow_size(unsigned int segment)
{
	return segment == VDEV_SHADOW_SEGMENTS - 1 ? 0x10000 : 0x4000;
}

#endif
