/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folder that an export makes and an import takes. doc/management.md describes it for people.
 *
 *   machine.xml   the configuration; files of the folder stand below EXPORT_PLACE in it
 *   options       what the XML does not hold: notes, automatic start, stop action; and how long
 *                 each file is
 *   hda.raw, hdc.iso, …, kernel, initrd
 */
#ifndef VMMS_DAEMON_EXPORT_FOLDER_H
#define VMMS_DAEMON_EXPORT_FOLDER_H

#include "daemon/vm.h"

#define EXPORT_XML     "machine.xml"
#define EXPORT_OPTIONS "options"
#define EXPORT_KERNEL  "kernel"
#define EXPORT_INITRD  "initrd"
#define EXPORT_SIZE    "Size." /* in options, with a file's name behind it */
#define EXPORT_PLACE   "/keelson-export/"

/* As SETTING=VALUE, a line each; free() it. NULL: out of memory. */
char *export_options_print(const struct vm_options *options);

/* Takes what an export wrote; the error names the line. ret->notes is free()d by the caller. */
int must_check export_options_parse(const char *text, struct vm_options *ret, struct vm_error *err);

/* Is every file of the folder there, and whole? Waits for the file system. */
int must_check export_sizes_check(const char *folder, const char *text, struct vm_error *err);

#endif
