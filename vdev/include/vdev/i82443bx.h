/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host bridge, function 0 of device 0: the 82443BX (Intel 290633) of a board whose AGP is
 * disabled, or the 82441FX (290549). PAM and SMRAM do what they say; of the registers for DRAM and
 * power the values are kept and have no effect.
 */
#ifndef VDEV_I82443BX_H
#define VDEV_I82443BX_H

#include "board/device.h"
#include "vdev/pci.h"
#include "vdev/shadow.h"

struct vdev_i82443bx;

/*
 * SeaBIOS unlocks shadow RAM only on an 82441FX (8086:1237); `as_82441fx` makes the bridge that chip,
 * with that chip's registers. The subsystem id, which the 82441FX does not have, is the one by which
 * SeaBIOS knows that there is a fw_cfg device; in the 82443BX it is as firmware has written it, once.
 */
int must_check vdev_i82443bx_create(struct vdev_pci_bus *bus, const struct vdev_shadow_ops *shadow,
				    void *shadow_owner, bool as_82441fx,
				    struct vdev_i82443bx **ret_bridge);
struct vdev_device *vdev_i82443bx_device(struct vdev_i82443bx *bridge);

#endif
