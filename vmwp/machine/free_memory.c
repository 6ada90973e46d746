/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine/free_memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"

int free_memory_open(void)
{
	return open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
}

uint64_t free_memory(int fd)
{
	static const char key[] = "MemAvailable:";
	char text[512];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	const char *line;
	uint64_t kib;

	if (n <= 0)
		return UINT64_MAX;
	text[n] = 0;
	line = strstr(text, key);
	if (!line || sscanf(line + strlen(key), "%" SCNu64, &kib) != 1 || kib > UINT64_MAX / 1024)
		return UINT64_MAX;
	return KIB(kib);
}
