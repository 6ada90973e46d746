/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up Linux kernel image, for what loads one. */
#ifndef KERNEL_IMAGE_H
#define KERNEL_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define KERNEL_IMAGE_SETUP   (4 * 512)
#define KERNEL_IMAGE_KERNEL  100000
#define KERNEL_IMAGE_SIZE    (KERNEL_IMAGE_SETUP + KERNEL_IMAGE_KERNEL)
#define KERNEL_IMAGE_ADDRESS 0x1000000ull

/* Protocol 2.15, wants to be at 16 MiB and 4 MiB there, takes 100 bytes of command line. */
void kernel_image_make(uint8_t image[KERNEL_IMAGE_SIZE]);

/* A descriptor of a file with these bytes. */
int file_of(const void *data, size_t size);
int kernel_image_file(void);

#endif
