/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to a machine's worker whose answer somebody waits for, but not longer than the setting
 * AnswerTimeoutSec. A worker answers in order, so the oldest question is the one that is answered.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/journal.h"
#include "daemon/vm.h"
#include "worker/worker.h"

/* One that was sent. It stays in its place until the worker answers, whoever still waits for that. */
struct vm_asked {
	struct vm_asked *next;
	struct vm *vm;
	struct vm_question *question; /* NULL: nobody waits any more */
	bool late;                    /* the time for an answer is over */
	ev_timer timer;
};

static void log_late(const struct vm_asked *asked)
{
	journal_vm(LOG_LEVEL_WARNING, asked->vm,
		   "Machine %s: its worker has answered after all, too late",
		   asked->vm->config->name);
}

static void finish(struct vm_asked *asked, const struct vm_error *err)
{
	struct vm_question *question = asked->question;

	ev_timer_stop(asked->vm->manager->loop, &asked->timer);
	if (asked->late)
		log_late(asked);
	asked->question = NULL;
	if (question && asked->late)
		question->late(question, asked->vm, err);
	else if (question)
		question->answered(question, asked->vm, err);
}

static void on_timeout(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct vm_asked *asked = watcher->data;
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_TIMEOUT,
			   "Machine %s: its worker did not answer within %u s (AnswerTimeoutSec). "
			   "'vmctl stop %s' turns the machine off",
			   asked->vm->config->name, asked->vm->manager->settings.answer_timeout,
			   asked->vm->config->name);
	ev_timer_stop(loop, watcher);
	asked->late = true;
	if (!asked->question->late) {
		struct vm_question *question = TAKE_PTR(asked->question);

		question->answered(question, asked->vm, &err);
	} else {
		asked->question->answered(asked->question, asked->vm, &err);
	}
}

static void on_answer(void *data, const struct proto_message *answer)
{
	struct vm *vm = data;
	struct vm_asked *asked = vm->questions;
	struct vm_error err = {0};

	CHECK(asked);
	vm->questions = asked->next;
	if (!answer)
		(void)vm_error_set(&err, VM_ERROR_WORKER,
				   "Machine %s: the connection to its worker has ended",
				   vm->config->name);
	else if (answer->reply.status < 0)
		(void)vm_error_set_errno(&err, VM_ERROR_WORKER, -answer->reply.status,
					 "Machine %s: its worker refuses: %s", vm->config->name,
					 answer->text);
	finish(asked, err.code ? &err : NULL);
	free(asked);
}

int vm_ask(struct vm *vm, struct proto_message *message, struct vm_question *question,
	   struct vm_error *err)
{
	struct vm_asked *asked = calloc(1, sizeof(*asked)), **at = &vm->questions;
	int r;

	if (!asked)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	r = vm->worker ? worker_send(vm->worker, message, on_answer) : -ENOTCONN;
	if (r < 0) {
		free(asked);
		return vm_error_set_errno(err, VM_ERROR_WORKER, -r,
					  "Machine %s: its worker cannot be reached",
					  vm->config->name);
	}
	asked->vm = vm;
	asked->question = question;
	ev_now_update(vm->manager->loop);
	ev_timer_init(&asked->timer, on_timeout, vm->manager->settings.answer_timeout, 0);
	asked->timer.data = asked;
	ev_timer_start(vm->manager->loop, &asked->timer);
	while (*at)
		at = &(*at)->next;
	*at = asked;
	return 0;
}

void vm_forget_questions(struct vm *vm)
{
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_WORKER, "The daemon ends");
	while (vm->questions) {
		struct vm_asked *asked = vm->questions;

		vm->questions = asked->next;
		finish(asked, &err);
		free(asked);
	}
}
