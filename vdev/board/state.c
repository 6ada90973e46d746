/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The format of saved state, little-endian, no padding:
 *
 *   record: name[24] (0-padded) · version u16 · 0 u16 · length u32 · fields of that length together
 *   field:  tag u16 · element u16 (bytes of one number; 1 for raw bytes) · length u32 · bytes
 *
 * Reading walks by lengths only after vdev_state_reader_init() has walked them all once.
 */
#include "board/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define RECORD_HEADER  32u
#define RECORD_VERSION 24u
#define RECORD_LENGTH  28u
#define FIELD_HEADER   8u
#define NO_RECORD      SIZE_MAX

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "numbers are copied as they lie in memory");

/* ---- writing ---- */

void vdev_state_writer_init(struct vdev_state_writer *w)
{
	*w = (struct vdev_state_writer){.record = NO_RECORD};
}

void vdev_state_writer_fini(struct vdev_state_writer *w)
{
	free(w->data);
	vdev_state_writer_init(w);
}

int vdev_state_writer_error(const struct vdev_state_writer *w)
{
	return w->error;
}

/* Room for `size` more zeroed bytes, or NULL and a sticking error. */
static uint8_t *append(struct vdev_state_writer *w, size_t size)
{
	size_t space = MAX(w->space, 1024);
	uint8_t *grown;

	if (w->error)
		return NULL;
	while (space - w->size < size)
		space *= 2;
	if (space > w->space) {
		grown = realloc(w->data, space);
		if (!grown) {
			w->error = -ENOMEM;
			return NULL;
		}
		w->data = grown;
		w->space = space;
	}
	memset(w->data + w->size, 0, size);
	w->size += size;
	return w->data + w->size - size;
}

void vdev_state_begin(struct vdev_state_writer *w, const char *name, uint16_t version)
{
	uint8_t *header;

	CHECK(w->record == NO_RECORD && strlen(name) < VDEV_STATE_NAME_SIZE);
	w->record = w->size;
	header = append(w, RECORD_HEADER);
	if (!header)
		return;
	memcpy(header, name, strlen(name));
	bytes_put_le16(header + RECORD_VERSION, version);
}

void vdev_state_end(struct vdev_state_writer *w)
{
	size_t length = w->size - w->record - RECORD_HEADER;

	CHECK(w->record != NO_RECORD);
	if (!w->error && length > UINT32_MAX)
		w->error = -EFBIG;
	if (!w->error)
		bytes_put_le32(w->data + w->record + RECORD_LENGTH, (uint32_t)length);
	w->record = NO_RECORD;
}

static void put(struct vdev_state_writer *w, uint16_t tag, uint16_t element, const void *data,
		size_t size)
{
	uint8_t *field;

	CHECK(w->record != NO_RECORD);
	if (!w->error && size > UINT32_MAX)
		w->error = -EFBIG;
	field = append(w, FIELD_HEADER + size);
	if (!field)
		return;
	bytes_put_le16(field, tag);
	bytes_put_le16(field + 2, element);
	bytes_put_le32(field + 4, (uint32_t)size);
	if (size)
		memcpy(field + FIELD_HEADER, data, size);
}

void vdev_state_put(struct vdev_state_writer *w, uint16_t tag, const void *data, size_t size)
{
	put(w, tag, 1, data, size);
}

void vdev_state_put_u64(struct vdev_state_writer *w, uint16_t tag, uint64_t value)
{
	put(w, tag, sizeof(value), &value, sizeof(value));
}

void vdev_state_put_fields(struct vdev_state_writer *w, const struct vdev_field *fields,
			   size_t count, const void *object)
{
	for (size_t i = 0; i < count; i++)
		put(w, fields[i].tag, fields[i].element, (const char *)object + fields[i].offset,
		    fields[i].size);
}

/* ---- reading ---- */

/* Length of the field at `data`, header included; 0 if it does not fit in `size`. */
static size_t field_length(const uint8_t *data, size_t size)
{
	size_t length;

	if (size < FIELD_HEADER)
		return 0;
	length = bytes_get_le32(data + 4);
	return length > size - FIELD_HEADER ? 0 : FIELD_HEADER + length;
}

static size_t record_length(const uint8_t *data, size_t size)
{
	size_t length;

	if (size < RECORD_HEADER)
		return 0;
	length = bytes_get_le32(data + RECORD_LENGTH);
	return length > size - RECORD_HEADER ? 0 : RECORD_HEADER + length;
}

/* The field with this tag among checked fields, or NULL. */
static const uint8_t *find_field(const uint8_t *data, size_t size, uint16_t tag)
{
	size_t step;

	for (size_t at = 0; at < size; at += step) {
		step = field_length(data + at, size - at);
		if (bytes_get_le16(data + at) == tag)
			return data + at;
	}
	return NULL;
}

static const uint8_t *find_record(const uint8_t *data, size_t size, const char *name)
{
	size_t step;

	for (size_t at = 0; at < size; at += step) {
		step = record_length(data + at, size - at);
		if (strcmp((const char *)data + at, name) == 0)
			return data + at;
	}
	return NULL;
}

/* Each field fits, and no tag comes twice. */
static bool fields_valid(const uint8_t *data, size_t size)
{
	uint8_t seen[(UINT16_MAX + 1) / 8] = {0};
	size_t step, count = 0;

	for (size_t at = 0; at < size; at += step) {
		uint16_t tag;

		step = field_length(data + at, size - at);
		if (step == 0 || ++count > VDEV_STATE_FIELDS_MAX)
			return false;
		tag = bytes_get_le16(data + at);
		if (seen[tag / 8] & BIT(tag % 8))
			return false;
		seen[tag / 8] |= (uint8_t)BIT(tag % 8);
	}
	return true;
}

static bool record_valid(const uint8_t *record, size_t length)
{
	return memchr(record, 0, VDEV_STATE_NAME_SIZE) && record[0] != 0 &&
	       fields_valid(record + RECORD_HEADER, length - RECORD_HEADER);
}

int vdev_state_reader_init(struct vdev_state_reader *reader, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	size_t step, count = 0;

	for (size_t at = 0; at < size; at += step) {
		step = record_length(bytes + at, size - at);
		if (step == 0 || ++count > VDEV_STATE_RECORDS_MAX ||
		    !record_valid(bytes + at, step))
			return -EBADMSG;
		if (find_record(bytes, at, (const char *)bytes + at))
			return -EBADMSG;
	}
	*reader = (struct vdev_state_reader){.data = bytes, .size = size};
	return 0;
}

int vdev_state_find(const struct vdev_state_reader *reader, const char *name, uint16_t newest,
		    struct vdev_state_record *ret_record)
{
	const uint8_t *record = find_record(reader->data, reader->size, name);
	uint16_t version;

	if (!record)
		return -ENOENT;
	version = bytes_get_le16(record + RECORD_VERSION);
	if (version > newest)
		return -EPROTONOSUPPORT;
	*ret_record = (struct vdev_state_record){
		.version = version,
		.data = record + RECORD_HEADER,
		.size = bytes_get_le32(record + RECORD_LENGTH),
	};
	return 0;
}

const void *vdev_state_bytes(const struct vdev_state_record *record, uint16_t tag, size_t *ret_size)
{
	const uint8_t *field = find_field(record->data, record->size, tag);

	if (!field)
		return NULL;
	*ret_size = bytes_get_le32(field + 4);
	return field + FIELD_HEADER;
}

int vdev_state_get(const struct vdev_state_record *record, uint16_t tag, void *data, size_t size)
{
	size_t length;
	const void *bytes = vdev_state_bytes(record, tag, &length);

	if (!bytes || length != size)
		return -EBADMSG;
	memcpy(data, bytes, size);
	return 0;
}

int vdev_state_get_u64(const struct vdev_state_record *record, uint16_t tag, uint64_t *ret_value)
{
	return vdev_state_get(record, tag, ret_value, sizeof(*ret_value));
}

static uint64_t number_at(const uint8_t *data, unsigned int element)
{
	uint64_t value = 0;

	memcpy(&value, data, element);
	return value;
}

/*
 * As find_field(), but from the field at `*cursor` on and then from the beginning; leaves the cursor
 * behind what it found. Fields are mostly read in the order in which they were put.
 */
static const uint8_t *find_next(const struct vdev_state_record *record, uint16_t tag,
				size_t *cursor)
{
	const uint8_t *field = find_field(record->data + *cursor, record->size - *cursor, tag);

	if (!field)
		field = find_field(record->data, *cursor, tag);
	if (field)
		*cursor = (size_t)(field - record->data) + FIELD_HEADER + bytes_get_le32(field + 4);
	return field;
}

static bool field_acceptable(const uint8_t *field, const struct vdev_field *f)
{
	if (!field || bytes_get_le32(field + 4) != f->size)
		return false;
	for (size_t at = 0; f->max != UINT64_MAX && at < f->size; at += f->element) {
		if (number_at(field + FIELD_HEADER + at, f->element) > f->max)
			return false;
	}
	return true;
}

int vdev_state_get_fields(const struct vdev_state_record *record, const struct vdev_field *fields,
			  size_t count, void *object)
{
	size_t cursor = 0;

	for (size_t i = 0; i < count; i++) {
		if (!field_acceptable(find_next(record, fields[i].tag, &cursor), &fields[i]))
			return -EBADMSG;
	}
	cursor = 0;
	for (size_t i = 0; i < count; i++)
		memcpy((char *)object + fields[i].offset,
		       find_next(record, fields[i].tag, &cursor) + FIELD_HEADER, fields[i].size);
	return 0;
}
