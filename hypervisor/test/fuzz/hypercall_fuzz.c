/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any sequence of hypercalls with any registers and any input page, from CPL 0 and 3. A call
 * either is #UD and changes nothing, or moves on with a result word that has no stray bits; the
 * memory that the root cannot reach stays as it was.
 */
#include "core/arch.h"
#include "core/exit.h"
#include "core/panic.h"
#include "fake/fake.h"
#include "hv/hypercall.h"
#include "hv/keelson.h"
#include "input.h"

#define HIDDEN (FAKE_RAM_BASE + (FAKE_RAM_PAGES - FAKE_HIDDEN) * PAGE_SIZE)

static u64 in_page, out_page;

static u16 pick_code(struct input *in)
{
	u8 n = take_u8(in);

	if (n < 0x80)
		return HV_CALL_KEELSON_READ_LOG + n % 4;
	if (n < 0xf0)
		return 0x40 + n - 0x80;
	return (u16)take_u32(in);
}

static u64 pick_address(struct input *in, u64 page)
{
	u8 n = take_u8(in);

	if (n < 0x80)
		return page;
	if (n < 0xc0)
		return page + (take_u32(in) & 0xfff);
	return n < 0xe0 ? HIDDEN + (take_u32(in) & 0xffff) : take_u64(in);
}

static void call(struct vp *vp, struct input *in)
{
	struct vexit e = {.type = VEXIT_HYPERCALL, .length = 3};
	u16 code = pick_code(in);
	u8 flags = take_u8(in);
	u64 rax;

	fake_vp_clear(vp);
	vp->arch->cpl = flags & 0xc0 ? 0 : 3;
	vp->gpr[RCX] = code | (flags & 1 ? (u64)take_u32(in) << 16 : 0) |
		       (flags & 2 ? take_u64(in) & ~0xffffull : 0);
	vp->gpr[RDX] = pick_address(in, in_page);
	vp->gpr[R8] = pick_address(in, out_page);
	vp->gpr[RAX] = rax = 0x1234567812345678;
	if (flags & 4)
		take(in, arch_map(SPA(in_page)), 64);
	exit_handle(vp, &e);
	if (vp->arch->exception == 6) {
		CHECK(vp->gpr[RAX] == rax && vp->arch->advanced == 0);
		return;
	}
	CHECK(vp->arch->exception == -1 && vp->arch->advanced == 3 && vp->arch->cpl == 0);
	CHECK(!(vp->gpr[RAX] & 0xfffff000ffff0000));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, size};
	u8 *hidden = arch_map(SPA(HIDDEN));

	fake_reset();
	fake_root(2);
	root_partition.guest_os_id = 1;
	in_page = fake_page().v;
	out_page = fake_page().v;
	memset(hidden, 0x5a, FAKE_HIDDEN * PAGE_SIZE);
	while (in.left)
		call(root_partition.vp[take_u8(&in) & 1], &in);
	for (u32 i = 0; i < FAKE_HIDDEN * PAGE_SIZE; i += 8)
		CHECK(*(u64 *)(hidden + i) == 0x5a5a5a5a5a5a5a5a);
	return 0;
}
