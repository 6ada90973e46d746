/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls to the daemon, and waiting for jobs.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bus/names.h"
#include "ctl/json.h"
#include "model/error.h"

int ctl_bad_reply(int r)
{
	return ctl_fail(
		"The daemon's answer makes no sense (%s); are vmctl and vmms of one version?",
		strerror(-r));
}

/* What the daemon, the bus or ssh had to say, with what a person can do about it. */
static void tell(const struct ctl *ctl, const char *name, const char *message)
{
	char text[2048];

	if (strcmp(name, SD_BUS_ERROR_SERVICE_UNKNOWN) == 0 ||
	    strcmp(name, SD_BUS_ERROR_NAME_HAS_NO_OWNER) == 0)
		snprintf(text, sizeof(text),
			 "The service vmms does not run; 'systemctl start vmms' starts it");
	else if (ctl->host && strncmp(name, "System.Error.", 13) == 0)
		snprintf(text, sizeof(text),
			 "The connection to %s by ssh has ended (%s); 'ssh %s vmctl list' "
			 "may tell why",
			 ctl->host, message, ctl->host);
	else if (vm_error_from_name(name) == VM_ERROR_ACCESS_DENIED)
		snprintf(text, sizeof(text),
			 "%s. Root and members of the group keelson may ('adduser USER keelson', "
			 "then log in again)",
			 message);
	else
		snprintf(text, sizeof(text), "%s", message);
	say_error(name, text);
}

void ctl_connect(struct ctl *ctl)
{
	char text[512];
	int r;

	if (ctl->bus)
		return;
	r = ctl->host ? sd_bus_open_system_remote(&ctl->bus, ctl->host)
		      : sd_bus_open_system(&ctl->bus);
	if (r >= 0)
		return;
	snprintf(text, sizeof(text), "The system bus %s%s cannot be reached: %s",
		 ctl->host ? "of " : "", ctl->host ? ctl->host : "of this machine", strerror(-r));
	exit(say_error(SD_BUS_ERROR_NO_SERVER, text));
}

sd_bus_message *ctl_message(struct ctl *ctl, const char *member)
{
	sd_bus_message *m = NULL;
	int r;

	ctl_connect(ctl);
	r = sd_bus_message_new_method_call(ctl->bus, &m, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
					   member);
	if (r >= 0)
		r = sd_bus_message_set_allow_interactive_authorization(m, isatty(STDIN_FILENO));
	if (r < 0)
		exit(ctl_fail("%s", strerror(-r)));
	return m;
}

int ctl_send(struct ctl *ctl, sd_bus_message *m, sd_bus_message **ret_reply)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_call(ctl->bus, m, ctl->timeout_usec, &error, ret_reply);

	if (r < 0)
		tell(ctl, error.name ? error.name : "",
		     error.message ? error.message : strerror(-r));
	sd_bus_error_free(&error);
	return r < 0 ? r : 0;
}

int ctl_call(struct ctl *ctl, const char *member, sd_bus_message **ret_reply, const char *types,
	     ...)
{
	_cleanup_message_ sd_bus_message *m = ctl_message(ctl, member);
	va_list ap;
	int r;

	va_start(ap, types);
	r = *types ? sd_bus_message_appendv(m, types, ap) : 0;
	va_end(ap);
	if (r < 0) {
		ctl_fail("An argument cannot be sent: %s", strerror(-r));
		return r;
	}
	return ctl_send(ctl, m, ret_reply);
}

char *ctl_vm_path(struct ctl *ctl, const char *name)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *path;
	int r = ctl_call(ctl, "GetVM", &reply, "s", name);

	if (r < 0)
		return NULL;
	r = sd_bus_message_read(reply, "o", &path);
	if (r < 0) {
		ctl_bad_reply(r);
		return NULL;
	}
	return strdup(path);
}

/* ── jobs ──────────────────────────────────────────────────────────────────────────────────── */

/* What JobRemoved told; a job may end before its number is known here. */
struct ended_job {
	struct ended_job *next;
	char *path, *uuid, *name, *result, *error, *message;
};

static struct ended_job *ended_jobs;

static int on_job_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *path, *uuid, *name, *operation, *result, *error_name, *message;
	struct ended_job *ended = calloc(1, sizeof(*ended));
	uint32_t id;

	CHECK(ended);
	if (sd_bus_message_read(m, "uossssss", &id, &path, &uuid, &name, &operation, &result,
				&error_name, &message) < 0) {
		free(ended);
		return 0;
	}
	ended->path = strdup(path);
	ended->uuid = strdup(uuid);
	ended->name = strdup(name);
	ended->result = strdup(result);
	ended->error = strdup(error_name);
	ended->message = strdup(message);
	CHECK(ended->path && ended->uuid && ended->name && ended->result && ended->error &&
	      ended->message);
	ended->next = ended_jobs;
	ended_jobs = ended;
	return 0;
}

static bool daemon_lost;

/* Ctrl-C while a job is waited for: the job is the daemon's, and goes on. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = 1;
}

static void notice_interrupts(void)
{
	struct sigaction action = {.sa_handler = on_interrupt};

	sigaction(SIGINT, &action, NULL);
}

static _Noreturn void leave_job(const struct ctl *ctl, const char *path)
{
	const char *id = strrchr(path, '_') + 1;

	if (!ctl->json)
		fprintf(stderr,
			"\nJob %s goes on. 'vmctl jobs' shows it, 'vmctl jobs cancel %s' ends "
			"it.\n",
			id, id);
	exit(128 + SIGINT);
}

static int on_owner_changed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *name, *before, *after;

	if (sd_bus_message_read(m, "sss", &name, &before, &after) >= 0 && !*after)
		daemon_lost = true;
	return 0;
}

void ctl_watch_jobs(struct ctl *ctl)
{
	int r;

	if (ctl->no_wait || ctl->watching)
		return;
	ctl_connect(ctl);
	notice_interrupts();
	ctl->watching = true;
	r = sd_bus_match_signal(ctl->bus, NULL, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE,
				"JobRemoved", on_job_removed, NULL);
	if (r >= 0)
		r = sd_bus_add_match(ctl->bus, NULL,
				     "type='signal',sender='org.freedesktop.DBus',"
				     "member='NameOwnerChanged',arg0='" BUS_NAME "'",
				     on_owner_changed, NULL);
	if (r < 0)
		exit(ctl_fail("Signals cannot be received: %s", strerror(-r)));
}

static const struct ended_job *find_ended(const char *path)
{
	for (const struct ended_job *ended = ended_jobs; ended; ended = ended->next) {
		if (strcmp(ended->path, path) == 0)
			return ended;
	}
	return NULL;
}

static void show_progress(struct ctl *ctl, const char *path, const char *machine)
{
	static const char bar[] = "########################################";
	double progress = 0;
	int filled;

	if (!isatty(STDERR_FILENO) || ctl->json)
		return;
	if (sd_bus_get_property_trivial(ctl->bus, BUS_NAME, path, BUS_JOB_INTERFACE, "Progress",
					NULL, 'd', &progress) < 0)
		return;
	filled = (int)(progress * 40);
	fprintf(stderr, "\r%s [%.*s%*s] %3d %% ", machine, filled, bar, 40 - filled, "",
		(int)(progress * 100));
}

static void clear_progress(const struct ctl *ctl)
{
	if (isatty(STDERR_FILENO) && !ctl->json)
		fprintf(stderr, "\r\033[K");
}

/* Lets signals come in; 0 when half a second has passed without any, negative without a daemon. */
static int wait_a_moment(struct ctl *ctl)
{
	int r = sd_bus_process(ctl->bus, NULL);

	if (r == 0)
		r = sd_bus_wait(ctl->bus, 500000);
	if (daemon_lost)
		return -ECONNRESET;
	return r == -EINTR ? 1 : r;
}

static const struct ended_job *wait_for(struct ctl *ctl, const char *path, const char *machine)
{
	const struct ended_job *ended;

	while (!(ended = find_ended(path))) {
		int r = wait_a_moment(ctl);

		if (interrupted)
			leave_job(ctl, path);
		if (r == 0)
			show_progress(ctl, path, machine);
		if (r < 0)
			exit(ctl_fail(
				"The daemon has ended. When it is there again, it finishes or "
				"undoes job %s; 'vmctl log' tells",
				strrchr(path, '_') + 1));
	}
	clear_progress(ctl);
	return ended;
}

/* ── the job in the way ────────────────────────────────────────────────────────────────────── */

static size_t count_ended(const char *machine)
{
	size_t count = 0;

	for (const struct ended_job *ended = ended_jobs; ended; ended = ended->next)
		count += strcmp(ended->name, machine) == 0 || strcasecmp(ended->uuid, machine) == 0;
	return count;
}

/* It was there when the daemon answered, so its end is told after that answer. */
static void wait_for_way(struct ctl *ctl, const char *machine, const char *why)
{
	size_t before = count_ended(machine);

	if (isatty(STDERR_FILENO) && !ctl->json)
		fprintf(stderr, "%s\nWaiting for it; Ctrl-C ends that.\n", why);
	while (count_ended(machine) == before) {
		int r = wait_a_moment(ctl);

		if (interrupted)
			exit(128 + SIGINT);
		if (r < 0)
			exit(ctl_fail("The daemon has ended while %s had to wait", machine));
	}
}

int ctl_begin_job(struct ctl *ctl, const char *machine, sd_bus_message **ret_reply,
		  const char *member, const char *types, ...)
{
	int r;

	ctl_watch_jobs(ctl);
	do {
		_cleanup_message_ sd_bus_message *m = ctl_message(ctl, member);
		sd_bus_error error = SD_BUS_ERROR_NULL;
		va_list ap;

		va_start(ap, types);
		r = sd_bus_message_appendv(m, types, ap);
		va_end(ap);
		if (r >= 0)
			r = sd_bus_call(ctl->bus, m, 0, &error, ret_reply);
		if (r < 0 && !ctl->no_wait &&
		    sd_bus_error_has_name(&error, VM_ERROR_PREFIX "Busy")) {
			wait_for_way(ctl, machine, error.message);
			r = -EBUSY;
		} else if (r < 0) {
			tell(ctl, error.name ? error.name : "",
			     error.message ? error.message : strerror(-r));
			r = -EIO;
		}
		sd_bus_error_free(&error);
	} while (r == -EBUSY);
	return r < 0 ? r : 0;
}

static void print_job(const struct ctl *ctl, const char *path, const char *result,
		      const char *sentence)
{
	struct json json;

	if (!ctl->json) {
		printf("%s\n", sentence);
		return;
	}
	json_begin(&json, stdout);
	json_open(&json, NULL, '{');
	json_number(&json, "job", strtoull(strrchr(path, '_') + 1, NULL, 10));
	json_string(&json, "result", result);
	json_close(&json, '}');
	json_end(&json);
}

int ctl_finish_job(struct ctl *ctl, sd_bus_message *reply, const char *machine, const char *done)
{
	const struct ended_job *ended;
	char sentence[2048];
	const char *path;
	int r = sd_bus_message_read(reply, "o", &path);

	if (r < 0)
		return ctl_bad_reply(r);
	if (ctl->no_wait) {
		snprintf(sentence, sizeof(sentence), "Job %s", strrchr(path, '_') + 1);
		print_job(ctl, path, "begun", sentence);
		return EXIT_SUCCESS;
	}
	ended = wait_for(ctl, path, machine);
	if (strcmp(ended->result, "failed") == 0) {
		tell(ctl, ended->error, ended->message);
		return EXIT_FAILURE;
	}
	if (strcmp(ended->result, "canceled") == 0) {
		tell(ctl, VM_ERROR_PREFIX "Canceled", "The job was canceled");
		return EXIT_FAILURE;
	}
	snprintf(sentence, sizeof(sentence), "%s: %s%s%s", machine, done,
		 *ended->message ? ". " : "", ended->message);
	print_job(ctl, path, "done", sentence);
	return EXIT_SUCCESS;
}

int ctl_run_job(struct ctl *ctl, const char *member, const char *machine, const char *done)
{
	_cleanup_message_ sd_bus_message *reply = NULL;

	if (ctl_begin_job(ctl, machine, &reply, member, "s", machine) < 0)
		return EXIT_FAILURE;
	return ctl_finish_job(ctl, reply, machine, done);
}

/* ── arguments ─────────────────────────────────────────────────────────────────────────────── */

bool ctl_arguments(int argc, char **argv, int min, int max)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1]) {
			ctl_fail("%s has no option '%s'; 'vmctl help %s' tells what it takes",
				 argv[0], argv[i], argv[0]);
			return false;
		}
	}
	if (argc - 1 >= min && argc - 1 <= max)
		return true;
	ctl_usage(argv[0]);
	return false;
}

static void close_file(FILE **file)
{
	if (*file && *file != stdin)
		fclose(*file);
}

char *ctl_read_file(const char *path)
{
	_cleanup_(close_file) FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file) {
		ctl_fail("%s: %s", path, strerror(errno));
		return NULL;
	}
	errno = 0;
	/* Up to a zero byte, which XML does not have, or the end. */
	if (getdelim(&text, &size, '\0', file) < 0) {
		ctl_fail("%s: %s", path, errno ? strerror(errno) : "it is empty");
		free(text);
		return NULL;
	}
	return text;
}

void ctl_format_time(uint64_t us, char *buffer, size_t size)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (us == 0 || !localtime_r(&seconds, &tm) ||
	    strftime(buffer, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(buffer, size, "-");
}
