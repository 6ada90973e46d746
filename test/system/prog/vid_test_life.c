// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of vid_test: descriptors, processes, limits, ends. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keelson_vid.h"
#include "vid_guest.h"
#include "vid_test.h"

static int failing(int fd, unsigned long request, const void *argument)
{
	int r = ioctl(fd, request, argument);

	return r < 0 ? -errno : r;
}

/* The checks of the driver itself: libvid would not let these through. */
void test_wrong_arguments(void)
{
	struct guest g;
	int fd;

	guest_init(&g, 1);
	fd = vid_partition_fd(g.partition);
	const struct vid_ioctl_create_partition flags = {.flags = 1};
	const struct vid_ioctl_create_vp vp_flags = {.index = 1, .flags = 1}, taken = {0},
					 far = {.index = 256};
	const struct vid_ioctl_map maps[] = {
		{.fd = vid_memory_fd(g.memory), .access = 1, .size = 0x1000, .gpa = 0x800},
		{.fd = vid_memory_fd(g.memory), .access = 1, .size = 0, .gpa = 0x400000},
		{.fd = vid_memory_fd(g.memory), .access = 8, .size = 0x1000, .gpa = 0x400000},
		{.fd = vid_memory_fd(g.memory), .access = 2, .size = 0x1000, .gpa = 0x400000},
		{.fd = vid_memory_fd(g.memory), .access = 1, .size = 0x400000, .gpa = 0x400000},
		{.fd = vid_memory_fd(g.memory), .access = 1, .size = 0x1000, .gpa = ~0xfffull},
		{.fd = vid_memory_fd(g.memory), .access = 1, .size = ~0xfffull, .gpa = 0x400000},
	};
	struct vid_ioctl_map overlap = {.fd = vid_memory_fd(g.memory),
					.access = 1,
					.size = 0x1000,
					.gpa = GUEST_SIZE - 0x1000};
	const struct vid_ioctl_doorbell doorbell = {.kind = 3}, no_match = {.size = 1, .value = 1};
	const struct vid_ioctl_irqfd level = {
		.eventfd = 0,
		.interrupt.flags = VID_IOCTL_INTERRUPT_LEVEL,
	};
	const struct vid_ioctl_property property = {.code = 0x10000};
	const struct vid_ioctl_registers none = {.count = 0}, many = {.count = 65},
					 lost = {.count = 1};

	_cleanup_close_ int device = open(VID_DEVICE, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(failing(device, VID_IOCTL_VERSION, NULL), VID_IOCTL_VERSION_VALUE);
	EXPECT_EQ(failing(device, VID_IOCTL_CREATE_PARTITION, &flags), -EINVAL);
	EXPECT_EQ(failing(device, VID_IOCTL_CREATE_PARTITION, NULL), -EFAULT);
	EXPECT_EQ(failing(device, VID_IOCTL_RUN, NULL), -ENOTTY);
	EXPECT_EQ(failing(fd, VID_IOCTL_CREATE_VP, &vp_flags), -EINVAL);
	EXPECT_EQ(failing(fd, VID_IOCTL_CREATE_VP, &taken), -EEXIST);
	EXPECT_EQ(failing(fd, VID_IOCTL_CREATE_VP, &far), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		EXPECT_EQ(failing(fd, VID_IOCTL_MAP, &maps[i]), -EINVAL);
	EXPECT_EQ(failing(fd, VID_IOCTL_MAP, &overlap), -EEXIST);
	overlap.gpa = 0x400000;
	overlap.fd = device;
	EXPECT_EQ(failing(fd, VID_IOCTL_MAP, &overlap), -EBADF);
	_cleanup_close_ int unsealed = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	EXPECT_EQ(ftruncate(unsealed, 0x1000), 0);
	overlap.fd = unsealed;
	EXPECT_EQ(failing(fd, VID_IOCTL_MAP, &overlap), -EBADF);
	EXPECT_EQ(failing(fd, VID_IOCTL_DOORBELL, &doorbell), -EINVAL);
	EXPECT_EQ(failing(fd, VID_IOCTL_DOORBELL, &no_match), -EINVAL);
	EXPECT_EQ(failing(fd, VID_IOCTL_IRQFD, &level), -EINVAL);
	EXPECT_EQ(failing(fd, VID_IOCTL_GET_PROPERTY, &property), -EINVAL);
	EXPECT_EQ(failing(fd, VID_IOCTL_RUN, NULL), -ENOTTY);
	EXPECT_EQ(failing(fd, VID_IOCTL_VERSION, NULL), -ENOTTY);
	const struct vid_ioctl_create_vp one = {.index = 1};
	_cleanup_close_ int vp = ioctl(fd, VID_IOCTL_CREATE_VP, &one);
	EXPECT(vp >= 0);
	EXPECT_EQ(failing(vp, VID_IOCTL_GET_REGISTERS, &none), -EINVAL);
	EXPECT_EQ(failing(vp, VID_IOCTL_GET_REGISTERS, &many), -EINVAL);
	EXPECT_EQ(failing(vp, VID_IOCTL_SET_REGISTERS, &lost), -EFAULT);
	EXPECT_EQ(failing(vp, VID_IOCTL_MAP, &maps[0]), -ENOTTY);
	EXPECT_EQ(failing(vp, VID_IOCTL_RUN, &one), -EINVAL);
	guest_fini(&g);
}

/* What is not a partition's descriptor is refused, and stays the caller's. */
void test_descriptors(void)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct vid_partition *p;

	EXPECT_EQ(vid_partition_open(null, &p), -EBADF);
	EXPECT_EQ(fcntl(null, F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(vid_partition_open(12345, &p), -EBADF);
}

void test_pages_of_a_vp(void)
{
	const struct vid_ioctl_create_vp one = {.index = 1};
	struct guest g;
	void *page;
	int vp;

	guest_init(&g, 1);
	vp = ioctl(vid_partition_fd(g.partition), VID_IOCTL_CREATE_VP, &one);
	EXPECT(vp >= 0);
	EXPECT(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vp, 0x1000) == MAP_FAILED);
	EXPECT(mmap(NULL, 8192, PROT_READ, MAP_SHARED, vp, 0) == MAP_FAILED);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, vp, 0) == MAP_FAILED);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vp, 0x2000) == MAP_FAILED);
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, vp, 0x1000);
	EXPECT(page != MAP_FAILED);
	EXPECT_EQ(mprotect(page, 4096, PROT_READ | PROT_WRITE), -1);
	/* The mapping holds the VP, and that the partition, when their descriptors are closed. */
	close(vp);
	guest_fini(&g);
	EXPECT_EQ(*(volatile uint8_t *)page, 0);
	EXPECT_EQ(munmap(page, 4096), 0);
}

static void *run_for_ever(void *argument)
{
	struct vid_exit ended;
	int r;

	do
		r = vid_vp_run(argument, &ended);
	while (r == 0 && ended.kind == VID_EXIT_INTERRUPTED);
	return NULL;
}

void test_vps_come_and_go(void)
{
	struct guest g;

	guest_init(&g, 0);
	for (int i = 0; i < 50; i++) {
		EXPECT_EQ(vid_vp_create(g.partition, 0, &g.vp[0]), 0);
		EXPECT_EQ(vid_vp_create(g.partition, 3, &g.vp[3]), 0);
		guest_load(&g, 0xf4);
		guest_run(&g, VID_EXIT_HALT);
		vid_vp_destroy(g.vp[0]);
		vid_vp_destroy(g.vp[3]);
		g.vp[0] = g.vp[3] = NULL;
	}
	guest_fini(&g);
}

/* A process that runs a VP dies; who holds the partition, too, goes on with it. */
void test_another_process_goes_on(void)
{
	struct vid_partition *same;
	struct guest g;
	pid_t child;
	int ready[2], status;
	char byte = 0;

	guest_init(&g, 0);
	EXPECT_EQ(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		pthread_t thread;

		EXPECT_EQ(vid_partition_open(dup(vid_partition_fd(g.partition)), &same), 0);
		EXPECT_EQ(vid_vp_create(same, 0, &g.vp[0]), 0);
		guest_load(&g, 0xeb, 0xfe); /* jmp . */
		EXPECT_EQ(pthread_create(&thread, NULL, run_for_ever, g.vp[0]), 0);
		EXPECT_EQ(write(ready[1], &byte, 1), 1);
		pause();
	}
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	EXPECT_EQ(vid_vp_create(g.partition, 0, &g.vp[0]), -EEXIST);
	kill(child, SIGKILL);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT(WIFSIGNALED(status));
	EXPECT_EQ(vid_vp_create(g.partition, 0, &g.vp[0]), 0);
	guest_load(&g, 0xf4);
	guest_run(&g, VID_EXIT_HALT);
	guest_fini(&g);
	close(ready[0]);
	close(ready[1]);
}

/* A user without privileges, who may lock 1 MiB. */
static void be_limited(struct guest *g)
{
	const struct rlimit limit = {1 << 20, 1 << 20};
	struct vid_memory *more;

	EXPECT_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	EXPECT_EQ(setresuid(65534, 65534, 65534), 0);
	EXPECT_EQ(vid_memory_create("more", 4 << 20, &more), 0);
	EXPECT_EQ(vid_partition_map(g->partition, 0x400000, more, 0, 2 << 20, VID_ACCESS_ALL),
		  -EPERM);
	EXPECT_EQ(vid_partition_map(g->partition, 0x400000, more, 0, 1 << 20, VID_ACCESS_ALL), 0);
	EXPECT_EQ(vid_partition_map(g->partition, 0x600000, more, 0, 4096, VID_ACCESS_ALL), -EPERM);
	EXPECT_EQ(vid_partition_unmap(g->partition, 0x400000, 1 << 20), 0);
	EXPECT_EQ(vid_partition_map(g->partition, 0x600000, more, 0, 4096, VID_ACCESS_ALL), 0);
}

void test_locked_memory_is_limited(void)
{
	struct guest g;
	pid_t child;
	int status;

	guest_init(&g, 0);
	child = fork();
	if (child == 0) {
		be_limited(&g);
		_exit(0);
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	guest_fini(&g);
}

/* As many as the hypervisor takes, and then one clear error. */
void test_many_partitions(void)
{
	static struct vid_partition *all[300];
	int count = 0, r = 0;

	while (count < 300 && r == 0) {
		r = vid_partition_open(-1, &all[count]);
		count += r == 0;
	}
	EXPECT(count >= 64);
	EXPECT(r == -ENOSPC || r == -ENOMEM);
	while (count > 0)
		vid_partition_destroy(all[--count]);
	EXPECT_EQ(vid_partition_open(-1, &all[0]), 0);
	vid_partition_destroy(all[0]);
}
