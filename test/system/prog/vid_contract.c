// SPDX-License-Identifier: GPL-2.0-or-later
/* The contract of libvid's back ends, of the driver (vid/test/contract.c). */
#include <string.h>

#include "contract.h"
#include "vid_guest.h"

static int create(struct vid_partition **ret_partition)
{
	return vid_partition_open(-1, ret_partition);
}

/* In real mode, with a HLT behind it. */
static void begin(struct vid_vp *vp)
{
	const struct vid_register r[] = {
		{HV_REGISTER_ES + 1, 0, 0xffff | UINT64_C(0x9b) << 48},
		{HV_REGISTER_RIP, CONTRACT_CODE, 0},
		{HV_REGISTER_RFLAGS, 2, 0},
		{HV_REGISTER_INTERNAL_ACTIVITY, 0, 0}, /* other VPs than the first wait for SIPI */
	};

	EXPECT_EQ(vid_vp_set_registers(vp, r, ARRAY_SIZE(r)), 0);
}

static bool out(struct vid_partition *p, struct vid_vp *vp, uint8_t *host, uint8_t port,
		uint8_t value)
{
	const uint8_t code[] = {0xb0, value, 0xe6, port, 0xf4}; /* mov, out, hlt */
	struct vid_exit stopped;

	memcpy(host + CONTRACT_CODE, code, sizeof(code));
	begin(vp);
	do
		EXPECT_EQ(vid_vp_run(vp, &stopped), 0);
	while (stopped.kind == VID_EXIT_INTERRUPTED);
	EXPECT(stopped.kind == VID_EXIT_HALT || stopped.kind == VID_EXIT_IO);
	return stopped.kind == VID_EXIT_HALT;
}

int main(void)
{
	static const struct contract_backend driver = {create, out};

	setvbuf(stdout, NULL, _IOLBF, 0);
	contract_run(&driver);
	printf("the driver keeps the contract\n");
	return EXIT_SUCCESS;
}
