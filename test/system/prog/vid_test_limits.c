// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of vid_test: quotas, and memory that another thread exchanges while it is pinned. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keelson_vid.h"
#include "vid_guest.h"
#include "vid_test.h"

#define PARAMETERS "/sys/module/vid/parameters/"

static int failing(int fd, unsigned long request, const void *argument)
{
	int r = ioctl(fd, request, argument);

	return r < 0 ? -errno : r;
}

static void set_parameter(const char *path, const char *value)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT_EQ(write(fd, value, strlen(value)), (ssize_t)strlen(value));
}

static int create_partition(int device)
{
	const struct vid_ioctl_create_partition a = {0};

	return failing(device, VID_IOCTL_CREATE_PARTITION, &a);
}

static int create_vp(int partition, uint32_t index)
{
	const struct vid_ioctl_create_vp a = {.index = index};

	return failing(partition, VID_IOCTL_CREATE_VP, &a);
}

static int add_doorbell(int partition, uint32_t port, int eventfd)
{
	const struct vid_ioctl_doorbell a = {
		.kind = VID_IOCTL_DOORBELL_PORT,
		.size = 1,
		.address = port,
		.eventfd = eventfd,
	};

	return failing(partition, VID_IOCTL_DOORBELL, &a);
}

/* A partition's own quotas, which bind root, too. */
void test_quotas_of_a_partition(void)
{
	_cleanup_close_ int device = open(VID_DEVICE, O_RDWR | O_CLOEXEC);
	_cleanup_close_ int event = eventfd(0, EFD_CLOEXEC);
	int partition = create_partition(device), vp[3], next;
	uint32_t port;

	EXPECT(partition >= 0);
	set_parameter(PARAMETERS "vps_per_partition", "3");
	for (uint32_t i = 0; i < 3; i++) {
		vp[i] = create_vp(partition, i);
		EXPECT(vp[i] >= 0);
	}
	EXPECT_EQ(create_vp(partition, 3), -EDQUOT);
	EXPECT_EQ(create_vp(partition, 2), -EEXIST);
	close(vp[1]);
	next = create_vp(partition, 7);
	EXPECT(next >= 0);
	set_parameter(PARAMETERS "vps_per_partition", "64");
	set_parameter(PARAMETERS "flags_per_partition", "3");
	EXPECT_EQ(create_vp(partition, 3), -EDQUOT);
	set_parameter(PARAMETERS "flags_per_partition", "96");
	for (port = 0; port < 512; port++)
		EXPECT_EQ(add_doorbell(partition, port, event), 0);
	EXPECT_EQ(add_doorbell(partition, port, event), -EDQUOT);
	/* Doorbells took what flags there were; there is none for a VP. */
	set_parameter(PARAMETERS "flags_per_partition", "64");
	EXPECT_EQ(create_vp(partition, 3), -EDQUOT);
	set_parameter(PARAMETERS "flags_per_partition", "96");
	close(vp[0]);
	close(vp[2]);
	close(next);
	close(partition);
}

static void use_up_partitions(int device)
{
	int all[4];

	for (int i = 0; i < 3; i++) {
		all[i] = create_partition(device);
		EXPECT(all[i] >= 0);
	}
	EXPECT_EQ(create_partition(device), -EDQUOT);
	close(all[2]);
	all[2] = create_partition(device);
	EXPECT(all[2] >= 0);
	/* Two partitions, and four flags for both. */
	for (uint32_t i = 0; i < 4; i++)
		EXPECT(create_vp(all[i % 2], i) >= 0);
	EXPECT_EQ(create_vp(all[0], 5), -EDQUOT);
	EXPECT_EQ(create_vp(all[2], 0), -EDQUOT);
}

/* What one user has, another one has not less of; and root is not counted. */
void test_quotas_of_a_user(void)
{
	_cleanup_close_ int device = open(VID_DEVICE, O_RDWR | O_CLOEXEC);
	int status, own[4];
	pid_t child;

	set_parameter(PARAMETERS "partitions_per_user", "3");
	set_parameter(PARAMETERS "flags_per_user", "4");
	for (uid_t user = 65530; user < 65534; user++) {
		child = fork();
		if (child == 0) {
			EXPECT_EQ(setresuid(user, user, user), 0);
			use_up_partitions(device);
			_exit(0);
		}
		EXPECT_EQ(waitpid(child, &status, 0), child);
		EXPECT_EQ(status, 0);
	}
	for (int i = 0; i < 4; i++) {
		own[i] = create_partition(device);
		EXPECT(own[i] >= 0);
	}
	for (int i = 0; i < 4; i++)
		close(own[i]);
	set_parameter(PARAMETERS "partitions_per_user", "64");
	set_parameter(PARAMETERS "flags_per_user", "512");
}

#define STOLEN_GPA    UINT64_C(0x400000)
#define STOLEN_PAGES  1024u
#define STOLEN_SIZE   ((size_t)STOLEN_PAGES * VID_PAGE_SIZE)
#define STOLEN_ROUNDS 60

struct thief {
	void *address; /* where the driver is going to map the file */
	bool stop;
};

/* Leaves the place free for a moment, now shorter, now longer, and takes it again. */
static void *steal(void *argument)
{
	struct thief *t = argument;

	for (unsigned int round = 0; !__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE); round++) {
		EXPECT(mmap(t->address, STOLEN_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == t->address);
		EXPECT_EQ(munmap(t->address, STOLEN_SIZE), 0);
		for (volatile unsigned int i = 0; i < round % 64 * 256; i++)
			;
	}
	return NULL;
}

/* The guest adds up the first bytes of all pages: 1 in each of the file's. */
static unsigned int sum_seen(struct guest *g)
{
	guest_load(g, 0xbe, 0, 0, 0x40, 0,    /* mov $STOLEN_GPA, %esi */
		   0xb9, 0, 4, 0, 0,          /* mov $STOLEN_PAGES, %ecx */
		   0x31, 0xc0,                /* xor %eax, %eax */
		   0x0f, 0xb6, 0x16,          /* 1: movzbl (%rsi), %edx */
		   0x01, 0xd0,                /* add %edx, %eax */
		   0x81, 0xc6, 0, 0x10, 0, 0, /* add $0x1000, %esi */
		   0xff, 0xc9,                /* dec %ecx */
		   0x75, 0xf1,                /* jnz 1b */
		   0xe7, 0x80);               /* out %eax, $0x80 */
	guest_begin_64(g, 0);
	guest_run(g, VID_EXIT_IO);
	return (unsigned int)g->exit.io.value;
}

/* Whatever another thread does to the process's mappings: the guest gets the file's pages, or nothing. */
void test_memory_is_the_files(void)
{
	struct vid_ioctl_map map = {
		.access = VID_IOCTL_MAP_READ, .size = STOLEN_SIZE, .gpa = STOLEN_GPA};
	const struct vid_ioctl_unmap unmap = {.gpa = STOLEN_GPA, .size = STOLEN_SIZE};
	struct thief thief = {.stop = false};
	unsigned int taken = 0, refused = 0;
	struct vid_memory *file;
	pthread_t thread;
	struct guest g;
	int r;

	guest_init(&g, 1);
	EXPECT_EQ(vid_memory_create("file", STOLEN_SIZE, &file), 0);
	for (size_t i = 0; i < STOLEN_SIZE; i += VID_PAGE_SIZE)
		((char *)vid_memory_host(file))[i] = 1;
	map.fd = vid_memory_fd(file);
	thief.address = mmap(NULL, STOLEN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, map.fd, 0);
	EXPECT(thief.address != MAP_FAILED);
	EXPECT_EQ(munmap(thief.address, STOLEN_SIZE), 0);
	EXPECT_EQ(pthread_create(&thread, NULL, steal, &thief), 0);
	for (int i = 0; i < STOLEN_ROUNDS; i++) {
		r = failing(vid_partition_fd(g.partition), VID_IOCTL_MAP, &map);
		/* -ENOMEM: there was nothing at the address. */
		EXPECT(r == 0 || r == -ESTALE || r == -ENOMEM);
		refused += r == -ESTALE;
		if (r)
			continue;
		EXPECT_EQ(sum_seen(&g), STOLEN_PAGES);
		EXPECT_EQ(failing(vid_partition_fd(g.partition), VID_IOCTL_UNMAP, &unmap), 0);
		taken++;
	}
	__atomic_store_n(&thief.stop, true, __ATOMIC_RELEASE);
	EXPECT_EQ(pthread_join(thread, NULL), 0);
	printf("of %d, %u were mapped, %u were another's\n", STOLEN_ROUNDS, taken, refused);
	guest_fini(&g);
	vid_memory_destroy(file);
}
