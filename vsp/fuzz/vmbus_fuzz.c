/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Channel messages of chance, with rings of chance behind them: the server with the integration
 * services. Each record of the input is a length and a message; some are other things that a guest does.
 */
#include <string.h>

#include "vid/fake.h"
#include "vid/memory.h"
#include "vsp/services.h"
#include "vsp/vmbus.h"
#include "wire/vmbus.h"

#define RAM MIB(1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vid_partition *partition;
static struct vid_memory *ram;
static struct vsp_vmbus *vmbus;
static struct vsp_services *services;
static uint64_t now;

static uint64_t read_time(void *owner)
{
	return now;
}

static void contact(void)
{
	struct wire_vmbus_initiate_contact m = {
		.header.type = WIRE_VMBUS_INITIATE_CONTACT,
		.version = WIRE_VMBUS_VERSION(5, 3),
		.sint = WIRE_VMBUS_SINT,
	};
	const struct wire_vmbus_header offers = {WIRE_VMBUS_REQUEST_OFFERS, 0};

	CHECK(vsp_vmbus_message(vmbus, 4, 1, &m, sizeof m) == 0);
	CHECK(vsp_vmbus_message(vmbus, 4, 1, &offers, sizeof offers) == 0);
}

static void set_up(void)
{
	static const struct vsp_services_ops ops = {read_time, read_time};

	CHECK(vid_fake_partition_create(&partition) == 0);
	CHECK(vid_memory_create("ram", RAM, &ram) == 0);
	CHECK(vid_partition_map(partition, 0, ram, 0, RAM, VID_ACCESS_ALL) == 0);
	CHECK(vsp_vmbus_create(partition, &vmbus) == 0);
	CHECK(vsp_services_create(vmbus, partition, &ops, NULL, &services) == 0);
	contact();
}

static void tear_down(void)
{
	vsp_services_destroy(services);
	vsp_vmbus_destroy(vmbus);
	vid_partition_destroy(partition);
	vid_memory_destroy(ram);
}

static void drain(void)
{
	struct vid_fake_event events[VID_FAKE_RECORDS];

	while (vid_fake_take_events(partition, events, ARRAY_SIZE(events)))
		vsp_vmbus_slot_free(vmbus);
}

/* Numbers that could be are likelier than chance makes them: channels, GPADLs, pages. */
static void post(const uint8_t *data, size_t size)
{
	uint32_t payload[WIRE_VMBUS_PAYLOAD / 4] = {0};

	memcpy(payload, data, size);
	payload[0] %= 26;
	payload[1] = 0;
	payload[2] %= payload[0] == WIRE_VMBUS_INITIATE_CONTACT ? UINT32_MAX : 5;
	if (vsp_vmbus_message(vmbus, 4, 1, payload, size) < 0)
		drain();
}

static void signal_all(uint8_t what)
{
	for (uint32_t relid = 1; relid < 5; relid++) {
		const struct vid_doorbell write = {.kind = VID_DOORBELL_SIGNAL,
						   .address = 0x10000 + relid};

		vid_fake_guest_writes(partition, &write);
	}
	now += what * UINT64_C(100000000);
	for (int i = 0; i < 4; i++)
		vsp_services_dispatch(services);
}

static size_t turn(const uint8_t *data, size_t size)
{
	size_t n = MIN((size_t)data[0], size - 1);

	if (data[0] > WIRE_VMBUS_PAYLOAD) {
		memcpy((uint8_t *)vid_memory_host(ram) + (data[0] - WIRE_VMBUS_PAYLOAD) * 4096u,
		       data + 1, MIN(n, (size_t)64));
		signal_all(data[0]);
		return MIN(n, (size_t)64) + 1;
	}
	post(data + 1, n);
	return n + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	set_up();
	for (size_t at = 0; at < size;)
		at += turn(data + at, size - at);
	drain();
	tear_down();
	return 0;
}
