/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmms_storm SEED ROUNDS: kills the daemon at random moments, each with operations on the machines
 * a, b and c under way, and looks at what the next one makes of it: nothing is lost, nothing is
 * there twice. A moment is a number of messages from the daemon, and a while after the last of
 * them; numbers and operations follow from SEED.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define NAME      "org.keelson.vmms1"
#define PATH      "/org/keelson/vmms1"
#define INTERFACE "org.keelson.vmms1.Manager"
#define DISKS     "/var/lib/keelson/disks"

enum { MAX_MACHINES = 16, SETTLE_MS = 120000 };

struct machine {
	char uuid[40], name[64], power[32];
};

static sd_bus *bus;
static unsigned int messages, rounds_done;
static bool gone;

static _Noreturn void fail(const char *what, const char *whom)
{
	printf("FAILED in round %u: %s%s%s\n", rounds_done + 1, what, whom ? ": " : "",
	       whom ? whom : "");
	exit(EXIT_FAILURE);
}

static void must(int r, const char *what)
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

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ── the daemon ────────────────────────────────────────────────────────────────────────────── */

static int on_message(sd_bus_message *m, void *data, sd_bus_error *error)
{
	messages++;
	return 0;
}

static int on_owner(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *name, *before, *after;

	if (sd_bus_message_read(m, "sss", &name, &before, &after) >= 0)
		gone = !*after;
	return 0;
}

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

/* What has come is handled; waits up to `us` for more. False: nothing came. */
static bool turn(uint64_t us)
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

static void kill_daemon(void)
{
	pid_t pid = daemon_pid();
	int64_t deadline = now_ms() + SETTLE_MS;

	if (pid <= 0 || kill(pid, SIGKILL) < 0)
		fail("the daemon is not there to be killed", NULL);
	gone = false;
	while (!gone && now_ms() < deadline)
		turn(100000);
	while (gone && now_ms() < deadline)
		turn(100000);
	if (gone || daemon_pid() == pid)
		fail("no new daemon", NULL);
}

/* ── what is there ─────────────────────────────────────────────────────────────────────────── */

static sd_bus_message *ask(const char *member)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;

	if (sd_bus_call_method(bus, NAME, PATH, INTERFACE, member, &error, &reply, "") < 0)
		fail(member, error.message);
	return reply;
}

static size_t list_machines(struct machine machines[static MAX_MACHINES])
{
	sd_bus_message *reply = ask("ListVMs");
	const char *uuid, *name, *power;
	size_t count = 0;

	must(sd_bus_message_enter_container(reply, 'a', "(sssssutboo)"), "ListVMs");
	while (sd_bus_message_enter_container(reply, 'r', "sssssutboo") > 0) {
		must(sd_bus_message_read(reply, "sss", &uuid, &name, &power), "ListVMs");
		must(sd_bus_message_skip(reply, "ssutboo"), "ListVMs");
		must(sd_bus_message_exit_container(reply), "ListVMs");
		if (count == MAX_MACHINES)
			fail("too many machines", NULL);
		snprintf(machines[count].uuid, sizeof(machines[count].uuid), "%s", uuid);
		snprintf(machines[count].name, sizeof(machines[count].name), "%s", name);
		snprintf(machines[count].power, sizeof(machines[count].power), "%s", power);
		count++;
	}
	sd_bus_message_unref(reply);
	return count;
}

static bool no_jobs(void)
{
	sd_bus_message *reply = ask("ListJobs");
	int r = sd_bus_message_enter_container(reply, 'a', "(uosssbut)");
	bool none = r >= 0 && sd_bus_message_at_end(reply, 0) > 0;

	sd_bus_message_unref(reply);
	return none;
}

static bool is_worker_of(const char *pid, const char *uuid)
{
	char path[300], line[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
	if (fd >= 0)
		close(fd);
	/* a copy of the daemon that has not become a worker yet shows the daemon's arguments */
	return n > 0 && memmem(line, (size_t)n, uuid, strlen(uuid)) != NULL;
}

static unsigned int count_workers(const char *uuid)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	unsigned int count = 0;

	while (proc && (entry = readdir(proc)))
		count += *entry->d_name >= '1' && *entry->d_name <= '9' &&
			 is_worker_of(entry->d_name, uuid);
	closedir(proc);
	return count;
}

static bool machine_settled(const struct machine *machine)
{
	unsigned int workers = count_workers(machine->uuid);

	if (strcmp(machine->power, "running") == 0 || strcmp(machine->power, "paused") == 0)
		return workers == 1;
	return strcmp(machine->power, "off") == 0 && workers == 0;
}

static bool settled(void)
{
	struct machine machines[MAX_MACHINES];
	size_t count;

	if (!no_jobs())
		return false;
	count = list_machines(machines);
	for (size_t i = 0; i < count; i++) {
		if (!machine_settled(&machines[i]))
			return false;
	}
	return true;
}

static void await_settled(void)
{
	int64_t deadline = now_ms() + SETTLE_MS;

	while (!settled()) {
		if (now_ms() > deadline)
			fail("it does not settle", NULL);
		turn(20000);
	}
}

/* ── what must be ──────────────────────────────────────────────────────────────────────────── */

static bool has_disk(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), DISKS "/%s-hda.raw", name);
	return access(path, F_OK) == 0;
}

/* A file in the disks' folder that belongs to no machine is left over from something undone. */
static void check_files(const struct machine *machines, size_t count)
{
	DIR *disks = opendir(DISKS);
	const struct dirent *entry;

	while (disks && (entry = readdir(disks))) {
		bool known = *entry->d_name == '.';

		for (size_t i = 0; i < count && !known; i++) {
			char file[300];

			snprintf(file, sizeof(file), "%s-hda.raw", machines[i].name);
			known = strcmp(file, entry->d_name) == 0;
		}
		if (!known)
			fail("left over", entry->d_name);
	}
	closedir(disks);
}

static void remove_copy(const char *name)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;

	if (sd_bus_call_method(bus, NAME, PATH, INTERFACE, "DeleteVM", &error, NULL, "sb", name,
			       1) < 0)
		fail("a copy cannot be deleted", error.message);
}

static void check_all(void)
{
	struct machine machines[MAX_MACHINES];
	size_t count = list_machines(machines);
	unsigned int ours = 0;

	check_files(machines, count);
	for (size_t i = 0; i < count; i++) {
		const char *name = machines[i].name;

		if (strncmp(name, "copy", 4) == 0 || strlen(name) == 1) {
			if (!has_disk(name))
				fail("the disk is lost", name);
			ours += strlen(name) == 1;
		}
		if (strncmp(name, "copy", 4) == 0)
			remove_copy(name);
	}
	if (ours != 3)
		fail("a machine is lost or doubled", NULL);
	await_settled();
}

/* ── a round ───────────────────────────────────────────────────────────────────────────────── */

static void something(const char *name)
{
	static const char *const members[] = {"StartVM",    "StartVM", "StartVM",  "StopVM",
					      "ShutdownVM", "PauseVM", "ResumeVM", "CloneVM"};
	const char *member = members[random_below(8)];
	char copy[32];

	snprintf(copy, sizeof(copy), "copy-of-%s-%u", name, rounds_done);
	if (strcmp(member, "CloneVM") == 0)
		must(sd_bus_call_method_async(bus, NULL, NAME, PATH, INTERFACE, member, on_message,
					      NULL, "ss", name, copy),
		     member);
	else
		must(sd_bus_call_method_async(bus, NULL, NAME, PATH, INTERFACE, member, on_message,
					      NULL, "s", name),
		     member);
}

static void one_round(void)
{
	unsigned int moment;

	for (const char *name = "abc"; *name; name++)
		something((char[]){*name, '\0'});
	moment = random_below(40);
	messages = 0;
	while (messages < moment && turn(50000))
		;
	for (unsigned int spins = random_below(200000); spins > 0; spins--)
		__asm__ volatile("pause");
	kill_daemon();
	await_settled();
	check_all();
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc == 3 ? (unsigned int)atoi(argv[2]) : 0;

	if (rounds == 0 || atoi(argv[1]) <= 0) {
		fprintf(stderr, "usage: vmms_storm SEED ROUNDS\n");
		return 2;
	}
	state = (uint32_t)atoi(argv[1]);
	watch();
	for (; rounds_done < rounds; rounds_done++) {
		one_round();
		if ((rounds_done + 1) % 10 == 0)
			fprintf(stderr, "round %u: %lld s\n", rounds_done + 1,
				(long long)now_ms() / 1000);
	}
	printf("%u rounds\n", rounds_done);
	sd_bus_flush_close_unref(bus);
	return 0;
}
