/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watchers belong to the loop's thread: the guest's side sets a want_ flag and wakes the loop.
 */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "machine/machine.h"
#include "vdev/ns16550a.h"

#define KEY_END 0x1d /* Ctrl-] */

/* --- the guest's side; the lock is held --- */

static size_t guest_writes(void *owner, const uint8_t *data, size_t size)
{
	struct console *c = owner;
	ssize_t n;

	if (c->fd < 0)
		return size;
	n = write(c->fd, data, size);
	if (n == (ssize_t)size) {
		c->dropping = false;
		return size;
	}
	if (c->dropping || (n < 0 && errno != EAGAIN && errno != EINTR))
		return size;
	c->want_writable = true;
	ev_async_send(c->loop, &c->wake);
	return n < 0 ? 0 : (size_t)n;
}

static void guest_has_room(void *owner)
{
	struct console *c = owner;

	c->want_readable = true;
	ev_async_send(c->loop, &c->wake);
}

struct vdev_chardev console_chardev(struct console *c)
{
	static const struct vdev_chardev_ops ops = {guest_writes, guest_has_room};

	return (struct vdev_chardev){&ops, c};
}

/* --- the host's side --- */

static void stop_writing(struct console *c)
{
	ev_io_stop(c->loop, &c->writable);
	ev_timer_stop(c->loop, &c->patience);
}

static void writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct console *c = watcher->data;

	stop_writing(c);
	machine_lock(c->machine);
	vdev_ns16550a_writable(c->uart);
	machine_unlock(c->machine);
}

static void out_of_patience(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct console *c = watcher->data;

	stop_writing(c);
	machine_lock(c->machine);
	c->dropping = true;
	vdev_ns16550a_writable(c->uart);
	machine_unlock(c->machine);
}

/* What the UART does not take stays here, and nothing more is read until it has room. */
static void offer_input(struct console *c)
{
	size_t taken;

	machine_lock(c->machine);
	taken = vdev_ns16550a_receive(c->uart, c->input, c->input_size);
	machine_unlock(c->machine);
	c->input_size -= (uint32_t)taken;
	memmove(c->input, c->input + taken, c->input_size);
	if (c->input_size)
		ev_io_stop(c->loop, &c->readable);
	else
		ev_io_start(c->loop, &c->readable);
}

/* Whether the user of a terminal wants the end. */
static bool is_end_key(const struct console *c, ssize_t size)
{
	return c->is_raw && memchr(c->input, KEY_END, (size_t)size);
}

/* A closed other end is not an error of the machine's: it goes on without input. */
static void readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct console *c = watcher->data;
	ssize_t n = read(c->in_fd, c->input, sizeof c->input);

	if (n > 0 && is_end_key(c, n)) {
		raise(SIGINT);
	} else if (n > 0) {
		c->input_size = (uint32_t)n;
		offer_input(c);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		ev_io_stop(loop, watcher);
	}
}

static void woken(struct ev_loop *loop, ev_async *watcher, int events)
{
	struct console *c = watcher->data;
	bool want_writable, want_readable;

	machine_lock(c->machine);
	want_writable = c->want_writable;
	want_readable = c->want_readable;
	c->want_writable = c->want_readable = false;
	machine_unlock(c->machine);
	if (want_writable) {
		ev_io_start(loop, &c->writable);
		ev_timer_start(loop, &c->patience);
	}
	if (want_readable && c->input_size)
		offer_input(c);
}

/* --- opening --- */

void console_init(struct console *c, struct ev_loop *loop, struct machine *machine)
{
	*c = (struct console){
		.loop = loop, .machine = machine, .fd = -1, .peer_fd = -1, .in_fd = -1};
}

/* The open file descriptions are shared with whoever started us. */
static void restore_stdio(struct console *c)
{
	if (c->is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &c->saved);
	for (int fd = 0; fd < 2; fd++)
		if (c->stdio_flags[fd] >= 0)
			fcntl(fd, F_SETFL, c->stdio_flags[fd]);
	c->is_stdio = c->is_raw = false;
}

void console_fini(struct console *c)
{
	if (!c->loop)
		return;
	ev_io_stop(c->loop, &c->readable);
	ev_io_stop(c->loop, &c->writable);
	ev_timer_stop(c->loop, &c->patience);
	ev_async_stop(c->loop, &c->wake);
	if (c->is_stdio)
		restore_stdio(c);
	else
		fd_close(c->fd);
	fd_close(c->peer_fd);
	c->fd = c->in_fd = c->peer_fd = -1;
}

int console_open_fd(struct console *c, int fd)
{
	int r = fd_set_nonblock(fd, true);

	if (r == 0)
		c->fd = c->in_fd = fd;
	return r;
}

static int make_raw(struct console *c)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &c->saved) < 0)
		return errno == ENOTTY ? 0 : -errno;
	raw = c->saved;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return -errno;
	c->is_raw = true;
	return 0;
}

int console_open_stdio(struct console *c)
{
	int r = 0;

	for (int fd = 0; fd < 2; fd++)
		c->stdio_flags[fd] = fcntl(fd, F_GETFL);
	c->is_stdio = true;
	for (int fd = 0; fd < 2 && r == 0; fd++)
		r = fd_set_nonblock(fd, true);
	if (r == 0)
		r = make_raw(c);
	if (r < 0) {
		restore_stdio(c);
		return r;
	}
	c->in_fd = STDIN_FILENO;
	c->fd = STDOUT_FILENO;
	return 0;
}

static int open_peer(const char *name)
{
	struct termios raw;
	int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (tcgetattr(fd, &raw) == 0) {
		cfmakeraw(&raw);
		if (tcsetattr(fd, TCSANOW, &raw) == 0)
			return fd;
	}
	fd_close(fd);
	return -EIO;
}

int console_open_pty(struct console *c, char *ret_name, size_t size)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	if (grantpt(fd) < 0 || unlockpt(fd) < 0 || (r = ptsname_r(fd, ret_name, size)) != 0) {
		fd_close(fd);
		return -EIO;
	}
	r = open_peer(ret_name);
	if (r >= 0) {
		c->peer_fd = r;
		r = console_open_fd(c, fd);
	}
	if (r < 0)
		fd_close(fd);
	return r;
}

static void watch(struct console *c)
{
	ev_io_init(&c->readable, readable, c->in_fd, EV_READ);
	ev_io_init(&c->writable, writable, c->fd, EV_WRITE);
	ev_timer_init(&c->patience, out_of_patience, CONSOLE_PATIENCE, 0.);
	c->readable.data = c->writable.data = c->patience.data = c;
	if (c->input_size == 0)
		ev_io_start(c->loop, &c->readable);
}

void console_start(struct console *c, struct vdev_ns16550a *uart)
{
	c->uart = uart;
	ev_async_init(&c->wake, woken);
	c->wake.data = c;
	ev_async_start(c->loop, &c->wake);
	if (c->fd >= 0)
		watch(c);
}

/* The guest may have waited for the old one. */
static void replace(struct console *c, int fd)
{
	machine_lock(c->machine);
	fd_close(c->fd);
	c->fd = c->in_fd = fd;
	c->dropping = false;
	c->want_writable = false;
	c->input_size = 0;
	vdev_ns16550a_writable(c->uart);
	machine_unlock(c->machine);
}

int console_attach(struct console *c, int fd)
{
	int r = fd_set_nonblock(fd, true);

	if (r < 0)
		return r;
	if (!c->uart) {
		fd_close(c->fd);
		c->fd = c->in_fd = fd;
		return 0;
	}
	if (c->fd >= 0) {
		ev_io_stop(c->loop, &c->readable);
		stop_writing(c);
	}
	replace(c, fd);
	watch(c);
	return 0;
}
