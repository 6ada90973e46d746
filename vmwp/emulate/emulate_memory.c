/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a segment and an offset to guest-physical pieces, and the accesses to those. Translation
 * checks all that the processor checks and has no effect but accessed and dirty bits; an access
 * then goes to RAM, or in naturally sized pieces to a device.
 */
#include "emulate_private.h"
#include "page_walk.h"

#include <errno.h>
#include <string.h>

#define CANONICAL_BITS 48

static bool is_real(const struct emulate_regs *regs)
{
	return !(regs->cr0 & CR0_PE) || regs->rflags & FLAG_VM;
}

/* Bytes of the default operand size: 8 is 64-bit mode. */
unsigned emulate_mode(const struct emulate_regs *regs)
{
	uint16_t attributes = regs->segment[EMULATE_CS].attributes;

	if (is_real(regs))
		return 2;
	if (regs->efer & EFER_LMA && attributes & SEGMENT_LONG)
		return 8;
	return attributes & SEGMENT_DEFAULT ? 4 : 2;
}

unsigned emulate_cpl(const struct emulate_regs *regs)
{
	if (!(regs->cr0 & CR0_PE))
		return 0;
	if (regs->rflags & FLAG_VM)
		return 3;
	return (regs->segment[EMULATE_SS].attributes & SEGMENT_DPL) >> 5;
}

int emulate_raise(struct emulate *e, unsigned vector, uint32_t error_code)
{
	*e->exception = (struct emulate_exception){
		.vector = (uint8_t)vector,
		.has_error_code = vector >= 10 && vector <= 14,
		.error_code = error_code,
	};
	return STEP_FAULT;
}

static int raise_segment(struct emulate *e, unsigned segment)
{
	return emulate_raise(e, segment == EMULATE_SS ? VECTOR_SS : VECTOR_GP, 0);
}

static bool has_right(const struct emulate_segment *s, bool write)
{
	uint16_t type = s->attributes & SEGMENT_TYPE;

	if (write)
		return !(type & SEGMENT_CODE) && type & SEGMENT_RW;
	return !(type & SEGMENT_CODE) || type & SEGMENT_RW;
}

static bool is_inside(const struct emulate_segment *s, uint64_t offset, unsigned size)
{
	uint64_t last = offset + size - 1;
	uint16_t type = s->attributes & SEGMENT_TYPE;

	if (!(type & SEGMENT_CODE) && type & SEGMENT_DOWN) {
		uint64_t top = s->attributes & SEGMENT_DEFAULT ? 0xffffffffull : 0xffff;

		return offset > s->limit && last <= top;
	}
	return last <= s->limit;
}

static bool is_canonical(uint64_t linear)
{
	int64_t extended = (int64_t)(linear << (64 - CANONICAL_BITS)) >> (64 - CANONICAL_BITS);

	return (uint64_t)extended == linear;
}

static int linear_long(struct emulate *e, unsigned segment, uint64_t offset, unsigned size,
		       uint64_t *ret_linear)
{
	uint64_t linear = offset;

	if (segment == EMULATE_FS || segment == EMULATE_GS)
		linear += e->regs->segment[segment].base;
	if (!is_canonical(linear) || !is_canonical(linear + size - 1))
		return raise_segment(e, segment);
	*ret_linear = linear;
	return 0;
}

static int linear_of(struct emulate *e, unsigned segment, uint64_t offset, unsigned size,
		     bool write, uint64_t *ret_linear)
{
	const struct emulate_segment *s = &e->regs->segment[segment];

	if (emulate_mode(e->regs) == 8)
		return linear_long(e, segment, offset, size, ret_linear);
	if (!is_real(e->regs) && (!(s->attributes & SEGMENT_PRESENT) || !has_right(s, write)))
		return raise_segment(e, segment);
	if (!is_inside(s, offset, size))
		return raise_segment(e, segment);
	*ret_linear = (s->base + offset) & 0xffffffff;
	return 0;
}

static int walk(struct emulate *e, uint64_t linear, uint32_t access, uint64_t *ret_gpa)
{
	const struct emulate_regs *regs = e->regs;
	struct page_walk w = {
		.cr0 = regs->cr0,
		.cr3 = regs->cr3,
		.cr4 = regs->cr4,
		.efer = regs->efer,
		.phys_bits = regs->phys_bits,
		.smap_suspended = regs->rflags & FLAG_AC,
		.map = e->ops->map,
		.ctx = e->ctx,
	};
	uint32_t error;
	int r;

	if (emulate_cpl(regs) == 3)
		access |= PAGE_FAULT_USER;
	r = page_walk_translate(&w, linear, access, ret_gpa, &error);
	if (r == -EAGAIN)
		return STEP_AGAIN;
	if (r == 0)
		return 0;
	emulate_raise(e, VECTOR_PF, error);
	e->exception->cr2 = linear;
	return STEP_FAULT;
}

int emulate_translate_linear(struct emulate *e, uint64_t linear, uint32_t access, uint64_t *ret_gpa)
{
	int which = access & PAGE_FAULT_WRITE ? 1 : 0;
	int r;

	if (e->stop.valid && e->stop.write == which && !((e->stop.gpa ^ linear) & 0xfff)) {
		*ret_gpa = e->stop.gpa;
		return 0;
	}
	if (e->last[which].valid && e->last[which].linear >> 12 == linear >> 12 &&
	    !(access & PAGE_FAULT_FETCH)) {
		*ret_gpa = e->last[which].gpa | (linear & 0xfff);
		return 0;
	}
	r = walk(e, linear, access, ret_gpa);
	if (r || access & PAGE_FAULT_FETCH)
		return r;
	e->last[which].valid = true;
	e->last[which].linear = linear;
	e->last[which].gpa = *ret_gpa & ~0xfffull;
	return 0;
}

int emulate_span(struct emulate *e, unsigned segment, uint64_t offset, unsigned size, bool write,
		 struct span *ret_span)
{
	uint32_t access = write ? PAGE_FAULT_WRITE : 0;
	unsigned left;
	uint64_t linear;
	int r;

	r = linear_of(e, segment, offset, size, write, &linear);
	if (r)
		return r;
	left = 0x1000 - (linear & 0xfff);
	ret_span->size = size;
	ret_span->first = size < left ? size : left;
	r = emulate_translate_linear(e, linear, access, &ret_span->gpa[0]);
	if (r || ret_span->first == size)
		return r;
	linear += left;
	if (emulate_mode(e->regs) != 8)
		linear &= 0xffffffff;
	return emulate_translate_linear(e, linear, access, &ret_span->gpa[1]);
}

/* One access of the natural sizes is one access for the other processors, too. */
static void copy(void *to, const void *from, size_t len)
{
	switch (len) {
	case 1:
		*(volatile uint8_t *)to = *(const volatile uint8_t *)from;
		break;
	case 2:
		memcpy(to, from, 2);
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	default:
		memcpy(to, from, len);
	}
}

static unsigned natural_size(size_t len)
{
	return len >= 8 ? 8 : len >= 4 ? 4 : len >= 2 ? 2 : 1;
}

static int device_read(struct emulate *e, uint64_t gpa, uint8_t *buf, size_t len)
{
	while (len) {
		unsigned size = natural_size(len);
		uint64_t value = 0;
		int r = e->ops->mmio_read(e->ctx, gpa, size, &value);

		if (r < 0)
			return r;
		memcpy(buf, &value, size);
		gpa += size;
		buf += size;
		len -= size;
	}
	return 0;
}

static int device_write(struct emulate *e, uint64_t gpa, const uint8_t *buf, size_t len)
{
	while (len) {
		unsigned size = natural_size(len);
		uint64_t value = 0;
		int r;

		memcpy(&value, buf, size);
		r = e->ops->mmio_write(e->ctx, gpa, size, value);
		if (r < 0)
			return r;
		gpa += size;
		buf += size;
		len -= size;
	}
	return 0;
}

static int piece_read(struct emulate *e, uint64_t gpa, uint8_t *buf, size_t len)
{
	void *host = e->ops->map(e->ctx, gpa, len, false);

	if (!host)
		return device_read(e, gpa, buf, len);
	copy(buf, host, len);
	return 0;
}

static int piece_write(struct emulate *e, uint64_t gpa, const uint8_t *buf, size_t len)
{
	void *host = e->ops->map(e->ctx, gpa, len, true);

	if (!host)
		return device_write(e, gpa, buf, len);
	copy(host, buf, len);
	return 0;
}

int emulate_span_read(struct emulate *e, const struct span *span, void *buf)
{
	int r = piece_read(e, span->gpa[0], buf, span->first);

	if (r || span->first == span->size)
		return r;
	return piece_read(e, span->gpa[1], (uint8_t *)buf + span->first, span->size - span->first);
}

int emulate_span_write(struct emulate *e, const struct span *span, const void *buf)
{
	int r = piece_write(e, span->gpa[0], buf, span->first);

	if (r || span->first == span->size)
		return r;
	return piece_write(e, span->gpa[1], (const uint8_t *)buf + span->first,
			   span->size - span->first);
}
