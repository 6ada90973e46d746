/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol between vmms and a worker: what a message is on the wire, and how it is
 * encoded and decoded.
 *
 * Transport: a Unix SOCK_SEQPACKET socket, one message per packet, descriptors by SCM_RIGHTS.
 * Both ends run on one machine, so numbers are in host order. The daemon sends requests, each
 * answered by exactly one REPLY, HELLO_REPLY or STATS_REPLY with the same serial, in order; the
 * worker sends events, with serial 0, at any time after HELLO.
 *
 * A message is a header, a body of a size that its type fixes, and text for types that have some:
 * UTF-8 or not, without zero bytes, up to the end of the message. Decoding checks everything that
 * can be known without state; neither end trusts the other.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

enum {
	PROTO_VERSION = 1,
	PROTO_MAX_TEXT = 4096,
	PROTO_MAX_MESSAGE = 16 + 80 + PROTO_MAX_TEXT,
	PROTO_MAX_FDS = 2,
	PROTO_MAX_VCPUS = 64,
	PROTO_DISK_UNITS = 8,
	PROTO_SERIAL_PORTS = 2,
};

enum proto_type {
	/* requests: what the machine is; only before POWER_ON */
	PROTO_HELLO = 1,    /* the first on every connection */
	PROTO_MACHINE = 2,  /* size and boot order; [partition device] */
	PROTO_FIRMWARE = 3, /* BIOS image */
	PROTO_KERNEL = 4,   /* direct boot: kernel, [initrd]; text: command line */
	PROTO_DISK = 5, /* a drive and, unless it is an empty CD drive, its file; text: serial */
	PROTO_NIC = 6,  /* a network card and its tap */
	/* requests: what it shall do */
	PROTO_POWER_ON = 16,
	PROTO_PAUSE = 17,
	PROTO_RESUME = 18,
	PROTO_RESET = 19,
	PROTO_SHUTDOWN = 20,  /* asks the guest: ACPI power button, or integration service */
	PROTO_POWER_OFF = 21, /* answered, then STATE stopped, then the worker exits */
	PROTO_REBOOT = 22,    /* asks the guest */
	PROTO_CONSOLE = 32,   /* a stream socket becomes the other end of a serial port */
	PROTO_MEDIUM = 33,    /* changes or takes out the medium of a CD drive */
	PROTO_STATS = 34,
	/* answers */
	PROTO_REPLY = 128, /* text: what went wrong */
	PROTO_HELLO_REPLY = 129,
	PROTO_STATS_REPLY = 130,
	/* events */
	PROTO_EVENT_STATE = 192, /* text: why, for people */
	PROTO_EVENT_GUEST = 193, /* text: the guest's own words of its crash */
};

/* The worker's states. It starts in CREATED and exits after STOPPED. */
enum proto_state {
	PROTO_STATE_CREATED,
	PROTO_STATE_RUNNING,
	PROTO_STATE_PAUSED,
	PROTO_STATE_STOPPED,
	PROTO_STATE_COUNT,
};

/* Why a state was entered. */
enum proto_cause {
	PROTO_CAUSE_REQUEST,
	PROTO_CAUSE_GUEST_OFF,    /* the guest powered itself off */
	PROTO_CAUSE_GUEST_CRASH,  /* it told of a crash, triple-faulted and is not to be reset, or
				   * did what no processor can carry out (text: where and what) */
	PROTO_CAUSE_HOST_ERROR,   /* the host's failure; none of the guest's */
	PROTO_CAUSE_LOW_DISK,     /* paused: a write failed for want of space */
	PROTO_CAUSE_GUEST_REBOOT, /* reset by the guest where a restart of the worker is wanted */
	PROTO_CAUSE_COUNT,
};

enum proto_guest_event {
	PROTO_GUEST_RESET, /* the guest reset itself and goes on */
	PROTO_GUEST_CRASH, /* crash MSRs were written */
	PROTO_GUEST_TRIPLE_FAULT,
	PROTO_GUEST_EVENT_COUNT,
};

enum proto_disk_kind { PROTO_DISK_HD, PROTO_DISK_CD, PROTO_DISK_KIND_COUNT };
enum proto_disk_format { PROTO_FORMAT_RAW, PROTO_FORMAT_COUNT };
enum proto_boot { PROTO_BOOT_NONE, PROTO_BOOT_HD, PROTO_BOOT_CD, PROTO_BOOT_NET, PROTO_BOOT_COUNT };

struct proto_header {
	uint32_t length; /* of the whole message */
	uint16_t version;
	uint16_t type;
	uint32_t serial; /* not 0 in requests and answers */
	uint32_t fd_count;
};
_Static_assert(sizeof(struct proto_header) == 16, "wire");

struct proto_hello {
	uint16_t min_version, max_version; /* what the sender speaks */
	uint32_t reserved;
	uint8_t uuid[16];
};
_Static_assert(sizeof(struct proto_hello) == 24, "wire");

struct proto_hello_reply {
	uint16_t version; /* chosen */
	uint16_t state;   /* enum proto_state */
	uint32_t cause;   /* enum proto_cause of that state */
	uint8_t uuid[16];
	uint8_t nonce[16]; /* as given at the worker's start */
};
_Static_assert(sizeof(struct proto_hello_reply) == 40, "wire");

struct proto_machine {
	uint64_t memory; /* bytes, whole MiB */
	uint32_t vcpus;
	uint8_t boot[3]; /* enum proto_boot, by priority; NONE ends the list */
	uint8_t clock_localtime;
	uint8_t stop_on_reboot; /* a guest's reset ends the worker instead of resetting the machine */
	uint8_t reserved[7];
};
_Static_assert(sizeof(struct proto_machine) == 24, "wire");

struct proto_disk {
	uint8_t unit; /* 0 … 3: hda … hdd; 4 … 7: sda … sdd */
	uint8_t kind; /* enum proto_disk_kind */
	uint8_t format;
	uint8_t readonly;
	uint32_t reserved;
};
_Static_assert(sizeof(struct proto_disk) == 8, "wire");

struct proto_nic {
	uint8_t mac[6];
	uint8_t link_down;
	uint8_t reserved;
};
_Static_assert(sizeof(struct proto_nic) == 8, "wire");

/* CONSOLE: the serial port. MEDIUM: the unit. */
struct proto_port {
	uint32_t number;
	uint32_t reserved;
};
_Static_assert(sizeof(struct proto_port) == 8, "wire");

struct proto_reply {
	int32_t status; /* 0 or -errno */
	uint32_t reserved;
};
_Static_assert(sizeof(struct proto_reply) == 8, "wire");

struct proto_stats {
	uint64_t vcpu_ns; /* run by all processors since power-on */
	uint64_t exits;   /* that reached the worker */
	uint64_t disk_read_bytes, disk_write_bytes;
	uint64_t disk_reads, disk_writes;
	uint64_t net_rx_bytes, net_tx_bytes;
	uint64_t deposit_free, deposit_used; /* pages that the hypervisor has for the machine */
};
_Static_assert(sizeof(struct proto_stats) == 80, "wire");

struct proto_event_state {
	uint32_t state; /* enum proto_state */
	uint32_t cause; /* enum proto_cause */
};
_Static_assert(sizeof(struct proto_event_state) == 8, "wire");

struct proto_event_guest {
	uint32_t event; /* enum proto_guest_event */
	uint32_t reserved;
	uint64_t parameters[5]; /* crash parameters P0 … P4 */
};
_Static_assert(sizeof(struct proto_event_guest) == 48, "wire");

struct proto_message {
	enum proto_type type;
	uint32_t serial;
	union {
		struct proto_hello hello;
		struct proto_hello_reply hello_reply;
		struct proto_machine machine;
		struct proto_disk disk;
		struct proto_nic nic;
		struct proto_port port;
		struct proto_reply reply;
		struct proto_stats stats;
		struct proto_event_state state;
		struct proto_event_guest guest;
	};
	char text[PROTO_MAX_TEXT + 1];
	size_t fd_count;
	int fds[PROTO_MAX_FDS]; /* the sender keeps its own; the receiver owns what it gets */
};

/*
 * Writes *message to the buffer. -EMSGSIZE: the buffer is too small. -EINVAL: what decode would
 * refuse.
 */
int must_check proto_encode(const struct proto_message *message, void *buffer, size_t size,
			    size_t *ret_length);

/*
 * Reads a packet that came with `fd_count` descriptors; ret->fds is left for the caller to fill.
 * -EBADMSG: it is no valid message. -EPROTONOSUPPORT: of another version.
 */
int must_check proto_decode(const void *buffer, size_t length, size_t fd_count,
			    struct proto_message *ret);

static inline int proto_is_request(enum proto_type type)
{
	return type < PROTO_REPLY;
}

/* "POWER_ON"; "?" for what is none. */
const char *proto_type_name(enum proto_type type);

#endif
