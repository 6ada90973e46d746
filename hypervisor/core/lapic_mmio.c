/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware and early kernels reach the local APIC by 32-bit moves between its page and a register
 * or a constant; that is all that is decoded here (SDM 2, MOV, XCHG). The address comes from the fault.
 */
#include "core/lapic_mmio.h"
#include "core/decode.h"
#include "core/event.h"
#include "core/translate.h"

#define CODE_MAX 15u
#define EFER_LMA BIT(10)
#define CS_LONG  BIT(9)
#define CS_32    BIT(10)

struct move {
	enum { MOVE_LOAD, MOVE_STORE, MOVE_STORE_CONSTANT, MOVE_EXCHANGE } kind;
	u8 reg;
	u32 constant;
	u8 length;
};

struct code {
	u8 bytes[CODE_MAX];
	u32 size, at;
	u8 rex;
	bool wide, operand16, address16; /* wide: 64-bit code */
};

static bool next(struct code *c, u8 *ret_byte)
{
	if (c->at >= c->size)
		return false;
	*ret_byte = c->bytes[c->at++];
	return true;
}

static bool skip_prefixes(struct code *c, u8 *ret_opcode)
{
	u8 b;

	while (next(c, &b)) {
		if (b == PREFIX_OPERAND_SIZE)
			c->operand16 = !c->operand16;
		if (b == PREFIX_ADDRESS_SIZE)
			c->address16 = !c->address16 && !c->wide;
		if (decode_is_prefix(b))
			continue;
		if (c->wide && decode_is_rex(b)) {
			c->rex = b;
			return next(c, ret_opcode);
		}
		*ret_opcode = b;
		return true;
	}
	return false;
}

/* Moves behind ModRM, SIB and displacement. */
static bool skip_address(struct code *c, u8 modrm)
{
	u8 mod = modrm >> 6, rm = modrm & 7, sib = 0;

	if (mod == 3)
		return false;
	if (c->address16) {
		c->at += mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
		return true;
	}
	if (rm == 4 && !next(c, &sib))
		return false;
	if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5))))
		c->at += 4;
	else if (mod == 1)
		c->at += 1;
	return true;
}

static bool take_constant(struct code *c, u32 *ret_value)
{
	u8 b;

	*ret_value = 0;
	for (u32 i = 0; i < 32; i += 8) {
		if (!next(c, &b))
			return false;
		*ret_value |= (u32)b << i;
	}
	return true;
}

static bool decode_modrm(struct code *c, u8 opcode, struct move *m)
{
	u8 modrm;

	if (!next(c, &modrm) || !skip_address(c, modrm))
		return false;
	m->reg = (u8)((modrm >> 3 & 7) | (c->rex & REX_R) << 1);
	switch (opcode) {
	case 0x87:
		m->kind = MOVE_EXCHANGE;
		return true;
	case 0x89:
		m->kind = MOVE_STORE;
		return true;
	case 0x8b:
		m->kind = MOVE_LOAD;
		return true;
	default: /* C7 /0 */
		m->kind = MOVE_STORE_CONSTANT;
		return !(modrm & 0x38) && take_constant(c, &m->constant);
	}
}

static bool decode(struct code *c, struct move *m)
{
	bool ok;
	u8 opcode;

	if (!skip_prefixes(c, &opcode) || c->operand16 || (c->rex & 8))
		return false;
	switch (opcode) {
	case 0x87:
	case 0x89:
	case 0x8b:
	case 0xc7:
		ok = decode_modrm(c, opcode, m);
		break;
	case 0xa1:
	case 0xa3:
		*m = (struct move){.kind = opcode == 0xa1 ? MOVE_LOAD : MOVE_STORE, .reg = RAX};
		c->at += c->wide ? 8 : c->address16 ? 2 : 4;
		ok = true;
		break;
	default:
		return false;
	}
	m->length = (u8)c->at;
	return ok && c->at <= c->size;
}

static u32 read_register(const struct vp *vp, const struct vregs *r, u8 n)
{
	return (u32)(n == RSP ? r->rsp : vp->gpr[n]);
}

static void write_register(struct vp *vp, struct vregs *r, u8 n, u32 value)
{
	if (n != RSP) {
		vp->gpr[n] = value;
		return;
	}
	r->rsp = value;
	virt->set_regs(vp, r);
}

static void carry_out(struct vp *vp, struct vregs *r, const struct move *m, u32 offset)
{
	u32 value = m->kind == MOVE_STORE_CONSTANT ? m->constant : read_register(vp, r, m->reg);
	bool loads = m->kind == MOVE_LOAD || m->kind == MOVE_EXCHANGE;
	u32 old = loads ? lapic_mmio_read(&vp->lapic, offset) : 0;

	if (m->kind != MOVE_LOAD)
		lapic_mmio_write(&vp->lapic, offset, value);
	if (loads)
		write_register(vp, r, m->reg, old);
}

bool lapic_mmio_emulate(struct vp *vp, const struct vexit *e)
{
	struct code c = {.size = 0};
	struct move m = {.kind = MOVE_LOAD};
	struct vregs r;
	u16 cs;

	/* Nor does an instruction do it if an event's delivery does. */
	if ((e->npf.access & (ACCESS_EXECUTE | ACCESS_WALK)) || virt->event_queued(vp))
		return false;
	virt->get_regs(vp, &r);
	cs = r.segment[SEG_CS].attributes;
	c.wide = (r.efer & EFER_LMA) && (cs & CS_LONG);
	c.operand16 = c.address16 = !c.wide && !(cs & CS_32);
	c.size = translate_fetch(vp, &r, c.bytes, CODE_MAX);
	if (!decode(&c, &m))
		return false;
	carry_out(vp, &r, &m, (u32)(e->npf.gpa.v % PAGE_SIZE));
	event_advance(vp, m.length);
	return true;
}
