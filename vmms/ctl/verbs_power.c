/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start, shutdown, stop, reboot, reset, pause, resume: of several machines at once.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

static const struct {
	const char *verb, *member, *done;
} table[] = {
	{"start", "StartVM", "running"},   {"shutdown", "ShutdownVM", "off"},
	{"stop", "StopVM", "off"},         {"reboot", "RebootVM", "rebooted"},
	{"reset", "ResetVM", "reset"},     {"pause", "PauseVM", "paused"},
	{"resume", "ResumeVM", "running"},
};

static int run_power(struct ctl *ctl, int argc, char **argv)
{
	int status = EXIT_SUCCESS;
	size_t row = 0;

	if (argc < 2)
		return ctl_usage(argv[0]);
	if (!ctl_arguments(argc, argv, 1, argc - 1))
		return EXIT_FAILURE;
	while (strcmp(table[row].verb, argv[0]) != 0)
		CHECK(++row < ARRAY_SIZE(table));
	for (int i = 1; i < argc; i++) {
		if (ctl_run_job(ctl, table[row].member, argv[i], table[row].done) != EXIT_SUCCESS)
			status = EXIT_FAILURE;
	}
	return status;
}

const struct verb power_verbs[] = {
	{"start", "VM…", "start machines", NULL, run_power, "vm"},
	{"shutdown", "VM…", "ask guests to shut down, and wait",
	 "A guest that does not within its stop timeout (vmctl autostart --stop-timeout) goes on\n"
	 "running, and vmctl fails.\n",
	 run_power, "vm"},
	{"stop", "VM…", "turn machines off, as if by pulling the plug", NULL, run_power, "vm"},
	{"reboot", "VM…", "ask guests to reboot", NULL, run_power, "vm"},
	{"reset", "VM…", "reset machines, as if by the button", NULL, run_power, "vm"},
	{"pause", "VM…", "stop machines' processors; memory stays", NULL, run_power, "vm"},
	{"resume", "VM…", "let paused machines go on", NULL, run_power, "vm"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
