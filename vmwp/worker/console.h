/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A serial port's other end: a descriptor that was handed in, a pseudo-terminal made here, or
 * standard input and output; if that is a terminal, it is raw meanwhile, and Ctrl-] ends the worker
 * as Ctrl-C would. No byte is lost while somebody reads; when nobody has read for CONSOLE_PATIENCE seconds, output is
 * dropped until somebody does, so that a guest never waits for an absent reader.
 *
 * The guest's side runs in a VP's thread, the host's in the loop's; both hold the machine's lock.
 */
#ifndef VMWP_CONSOLE_H
#define VMWP_CONSOLE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "base/macros.h"
#include "board/chardev.h"

struct machine;
struct vdev_ns16550a;

#define CONSOLE_PATIENCE 1.
#define CONSOLE_BUFFER   256u

struct console {
	struct ev_loop *loop;
	struct machine *machine;
	struct vdev_ns16550a *uart; /* set once it is made */
	int fd;                     /* -1: nobody is there */
	int peer_fd;                /* of a pty: keeps it from hanging up; else -1 */
	int in_fd;                  /* where input comes from: fd, or standard input */
	bool is_stdio, is_raw;
	int stdio_flags[2];   /* of standard input and output before */
	struct termios saved; /* is_raw: of the terminal before */
	ev_io readable, writable;
	ev_timer patience;
	ev_async wake; /* the guest's side wants a watcher to be started */
	bool dropping;
	uint8_t input[CONSOLE_BUFFER]; /* not taken by the UART yet */
	uint32_t input_size;
	bool want_writable, want_readable; /* lock */
};

/* Half-made and zeroed consoles may be passed to console_fini(). */
void console_init(struct console *c, struct ev_loop *loop, struct machine *machine);
void console_fini(struct console *c);

/* Takes `fd` over. -errno: it cannot be used without blocking. */
int must_check console_open_fd(struct console *c, int fd);

/* Standard input and output. What they were like is restored by console_fini(). */
int must_check console_open_stdio(struct console *c);

/* Makes a pseudo-terminal; its name, for people, in ret_name. */
int must_check console_open_pty(struct console *c, char *ret_name, size_t size);

/* Puts another descriptor, taken over, in the place of the present one; also while running. */
int must_check console_attach(struct console *c, int fd);

/* Begins to listen to the host's side. */
void console_start(struct console *c, struct vdev_ns16550a *uart);

/* What the UART writes to. */
struct vdev_chardev console_chardev(struct console *c);

#endif
