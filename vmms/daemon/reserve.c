/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of reservations.
 */
#include "daemon/reserve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

void disk_uses_free(struct disk_uses *uses)
{
	for (size_t i = 0; i < uses->count; i++) {
		free(uses->items[i].path);
		free(uses->items[i].user);
	}
	free(uses->items);
	*uses = (struct disk_uses){0};
}

static int add(struct disk_uses *uses, const char *path, const char *user, bool readonly)
{
	struct disk_use *items = realloc(uses->items, (uses->count + 1) * sizeof(*items));
	struct disk_use use = {strdup(path), strdup(user), readonly};

	if (items)
		uses->items = items;
	if (!items || !use.path || !use.user) {
		free(use.path);
		free(use.user);
		return -ENOMEM;
	}
	items[uses->count++] = use;
	return 0;
}

/* Disks, and what it boots from. */
static int add_files_of(struct disk_uses *uses, const struct domain *config, const char *user)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->disk_count; i++) {
		if (config->disks[i].source)
			r = add(uses, config->disks[i].source, user, config->disks[i].readonly);
	}
	if (r == 0 && config->kernel)
		r = add(uses, config->kernel, user, true);
	if (r == 0 && config->initrd)
		r = add(uses, config->initrd, user, true);
	return r;
}

struct reservation *reserve(struct manager *manager, const struct domain *config, uint32_t uid,
			    bool making, const char *doing)
{
	struct reservation *reservation = calloc(1, sizeof(*reservation));
	int r;

	if (!reservation)
		return NULL;
	reservation->manager = manager;
	reservation->next = manager->reservations;
	manager->reservations = reservation;
	if (asprintf(&reservation->user, "machine %s, which is just being %s", config->name,
		     doing) < 0) {
		reservation->user = NULL;
		return reservation_end(reservation);
	}
	r = add_files_of(&reservation->files, config, reservation->user);
	if (r == 0 && making) {
		reservation->uid = uid;
		memcpy(reservation->uuid, config->uuid, sizeof(reservation->uuid));
		reservation->name = strdup(config->name);
		r = reservation->name ? 0 : -ENOMEM;
	}
	return r == 0 ? reservation : reservation_end(reservation);
}

int reserve_file(struct reservation *reservation, const char *path)
{
	return add(&reservation->files, path, reservation->user, false);
}

struct reservation *reservation_end(struct reservation *reservation)
{
	struct reservation **at;

	if (!reservation)
		return NULL;
	for (at = &reservation->manager->reservations; *at != reservation; at = &(*at)->next)
		;
	*at = reservation->next;
	disk_uses_free(&reservation->files);
	free(reservation->name);
	free(reservation->user);
	free(reservation);
	return NULL;
}

bool reserved_uid(const struct manager *manager, uint32_t uid)
{
	for (const struct reservation *r = manager->reservations; r; r = r->next) {
		if (r->uid == uid)
			return true;
	}
	return false;
}

const struct reservation *reserved_name(const struct manager *manager, const char *name)
{
	for (const struct reservation *r = manager->reservations; r; r = r->next) {
		if (r->name && strcmp(r->name, name) == 0)
			return r;
	}
	return NULL;
}

const struct reservation *reserved_uuid(const struct manager *manager, const char *uuid)
{
	for (const struct reservation *r = manager->reservations; r; r = r->next) {
		if (r->name && strcasecmp(r->uuid, uuid) == 0)
			return r;
	}
	return NULL;
}

/* Of the entities those that stand for a character of ASCII; a path has no need of others. */
static size_t unescape_one(const char *text, char *ret)
{
	static const struct {
		const char *entity;
		char character;
	} named[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''},
	};
	unsigned int number;
	int length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		if (strncmp(text, named[i].entity, strlen(named[i].entity)) == 0) {
			*ret = named[i].character;
			return strlen(named[i].entity);
		}
	}
	if ((sscanf(text, "&#x%3x;%n", &number, &length) == 1 ||
	     sscanf(text, "&#%3u;%n", &number, &length) == 1) &&
	    length > 0 && number > 0 && number < 0x80) {
		*ret = (char)number;
		return (size_t)length;
	}
	*ret = *text;
	return 1;
}

/* The path at `text`, which is `length` long in XML. */
static int add_escaped(struct disk_uses *uses, const char *text, size_t length, const char *user)
{
	_cleanup_free_ char *escaped = strndup(text, length), *path = calloc(1, length + 1);
	size_t used = 0;

	if (!escaped || !path)
		return -ENOMEM;
	for (const char *at = escaped; *at; used++)
		at += unescape_one(at, &path[used]);
	return add(uses, path, user, false);
}

/*
 * A definition that cannot be read still names files: whatever in it is an absolute path in quotes, or
 * the text of an element, up to its end and, as that may be what is damaged, up to anything that looks
 * like one. One too many only keeps a file from being removed.
 */
static int add_paths_in_text(struct disk_uses *uses, const char *xml, const char *user)
{
	int r = 0;

	for (const char *at = strpbrk(xml, "'\">"); r == 0 && at; at = strpbrk(at + 1, "'\">")) {
		const char *path = at + 1 + strspn(at + 1, " \t\n");
		const char end[] = {*at == '>' ? '<' : *at, '\0'};
		size_t length = strcspn(path, end), shortest = strcspn(path, "'\"<>\n");

		if (*path != '/')
			continue;
		r = add_escaped(uses, path, length, user);
		if (r == 0 && shortest != length)
			r = add_escaped(uses, path, shortest, user);
	}
	return r;
}

static int add_machine(struct disk_uses *uses, const struct vm *vm)
{
	_cleanup_free_ char *user = NULL;

	if (asprintf(&user, "machine %s", vm->config->name) < 0) {
		user = NULL;
		return -ENOMEM;
	}
	if (vm->damage)
		return add_paths_in_text(uses, vm->xml, user);
	return add_files_of(uses, vm->config, user);
}

int disk_uses_of_others(const struct manager *manager, const struct vm *except,
			const struct reservation *own, struct disk_uses *ret)
{
	struct disk_uses uses = {0};
	int r = 0;

	for (const struct vm *vm = manager->vms; r == 0 && vm; vm = vm->next) {
		if (vm != except)
			r = add_machine(&uses, vm);
	}
	for (const struct reservation *o = manager->reservations; r == 0 && o; o = o->next) {
		for (size_t i = 0; r == 0 && o != own && i < o->files.count; i++)
			r = add(&uses, o->files.items[i].path, o->user, o->files.items[i].readonly);
	}
	if (r < 0) {
		disk_uses_free(&uses);
		return r;
	}
	*ret = uses;
	return 0;
}
