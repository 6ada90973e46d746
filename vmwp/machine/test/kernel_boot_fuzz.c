/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a kernel: loading stays within the guest's memory. By the first byte, the input is the
 * header of a Linux kernel from 1f1h on, and the size of what follows the setup part; or a multiboot
 * image, ELF or flat, whose header has its sums put right.
 */
#include "machine/kernel_boot.h"

#include <stdbool.h>
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

static uint32_t get32(size_t at)
{
	uint32_t value;

	memcpy(&value, image + at, 4);
	return value;
}

static void put32(size_t at, uint32_t value)
{
	memcpy(image + at, &value, 4);
}

/* The input begins the file; its header is behind it, 8-byte aligned, with the tags or addresses. */
static size_t make_multiboot(const uint8_t *data, size_t size, bool second)
{
	size_t body = size < 4096 ? size : 4096, at = (body / 2 + 7) & ~(size_t)7;

	memset(image, 0, sizeof image);
	memcpy(image, data, body);
	if (second) {
		put32(at, 0xe85250d6);
		put32(at + 4, 0);
		put32(at + 12, 0u - get32(at) - get32(at + 8));
	} else {
		put32(at, 0x1badb002);
		put32(at + 4, get32(at + 4) & 0x10007);
		put32(at + 8, 0u - get32(at) - get32(at + 4));
	}
	if (size && data[0] & 4) { /* ELF, of 32 or 64 bits */
		memcpy(image,
		       "\x7f"
		       "ELF",
		       4);
		image[4] = data[0] & 8 ? 2 : 1;
		image[5] = 1;
		image[16] = 2;
		image[18] = data[0] & 8 ? 62 : 3;
	}
	return body + 4096;
}

static size_t make(const uint8_t *data, size_t size)
{
	if (size && data[0] & 2)
		return make_multiboot(data + 1, size - 1, data[0] & 1);
	return make_image(data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *ram;
	static int fd = -1;
	struct kernel_boot boot = {.memory = MEMORY, .cmdline = "quiet"};
	struct kernel_error error = {""};
	struct kernel_entry entry;
	size_t length = make(data, size);

	if (fd < 0) {
		fd = memfd_create("kernel", 0);
		ram = malloc(MEMORY);
	}
	if (!ram || ftruncate(fd, 0) < 0 || pwrite(fd, image, length, 0) != (ssize_t)length)
		abort();
	boot.ram = ram;
	boot.kernel_fd = boot.initrd_fd = fd;
	if (kernel_boot_load(&boot, &entry, &error) < 0) {
		if (strlen(error.text) == 0)
			abort();
	} else if (entry.rip >= MEMORY) {
		abort();
	}
	return 0;
}
