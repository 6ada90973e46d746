/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcsetattr(3), and back.
 */
#include "ctl/terminal.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static bool taken;

bool terminal_take(bool raw)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return false; /* a file or pipe */
	t = saved;
	if (raw)
		cfmakeraw(&t);
	else
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	taken = tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0;
	atexit(terminal_give_back);
	return taken;
}

void terminal_give_back(void)
{
	if (taken)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	taken = false;
}
