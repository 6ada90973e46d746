/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File descriptors: close without losing errno, and reads and writes that carry on after a short
 * count or EINTR. Everything returns 0 or -errno.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* Closes if fd >= 0; errno stays as it was. Returns -1, to be stored in the variable. */
int fd_close(int fd);

/* Whole buffers. A file that ends early is -ENODATA, with the bytes before the end in the buffer. */
int must_check fd_read_full(int fd, void *buffer, size_t size);
int must_check fd_pread_full(int fd, void *buffer, size_t size, uint64_t offset);
int must_check fd_write_full(int fd, const void *buffer, size_t size);
int must_check fd_pwrite_full(int fd, const void *buffer, size_t size, uint64_t offset);

int must_check fd_set_nonblock(int fd, bool nonblock);
int must_check fd_set_cloexec(int fd, bool cloexec);

#endif
