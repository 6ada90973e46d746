/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmms_storm SEED ROUNDS: kills the daemon in each of its transitions by turns, at a random moment
 * of it, with others under way on the machines a, b and c; and looks at what the next daemon makes
 * of it: nothing is lost, nothing is there twice. A moment is a number of messages from the daemon
 * after the job has begun, and a while after the last of them; all follows from SEED. Prints in
 * which operations the daemon was when it was killed.
 */
#include "vmms_storm.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

sd_bus *bus;
unsigned int rounds_done, unanswered;

static unsigned int messages;
static bool gone;

_Noreturn void fail(const char *what, const char *whom)
{
	printf("FAILED in round %u: %s%s%s\n", rounds_done + 1, what, whom ? ": " : "",
	       whom ? whom : "");
	exit(EXIT_FAILURE);
}

void must(int r, const char *what)
{
	if (r < 0)
		fail(what, strerror(-r));
}

static uint32_t state; /* of the random numbers: the same everywhere */

static unsigned int random_below(unsigned int limit)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % limit;
}

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ── jobs under way ────────────────────────────────────────────────────────────────────────── */

struct count {
	char operation[16];
	unsigned int value;
};

static struct {
	uint32_t id;
	char operation[16];
} jobs[32];
static size_t job_count;
static struct count begun[16], interrupted[16];
static unsigned int idle_kills;

static unsigned int *count_of(struct count counts[static 16], const char *operation)
{
	size_t i = 0;

	while (*counts[i].operation && strcmp(counts[i].operation, operation) != 0) {
		if (++i == 16)
			fail("too many operations", operation);
	}
	snprintf(counts[i].operation, sizeof(counts[i].operation), "%s", operation);
	return &counts[i].value;
}

static void on_job(sd_bus_message *m, bool new)
{
	const char *path, *uuid, *name, *operation;
	size_t i = 0;
	uint32_t id;

	must(sd_bus_message_read(m, "uosss", &id, &path, &uuid, &name, &operation), "JobNew");
	if (new) {
		if (job_count == sizeof(jobs) / sizeof(jobs[0]))
			fail("too many jobs", NULL);
		jobs[job_count].id = id;
		snprintf(jobs[job_count++].operation, sizeof(jobs->operation), "%s", operation);
		++*count_of(begun, operation);
		return;
	}
	while (i < job_count && jobs[i].id != id)
		i++;
	if (i < job_count)
		jobs[i] = jobs[--job_count];
}

static int on_message(sd_bus_message *m, void *data, sd_bus_error *error)
{
	messages++;
	if (sd_bus_message_is_signal(m, INTERFACE, "JobNew") > 0)
		on_job(m, true);
	else if (sd_bus_message_is_signal(m, INTERFACE, "JobRemoved") > 0)
		on_job(m, false);
	return 0;
}

/* All that the daemon has said before its end has come before. */
static int on_owner(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *name, *before, *after;

	if (sd_bus_message_read(m, "sss", &name, &before, &after) < 0)
		return 0;
	gone = !*after;
	if (!gone)
		return 0;
	idle_kills += job_count == 0;
	while (job_count > 0)
		++*count_of(interrupted, jobs[--job_count].operation);
	return 0;
}

/* ── the daemon ────────────────────────────────────────────────────────────────────────────── */

static void watch(void)
{
	must(sd_bus_open_system(&bus), "bus");
	must(sd_bus_add_match(bus, NULL, "type='signal',path_namespace='" PATH "'", on_message,
			      NULL),
	     "signals");
	must(sd_bus_add_match(bus, NULL,
			      "type='signal',sender='org.freedesktop.DBus',"
			      "member='NameOwnerChanged',arg0='" NAME "'",
			      on_owner, NULL),
	     "owner");
}

bool turn(uint64_t us)
{
	int r = sd_bus_process(bus, NULL);

	must(r, "sd_bus_process");
	if (r == 0)
		r = sd_bus_wait(bus, us);
	return r != 0;
}

static pid_t daemon_pid(void)
{
	sd_bus_message *reply = NULL;
	uint32_t pid = 0;

	if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", "GetConnectionUnixProcessID", NULL, &reply,
			       "s", NAME) >= 0)
		sd_bus_message_read(reply, "u", &pid);
	sd_bus_message_unref(reply);
	return (pid_t)pid;
}

static void kill_daemon(pid_t pid, pid_t held)
{
	int64_t deadline = now_ms() + SETTLE_MS;

	if (pid <= 0 || kill(pid, SIGKILL) < 0)
		fail("the daemon is not there to be killed", NULL);
	if (held > 0)
		kill(held, SIGCONT);
	gone = false;
	while (!gone && now_ms() < deadline)
		turn(100000);
	while (gone && now_ms() < deadline)
		turn(100000);
	if (gone || daemon_pid() == pid)
		fail("no new daemon", NULL);
}

/* ── operations ────────────────────────────────────────────────────────────────────────────── */

/* A job or a refusal, also because the daemon is gone. */
static int on_answer(sd_bus_message *m, void *data, sd_bus_error *error)
{
	messages++;
	unanswered--;
	return 0;
}

/* Begins a call; what comes of it is counted alone. */
static void begin_call(const char *member, const char *types, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, types);
	r = sd_bus_call_method_asyncv(bus, NULL, NAME, PATH, INTERFACE, member, on_answer, NULL,
				      types, arguments);
	va_end(arguments);
	must(r, member);
	unanswered++;
}

static void call(const char *member, const char *name)
{
	begin_call(member, "s", name);
}

static void call_clone(const char *member, const char *name)
{
	char copy[64];

	snprintf(copy, sizeof(copy), "copy-of-%s-%u", name, rounds_done);
	begin_call(member, "ss", name, copy);
}

static void call_export(const char *member, const char *name)
{
	begin_call(member, "ss", name, EXPORTS);
}

static void call_delete(const char *member, const char *name)
{
	begin_call(member, "su", name, 1);
}

static void call_create(const char *member, const char *name)
{
	char path[128], xml[768];

	snprintf(path, sizeof(path), DISKS "/made-%u-hda.raw", rounds_done);
	snprintf(xml, sizeof(xml),
		 "<domain type='keelson'><name>made-%u</name><memory unit='MiB'>16</memory>"
		 "<vcpu>1</vcpu><os><type arch='x86_64'>hvm</type><boot dev='hd'/></os><devices>"
		 "<disk type='file' device='disk'><source file='%s'/><target dev='hda'/></disk>"
		 "</devices></domain>",
		 rounds_done, path);
	begin_call(member, "sa(st)", xml, 1, path, UINT64_C(4) << 20);
}

/* Each transition, the state it begins in, and how it is asked for. */
static const struct operation {
	const char *kind, *from, *member;
	void (*call)(const char *member, const char *name);
} operations[] = {
	{"start", "off", "StartVM", call},           {"turn-off", "running", "StopVM", call},
	{"shutdown", "running", "ShutdownVM", call}, {"reboot", "running", "RebootVM", call},
	{"reset", "running", "ResetVM", call},       {"pause", "running", "PauseVM", call},
	{"resume", "paused", "ResumeVM", call},      {"clone", "off", "CloneVM", call_clone},
	{"export", "off", "ExportVM", call_export},  {"create", "off", "CreateVM", call_create},
	{"delete", "off", "DeleteVM", call_delete},
};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]), START = 0, CLONE = 7, DELETE = 10 };

static const char *way_to(const char *wanted, const char *power)
{
	if (strcmp(power, "off") == 0)
		return "StartVM";
	if (strcmp(wanted, "off") == 0)
		return "StopVM";
	return strcmp(wanted, "paused") == 0 ? "PauseVM" : "ResumeVM";
}

/* A start that was interrupted is begun again, so what has settled may change once more. */
static void bring_to(const char *name, const char *wanted)
{
	int64_t deadline = now_ms() + SETTLE_MS;
	const char *power;

	while (strcmp(power = power_of(name), wanted) != 0) {
		call(way_to(wanted, power), name);
		await_settled();
		if (now_ms() > deadline)
			fail("it cannot be brought there", wanted);
	}
}

/* A machine that has come to stay for a while, or NULL. */
static const char *find_extra(void)
{
	static struct machine machines[MAX_MACHINES];
	size_t count = list_machines(machines);

	for (size_t i = 0; i < count; i++) {
		if (strchr(machines[i].name, '-'))
			return machines[i].name;
	}
	return NULL;
}

static void remove_extras(void)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *name;

	while ((name = find_extra())) {
		if (sd_bus_call_method(bus, NAME, PATH, INTERFACE, "DeleteVM", &error, NULL, "su",
				       name, 1u) < 0)
			fail("it cannot be deleted", error.message);
		await_settled();
	}
}

/* What the daemon is in the middle of when this one's turn has come, besides. */
static void something(const char *name)
{
	const char *power = power_of(name);
	unsigned int from = random_below(OPERATIONS);

	for (unsigned int i = 0; i < OPERATIONS; i++) {
		const struct operation *operation = &operations[(from + i) % OPERATIONS];

		if (operation != &operations[DELETE] && strcmp(operation->from, power) == 0) {
			operation->call(operation->member, name);
			return;
		}
	}
}

static void begin(const struct operation *operation)
{
	unsigned int before = *count_of(begun, operation->kind);
	int64_t deadline = now_ms() + SETTLE_MS;
	const char *name = "a";

	if (operation == &operations[DELETE]) {
		call_clone("CloneVM", "a");
		while (!(name = find_extra()))
			turn(20000);
		await_settled();
		before = *count_of(begun, operation->kind);
	}
	messages = 0;
	operation->call(operation->member, name);
	if (random_below(2))
		something("b");
	if (random_below(2))
		something("c");
	while (*count_of(begun, operation->kind) == before) {
		if (now_ms() > deadline)
			fail("it does not begin", operation->kind);
		turn(100000);
	}
}

/* Half of the time its worker does not come to what it is asked, so that the job is still open. */
static pid_t hold_worker(const struct operation *operation)
{
	pid_t worker = strcmp(operation->from, "off") == 0 ? 0 : find_worker("a");

	if (worker > 0 && random_below(2) && kill(worker, SIGSTOP) == 0)
		return worker;
	return 0;
}

static void one_round(void)
{
	const struct operation *operation = &operations[rounds_done % OPERATIONS];
	unsigned int moment, silence;
	pid_t pid = daemon_pid(), held;

	bring_to("a", operation->from);
	held = hold_worker(operation);
	begin(operation);
	moment = random_below(3) ? random_below(4) : random_below(30);
	silence = random_below(3) ? 1000 : 200000;
	messages = 0;
	while (messages < moment && turn(silence))
		;
	for (unsigned int spins = random_below(3) ? 0 : random_below(200000); spins > 0; spins--)
		__asm__ volatile("pause");
	kill_daemon(pid, held);
	await_settled();
	check_all();
	remove_extras();
}

static void print_counts(void)
{
	printf("%u rounds; jobs that were under way at a kill:\n", rounds_done);
	for (size_t i = 0; i < OPERATIONS; i++)
		printf("  %-10s %3u\n", operations[i].kind,
		       *count_of(interrupted, operations[i].kind));
	printf("  none       %3u\n", idle_kills);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc == 3 ? (unsigned int)atoi(argv[2]) : 0;

	if (rounds == 0 || atoi(argv[1]) <= 0) {
		fprintf(stderr, "usage: vmms_storm SEED ROUNDS\n");
		return 2;
	}
	state = (uint32_t)atoi(argv[1]);
	if (mkdir(EXPORTS, 0755) < 0 && errno != EEXIST)
		fail(EXPORTS, strerror(errno));
	watch();
	for (; rounds_done < rounds; rounds_done++) {
		one_round();
		if ((rounds_done + 1) % 10 == 0)
			fprintf(stderr, "round %u: %lld s\n", rounds_done + 1,
				(long long)now_ms() / 1000);
	}
	print_counts();
	sd_bus_flush_close_unref(bus);
	return 0;
}
