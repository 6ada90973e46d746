// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * physmem FIRST LAST (hexadecimal, inclusive): whether that physical memory reads as ones, and
 * still does after writes to it. Writes nothing where it does not read as ones in the first place,
 * since then it is somebody's, nor
 * where the kernel refuses to map it since it has it mapped otherwise. Looks at three words of each page.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE 4096

static const size_t offsets[] = {0, PAGE / 2, PAGE - sizeof(uint64_t)};
#define N_OFFSETS (sizeof offsets / sizeof *offsets)

static volatile uint64_t *word(uint8_t *base, size_t page, size_t i)
{
	return (volatile uint64_t *)(base + page * PAGE + offsets[i]);
}

static bool all_ones(uint8_t *base, size_t pages)
{
	for (size_t page = 0; page < pages; page++)
		for (size_t i = 0; i < N_OFFSETS; i++)
			if (*word(base, page, i) != UINT64_MAX)
				return false;
	return true;
}

static void write_all(uint8_t *base, size_t pages)
{
	for (size_t page = 0; page < pages; page++)
		for (size_t i = 0; i < N_OFFSETS; i++)
			*word(base, page, i) = 0x0123456789abcdef;
}

static int check(const char *name, uint8_t *base, size_t pages)
{
	if (!all_ones(base, pages)) {
		printf("%s: holds something\n", name);
		return 0;
	}
	write_all(base, pages);
	if (!all_ones(base, pages)) {
		printf("%s: KEEPS WHAT IS WRITTEN\n", name);
		return 1;
	}
	printf("%s: all ones, before and after writes\n", name);
	return 0;
}

int main(int argc, char **argv)
{
	char name[64];
	uint64_t first, length;
	void *base;
	int fd;

	if (argc != 3)
		return 2;
	first = strtoull(argv[1], NULL, 16);
	length = strtoull(argv[2], NULL, 16) + 1 - first;
	snprintf(name, sizeof name, "%jx-%jx", (uintmax_t)first, (uintmax_t)(first + length - 1));
	fd = open("/dev/mem", O_RDWR | O_SYNC);
	if (fd < 0) {
		perror("/dev/mem");
		return 1;
	}
	base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)first);
	if (base == MAP_FAILED) {
		printf("%s: cannot be mapped\n", name);
		return 0;
	}
	return check(name, base, length / PAGE);
}
