/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fw_cfg device: numbered and named blobs from the worker to firmware (QEMU's fw_cfg
 * specification, docs/specs/fw_cfg). Selector at port 510h, data at 511h, DMA at 514h–51Bh. The
 * guest reads only. Contents belong to the machine's configuration and are not saved.
 */
#ifndef VDEV_FW_CFG_H
#define VDEV_FW_CFG_H

#include "board/device.h"

#define VDEV_FW_CFG_NAME_SIZE 56 /* of a file, with the terminating 0 */
#define VDEV_FW_CFG_FILES_MAX 32
#define VDEV_FW_CFG_ITEM_MAX  0x20 /* keys of items below the files */

/* Keys of items. */
#define FW_CFG_SIGNATURE      0x00
#define FW_CFG_ID             0x01
#define FW_CFG_UUID           0x02
#define FW_CFG_NB_CPUS        0x05
#define FW_CFG_BOOT_MENU      0x0e
#define FW_CFG_MAX_CPUS       0x0f
#define FW_CFG_FILE_DIR       0x19

struct vdev_fw_cfg;

int must_check vdev_fw_cfg_create(struct vdev_board *board, struct vdev_fw_cfg **ret_fw_cfg);
struct vdev_device *vdev_fw_cfg_device(struct vdev_fw_cfg *fw_cfg);

/* Copies `data`. -EEXIST: there is one of this key or name; -ENOSPC; -EINVAL: key, name, size. */
int must_check vdev_fw_cfg_add_item(struct vdev_fw_cfg *fw_cfg, uint16_t key, const void *data,
				    size_t size);
int must_check vdev_fw_cfg_add_file(struct vdev_fw_cfg *fw_cfg, const char *name, const void *data,
				    size_t size);

/* A little-endian number, as firmware reads settings such as "etc/show-boot-menu". */
int must_check vdev_fw_cfg_add_number(struct vdev_fw_cfg *fw_cfg, const char *name, uint64_t value,
				      size_t size);

#endif
