/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved state: one record per device, {name, version, fields}, each field {tag, element size,
 * length, bytes}. A saved state comes from a user: reading one trusts no length, no tag and no
 * value, and a device takes over a record wholly or not at all.
 *
 * A tag, once released, keeps its meaning; what a new version adds gets new tags.
 */
#ifndef BOARD_STATE_H
#define BOARD_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define VDEV_STATE_NAME_SIZE   24   /* with the terminating 0 */
#define VDEV_STATE_RECORDS_MAX 1024 /* more is refused: finding one is a linear search */
#define VDEV_STATE_FIELDS_MAX  1024 /* in a record, likewise */

/* ---- describing what a device saves ---- */

/* One member, or array of numbers, of a device's register struct. */
struct vdev_field {
	uint16_t tag;
	uint16_t element; /* bytes of one number: 1, 2, 4, 8 */
	uint32_t offset;
	uint32_t size;
	uint64_t max; /* a larger number in a saved state is refused */
};

/* clang-format off */
#define VDEV_FIELD_MAX_OF_(type)                                                                   \
	(__builtin_types_compatible_p(type, bool) ? 1 : UINT64_MAX)

/* Any value of its type (a bool: 0 and 1). */
#define VDEV_FIELD(tag_, type, member)                                                             \
	{.tag = (tag_), .element = sizeof(((type *)0)->member), .offset = offsetof(type, member),      \
	 .size = sizeof(((type *)0)->member),                                                          \
	 .max = VDEV_FIELD_MAX_OF_(__typeof__(((type *)0)->member))}
/* A number that is used as an index, an enum, a length: at most `max_`. */
#define VDEV_FIELD_MAX(tag_, type, member, max_)                                                   \
	{.tag = (tag_), .element = sizeof(((type *)0)->member), .offset = offsetof(type, member),      \
	 .size = sizeof(((type *)0)->member), .max = (max_)}
/* An array of numbers. */
#define VDEV_FIELD_ARRAY(tag_, type, member)                                                       \
	{.tag = (tag_), .element = sizeof(((type *)0)->member[0]), .offset = offsetof(type, member),   \
	 .size = sizeof(((type *)0)->member),                                                          \
	 .max = VDEV_FIELD_MAX_OF_(__typeof__(((type *)0)->member[0]))}
#define VDEV_FIELD_ARRAY_MAX(tag_, type, member, max_)                                             \
	{.tag = (tag_), .element = sizeof(((type *)0)->member[0]), .offset = offsetof(type, member),   \
	 .size = sizeof(((type *)0)->member), .max = (max_)}
/* clang-format on */

/* ---- writing ---- */

/* Errors stick: write everything, then ask vdev_state_writer_error() once. */
struct vdev_state_writer {
	uint8_t *data; /* the result, `size` bytes */
	size_t size;
	size_t space;
	size_t record; /* offset of the open record's header; SIZE_MAX: none */
	int error;     /* 0 or -errno */
};

void vdev_state_writer_init(struct vdev_state_writer *writer);
void vdev_state_writer_fini(struct vdev_state_writer *writer);
int must_check vdev_state_writer_error(const struct vdev_state_writer *writer);

/* A record's name is unique in the state and fits VDEV_STATE_NAME_SIZE. */
void vdev_state_begin(struct vdev_state_writer *writer, const char *name, uint16_t version);
void vdev_state_end(struct vdev_state_writer *writer);

/* Inside a record: one field of raw bytes; all members that `fields` describe. */
void vdev_state_put(struct vdev_state_writer *writer, uint16_t tag, const void *data, size_t size);
void vdev_state_put_u64(struct vdev_state_writer *writer, uint16_t tag, uint64_t value);
void vdev_state_put_fields(struct vdev_state_writer *writer, const struct vdev_field *fields,
			   size_t count, const void *object);

/* ---- reading ---- */

struct vdev_state_reader {
	const uint8_t *data;
	size_t size;
};

/* One record, inside the reader's data. */
struct vdev_state_record {
	uint16_t version;
	const uint8_t *data;
	size_t size;
};

/*
 * Checks the whole structure: -EBADMSG if any length leads outside, a name or a tag is there
 * twice, or there are too many. The data stays the caller's and must not change while it is read.
 */
int must_check vdev_state_reader_init(struct vdev_state_reader *reader, const void *data,
				      size_t size);

/* The record of that name. -ENOENT: there is none; -EPROTONOSUPPORT: its version is above `newest`. */
int must_check vdev_state_find(const struct vdev_state_reader *reader, const char *name,
			       uint16_t newest, struct vdev_state_record *ret_record);

/* The bytes of a field, of whatever length, or NULL. */
const void *vdev_state_bytes(const struct vdev_state_record *record, uint16_t tag,
			     size_t *ret_size);
/* A field of exactly these bytes. -EBADMSG: absent, or of another length. */
int must_check vdev_state_get(const struct vdev_state_record *record, uint16_t tag, void *data,
			      size_t size);
int must_check vdev_state_get_u64(const struct vdev_state_record *record, uint16_t tag,
				  uint64_t *ret_value);
/*
 * All of `fields` into `object`, or none: -EBADMSG if one is absent, has the wrong size, or holds a
 * number above its maximum. What depends on several members is for the device to check: read into a
 * copy, check, then assign.
 */
int must_check vdev_state_get_fields(const struct vdev_state_record *record,
				     const struct vdev_field *fields, size_t count, void *object);

#endif
