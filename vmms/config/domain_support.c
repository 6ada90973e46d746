/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of libvirt's domain XML is supported. The schema says the same and more, but its errors
 * do not tell an unsupported element from a misplaced one; this walk does, with name and line.
 */
#include "config/domain_xml.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#define SIZE_UNITS "unit=b|bytes|KB|k|KiB|MB|M|MiB|GB|G|GiB|TB|T|TiB"

const struct domain_xml_element domain_xml_elements[] = {
	{"domain", "type=keelson", NULL},
	{"domain/name", "", NULL},
	{"domain/uuid", "", NULL},
	{"domain/title", "", NULL},
	{"domain/description", "", NULL},
	{"domain/metadata", "", NULL},
	{"domain/memory", SIZE_UNITS, NULL},
	{"domain/currentMemory", SIZE_UNITS, NULL},
	{"domain/vcpu", "placement=static", NULL},
	{"domain/cputune", "", NULL},
	{"domain/cputune/shares", "", NULL},
	{"domain/cputune/period", "", NULL},
	{"domain/cputune/quota", "", NULL},
	{"domain/blkiotune", "", NULL},
	{"domain/blkiotune/weight", "", NULL},
	{"domain/os", "", NULL},
	{"domain/os/type", "arch=x86_64 machine=i440bx", "hvm"},
	{"domain/os/boot", "dev=hd|cdrom|network", NULL},
	{"domain/os/kernel", "", NULL},
	{"domain/os/initrd", "", NULL},
	{"domain/os/cmdline", "", NULL},
	{"domain/features", "", NULL},
	{"domain/features/acpi", "", NULL},
	{"domain/features/apic", "", NULL},
	{"domain/features/pae", "", NULL},
	{"domain/cpu", "mode=host-passthrough", NULL},
	{"domain/clock", "offset=utc|localtime", NULL},
	{"domain/on_poweroff", "", "destroy|restart"},
	{"domain/on_reboot", "", "destroy|restart"},
	{"domain/on_crash", "", "destroy|restart"},
	{"domain/devices", "", NULL},
	{"domain/devices/disk", "type=file|block device=disk|cdrom", NULL},
	{"domain/devices/disk/driver", "type=raw", NULL},
	{"domain/devices/disk/source", "file dev", NULL},
	{"domain/devices/disk/target", "dev bus=ide|scsi", NULL},
	{"domain/devices/disk/readonly", "", NULL},
	{"domain/devices/disk/serial", "", NULL},
	{"domain/devices/interface", "type=network|bridge", NULL},
	{"domain/devices/interface/mac", "address", NULL},
	{"domain/devices/interface/source", "network bridge", NULL},
	{"domain/devices/interface/model", "type=netvsc", NULL},
	{"domain/devices/interface/link", "state=up|down", NULL},
	{"domain/devices/interface/vlan", "", NULL},
	{"domain/devices/interface/vlan/tag", "id", NULL},
	{"domain/devices/serial", "type=pty", NULL},
	{"domain/devices/serial/target", "type=isa-serial port", NULL},
	{"domain/devices/serial/target/model", "name=isa-serial", NULL},
	{"domain/devices/console", "type=pty", NULL},
	{"domain/devices/console/target", "type=serial port", NULL},
};

const size_t domain_xml_element_count = ARRAY_SIZE(domain_xml_elements);

static const struct domain_xml_element *find_element(const char *path)
{
	for (size_t i = 0; i < domain_xml_element_count; i++) {
		if (strcmp(domain_xml_elements[i].path, path) == 0)
			return &domain_xml_elements[i];
	}
	return NULL;
}

/* Is `word` one of the words of `list`, which are separated by `separator`? */
static bool in_list(const char *list, char separator, const char *word, size_t length)
{
	for (const char *item = list; item && *item;) {
		const char *end = strchrnul(item, separator);

		if ((size_t)(end - item) == length && strncmp(item, word, length) == 0)
			return true;
		item = *end ? end + 1 : end;
	}
	return false;
}

/* The entry "name" or "name=values" of a row's attributes; *ret_values is NULL for the former. */
static bool find_attribute(const char *attributes, const char *name, const char **ret_values,
			   size_t *ret_length)
{
	size_t length = strlen(name);

	for (const char *item = attributes; *item;) {
		const char *end = strchrnul(item, ' ');

		if (strncmp(item, name, length) == 0 &&
		    (item + length == end || item[length] == '=')) {
			*ret_values = item[length] == '=' ? item + length + 1 : NULL;
			*ret_length = *ret_values ? (size_t)(end - *ret_values) : 0;
			return true;
		}
		item = *end ? end + 1 : end;
	}
	return false;
}

static bool value_in(const char *values, size_t length, const char *value)
{
	char list[128];

	snprintf(list, sizeof(list), "%.*s", (int)length, values);
	return in_list(list, '|', value, strlen(value));
}

static int check_attribute(const struct domain_xml_element *element, xmlNodePtr node,
			   xmlAttrPtr attribute, struct vm_error *err)
{
	const char *name = (const char *)attribute->name;
	_cleanup_free_ char *value = NULL;
	const char *values;
	size_t length;

	if (attribute->ns || !find_attribute(element->attributes, name, &values, &length))
		return vm_error_set(err, VM_ERROR_UNSUPPORTED_XML,
				    "Line %ld: attribute '%s' of element <%s> is not supported",
				    xmlGetLineNo(node), name, node->name);
	value = (char *)xmlNodeListGetString(node->doc, attribute->children, 1);
	if (values && !value_in(values, length, value ? value : ""))
		return vm_error_set(err, VM_ERROR_UNSUPPORTED_XML,
				    "Line %ld: value '%s' of attribute '%s' of element <%s> is not "
				    "supported; it may be %.*s",
				    xmlGetLineNo(node), value ? value : "", name, node->name,
				    (int)length, values);
	return 0;
}

static int check_text(const struct domain_xml_element *element, xmlNodePtr node,
		      struct vm_error *err)
{
	_cleanup_free_ char *text = NULL;

	if (!element->values)
		return 0;
	text = (char *)xmlNodeGetContent(node);
	if (value_in(element->values, strlen(element->values), text ? text : ""))
		return 0;
	return vm_error_set(err, VM_ERROR_UNSUPPORTED_XML,
			    "Line %ld: value '%s' of element <%s> is not supported; it may be %s",
			    xmlGetLineNo(node), text ? text : "", node->name, element->values);
}

static int check_children(xmlNodePtr node, const char *path, struct vm_error *err);

static int check_node(xmlNodePtr node, const char *parent, struct vm_error *err)
{
	const struct domain_xml_element *element;
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%s%s%s", parent, *parent ? "/" : "", node->name);
	element = node->ns ? NULL : find_element(path);
	if (!element)
		return vm_error_set(
			err, VM_ERROR_UNSUPPORTED_XML,
			"Line %ld: element <%s%s%s> is not supported%s%s%s", xmlGetLineNo(node),
			node->ns && node->ns->prefix ? (const char *)node->ns->prefix : "",
			node->ns && node->ns->prefix ? ":" : "", node->name, *parent ? " in <" : "",
			*parent ? (const char *)node->parent->name : "", *parent ? ">" : " here");
	for (xmlAttrPtr attribute = node->properties; attribute; attribute = attribute->next) {
		r = check_attribute(element, node, attribute, err);
		if (r < 0)
			return r;
	}
	r = check_text(element, node, err);
	if (r < 0 || strcmp(path, "domain/metadata") == 0)
		return r;
	return check_children(node, path, err);
}

static int check_children(xmlNodePtr node, const char *path, struct vm_error *err)
{
	for (xmlNodePtr child = node->children; child; child = child->next) {
		int r;

		if (child->type != XML_ELEMENT_NODE)
			continue;
		r = check_node(child, path, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int domain_xml_check_support(xmlDocPtr doc, struct vm_error *err)
{
	xmlNodePtr root = xmlDocGetRootElement(doc);
	const char *name = (const char *)root->name;

	/* A device may stand alone, for AttachDevice. */
	if (strcmp(name, "disk") == 0 || strcmp(name, "interface") == 0)
		return check_node(root, "domain/devices", err);
	return check_node(root, "", err);
}
