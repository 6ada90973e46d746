/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal on standard input, while a verb has its keys for itself.
 */
#ifndef VMMS_CTL_TERMINAL_H
#define VMMS_CTL_TERMINAL_H

#include <stdbool.h>

/*
 * Keys come at once, without the line's end, and are not shown; Ctrl-C, too, is a key, or it would
 * leave the terminal like that. `raw`: what goes either way is not translated. Until
 * terminal_give_back(), or the program's end. False: it is no terminal.
 */
bool terminal_take(bool raw);
void terminal_give_back(void);

#endif
