/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to tree, and the tree against the RELAX NG schema.
 */
#include "config/domain_xml.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/relaxng.h>

DEFINE_CLEANUP(xmlRelaxNGParserCtxtPtr, xmlRelaxNGFreeParserCtxt, cleanup_schema_parser);
DEFINE_CLEANUP(xmlRelaxNGValidCtxtPtr, xmlRelaxNGFreeValidCtxt, cleanup_validator);
DEFINE_CLEANUP(xmlParserCtxtPtr, xmlFreeParserCtxt, cleanup_parser);

static _Thread_local xmlRelaxNGPtr parsed;

/* What libxml2 says of a tree that does not match: the element it names first. */
struct complaint {
	long line;
	char element[64];
};

static void keep_first_element(void *data, xmlErrorPtr error)
{
	struct complaint *complaint = data;
	xmlNodePtr node = error->node;

	if (complaint->element[0] || !node || node->type != XML_ELEMENT_NODE)
		return;
	complaint->line = xmlGetLineNo(node);
	snprintf(complaint->element, sizeof(complaint->element), "%s", node->name);
}

static void drop(void *data, xmlErrorPtr error)
{
}

void domain_xml_forget_schema(void)
{
	xmlRelaxNGFree(parsed);
	parsed = NULL;
}

void domain_xml_init(void)
{
	xmlInitParser();
	/* Every message comes back in an error of ours; nothing goes to standard error. */
	xmlSetStructuredErrorFunc(NULL, drop);
}

int domain_xml_read(const char *xml, xmlDocPtr *ret, struct vm_error *err)
{
	_cleanup_(cleanup_parser) xmlParserCtxtPtr parser = xmlNewParserCtxt();
	_cleanup_xml_doc_ xmlDocPtr doc = NULL;
	int r;

	if (!parser)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	r = domain_xml_check_size(xml, err);
	if (r < 0)
		return r;
	/* UTF-8 whatever it says of itself: in another encoding it would not be what was measured. */
	doc = xmlCtxtReadMemory(parser, xml, (int)strlen(xml), NULL, "UTF-8",
				XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
					XML_PARSE_BIG_LINES);
	if (!doc) {
		xmlErrorPtr last = xmlCtxtGetLastError(parser);
		int line = last ? last->line : 0;
		const char *message = last && last->message ? last->message : "empty";

		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Line %d: the XML is not well-formed: %.*s", line,
				    (int)strcspn(message, "\n"), message);
	}
	if (doc->intSubset || doc->extSubset)
		return vm_error_set(err, VM_ERROR_UNSUPPORTED_XML,
				    "A document type (<!DOCTYPE>) is not supported");
	*ret = TAKE_PTR(doc);
	return 0;
}

/*
 * Parsed once by each thread and kept: the schema is part of the program, and nobody says that two
 * threads may use one at a time.
 */
static xmlRelaxNGPtr schema(void)
{
	_cleanup_(cleanup_schema_parser) xmlRelaxNGParserCtxtPtr parser = NULL;

	if (parsed)
		return parsed;
	parser = xmlRelaxNGNewMemParserCtxt(domain_rng_start,
					    (int)(domain_rng_end - domain_rng_start));
	CHECK(parser);
	parsed = xmlRelaxNGParse(parser);
	CHECK(parsed);
	return parsed;
}

static bool matches(xmlDocPtr doc, struct complaint *complaint)
{
	_cleanup_(cleanup_validator) xmlRelaxNGValidCtxtPtr validator =
		xmlRelaxNGNewValidCtxt(schema());

	if (!validator)
		return false;
	xmlRelaxNGSetValidStructuredErrors(validator, keep_first_element, complaint);
	return xmlRelaxNGValidateDoc(validator, doc) == 0;
}

static bool device_matches(xmlNodePtr device, struct complaint *complaint)
{
	_cleanup_xml_doc_ xmlDocPtr alone = xmlNewDoc(NULL);
	xmlNodePtr copy = alone ? xmlDocCopyNode(device, alone, 1) : NULL;

	if (!copy)
		return true;
	xmlDocSetRootElement(alone, copy);
	return matches(alone, complaint);
}

/*
 * Within an <interleave> libxml2 blames the outermost element. Disks and network cards are valid
 * alone too: looking at each by itself finds the one that is meant.
 */
static void look_into_devices(xmlDocPtr doc, struct complaint *complaint)
{
	for (xmlNodePtr at = xmlDocGetRootElement(doc)->children; at; at = at->next) {
		if (at->type != XML_ELEMENT_NODE || strcmp((const char *)at->name, "devices") != 0)
			continue;
		for (xmlNodePtr device = at->children; device; device = device->next) {
			struct complaint inner = {0};

			if (device->type != XML_ELEMENT_NODE ||
			    (strcmp((const char *)device->name, "disk") != 0 &&
			     strcmp((const char *)device->name, "interface") != 0))
				continue;
			if (!device_matches(device, &inner) && inner.element[0]) {
				*complaint = inner;
				return;
			}
		}
	}
}

int domain_xml_check_schema(xmlDocPtr doc, struct vm_error *err)
{
	struct complaint complaint = {0};

	if (matches(doc, &complaint))
		return 0;
	if (strcmp(complaint.element, "devices") == 0)
		look_into_devices(doc, &complaint);
	return vm_error_set(
		err, VM_ERROR_SCHEMA_VIOLATION,
		"Line %ld: element <%s> does not match the schema: a value in it is not "
		"valid, something in it is missing, or it is there twice",
		complaint.line, complaint.element);
}
