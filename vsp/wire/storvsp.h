/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol of the synthetic SCSI controller, versions 5.1 to 6.2: packets of 64 bytes; the data is
 * in guest memory, which a GPA-direct packet names.
 */
#ifndef WIRE_STORVSP_H
#define WIRE_STORVSP_H

#include <stddef.h>
#include <stdint.h>

enum wire_storvsp_operation {
	WIRE_STORVSP_COMPLETE_IO = 1,
	WIRE_STORVSP_EXECUTE_SRB = 3,
	WIRE_STORVSP_RESET_LUN = 4,
	WIRE_STORVSP_RESET_ADAPTER = 5,
	WIRE_STORVSP_RESET_BUS = 6,
	WIRE_STORVSP_BEGIN_INIT = 7,
	WIRE_STORVSP_END_INIT = 8,
	WIRE_STORVSP_QUERY_VERSION = 9,
	WIRE_STORVSP_QUERY_PROPERTIES = 10,
	WIRE_STORVSP_CREATE_SUBCHANNELS = 13,
};

#define WIRE_STORVSP_VERSION_WIN8      0x0501u
#define WIRE_STORVSP_VERSION_BLUE      0x0600u
#define WIRE_STORVSP_VERSION_WIN10     0x0602u

#define WIRE_STORVSP_REVISION_MISMATCH 0xc0000059u
#define WIRE_STORVSP_INVALID           0xc000000du
#define WIRE_STORVSP_DEVICE_STATE      0xc0000184u

#define WIRE_SRB_SUCCESS               0x01u
#define WIRE_SRB_ERROR                 0x04u
#define WIRE_SRB_INVALID_LUN           0x20u
#define WIRE_SRB_SENSE_VALID           0x80u

#define WIRE_SRB_CDB                   16u
#define WIRE_SRB_SENSE                 20u

struct wire_srb {
	uint16_t length;
	uint8_t srb_status, scsi_status;
	uint8_t port, path, target, lun;
	uint8_t cdb_length, sense_length, data_in, reserved;
	uint32_t transfer_length;
	union {
		uint8_t cdb[WIRE_SRB_CDB];
		uint8_t sense[WIRE_SRB_SENSE];
	};
	uint16_t reserved2;
	uint8_t queue_tag, queue_action;
	uint32_t flags, timeout, sort_key;
};

struct wire_storvsp_properties {
	uint32_t reserved;
	uint16_t channels, reserved2; /* subchannels at most */
	uint32_t flags;
	uint32_t max_transfer;
	uint64_t reserved3;
} __attribute__((packed));

struct wire_storvsp {
	uint32_t operation, flags, status;
	union {
		struct wire_srb srb;
		struct wire_storvsp_properties properties;
		struct {
			uint16_t version, revision;
		};
		uint8_t bytes[52];
	};
};

_Static_assert(sizeof(struct wire_srb) == 52, "the wire's");
_Static_assert(offsetof(struct wire_srb, cdb) == 16, "the wire's");
_Static_assert(sizeof(struct wire_storvsp) == 64, "the wire's");

/* Between a GPA-direct packet's descriptor and its payload; page numbers follow. */
struct wire_gpa_direct {
	uint32_t reserved, range_count;
	uint32_t bytes, offset;
};

#endif
