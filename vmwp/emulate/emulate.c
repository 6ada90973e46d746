/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instruction from fetch to the next RIP. The handlers work on a copy of the registers, which
 * becomes the caller's when they are through.
 */
#include "emulate/emulate.h"

#include "emulate_private.h"
#include "page_walk.h"

#include <errno.h>
#include <string.h>

/* Reads what can be had of the instruction, up to the end of the first page that cannot. */
static int fetch_bytes(struct emulate *e, uint8_t *bytes, size_t want, size_t *ret_length)
{
	uint64_t linear = e->regs->rip;
	size_t length = 0;

	if (emulate_mode(e->regs) != 8)
		linear = (linear + e->regs->segment[EMULATE_CS].base) & 0xffffffff;
	while (length < want) {
		size_t left = 0x1000 - ((linear + length) & 0xfff);
		size_t n = want - length < left ? want - length : left;
		uint64_t gpa;
		void *host;
		int r = emulate_translate_linear(e, linear + length, PAGE_FAULT_FETCH, &gpa);

		if (r) {
			*ret_length = length;
			return r;
		}
		host = e->ops->map(e->ctx, gpa, n, false);
		if (!host)
			break; /* code in a device's page is not run here */
		memcpy(bytes + length, host, n);
		length += n;
	}
	*ret_length = length;
	return 0;
}

/* Bytes up to the limit of the code segment. */
static size_t fetchable(const struct emulate_regs *regs)
{
	uint64_t limit = regs->segment[EMULATE_CS].limit;

	if (emulate_mode(regs) == 8 || regs->rip + EMULATE_MAX_LENGTH - 1 <= limit)
		return EMULATE_MAX_LENGTH;
	return regs->rip > limit ? 0 : limit - regs->rip + 1;
}

/* The instruction goes on where nothing could be fetched: fetched is what hindered it. */
static int truncated(struct emulate *e, int fetched, size_t length)
{
	if (fetched)
		return fetched;
	if (length == EMULATE_MAX_LENGTH || length == fetchable(e->regs))
		return emulate_raise(e, VECTOR_GP, 0);
	return -EFAULT;
}

static int decode_bytes(struct emulate *e, const uint8_t *bytes, size_t length, int fetched)
{
	int r = emulate_decode(bytes, length, emulate_mode(e->regs), &e->insn);

	if (r == DECODE_TRUNCATED)
		return truncated(e, fetched, length);
	if (r == DECODE_INVALID)
		return emulate_raise(e, VECTOR_UD, 0);
	return r;
}

static int fetch_and_decode(struct emulate *e, const uint8_t *given, size_t given_length)
{
	uint8_t bytes[EMULATE_MAX_LENGTH];
	size_t length = 0;
	int r;

	if (given_length && given_length <= EMULATE_MAX_LENGTH &&
	    emulate_decode(given, given_length, emulate_mode(e->regs), &e->insn) == 0)
		return 0;
	r = fetch_bytes(e, bytes, fetchable(e->regs), &length);
	if (r < 0)
		return r;
	return decode_bytes(e, bytes, length, r);
}

/* Of an instruction that accesses memory at one place, that is the place. */
static void take_stop(struct emulate *e, const struct emulate_stop *stop)
{
	switch (e->insn.opcode) {
	case OPCODE_STRING:
	case OPCODE_PUSH:
	case OPCODE_POP:
		return;
	default:
		e->stop.valid = stop->gpa_valid;
		e->stop.write = stop->write;
		e->stop.gpa = stop->gpa;
	}
}

static int run(struct emulate *e, const struct emulate_stop *stop)
{
	int r = fetch_and_decode(e, stop->bytes, stop->length);

	if (r == 0)
		take_stop(e, stop);
	if (r == 0 && e->insn.opcode == OPCODE_VECTOR)
		r = emulate_vector_prepare(e);
	if (r == 0)
		r = emulate_prepare(e);
	return r ? r : emulate_execute(e);
}

uint64_t emulate_next(uint64_t rip, unsigned length, unsigned mode)
{
	uint64_t mask = mode == 8 ? UINT64_MAX : mode == 4 ? 0xffffffff : 0xffff;

	return (rip + length) & mask;
}

static void step_over(struct emulate_regs *regs, unsigned length, unsigned mode)
{
	regs->rip = emulate_next(regs->rip, length, mode);
	regs->rflags &= ~FLAG_RF;
}

int emulate_instruction(struct emulate_regs *regs, const struct emulate_vcpu_ops *ops, void *ctx,
			const struct emulate_stop *stop, struct emulate_exception *ret_exception)
{
	struct emulate_regs work = *regs;
	struct emulate e = {.regs = &work, .ops = ops, .ctx = ctx, .exception = ret_exception};
	int r = run(&e, stop);

	if (r < 0)
		return r;
	if (r == 0)
		step_over(&work, e.insn.length, emulate_mode(regs));
	if (r == 0 || e.insn.opcode == OPCODE_STRING)
		*regs = work;
	if (r == STEP_FAULT)
		return EMULATE_EXCEPTION;
	return r == STEP_AGAIN ? EMULATE_AGAIN : EMULATE_DONE;
}

unsigned emulate_length(struct emulate_regs *regs, const struct emulate_vcpu_ops *ops, void *ctx,
			const uint8_t *bytes, size_t length)
{
	struct emulate_exception exception;
	struct emulate e = {.regs = regs, .ops = ops, .ctx = ctx, .exception = &exception};
	int r = fetch_and_decode(&e, bytes, length);

	return r == 0 || r == -EOPNOTSUPP ? e.insn.length : 0;
}

size_t emulate_fetch(struct emulate_regs *regs, const struct emulate_vcpu_ops *ops, void *ctx,
		     uint8_t bytes[EMULATE_MAX_LENGTH])
{
	struct emulate_exception exception;
	struct emulate e = {.regs = regs, .ops = ops, .ctx = ctx, .exception = &exception};
	size_t length = 0;

	fetch_bytes(&e, bytes, fetchable(regs), &length);
	return length;
}
