/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lifetime, look-up and consistency of struct domain.
 */
#include "config/domain.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"

static const char *const boot_names[DOMAIN_BOOT_COUNT] = {
	[DOMAIN_BOOT_NONE] = "none",
	[DOMAIN_BOOT_HD] = "hd",
	[DOMAIN_BOOT_CDROM] = "cdrom",
	[DOMAIN_BOOT_NETWORK] = "network",
};

static const char *const action_names[DOMAIN_ACTION_COUNT] = {
	[DOMAIN_ACTION_DESTROY] = "destroy",
	[DOMAIN_ACTION_RESTART] = "restart",
};

static const char *const disk_kind_names[DOMAIN_DISK_KIND_COUNT] = {
	[DOMAIN_DISK_DISK] = "disk",
	[DOMAIN_DISK_CDROM] = "cdrom",
};

const char *domain_boot_name(enum domain_boot boot)
{
	return boot_names[boot];
}

const char *domain_action_name(enum domain_action action)
{
	return action_names[action];
}

const char *domain_disk_kind_name(enum domain_disk_kind kind)
{
	return disk_kind_names[kind];
}

int domain_boot_parse(const char *name)
{
	for (int i = DOMAIN_BOOT_HD; i < DOMAIN_BOOT_COUNT; i++) {
		if (strcmp(boot_names[i], name) == 0)
			return i;
	}
	return -1;
}

int domain_action_parse(const char *name)
{
	for (int i = 0; i < DOMAIN_ACTION_COUNT; i++) {
		if (strcmp(action_names[i], name) == 0)
			return i;
	}
	return -1;
}

bool domain_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > DOMAIN_NAME_MAX || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("._+-", name[i]))
			return false;
	}
	return true;
}

bool domain_is_uuid(const char *text)
{
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return text[36] == '\0';
}

static void random_bytes(void *buffer, size_t size)
{
	/* Reads of up to 256 bytes neither fail nor come short once the pool is seeded. */
	while (getrandom(buffer, size, 0) != (ssize_t)size)
		;
}

void domain_make_uuid(char uuid[static 37])
{
	uint8_t b[16];

	random_bytes(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(uuid, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
}

void domain_uuid_bytes(const char *uuid, uint8_t bytes[static 16])
{
	for (int i = 0; i < 16; i++) {
		unsigned int byte = 0;

		uuid += *uuid == '-';
		if (sscanf(uuid, "%2x", &byte) == 1)
			bytes[i] = (uint8_t)byte;
		uuid += 2;
	}
}

void domain_make_mac(uint8_t mac[static 6])
{
	random_bytes(mac, 6);
	mac[0] = 0x52;
	mac[1] = 0x4b;
	mac[2] = 0x4c;
}

static void free_devices(struct domain *domain)
{
	for (size_t i = 0; i < domain->disk_count; i++) {
		free(domain->disks[i].source);
		free(domain->disks[i].serial);
	}
	for (size_t i = 0; i < domain->interface_count; i++)
		free(domain->interfaces[i].source);
}

struct domain *domain_free(struct domain *domain)
{
	if (!domain)
		return NULL;
	free_devices(domain);
	free(domain->name);
	free(domain->title);
	free(domain->description);
	free(domain->metadata);
	free(domain->kernel);
	free(domain->initrd);
	free(domain->cmdline);
	free(domain);
	return NULL;
}

/* Replaces the copied pointer by a string of its own; false when out of memory. */
static bool own(char **string)
{
	if (!*string)
		return true;
	*string = strdup(*string);
	return *string != NULL;
}

static bool own_all(struct domain *copy)
{
	bool ok = own(&copy->name);

	ok &= own(&copy->title);
	ok &= own(&copy->description);
	ok &= own(&copy->metadata);
	ok &= own(&copy->kernel);
	ok &= own(&copy->initrd);
	ok &= own(&copy->cmdline);
	for (size_t i = 0; i < copy->disk_count; i++) {
		ok &= own(&copy->disks[i].source);
		ok &= own(&copy->disks[i].serial);
	}
	for (size_t i = 0; i < copy->interface_count; i++)
		ok &= own(&copy->interfaces[i].source);
	return ok;
}

struct domain *domain_copy(const struct domain *domain)
{
	struct domain *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *domain;
	return own_all(copy) ? copy : domain_free(copy);
}

int domain_disk_unit(const char *target)
{
	bool scsi = target[0] == 's';

	if ((!scsi && target[0] != 'h') || target[1] != 'd' || target[2] < 'a' || target[2] > 'd' ||
	    target[3])
		return -1;
	return target[2] - 'a' + (scsi ? DOMAIN_IDE_UNITS : 0);
}

const char *domain_disk_bus(const char *target)
{
	return domain_disk_unit(target) < DOMAIN_IDE_UNITS ? "ide" : "scsi";
}

struct domain_disk *domain_find_disk(struct domain *domain, const char *target)
{
	for (size_t i = 0; i < domain->disk_count; i++) {
		if (strcmp(domain->disks[i].target, target) == 0)
			return &domain->disks[i];
	}
	return NULL;
}

static int remove_disk(struct domain *domain, size_t index)
{
	free(domain->disks[index].source);
	free(domain->disks[index].serial);
	domain->disk_count--;
	memmove(&domain->disks[index], &domain->disks[index + 1],
		(domain->disk_count - index) * sizeof(domain->disks[0]));
	return 0;
}

static int remove_interface(struct domain *domain, size_t index)
{
	free(domain->interfaces[index].source);
	domain->interface_count--;
	memmove(&domain->interfaces[index], &domain->interfaces[index + 1],
		(domain->interface_count - index) * sizeof(domain->interfaces[0]));
	return 0;
}

static void print_mac(char text[static 18], const uint8_t mac[static 6])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
}

int domain_remove_device(struct domain *domain, const char *target, struct vm_error *err)
{
	for (size_t i = 0; i < domain->disk_count; i++) {
		if (strcmp(domain->disks[i].target, target) == 0)
			return remove_disk(domain, i);
	}
	for (size_t i = 0; i < domain->interface_count; i++) {
		char mac[18];

		print_mac(mac, domain->interfaces[i].mac);
		if (strcasecmp(mac, target) == 0)
			return remove_interface(domain, i);
	}
	return vm_error_set(err, VM_ERROR_NO_SUCH_DEVICE,
			    "Machine %s has no device %s (give a disk as hda to hdd, a network "
			    "card by its MAC address)",
			    domain->name, target);
}

static int check_size(const struct domain *domain, struct vm_error *err)
{
	if (domain->memory_kib < DOMAIN_MIN_MEMORY_KIB ||
	    domain->memory_kib > DOMAIN_MAX_MEMORY_KIB)
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: memory of %" PRIu64
				    " KiB is outside 16 MiB to 1 TiB",
				    domain->name, domain->memory_kib);
	if (domain->memory_kib % 1024 != 0)
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: memory of %" PRIu64 " KiB is not whole MiB",
				    domain->name, domain->memory_kib);
	if (domain->vcpus < 1 || domain->vcpus > DOMAIN_MAX_VCPUS)
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: %u processors are outside 1 to %d", domain->name,
				    domain->vcpus, DOMAIN_MAX_VCPUS);
	return 0;
}

static int check_tuning(const struct domain *domain, struct vm_error *err)
{
	if (domain->cpu_shares && (domain->cpu_shares < 2 || domain->cpu_shares > 262144))
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: CPU shares of %u are outside 2 to 262144",
				    domain->name, domain->cpu_shares);
	if (domain->cpu_period && (domain->cpu_period < 1000 || domain->cpu_period > 1000000))
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: CPU period of %u µs is outside 1000 to 1000000",
				    domain->name, domain->cpu_period);
	if (domain->cpu_quota &&
	    (domain->cpu_quota < 1000 || domain->cpu_quota > DOMAIN_MAX_CPU_QUOTA))
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: CPU quota of %" PRIu64
				    " µs is outside 1000 to %" PRIu64,
				    domain->name, domain->cpu_quota, DOMAIN_MAX_CPU_QUOTA);
	if (domain->io_weight > 1000)
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: I/O weight of %u is outside 1 to 1000",
				    domain->name, domain->io_weight);
	return 0;
}

static bool paths_absolute(const struct domain *domain, const char **ret_bad)
{
	const char *paths[2 + DOMAIN_MAX_DISKS];
	size_t count = 0;

	paths[count++] = domain->kernel;
	paths[count++] = domain->initrd;
	for (size_t i = 0; i < domain->disk_count; i++)
		paths[count++] = domain->disks[i].source;
	for (size_t i = 0; i < count; i++) {
		if (paths[i] && paths[i][0] != '/') {
			*ret_bad = paths[i];
			return false;
		}
	}
	return true;
}

static int check_disk(const struct domain *domain, size_t index, struct vm_error *err)
{
	const struct domain_disk *disk = &domain->disks[index];

	if (domain_disk_unit(disk->target) < 0)
		return vm_error_set(err, VM_ERROR_UNSUPPORTED_XML,
				    "Machine %s: disk target %s is none of hda to hdd, sda to sdd",
				    domain->name, disk->target);
	if (disk->kind == DOMAIN_DISK_CDROM && domain_disk_unit(disk->target) >= DOMAIN_IDE_UNITS)
		return vm_error_set(err, VM_ERROR_UNSUPPORTED_XML,
				    "Machine %s: CD drive %s: CD drives are IDE drives, hda to hdd",
				    domain->name, disk->target);
	if (index > 0 && strcmp(domain->disks[index - 1].target, disk->target) == 0)
		return vm_error_set(err, VM_ERROR_DEVICE_EXISTS,
				    "Machine %s: two disks have the target %s", domain->name,
				    disk->target);
	if (disk->kind == DOMAIN_DISK_DISK && !disk->source)
		return vm_error_set(
			err, VM_ERROR_INVALID_XML,
			"Machine %s: disk %s has no source; only a CD drive may be empty",
			domain->name, disk->target);
	for (size_t i = 0; i < index; i++) {
		const struct domain_disk *other = &domain->disks[i];

		if (disk->source && other->source && strcmp(disk->source, other->source) == 0 &&
		    !(disk->readonly && other->readonly))
			return vm_error_set(
				err, VM_ERROR_DEVICE_EXISTS,
				"Machine %s: disks %s and %s share the file %s, and not "
				"both are read-only",
				domain->name, other->target, disk->target, disk->source);
	}
	return 0;
}

static int check_interfaces(const struct domain *domain, struct vm_error *err)
{
	for (size_t i = 0; i < domain->interface_count; i++) {
		const struct domain_interface *card = &domain->interfaces[i];
		char mac[18];

		print_mac(mac, card->mac);
		if (card->mac[0] & 1)
			return vm_error_set(err, VM_ERROR_INVALID_XML,
					    "Machine %s: MAC address %s is a multicast address",
					    domain->name, mac);
		if (card->vlan > 4094)
			return vm_error_set(err, VM_ERROR_INVALID_XML,
					    "Machine %s: VLAN %u is outside 1 to 4094",
					    domain->name, card->vlan);
		for (size_t j = 0; j < i; j++) {
			if (memcmp(card->mac, domain->interfaces[j].mac, 6) == 0)
				return vm_error_set(
					err, VM_ERROR_DEVICE_EXISTS,
					"Machine %s: two network cards have the MAC address %s",
					domain->name, mac);
		}
	}
	return 0;
}

/* The firmware knows IDE drives alone. A machine without any disk may get one later. */
static int check_firmware_boot(const struct domain *domain, struct vm_error *err)
{
	if (domain->kernel || !domain->disk_count)
		return 0;
	for (size_t i = 0; i < domain->disk_count; i++) {
		if (domain_disk_unit(domain->disks[i].target) < DOMAIN_IDE_UNITS)
			return 0;
	}
	return vm_error_set(err, VM_ERROR_INVALID_XML,
			    "Machine %s: its firmware cannot start from SCSI disks (%s); it needs "
			    "an IDE drive, hda to hdd, or a kernel",
			    domain->name, domain->disks[0].target);
}

static int check_boot(const struct domain *domain, struct vm_error *err)
{
	if (!domain->kernel && (domain->initrd || domain->cmdline))
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: <%s> needs a <kernel> beside it", domain->name,
				    domain->initrd ? "initrd" : "cmdline");
	for (int i = 0; i < DOMAIN_MAX_BOOT; i++) {
		for (int j = 0; j < i; j++) {
			if (domain->boot[i] && domain->boot[i] == domain->boot[j])
				return vm_error_set(err, VM_ERROR_INVALID_XML,
						    "Machine %s: boot device %s is given twice",
						    domain->name, boot_names[domain->boot[i]]);
		}
	}
	return check_firmware_boot(domain, err);
}

int domain_check(const struct domain *domain, struct vm_error *err)
{
	const char *bad;
	int r;

	if (!domain_name_valid(domain->name))
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "The name '%s' is not valid: up to %d letters, digits and "
				    "'._+-', a letter or digit first",
				    domain->name, DOMAIN_NAME_MAX);
	if (!paths_absolute(domain, &bad))
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: the path '%s' is not absolute", domain->name, bad);
	r = domain_check_texts(domain, err);
	if (r == 0)
		r = check_size(domain, err);
	if (r == 0)
		r = check_tuning(domain, err);
	for (size_t i = 0; r == 0 && i < domain->disk_count; i++)
		r = check_disk(domain, i, err);
	if (r == 0)
		r = check_interfaces(domain, err);
	return r == 0 ? check_boot(domain, err) : r;
}
