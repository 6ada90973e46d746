/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel messages of VMBus, versions 4.0 to 5.3, as they are in the payload of a SynIC message.
 */
#ifndef WIRE_VMBUS_H
#define WIRE_VMBUS_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_VMBUS_SINT                  2u
#define WIRE_VMBUS_MESSAGE_TYPE          1u /* of the SynIC message */
#define WIRE_VMBUS_PAYLOAD               240u

/* Connections that guests post to: the first before 5.0, the other since. */
#define WIRE_VMBUS_CONNECTION            1u
#define WIRE_VMBUS_CONNECTION_5          4u

#define WIRE_VMBUS_VERSION(major, minor) ((uint32_t)(major) << 16 | (minor))

#define WIRE_VMBUS_NO_VP                 UINT32_MAX /* open, modify: no interrupts */
#define WIRE_VMBUS_FAILURE               0xc0000001u
#define WIRE_VMBUS_REFUSED               0xc0000236u /* of a TL connection */

enum wire_vmbus_type {
	WIRE_VMBUS_OFFER = 1,
	WIRE_VMBUS_RESCIND = 2,
	WIRE_VMBUS_REQUEST_OFFERS = 3,
	WIRE_VMBUS_ALL_OFFERS = 4,
	WIRE_VMBUS_OPEN = 5,
	WIRE_VMBUS_OPEN_RESULT = 6,
	WIRE_VMBUS_CLOSE = 7,
	WIRE_VMBUS_GPADL_HEADER = 8,
	WIRE_VMBUS_GPADL_BODY = 9,
	WIRE_VMBUS_GPADL_CREATED = 10,
	WIRE_VMBUS_GPADL_TEARDOWN = 11,
	WIRE_VMBUS_GPADL_TORNDOWN = 12,
	WIRE_VMBUS_RELID_RELEASED = 13,
	WIRE_VMBUS_INITIATE_CONTACT = 14,
	WIRE_VMBUS_VERSION_RESPONSE = 15,
	WIRE_VMBUS_UNLOAD = 16,
	WIRE_VMBUS_UNLOAD_RESPONSE = 17,
	WIRE_VMBUS_TL_CONNECT = 21,
	WIRE_VMBUS_MODIFY = 22,
	WIRE_VMBUS_TL_CONNECT_RESULT = 23,
	WIRE_VMBUS_MODIFY_RESPONSE = 24,
};

struct wire_vmbus_header {
	uint32_t type;
	uint32_t padding;
};

struct wire_guid { /* mixed-endian, as Microsoft's are */
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

struct wire_vmbus_offer {
	struct wire_vmbus_header header;
	struct wire_guid interface, instance;
	uint64_t reserved[2];
	uint16_t flags; /* 2 and 4: confidential, since 6.0 */
	uint16_t mmio_mib;
	uint8_t user[120];
	uint16_t subchannel;
	uint16_t reserved2;
	uint32_t relid;
	uint8_t monitor, monitor_allocated;
	uint16_t dedicated; /* 1: signalled by `connection` alone */
	uint32_t connection;
} __attribute__((packed));

#define WIRE_OFFER_ENUMERATE 0x1u
#define WIRE_OFFER_PIPE      0x10u

#define WIRE_PIPE_MESSAGE    4u /* first word of `user` */

struct wire_vmbus_relid { /* rescind, close, relid released */
	struct wire_vmbus_header header;
	uint32_t relid;
};

struct wire_vmbus_open {
	struct wire_vmbus_header header;
	uint32_t relid, id, gpadl, target_vp, downstream; /* downstream: page of the GPADL */
	uint8_t user[120];
};

struct wire_vmbus_open_result {
	struct wire_vmbus_header header;
	uint32_t relid, id, status;
};

struct wire_gpa_range {
	uint32_t bytes, offset;
};

struct wire_vmbus_gpadl_header {
	struct wire_vmbus_header header;
	uint32_t relid, gpadl;
	uint16_t ranges_size, range_count;
	struct wire_gpa_range range; /* page numbers follow */
} __attribute__((packed));

struct wire_vmbus_gpadl_body {
	struct wire_vmbus_header header;
	uint32_t number, gpadl; /* page numbers follow */
};

struct wire_vmbus_gpadl_created {
	struct wire_vmbus_header header;
	uint32_t relid, gpadl, status;
};

struct wire_vmbus_gpadl_teardown {
	struct wire_vmbus_header header;
	uint32_t relid, gpadl;
};

struct wire_vmbus_gpadl_torndown {
	struct wire_vmbus_header header;
	uint32_t gpadl;
};

struct wire_vmbus_initiate_contact {
	struct wire_vmbus_header header;
	uint32_t version, target_vp;
	uint8_t sint, vtl; /* since 5.0; before, with what follows, the interrupt page */
	uint8_t reserved[2];
	uint32_t features;
	uint64_t monitor_page[2];
};

struct wire_vmbus_version_response {
	struct wire_vmbus_header header;
	uint8_t supported, state;
	uint16_t padding;
	uint32_t connection; /* to post to from now on, since 5.0 */
};

struct wire_vmbus_modify {
	struct wire_vmbus_header header;
	uint32_t relid, target_vp;
};

struct wire_vmbus_modify_response {
	struct wire_vmbus_header header;
	uint32_t relid, status;
};

struct wire_vmbus_tl_connect {
	struct wire_vmbus_header header;
	struct wire_guid endpoint, service;
};

struct wire_vmbus_tl_connect_result {
	struct wire_vmbus_header header;
	struct wire_guid endpoint, service;
	uint32_t status;
};

_Static_assert(sizeof(struct wire_vmbus_offer) == 196, "the wire's");
_Static_assert(sizeof(struct wire_vmbus_open) == 148, "the wire's");
_Static_assert(sizeof(struct wire_vmbus_gpadl_header) == 28, "the wire's");
_Static_assert(sizeof(struct wire_vmbus_gpadl_body) == 16, "the wire's");
_Static_assert(sizeof(struct wire_vmbus_initiate_contact) == 40, "the wire's");
_Static_assert(sizeof(struct wire_vmbus_version_response) == 16, "the wire's");
_Static_assert(sizeof(struct wire_vmbus_tl_connect_result) == 44, "the wire's");

#endif
