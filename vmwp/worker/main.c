/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program vmwp: the worker on the driver of the hypervisor.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vid/driver.h"
#include "worker.h"

static const char help[] =
	"usage: vmwp KEY=VALUE...\n"
	"       vmwp config=FILE\n"
	"\n"
	"Runs one virtual machine, until it turns itself off. A FILE is a path, or the number of "
	"a\n"
	"descriptor. Everything is opened first; then vmwp gives up what it may do otherwise.\n"
	"\n"
	"  memory=MIB                 16 to 1048576\n"
	"  processors=N               1 to 64 (1)\n"
	"  kernel=FILE                a Linux kernel (bzImage) or a multiboot image, with\n"
	"  initrd=FILE, cmdline=TEXT\n"
	"  firmware=FILE              or a BIOS image (/usr/share/seabios/bios.bin)\n"
	"  hda=FILE[,ro]              a disk; likewise hdb, hdc, hdd\n"
	"  hda=cdrom[,FILE]           a CD-ROM drive, empty or with a medium\n"
	"  sda=FILE[,ro]              a synthetic SCSI disk; likewise sdb, sdc, sdd\n"
	"  com1=stdio|pty|FD          a serial port; likewise com2\n"
	"  reset=restart|exit|N       what a reset by the guest does; N: exit after that many\n"
	"  triple-fault=reset|exit\n"
	"  crash=continue|exit        what the guest's own report of its crash does\n"
	"  name=TEXT, debug=FILE (where firmware writes), partition=FILE (/dev/vid)\n"
	"  config=FILE                more of these, one a line; # begins a comment\n"
	"\n"
	"Exit status: 0 the guest turned itself off, or the machine was ended by a signal; 1 it "
	"could\n"
	"not be started; 2 triple fault; 3 the host failed; 4 reset; 5 the guest crashed; 6 the "
	"guest\n"
	"did what no processor can carry out.\n";

/* By the time of the call no file can be opened any more. */
static int open_partition(int fd, struct vid_partition **ret_partition)
{
	return fd < 0 ? -ENOENT : vid_partition_open(fd, ret_partition);
}

int main(int argc, char **argv)
{
	static const struct worker_options options = {
		.sandbox = true,
		.default_device = "/dev/vid",
		.default_firmware = "/usr/share/seabios/bios.bin",
		.open_partition = open_partition,
	};

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	return worker_main(argc - 1, argv + 1, &options);
}
