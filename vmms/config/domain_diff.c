/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes between two configurations, value by value.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/domain_field.h"

#define _cleanup_values_ _cleanup_(domain_values_free)

static const char *find_value(const struct domain_values *values, const char *key)
{
	for (size_t i = 0; i < values->count; i++) {
		if (strcmp(values->items[i].key, key) == 0)
			return values->items[i].value;
	}
	return NULL;
}

static int add(struct domain_differences *list, const char *key, const char *before,
	       const char *after)
{
	struct domain_difference *item = &list->items[list->count++];

	item->key = strdup(key);
	item->before = strdup(before);
	item->after = strdup(after);
	return item->key && item->before && item->after ? 0 : -ENOMEM;
}

static int compare(const struct domain_values *before, const struct domain_values *after,
		   struct domain_differences *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < before->count; i++) {
		const struct domain_value *item = &before->items[i];
		const char *now = find_value(after, item->key);

		if (!now || strcmp(now, item->value) != 0)
			r = add(list, item->key, item->value, now ? now : "");
	}
	for (size_t i = 0; r == 0 && i < after->count; i++) {
		if (!find_value(before, after->items[i].key))
			r = add(list, after->items[i].key, "", after->items[i].value);
	}
	return r;
}

int domain_diff(const struct domain *before, const struct domain *after,
		struct domain_differences *ret)
{
	_cleanup_values_ struct domain_values old = {0}, new = {0};
	struct domain_differences list = {0};
	int r;

	r = domain_values_get(before, &old);
	if (r == 0)
		r = domain_values_get(after, &new);
	if (r < 0)
		return r;
	list.items = calloc(old.count + new.count + 2, sizeof(list.items[0]));
	if (!list.items)
		return -ENOMEM;
	if (strcmp(before->name, after->name) != 0)
		r = add(&list, "name", before->name, after->name);
	if (r == 0 && strcmp(before->uuid, after->uuid) != 0)
		r = add(&list, "uuid", before->uuid, after->uuid);
	if (r == 0)
		r = compare(&old, &new, &list);
	if (r < 0) {
		domain_differences_free(&list);
		return r;
	}
	*ret = list;
	return 0;
}

void domain_differences_free(struct domain_differences *differences)
{
	for (size_t i = 0; i < differences->count; i++) {
		free(differences->items[i].key);
		free(differences->items[i].before);
		free(differences->items[i].after);
	}
	free(differences->items);
	*differences = (struct domain_differences){0};
}
