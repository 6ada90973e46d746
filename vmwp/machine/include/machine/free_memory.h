/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory the host could give without swapping, as the kernel estimates it. The file is
 * opened before the sandbox is entered and read when a machine is made.
 */
#ifndef VMWP_FREE_MEMORY_H
#define VMWP_FREE_MEMORY_H

#include <stdint.h>

/* A descriptor for free_memory(), the caller's; -1 where there is no /proc. */
int free_memory_open(void);

/* Bytes; UINT64_MAX: not known. */
uint64_t free_memory(int fd);

#endif
