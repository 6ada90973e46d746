/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of one virtual machine, as the supported subset of libvirt's domain XML says
 * it (doc/domain-xml.md; the schema is domain.rng).
 *
 * A struct domain is always complete and consistent: domain_parse() returns no other, and the
 * functions that change one keep it so or fail without a change. Strings are never NULL unless
 * marked so.
 */
#ifndef VMMS_CONFIG_DOMAIN_H
#define VMMS_CONFIG_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/error.h"

enum {
	DOMAIN_NAME_MAX = 64, /* bytes, without the terminating zero */
	DOMAIN_MAX_VCPUS = 64,
	DOMAIN_IDE_UNITS = 4, /* two channels, two units each */
	DOMAIN_MAX_DISKS = 8, /* those, and as many SCSI disks */
	DOMAIN_MAX_INTERFACES = 8,
	DOMAIN_MAX_SERIALS = 2,
	DOMAIN_MAX_BOOT = 3,
	DOMAIN_MIN_MEMORY_KIB = 16 * 1024,
	/* Bytes. Escaped, all of them together stay below the limit on the XML. */
	DOMAIN_MAX_TITLE = 1024,
	DOMAIN_MAX_DESCRIPTION = 64 * 1024,
	DOMAIN_MAX_METADATA = 256 * 1024,
	DOMAIN_MAX_CMDLINE = 4095, /* what the worker's protocol carries */
	DOMAIN_MAX_PATH = 4095,
};

/* Microseconds; libvirt's limit. */
#define DOMAIN_MAX_CPU_QUOTA  UINT64_C(17592186044415)

/* One TiB: the size of the hypervisor's map of a child. */
#define DOMAIN_MAX_MEMORY_KIB (UINT64_C(1) << 30)

enum domain_boot {
	DOMAIN_BOOT_NONE,
	DOMAIN_BOOT_HD,
	DOMAIN_BOOT_CDROM,
	DOMAIN_BOOT_NETWORK,
	DOMAIN_BOOT_COUNT,
};

/* on_poweroff, on_reboot, on_crash */
enum domain_action {
	DOMAIN_ACTION_DESTROY,
	DOMAIN_ACTION_RESTART,
	DOMAIN_ACTION_COUNT,
};

enum domain_disk_kind {
	DOMAIN_DISK_DISK,
	DOMAIN_DISK_CDROM,
	DOMAIN_DISK_KIND_COUNT,
};

struct domain_disk {
	enum domain_disk_kind kind;
	bool block;          /* a block device rather than a file */
	bool readonly;       /* always for a CD */
	bool format_unknown; /* its XML does not say raw; not printed as such but by a draft */
	char target[4];      /* hda … hdd: IDE channel and unit; sda … sdd: SCSI unit */
	char *source;        /* absolute path; NULL only for an empty CD drive */
	char *serial;        /* NULL: none given */
	unsigned int row;    /* line in the XML that was parsed; not part of the configuration */
};

struct domain_interface {
	bool bridge; /* source names a Linux bridge rather than a network of ours */
	bool link_down;
	uint16_t vlan; /* 0: none */
	uint8_t mac[6];
	char *source;
};

struct domain {
	char *name;
	char uuid[37];     /* lower case, with dashes */
	char *title;       /* NULL: none */
	char *description; /* NULL: none */
	char *metadata;    /* canonical XML of the whole <metadata> element; NULL: none */

	uint64_t memory_kib;
	unsigned int vcpus;

	unsigned int cpu_shares; /* 0: not set; cgroup v1 scale, 1024 is normal */
	unsigned int cpu_period; /* microseconds; 0: not set */
	uint64_t cpu_quota;      /* microseconds per period; 0: not set */
	unsigned int io_weight;  /* 0: not set; 100 is normal */

	enum domain_boot boot[DOMAIN_MAX_BOOT];
	char *kernel;  /* direct Linux boot; NULL: by firmware */
	char *initrd;  /* NULL: none; only with kernel */
	char *cmdline; /* NULL: none; only with kernel */

	bool clock_localtime;
	enum domain_action on_poweroff, on_reboot, on_crash;

	size_t disk_count;
	struct domain_disk disks[DOMAIN_MAX_DISKS]; /* sorted by target */
	size_t interface_count;
	struct domain_interface interfaces[DOMAIN_MAX_INTERFACES];
	unsigned int serial_count;
};

/*
 * Parses `xml`. What is not supported is refused with UnsupportedXML naming element and line,
 * what is malformed with InvalidXML or SchemaViolation and the line. A missing UUID or MAC address
 * is made up. -ENOMEM may come without a text in *err.
 */
int domain_parse(const char *xml, struct domain **ret, struct vm_error *err)
	__attribute__((warn_unused_result));

/*
 * A single <disk> or <interface> element, as AttachDevice takes it: a domain that has nothing else, not
 * even a name.
 */
int domain_parse_device(const char *xml, struct domain **ret, struct vm_error *err)
	__attribute__((warn_unused_result));
/* Adds a copy of it to *domain, which stays as it was when this fails. */
int domain_add_device(struct domain *domain, const struct domain *device, struct vm_error *err)
	__attribute__((warn_unused_result));

/* `target` is hda … hdd or a MAC address. NoSuchDevice when there is none. */
int domain_remove_device(struct domain *domain, const char *target, struct vm_error *err)
	__attribute__((warn_unused_result));

/* The canonical XML: equal configurations give equal text, and it parses to the same again. */
char *domain_print(const struct domain *domain);

/*
 * The form in which a configuration is stored: the canonical XML, after it has been parsed again and
 * compared with *domain. Fails rather than give out XML that could not be read, or means something
 * else. free() it.
 */
int domain_canonical(const struct domain *domain, char **ret_xml, struct vm_error *err)
	__attribute__((warn_unused_result));

/* The check alone: is `xml`, which is domain_print() of *domain, read back as the same? */
int domain_read_back(const struct domain *domain, const char *xml, struct vm_error *err)
	__attribute__((warn_unused_result));

/* As domain_print(), but of a disk of unknown format no format is said: for the daemon to find out. */
char *domain_print_draft(const struct domain *domain);

/* A deep copy; NULL when out of memory. */
struct domain *domain_copy(const struct domain *domain);

struct domain *domain_free(struct domain *domain);

static inline void domain_freep(struct domain **domain)
{
	domain_free(*domain);
}
#define _cleanup_domain_ __attribute__((cleanup(domain_freep)))

struct domain_disk *domain_find_disk(struct domain *domain, const char *target);

/* 0 … 3 for hda … hdd, 4 … 7 for sda … sdd, -1 for anything else. */
int domain_disk_unit(const char *target);
/* "ide" or "scsi"; of nothing else than a target. */
const char *domain_disk_bus(const char *target);

/* Checks what a schema cannot: ranges, doubles, what needs what. */
int domain_check(const struct domain *domain, struct vm_error *err)
	__attribute__((warn_unused_result));

/* The part of domain_check() about free texts: their length, UTF-8, control characters. */
int domain_check_texts(const struct domain *domain, struct vm_error *err)
	__attribute__((warn_unused_result));

/* True when `name` may be the name of a machine or network: letters, digits and "._+-". */
bool domain_name_valid(const char *name);

/* Thirty-two hexadecimal digits with dashes where a UUID has them: no name, as it would hide one. */
bool domain_is_uuid(const char *text);

/* Makes up a random (version 4) UUID, or a locally administered MAC address; a UUID's bytes. */
void domain_make_uuid(char uuid[static 37]);
void domain_uuid_bytes(const char *uuid, uint8_t bytes[static 16]);
void domain_make_mac(uint8_t mac[static 6]);

const char *domain_boot_name(enum domain_boot boot);
const char *domain_action_name(enum domain_action action);
const char *domain_disk_kind_name(enum domain_disk_kind kind);
int domain_boot_parse(const char *name);   /* -1: none of them */
int domain_action_parse(const char *name); /* -1: none of them */

#endif
