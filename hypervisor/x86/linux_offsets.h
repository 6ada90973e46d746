/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct linux_entry for assembly; linux.c proves the numbers. */
#pragma once

#define ENTRY_RIP       0
#define ENTRY_PARAMS    8
#define ENTRY_CR3       16
#define ENTRY_GDT       24
#define ENTRY_GDT_LIMIT 32
