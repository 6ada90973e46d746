/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One table of message types, and from it encoding and decoding.
 */
#include "proto/message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool hello_valid(const struct proto_message *m)
{
	return m->hello.min_version >= 1 && m->hello.min_version <= m->hello.max_version &&
	       m->hello.reserved == 0;
}

static bool hello_reply_valid(const struct proto_message *m)
{
	return m->hello_reply.version >= 1 && m->hello_reply.state < PROTO_STATE_COUNT &&
	       m->hello_reply.cause < PROTO_CAUSE_COUNT;
}

static bool boot_valid(const uint8_t boot[static 3])
{
	for (int i = 0; i < 3; i++) {
		if (boot[i] >= PROTO_BOOT_COUNT)
			return false;
		if (i > 0 && boot[i] != PROTO_BOOT_NONE && boot[i - 1] == PROTO_BOOT_NONE)
			return false;
	}
	return true;
}

static bool machine_valid(const struct proto_message *m)
{
	static const uint8_t zero[sizeof(m->machine.reserved)];
	const struct proto_machine *machine = &m->machine;

	return machine->memory > 0 && machine->memory % MIB(1) == 0 &&
	       machine->memory <= GIB(1024) && machine->vcpus >= 1 &&
	       machine->vcpus <= PROTO_MAX_VCPUS && boot_valid(machine->boot) &&
	       machine->clock_localtime <= 1 && machine->stop_on_reboot <= 1 &&
	       memcmp(machine->reserved, zero, sizeof(zero)) == 0;
}

static bool disk_valid(const struct proto_message *m)
{
	const struct proto_disk *disk = &m->disk;

	if (disk->unit >= PROTO_DISK_UNITS || disk->kind >= PROTO_DISK_KIND_COUNT ||
	    disk->format >= PROTO_FORMAT_COUNT || disk->readonly > 1 || disk->reserved != 0)
		return false;
	return m->fd_count == 1 || disk->kind == PROTO_DISK_CD;
}

static bool nic_valid(const struct proto_message *m)
{
	return !(m->nic.mac[0] & 1) && m->nic.link_down <= 1 && m->nic.reserved == 0;
}

static bool console_valid(const struct proto_message *m)
{
	return m->port.number < PROTO_SERIAL_PORTS && m->port.reserved == 0;
}

static bool medium_valid(const struct proto_message *m)
{
	return m->port.number < PROTO_DISK_UNITS && m->port.reserved == 0;
}

static bool reply_valid(const struct proto_message *m)
{
	return m->reply.status <= 0 && m->reply.status >= -4095 && m->reply.reserved == 0;
}

static bool state_valid(const struct proto_message *m)
{
	return m->state.state < PROTO_STATE_COUNT && m->state.cause < PROTO_CAUSE_COUNT;
}

static bool guest_valid(const struct proto_message *m)
{
	return m->guest.event < PROTO_GUEST_EVENT_COUNT && m->guest.reserved == 0;
}

struct type_info {
	uint16_t type;
	uint8_t min_fds, max_fds;
	bool text;
	size_t body;
	bool (*valid)(const struct proto_message *m); /* NULL: any body is */
	const char *name;
};

#define BODY(member) sizeof(((struct proto_message *)0)->member)

static const struct type_info types[] = {
	{PROTO_HELLO, 0, 0, false, BODY(hello), hello_valid, "HELLO"},
	{PROTO_MACHINE, 0, 1, true, BODY(machine), machine_valid, "MACHINE"},
	{PROTO_FIRMWARE, 1, 1, false, 0, NULL, "FIRMWARE"},
	{PROTO_KERNEL, 1, 2, true, 0, NULL, "KERNEL"},
	{PROTO_DISK, 0, 1, true, BODY(disk), disk_valid, "DISK"},
	{PROTO_NIC, 1, 1, false, BODY(nic), nic_valid, "NIC"},
	{PROTO_POWER_ON, 0, 0, false, 0, NULL, "POWER_ON"},
	{PROTO_PAUSE, 0, 0, false, 0, NULL, "PAUSE"},
	{PROTO_RESUME, 0, 0, false, 0, NULL, "RESUME"},
	{PROTO_RESET, 0, 0, false, 0, NULL, "RESET"},
	{PROTO_SHUTDOWN, 0, 0, false, 0, NULL, "SHUTDOWN"},
	{PROTO_POWER_OFF, 0, 0, false, 0, NULL, "POWER_OFF"},
	{PROTO_REBOOT, 0, 0, false, 0, NULL, "REBOOT"},
	{PROTO_CONSOLE, 1, 1, false, BODY(port), console_valid, "CONSOLE"},
	{PROTO_MEDIUM, 0, 1, false, BODY(port), medium_valid, "MEDIUM"},
	{PROTO_STATS, 0, 0, false, 0, NULL, "STATS"},
	{PROTO_REPLY, 0, 0, true, BODY(reply), reply_valid, "REPLY"},
	{PROTO_HELLO_REPLY, 0, 0, false, BODY(hello_reply), hello_reply_valid, "HELLO_REPLY"},
	{PROTO_STATS_REPLY, 0, 0, false, BODY(stats), NULL, "STATS_REPLY"},
	{PROTO_EVENT_STATE, 0, 0, true, BODY(state), state_valid, "EVENT_STATE"},
	{PROTO_EVENT_GUEST, 0, 0, true, BODY(guest), guest_valid, "EVENT_GUEST"},
};

static const struct type_info *find_type(unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type == type)
			return &types[i];
	}
	return NULL;
}

const char *proto_type_name(enum proto_type type)
{
	const struct type_info *info = find_type(type);

	return info ? info->name : "?";
}

/* What holds for a message whichever way it goes. */
static bool message_valid(const struct type_info *info, const struct proto_message *m)
{
	bool event = m->type >= PROTO_EVENT_STATE;

	if (event != (m->serial == 0))
		return false;
	if (m->fd_count < info->min_fds || m->fd_count > info->max_fds)
		return false;
	return !info->valid || info->valid(m);
}

int proto_encode(const struct proto_message *message, void *buffer, size_t size, size_t *ret_length)
{
	const struct type_info *info = find_type(message->type);
	size_t text = info && info->text ? strnlen(message->text, sizeof(message->text)) : 0;
	struct proto_header header;
	size_t length;

	if (!info || text > PROTO_MAX_TEXT || !message_valid(info, message))
		return -EINVAL;
	length = sizeof(header) + info->body + text;
	if (length > size)
		return -EMSGSIZE;
	header = (struct proto_header){
		.length = (uint32_t)length,
		.version = PROTO_VERSION,
		.type = (uint16_t)message->type,
		.serial = message->serial,
		.fd_count = (uint32_t)message->fd_count,
	};
	memcpy(buffer, &header, sizeof(header));
	memcpy((char *)buffer + sizeof(header), &message->hello, info->body);
	memcpy((char *)buffer + sizeof(header) + info->body, message->text, text);
	*ret_length = length;
	return 0;
}

static int decode_header(const void *buffer, size_t length, size_t fd_count,
			 struct proto_header *ret)
{
	if (length < sizeof(*ret) || length > PROTO_MAX_MESSAGE)
		return -EBADMSG;
	memcpy(ret, buffer, sizeof(*ret));
	if (ret->length != length || ret->fd_count != fd_count)
		return -EBADMSG;
	return ret->version == PROTO_VERSION ? 0 : -EPROTONOSUPPORT;
}

int proto_decode(const void *buffer, size_t length, size_t fd_count, struct proto_message *ret)
{
	const char *bytes = buffer;
	const struct type_info *info;
	struct proto_header header;
	size_t text;
	int r = decode_header(buffer, length, fd_count, &header);

	if (r < 0)
		return r;
	info = find_type(header.type);
	if (!info || length < sizeof(header) + info->body)
		return -EBADMSG;
	text = length - sizeof(header) - info->body;
	if (text > (info->text ? PROTO_MAX_TEXT : 0) || memchr(bytes + length - text, 0, text))
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->type = (enum proto_type)header.type;
	ret->serial = header.serial;
	ret->fd_count = fd_count;
	memcpy(&ret->hello, bytes + sizeof(header), info->body);
	memcpy(ret->text, bytes + length - text, text);
	return message_valid(info, ret) ? 0 : -EBADMSG;
}
