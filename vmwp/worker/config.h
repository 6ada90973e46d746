/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the worker is told at its start: words of the form key=value, on the command line or one to a
 * line in a file (config=FILE). A FILE is the number of a descriptor that was handed in, or else a
 * path (./7 is one), which is opened before the sandbox is entered. A key may be given once, where
 * nothing else is said.
 *
 *	name=TEXT            for the log
 *	memory=MIB           16 to 1048576
 *	processors=N         1 to 64
 *	partition=FILE       the driver's device
 *	firmware=FILE        BIOS image; or
 *	kernel=FILE          Linux kernel (bzImage), with
 *	initrd=FILE          and
 *	cmdline=TEXT         to the end of the word
 *	hda=FILE[,ro]        disk; likewise hdb, hdc, hdd
 *	hda=cdrom[,FILE]     CD-ROM drive, empty or with a medium
 *	sda=FILE[,ro]        synthetic SCSI disk; likewise sdb, sdc, sdd
 *	com1=FD|pty|stdio    serial port; likewise com2. Without it, nobody is at the other end
 *	debug=FILE           where the firmware's debug port writes
 *	reset=restart|exit|N what a reset of the guest does; N: restart, but exit the time after N
 *	triple-fault=reset|exit
 *	crash=continue|exit  what the guest's report of its own crash does
 *
 * The first choice is the default.
 */
#ifndef VMWP_CONFIG_H
#define VMWP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "machine/machine.h"

#define CONFIG_NAME_MAX       64
#define CONFIG_CMDLINE_MAX    2048
#define CONFIG_PATH_MAX       1024
#define CONFIG_RESETS_ANY     UINT32_MAX
#define CONFIG_IDE_DRIVES     4u
#define CONFIG_DRIVES         8u /* those of IDE first, then the SCSI disks */
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

enum config_serial_kind {
	CONFIG_SERIAL_NONE,
	CONFIG_SERIAL_FD,
	CONFIG_SERIAL_PTY,
	CONFIG_SERIAL_STDIO,
};

struct config_serial {
	enum config_serial_kind kind;
	int fd;
};

/* What may be given by a path. */
enum config_file {
	CONFIG_PARTITION,
	CONFIG_FIRMWARE,
	CONFIG_KERNEL,
	CONFIG_INITRD,
	CONFIG_DEBUG,
	CONFIG_HDA,
	CONFIG_FILES = CONFIG_HDA + CONFIG_DRIVES,
};

/* Descriptors are -1 where nothing was given, or a path that is not open yet. */
struct config {
	char name[CONFIG_NAME_MAX + 1];
	uint32_t memory_mib;
	uint32_t processors;
	int partition_fd, firmware_fd, kernel_fd, initrd_fd, debug_fd;
	char cmdline[CONFIG_CMDLINE_MAX];
	bool has_cmdline;
	struct config_drive drive[CONFIG_DRIVES];
	struct config_serial serial[CONFIG_SERIALS];
	char path[CONFIG_FILES][CONFIG_PATH_MAX]; /* empty: none */
	uint32_t resets;                          /* that are allowed */
	bool exit_on_triple_fault;
	bool exit_on_crash;
	/* Not keys: what a daemon tells beside them. */
	uint8_t uuid[16]; /* in text order */
	enum machine_boot boot[MACHINE_BOOTS];
	bool local_time;
	uint32_t given; /* which keys there were */
};

/* A sentence that names the word and what is wrong with it. */
struct config_error {
	char text[CONFIG_PATH_MAX + 200];
};

void config_init(struct config *config);

/* One word. -EINVAL with *ret_error. */
int must_check config_word(struct config *config, const char *word, struct config_error *ret_error);

/* All words of a file: lines; blank ones and those that begin with # are skipped. */
int must_check config_file(struct config *config, int fd, struct config_error *ret_error);

/* The words of a command line (without the program's name), config=FILE among them. */
int must_check config_arguments(struct config *config, int count, char *const *words,
				struct config_error *ret_error);

/* Is what was given complete, and does it fit together? */
int must_check config_check(const struct config *config, struct config_error *ret_error);

/* The name of a key that takes a file: "kernel". */
const char *config_file_key(enum config_file file);

/*
 * config_open.c. Opens what was given by a path; disks are locked against other machines. The
 * descriptors are closed by whoever closes the others.
 */
int must_check config_open(struct config *config, struct config_error *ret_error);

/* "hda: is empty" to "hda: /srv/disk: is empty", where hda was given by a path. */
void config_add_path(const struct config *config, const char *text, char *ret_text, size_t size);

#endif
