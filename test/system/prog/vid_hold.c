// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vid_hold: a holder to be killed at any moment. Its guest has one VP that computes, one that waits
 * and one that rings a doorbell all the time, which interrupts the waiting one; says "running" when
 * they do.
 */
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vid_guest.h"

static void *run(void *argument)
{
	struct vid_exit ended;

	while (vid_vp_run(argument, &ended) == 0 && ended.kind == VID_EXIT_INTERRUPTED)
		;
	return NULL;
}

int main(void)
{
	static const uint8_t code[] = {
		0xeb, 0xfe,                   /* 0: jmp . */
		0xfb, 0xf4, 0xeb, 0xfd,       /* 2: sti; hlt; jmp to hlt */
		0xe6, 0x80, 0xeb, 0xfc, 0xcf, /* 6: out %al, $0x80; jmp to it; 10: iret */
	};
	static const uint16_t entry[] = {2, 0, 6};
	const uint8_t handler[] = {0x0a, 0x10, 0, 0};
	const struct vid_doorbell doorbell = {VID_DOORBELL_PORT, 0x80, 1, false, 0};
	const struct vid_interrupt interrupt = {.vector = 0x40, .destination = 0};
	int fd = eventfd(0, EFD_NONBLOCK);
	pthread_t thread;
	struct guest g;

	guest_init(&g, 3);
	memcpy(g.host + GUEST_CODE, code, sizeof(code));
	memcpy(g.host + 0x40 * 4, handler, sizeof(handler));
	EXPECT_EQ(vid_doorbell_set(g.partition, &doorbell, fd), 0);
	EXPECT_EQ(vid_irqfd_set(g.partition, fd, &interrupt), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(entry); i++) {
		guest_begin(&g, i);
		guest_set_register(&g, i, HV_REGISTER_RIP, GUEST_CODE + entry[i]);
		EXPECT_EQ(pthread_create(&thread, NULL, run, g.vp[i]), 0);
	}
	puts("running");
	fflush(stdout);
	pause();
	return EXIT_FAILURE;
}
