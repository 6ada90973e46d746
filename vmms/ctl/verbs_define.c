/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * create, define, edit, set, diff, attach, detach, check.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bus/names.h"
#include "config/domain.h"
#include "config/domain_field.h"
#include "config/units.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/value.h"

/* ── create ────────────────────────────────────────────────────────────────────────────────── */

static const struct option create_options[] = {
	{"memory", required_argument, NULL, 'm'}, {"vcpus", required_argument, NULL, 'c'},
	{"disk", required_argument, NULL, 'd'},   {"bus", required_argument, NULL, 'B'},
	{"cdrom", required_argument, NULL, 'C'},  {"network", required_argument, NULL, 'n'},
	{"bridge", required_argument, NULL, 'b'}, {"kernel", required_argument, NULL, 'k'},
	{"initrd", required_argument, NULL, 'i'}, {"cmdline", required_argument, NULL, 'a'},
	{"set", required_argument, NULL, 's'},    {NULL, 0, NULL, 0},
};

struct creation {
	struct domain *domain;
	bool scsi; /* the disks that follow */
	size_t new_count;
	struct {
		char path[512];
		uint64_t size;
	} new_disks[DOMAIN_MAX_DISKS];
};

static struct domain *empty_domain(const char *name)
{
	struct domain *domain = calloc(1, sizeof(*domain));

	CHECK(domain);
	domain->name = strdup(name);
	CHECK(domain->name);
	domain_make_uuid(domain->uuid);
	domain->memory_kib = 1024 * 1024;
	domain->vcpus = 1;
	domain->serial_count = 1;
	domain->boot[0] = DOMAIN_BOOT_HD;
	domain->on_reboot = DOMAIN_ACTION_RESTART;
	return domain;
}

static struct domain_disk *next_disk(struct domain *domain, bool scsi)
{
	struct domain_disk *disk;
	char target[4] = "hda";

	target[0] = scsi ? 's' : 'h';
	while (domain_find_disk(domain, target))
		target[2]++;
	if (domain_disk_unit(target) < 0)
		exit(ctl_fail(scsi ? "A machine has at most 4 SCSI disks"
				   : "A machine has at most 4 IDE drives; disks behind "
				     "'--bus scsi' are SCSI disks"));
	disk = &domain->disks[domain->disk_count];
	disk->format_unknown = true; /* the daemon looks */
	memcpy(disk->target, target, sizeof(disk->target));
	domain->disk_count++;
	return disk;
}

static int set_bus(struct creation *creation, const char *name)
{
	creation->scsi = strcmp(name, "scsi") == 0;
	if (creation->scsi || strcmp(name, "ide") == 0)
		return 0;
	return ctl_fail("'%s' is no bus for disks; there are ide and scsi", name);
}

/* "10G" makes a new file, "10G:/path" one there, "/path" takes what is there. */
static int add_disk(struct creation *creation, const char *text)
{
	struct domain_disk *disk = next_disk(creation->domain, creation->scsi);
	char size_text[32];
	const char *colon = strchr(text, ':');
	uint64_t size = 0;

	if (text[0] == '/') {
		disk->source = strdup(text);
		disk->block = strncmp(text, "/dev/", 5) == 0;
		return 0;
	}
	snprintf(size_text, sizeof(size_text), "%.*s", (int)(colon ? colon - text : 31), text);
	if (!units_parse_size(size_text, &size))
		return ctl_fail("'%s' is neither a size like 10G nor an absolute path", text);
	if (colon)
		disk->source = strdup(colon + 1);
	else if (asprintf(&disk->source, "/var/lib/keelson/disks/%s-%s.raw", creation->domain->name,
			  disk->target) < 0)
		disk->source = NULL;
	CHECK(disk->source);
	snprintf(creation->new_disks[creation->new_count].path, 512, "%s", disk->source);
	creation->new_disks[creation->new_count++].size = ALIGN_UP(size, (uint64_t)512);
	return 0;
}

static void add_cdrom(struct domain *domain, const char *path)
{
	struct domain_disk *disk = next_disk(domain, false);

	disk->kind = DOMAIN_DISK_CDROM;
	disk->readonly = true;
	disk->source = *path ? strdup(path) : NULL;
	if (domain->disk_count == 1)
		domain->boot[0] = DOMAIN_BOOT_CDROM;
}

static void add_card(struct domain *domain, const char *source, bool bridge)
{
	struct domain_interface *card;

	if (domain->interface_count == DOMAIN_MAX_INTERFACES)
		exit(ctl_fail("A machine has at most %d network cards", DOMAIN_MAX_INTERFACES));
	card = &domain->interfaces[domain->interface_count++];
	card->bridge = bridge;
	card->source = strdup(source);
	domain_make_mac(card->mac);
}

static int set_one(struct domain *domain, const char *key, const char *value)
{
	struct vm_error err = {0};

	/* Not checked as a whole yet: a cmdline may come before its kernel. The daemon checks. */
	if (domain_field_set(domain, key, value, &err) < 0 && err.code == VM_ERROR_INVALID_ARGUMENT)
		return ctl_fail("%s", err.text);
	return 0;
}

static int set_pair(struct domain *domain, char *pair)
{
	char *equals = strchr(pair, '=');

	if (!equals)
		return ctl_fail("'%s' is not SETTING=VALUE", pair);
	*equals = '\0';
	return set_one(domain, pair, equals + 1);
}

static int apply(struct creation *creation, int option)
{
	struct domain *domain = creation->domain;

	switch (option) {
	case 'm':
		return set_one(domain, "memory", optarg);
	case 'c':
		return set_one(domain, "vcpus", optarg);
	case 'k':
		return set_one(domain, "kernel", optarg);
	case 'i':
		return set_one(domain, "initrd", optarg);
	case 'a':
		return set_one(domain, "cmdline", optarg);
	case 's':
		return set_pair(domain, optarg);
	case 'd':
		return add_disk(creation, optarg);
	case 'B':
		return set_bus(creation, optarg);
	case 'C':
		add_cdrom(domain, optarg);
		return 0;
	case 'n':
	case 'b':
		add_card(domain, optarg, option == 'b');
		return 0;
	default:
		return EXIT_FAILURE; /* told */
	}
}

static int send_creation(struct ctl *ctl, const struct creation *creation)
{
	_cleanup_message_ sd_bus_message *m = ctl_message(ctl, "CreateVM"), *reply = NULL;
	_cleanup_free_ char *xml = domain_print_draft(creation->domain);
	int r = xml ? sd_bus_message_append(m, "s", xml) : -ENOMEM;

	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(st)");
	for (size_t i = 0; r >= 0 && i < creation->new_count; i++)
		r = sd_bus_message_append(m, "(st)", creation->new_disks[i].path,
					  creation->new_disks[i].size);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r < 0)
		return ctl_fail("%s", strerror(-r));
	ctl_watch_jobs(ctl);
	if (ctl_send(ctl, m, &reply) < 0)
		return EXIT_FAILURE;
	return ctl_finish_job(ctl, reply, creation->domain->name, "created");
}

static int run_create(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_domain_ struct domain *domain = NULL;
	struct creation creation = {0};
	struct vm_error err = {0};
	int option, status = EXIT_SUCCESS;

	if (argc < 2 || argv[1][0] == '-')
		return ctl_usage(argv[0]);
	creation.domain = domain = empty_domain(argv[1]);
	optind = 0;
	while (status == EXIT_SUCCESS &&
	       (option = ctl_next_option(argc, argv, create_options)) != -1)
		status = apply(&creation, option);
	if (status == EXIT_SUCCESS && optind + 1 != argc)
		return ctl_usage(argv[0]);
	/* Here, and not by the daemon, which would speak of lines of an XML that nobody wrote. */
	if (status == EXIT_SUCCESS && domain_check(domain, &err) < 0)
		return ctl_fail_as(err.code == VM_ERROR_INVALID_XML ? VM_ERROR_INVALID_ARGUMENT
								    : err.code,
				   "%s", err.text);
	return status == EXIT_SUCCESS ? send_creation(ctl, &creation) : status;
}

enum { DEFINE_CHANGE = 2 }; /* of DefineVM: the machine must be there */

/* ── XML ───────────────────────────────────────────────────────────────────────────────────── */

static int define_text(struct ctl *ctl, const char *source, const char *xml, uint32_t flags)
{
	return ctl_done_if(ctl_call(ctl, "DefineVM", NULL, "su", xml, flags), source, "defined");
}

static int run_define(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_free_ char *xml = NULL;

	if (!ctl_arguments(argc, argv, 1, 1) || !(xml = ctl_read_file(argv[1])))
		return EXIT_FAILURE;
	return define_text(ctl, argv[1], xml, 0);
}

static int run_check(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_free_ char *xml = NULL;
	const char *canonical;
	int r;

	if (!ctl_arguments(argc, argv, 1, 1) || !(xml = ctl_read_file(argv[1])) ||
	    ctl_call(ctl, "ValidateXML", &reply, "s", xml) < 0)
		return EXIT_FAILURE;
	r = sd_bus_message_read(reply, "s", &canonical);
	if (r < 0)
		return ctl_bad_reply(r);
	fputs(canonical, stdout);
	return EXIT_SUCCESS;
}

static char *current_xml(struct ctl *ctl, const char *name)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *xml;

	if (ctl_call(ctl, "GetVMXML", &reply, "s", name) < 0)
		return NULL;
	if (sd_bus_message_read(reply, "s", &xml) < 0) {
		ctl_bad_reply(-EBADMSG);
		return NULL;
	}
	return strdup(xml);
}

static int run_editor(const char *path)
{
	const char *editor = getenv("VISUAL") ? getenv("VISUAL") : getenv("EDITOR");
	const char *argv[] = {"sh", "-c", NULL, "sh", path, NULL};
	_cleanup_free_ char *command = NULL;
	int status = 0;
	pid_t pid;

	if (asprintf(&command, "%s \"$1\"", editor ? editor : "sensible-editor") < 0)
		return ctl_fail("Out of memory");
	argv[2] = command;
	pid = fork();
	if (pid == 0) {
		execvp("sh", (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		return ctl_fail("The editor failed; nothing was changed");
	return EXIT_SUCCESS;
}

/* Until the daemon takes it, or the text is left as it was. The file stays when it is not taken. */
static int edit_file(struct ctl *ctl, const char *name, const char *path, const char *before)
{
	for (;;) {
		_cleanup_free_ char *after = NULL;
		int answer;

		if (run_editor(path) != EXIT_SUCCESS || !(after = ctl_read_file(path)))
			return EXIT_FAILURE;
		if (strcmp(before, after) == 0) {
			printf("Nothing was changed.\n");
			return EXIT_SUCCESS;
		}
		if (define_text(ctl, name, after, DEFINE_CHANGE) == EXIT_SUCCESS)
			return EXIT_SUCCESS;
		if (!isatty(STDIN_FILENO))
			return ctl_fail("Your text is kept in %s", path);
		printf("Edit again? [Y/n] ");
		fflush(stdout);
		answer = getchar();
		if (answer == 'n' || answer == 'N' || answer == EOF)
			return ctl_fail("Your text is kept in %s", path);
	}
}

static int run_edit(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_free_ char *xml = NULL;
	char path[] = "/tmp/vmctl-XXXXXX.xml";
	_cleanup_close_ int fd = -1;
	int status;

	if (!ctl_arguments(argc, argv, 1, 1) || !(xml = current_xml(ctl, argv[1])))
		return EXIT_FAILURE;
	fd = mkstemps(path, 4);
	if (fd < 0 || fd_write_full(fd, xml, strlen(xml)) < 0)
		return ctl_fail("%s: %s", path, strerror(errno));
	status = edit_file(ctl, argv[1], path, xml);
	if (status == EXIT_SUCCESS)
		unlink(path);
	return status;
}

static int run_set(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	int r;

	if (argc < 3)
		return ctl_usage(argv[0]);
	m = ctl_message(ctl, "ConfigureVM");
	r = sd_bus_message_append(m, "s", argv[1]);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "{ss}");
	for (int i = 2; r >= 0 && i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (!equals)
			return ctl_fail("'%s' is not SETTING=VALUE", argv[i]);
		*equals = '\0';
		r = sd_bus_message_append(m, "{ss}", argv[i], equals + 1);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r < 0)
		return ctl_fail("%s", strerror(-r));
	return ctl_done_if(ctl_send(ctl, m, NULL), argv[1], "set");
}

/* ── diff ──────────────────────────────────────────────────────────────────────────────────── */

static int print_diff(struct ctl *ctl, sd_bus_message *reply)
{
	const char *key, *before, *after;
	int count = 0, r = sd_bus_message_enter_container(reply, 'a', "(sss)");
	struct json json;

	json_begin(&json, stdout);
	if (ctl->json)
		json_open(&json, NULL, '[');
	for (; r >= 0 && (r = sd_bus_message_read(reply, "(sss)", &key, &before, &after)) > 0;
	     count++) {
		if (!ctl->json) {
			char old[1024], new[1024];

			value_format_setting(key, before, old, sizeof(old));
			value_format_setting(key, after, new, sizeof(new));
			printf("%s: %s -> %s\n", key, *old ? old : "(none)", *new ? new : "(none)");
			continue;
		}
		json_open(&json, NULL, '{');
		json_string(&json, "key", key);
		json_string(&json, "before", before);
		json_string(&json, "after", after);
		json_close(&json, '}');
	}
	if (ctl->json) {
		json_close(&json, ']');
		json_end(&json);
	}
	/* As diff(1): 0 the same, 1 different, 2 trouble. */
	return r < 0 ? (ctl_bad_reply(r), 2) : count > 0;
}

static int run_diff(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_free_ char *xml = NULL;

	if (!ctl_arguments(argc, argv, 2, 2))
		return 2;
	/* Another machine by name, or a file. */
	xml = strchr(argv[2], '/') || strchr(argv[2], '.') || strcmp(argv[2], "-") == 0
		      ? ctl_read_file(argv[2])
		      : current_xml(ctl, argv[2]);
	if (!xml || ctl_call(ctl, "DiffVM", &reply, "ss", argv[1], xml) < 0)
		return 2;
	return print_diff(ctl, reply);
}

/* ── devices ───────────────────────────────────────────────────────────────────────────────── */

static int print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("<>&'\"", *text))
			fprintf(out, "&#%d;", *text);
		else
			fputc(*text, out);
	}
	return 0;
}

/* disk PATH TARGET | cdrom PATH TARGET | network NAME | bridge NAME, as XML; NULL: none of them. */
static char *device_xml(int argc, char **argv)
{
	bool drive = strcmp(argv[2], "disk") == 0 || strcmp(argv[2], "cdrom") == 0;
	bool card = strcmp(argv[2], "network") == 0 || strcmp(argv[2], "bridge") == 0;
	bool block = strncmp(argv[3], "/dev/", 5) == 0;
	char *xml = NULL;
	size_t size;
	FILE *out;

	if (!(drive && argc == 5) && !(card && argc == 4))
		return NULL;
	out = open_memstream(&xml, &size);
	CHECK(out);
	if (drive)
		fprintf(out, "<disk type='%s' device='%s'><source %s='", block ? "block" : "file",
			argv[2], block ? "dev" : "file");
	else
		fprintf(out, "<interface type='%s'><source %s='", argv[2], argv[2]);
	print_escaped(out, argv[3]);
	if (drive) {
		fprintf(out, "'/><target dev='");
		print_escaped(out, argv[4]);
		fprintf(out, "'/></disk>");
	} else {
		fprintf(out, "'/></interface>");
	}
	fclose(out);
	return xml;
}

static int run_attach(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_free_ char *xml = NULL;

	if (argc == 3)
		xml = ctl_read_file(argv[2]);
	else if (argc > 3 && !(xml = device_xml(argc, argv)))
		return ctl_usage(argv[0]);
	else if (argc < 3)
		return ctl_usage(argv[0]);
	if (!xml)
		return EXIT_FAILURE;
	return ctl_done_if(ctl_call(ctl, "AttachDevice", NULL, "ss", argv[1], xml), argv[1],
			   "attached");
}

static int run_detach(struct ctl *ctl, int argc, char **argv)
{
	if (!ctl_arguments(argc, argv, 2, 2))
		return EXIT_FAILURE;
	return ctl_done_if(ctl_call(ctl, "DetachDevice", NULL, "ss", argv[1], argv[2]), argv[1],
			   "%s detached", argv[2]);
}

const struct verb define_verbs[] = {
	{"create", "VM [OPTION]…", "make a machine, and disks for it",
	 "  --memory SIZE      (1G)\n"
	 "  --vcpus N          processors (1)\n"
	 "  --disk SIZE        a new disk file below /var/lib/keelson/disks\n"
	 "  --disk SIZE:PATH   a new disk file there\n"
	 "  --disk PATH        a file or block device that is there\n"
	 "  --bus ide|scsi     where the disks that follow are (ide). Guests need Linux's "
	 "hv_storvsc,\n"
	 "                     or another driver of Hyper-V's, for scsi; firmware starts from ide\n"
	 "  --cdrom PATH       a CD drive with this image; empty without a path (--cdrom '')\n"
	 "  --network NAME     a network card on this network\n"
	 "  --bridge NAME      a network card on this Linux bridge\n"
	 "  --kernel PATH, --initrd PATH, --cmdline TEXT\n"
	 "                     boot Linux directly\n"
	 "  --set SETTING=VALUE\n"
	 "                     as 'vmctl set'\n",
	 run_create, ""},
	{"define", "FILE", "define or change a machine by its XML",
	 "FILE may be -, standard input. A machine with the <uuid> of the XML is changed.\n"
	 "The XML is a subset of libvirt's domain XML; what is not supported is refused.\n",
	 run_define, "file"},
	{"check", "FILE", "check an XML and print it in canonical form", NULL, run_check, "file"},
	{"edit", "VM", "change a machine's XML in an editor", NULL, run_edit, "vm"},
	{"set", "VM SETTING=VALUE…", "change settings of a machine that is off",
	 "Settings: title, description, memory, vcpus, cpu-shares, cpu-period, cpu-quota,\n"
	 "io-weight, boot, kernel, initrd, cmdline, clock, on-poweroff, on-reboot, on-crash,\n"
	 "serials. An empty value takes an optional one away.\n",
	 run_set, "vm"},
	{"diff", "VM FILE|VM", "show what an XML, or another machine, has different",
	 "Exit status: 0 nothing, 1 something, 2 trouble. A file's name has a '.' or '/'.\n",
	 run_diff, "vm"},
	{"attach", "VM FILE | VM disk|cdrom PATH TARGET | VM network|bridge NAME",
	 "add a disk, CD or network card",
	 "FILE holds a <disk> or <interface>. TARGET is hda to hdd (IDE), or sda to sdd for\n"
	 "a SCSI disk. While the machine runs, only the CD of a drive can be changed.\n",
	 run_attach, "vm"},
	{"detach", "VM TARGET", "take a disk, CD or network card away",
	 "TARGET is hda to hdd, sda to sdd, or the MAC address of a network card.\n", run_detach,
	 "vm"},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
