// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See xstate.h. Both sides are saved and loaded with XCR0 at what either of them can have, so that
 * nothing of the one is left behind that the other's XCR0 hides. XSAVEOPT leaves out what did not
 * change. A processor without XSAVE has FXSAVE's 512 bytes.
 *
 * PKRU needs no bit in XCR0: CR4.PKE alone lets RDPKRU and WRPKRU at it (SDM 1 13.1), and a child's CR4 is
 * its own. So it is always exchanged: the child's area has none, and what is not there is loaded as 0.
 */
#include "x86/xstate.h"
#include "core/arch.h"
#include "core/exit.h"
#include "core/format.h"
#include "x86/asm.h"
#include "x86/cpu.h"
#include "x86/pool.h"

#define XSAVE_LEAF          0xd
#define CPUID_ADDRESSES     0x80000008
#define EXT8_SAVES_POINTERS BIT(2) /* EBX: XSaveErPtr */
#define FXSAVE_SIZE         512
#define XSAVE_HEADER        64
#define AVX_STATE           BIT(2)
#define PKRU_STATE          BIT(9)
#define AVX_AREA_END        832
#define OFFSET_FCW          0
#define OFFSET_MXCSR        24
#define FCW_INITIAL         0x37f
#define MXCSR_INITIAL       0x1f80

static enum { FXSAVE, XSAVE, XSAVEOPT } method;
static bool keeps_pointers;
static u64 child_mask; /* what a child may have in XCR0; 0 without XSAVE */
static u64 exchanged;  /* that, and PKRU where there is one */

u64 arch_xcr0_supported(void)
{
	u32 leaf[4];

	if (!(read_cr4() & CR4_OSXSAVE))
		return 0;
	cpuid(XSAVE_LEAF, 0, leaf);
	return (u64)leaf[3] << 32 | leaf[0];
}

size_t arch_xsave_size(void)
{
	if (method == FXSAVE)
		return FXSAVE_SIZE;
	return child_mask & AVX_STATE ? AVX_AREA_END : FXSAVE_SIZE + XSAVE_HEADER;
}

/* QEMU (7.2) does not intercept XSETBV: what counts is what the processor has. */
u64 arch_xcr0(const struct vp *vp)
{
	return vp == this_cpu()->child && method != FXSAVE ? xgetbv(0) : vp->xcr0;
}

/* A child's goes to the processor if it is here; the root's always is. */
void arch_set_xcr0(struct vp *vp, u64 value)
{
	vp->xcr0 = value;
	if (vp == this_cpu()->child || vp == this_cpu()->vp)
		xsetbv(0, value);
}

static u32 full_size(void)
{
	u32 leaf[4];

	if (method == FXSAVE)
		return FXSAVE_SIZE;
	cpuid(XSAVE_LEAF, 0, leaf);
	return leaf[2];
}

static void find_method(void)
{
	u32 leaf[4];

	cpuid(CPUID_ADDRESSES, 0, leaf);
	keeps_pointers = !(leaf[1] & EXT8_SAVES_POINTERS);
	child_mask = arch_xcr0_supported() & XCR0_CHILD;
	if (!child_mask)
		return;
	exchanged = child_mask | (arch_xcr0_supported() & PKRU_STATE);
	cpuid(XSAVE_LEAF, 1, leaf);
	method = leaf[0] & BIT(0) ? XSAVEOPT : XSAVE;
}

void xstate_init_root(struct vp *vp)
{
	find_method();
	vp->xsave = pool_alloc(full_size());
}

void xstate_init_child(struct vp *vp, void *area)
{
	u16 fcw = FCW_INITIAL;
	u32 mxcsr = MXCSR_INITIAL;

	memcpy((u8 *)area + OFFSET_FCW, &fcw, sizeof(fcw));
	memcpy((u8 *)area + OFFSET_MXCSR, &mxcsr, sizeof(mxcsr));
	vp->xsave = area;
	vp->xcr0 = child_mask & 1;
}

static void save(void *area, u32 mask)
{
	if (likely(method == XSAVEOPT))
		__asm__ volatile("xsaveopt64 (%0)" ::"r"(area), "a"(mask), "d"(0) : "memory");
	else if (method == XSAVE)
		__asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(mask), "d"(0) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

/*
 * Before Zen 2, neither FXSAVE nor FXRSTOR touches the pointers to the last x87 instruction unless an
 * exception is pending: the one before would leave its own behind (AMD-SB of CVE-2006-1056).
 */
static void clear_pointers(void)
{
	static const u32 zero;

	__asm__ volatile("fnclex; ffree %%st(7); fildl %0" ::"m"(zero));
}

static void load(const void *area)
{
	u32 all = ~0u;

	if (unlikely(keeps_pointers))
		clear_pointers();

	if (likely(method != FXSAVE))
		__asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(all), "d"(all) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

static void change_xcr0(u64 from, u64 to)
{
	if (from != to)
		xsetbv(0, to);
}

void xstate_enter(struct vp *root, struct vp *child)
{
	u64 all;

	if (likely(method != FXSAVE))
		root->xcr0 = xgetbv(0); /* what firmware left there, if the root never wrote it */
	all = root->xcr0 | exchanged;
	change_xcr0(root->xcr0, all);
	save(root->xsave, ~0u);
	load(child->xsave);
	change_xcr0(all, child->xcr0);
}

void xstate_leave(struct vp *child, struct vp *root)
{
	u64 all = root->xcr0 | exchanged;

	child->xcr0 = arch_xcr0(child);
	change_xcr0(child->xcr0, all);
	save(child->xsave, (u32)child_mask);
	load(root->xsave);
	change_xcr0(all, root->xcr0);
}
