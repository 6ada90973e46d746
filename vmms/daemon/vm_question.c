/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to a machine's worker whose answer somebody waits for. A worker answers in order, so
 * the oldest question is the one that is answered.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "daemon/vm.h"
#include "worker/worker.h"

static void on_answer(void *data, const struct proto_message *answer)
{
	struct vm *vm = data;
	struct vm_question *question = vm->questions;
	struct vm_error err = {0};

	CHECK(question);
	vm->questions = question->next;
	if (!answer)
		(void)vm_error_set(&err, VM_ERROR_WORKER, "Machine %s: its worker has ended",
				   vm->config->name);
	else if (answer->reply.status < 0)
		(void)vm_error_set_errno(&err, VM_ERROR_WORKER, -answer->reply.status,
					 "Machine %s: its worker refuses: %s", vm->config->name,
					 answer->text);
	question->answered(question, vm, err.code ? &err : NULL);
}

int vm_ask(struct vm *vm, struct proto_message *message, struct vm_question *question,
	   struct vm_error *err)
{
	struct vm_question **at = &vm->questions;
	int r = vm->worker ? worker_send(vm->worker, message, on_answer) : -ENOTCONN;

	if (r < 0)
		return vm_error_set_errno(err, VM_ERROR_WORKER, -r,
					  "Machine %s: its worker cannot be reached",
					  vm->config->name);
	while (*at)
		at = &(*at)->next;
	question->next = NULL;
	*at = question;
	return 0;
}

void vm_forget_questions(struct vm *vm)
{
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_WORKER, "The daemon ends");
	while (vm->questions) {
		struct vm_question *question = vm->questions;

		vm->questions = question->next;
		question->answered(question, vm, &err);
	}
}
