/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Method calls: authorization, look-up, errors.
 */
#include "bus/call.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bus/bus.h"
#include "config/domain_xml.h"
#include "daemon/inventory.h"
#include "daemon/task.h"

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref, cleanup_message);
DEFINE_CLEANUP(sd_bus_creds *, sd_bus_creds_unref, cleanup_creds);

int call_reply_error(sd_bus_message *m, const struct vm_error *err)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	const struct vm_error_info *info = vm_error_info(err->code);
	char name[128];
	sd_bus_error error;
	int r;

	snprintf(name, sizeof(name), VM_ERROR_PREFIX "%s", info->name);
	error = SD_BUS_ERROR_MAKE_CONST(name, err->text);
	r = sd_bus_message_new_method_error(m, &reply, &error);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int call_bad_message(int r, struct vm_error *err)
{
	if (r == -ENOMEM)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	return vm_error_set_errno(err, VM_ERROR_INVALID_ARGUMENT, -r, "The message makes no sense");
}

static void send_reply(void *data)
{
	sd_bus_message *reply = data;
	int r = sd_bus_send(NULL, reply, NULL);

	if (r < 0)
		log_debug("A reply cannot be sent: %s", strerror(-r));
	sd_bus_message_unref(reply);
}

int call_reply_job(sd_bus_message *m, const struct job *job, struct vm_error *err)
{
	sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(m, &reply);

	if (r >= 0)
		r = sd_bus_message_append(reply, "o", job->path);
	if (r >= 0)
		inventory_after(job->manager, send_reply, reply);
	else
		sd_bus_message_unref(reply);
	return call_replied(r, err);
}

int call_later(sd_bus_message *m, int r)
{
	if (r < 0)
		sd_bus_message_unref(m);
	return r;
}

static void reply_later(sd_bus_message *m, int r)
{
	if (r < 0)
		log_debug("A reply cannot be sent: %s", strerror(-r));
	sd_bus_message_unref(m);
}

void call_done(void *m, const struct vm_error *err)
{
	reply_later(m, err ? call_reply_error(m, err) : sd_bus_reply_method_return(m, ""));
}

void call_done_job(void *m, struct job *job, const struct vm_error *err)
{
	reply_later(m,
		    err ? call_reply_error(m, err) : sd_bus_reply_method_return(m, "o", job->path));
}

int call_reply_nothing(sd_bus_message *m, struct vm_error *err)
{
	return call_replied(sd_bus_reply_method_return(m, ""), err);
}

int call_open_list(sd_bus_message *m, const char *element, sd_bus_message **ret_reply)
{
	int r = sd_bus_message_new_method_return(m, ret_reply);

	return r < 0 ? r : sd_bus_message_open_container(*ret_reply, 'a', element);
}

int call_send_list(int r, sd_bus_message *reply, struct vm_error *err)
{
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	if (r >= 0)
		r = sd_bus_send(NULL, reply, NULL);
	return call_replied(r, err);
}

const struct bus_method *call_find(const struct bus_method *methods, size_t count,
				   const char *member)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(methods[i].member, member) == 0)
			return &methods[i];
	}
	return NULL;
}

int call_find_vm(struct manager *manager, sd_bus_message *m, struct vm **ret, struct vm_error *err)
{
	_cleanup_free_ char *uuid = NULL;
	const char *name;
	int r = sd_bus_path_decode(sd_bus_message_get_path(m), BUS_VM_PREFIX, &uuid);

	if (r > 0)
		return vm_find(manager, uuid, ret, err);
	r = sd_bus_message_rewind(m, true);
	if (r >= 0)
		r = sd_bus_message_read(m, "s", &name);
	return r < 0 ? call_bad_message(r, err) : vm_find(manager, name, ret, err);
}

/* `failed`: its XML could not be parsed. */
static int run(struct manager *manager, const struct bus_method *method, sd_bus_message *m,
	       const struct vm_error *failed)
{
	struct vm_error err = {0};
	struct vm *vm = NULL;
	int r = method->vm ? call_find_vm(manager, m, &vm, &err) : 0;

	if (r == 0 && failed) {
		err = *failed;
		r = -EINVAL;
	}
	if (r == 0)
		r = method->run(manager, vm, m, &err);
	if (r >= 0)
		return 1;
	if (!err.code)
		(void)vm_error_set_errno(&err, VM_ERROR_INTERNAL, -r, "%s", method->member);
	log_debug("%s: %s", method->member, err.text);
	return call_reply_error(m, &err);
}

/* ── waiting for their turn ────────────────────────────────────────────────────────────────── */

enum { MAX_WAITING = 32 }; /* of one client */

struct waiting_call {
	struct waiting_call *next;
	const struct bus_method *method;
	sd_bus_message *m;
	uint32_t uid; /* whose call it is */
	/* its XML */
	struct task task;
	const char *xml; /* the message's; NULL: it has none */
	struct domain *parsed;
	struct vm_error failed;
};

static void waiting_free(struct waiting_call *call)
{
	domain_free(call->parsed);
	sd_bus_message_unref(call->m);
	free(call);
}

static int run_parse(struct task *task)
{
	struct waiting_call *call = task->data;
	int r = call->method->parse(call->xml, &call->parsed, &task->err);

	domain_xml_forget_schema();
	return r;
}

static void no_progress(struct task *task, unsigned int permille)
{
}

/* The loop's turn runs it (call_run_waiting). */
static void on_parsed(struct task *task)
{
	struct waiting_call *call = task->data;

	if (task->result < 0)
		call->failed = task->err;
}

static int find_xml(const struct bus_method *method, sd_bus_message *m, const char **ret)
{
	bool on_vm = strcmp(sd_bus_message_get_interface(m), BUS_VM_INTERFACE) == 0;
	int r = method->vm && !on_vm ? sd_bus_message_skip(m, "s") : 0;

	if (r >= 0)
		r = sd_bus_message_read(m, "s", ret);
	return r < 0 ? r : sd_bus_message_rewind(m, true);
}

/* A message that is not what its signature says is refused when it is run. */
static void begin_parse(struct manager *manager, struct waiting_call *call)
{
	int r = find_xml(call->method, call->m, &call->xml);

	call->task.run = run_parse;
	call->task.progress = no_progress;
	call->task.done = on_parsed;
	call->task.data = call;
	if (r >= 0)
		r = task_start(&call->task, manager->loop);
	if (r < 0)
		(void)vm_error_set_errno(&call->failed, VM_ERROR_INVALID_ARGUMENT, -r,
					 "The XML cannot be read");
}

/* With whoever called as the one who did it, in log, events and history. */
static int run_call(struct manager *manager, struct waiting_call *call)
{
	int r;

	if (call->uid != CALLER_NOBODY)
		manager->caller = caller_from_uid(call->uid);
	manager->parsed = TAKE_PTR(call->parsed);
	r = run(manager, call->method, call->m, call->failed.code ? &call->failed : NULL);
	manager->parsed = domain_free(manager->parsed);
	manager->caller = CALLER_DAEMON;
	return r;
}

static bool same_sender(sd_bus_message *a, sd_bus_message *b)
{
	const char *x = sd_bus_message_get_sender(a), *y = sd_bus_message_get_sender(b);

	return x && y && strcmp(x, y) == 0;
}

/* One client must not make all others wait, nor fill the memory. */
static unsigned int count_waiting(const struct manager *manager, sd_bus_message *m)
{
	unsigned int count = 0;

	for (const struct waiting_call *call = manager->waiting_calls; call; call = call->next)
		count += same_sender(m, call->m);
	return count;
}

static int refuse_flood(sd_bus_message *m)
{
	struct vm_error err = {0};

	(void)vm_error_set(&err, VM_ERROR_BUSY, "%d calls of yours are waiting already",
			   MAX_WAITING);
	return call_reply_error(m, &err);
}

static int run_soon(struct manager *manager, const struct bus_method *method, sd_bus_message *m,
		    uint32_t uid)
{
	struct waiting_call *call, **at = &manager->waiting_calls;

	if (count_waiting(manager, m) >= MAX_WAITING)
		return refuse_flood(m);
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->method = method;
	call->m = sd_bus_message_ref(m);
	call->uid = uid;
	while (*at)
		at = &(*at)->next;
	*at = call;
	if (method->parse)
		begin_parse(manager, call);
	return 1; /* the reply comes later */
}

/* Its own client's earlier ones come first. */
static bool is_first_of_client(const struct manager *manager, const struct waiting_call *call)
{
	for (const struct waiting_call *at = manager->waiting_calls; at != call; at = at->next) {
		if (same_sender(at->m, call->m))
			return false;
	}
	return true;
}

static bool can_run(const struct manager *manager, const struct waiting_call *call)
{
	if (call->method->kind == CALL_CHANGES && inventory_changing(manager))
		return false;
	if (call->method->kind == CALL_READS && inventory_reads(manager))
		return false;
	if (task_runs(&call->task))
		return false;
	return is_first_of_client(manager, call);
}

/* Where the oldest is that can be run; NULL: none can. */
static struct waiting_call **find_next(struct manager *manager)
{
	struct waiting_call **at = &manager->waiting_calls;

	while (*at && !can_run(manager, *at))
		at = &(*at)->next;
	return *at ? at : NULL;
}

bool call_run_waiting(struct manager *manager)
{
	struct waiting_call **at = find_next(manager), *call;

	if (!at)
		return false;
	call = *at;
	*at = call->next;
	if (run_call(manager, call) < 0)
		log_debug("%s: no reply could be sent", call->method->member);
	waiting_free(call);
	return find_next(manager) != NULL;
}

void call_forget_waiting(struct manager *manager)
{
	while (manager->waiting_calls) {
		struct waiting_call *call = manager->waiting_calls;

		manager->waiting_calls = call->next;
		if (task_runs(&call->task))
			task_abandon(&call->task);
		waiting_free(call);
	}
}

/* ── polkit ────────────────────────────────────────────────────────────────────────────────── */

struct question {
	struct manager *manager;
	const struct bus_method *method;
	sd_bus_message *m;
	uint32_t uid;
};

static void question_free(void *data)
{
	struct question *question = data;

	sd_bus_message_unref(question->m);
	free(question);
}

static int deny(const struct question *question, enum vm_error_code code, const char *why)
{
	struct vm_error err = {0};

	if (code == VM_ERROR_ACCESS_DENIED)
		(void)vm_error_set(&err, code,
				   "%s needs the right %s, which polkit does not give you",
				   question->method->member, question->method->action);
	else
		(void)vm_error_set(
			&err, code,
			"%s needs the right %s, but polkit cannot be asked (%s). Is polkitd "
			"installed and running? Root needs no polkit",
			question->method->member, question->method->action, why);
	return call_reply_error(question->m, &err);
}

static int on_polkit_answer(sd_bus_message *answer, void *data, sd_bus_error *error)
{
	const sd_bus_error *failure = sd_bus_message_get_error(answer);
	struct question *question = data;
	int authorized = 0, challenge = 0, r;

	if (failure)
		return deny(question, VM_ERROR_AUTHORIZATION_UNAVAILABLE,
			    failure->message ? failure->message : failure->name);
	r = sd_bus_message_enter_container(answer, 'r', "bba{ss}");
	if (r >= 0)
		r = sd_bus_message_read(answer, "bb", &authorized, &challenge);
	if (r < 0)
		return deny(question, VM_ERROR_AUTHORIZATION_UNAVAILABLE, "unexpected answer");
	if (!authorized)
		return deny(question, VM_ERROR_ACCESS_DENIED, NULL);
	return run_soon(question->manager, question->method, question->m, question->uid);
}

/* The slot floats: it, and the question, live until the answer or the end of the connection. */
static int send_question(sd_bus *bus, struct question *question, sd_bus_message *m)
{
	_cleanup_(cleanup_message) sd_bus_message *call = NULL;
	bool interactive = sd_bus_message_get_allow_interactive_authorization(m) > 0;
	sd_bus_slot *slot = NULL;
	int r = sd_bus_message_new_method_call(
		bus, &call, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
		"org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");

	if (r >= 0)
		r = sd_bus_message_append(call, "(sa{sv})s", "system-bus-name", 1, "name", "s",
					  sd_bus_message_get_sender(m), question->method->action);
	if (r >= 0)
		r = sd_bus_message_append(call, "a{ss}us", 0, interactive ? 1u : 0u, "");
	if (r >= 0)
		r = sd_bus_call_async(bus, &slot, call, on_polkit_answer, question, UINT64_MAX);
	if (r < 0)
		return r;
	sd_bus_slot_set_destroy_callback(slot, question_free);
	sd_bus_slot_set_floating(slot, 1);
	sd_bus_slot_unref(slot);
	return 0;
}

static int ask_polkit(struct manager *manager, const struct bus_method *method, sd_bus_message *m,
		      uint32_t uid)
{
	struct question *question = calloc(1, sizeof(*question));
	int r;

	if (!question)
		return -ENOMEM;
	question->manager = manager;
	question->method = method;
	question->m = sd_bus_message_ref(m);
	question->uid = uid;
	r = send_question(sd_bus_message_get_bus(m), question, m);
	if (r < 0) {
		r = deny(question, VM_ERROR_AUTHORIZATION_UNAVAILABLE, strerror(-r));
		question_free(question);
		return r;
	}
	return 1; /* the reply comes later */
}

/*
 * CALLER_NOBODY where the bus does not tell. A signal – the end of a child – would end the wait for the
 * bus's answer, and root would be sent to polkit like a stranger: signals come when that is over.
 */
static uint32_t sender_uid(sd_bus_message *m)
{
	_cleanup_(cleanup_creds) sd_bus_creds *creds = NULL;
	sigset_t all, old;
	uid_t uid;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r >= 0)
		r = sd_bus_creds_get_euid(creds, &uid);
	if (r >= 0)
		return uid;
	log_warning("The bus does not tell who called %s: %s", sd_bus_message_get_member(m),
		    strerror(-r));
	return CALLER_NOBODY;
}

int call_dispatch(struct manager *manager, const struct bus_method *method, sd_bus_message *m)
{
	uint32_t uid;

	if (method->kind == CALL_QUERIES)
		return run(manager, method, m, NULL);
	if (!method->action)
		return run_soon(manager, method, m, CALLER_NOBODY);
	uid = sender_uid(m);
	if (uid == 0 || uid == geteuid())
		return run_soon(manager, method, m, uid);
	return ask_polkit(manager, method, m, uid);
}
