/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any packet: what decodes must encode to the very same bytes again.
 */
#include <stdint.h>
#include <string.h>

#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t fds = 0; fds <= PROTO_MAX_FDS; fds++) {
		char again[PROTO_MAX_MESSAGE];
		struct proto_message message;
		size_t length = 0;

		if (proto_decode(data, size, fds, &message) < 0)
			continue;
		CHECK(proto_encode(&message, again, sizeof(again), &length) == 0);
		CHECK(length == size && memcmp(again, data, size) == 0);
	}
	return 0;
}
