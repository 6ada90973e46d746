/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a tree that is supported and valid by the schema to a struct domain. Because of the two
 * checks before, only numbers, and what elements have to do with each other, can be wrong here.
 */
#include "config/domain.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/c14n.h>

#include "config/domain_xml.h"
#include "config/units.h"

static xmlNodePtr next_named(xmlNodePtr node, const char *name)
{
	for (; node; node = node->next) {
		if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0)
			return node;
	}
	return NULL;
}

/* The first child of that name; NULL for a NULL node too, so that look-ups chain. */
static xmlNodePtr child(xmlNodePtr node, const char *name)
{
	return node ? next_named(node->children, name) : NULL;
}

static char *attribute(xmlNodePtr node, const char *name)
{
	return node ? (char *)xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;
}

static char *text(xmlNodePtr node)
{
	return node ? (char *)xmlNodeGetContent(node) : NULL;
}

/* Text that means nothing when empty. */
static char *optional_text(xmlNodePtr node)
{
	char *value = text(node);

	if (value && !*value) {
		free(value);
		return NULL;
	}
	return value;
}

static bool attribute_is(xmlNodePtr node, const char *name, const char *expected)
{
	_cleanup_free_ char *value = attribute(node, name);

	return value && strcmp(value, expected) == 0;
}

static int out_of_memory(struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
}

static int parse_number(xmlNodePtr node, const char *value, uint64_t max, uint64_t *ret,
			struct vm_error *err)
{
	uint64_t number;

	errno = 0;
	number = strtoull(value, NULL, 10); /* the schema lets digits through alone */
	if (errno || number > max)
		return vm_error_set(
			err, VM_ERROR_INVALID_XML,
			"Line %ld: the number %s of <%s> is too large; at most %" PRIu64,
			xmlGetLineNo(node), value, node->name, max);
	*ret = number;
	return 0;
}

/* The number that a child element holds; *ret stays as it is when there is no such child. */
static int number_child(xmlNodePtr parent, const char *name, uint64_t max, uint64_t *ret,
			struct vm_error *err)
{
	xmlNodePtr node = child(parent, name);
	_cleanup_free_ char *value = text(node);

	if (!node)
		return 0;
	return value ? parse_number(node, value, max, ret, err) : out_of_memory(err);
}

static int unsigned_child(xmlNodePtr parent, const char *name, unsigned int *ret,
			  struct vm_error *err)
{
	uint64_t number = *ret;
	int r = number_child(parent, name, UINT_MAX, &number, err);

	if (r == 0)
		*ret = (unsigned int)number;
	return r;
}

static int memory_child(xmlNodePtr root, const char *name, uint64_t *ret_kib, struct vm_error *err)
{
	xmlNodePtr node = child(root, name);
	_cleanup_free_ char *value = text(node), *unit = attribute(node, "unit");
	uint64_t number = 0, bytes;
	int r;

	if (!node)
		return 0;
	if (!value)
		return out_of_memory(err);
	r = parse_number(node, value, UINT64_MAX, &number, err);
	if (r < 0)
		return r;
	if (!units_scale(number, unit ? unit : "KiB", &bytes))
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Line %ld: %s %s of <%s> is too large", xmlGetLineNo(node),
				    value, unit ? unit : "KiB", name);
	if (bytes % 1024 != 0)
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Line %ld: %s %s of <%s> is not whole KiB", xmlGetLineNo(node),
				    value, unit ? unit : "KiB", name);
	*ret_kib = bytes / 1024;
	return 0;
}

static int parse_memory(xmlNodePtr root, struct domain *domain, struct vm_error *err)
{
	uint64_t current = 0;
	int r = memory_child(root, "memory", &domain->memory_kib, err);

	if (r == 0)
		r = memory_child(root, "currentMemory", &current, err);
	if (r == 0 && current != 0 && current != domain->memory_kib)
		return vm_error_set(
			err, VM_ERROR_UNSUPPORTED_XML,
			"Line %ld: <currentMemory> other than <memory> is not supported",
			xmlGetLineNo(child(root, "currentMemory")));
	return r;
}

static int parse_tuning(xmlNodePtr root, struct domain *domain, struct vm_error *err)
{
	xmlNodePtr cputune = child(root, "cputune");
	int r = unsigned_child(root, "vcpu", &domain->vcpus, err);

	if (r == 0)
		r = unsigned_child(cputune, "shares", &domain->cpu_shares, err);
	if (r == 0)
		r = unsigned_child(cputune, "period", &domain->cpu_period, err);
	if (r == 0)
		r = number_child(cputune, "quota", UINT64_MAX, &domain->cpu_quota, err);
	if (r == 0)
		r = unsigned_child(child(root, "blkiotune"), "weight", &domain->io_weight, err);
	return r;
}

static int parse_boot(xmlNodePtr os, struct domain *domain, struct vm_error *err)
{
	int count = 0;

	for (xmlNodePtr node = child(os, "boot"); node; node = next_named(node->next, "boot")) {
		_cleanup_free_ char *dev = attribute(node, "dev");

		if (count == DOMAIN_MAX_BOOT)
			return vm_error_set(err, VM_ERROR_INVALID_XML,
					    "Line %ld: more than %d <boot> elements",
					    xmlGetLineNo(node), DOMAIN_MAX_BOOT);
		if (!dev)
			return out_of_memory(err);
		domain->boot[count++] = (enum domain_boot)domain_boot_parse(dev);
	}
	if (count == 0)
		domain->boot[0] = DOMAIN_BOOT_HD;
	domain->kernel = optional_text(child(os, "kernel"));
	domain->initrd = optional_text(child(os, "initrd"));
	domain->cmdline = optional_text(child(os, "cmdline"));
	return 0;
}

static void parse_action(xmlNodePtr root, const char *name, enum domain_action *action)
{
	_cleanup_free_ char *value = text(child(root, name));

	if (value)
		*action = (enum domain_action)domain_action_parse(value);
}

static int parse_disk(xmlNodePtr node, struct domain *domain, struct vm_error *err)
{
	xmlNodePtr source = child(node, "source");
	_cleanup_free_ char *target = attribute(child(node, "target"), "dev");
	_cleanup_free_ char *bus = attribute(child(node, "target"), "bus");
	struct domain_disk *disk = &domain->disks[domain->disk_count];

	if (!target)
		return out_of_memory(err);
	if (domain_disk_unit(target) < 0)
		return vm_error_set(
			err, VM_ERROR_UNSUPPORTED_XML,
			"Line %ld: disk target '%s' is not supported; it may be hda, hdb, "
			"hdc or hdd, or sda, sdb, sdc or sdd",
			xmlGetLineNo(node), target);
	if (bus && strcmp(bus, domain_disk_bus(target)) != 0)
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Line %ld: disk target '%s' is not on bus '%s': hda to hdd are "
				    "IDE, sda to sdd SCSI",
				    xmlGetLineNo(node), target, bus);
	if (domain->disk_count == DOMAIN_MAX_DISKS)
		return vm_error_set(err, VM_ERROR_DEVICE_EXISTS, "Line %ld: more than %d disks",
				    xmlGetLineNo(node), DOMAIN_MAX_DISKS);
	memset(disk, 0, sizeof(*disk));
	memcpy(disk->target, target, sizeof(disk->target));
	disk->row = (unsigned int)xmlGetLineNo(node);
	disk->block = attribute_is(node, "type", "block");
	disk->kind = attribute_is(node, "device", "cdrom") ? DOMAIN_DISK_CDROM : DOMAIN_DISK_DISK;
	disk->readonly = child(node, "readonly") || disk->kind == DOMAIN_DISK_CDROM;
	disk->format_unknown = !attribute_is(child(node, "driver"), "type", "raw");
	disk->source = attribute(source, disk->block ? "dev" : "file");
	disk->serial = optional_text(child(node, "serial"));
	domain->disk_count++;
	return 0;
}

static void parse_mac(const char *value, uint8_t mac[static 6])
{
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)strtoul(value + 3 * i, NULL, 16);
}

static int parse_interface(xmlNodePtr node, struct domain *domain, struct vm_error *err)
{
	struct domain_interface *card = &domain->interfaces[domain->interface_count];
	_cleanup_free_ char *mac = attribute(child(node, "mac"), "address");
	xmlNodePtr tag = child(child(node, "vlan"), "tag");
	_cleanup_free_ char *vlan = attribute(tag, "id");
	uint64_t number = 0;

	if (domain->interface_count == DOMAIN_MAX_INTERFACES)
		return vm_error_set(err, VM_ERROR_DEVICE_EXISTS,
				    "Line %ld: more than %d network cards", xmlGetLineNo(node),
				    DOMAIN_MAX_INTERFACES);
	if (vlan) {
		int r = parse_number(tag, vlan, 4094, &number, err);

		if (r < 0)
			return r;
	}
	memset(card, 0, sizeof(*card));
	card->bridge = attribute_is(node, "type", "bridge");
	card->link_down = attribute_is(child(node, "link"), "state", "down");
	card->vlan = (uint16_t)number;
	card->source = attribute(child(node, "source"), card->bridge ? "bridge" : "network");
	if (!card->source)
		return out_of_memory(err);
	if (mac)
		parse_mac(mac, card->mac);
	else
		domain_make_mac(card->mac);
	domain->interface_count++;
	return 0;
}

static int parse_serials(xmlNodePtr devices, struct domain *domain, struct vm_error *err)
{
	for (xmlNodePtr node = child(devices, "serial"); node;
	     node = next_named(node->next, "serial")) {
		_cleanup_free_ char *port = attribute(child(node, "target"), "port");

		if (domain->serial_count == DOMAIN_MAX_SERIALS)
			return vm_error_set(err, VM_ERROR_DEVICE_EXISTS,
					    "Line %ld: more than %d serial ports",
					    xmlGetLineNo(node), DOMAIN_MAX_SERIALS);
		if (port && (unsigned int)(port[0] - '0') != domain->serial_count)
			return vm_error_set(err, VM_ERROR_INVALID_XML,
					    "Line %ld: serial port %s comes where port %u must",
					    xmlGetLineNo(node), port, domain->serial_count);
		domain->serial_count++;
	}
	if (domain->serial_count == 0 && child(devices, "console"))
		domain->serial_count = 1;
	return 0;
}

static int compare_disks(const void *a, const void *b)
{
	return strcmp(((const struct domain_disk *)a)->target,
		      ((const struct domain_disk *)b)->target);
}

static void sort_disks(struct domain *domain)
{
	qsort(domain->disks, domain->disk_count, sizeof(domain->disks[0]), compare_disks);
}

static int parse_devices(xmlNodePtr devices, struct domain *domain, struct vm_error *err)
{
	int r = parse_serials(devices, domain, err);

	for (xmlNodePtr node = child(devices, "disk"); r == 0 && node;
	     node = next_named(node->next, "disk"))
		r = parse_disk(node, domain, err);
	for (xmlNodePtr node = child(devices, "interface"); r == 0 && node;
	     node = next_named(node->next, "interface"))
		r = parse_interface(node, domain, err);
	sort_disks(domain);
	return r;
}

static bool is_metadata(void *data, xmlNodePtr node, xmlNodePtr parent)
{
	for (xmlNodePtr at = node; at; at = at->parent) {
		if (at == data)
			return true;
	}
	return parent && is_metadata(data, parent, NULL);
}

static int c14n_filter(void *data, xmlNodePtr node, xmlNodePtr parent)
{
	return is_metadata(data, node->type == XML_NAMESPACE_DECL ? NULL : node, parent);
}

/* <metadata> belongs to other programs: kept as it is, in canonical form. */
static int parse_metadata(xmlNodePtr root, struct domain *domain, struct vm_error *err)
{
	xmlNodePtr node = child(root, "metadata");
	xmlOutputBufferPtr out;
	int r;

	if (!node || !node->children)
		return 0;
	out = xmlAllocOutputBuffer(NULL);
	if (!out)
		return out_of_memory(err);
	r = xmlC14NExecute(root->doc, c14n_filter, node, XML_C14N_EXCLUSIVE_1_0, NULL, 0, out);
	if (r >= 0)
		domain->metadata = strdup((const char *)xmlOutputBufferGetContent(out));
	xmlOutputBufferClose(out);
	if (!domain->metadata)
		return out_of_memory(err);
	if (strcmp(domain->metadata, "<metadata></metadata>") == 0) { /* a comment alone */
		free(domain->metadata);
		domain->metadata = NULL;
	}
	return 0;
}

static void parse_identity(xmlNodePtr root, struct domain *domain)
{
	_cleanup_free_ char *uuid = text(child(root, "uuid"));

	domain->name = text(child(root, "name"));
	domain->title = optional_text(child(root, "title"));
	domain->description = optional_text(child(root, "description"));
	if (uuid)
		for (size_t i = 0; i < 36; i++)
			domain->uuid[i] = (char)tolower((unsigned char)uuid[i]);
	else
		domain_make_uuid(domain->uuid);
}

static int parse_domain(xmlNodePtr root, struct domain *domain, struct vm_error *err)
{
	int r;

	parse_identity(root, domain);
	if (!domain->name)
		return out_of_memory(err);
	domain->vcpus = 1;
	domain->on_poweroff = DOMAIN_ACTION_DESTROY;
	domain->on_reboot = DOMAIN_ACTION_RESTART;
	domain->on_crash = DOMAIN_ACTION_DESTROY;
	parse_action(root, "on_poweroff", &domain->on_poweroff);
	parse_action(root, "on_reboot", &domain->on_reboot);
	parse_action(root, "on_crash", &domain->on_crash);
	domain->clock_localtime = attribute_is(child(root, "clock"), "offset", "localtime");
	r = parse_metadata(root, domain, err);
	if (r == 0)
		r = parse_memory(root, domain, err);
	if (r == 0)
		r = parse_tuning(root, domain, err);
	if (r == 0)
		r = parse_boot(child(root, "os"), domain, err);
	if (r == 0)
		r = parse_devices(child(root, "devices"), domain, err);
	return r == 0 ? domain_check(domain, err) : r;
}

static int read_checked(const char *xml, xmlDocPtr *ret, struct vm_error *err)
{
	_cleanup_xml_doc_ xmlDocPtr doc = NULL;
	int r;

	domain_xml_init();
	r = domain_xml_read(xml, &doc, err);
	if (r == 0)
		r = domain_xml_check_support(doc, err);
	if (r == 0)
		r = domain_xml_check_schema(doc, err);
	if (r == 0)
		*ret = TAKE_PTR(doc);
	return r;
}

static bool root_is(xmlDocPtr doc, const char *name)
{
	return strcmp((const char *)xmlDocGetRootElement(doc)->name, name) == 0;
}

int domain_parse(const char *xml, struct domain **ret, struct vm_error *err)
{
	_cleanup_domain_ struct domain *domain = calloc(1, sizeof(*domain));
	_cleanup_xml_doc_ xmlDocPtr doc = NULL;
	int r;

	if (!domain)
		return out_of_memory(err);
	r = read_checked(xml, &doc, err);
	if (r < 0)
		return r;
	if (!root_is(doc, "domain"))
		return vm_error_set(err, VM_ERROR_INVALID_XML, "The XML is a <%s>, not a <domain>",
				    xmlDocGetRootElement(doc)->name);
	r = parse_domain(xmlDocGetRootElement(doc), domain, err);
	if (r == 0)
		*ret = TAKE_PTR(domain);
	return r;
}

int domain_parse_device(const char *xml, struct domain **ret, struct vm_error *err)
{
	_cleanup_domain_ struct domain *device = calloc(1, sizeof(*device));
	_cleanup_xml_doc_ xmlDocPtr doc = NULL;
	int r;

	if (!device)
		return out_of_memory(err);
	r = read_checked(xml, &doc, err);
	if (r < 0)
		return r;
	if (root_is(doc, "disk"))
		r = parse_disk(xmlDocGetRootElement(doc), device, err);
	else if (root_is(doc, "interface"))
		r = parse_interface(xmlDocGetRootElement(doc), device, err);
	else
		r = vm_error_set(err, VM_ERROR_INVALID_XML,
				 "The XML is a <%s>, neither a <disk> nor an <interface>",
				 xmlDocGetRootElement(doc)->name);
	if (r == 0)
		*ret = TAKE_PTR(device);
	return r;
}

/* Moves the devices of `from`. */
static int move_devices(struct domain *to, struct domain *from, struct vm_error *err)
{
	if (to->disk_count + from->disk_count > DOMAIN_MAX_DISKS)
		return vm_error_set(err, VM_ERROR_DEVICE_EXISTS,
				    "Machine %s has %d disks already, and more are not possible",
				    to->name, DOMAIN_MAX_DISKS);
	if (to->interface_count + from->interface_count > DOMAIN_MAX_INTERFACES)
		return vm_error_set(err, VM_ERROR_DEVICE_EXISTS,
				    "Machine %s has %d network cards already, and more are not "
				    "possible",
				    to->name, DOMAIN_MAX_INTERFACES);
	for (size_t i = 0; i < from->disk_count; i++)
		to->disks[to->disk_count++] = from->disks[i];
	for (size_t i = 0; i < from->interface_count; i++)
		to->interfaces[to->interface_count++] = from->interfaces[i];
	from->disk_count = from->interface_count = 0;
	sort_disks(to);
	return 0;
}

int domain_add_device(struct domain *domain, const struct domain *device, struct vm_error *err)
{
	_cleanup_domain_ struct domain *changed = domain_copy(domain), *copy = domain_copy(device);
	struct domain swap;
	int r;

	if (!changed || !copy)
		return out_of_memory(err);
	r = move_devices(changed, copy, err);
	if (r == 0)
		r = domain_check(changed, err);
	if (r < 0)
		return r;
	swap = *domain;
	*domain = *changed;
	*changed = swap;
	return 0;
}
