/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon says is there, what is there, and whether it is what must be.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmms_storm.h"

static sd_bus_message *ask(const char *member)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;

	if (sd_bus_call_method(bus, NAME, PATH, INTERFACE, member, &error, &reply, "") < 0)
		fail(member, error.message);
	return reply;
}

size_t list_machines(struct machine machines[static MAX_MACHINES])
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

const char *power_of(const char *name)
{
	static struct machine machines[MAX_MACHINES];
	size_t count = list_machines(machines);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(machines[i].name, name) == 0)
			return machines[i].power;
	}
	return "nowhere";
}

static bool no_jobs(void)
{
	sd_bus_message *reply = ask("ListJobs");
	int r = sd_bus_message_enter_container(reply, 'a', "(uosssbdt)");
	bool none = r >= 0 && sd_bus_message_at_end(reply, 0) > 0;

	sd_bus_message_unref(reply);
	return none;
}

/* ── workers ───────────────────────────────────────────────────────────────────────────────── */

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

/* One of them, if there are any. */
static unsigned int count_workers(const char *uuid, pid_t *ret)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	unsigned int count = 0;

	while (proc && (entry = readdir(proc))) {
		if (*entry->d_name < '1' || *entry->d_name > '9' ||
		    !is_worker_of(entry->d_name, uuid))
			continue;
		count++;
		*ret = (pid_t)atoi(entry->d_name);
	}
	closedir(proc);
	return count;
}

pid_t find_worker(const char *name)
{
	struct machine machines[MAX_MACHINES];
	size_t count = list_machines(machines);
	pid_t pid = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(machines[i].name, name) == 0)
			count_workers(machines[i].uuid, &pid);
	}
	return pid;
}

static bool machine_settled(const struct machine *machine)
{
	pid_t pid;
	unsigned int workers = count_workers(machine->uuid, &pid);

	if (strcmp(machine->power, "running") == 0 || strcmp(machine->power, "paused") == 0)
		return workers == 1;
	return strcmp(machine->power, "off") == 0 && workers == 0;
}

/*
 * A call may have reached the bus after the daemon's end, and begin something with the next one: all
 * are answered first.
 */
static bool settled(void)
{
	struct machine machines[MAX_MACHINES];
	size_t count;

	if (unanswered > 0 || !no_jobs())
		return false;
	count = list_machines(machines);
	for (size_t i = 0; i < count; i++) {
		if (!machine_settled(&machines[i]))
			return false;
	}
	return true;
}

void await_settled(void)
{
	int64_t deadline = now_ms() + SETTLE_MS;

	while (!settled()) {
		if (now_ms() > deadline)
			fail("it does not settle", NULL);
		turn(20000);
	}
}

/* ── files ─────────────────────────────────────────────────────────────────────────────────── */

static bool has_disk(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), DISKS "/%s-hda.raw", name);
	return access(path, F_OK) == 0;
}

/* A file in the disks' folder that belongs to no machine is left over from something undone. */
static void check_disks(const struct machine *machines, size_t count)
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

/* An export is there as a whole, disk, XML and options, or not at all. */
static void check_export(const char *name)
{
	static const char *const files[] = {"hda.raw", "machine.xml", "options"};
	char path[600];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), EXPORTS "/%s/%s", name, files[i]);
		if (unlink(path) < 0)
			fail("half an export", path);
	}
	snprintf(path, sizeof(path), EXPORTS "/%s", name);
	if (rmdir(path) < 0)
		fail("left over of an export", path);
}

static void check_exports(void)
{
	DIR *exports = opendir(EXPORTS);
	const struct dirent *entry;

	while (exports && (entry = readdir(exports))) {
		if (*entry->d_name != '.')
			check_export(entry->d_name);
	}
	closedir(exports);
}

static void check_once(const struct machine *machines, size_t count, const char *name)
{
	unsigned int found = 0;

	for (size_t i = 0; i < count; i++)
		found += strcmp(machines[i].name, name) == 0;
	if (found != 1)
		fail("a machine is lost or doubled", name);
}

void check_all(void)
{
	struct machine machines[MAX_MACHINES];
	size_t count = list_machines(machines);

	check_disks(machines, count);
	check_exports();
	for (size_t i = 0; i < count; i++) {
		check_once(machines, count, machines[i].name);
		if (strcmp(machines[i].name, "sample") != 0 && !has_disk(machines[i].name))
			fail("the disk is lost", machines[i].name);
	}
	for (const char *name = "abc"; *name; name++)
		check_once(machines, count, (char[]){*name, '\0'});
}
