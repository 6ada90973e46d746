/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See speculation.h. Sources: APM 2 3.2.9, AMD's bulletins of the names below, revision guides. */
#include "x86/speculation.h"

#define EXT8_IBPB          BIT(12)
#define EXT8_BTC_NO        BIT(29)

#define EXT21_LFENCE       BIT(2) /* always serializing */
#define EXT21_AUTO_IBRS    BIT(8)
#define EXT21_IBPB_BRTYPE  BIT(28)
#define EXT21_SRSO_NO      BIT(29)
#define EXT21_SPEC_REDUCE  BIT(31)
#define EXT21_ECX_TSA_NO   (BIT(1) | BIT(2)) /* neither by the store queue nor by L1 */

#define SVM_SPEC_CTRL      BIT(20)

#define MSR_DE_CFG         0xc0011029
#define DE_CFG_LFENCE      BIT(1)
#define DE_CFG_ZENBLEED    BIT(9)
#define MSR_SPECTRAL       0xc00110e3
#define SPECTRAL_CHICKEN   BIT(1)
#define MSR_BP_CFG         0xc001102e
#define BP_CFG_SPEC_REDUCE BIT(4)
#define BP_CFG_BTB_FIX     BIT(5)

enum core { OLDER, ZEN1, ZEN2, ZEN3, ZEN4, NEWER };

static enum core core_of(const struct processor *p)
{
	switch (p->family) {
	case 0 ... 0x16:
		return OLDER;
	case 0x17: /* 00–2F, 50–5F are the first generation */
		return p->model < 0x30 || (p->model & 0xf0) == 0x50 ? ZEN1 : ZEN2;
	case 0x18:
		return ZEN1;
	case 0x19:
		return (p->model & 0xf0) == 0x10 || p->model >= 0x60 ? ZEN4 : ZEN3;
	default:
		return NEWER;
	}
}

/*
 * Where a return can be predicted by what a guest left (Retbleed, branch type confusion; SRSO).
 * Families up to 16h predict returns by the return stack alone.
 */
static bool returns_are_steered(const struct processor *p, enum core core)
{
	switch (core) {
	case ZEN1:
	case ZEN2:
		return !(p->ext8_ebx & EXT8_BTC_NO);
	case ZEN3:
	case ZEN4:
		return !(p->ext21_eax & EXT21_SRSO_NO);
	default:
		return false;
	}
}

/* IBRS, STIBP, SSBD, PSFD: what is there by CPUID 80000008 EBX. */
static u64 spec_ctrl_bits(u32 ext8_ebx)
{
	static const u8 shown[][2] = {{14, 0}, {15, 1}, {24, 2}, {28, 7}};
	u64 bits = 0;

	for (u32 i = 0; i < ARRAY_SIZE(shown); i++)
		if (ext8_ebx & BIT(shown[i][0]))
			bits |= BIT(shown[i][1]);
	return bits;
}

static void add_msr(struct speculation *s, u32 msr, u64 bits)
{
	if (s->msr_count && s->msr[s->msr_count - 1].msr == msr) {
		s->msr[s->msr_count - 1].set |= bits;
		return;
	}
	s->msr[s->msr_count].msr = msr;
	s->msr[s->msr_count++].set = bits;
}

static void add_msrs(struct speculation *s, const struct processor *p, enum core core)
{
	bool has_de_cfg = p->family >= 0x10 && p->family != 0x11;

	if (has_de_cfg && !(p->ext21_eax & EXT21_LFENCE))
		add_msr(s, MSR_DE_CFG, DE_CFG_LFENCE);
	if (core == ZEN2) {
		add_msr(s, MSR_DE_CFG, DE_CFG_ZENBLEED);
		add_msr(s, MSR_SPECTRAL, SPECTRAL_CHICKEN);
	}
	if (core == ZEN4) /* erratum 1485 */
		add_msr(s, MSR_BP_CFG, BP_CFG_BTB_FIX);
	if (core == NEWER && (p->ext21_eax & EXT21_SPEC_REDUCE) && !(p->ext21_eax & EXT21_SRSO_NO))
		add_msr(s, MSR_BP_CFG, BP_CFG_SPEC_REDUCE);
}

struct speculation speculation_decide(const struct processor *p)
{
	enum core core = core_of(p);
	bool ibpb = p->ext8_ebx & EXT8_IBPB, steered = returns_are_steered(p, core);
	struct speculation s = {
		.exit_barrier = ibpb && steered,
		.leave_barrier = ibpb && !steered && core != OLDER,
		.enter_barrier = ibpb && !steered && core == OLDER,
		.clear_buffers = (core == ZEN3 || core == ZEN4) &&
				 (p->ext21_ecx & EXT21_ECX_TSA_NO) != EXT21_ECX_TSA_NO,
		.clear_divider = core == ZEN1,
		.auto_ibrs = p->ext21_eax & EXT21_AUTO_IBRS,
		.ibpb = ibpb,
		.spec_ctrl = spec_ctrl_bits(p->ext8_ebx),
		.spec_ctrl_virtual = p->svm_edx & SVM_SPEC_CTRL,
		.old_microcode = steered && (!ibpb || (core >= ZEN3 && !p->sbpb &&
						       !(p->ext21_eax & EXT21_IBPB_BRTYPE))),
	};

	add_msrs(&s, p, core);
	return s;
}
