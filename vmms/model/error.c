/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of errors.
 */
#include "model/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "base/text.h"

static const struct vm_error_info infos[VM_ERROR_COUNT] = {
	[VM_ERROR_NONE] = {"None", VIR_ERR_OK, 0, "no error"},
	[VM_ERROR_NO_SUCH_VM] = {"NoSuchVM", VIR_ERR_NO_DOMAIN, ENOENT,
				 "no machine has this name or UUID"},
	[VM_ERROR_VM_EXISTS] = {"VMExists", VIR_ERR_DOM_EXIST, EEXIST, "the name or UUID is taken"},
	[VM_ERROR_INVALID_STATE] = {"InvalidState", VIR_ERR_OPERATION_INVALID, EBADFD,
				    "not allowed in the machine's state"},
	[VM_ERROR_DAMAGED] = {"DefinitionDamaged", VIR_ERR_OPERATION_INVALID, EBADMSG,
			      "the machine's definition in the inventory cannot be read"},
	[VM_ERROR_BUSY] = {"Busy", VIR_ERR_RESOURCE_BUSY, EBUSY,
			   "a job is in the way; the message names it"},
	[VM_ERROR_ACCESS_DENIED] = {"AccessDenied", VIR_ERR_ACCESS_DENIED, EACCES,
				    "polkit does not allow it to this caller"},
	[VM_ERROR_AUTHORIZATION_UNAVAILABLE] =
		{"AuthorizationUnavailable", VIR_ERR_AUTH_UNAVAILABLE, EPERM,
		 "polkit cannot be asked, and the caller is not root"},
	[VM_ERROR_INVALID_XML] = {"InvalidXML", VIR_ERR_XML_ERROR, EBADMSG,
				  "not well-formed, or a value makes no sense"},
	[VM_ERROR_SCHEMA_VIOLATION] = {"SchemaViolation", VIR_ERR_XML_INVALID_SCHEMA, EBADMSG,
				       "known elements in a form that the schema does not allow"},
	[VM_ERROR_UNSUPPORTED_XML] = {"UnsupportedXML", VIR_ERR_CONFIG_UNSUPPORTED, EOPNOTSUPP,
				      "an element, attribute or value that is not supported"},
	[VM_ERROR_INVALID_ARGUMENT] = {"InvalidArgument", VIR_ERR_INVALID_ARG, EINVAL,
				       "an argument makes no sense"},
	[VM_ERROR_NOT_SUPPORTED] =
		{"NotSupported", VIR_ERR_OPERATION_UNSUPPORTED, EOPNOTSUPP,
		 "allowed in principle, but not possible for this device or file"},
	[VM_ERROR_NO_SUCH_JOB] = {"NoSuchJob", VIR_ERR_INVALID_ARG, ENOENT,
				  "no job has this number, or it is over"},
	[VM_ERROR_NO_SUCH_DEVICE] = {"NoSuchDevice", VIR_ERR_DEVICE_MISSING, ENODEV,
				     "the machine has no such device"},
	[VM_ERROR_DEVICE_EXISTS] = {"DeviceExists", VIR_ERR_OPERATION_FAILED, EEXIST,
				    "the place for the device is taken"},
	[VM_ERROR_FILE] = {"FileError", VIR_ERR_SYSTEM_ERROR, EIO,
			   "a file cannot be opened, read, written or removed"},
	[VM_ERROR_NO_MEMORY] = {"NoMemory", VIR_ERR_NO_MEMORY, ENOMEM,
				"the host has not enough memory"},
	[VM_ERROR_WORKER] = {"WorkerError", VIR_ERR_OPERATION_FAILED, EPROTO,
			     "the worker process cannot be started, or reports an error"},
	[VM_ERROR_CANCELED] = {"Canceled", VIR_ERR_OPERATION_ABORTED, ECANCELED,
			       "the job was canceled"},
	[VM_ERROR_TIMEOUT] = {"Timeout", VIR_ERR_OPERATION_TIMEOUT, ETIMEDOUT,
			      "it took longer than allowed"},
	[VM_ERROR_NO_SUCH_NETWORK] = {"NoSuchNetwork", VIR_ERR_NO_NETWORK, ENOENT,
				      "no network has this name"},
	[VM_ERROR_NETWORK_EXISTS] = {"NetworkExists", VIR_ERR_NETWORK_EXIST, EEXIST,
				     "the name or the address range is taken"},
	[VM_ERROR_NETWORK] = {"NetworkError", VIR_ERR_OPERATION_FAILED, EIO,
			      "a bridge, tap, rule or name server cannot be set up"},
	[VM_ERROR_STORE] = {"StoreError", VIR_ERR_SYSTEM_ERROR, EIO,
			    "the inventory cannot be read or written; nothing was changed"},
	[VM_ERROR_INTERNAL] = {"InternalError", VIR_ERR_INTERNAL_ERROR, EIO,
			       "a fault in the daemon"},
};

__attribute__((format(printf, 4, 0))) static int fill(struct vm_error *err, enum vm_error_code code,
						      int errnum, const char *format, va_list ap)
{
	if (err) {
		int length = vsnprintf(err->text, sizeof(err->text), format, ap);

		err->code = code;
		if (errnum > 0 && length >= 0 && (size_t)length < sizeof(err->text))
			snprintf(err->text + length, sizeof(err->text) - (size_t)length, ": %s",
				 strerror(errnum));
		/* It names files and repeats arguments, and goes to D-Bus and the inventory. */
		text_make_safe(err->text, err->text, sizeof(err->text), "\n");
	}
	return -infos[code].errnum;
}

int vm_error_set(struct vm_error *err, enum vm_error_code code, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = fill(err, code, 0, format, ap);
	va_end(ap);
	return r;
}

int vm_error_set_errno(struct vm_error *err, enum vm_error_code code, int errnum,
		       const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = fill(err, code, errnum, format, ap);
	va_end(ap);
	return r;
}

const struct vm_error_info *vm_error_info(enum vm_error_code code)
{
	return &infos[code];
}

enum vm_error_code vm_error_from_name(const char *dbus_name)
{
	if (strncmp(dbus_name, VM_ERROR_PREFIX, strlen(VM_ERROR_PREFIX)) != 0)
		return VM_ERROR_NONE;
	for (int i = VM_ERROR_NONE + 1; i < VM_ERROR_COUNT; i++) {
		if (strcmp(infos[i].name, dbus_name + strlen(VM_ERROR_PREFIX)) == 0)
			return (enum vm_error_code)i;
	}
	return VM_ERROR_NONE;
}
