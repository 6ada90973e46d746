/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asked for what the daemon does.
 */
#ifndef VMMS_DAEMON_CALLER_H
#define VMMS_DAEMON_CALLER_H

#include <stdint.h>

#define CALLER_NOBODY UINT32_MAX

struct caller {
	uint32_t uid;  /* CALLER_NOBODY: the daemon by itself */
	char name[33]; /* "" where the host's /etc/passwd has none */
};

/* The name is looked up in /etc/passwd alone: other sources may be on a network that is slow. */
struct caller caller_from_uid(uint32_t uid);

#define CALLER_DAEMON ((struct caller){.uid = CALLER_NOBODY})

#endif
