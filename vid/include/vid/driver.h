/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Partitions of the hypervisor, by way of vid.ko.
 */
#ifndef VID_DRIVER_H
#define VID_DRIVER_H

#include "vid/partition.h"

/*
 * The partition that `fd` is the descriptor of (as vid_partition_fd() gives it), which must be
 * empty; or a new one, if `fd` is of /dev/vid. From then on `fd` belongs to the object. With -1: a
 * new one, for which /dev/vid is opened. -ENOENT, -EACCES: /dev/vid; -ENODEV: no hypervisor;
 * -EPROTO: the driver is of another version; -EBADF: `fd` is something else; -ENOMEM, -ENOSPC, -EDQUOT.
 */
int must_check vid_partition_open(int fd, struct vid_partition **ret_partition);

#endif
