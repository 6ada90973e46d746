/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scalar values of a configuration by name: one table, each with how to set and how to show it.
 */
#include "config/domain_field.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "config/units.h"

enum field_type {
	FIELD_STRING,
	FIELD_UNSIGNED,
	FIELD_UINT64,
	FIELD_MEMORY, /* uint64_t KiB */
	FIELD_ACTION,
	FIELD_BOOT,
	FIELD_CLOCK,
};

static const struct field {
	const char *key;
	enum field_type type;
	size_t offset;
} fields[] = {
	{"title", FIELD_STRING, offsetof(struct domain, title)},
	{"description", FIELD_STRING, offsetof(struct domain, description)},
	{"memory", FIELD_MEMORY, offsetof(struct domain, memory_kib)},
	{"vcpus", FIELD_UNSIGNED, offsetof(struct domain, vcpus)},
	{"cpu-shares", FIELD_UNSIGNED, offsetof(struct domain, cpu_shares)},
	{"cpu-period", FIELD_UNSIGNED, offsetof(struct domain, cpu_period)},
	{"cpu-quota", FIELD_UINT64, offsetof(struct domain, cpu_quota)},
	{"io-weight", FIELD_UNSIGNED, offsetof(struct domain, io_weight)},
	{"boot", FIELD_BOOT, offsetof(struct domain, boot)},
	{"kernel", FIELD_STRING, offsetof(struct domain, kernel)},
	{"initrd", FIELD_STRING, offsetof(struct domain, initrd)},
	{"cmdline", FIELD_STRING, offsetof(struct domain, cmdline)},
	{"clock", FIELD_CLOCK, offsetof(struct domain, clock_localtime)},
	{"on-poweroff", FIELD_ACTION, offsetof(struct domain, on_poweroff)},
	{"on-reboot", FIELD_ACTION, offsetof(struct domain, on_reboot)},
	{"on-crash", FIELD_ACTION, offsetof(struct domain, on_crash)},
	{"serials", FIELD_UNSIGNED, offsetof(struct domain, serial_count)},
};

const char *const *domain_field_keys(void)
{
	static const char *keys[ARRAY_SIZE(fields) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		keys[i] = fields[i].key;
	return keys;
}

static int bad_value(const struct field *field, const char *value, const char *expected,
		     struct vm_error *err)
{
	return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
			    "The value '%s' of %s is not valid; it must be %s", value, field->key,
			    expected);
}

static int set_string(char **where, const char *value)
{
	char *copy = *value ? strdup(value) : NULL;

	if (*value && !copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

static int set_number(const struct field *field, const char *value, uint64_t max, uint64_t *ret,
		      struct vm_error *err)
{
	char *end;

	errno = 0;
	*ret = strtoull(value, &end, 10);
	if (errno || *end || *value == '-' || *value == '+' || *value == ' ' || *ret > max)
		return bad_value(field, value, "a number", err);
	return 0;
}

static int set_memory(const struct field *field, uint64_t *where, const char *value,
		      struct vm_error *err)
{
	uint64_t bytes;

	if (!units_parse_size(value, &bytes) || bytes % 1024 != 0)
		return bad_value(field, value, "a size like 512M or 2G", err);
	*where = bytes / 1024;
	return 0;
}

static int set_boot(const struct field *field, enum domain_boot *boot, const char *value,
		    struct vm_error *err)
{
	enum domain_boot parsed[DOMAIN_MAX_BOOT] = {DOMAIN_BOOT_NONE};
	_cleanup_free_ char *list = strdup(value);
	char *save = NULL;
	int count = 0;

	if (!list)
		return -ENOMEM;
	for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		int device = domain_boot_parse(word);

		if (device < 0 || count == DOMAIN_MAX_BOOT)
			return bad_value(field, value, "a list of hd, cdrom, network", err);
		parsed[count++] = (enum domain_boot)device;
	}
	if (count == 0)
		return bad_value(field, value, "a list of hd, cdrom, network", err);
	memcpy(boot, parsed, sizeof(parsed));
	return 0;
}

static int set_field(struct domain *domain, const struct field *field, const char *value,
		     struct vm_error *err)
{
	void *where = (char *)domain + field->offset;
	uint64_t number = 0;
	int r = 0;

	switch (field->type) {
	case FIELD_STRING:
		return set_string(where, value);
	case FIELD_UNSIGNED:
		r = set_number(field, value, UINT32_MAX, &number, err);
		if (r == 0)
			*(unsigned int *)where = (unsigned int)number;
		return r;
	case FIELD_UINT64:
		return set_number(field, value, UINT64_MAX, where, err);
	case FIELD_MEMORY:
		return set_memory(field, where, value, err);
	case FIELD_ACTION:
		r = domain_action_parse(value);
		if (r < 0)
			return bad_value(field, value, "destroy or restart", err);
		*(enum domain_action *)where = (enum domain_action)r;
		return 0;
	case FIELD_BOOT:
		return set_boot(field, where, value, err);
	case FIELD_CLOCK:
		if (strcmp(value, "utc") != 0 && strcmp(value, "localtime") != 0)
			return bad_value(field, value, "utc or localtime", err);
		*(bool *)where = strcmp(value, "localtime") == 0;
		return 0;
	}
	return r;
}

static int unknown_key(const char *key, struct vm_error *err)
{
	char list[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
					   i ? ", " : "", fields[i].key);
	return vm_error_set(err, VM_ERROR_INVALID_ARGUMENT,
			    "There is no setting '%s'; there are %s", key, list);
}

/* Nobody who sets a value wrote any XML. */
static int check_change(const struct domain *domain, struct vm_error *err)
{
	struct vm_error why = {0};

	if (domain_check(domain, &why) == 0)
		return 0;
	return vm_error_set(err,
			    why.code == VM_ERROR_INVALID_XML ? VM_ERROR_INVALID_ARGUMENT : why.code,
			    "%s", why.text);
}

int domain_field_set(struct domain *domain, const char *key, const char *value,
		     struct vm_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		int r;

		if (strcmp(fields[i].key, key) != 0)
			continue;
		r = set_field(domain, &fields[i], value, err);
		if (r == 0 && domain->serial_count > DOMAIN_MAX_SERIALS)
			return bad_value(&fields[i], value, "0, 1 or 2", err);
		return r == 0 ? check_change(domain, err) : r;
	}
	return unknown_key(key, err);
}

static void show_boot(FILE *out, const enum domain_boot *boot)
{
	for (int i = 0; i < DOMAIN_MAX_BOOT && boot[i]; i++)
		fprintf(out, "%s%s", i ? "," : "", domain_boot_name(boot[i]));
}

static void show_field(FILE *out, const struct domain *domain, const struct field *field)
{
	const void *where = (const char *)domain + field->offset;
	const char *string;

	switch (field->type) {
	case FIELD_STRING:
		string = *(char *const *)where;
		fputs(string ? string : "", out);
		break;
	case FIELD_UNSIGNED:
		fprintf(out, "%u", *(const unsigned int *)where);
		break;
	case FIELD_UINT64:
		fprintf(out, "%" PRIu64, *(const uint64_t *)where);
		break;
	case FIELD_MEMORY:
		fprintf(out, "%" PRIu64 "KiB", *(const uint64_t *)where);
		break;
	case FIELD_ACTION:
		fputs(domain_action_name(*(const enum domain_action *)where), out);
		break;
	case FIELD_BOOT:
		show_boot(out, where);
		break;
	case FIELD_CLOCK:
		fputs(*(const bool *)where ? "localtime" : "utc", out);
		break;
	}
}

static void show_disk(FILE *out, const struct domain_disk *disk)
{
	fprintf(out, "%s %s %s", domain_disk_kind_name(disk->kind), disk->block ? "block" : "file",
		disk->source ? disk->source : "(empty)");
	if (disk->readonly)
		fprintf(out, " read-only");
	if (disk->serial)
		fprintf(out, " serial=%s", disk->serial);
}

static void show_interface(FILE *out, const struct domain_interface *card)
{
	fprintf(out, "%s %s", card->bridge ? "bridge" : "network", card->source);
	if (card->vlan)
		fprintf(out, " vlan=%u", card->vlan);
	if (card->link_down)
		fprintf(out, " link=down");
}

/* One item being written: its value goes to `out`, add_end() takes it. */
struct adding {
	struct domain_values *values;
	FILE *out;
	char *text;
	size_t size;
	bool failed;
};

static FILE *add_begin(struct adding *adding)
{
	adding->text = NULL;
	adding->out = open_memstream(&adding->text, &adding->size);
	return adding->out;
}

__attribute__((format(printf, 2, 3))) static void add_end(struct adding *adding, const char *format,
							  ...)
{
	struct domain_value *item = &adding->values->items[adding->values->count];
	va_list ap;

	if (fclose(adding->out) != 0) {
		free(adding->text);
		adding->failed = true;
		return;
	}
	item->value = adding->text;
	va_start(ap, format);
	if (vasprintf(&item->key, format, ap) < 0) {
		item->key = NULL;
		adding->failed = true;
	}
	va_end(ap);
	adding->values->count++;
}

static void add_all(struct adding *adding, const struct domain *domain)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields) && add_begin(adding); i++) {
		show_field(adding->out, domain, &fields[i]);
		add_end(adding, "%s", fields[i].key);
	}
	for (size_t i = 0; i < domain->disk_count && add_begin(adding); i++) {
		show_disk(adding->out, &domain->disks[i]);
		add_end(adding, "disk.%s", domain->disks[i].target);
	}
	for (size_t i = 0; i < domain->interface_count && add_begin(adding); i++) {
		const uint8_t *mac = domain->interfaces[i].mac;

		show_interface(adding->out, &domain->interfaces[i]);
		add_end(adding, "interface.%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
			mac[3], mac[4], mac[5]);
	}
	if (domain->metadata && add_begin(adding)) {
		fputs(domain->metadata, adding->out);
		add_end(adding, "metadata");
	}
}

int domain_values_get(const struct domain *domain, struct domain_values *ret)
{
	struct domain_values values = {0};
	struct adding adding = {.values = &values};
	size_t expected = ARRAY_SIZE(fields) + domain->disk_count + domain->interface_count +
			  (domain->metadata != NULL);

	values.items = calloc(expected, sizeof(values.items[0]));
	if (!values.items)
		return -ENOMEM;
	add_all(&adding, domain);
	if (adding.failed || values.count != expected) {
		domain_values_free(&values);
		return -ENOMEM;
	}
	*ret = values;
	return 0;
}

void domain_values_free(struct domain_values *values)
{
	for (size_t i = 0; i < values->count; i++) {
		free(values->items[i].key);
		free(values->items[i].value);
	}
	free(values->items);
	*values = (struct domain_values){0};
}
