/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the free texts of a configuration may hold, so that XML, D-Bus and the worker can carry them,
 * and the proof that what is about to be stored can be read again.
 */
#include "config/domain.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/domain_field.h"

/* `allowed`: of the control characters these; the rest has no business there. */
static int check_text(const struct domain *domain, const char *what, const char *text, size_t max,
		      const char *allowed, struct vm_error *err)
{
	if (!text)
		return 0;
	if (strlen(text) > max)
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: the %s has %zu bytes; at most %zu are possible",
				    domain->name, what, strlen(text), max);
	if (!text_is_safe(text, allowed))
		return vm_error_set(err, VM_ERROR_INVALID_XML,
				    "Machine %s: the %s has a %scontrol character in it, or is not "
				    "UTF-8",
				    domain->name, what, *allowed ? "" : "line end or another ");
	return 0;
}

int domain_check_texts(const struct domain *domain, struct vm_error *err)
{
	int r = check_text(domain, "title", domain->title, DOMAIN_MAX_TITLE, "", err);

	if (r == 0)
		r = check_text(domain, "description", domain->description, DOMAIN_MAX_DESCRIPTION,
			       "\n\t", err);
	if (r == 0)
		r = check_text(domain, "metadata", domain->metadata, DOMAIN_MAX_METADATA, "\n\t",
			       err);
	if (r == 0)
		r = check_text(domain, "command line", domain->cmdline, DOMAIN_MAX_CMDLINE, "",
			       err);
	if (r == 0)
		r = check_text(domain, "kernel's path", domain->kernel, DOMAIN_MAX_PATH, "", err);
	if (r == 0)
		r = check_text(domain, "initrd's path", domain->initrd, DOMAIN_MAX_PATH, "", err);
	for (size_t i = 0; r == 0 && i < domain->disk_count; i++)
		r = check_text(domain, "path of a disk", domain->disks[i].source, DOMAIN_MAX_PATH,
			       "", err);
	return r;
}

/* The first value that is not the same, in words; a configuration that is equal leaves `err` alone. */
static int compare(const struct domain *domain, const struct domain *again, struct vm_error *err)
{
	struct domain_differences changes = {0};
	int r = domain_diff(domain, again, &changes);

	if (r < 0)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (changes.count > 0)
		r = vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				 "Machine %s: %s '%.200s' would be read back as '%.200s', so "
				 "nothing was changed",
				 domain->name, changes.items[0].key, changes.items[0].before,
				 changes.items[0].after);
	domain_differences_free(&changes);
	return r;
}

int domain_read_back(const struct domain *domain, const char *xml, struct vm_error *err)
{
	_cleanup_free_ char *second = NULL;
	_cleanup_domain_ struct domain *again = NULL;
	struct vm_error why = {0};
	int r = domain_parse(xml, &again, &why);

	if (r < 0)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "Machine %s: this definition could not be read again, so "
				    "nothing was changed: %s",
				    domain->name, why.text);
	r = compare(domain, again, err);
	if (r < 0)
		return r;
	second = domain_print(again);
	if (!second)
		return vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");
	if (strcmp(xml, second) != 0)
		return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
				    "Machine %s: this definition would be read back as another, so "
				    "nothing was changed",
				    domain->name);
	return 0;
}

int domain_canonical(const struct domain *domain, char **ret_xml, struct vm_error *err)
{
	_cleanup_free_ char *xml = domain_print(domain);
	int r = xml ? domain_read_back(domain, xml, err)
		    : vm_error_set(err, VM_ERROR_NO_MEMORY, "Out of memory");

	if (r == 0)
		*ret_xml = TAKE_PTR(xml);
	return r;
}
