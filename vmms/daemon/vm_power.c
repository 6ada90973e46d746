/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power operations: each a job that sends a request to the worker and ends with its answer, its
 * event or its end. Whatever happens, the end of the process (vm_worker_gone) puts the machine
 * into state Off, once, and ends the job that is there then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/inventory.h"
#include "daemon/job.h"
#include "daemon/journal.h"
#include "daemon/opening.h"
#include "daemon/publish.h"
#include "daemon/sequence.h"
#include "net/network.h"
#include "worker/worker.h"

static bool job_is(const struct vm *vm, enum vm_operation operation)
{
	return vm->job && strcmp(vm->job->kind, vm_operation_name(operation)) == 0;
}

static int begin(struct vm *vm, enum vm_operation operation, struct job **ret, struct vm_error *err)
{
	int r = vm_check(vm, operation, err);

	if (r < 0)
		return r;
	return job_begin(vm, vm_operation_name(operation), ret, err);
}

static void set_timer(struct job *job, void (*fired)(struct ev_loop *, ev_timer *, int),
		      double seconds)
{
	ev_now_update(job->manager->loop);
	ev_timer_init(&job->timer, fired, seconds, 0);
	job->timer.data = job;
	ev_timer_start(job->manager->loop, &job->timer);
}

/* ── start ─────────────────────────────────────────────────────────────────────────────────── */

/* Before there is a worker: nothing has to end first. */
static void end_early(struct vm *vm, enum vm_reason reason, enum job_result result,
		      const struct vm_error *why)
{
	struct job *job = vm->job;

	vm->opening = opening_abandon(vm->opening);
	vm_set_power(vm, VM_POWER_OFF, reason);
	job_end(job, result, why);
	vm->stopping_for_host = false;
	sequence_vm_off(vm->manager);
}

/* The job ends when the process has. */
static void give_up_start(struct vm *vm, const struct vm_error *why)
{
	if (!vm->worker && vm->power == VM_POWER_STARTING && job_is(vm, VM_OPERATION_START)) {
		end_early(vm, VM_REASON_START_FAILED, JOB_FAILED, why);
		return;
	}
	if (!vm->failure.code)
		vm->failure = *why;
	if (vm->worker) /* else its end is just being recorded */
		worker_kill(vm->worker);
}

static void on_start_timeout(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct job *job = watcher->data;
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_TIMEOUT,
			   job->vm->opening
				   ? "Machine %s: its files could not be opened within %u s "
				     "(StartTimeoutSec): is a disk, or a server, not answering?"
				   : "Machine %s: its worker was not ready within %u s "
				     "(StartTimeoutSec)",
			   job->name, job->manager->settings.start_timeout);
	give_up_start(job->vm, &err);
}

static void on_build_answer(void *data, const struct proto_message *answer)
{
	struct vm *vm = data;
	struct vm_error err = {0};

	if (!answer || answer->reply.status == 0)
		return;
	(void)vm_error_set_errno(&err, VM_ERROR_WORKER, -answer->reply.status,
				 "Machine %s: the worker cannot build it: %s", vm->config->name,
				 answer->text);
	give_up_start(vm, &err);
}

static void on_power_on_answer(void *data, const struct proto_message *answer)
{
	struct vm *vm = data;

	on_build_answer(data, answer);
	if (!answer || answer->reply.status < 0 || vm->power != VM_POWER_STARTING)
		return;
	worker_empty_root(vm->worker);
	vm_set_power(vm, VM_POWER_RUNNING, VM_REASON_STARTED);
	if (job_is(vm, VM_OPERATION_START))
		job_end(vm->job, JOB_DONE, NULL);
}

static void on_worker_ready(struct vm *vm, const struct vm_error *err)
{
	if (err)
		give_up_start(vm, err);
}

static void cancel_start(struct job *job)
{
	if (job->vm->worker)
		worker_kill(job->vm->worker);
	else
		end_early(job->vm, VM_REASON_REQUESTED, JOB_CANCELED, NULL);
}

static int send_all(struct vm *vm, const struct vm_files *files, struct vm_error *err)
{
	struct proto_message power_on = {.type = PROTO_POWER_ON};
	int r = vm_build_send(vm, files, on_build_answer);

	if (r == 0)
		r = worker_send(vm->worker, &power_on, on_power_on_answer);
	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_WORKER, -r,
					  "Machine %s: its worker cannot be reached",
					  vm->config->name);
	return 0;
}

static void on_opened(struct vm *vm, struct vm_files *files, const struct vm_error *failed)
{
	struct vm_error err = {0};

	vm->opening = NULL;
	if (failed) {
		give_up_start(vm, failed);
		return;
	}
	if (worker_launch(vm, on_worker_ready, &err) < 0 || send_all(vm, files, &err) < 0)
		give_up_start(vm, &err);
	vm_files_close(files);
}

/* Its networks are there first: at the host's boot both begin at once. */
static void begin_opening(struct vm *vm)
{
	struct vm_error err = {0};

	vm->awaits_networks = network_awaited(vm->manager, vm->config);
	if (vm->awaits_networks)
		return;
	if (opening_begin(vm, on_opened, &vm->opening) == 0)
		return;
	(void)vm_error_set(&err, VM_ERROR_NO_MEMORY, "Out of memory");
	give_up_start(vm, &err);
}

void vm_networks_changed(struct manager *manager)
{
	for (struct vm *vm = manager->vms; vm; vm = vm->next) {
		if (vm->awaits_networks && job_is(vm, VM_OPERATION_START) && !vm->worker &&
		    !vm->opening)
			begin_opening(vm);
	}
}

int vm_start(struct vm *vm, struct job **ret, struct vm_error *err)
{
	int r = vm_check(vm, VM_OPERATION_START, err);

	if (r == 0)
		r = worker_program_check(&vm->manager->settings, err);
	if (r == 0)
		r = vm_build_check_memory(vm, err);
	if (r == 0)
		r = begin(vm, VM_OPERATION_START, ret, err);
	if (r < 0)
		return r;
	/* From here on failures end the job, in a later turn of the loop: the caller gets the job. */
	ev_timer_stop(vm->manager->loop, &vm->restart_timer);
	vm->failure = (struct vm_error){0};
	memset(&vm->stats, 0, sizeof(vm->stats));
	vm_set_power(vm, VM_POWER_STARTING, VM_REASON_NONE);
	(*ret)->cancel = cancel_start;
	set_timer(*ret, on_start_timeout, vm->manager->settings.start_timeout);
	begin_opening(vm);
	*ret = vm->job;
	return vm->job ? 0 : vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
}

/* ── turn off ──────────────────────────────────────────────────────────────────────────────── */

static void on_no_worker(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct job *job = watcher->data;

	vm_worker_gone(job->vm, PROTO_CAUSE_COUNT, NULL);
}

static void power_off_worker(struct vm *vm)
{
	struct proto_message message = {.type = PROTO_POWER_OFF};

	if (!vm->worker) {
		/* Its files were still being opened. In the next turn, when the caller has the job. */
		vm->opening = opening_abandon(vm->opening);
		if (vm->job)
			set_timer(vm->job, on_no_worker, 0);
		return;
	}
	if (vm->worker->known && worker_send(vm->worker, &message, NULL) == 0)
		worker_kill_after(vm->worker, vm->manager->settings.stop_timeout);
	else
		worker_kill(vm->worker);
}

int vm_turn_off(struct vm *vm, struct job **ret, struct vm_error *err)
{
	int r = vm_check(vm, VM_OPERATION_TURN_OFF, err);

	if (r < 0)
		return r;
	if (vm->job)
		job_end(vm->job, JOB_CANCELED, NULL);
	r = job_begin(vm, vm_operation_name(VM_OPERATION_TURN_OFF), ret, err);
	if (r < 0)
		return r;
	vm_set_power(vm, VM_POWER_STOPPING, VM_REASON_REQUESTED);
	power_off_worker(vm);
	return 0;
}

/* ── shut down, reboot: the guest is asked ─────────────────────────────────────────────────── */

/*
 * Back to Running, unless something else has happened meanwhile. A guest that cannot be asked does not
 * keep the host from going down; one whose job was canceled is asked again (sequence.c).
 */
static void give_up_asking(struct job *job, enum job_result result, const struct vm_error *err)
{
	struct vm *vm = job->vm;
	struct vm_error inner = {0};
	struct job *stop;

	if (vm->power == VM_POWER_STOPPING)
		vm_set_power(vm, VM_POWER_RUNNING, VM_REASON_STARTED);
	job_end(job, result, err);
	if (result == JOB_FAILED && vm->stopping_for_host && vm_turn_off(vm, &stop, &inner) < 0)
		journal_vm(LOG_LEVEL_ERROR, vm, "At host shutdown: %s", inner.text);
}

static void cancel_asking(struct job *job)
{
	give_up_asking(job, JOB_CANCELED, NULL);
}

static void on_asking_timeout(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct job *job = watcher->data;
	struct vm *vm = job->vm;
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_TIMEOUT,
			   "Machine %s: the guest did not %s within %u s. 'vmctl stop %s' turns it "
			   "off",
			   job->name, job->kind, vm->options.stop_timeout, job->name);
	give_up_asking(job, JOB_FAILED, &err);
}

static void on_asking_answer(void *data, const struct proto_message *answer)
{
	struct vm *vm = data;
	struct vm_error err = {0};

	if (!answer || answer->reply.status == 0 ||
	    !(job_is(vm, VM_OPERATION_SHUTDOWN) || job_is(vm, VM_OPERATION_REBOOT)))
		return;
	(void)vm_error_set_errno(&err, VM_ERROR_WORKER, -answer->reply.status,
				 "Machine %s: the guest cannot be asked to %s: %s",
				 vm->config->name, vm->job->kind, answer->text);
	give_up_asking(vm->job, JOB_FAILED, &err);
}

/* Ends the job at once when not even the request can be sent. */
static int send_request(struct vm *vm, enum proto_type type,
			void (*answered)(void *vm, const struct proto_message *answer),
			struct vm_error *err)
{
	struct proto_message message = {.type = type};
	int r = vm->worker ? worker_send(vm->worker, &message, answered) : -ENOTCONN;

	if (r == 0)
		return 0;
	r = vm_error_set_errno(err, VM_ERROR_WORKER, -r, "Machine %s: its worker cannot be reached",
			       vm->config->name);
	job_end(vm->job, JOB_FAILED, err);
	return r;
}

static int ask_guest(struct vm *vm, enum vm_operation operation, enum proto_type type,
		     struct job **ret, struct vm_error *err)
{
	int r = vm_check(vm, operation, err);

	if (r == 0)
		r = job_begin(vm, vm_operation_name(operation), ret, err);
	if (r == 0)
		r = send_request(vm, type, on_asking_answer, err);
	if (r < 0)
		return r;
	(*ret)->cancel = cancel_asking;
	set_timer(*ret, on_asking_timeout, vm->options.stop_timeout);
	if (operation == VM_OPERATION_SHUTDOWN)
		vm_set_power(vm, VM_POWER_STOPPING, VM_REASON_REQUESTED);
	return 0;
}

int vm_shutdown(struct vm *vm, struct job **ret, struct vm_error *err)
{
	return ask_guest(vm, VM_OPERATION_SHUTDOWN, PROTO_SHUTDOWN, ret, err);
}

int vm_reboot(struct vm *vm, struct job **ret, struct vm_error *err)
{
	return ask_guest(vm, VM_OPERATION_REBOOT, PROTO_REBOOT, ret, err);
}

/* ── reset, pause, resume: the worker does it and answers ──────────────────────────────────── */

static const struct {
	enum vm_operation operation;
	enum proto_type type;
	enum vm_power on_the_way, there;
	enum vm_reason reason;
} at_once[] = {
	{VM_OPERATION_RESET, PROTO_RESET, VM_POWER_COUNT, VM_POWER_RUNNING, VM_REASON_STARTED},
	{VM_OPERATION_PAUSE, PROTO_PAUSE, VM_POWER_PAUSING, VM_POWER_PAUSED, VM_REASON_REQUESTED},
	{VM_OPERATION_RESUME, PROTO_RESUME, VM_POWER_RESUMING, VM_POWER_RUNNING, VM_REASON_RESUMED},
};

static size_t at_once_row(const struct vm *vm)
{
	size_t row = 0;

	while (row < ARRAY_SIZE(at_once) && !job_is(vm, at_once[row].operation))
		row++;
	return row;
}

/* Where the machine really is, by the worker's last word. */
static void return_to_worker_state(struct vm *vm)
{
	if (vm->power != VM_POWER_PAUSING && vm->power != VM_POWER_RESUMING)
		return;
	if (vm->worker ? vm->worker->state == PROTO_STATE_RUNNING : vm->power == VM_POWER_PAUSING)
		vm_set_power(vm, VM_POWER_RUNNING, VM_REASON_STARTED);
	else
		vm_set_power(vm, VM_POWER_PAUSED, VM_REASON_REQUESTED);
}

/*
 * The worker has not answered, or its answer was lost with the connection. If it has done what was asked
 * that is told; if it does it later, its state says so (vm_worker_state).
 */
static void on_at_once_timeout(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct job *job = watcher->data;
	struct vm *vm = job->vm;
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_TIMEOUT,
			   "Machine %s: its worker did not answer to '%s' within %u s "
			   "(AnswerTimeoutSec). 'vmctl stop %s' turns the machine off",
			   job->name, job->kind, job->manager->settings.answer_timeout, job->name);
	return_to_worker_state(vm);
	job_end(job, JOB_FAILED, &err);
}

static void on_at_once_answer(void *data, const struct proto_message *answer)
{
	struct vm *vm = data;
	size_t row = at_once_row(vm);
	struct vm_error err = {0};

	if (!answer || row == ARRAY_SIZE(at_once))
		return;
	if (answer->reply.status < 0) {
		(void)vm_error_set_errno(&err, VM_ERROR_WORKER, -answer->reply.status,
					 "Machine %s: %s failed: %s", vm->config->name,
					 vm->job->kind, answer->text);
		return_to_worker_state(vm);
		job_end(vm->job, JOB_FAILED, &err);
		return;
	}
	if (at_once[row].on_the_way != VM_POWER_COUNT)
		vm_set_power(vm, at_once[row].there, at_once[row].reason);
	job_end(vm->job, JOB_DONE, NULL);
}

static int do_at_once(struct vm *vm, size_t row, struct job **ret, struct vm_error *err)
{
	int r = begin(vm, at_once[row].operation, ret, err);

	if (r == 0)
		r = send_request(vm, at_once[row].type, on_at_once_answer, err);
	if (r == 0)
		set_timer(*ret, on_at_once_timeout, vm->manager->settings.answer_timeout);
	if (r == 0 && at_once[row].on_the_way != VM_POWER_COUNT)
		vm_set_power(vm, at_once[row].on_the_way, VM_REASON_REQUESTED);
	return r;
}

int vm_reset(struct vm *vm, struct job **ret, struct vm_error *err)
{
	return do_at_once(vm, 0, ret, err);
}

int vm_pause(struct vm *vm, struct job **ret, struct vm_error *err)
{
	return do_at_once(vm, 1, ret, err);
}

int vm_resume(struct vm *vm, struct job **ret, struct vm_error *err)
{
	return do_at_once(vm, 2, ret, err);
}

/* ── console ───────────────────────────────────────────────────────────────────────────────── */

int vm_open_console(struct vm *vm, uint32_t port, struct vm_question *question, int *ret_fd,
		    struct vm_error *err)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	struct proto_message message = {.type = PROTO_CONSOLE, .fd_count = 1};
	int ends[2], r = vm_check(vm, VM_OPERATION_CONSOLE, err);

	if (r < 0)
		return r;
	if (port >= vm->config->serial_count)
		return vm_error_set(
			err, VM_ERROR_NO_SUCH_DEVICE,
			"Machine %s has %u serial ports, and none with number %u. 'vmctl "
			"set %s serials=%u' gives it one while it is off",
			vm->config->name, vm->config->serial_count, port, vm->config->name,
			MIN(port + 1, 2u));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return vm_error_set_errno(err, VM_ERROR_INTERNAL, errno, "socketpair");
	ours = ends[0];
	theirs = ends[1];
	message.port.number = port;
	message.fds[0] = theirs;
	r = vm_ask(vm, &message, question, err);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(ours);
	return 0;
}

/* Of what a guest brings about, this many events are recorded: at once, and each second. */
enum { GUEST_EVENT_BURST = 20 };
#define GUEST_EVENT_RATE 0.1

/* ── what the worker tells ─────────────────────────────────────────────────────────────────── */

static bool take_token(struct vm *vm, struct bucket *bucket, double rate, double burst)
{
	return bucket_take(bucket, ev_now(vm->manager->loop), rate, burst);
}

/*
 * A worker pauses a machine by itself when the disk is full, once for each time that it was told to go
 * on. One that goes back and forth is not ours any more, and each time would be written to the disk.
 */
static bool flips(struct vm *vm, enum proto_state state)
{
	bool flip = (state == PROTO_STATE_PAUSED && vm->power == VM_POWER_RUNNING) ||
		    (state == PROTO_STATE_RUNNING && vm->power == VM_POWER_PAUSED);

	if (!flip || take_token(vm, &vm->flips, 1, 20))
		return false;
	if (vm->flips.refused == 1)
		journal_vm(LOG_LEVEL_ERROR, vm,
			   "%s: worker %d goes between states without end and is killed",
			   vm->config->name, vm->worker->pid);
	worker_kill(vm->worker);
	return true;
}

static enum vm_reason paused_reason(enum proto_cause cause)
{
	switch (cause) {
	case PROTO_CAUSE_LOW_DISK:
		return VM_REASON_LOW_DISK;
	case PROTO_CAUSE_GUEST_CRASH:
		return VM_REASON_GUEST_CRASHED;
	case PROTO_CAUSE_REQUEST: /* of us, which had not waited any longer */
		return VM_REASON_REQUESTED;
	default:
		return VM_REASON_HOST_ERROR;
	}
}

void vm_worker_state(struct vm *vm, enum proto_state state, enum proto_cause cause,
		     const char *text)
{
	if (flips(vm, state))
		return;
	if (*text && take_token(vm, &vm->guest_events, GUEST_EVENT_RATE, GUEST_EVENT_BURST))
		manager_event(vm->manager, vm, "worker", "%s", text);
	/* Answers to requests settle the states that requests lead to. */
	if (state == PROTO_STATE_PAUSED && vm->power == VM_POWER_RUNNING)
		vm_set_power(vm, VM_POWER_PAUSED, paused_reason(cause));
	else if (state == PROTO_STATE_RUNNING && vm->power == VM_POWER_PAUSED)
		vm_set_power(vm, VM_POWER_RUNNING, VM_REASON_RESUMED);
	else if (state == PROTO_STATE_STOPPED && vm->worker)
		worker_kill_after(vm->worker, vm->manager->settings.stop_timeout);
}

/* Of a guest's last words the line that says why, or else the last one. */
static void find_reason(const char *words, char *to, size_t size)
{
	const char *from = strstr(words, "Kernel panic"), *end;
	size_t length = strlen(words);

	while (!from && length > 0 && words[length - 1] == '\n')
		length--;
	end = words + length;
	for (from = from ? from : end; from > words && from[-1] != '\n'; from--)
		;
	snprintf(to, size, "%.*s", (int)strcspn(from, "\n"), from);
}

/* A first line for people, and all of the guest's words below it. */
static void guest_crashed(struct vm *vm, const uint64_t p[5], const char *words)
{
	char reason[256];

	find_reason(words, reason, sizeof(reason));
	manager_event(vm->manager, vm, "guest-crash", "%#lx %#lx %#lx %#lx %#lx%s%s%s%s", p[0],
		      p[1], p[2], p[3], p[4], *reason ? ": " : "", reason,
		      strchr(words, '\n') ? "\n" : "", strchr(words, '\n') ? words : "");
	/* It may wait like that for ever; on_crash says what comes after its end. */
	vm->guest_crashed = true;
	power_off_worker(vm);
}

/*
 * What a guest brings about, as fast as it likes: no more than some of it is written down, and told to
 * clients; the next one that is says how many were not.
 */
static void record_guest_event(struct vm *vm, const char *kind, const char *words)
{
	unsigned int refused = vm->guest_events.refused;

	if (!take_token(vm, &vm->guest_events, GUEST_EVENT_RATE, GUEST_EVENT_BURST))
		return;
	vm->guest_events.refused = 0;
	if (refused)
		manager_event(vm->manager, vm, kind, "%s%sand %u events before it", words,
			      *words ? ", " : "", refused);
	else
		manager_event(vm->manager, vm, kind, "%s", words);
}

void vm_worker_guest_event(struct vm *vm, const struct proto_message *message)
{
	char words[PROTO_MAX_TEXT + 1];

	text_make_safe(message->text, words, sizeof(words), "\n");
	switch (message->guest.event) {
	case PROTO_GUEST_RESET:
		record_guest_event(vm, "guest-reset", words);
		if (job_is(vm, VM_OPERATION_REBOOT))
			job_end(vm->job, JOB_DONE, NULL);
		break;
	case PROTO_GUEST_CRASH:
		/* It is told once; its worker may say it again after a reconnection. */
		if (!vm->guest_crashed)
			guest_crashed(vm, message->guest.parameters, words);
		break;
	default:
		record_guest_event(vm, "guest-triple-fault", words);
	}
}

/* ── the end of the worker ─────────────────────────────────────────────────────────────────── */

static enum vm_reason end_reason(const struct vm *vm, enum proto_cause cause)
{
	static const enum vm_reason reasons[PROTO_CAUSE_COUNT] = {
		[PROTO_CAUSE_REQUEST] = VM_REASON_REQUESTED,
		[PROTO_CAUSE_GUEST_OFF] = VM_REASON_GUEST_OFF,
		[PROTO_CAUSE_GUEST_CRASH] = VM_REASON_GUEST_CRASHED,
		[PROTO_CAUSE_HOST_ERROR] = VM_REASON_HOST_ERROR,
		[PROTO_CAUSE_LOW_DISK] = VM_REASON_LOW_DISK,
		[PROTO_CAUSE_GUEST_REBOOT] = VM_REASON_GUEST_OFF,
	};

	if (vm->stopping_for_host)
		return VM_REASON_HOST_SHUTDOWN;
	if (job_is(vm, VM_OPERATION_TURN_OFF) || (vm->job && vm->job->canceled))
		return VM_REASON_REQUESTED;
	if (vm->guest_crashed)
		return VM_REASON_GUEST_CRASHED;
	if (vm->power == VM_POWER_STARTING)
		return VM_REASON_START_FAILED;
	return cause < PROTO_CAUSE_COUNT ? reasons[cause] : VM_REASON_WORKER_DIED;
}

static enum job_result end_result(struct vm *vm, enum proto_cause cause, const char *words,
				  struct vm_error *err)
{
	bool stopped = cause < PROTO_CAUSE_COUNT;

	if (job_is(vm, VM_OPERATION_TURN_OFF) || (job_is(vm, VM_OPERATION_SHUTDOWN) && stopped) ||
	    (job_is(vm, VM_OPERATION_REBOOT) && cause == PROTO_CAUSE_GUEST_REBOOT))
		return JOB_DONE;
	if (vm->job->canceled)
		return JOB_CANCELED;
	if (vm->failure.code)
		*err = vm->failure;
	else
		(void)vm_error_set(
			err, VM_ERROR_WORKER,
			"Machine %s: its worker ended during '%s'%s%s. 'journalctl -u vmms' "
			"may tell more",
			vm->config->name, vm->job->kind, words ? ": " : "", words ? words : "");
	return JOB_FAILED;
}

/* State, worker and job in one transaction: a crash of the daemon sees all of it or nothing. */
static int record_end(struct vm *vm, enum vm_reason reason, struct job *job, enum job_result result,
		      const struct vm_error *why)
{
	struct store *store = vm->manager->store;
	struct vm_error err = {0};
	int r = store_begin(store, &err);

	if (r == 0) {
		r = store_vm_power(store, vm->config->uuid, vm_power_name(VM_POWER_OFF),
				   vm_reason_name(reason), &err);
		if (r == 0)
			r = store_worker_remove(store, vm->config->uuid, &err);
		if (r == 0 && job)
			r = job_record_end(job, result, why, &err);
		if (r == 0)
			r = store_commit(store, &err);
		else
			store_rollback(store);
	}
	if (r < 0)
		journal_vm(LOG_LEVEL_ERROR, vm, "%s: %s", vm->config->name, err.text);
	return r;
}

static void on_restart_timer(struct ev_loop *loop, ev_timer *watcher, int events);

static void start_restart_timer(struct vm *vm, double seconds)
{
	ev_now_update(vm->manager->loop);
	ev_timer_init(&vm->restart_timer, on_restart_timer, seconds, 0);
	vm->restart_timer.data = vm;
	ev_timer_start(vm->manager->loop, &vm->restart_timer);
}

static void on_restart_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct vm *vm = watcher->data;
	struct vm_error err = {0};
	struct job *job;

	ev_timer_stop(loop, watcher);
	if (vm_power_has_worker(vm->power))
		return;
	if (inventory_changing(vm->manager)) { /* perhaps this machine */
		start_restart_timer(vm, 0.1);
		return;
	}
	if (vm_start(vm, &job, &err) < 0) {
		journal_vm(LOG_LEVEL_ERROR, vm, "Automatic restart: %s", err.text);
		manager_event(vm->manager, vm, "restart", "failed: %s", err.text);
	}
}

static void restart_in(struct vm *vm, double seconds, const char *why)
{
	if (vm->manager->host_going_down)
		return;
	manager_event(vm->manager, vm, "restart", "in %.1f s: %s", seconds, why);
	start_restart_timer(vm, seconds);
}

/* Doubles with every restart in a row, up to five minutes; ten minutes of life end the row. */
static double back_off(struct vm *vm, int64_t lived)
{
	double delay = vm->manager->settings.restart_delay / 1000.0;

	if (lived > 600 * INT64_C(1000000))
		vm->restarts = 0;
	for (unsigned int i = 0; i < vm->restarts && delay < 300; i++)
		delay *= 2;
	vm->restarts++;
	return MIN(delay, 300.0);
}

static void decide_restart(struct vm *vm, enum vm_reason reason, enum proto_cause cause,
			   int64_t lived)
{
	const struct domain *config = vm->config;

	if (vm->start_again)
		restart_in(vm, 0, "the daemon ended while the machine was being started");
	else if (reason == VM_REASON_GUEST_OFF && cause == PROTO_CAUSE_GUEST_OFF &&
		 config->on_poweroff == DOMAIN_ACTION_RESTART)
		restart_in(vm, back_off(vm, lived), "on_poweroff is restart");
	else if ((reason == VM_REASON_GUEST_CRASHED || reason == VM_REASON_WORKER_DIED ||
		  reason == VM_REASON_HOST_ERROR) &&
		 config->on_crash == DOMAIN_ACTION_RESTART)
		restart_in(vm, back_off(vm, lived), "on_crash is restart");
	vm->start_again = false;
}

void vm_worker_gone(struct vm *vm, enum proto_cause cause, const char *words)
{
	enum vm_reason reason = end_reason(vm, cause);
	int64_t lived = vm->running_since ? manager_now() - vm->running_since : 0;
	struct job *job = vm->job;
	struct vm_error err = {0};
	enum job_result result = job ? end_result(vm, cause, words, &err) : JOB_DONE;

	(void)record_end(vm, reason, job, result, &err);
	vm->worker = NULL;
	vm->stopping_for_host = false;
	vm->guest_crashed = false;
	vm->failure = (struct vm_error){0};
	vm_note_power(vm, VM_POWER_OFF, reason);
	if (job)
		job_end_recorded(job, result, &err);
	decide_restart(vm, reason, cause, lived);
	sequence_vm_off(vm->manager);
}

/* ── after a restart of the daemon ─────────────────────────────────────────────────────────── */

static void settle_interrupted(struct vm *vm, struct job *job)
{
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_CANCELED,
			   "The daemon was restarted during '%s' of machine %s, which is now %s",
			   job->kind, vm->config->name, vm_power_name(vm->power));
	job_end(job, JOB_FAILED, &err);
}

/* The worker's state is the truth; a job that has begun since leads to another one by itself. */
static void take_worker_state(struct vm *vm)
{
	const struct worker *worker = vm->worker;

	if (vm->job && !vm->job->resumed)
		return;
	if (worker->state == PROTO_STATE_PAUSED && vm->power != VM_POWER_PAUSED)
		vm_set_power(vm, VM_POWER_PAUSED,
			     worker->cause == PROTO_CAUSE_LOW_DISK ? VM_REASON_LOW_DISK
								   : VM_REASON_REQUESTED);
	else if (worker->state == PROTO_STATE_RUNNING && vm->power != VM_POWER_RUNNING)
		vm_set_power(vm, VM_POWER_RUNNING, VM_REASON_STARTED);
}

static void settle_resumed(struct vm *vm)
{
	if (job_is(vm, VM_OPERATION_TURN_OFF)) {
		vm_set_power(vm, VM_POWER_STOPPING, VM_REASON_REQUESTED);
		power_off_worker(vm);
	} else if (job_is(vm, VM_OPERATION_START) && vm->worker->state == PROTO_STATE_RUNNING) {
		job_end(vm->job, JOB_DONE, NULL);
	} else {
		settle_interrupted(vm, vm->job);
	}
}

void vm_worker_reconnected(struct vm *vm)
{
	struct worker *worker = vm->worker;

	if (worker->state == PROTO_STATE_STOPPED)
		worker_kill_after(worker, vm->manager->settings.stop_timeout);
	else if (!vm->job)
		take_worker_state(vm);
	manager_event(vm->manager, vm, "reconnected", "worker %d", worker->pid);
}

static void on_adopted(struct vm *vm, const struct vm_error *err)
{
	struct worker *worker = vm->worker;

	if (err) {
		journal_vm(LOG_LEVEL_ERROR, vm, "%s", err->text);
		worker_kill(worker);
		return;
	}
	if (worker->state == PROTO_STATE_CREATED) {
		/* Not powered on yet: nothing of the guest is lost by beginning again. */
		vm->start_again = job_is(vm, VM_OPERATION_START);
		worker_kill(worker);
		return;
	}
	if (worker->state == PROTO_STATE_STOPPED) {
		/* It has waited to tell that, and ends now. */
		worker_kill_after(worker, vm->manager->settings.stop_timeout);
		return;
	}
	take_worker_state(vm);
	manager_event(vm->manager, vm, "adopted", "worker %d, %s", worker->pid,
		      vm_power_name(vm->power));
	if (vm->job && vm->job->resumed)
		settle_resumed(vm);
	publish_vm_changed(vm);
}

void vm_power_recover(struct vm *vm, const struct store_worker *row,
		      const struct store_operation *operation)
{
	struct job *job = NULL;

	if (operation && job_resume(vm->manager, vm, operation, &job) < 0)
		journal_vm(LOG_LEVEL_ERROR, vm, "%s: out of memory", vm->config->name);
	if (row && worker_adopt(vm, row, on_adopted) == 0) {
		/* Until it has told, it is what it was; a start stays a start. */
		if (!vm_power_has_worker(vm->power))
			vm_note_power(vm, VM_POWER_STARTING, VM_REASON_NONE);
		return;
	}
	if (job_is(vm, VM_OPERATION_START))
		vm_note_power(vm, VM_POWER_STARTING, VM_REASON_NONE);
	vm->start_again = job_is(vm, VM_OPERATION_START) && !vm->manager->host_booted;
	vm->stopping_for_host = vm->manager->host_booted; /* the reason, if it was running */
	if (row || job || vm_power_has_worker(vm->power))
		vm_worker_gone(vm, PROTO_CAUSE_COUNT, NULL);
	vm->stopping_for_host = false;
}
