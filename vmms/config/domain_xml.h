/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of parsing, for the files of this folder and their tests: text to tree, the check
 * that everything in the tree is supported, the check against the schema.
 */
#ifndef VMMS_CONFIG_DOMAIN_XML_H
#define VMMS_CONFIG_DOMAIN_XML_H

#include <libxml/tree.h>

#include "base/cleanup.h"
#include "model/error.h"

DEFINE_CLEANUP(xmlDocPtr, xmlFreeDoc, cleanup_xml_doc);
#define _cleanup_xml_doc_ _cleanup_(cleanup_xml_doc)

/* Call before the first use; any number of times. */
void domain_xml_init(void);

/* At the end of a thread that has read XML. */
void domain_xml_forget_schema(void);

/* Refuses XML that is larger, or has more in it, than a machine can need. */
int must_check domain_xml_check_size(const char *xml, struct vm_error *err);

/* Well-formed XML that domain_xml_check_size() lets pass. No entity or URL is followed. */
int domain_xml_read(const char *xml, xmlDocPtr *ret, struct vm_error *err);

/* Refuses the first element, attribute or value that is not in the supported subset. */
int domain_xml_check_support(xmlDocPtr doc, struct vm_error *err);

/* Validates against domain.rng. */
int domain_xml_check_schema(xmlDocPtr doc, struct vm_error *err);

/*
 * The supported subset, one row per element, for the test that compares it with the schema.
 * `attributes`: "name=value|value name"; `values` likewise for the text of the element.
 */
struct domain_xml_element {
	const char *path; /* below the root, as "domain/os/type" */
	const char *attributes;
	const char *values; /* NULL: any */
};

extern const struct domain_xml_element domain_xml_elements[];
extern const size_t domain_xml_element_count;

/* The schema itself, not zero-terminated. */
extern const char domain_rng_start[], domain_rng_end[];

#endif
