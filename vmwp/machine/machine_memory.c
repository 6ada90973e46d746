/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Byte n of the RAM object is guest address n up to LAYOUT_LOW_END; the rest follows from 4 GiB on.
 * With firmware, A0000h–FFFFFh belongs to vdev_shadow; without, firmware's place is RAM, for the
 * ACPI tables.
 */
#include "machine_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include "base/fd.h"
#include "layout.h"
#include "machine/free_memory.h"
#include "machine/machine.h"
#include "vdev/shadow.h"
#include "vid/memory.h"
#include "vid/partition.h"

#define FIRMWARE_MAX MIB(16)

static int fail_memory(const struct machine *m, int error, struct machine_error *ret_error)
{
	struct sysinfo info = {0};
	uint64_t available = free_memory(m->config.meminfo_fd);

	if (error == -EPERM) {
		snprintf(ret_error->text, sizeof ret_error->text,
			 "memory: %" PRIu64 " MiB are more than this user may lock (ulimit -l)",
			 m->config.memory >> 20);
		return error;
	}
	sysinfo(&info); /* fails only for a bad address */
	if (available == UINT64_MAX)
		available = (uint64_t)info.freeram * info.mem_unit;
	snprintf(ret_error->text, sizeof ret_error->text,
		 "memory: %" PRIu64 " MiB are not to be had (%s); %" PRIu64
		 " MiB are free: stop another machine, or give this one less",
		 m->config.memory >> 20, strerror(-error), available >> 20);
	return error;
}

/* A memfd takes any size, and pages that nobody has are looked for at others' cost: ask before. */
static int check_memory(const struct machine *m, struct machine_error *ret_error)
{
	uint64_t available = free_memory(m->config.meminfo_fd);
	struct sysinfo info = {0};

	if (available == UINT64_MAX && sysinfo(&info) == 0)
		available = (uint64_t)info.totalram * info.mem_unit;
	return m->config.memory < available ? 0 : fail_memory(m, -ENOMEM, ret_error);
}

static int map(struct machine *m, uint64_t from, uint64_t to, uint64_t offset,
	       struct machine_error *ret_error)
{
	int r;

	if (from >= to)
		return 0;
	r = vid_partition_map(m->partition, from, m->ram, offset, to - from, VID_ACCESS_ALL);
	return r < 0 ? fail_memory(m, r, ret_error) : 0;
}

static int map_ram(struct machine *m, struct machine_error *ret_error)
{
	uint64_t low = layout_low_size(m->config.memory);
	uint64_t high = layout_high_size(m->config.memory);
	int r = map(m, 0, LAYOUT_VIDEO_BEGIN, 0, ret_error);

	if (r == 0 && machine_boots_directly(m))
		r = map(m, LAYOUT_FIRMWARE_BEGIN, LAYOUT_EXTENDED_BEGIN, LAYOUT_FIRMWARE_BEGIN,
			ret_error);
	if (r == 0)
		r = map(m, LAYOUT_EXTENDED_BEGIN, low, LAYOUT_EXTENDED_BEGIN, ret_error);
	if (r == 0)
		r = map(m, LAYOUT_HIGH_BEGIN, LAYOUT_HIGH_BEGIN + high, low, ret_error);
	return r;
}

/* --- firmware --- */

static int firmware_size(int fd, uint64_t *ret_size, struct machine_error *ret_error)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		snprintf(ret_error->text, sizeof ret_error->text,
			 "firmware: is not a regular file");
		return -EINVAL;
	}
	*ret_size = (uint64_t)st.st_size;
	if (*ret_size >= KIB(64) && *ret_size <= FIRMWARE_MAX && *ret_size % VID_PAGE_SIZE == 0)
		return 0;
	snprintf(ret_error->text, sizeof ret_error->text,
		 "firmware: has %" PRIu64 " bytes; an image has 64 KiB to 16 MiB, whole pages",
		 *ret_size);
	return -EINVAL;
}

static int read_firmware(struct machine *m, struct machine_error *ret_error)
{
	uint64_t size;
	int r = firmware_size(m->config.firmware_fd, &size, ret_error);

	if (r < 0)
		return r;
	r = vid_memory_create("firmware", size, &m->firmware);
	if (r == 0)
		r = fd_pread_full(m->config.firmware_fd, vid_memory_host(m->firmware), size, 0);
	if (r < 0)
		snprintf(ret_error->text, sizeof ret_error->text, "firmware: cannot be read: %s",
			 strerror(-r));
	return r;
}

static int create_shadow(struct machine *m, struct machine_error *ret_error)
{
	int r;

	if (m->config.firmware_fd < 0)
		return 0;
	r = read_firmware(m, ret_error);
	if (r < 0)
		return r;
	r = vdev_shadow_create(&m->board, m->ram, m->firmware, &m->shadow);
	if (r < 0)
		snprintf(ret_error->text, sizeof ret_error->text, "firmware: cannot be mapped: %s",
			 strerror(-r));
	return r;
}

int machine_memory_create(struct machine *m, struct machine_error *ret_error)
{
	int r = check_memory(m, ret_error);

	if (r < 0)
		return r;
	r = vid_memory_create("ram", m->config.memory, &m->ram);
	if (r < 0)
		return fail_memory(m, r, ret_error);
	r = map_ram(m, ret_error);
	return r < 0 ? r : create_shadow(m, ret_error);
}

static void unmap(struct machine *m, uint64_t from, uint64_t to)
{
	/* What was not mapped, because making the machine failed, is not there to be taken away. */
	if (from < to && vid_partition_unmap(m->partition, from, to - from) < 0)
		return;
}

void machine_memory_destroy(struct machine *m)
{
	uint64_t low = layout_low_size(m->config.memory);
	uint64_t high = layout_high_size(m->config.memory);

	vdev_shadow_destroy(m->shadow);
	unmap(m, 0, LAYOUT_VIDEO_BEGIN);
	unmap(m, LAYOUT_FIRMWARE_BEGIN, LAYOUT_EXTENDED_BEGIN);
	unmap(m, LAYOUT_EXTENDED_BEGIN, low);
	unmap(m, LAYOUT_HIGH_BEGIN, LAYOUT_HIGH_BEGIN + high);
	vid_memory_destroy(m->firmware);
	vid_memory_destroy(m->ram);
}

uint8_t *machine_memory_host(const struct machine *m)
{
	return vid_memory_host(m->ram);
}
