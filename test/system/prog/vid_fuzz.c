// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vid_fuzz SEED COUNT: that many ioctls with arguments of chance, to the device, to partitions and
 * to VPs, from two threads, while a third one kicks and maps. The kernel survives, that is all.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "keelson_vid.h"

#define FDS 16u

static atomic_int fds[FDS]; /* of every kind; -1: none */
static int memory, event;
static atomic_bool done;

struct chance {
	uint64_t state;
};

static uint64_t draw(struct chance *c)
{
	c->state ^= c->state << 13;
	c->state ^= c->state >> 7;
	c->state ^= c->state << 17;
	return c->state;
}

/* Numbers that mean something somewhere, among those that mean nothing. */
static uint64_t number(struct chance *c)
{
	static const uint64_t known[] = {0,       1,          2,       3,          5,
					 0x1000,  0x200000,   0x10000, 0x30003,    0x30005,
					 0x20010, 0xfee00000, 0x40,    UINT32_MAX, UINT64_MAX};

	switch (draw(c) % 8) {
	case 0:
		return draw(c);
	case 1:
		return (uint64_t)memory;
	case 2:
		return (uint64_t)event;
	case 3:
		return (draw(c) & 0xfff) << 12;
	default:
		return known[draw(c) % ARRAY_SIZE(known)];
	}
}

static unsigned long request(struct chance *c)
{
	static const unsigned long known[] = {
		VID_IOCTL_CREATE_PARTITION,
		VID_IOCTL_CREATE_VP,
		VID_IOCTL_MAP,
		VID_IOCTL_UNMAP,
		VID_IOCTL_ASSERT_INTERRUPT,
		VID_IOCTL_CLEAR_INTERRUPT,
		VID_IOCTL_DOORBELL,
		VID_IOCTL_IRQFD,
		VID_IOCTL_POST_MESSAGE,
		VID_IOCTL_SIGNAL_EVENT,
		VID_IOCTL_GET_PROPERTY,
		VID_IOCTL_SET_PROPERTY,
		VID_IOCTL_INTERCEPT,
		VID_IOCTL_CPUID_RESULT,
		VID_IOCTL_GET_BALANCE,
		VID_IOCTL_RUN,
		VID_IOCTL_KICK,
		VID_IOCTL_GET_REGISTERS,
		VID_IOCTL_SET_REGISTERS,
		VID_IOCTL_TRANSLATE,
		VID_IOCTL_GET_STATE,
		VID_IOCTL_SET_STATE,
		VID_IOCTL_VERSION,
	};

	if (draw(c) % 64 == 0)
		return draw(c);
	return known[draw(c) % ARRAY_SIZE(known)];
}

/* 32-bit and 64-bit fields alike; sometimes a pointer, good or bad. */
static void fill(struct chance *c, uint64_t *words, size_t count, void *buffer)
{
	for (size_t i = 0; i < count; i++) {
		words[i] = number(c);
		if (draw(c) % 2)
			words[i] = (uint32_t)words[i] | number(c) << 32;
		if (draw(c) % 8 == 0)
			words[i] = (uintptr_t)buffer;
	}
}

static void keep(struct chance *c, int fd)
{
	int old;

	old = atomic_exchange(&fds[1 + draw(c) % (FDS - 1)], fd);
	if (old >= 0)
		close(old);
}

static void one(struct chance *c, void *buffer)
{
	uint64_t words[40];
	unsigned long what = request(c);
	int fd = atomic_load(&fds[draw(c) % FDS]), r;
	bool argument = what != VID_IOCTL_RUN && what != VID_IOCTL_KICK &&
			what != VID_IOCTL_CLEAR_INTERRUPT;

	fill(c, words, ARRAY_SIZE(words), buffer);
	if (draw(c) % 256 == 0)
		r = ioctl(fd, what, (void *)(uintptr_t)number(c));
	else
		r = ioctl(fd, what, argument ? words : NULL);
	if (r > 2 && (what == VID_IOCTL_CREATE_PARTITION || what == VID_IOCTL_CREATE_VP))
		keep(c, r);
}

struct job {
	struct chance chance;
	long count;
};

static void *work(void *argument)
{
	struct job *job = argument;
	void *buffer = calloc(1, VID_IOCTL_STATE_MAX);

	for (long i = 0; i < job->count; i++)
		one(&job->chance, buffer);
	free(buffer);
	return NULL;
}

static void ignore(int signal_number)
{
}

/* So that no RUN lasts; and pages of VPs are mapped and written while they run. */
static void *disturb(void *argument)
{
	struct chance c = {*(uint64_t *)argument};
	uint64_t *page;

	while (!atomic_load(&done)) {
		int fd = atomic_load(&fds[draw(&c) % FDS]);

		ioctl(fd, VID_IOCTL_KICK, NULL);
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (page == MAP_FAILED)
			continue;
		page[draw(&c) % 64] = draw(&c);
		((uint32_t *)page)[1] = (uint32_t)draw(&c);
		munmap(page, 4096);
	}
	return NULL;
}

static int make_memory(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, 4 << 20) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)
		return -1;
	return fd;
}

int main(int count, char **words)
{
	uint64_t seed = count > 1 ? strtoull(words[1], NULL, 0) : 1;
	long rounds = count > 2 ? strtol(words[2], NULL, 0) : 10000;
	struct job jobs[2] = {{{seed * 2 + 1}, rounds}, {{seed * 2 + 2}, rounds}};
	const struct sigaction action = {.sa_handler = ignore};
	pthread_t threads[2], disturber;

	memory = make_memory();
	event = eventfd(0, EFD_NONBLOCK);
	atomic_store(&fds[0], open(VID_DEVICE, O_RDWR | O_CLOEXEC));
	if (memory < 0 || event < 0 || fds[0] < 0)
		return EXIT_FAILURE;
	for (unsigned int i = 1; i < FDS; i++)
		atomic_store(&fds[i], -1);
	sigaction(SIGALRM, &action, NULL);
	pthread_create(&disturber, NULL, disturb, &seed);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, work, &jobs[i]);
	/* A VP whose descriptor was taken out of the table can still be in RUN. */
	for (int i = 0; i < 2; i++)
		while (pthread_tryjoin_np(threads[i], NULL) == EBUSY) {
			usleep(1000);
			pthread_kill(threads[i], SIGALRM);
		}
	atomic_store(&done, true);
	pthread_join(disturber, NULL);
	printf("fuzzed with seed %llu\n", (unsigned long long)seed);
	return EXIT_SUCCESS;
}
