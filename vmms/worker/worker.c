/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervision of one machine's worker.
 */
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/inventory.h"
#include "daemon/journal.h"
#include "worker/machined.h"
#include "worker/spawn.h"

static int signal_worker(const struct worker *worker, int number)
{
	return (int)syscall(SYS_pidfd_send_signal, worker->pidfd, number, NULL, 0);
}

void worker_kill(struct worker *worker)
{
	worker->go = fd_close(worker->go);
	if (signal_worker(worker, SIGKILL) < 0 && errno != ESRCH)
		journal_vm(LOG_LEVEL_ERROR, worker->vm, "%s: worker %d cannot be killed: %s",
			   worker->vm->config->name, worker->pid, strerror(errno));
}

static void on_kill_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct worker *worker = watcher->data;

	ev_timer_stop(loop, watcher);
	journal_vm(LOG_LEVEL_WARNING, worker->vm,
		   "%s: worker %d does not end by itself and is killed", worker->vm->config->name,
		   worker->pid);
	worker_kill(worker);
}

void worker_kill_after(struct worker *worker, double seconds)
{
	struct ev_loop *loop = worker->vm->manager->loop;

	ev_timer_stop(loop, &worker->kill_timer);
	ev_now_update(loop);
	ev_timer_set(&worker->kill_timer, seconds, 0);
	ev_timer_start(loop, &worker->kill_timer);
}

static void worker_free(struct worker *worker)
{
	struct ev_loop *loop = worker->vm->manager->loop;

	inventory_write_forget(worker->recording);
	peer_abandon(&worker->peer);
	scope_free(worker->scope);
	ev_io_stop(loop, &worker->exit_watcher);
	ev_timer_stop(loop, &worker->kill_timer);
	ev_timer_stop(loop, &worker->reconnect_timer);
	fd_close(worker->pidfd);
	fd_close(worker->go);
	fd_close(worker->mount_namespace);
	free(worker->socket);
	free(worker->words);
	free(worker);
}

void worker_release(struct worker *worker)
{
	worker->vm->worker = NULL;
	worker_free(worker);
}

/* Calls `ready` once. */
static void report(struct worker *worker, const struct vm_error *err)
{
	void (*ready)(struct vm * vm, const struct vm_error *err) = worker->ready;

	worker->ready = NULL;
	if (ready)
		ready(worker->vm, err);
}

static void on_exit_seen(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct worker *worker = watcher->data;
	struct vm *vm = worker->vm;
	siginfo_t info = {0};

	/* An adopted worker is init's child; how it ended is then not ours to know. */
	if (waitid((idtype_t)P_PIDFD, (id_t)worker->pidfd, &info, WEXITED | WNOHANG) == 0)
		log_debug("%s: worker %d: code %d, status %d", vm->config->name, worker->pid,
			  info.si_code, info.si_status);
	peer_drain(&worker->peer);
	peer_close(&worker->peer);
	unlink(worker->socket);
	vm_worker_gone(vm, worker->state == PROTO_STATE_STOPPED ? worker->cause : PROTO_CAUSE_COUNT,
		       worker->words);
	worker_free(worker);
}

static void on_event(void *data, const struct proto_message *message)
{
	struct worker *worker = ((struct vm *)data)->worker;

	if (message->type == PROTO_EVENT_GUEST) {
		vm_worker_guest_event(worker->vm, message);
		return;
	}
	worker->state = (enum proto_state)message->state.state;
	worker->cause = (enum proto_cause)message->state.cause;
	free(worker->words);
	worker->words = *message->text ? strdup(message->text) : NULL;
	vm_worker_state(worker->vm, worker->state, worker->cause, message->text);
}

/* ── the connection ────────────────────────────────────────────────────────────────────────── */

enum { RECONNECT_ATTEMPTS = 30 };
#define RECONNECT_SECONDS 0.1

static int send_hello(struct worker *worker);

static void give_up_connection(struct worker *worker, const char *why)
{
	journal_vm(LOG_LEVEL_ERROR, worker->vm, "%s: worker %d %s and is killed",
		   worker->vm->config->name, worker->pid, why);
	worker_kill(worker);
}

static void try_later(struct worker *worker)
{
	struct ev_loop *loop = worker->vm->manager->loop;

	if (worker->attempts++ >= RECONNECT_ATTEMPTS) {
		give_up_connection(worker, "cannot be reached any more");
		return;
	}
	ev_timer_stop(loop, &worker->reconnect_timer);
	ev_now_update(loop);
	ev_timer_set(&worker->reconnect_timer, RECONNECT_SECONDS, 0);
	ev_timer_start(loop, &worker->reconnect_timer);
}

static void on_reconnect_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct worker *worker = watcher->data;

	if (peer_connect(&worker->peer, loop, worker->socket) < 0)
		try_later(worker);
	else if (send_hello(worker) < 0)
		peer_close(&worker->peer), try_later(worker);
}

/*
 * Without a connection a worker cannot be governed. One that is about to end is seen by its pidfd. One
 * that lives dropped the connection because this daemon had not read for long – the host was busy, or
 * asleep – and its guest is not to pay for that. What it was being built of is lost, though.
 */
static void on_closed(void *data, bool broken)
{
	struct worker *worker = ((struct vm *)data)->worker;

	if (broken)
		give_up_connection(worker, "says what makes no sense");
	else if (!worker->known || worker->state == PROTO_STATE_STOPPED ||
		 worker->vm->power == VM_POWER_STARTING)
		worker_kill_after(worker, 1);
	else if (!bucket_take(&worker->reconnects, ev_now(worker->vm->manager->loop), 0.1, 20))
		give_up_connection(worker, "drops each connection");
	else
		try_later(worker);
}

static void on_hello(void *data, const struct proto_message *answer)
{
	struct worker *worker = ((struct vm *)data)->worker;
	struct vm_error err = {0};

	if (!answer) /* its end is seen as such */
		return;
	if (answer->type != PROTO_HELLO_REPLY)
		(void)vm_error_set(&err, VM_ERROR_WORKER, "Machine %s: its worker refuses: %s",
				   worker->vm->config->name, answer->text);
	else if (memcmp(answer->hello_reply.nonce, worker->nonce, sizeof(worker->nonce)) != 0)
		(void)vm_error_set(&err, VM_ERROR_WORKER,
				   "Machine %s: another process answers at its worker's socket",
				   worker->vm->config->name);
	if (err.code) {
		if (worker->known)
			give_up_connection(worker, "is another one now");
		report(worker, &err);
		return;
	}
	worker->state = (enum proto_state)answer->hello_reply.state;
	worker->cause = (enum proto_cause)answer->hello_reply.cause;
	worker->attempts = 0;
	if (worker->known)
		vm_worker_reconnected(worker->vm);
	worker->known = true;
	report(worker, NULL);
}

static int send_hello(struct worker *worker)
{
	struct proto_message message = {.type = PROTO_HELLO};

	message.hello.min_version = PROTO_VERSION;
	message.hello.max_version = PROTO_VERSION;
	domain_uuid_bytes(worker->vm->config->uuid, message.hello.uuid);
	return peer_send(&worker->peer, &message, on_hello);
}

int worker_send(struct worker *worker, struct proto_message *message,
		void (*done)(void *vm, const struct proto_message *answer))
{
	return peer_send(&worker->peer, message, done);
}

static struct worker *worker_new(struct vm *vm,
				 void (*ready)(struct vm *vm, const struct vm_error *err))
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return NULL;
	worker->vm = vm;
	worker->ready = ready;
	worker->pidfd = worker->go = worker->mount_namespace = worker->peer.fd = -1;
	worker->peer.event = on_event;
	worker->peer.closed = on_closed;
	worker->peer.data = vm;
	ev_init(&worker->exit_watcher, on_exit_seen);
	worker->exit_watcher.data = worker;
	ev_init(&worker->kill_timer, on_kill_timer);
	worker->kill_timer.data = worker;
	ev_init(&worker->reconnect_timer, on_reconnect_timer);
	worker->reconnect_timer.data = worker;
	return worker;
}

static void watch_exit(struct worker *worker)
{
	ev_io_set(&worker->exit_watcher, worker->pidfd, EV_READ);
	ev_io_start(worker->vm->manager->loop, &worker->exit_watcher);
}

/* ── birth ─────────────────────────────────────────────────────────────────────────────────── */

int worker_program_check(const struct settings *settings, struct vm_error *err)
{
	if (access(settings->worker, X_OK) == 0)
		return 0;
	return vm_error_set(err, VM_ERROR_WORKER,
			    "There is no worker program at %s (%s), so no machine can be started. "
			    "Install the package keelson, or set Worker= in vmms.conf",
			    settings->worker, strerror(errno));
}

static int listen_at(const char *path, int *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0600) < 0 || listen(fd, 8) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static void make_nonce(struct worker *worker)
{
	while (getrandom(worker->nonce, sizeof(worker->nonce), 0) != sizeof(worker->nonce))
		;
	for (size_t i = 0; i < sizeof(worker->nonce); i++)
		snprintf(worker->nonce_hex + 2 * i, 3, "%02x", worker->nonce[i]);
}

static int spawn(struct worker *worker, int listener)
{
	struct vm *vm = worker->vm;
	const struct settings *settings = &vm->manager->settings;
	_cleanup_free_ char *root_dir = NULL;
	struct spawn_result result;
	struct spawn_request request = {
		.program = settings->worker,
		.uuid = vm->config->uuid,
		.listener = listener,
		.uid = vm->worker_uid,
		.locked_bytes = KIB(vm->config->memory_kib) + MIB(64),
		.sandbox = settings->sandbox,
	};
	int r;

	if (asprintf(&root_dir, "%s/root", settings->runtime_dir) < 0)
		return -ENOMEM;
	request.root_dir = root_dir;
	r = spawn_worker(&request, &result);
	if (r < 0)
		return r;
	worker->pid = result.pid;
	worker->pidfd = result.pidfd;
	worker->go = result.go;
	worker->mount_namespace = result.mount_namespace;
	worker->start_time = result.start_time;
	return 0;
}

void worker_empty_root(struct worker *worker)
{
	int r = worker->mount_namespace >= 0
			? spawn_empty_root(worker->mount_namespace, worker->vm->manager->loop,
					   worker->vm->config)
			: 0;

	if (r < 0)
		journal_vm(LOG_LEVEL_WARNING, worker->vm,
			   "%s: the worker's root directory cannot be emptied: %s",
			   worker->vm->config->name, strerror(-r));
	worker->mount_namespace = fd_close(worker->mount_namespace);
}

int worker_put(const struct worker *worker, struct vm_error *err)
{
	struct store_worker row = {
		.uuid = worker->vm->config->uuid,
		.pid = worker->pid,
		.start_time = worker->start_time,
		.boot_id = worker->vm->manager->boot_id,
		.socket = worker->socket,
		.nonce = worker->nonce_hex,
	};

	return store_worker_put(worker->vm->manager->store, &row, err);
}

static void let_go(struct worker *worker)
{
	char words[1 + sizeof(worker->nonce_hex)];
	ssize_t size = snprintf(words, sizeof(words), "g%s", worker->nonce_hex);

	/* A pipe with room, to a process that can only read it or die. */
	if (worker->go >= 0 && write(worker->go, words, (size_t)size) != size)
		journal_vm(LOG_LEVEL_ERROR, worker->vm, "%s: worker %d: %s",
			   worker->vm->config->name, worker->pid, strerror(errno));
	worker->go = fd_close(worker->go);
}

/* It runs when the next daemon would find it, and when it is bounded by its scope. */
static void let_go_if_ready(struct worker *worker)
{
	if (!worker->recorded || !worker->in_scope)
		return;
	if (worker->scope)
		machined_register(worker->vm->manager->bus, worker->vm->config, worker->pid);
	let_go(worker);
}

static void on_recorded(void *data, const struct vm_error *err)
{
	struct worker *worker = data;

	worker->recording = NULL;
	if (err) {
		report(worker, err);
		return;
	}
	worker->recorded = true;
	let_go_if_ready(worker);
}

static int record(struct worker *worker, struct vm_error *err)
{
	struct inventory_write *write =
		inventory_write_new(worker->vm->manager, on_recorded, worker, err);
	int r;

	if (!write)
		return -ENOMEM;
	r = worker_put(worker, err);
	if (r < 0) {
		inventory_write_drop(write);
		return r;
	}
	r = inventory_write(write, INVENTORY_RECORD, err);
	if (r == 0)
		worker->recording = write;
	return r;
}

static void on_scope(void *data, const struct vm_error *err)
{
	struct worker *worker = data;

	if (err) {
		report(worker, err);
		return;
	}
	worker->in_scope = true;
	let_go_if_ready(worker);
}

static int enter_scope(struct worker *worker, struct vm_error *err)
{
	struct manager *manager = worker->vm->manager;
	int r;

	if (!manager->settings.scopes) {
		worker->in_scope = true;
		return 0;
	}
	r = manager->bus ? scope_create(manager->bus, worker->vm->config, worker->pid, on_scope,
					worker, &worker->scope)
			 : -ENOTCONN;
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_WORKER, -r,
					  "Machine %s: systemd cannot be asked for a scope",
					  worker->vm->config->name);
	return 0;
}

static int give_birth(struct worker *worker, struct vm_error *err)
{
	_cleanup_close_ int listener = -1;
	int r;

	if (asprintf(&worker->socket, "%s/vm/%s.sock", worker->vm->manager->settings.runtime_dir,
		     worker->vm->config->uuid) < 0) {
		worker->socket = NULL;
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	make_nonce(worker);
	r = listen_at(worker->socket, &listener);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_WORKER, -r, "Machine %s: control socket %s",
					  worker->vm->config->name, worker->socket);
	r = spawn(worker, listener);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_WORKER, -r,
					  "Machine %s: a worker process cannot be made",
					  worker->vm->config->name);
	watch_exit(worker);
	r = record(worker, err);
	if (r < 0)
		return r;
	r = peer_connect(&worker->peer, worker->vm->manager->loop, worker->socket);
	if (r == 0)
		r = send_hello(worker);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_WORKER, -r, "Machine %s: control socket %s",
					  worker->vm->config->name, worker->socket);
	return enter_scope(worker, err);
}

int worker_launch(struct vm *vm, void (*ready)(struct vm *vm, const struct vm_error *err),
		  struct vm_error *err)
{
	struct worker *worker = worker_new(vm, ready);
	int r;

	if (!worker)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	vm->worker = worker;
	r = give_birth(worker, err);
	if (r < 0) {
		/* A child that was not let go ends when the pipe closes, and is reaped by the loop. */
		if (worker->pidfd >= 0)
			worker_kill(worker);
		worker->ready = NULL;
		worker_release(worker);
	}
	return r;
}

/* ── adoption ──────────────────────────────────────────────────────────────────────────────── */

/* A pidfd of exactly the process that the row tells of. */
static int open_recorded(const struct manager *manager, const struct store_worker *row)
{
	_cleanup_close_ int pidfd = -1;
	uint64_t start_time;

	if (strcmp(row->boot_id, manager->boot_id) != 0)
		return -ESRCH;
	pidfd = (int)syscall(SYS_pidfd_open, row->pid, 0);
	if (pidfd < 0)
		return -errno;
	if (spawn_start_time(row->pid, &start_time) < 0 || start_time != row->start_time)
		return -ESRCH;
	return TAKE_FD(pidfd);
}

static void parse_nonce(struct worker *worker, const char *hex)
{
	snprintf(worker->nonce_hex, sizeof(worker->nonce_hex), "%s", hex);
	for (size_t i = 0; i < sizeof(worker->nonce) && strlen(hex) >= 2 * i + 2; i++) {
		unsigned int byte = 0;

		if (sscanf(hex + 2 * i, "%2x", &byte) == 1)
			worker->nonce[i] = (uint8_t)byte;
	}
}

int worker_adopt(struct vm *vm, const struct store_worker *row,
		 void (*ready)(struct vm *vm, const struct vm_error *err))
{
	int pidfd = open_recorded(vm->manager, row);
	struct worker *worker;

	if (pidfd < 0)
		return -ESRCH;
	worker = worker_new(vm, ready);
	if (!worker || !(worker->socket = strdup(row->socket))) {
		fd_close(pidfd);
		free(worker);
		return -ENOMEM;
	}
	worker->pid = row->pid;
	worker->pidfd = pidfd;
	worker->start_time = row->start_time;
	worker->adopted = true;
	parse_nonce(worker, row->nonce);
	vm->worker = worker;
	watch_exit(worker);
	if (peer_connect(&worker->peer, vm->manager->loop, worker->socket) < 0 ||
	    send_hello(worker) < 0) {
		journal_vm(LOG_LEVEL_ERROR, vm, "%s: worker %d does not listen and is killed",
			   vm->config->name, worker->pid);
		worker_kill(worker);
	}
	return 0;
}
