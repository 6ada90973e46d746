/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract of libvid's back ends, of the fake one. */
#include "contract.h"
#include "vid/fake.h"

static bool out(struct vid_partition *p, struct vid_vp *vp, uint8_t *host, uint8_t port,
		uint8_t value)
{
	const struct vid_doorbell access = {VID_DOORBELL_PORT, port, 1, true, value};

	return vid_fake_guest_writes(p, &access);
}

int main(void)
{
	static const struct contract_backend fake = {vid_fake_partition_create, out};

	contract_run(&fake);
	return 0;
}
