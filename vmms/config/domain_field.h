/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration as a list of named values: what `vmctl set` changes, `vmctl diff` compares and
 * `vmctl show` prints.
 */
#ifndef VMMS_CONFIG_DOMAIN_FIELD_H
#define VMMS_CONFIG_DOMAIN_FIELD_H

#include "config/domain.h"

/*
 * Sets one value. An empty value takes an optional one away. On success the configuration has been
 * checked as a whole; on failure it may be changed in part: work on a copy.
 * InvalidArgument names the key and what it may be.
 */
int domain_field_set(struct domain *domain, const char *key, const char *value,
		     struct vm_error *err) __attribute__((warn_unused_result));

struct domain_value {
	char *key;   /* "memory", "disk.hda", "interface.52:4b:4c:01:02:03" */
	char *value; /* "" for what is not set */
};

struct domain_values {
	size_t count;
	struct domain_value *items; /* in the order of the XML */
};

/* Every value, devices included. -ENOMEM. */
int domain_values_get(const struct domain *domain, struct domain_values *ret)
	__attribute__((warn_unused_result));
void domain_values_free(struct domain_values *values);

struct domain_difference {
	char *key;
	char *before; /* "" when it was not there */
	char *after;
};

struct domain_differences {
	size_t count;
	struct domain_difference *items;
};

/* What changes from `before` to `after`. -ENOMEM. */
int domain_diff(const struct domain *before, const struct domain *after,
		struct domain_differences *ret) __attribute__((warn_unused_result));
void domain_differences_free(struct domain_differences *differences);

/* The keys that domain_field_set() takes, ended by NULL, for help texts and completion. */
const char *const *domain_field_keys(void);

#endif
