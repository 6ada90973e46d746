/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's command line: words "name=value" separated by blanks. A word that is not known
 * or has a bad value is reported and ignored: a typing error must not keep a server from booting.
 *
 *   console=com1|com2|0xPORT|debugcon|none   where the log goes (none)
 *   loglevel=error|warning|info|debug        what of it (info)
 *   panic=halt|reboot                        after a hypervisor panic (reboot)
 */
#pragma once

#include "core/types.h"

/* Applies the options to console and log. Reports unknown words through the log. */
void cmdline_apply(const char *line);

bool cmdline_parse_hex(const char *text, u64 *ret_value);

extern bool panic_reboots;
