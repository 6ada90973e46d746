/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ends in two threads, each of which sleeps until the other one's signal: a signal too few, and
 * this does not end. Built with ThreadSanitizer, too, which is why it needs no more than this.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>

#include "pages.h"
#include "vsp/ring.h"

#define PAGES   3u
#define PACKETS UINT64_C(200000)

static struct pages pages;
static sem_t room, data;

static uint64_t word_of(uint64_t id, size_t i)
{
	return id * UINT64_C(0x9e3779b97f4a7c15) + i;
}

static size_t words_of(uint64_t id)
{
	return id * 13 % 60;
}

static void *write_all(void *argument)
{
	struct vsp_ring ring;
	uint64_t words[64];

	CHECK(vsp_ring_init(&ring, pages.page, PAGES, true) == 0);
	for (uint64_t id = 0; id < PACKETS;) {
		const struct iovec part = {words, words_of(id) * 8};
		const struct vsp_message m = {WIRE_PACKET_IN_BAND, 0, id, &part, 1};
		bool signal = false;
		int r;

		for (size_t i = 0; i < words_of(id); i++)
			words[i] = word_of(id, i);
		r = vsp_ring_write(&ring, &m, &signal);
		CHECK(r == 0 || r == -EAGAIN);
		if (signal)
			sem_post(&data);
		if (r < 0)
			sem_wait(&room);
		id += r == 0;
	}
	vsp_ring_fini(&ring);
	return NULL;
}

static void take(struct vsp_ring *ring, const struct vsp_packet *packet, uint64_t id)
{
	uint64_t words[64];

	CHECK(packet->id == id && packet->size == 16 + words_of(id) * 8);
	vsp_ring_copy(ring, packet->payload, words, words_of(id) * 8);
	for (size_t i = 0; i < words_of(id); i++)
		CHECK(words[i] == word_of(id, i));
	if (vsp_ring_consume(ring, packet))
		sem_post(&room);
}

/* As a channel is served: masked while there is something, and looked at once more. */
static uint64_t read_some(struct vsp_ring *ring, uint64_t id)
{
	struct vsp_packet packet;

	do {
		vsp_ring_mask(ring);
		while (vsp_ring_peek(ring, &packet) == 0)
			take(ring, &packet, id++);
		sched_yield(); /* between the last look and the sleep: let something come */
	} while (vsp_ring_unmask(ring));
	CHECK(!ring->broken);
	return id;
}

int main(void)
{
	struct vsp_ring ring;
	pthread_t thread;
	uint64_t id = 0, sleeps = 0;

	pages_init(&pages, PAGES);
	sem_init(&room, 0, 0);
	sem_init(&data, 0, 0);
	CHECK(vsp_ring_init(&ring, pages.page, PAGES, false) == 0);
	CHECK(pthread_create(&thread, NULL, write_all, NULL) == 0);
	while ((id = read_some(&ring, id)) < PACKETS) {
		sem_wait(&data);
		sleeps++;
	}
	CHECK(pthread_join(thread, NULL) == 0);
	vsp_ring_fini(&ring);
	pages_fini(&pages);
	printf("%llu packets, the reader slept %llu times\n", (unsigned long long)id,
	       (unsigned long long)sleeps);
	return 0;
}
