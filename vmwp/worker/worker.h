/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker as a program: from a configuration to a running machine and to an exit status. Started
 * by hand, it takes a configuration as words (config.h) and runs the machine at once:
 *
 *	vmwp memory=512 kernel=/boot/vmlinuz initrd=initrd.gz cmdline=console=ttyS0 com1=stdio
 *
 * Started by the daemon, it is told everything through its control socket (proto/message.h):
 *
 *	vmwp --control-fd FD --uuid UUID --nonce-fd FD
 */
#ifndef VMWP_WORKER_H
#define VMWP_WORKER_H

#include <stdbool.h>

struct vid_partition;

/* How a worker ends. The reason is the last line of its log. */
enum worker_status {
	WORKER_OFF = 0,          /* the guest turned itself off, or it was asked to end */
	WORKER_BAD_START = 1,    /* configuration, files or memory do not make a machine */
	WORKER_TRIPLE_FAULT = 2, /* where that ends the worker */
	WORKER_HOST_ERROR = 3,   /* the machine could not go on */
	WORKER_RESET_WANTED = 4, /* the guest reset itself once more than is allowed */
	WORKER_GUEST_CRASH = 5,  /* the guest told of its own crash, where that ends the worker */
	WORKER_GUEST_ERROR = 6,  /* the guest did what no processor here can carry out */
};

struct worker_options {
	bool sandbox;
	/* Paths that stand in for a partition, and for a kernel or firmware; NULL: none do. */
	const char *default_device, *default_firmware;
	/* A partition for the descriptor that was handed in, -1 if there was none. 0 or -errno. */
	int (*open_partition)(int fd, struct vid_partition **ret_partition);
};

/* main() without the program's name. Returns an enum worker_status. */
int worker_main(int count, char *const *words, const struct worker_options *options);

#endif
