/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine_bench.h"

#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "kernel_image.h"

static void note_event(void *owner, enum vdev_event event)
{
	struct bench *b = owner;

	if (b->event_count < ARRAY_SIZE(b->events))
		b->events[b->event_count++] = event;
}

static void note_intr(void *owner, bool level)
{
	struct bench *b = owner;

	b->intr_count += level;
}

static void note_deadline(void *owner, uint64_t deadline)
{
	struct bench *b = owner;

	b->deadline = deadline;
}

static size_t take_serial(void *owner, const uint8_t *data, size_t size)
{
	struct bench *b = owner;
	size_t n = MIN(size, sizeof b->serial - b->serial_size);

	memcpy(b->serial + b->serial_size, data, n);
	b->serial_size += n;
	return n;
}

void bench_init(struct bench *b)
{
	static const struct machine_host host = {note_event, note_intr, note_deadline, NULL};
	static const struct vdev_chardev_ops serial = {take_serial, NULL};

	memset(b, 0, sizeof *b);
	CHECK(vid_fake_partition_create(&b->partition) == 0);
	b->config = (struct machine_config){
		.name = "bench",
		.memory = MIB(64),
		.meminfo_fd = -1,
		.processors = 1,
		.firmware_fd = -1,
		.kernel_fd = kernel_image_file(),
		.initrd_fd = -1,
		.cmdline = "console=ttyS0",
		.serial[0] = {&serial, b},
		.host = &host,
		.owner = b,
	};
}

int bench_make(struct bench *b)
{
	return machine_init(&b->machine, b->partition, &b->config, &b->error);
}

void bench_fini(struct bench *b)
{
	machine_fini(&b->machine);
	vid_partition_destroy(b->partition);
	close(b->config.kernel_fd);
	close(b->config.firmware_fd);
}
