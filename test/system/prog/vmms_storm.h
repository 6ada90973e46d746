/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of vmms_storm share: the bus, asking, and looking at what is there.
 */
#ifndef KEELSON_TEST_SYSTEM_PROG_VMMS_STORM_H
#define KEELSON_TEST_SYSTEM_PROG_VMMS_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#define NAME      "org.keelson.vmms1"
#define PATH      "/org/keelson/vmms1"
#define INTERFACE "org.keelson.vmms1.Manager"
#define DISKS     "/var/lib/keelson/disks"
#define EXPORTS   "/srv/storm"

enum { MAX_MACHINES = 16, SETTLE_MS = 300000 };

/* A name of one letter: there from the beginning. The others come and go. */
struct machine {
	char uuid[40], name[64], power[32];
};

extern sd_bus *bus;
extern unsigned int rounds_done, unanswered; /* unanswered: calls */

_Noreturn void fail(const char *what, const char *whom);
void must(int r, const char *what);
int64_t now_ms(void);

/* What has come is handled; waits up to `us` for more. False: nothing came. */
bool turn(uint64_t us);

size_t list_machines(struct machine machines[static MAX_MACHINES]);
const char *power_of(const char *name); /* overwritten by the next call */

/* Of the machine of that name; 0: it has none. */
pid_t find_worker(const char *name);

/* No job is left, and each machine runs with one worker or is off with none. */
void await_settled(void);

/* All machines are there once, each with its disk, and no file is left of what was undone. */
void check_all(void);

#endif
