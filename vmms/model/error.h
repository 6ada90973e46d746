/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors that reach a person: a code, its D-Bus name, the libvirt number it corresponds to, an
 * errno, and one sentence that names the machine, the operation, what is in the way and what to
 * do about it.
 *
 * A function that can fail for a person's reasons takes a struct vm_error, fills it with
 * vm_error_set() and returns the negative errno that this gives back.
 */
#ifndef VMMS_MODEL_ERROR_H
#define VMMS_MODEL_ERROR_H

#include <stddef.h>

enum vm_error_code {
	VM_ERROR_NONE,
	VM_ERROR_NO_SUCH_VM,
	VM_ERROR_VM_EXISTS,
	VM_ERROR_INVALID_STATE,
	VM_ERROR_DAMAGED,
	VM_ERROR_BUSY,
	VM_ERROR_ACCESS_DENIED,
	VM_ERROR_AUTHORIZATION_UNAVAILABLE,
	VM_ERROR_INVALID_XML,
	VM_ERROR_SCHEMA_VIOLATION,
	VM_ERROR_UNSUPPORTED_XML,
	VM_ERROR_INVALID_ARGUMENT,
	VM_ERROR_NOT_SUPPORTED,
	VM_ERROR_NO_SUCH_JOB,
	VM_ERROR_NO_SUCH_DEVICE,
	VM_ERROR_DEVICE_EXISTS,
	VM_ERROR_FILE,
	VM_ERROR_NO_MEMORY,
	VM_ERROR_WORKER,
	VM_ERROR_CANCELED,
	VM_ERROR_TIMEOUT,
	VM_ERROR_NO_SUCH_NETWORK,
	VM_ERROR_NETWORK_EXISTS,
	VM_ERROR_NETWORK,
	VM_ERROR_STORE,
	VM_ERROR_INTERNAL,
	VM_ERROR_COUNT,
};

struct vm_error {
	enum vm_error_code code;
	char text[1024];
};

struct vm_error_info {
	const char *name;    /* without the prefix VM_ERROR_PREFIX */
	int libvirt;         /* virErrorNumber */
	int errnum;          /* positive */
	const char *meaning; /* for the documentation */
};

#define VM_ERROR_PREFIX "org.keelson.vmms1."

/* Fills *err, which may be NULL, and returns the negative errno of `code`. */
int vm_error_set(struct vm_error *err, enum vm_error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As vm_error_set(), with ": " and the message of the errno behind the text. */
int vm_error_set_errno(struct vm_error *err, enum vm_error_code code, int errnum,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));

const struct vm_error_info *vm_error_info(enum vm_error_code code);

/* The code of a full D-Bus error name; VM_ERROR_NONE when it is none of ours. */
enum vm_error_code vm_error_from_name(const char *dbus_name);

#endif
