// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MOV to CR8 while a vector is pending, the only time that it exits (event.c). The emulator does not
 * say which register it comes from, so that the instruction is fetched and decoded here; it has no
 * memory operand, and CR0 with LOCK is CR8 (APM 3, MOV CRn).
 */
#include "core/decode.h"
#include "core/translate.h"
#include "core/virt.h"
#include "x86/svm/svm.h"

#define CODE_MAX 15u
#define TPR_MAX  15u

/* The register that is written to CR8, and the instruction's length; 0: it is another by now. */
static u8 decode(const u8 *code, u32 size, bool wide, u8 *ret_register)
{
	u32 at = 0;
	u8 rex = 0;

	while (at < size && decode_is_prefix(code[at]))
		at++;
	if (wide && at < size && decode_is_rex(code[at]))
		rex = code[at++];
	if (at + 3 > size || code[at] != 0x0f || code[at + 1] != 0x22)
		return 0;
	*ret_register = (u8)((code[at + 2] & 7) | (rex & REX_B) << 3);
	return (u8)(at + 3);
}

void svm_cr8_written(struct vp *vp)
{
	bool wide = virt->long_mode(vp);
	u8 code[CODE_MAX], length, n;
	struct vregs r;
	u64 value;

	virt->get_regs(vp, &r);
	length = decode(code, translate_fetch(vp, &r, code, CODE_MAX), wide, &n);
	if (!length)
		return;
	value = n == RSP ? r.rsp : vp->gpr[n];
	if (!wide)
		value = (u32)value;
	if (value > TPR_MAX) {
		virt->inject_exception(vp, VECTOR_GP, 0);
		return;
	}
	lapic_set_cr8(&vp->lapic, (u8)value);
	virt->advance(vp, length);
}
