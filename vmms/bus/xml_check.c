/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue, whose first entry is on a thread.
 */
#include "bus/xml_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bus/call.h"
#include "config/domain_xml.h"
#include "daemon/task.h"

enum { MAX_OF_ONE = 8, MAX_OF_ALL = 64 };

struct xml_check {
	struct xml_check *next;
	struct task task;
	struct manager *manager;
	sd_bus_message *m;
	char *xml;
	struct domain *config;
	int (*done)(struct manager *manager, sd_bus_message *m, const struct domain *config,
		    struct vm_error *err);
};

static void check_free(struct xml_check *check)
{
	sd_bus_message_unref(check->m);
	domain_free(check->config);
	free(check->xml);
	free(check);
}

static void take_first(struct manager *manager)
{
	struct xml_check *check = manager->xml_checks;

	manager->xml_checks = check->next;
	check_free(check);
}

static int run(struct task *task)
{
	struct xml_check *check = task->data;
	int r = domain_parse(check->xml, &check->config, &task->err);

	domain_xml_forget_schema();
	return r;
}

static void no_progress(struct task *task, unsigned int permille)
{
}

static void start_first(struct manager *manager);

static void reply(struct xml_check *check)
{
	struct vm_error err = check->task.err;
	int r = check->task.result;

	if (r == 0)
		r = check->done(check->manager, check->m, check->config, &err);
	if (r < 0 && call_reply_error(check->m, &err) < 0)
		log_debug("No reply could be sent");
}

static void on_checked(struct task *task)
{
	struct xml_check *check = task->data;
	struct manager *manager = check->manager;

	reply(check);
	take_first(manager);
	start_first(manager);
}

static void start_first(struct manager *manager)
{
	while (manager->xml_checks) {
		struct xml_check *check = manager->xml_checks;

		if (task_start(&check->task, manager->loop) == 0)
			return;
		check->task.result =
			vm_error_set(&check->task.err, VM_ERROR_NO_MEMORY, "Out of memory");
		reply(check);
		take_first(manager);
	}
}

static int count(const struct manager *manager, sd_bus_message *m, struct vm_error *err)
{
	const char *sender = sd_bus_message_get_sender(m);
	unsigned int all = 0, of_one = 0;

	for (const struct xml_check *check = manager->xml_checks; check; check = check->next) {
		const char *other = sd_bus_message_get_sender(check->m);

		all++;
		of_one += sender && other && strcmp(sender, other) == 0;
	}
	if (all < MAX_OF_ALL && of_one < MAX_OF_ONE)
		return 0;
	return vm_error_set(err, VM_ERROR_BUSY, "%u pieces of XML are being checked; try again",
			    all);
}

int xml_check(struct manager *manager, sd_bus_message *m, const char *xml,
	      int (*done)(struct manager *manager, sd_bus_message *m, const struct domain *config,
			  struct vm_error *err),
	      struct vm_error *err)
{
	struct xml_check *check, **at = &manager->xml_checks;
	bool first = !manager->xml_checks;
	int r = count(manager, m, err);

	if (r < 0)
		return r;
	check = calloc(1, sizeof(*check));
	if (!check || !(check->xml = strdup(xml))) {
		free(check);
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	}
	check->manager = manager;
	check->m = sd_bus_message_ref(m);
	check->done = done;
	check->task.run = run;
	check->task.progress = no_progress;
	check->task.done = on_checked;
	check->task.data = check;
	while (*at)
		at = &(*at)->next;
	*at = check;
	if (first)
		start_first(manager);
	return 0;
}

void xml_check_forget_all(struct manager *manager)
{
	if (manager->xml_checks)
		task_abandon(&manager->xml_checks->task);
	while (manager->xml_checks)
		take_first(manager);
}
