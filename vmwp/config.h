/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the worker is told at its start: words of the form key=value, on the command line or one to a
 * line in a file whose descriptor is given (config=FD). Files are named by descriptor numbers only;
 * the worker opens no path. A key may be given once, where nothing else is said.
 *
 *	name=TEXT            for the log
 *	memory=MIB           16 to 1048576
 *	processors=N         1 to 64
 *	partition=FD         as handed out by vid
 *	firmware=FD          BIOS image; or
 *	kernel=FD            Linux kernel (bzImage), with
 *	initrd=FD            and
 *	cmdline=TEXT         to the end of the word
 *	hda=FD[,ro]          disk; likewise hdb, hdc, hdd
 *	hda=cdrom[,FD]       CD-ROM drive, empty or with a medium
 *	com1=FD | com1=pty   serial port; likewise com2. Without it, nobody is at the other end
 *	debug=FD             where the firmware's debug port writes
 *	reset=restart|exit   what a reset of the guest does; restart is the default
 *	triple-fault=reset|exit
 */
#ifndef VMWP_CONFIG_H
#define VMWP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

#define CONFIG_NAME_MAX       64
#define CONFIG_CMDLINE_MAX    2048
#define CONFIG_DRIVES         4u
#define CONFIG_SERIALS        2u
#define CONFIG_VPS_MAX        64u

#define CONFIG_MEMORY_MIN_MIB 16u
#define CONFIG_MEMORY_MAX_MIB (1u << 20)

enum config_drive_kind { CONFIG_DRIVE_NONE, CONFIG_DRIVE_DISK, CONFIG_DRIVE_CDROM };

struct config_drive {
	enum config_drive_kind kind;
	int fd; /* -1: no medium */
	bool read_only;
	char serial[21]; /* empty: one of ours; not a key */
};

enum config_serial_kind { CONFIG_SERIAL_NONE, CONFIG_SERIAL_FD, CONFIG_SERIAL_PTY };

struct config_serial {
	enum config_serial_kind kind;
	int fd;
};

/* Descriptors are -1 where nothing was given. They stay the caller's. */
struct config {
	char name[CONFIG_NAME_MAX + 1];
	uint32_t memory_mib;
	uint32_t processors;
	int partition_fd, firmware_fd, kernel_fd, initrd_fd, debug_fd;
	char cmdline[CONFIG_CMDLINE_MAX];
	bool has_cmdline;
	struct config_drive drive[CONFIG_DRIVES];
	struct config_serial serial[CONFIG_SERIALS];
	bool exit_on_reset;
	bool exit_on_triple_fault;
	/* Not keys: what a daemon tells beside them. */
	uint8_t uuid[16];     /* in text order */
	char boot_order[256]; /* lines of firmware's device paths */
	bool local_time;
	uint32_t given; /* which keys there were */
};

/* A sentence that names the word and what is wrong with it. */
struct config_error {
	char text[256];
};

void config_init(struct config *config);

/* One word. -EINVAL with *ret_error. */
int must_check config_word(struct config *config, const char *word, struct config_error *ret_error);

/* All words of a file: lines; blank ones and those that begin with # are skipped. */
int must_check config_file(struct config *config, int fd, struct config_error *ret_error);

/* The words of a command line (without the program's name), config=FD among them. */
int must_check config_arguments(struct config *config, int count, char *const *words,
				struct config_error *ret_error);

/* Is what was given complete, and does it fit together? */
int must_check config_check(const struct config *config, struct config_error *ret_error);

#endif
