/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The marks of disk image formats.
 */
#include "daemon/disk_format.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"

struct mark {
	struct disk_format format;
	size_t offset, length;
	const char *bytes;
};

#define MARK(name, qemu, offset, bytes)                              \
	{                                                            \
		{(name), (qemu)}, (offset), sizeof(bytes) - 1, bytes \
	}

static const struct mark head_marks[] = {
	MARK("qcow2", "qcow2", 0, "QFI\xfb\0\0\0\2"),
	MARK("qcow2", "qcow2", 0, "QFI\xfb\0\0\0\3"),
	MARK("qcow", "qcow", 0, "QFI\xfb"),
	MARK("QED", "qed", 0, "QED\0"),
	MARK("VMDK", "vmdk", 0, "KDMV"),
	MARK("VMDK", "vmdk", 0, "COWD"),
	MARK("VMDK", "vmdk", 0, "# Disk DescriptorFile"),
	MARK("VDI", "vdi", 64, "\x7f\x10\xda\xbe"),
	MARK("VHDX", "vhdx", 0, "vhdxfile"),
	MARK("VHD", "vpc", 0, "conectix"),
	MARK("VHD", "vpc", 512, "cxsparse"),
	MARK("Parallels", "parallels", 0, "WithoutFreeSpace"),
	MARK("Parallels", "parallels", 0, "WithouFreSpacExt"),
	MARK("Bochs", "bochs", 0, "Bochs Virtual HD Image"),
};

/* Images of some tools end with 511 bytes of footer, so the mark may be one byte later. */
static const struct mark tail_marks[] = {
	MARK("VHD", "vpc", 0, "conectix"),
	MARK("VHD", "vpc", 1, "conectix"),
};

static const struct disk_format *find(const struct mark *marks, size_t count, const uint8_t *bytes,
				      size_t size)
{
	for (size_t i = 0; i < count; i++) {
		const struct mark *mark = &marks[i];

		if (mark->offset + mark->length <= size &&
		    memcmp(bytes + mark->offset, mark->bytes, mark->length) == 0)
			return &mark->format;
	}
	return NULL;
}

const struct disk_format *disk_format_of_head(const uint8_t *head, size_t size)
{
	return find(head_marks, ARRAY_SIZE(head_marks), head, size);
}

const struct disk_format *disk_format_of_tail(const uint8_t *tail, size_t size)
{
	return find(tail_marks, ARRAY_SIZE(tail_marks), tail, size);
}

int disk_format_probe(int fd, uint64_t size, const struct disk_format **ret)
{
	uint8_t head[DISK_FORMAT_HEAD], tail[DISK_FORMAT_TAIL];
	size_t head_size = (size_t)MIN(size, (uint64_t)sizeof(head));
	int r = fd_pread_full(fd, head, head_size, 0);

	if (r < 0)
		return r;
	*ret = disk_format_of_head(head, head_size);
	if (*ret || size < sizeof(tail))
		return 0;
	r = fd_pread_full(fd, tail, sizeof(tail), size - sizeof(tail));
	if (r == 0)
		*ret = disk_format_of_tail(tail, sizeof(tail));
	return r;
}
