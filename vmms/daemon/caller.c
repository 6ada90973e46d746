/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a user's number to its name.
 */
#include "daemon/caller.h"

#include <pwd.h>
#include <stdio.h>

#include "base/text.h"

struct caller caller_from_uid(uint32_t uid)
{
	struct caller caller = {.uid = uid};
	FILE *file = fopen("/etc/passwd", "re");
	char buffer[4096];
	struct passwd entry, *found;

	while (file && fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0) {
		if (entry.pw_uid == uid) {
			text_make_safe(entry.pw_name, caller.name, sizeof(caller.name), "");
			break;
		}
	}
	if (file)
		fclose(file);
	return caller;
}
