/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/macros.h"

void kernel_image_make(uint8_t image[KERNEL_IMAGE_SIZE])
{
	for (size_t i = 0; i < KERNEL_IMAGE_SIZE; i++)
		image[i] = (uint8_t)(i * 31 >> 3);
	memset(image + 0x1f1, 0, 0x264 - 0x1f1);
	image[0x1f1] = 3;
	bytes_put_le32(image + 0x1f4, KERNEL_IMAGE_KERNEL / 16);
	bytes_put_le16(image + 0x1fe, 0xaa55);
	image[0x201] = 0x264 - 0x202; /* where the header ends */
	memcpy(image + 0x202, "HdrS", 4);
	bytes_put_le16(image + 0x206, 0x020f);
	image[0x211] = 1;
	bytes_put_le32(image + 0x22c, 0x7fffffff);
	bytes_put_le16(image + 0x236, 1);
	bytes_put_le32(image + 0x238, 100);
	bytes_put_le64(image + 0x258, KERNEL_IMAGE_ADDRESS);
	bytes_put_le32(image + 0x260, MIB(4));
}

int file_of(const void *data, size_t size)
{
	int fd = memfd_create("file", 0);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

int kernel_image_file(void)
{
	static uint8_t image[KERNEL_IMAGE_SIZE];

	kernel_image_make(image);
	return file_of(image, sizeof image);
}
