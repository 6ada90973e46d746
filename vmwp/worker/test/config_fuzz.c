/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any file as a configuration: it is taken or refused with a sentence, and holds what it says. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct config config;
	struct config_error error = {""};
	int r;

	if (fd < 0)
		fd = memfd_create("config", 0);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	lseek(fd, 0, SEEK_SET);
	config_init(&config);
	r = config_file(&config, fd, &error);
	if (r < 0 && strlen(error.text) == 0)
		abort();
	if (r == 0 && config_check(&config, &error) == 0 &&
	    (config.memory_mib < CONFIG_MEMORY_MIN_MIB || config.processors == 0 ||
	     config.processors > CONFIG_VPS_MAX))
		abort();
	return 0;
}
