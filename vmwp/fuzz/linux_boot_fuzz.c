/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as the header of a kernel: loading stays within the guest's memory. The input is the
 * header from 1f1h on, then what follows the setup part.
 */
#include "linux_boot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY (8u << 20)

static uint8_t image[0x264 + 65536];

static size_t make_image(const uint8_t *data, size_t size)
{
	size_t header = size < 0x264 - 0x1f1 ? size : 0x264 - 0x1f1;

	memset(image, 0, sizeof image);
	memcpy(image + 0x1f1, data, header);
	if (size && data[0] & 1) { /* let most inputs get past the first checks */
		memcpy(image + 0x1fe, "\x55\xaa", 2);
		memcpy(image + 0x202, "HdrS\x0f\x02", 6);
		image[0x211] |= 1;
		image[0x236] |= 1;
		memset(image + 0x1f6, 0, 2);
		memset(image + 0x25b, 0, 5);
	}
	return 0x264 + (size - header < 65536 ? (size - header) * 16 % 65536 : 65536);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *ram;
	static int fd = -1;
	struct linux_boot boot = {.memory = MEMORY, .cmdline = "quiet"};
	struct linux_boot_error error = {""};
	struct linux_boot_entry entry;
	size_t length = make_image(data, size);

	if (fd < 0) {
		fd = memfd_create("kernel", 0);
		ram = malloc(MEMORY);
	}
	if (!ram || ftruncate(fd, 0) < 0 || pwrite(fd, image, length, 0) != (ssize_t)length)
		abort();
	boot.ram = ram;
	boot.kernel_fd = boot.initrd_fd = fd;
	if (linux_boot_load(&boot, &entry, &error) < 0) {
		if (strlen(error.text) == 0)
			abort();
	} else if (entry.rip >= MEMORY) {
		abort();
	}
	return 0;
}
