/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How large XML may be. Everybody on the host may have XML checked, and there are parts of libxml2
 * whose time grows with the square of what they get: attributes of one element, names in scope,
 * alternatives of the schema. So the text is measured before a tree is made of it, in one pass.
 *
 * What is counted is at least what libxml2 will see: whatever begins with '<', and each '=' in a tag
 * outside of its values. Text that is not well-formed may count for more.
 */
#include "config/domain_xml.h"

#include <string.h>

enum {
	MAX_SIZE = 1 << 20,
	MAX_MARKUP = 4096, /* elements, comments and so on */
	MAX_DEPTH = 64,
	MAX_ATTRIBUTES = 64, /* of one element */
	MAX_ALL_ATTRIBUTES = 8192,
};

struct measure {
	const char *at;
	unsigned int markup, depth, attributes;
};

static int too_much(const char *what, unsigned int limit, struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_INVALID_XML, "The XML has more than %u %s", limit, what);
}

static void skip_past(struct measure *measure, const char *end)
{
	const char *found = strstr(measure->at, end);

	measure->at = found ? found + strlen(end) : measure->at + strlen(measure->at);
}

/* From behind the '<' to behind the '>'. */
static int measure_tag(struct measure *measure, struct vm_error *err)
{
	unsigned int attributes = 0;
	const char *at = measure->at;

	for (; *at && *at != '>'; at++) {
		attributes += *at == '=';
		if (*at == '"' || *at == '\'') {
			const char *end = strchr(at + 1, *at);

			at = end ? end : at + strlen(at) - 1;
		}
	}
	if (*at == '>' && at[-1] != '/')
		measure->depth++;
	measure->at = *at ? at + 1 : at;
	measure->attributes += attributes;
	if (attributes > MAX_ATTRIBUTES)
		return too_much("attributes in one element", MAX_ATTRIBUTES, err);
	if (measure->attributes > MAX_ALL_ATTRIBUTES)
		return too_much("attributes", MAX_ALL_ATTRIBUTES, err);
	return measure->depth > MAX_DEPTH ? too_much("elements within each other", MAX_DEPTH, err)
					  : 0;
}

static bool begins(const struct measure *measure, const char *with)
{
	return strncmp(measure->at, with, strlen(with)) == 0;
}

/* Behind a '<'. */
static int measure_markup(struct measure *measure, struct vm_error *err)
{
	if (++measure->markup > MAX_MARKUP)
		return too_much("elements", MAX_MARKUP, err);
	if (begins(measure, "!--")) {
		measure->at += 3;
		skip_past(measure, "-->");
	} else if (begins(measure, "![CDATA[")) {
		skip_past(measure, "]]>");
	} else if (begins(measure, "!")) {
		/* With it would come entities, each of which can stand for any amount of text. */
		return vm_error_set(err, VM_ERROR_UNSUPPORTED_XML,
				    "A document type (<!DOCTYPE>) is not supported");
	} else if (begins(measure, "?")) {
		skip_past(measure, "?>");
	} else if (begins(measure, "/")) {
		measure->depth -= measure->depth > 0;
		skip_past(measure, ">");
	} else {
		return measure_tag(measure, err);
	}
	return 0;
}

int domain_xml_check_size(const char *xml, struct vm_error *err)
{
	struct measure measure = {.at = xml};
	int r = 0;

	if (strlen(xml) > MAX_SIZE)
		return vm_error_set(err, VM_ERROR_INVALID_XML, "The XML is longer than %d bytes",
				    MAX_SIZE);
	while (r == 0 && (measure.at = strchr(measure.at, '<'))) {
		measure.at++;
		r = measure_markup(&measure, err);
	}
	return r;
}
