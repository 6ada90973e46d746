/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82443BX host bridge (Intel 290633), function 0 of device 0: PAM and SMRAM registers. Of the
 * DRAM, AGP and power registers the values are kept and have no effect.
 */
#ifndef VDEV_I82443BX_H
#define VDEV_I82443BX_H

#include "board/device.h"
#include "vdev/pci.h"
#include "vdev/shadow.h"

struct vdev_i82443bx;

/*
 * SeaBIOS unlocks shadow RAM only on a bridge that calls itself 82441FX (8086:1237), whose PAM and
 * SMRAM registers are at the same places; `as_82441fx` gives it that name. The subsystem id is the
 * one by which SeaBIOS knows that there is a fw_cfg device.
 */
int must_check vdev_i82443bx_create(struct vdev_pci_bus *bus, const struct vdev_shadow_ops *shadow,
				    void *shadow_owner, bool as_82441fx,
				    struct vdev_i82443bx **ret_bridge);
struct vdev_device *vdev_i82443bx_device(struct vdev_i82443bx *bridge);

#endif
