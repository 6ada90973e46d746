/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page walk. One pass reads the entries and checks them, and only a walk that succeeds sets
 * accessed and dirty bits, each by a compare-and-exchange against the entry that was checked; when
 * one has changed meanwhile, the walk starts over.
 */
#include "page_walk.h"

#include <errno.h>

#define PTE_P    (1ull << 0)
#define PTE_W    (1ull << 1)
#define PTE_U    (1ull << 2)
#define PTE_A    (1ull << 5)
#define PTE_D    (1ull << 6)
#define PTE_PS   (1ull << 7)
#define PTE_NX   (1ull << 63)

#define ATTEMPTS 8

enum format { FORMAT_32, FORMAT_PAE, FORMAT_LONG };

/* One entry that the walk went through. */
struct step {
	void *host; /* NULL: not in RAM, reads as ones */
	uint64_t value;
};

struct walk_state {
	const struct page_walk *w;
	enum format format;
	uint64_t linear;
	uint32_t access;
	struct step steps[4];
	int depth;       /* steps taken */
	uint64_t rights; /* PTE_W and PTE_U: and of all levels; PTE_NX: or of all levels */
	unsigned shift;  /* of the entry just read: 1 << shift bytes lie under it */
};

static enum format format_of(const struct page_walk *w)
{
	if (w->efer & EFER_LMA)
		return FORMAT_LONG;
	return w->cr4 & CR4_PAE ? FORMAT_PAE : FORMAT_32;
}

static uint64_t bits(unsigned high, unsigned low)
{
	return (~0ull >> (63 - high)) & (~0ull << low);
}

static void read_entry(struct walk_state *s, uint64_t gpa)
{
	struct step *step = &s->steps[s->depth++];
	size_t size = s->format == FORMAT_32 ? 4 : 8;

	step->host = s->w->map(s->w->ctx, gpa, size, true);
	if (!step->host)
		step->value = s->format == FORMAT_32 ? 0xffffffffull : ~0ull;
	else if (size == 4)
		step->value = __atomic_load_n((uint32_t *)step->host, __ATOMIC_RELAXED);
	else
		step->value = __atomic_load_n((uint64_t *)step->host, __ATOMIC_RELAXED);
}

/* Does the entry map a page itself, rather than point to a table? */
static bool is_leaf(const struct walk_state *s, uint64_t entry)
{
	if (s->shift == 12)
		return true;
	if (!(entry & PTE_PS))
		return false;
	if (s->format == FORMAT_32)
		return s->w->cr4 & CR4_PSE;
	return s->shift == 21 || (s->shift == 30 && s->format == FORMAT_LONG);
}

/* The bits that must be zero in an entry of 8 bytes. */
static uint64_t reserved_wide(const struct walk_state *s, bool leaf)
{
	uint64_t mask = s->w->phys_bits < 52 ? bits(51, s->w->phys_bits) : 0;

	if (!(s->w->efer & EFER_NXE))
		mask |= PTE_NX;
	if (s->format == FORMAT_PAE)
		mask |= bits(62, 52);
	if (leaf && s->shift > 12)
		mask |= bits(s->shift - 1, 13);
	if (s->shift == 39)
		mask |= PTE_PS;
	return mask;
}

static uint64_t reserved_bits(const struct walk_state *s, bool leaf)
{
	if (s->format != FORMAT_32)
		return s->format == FORMAT_PAE && s->shift == 30 ? 0 : reserved_wide(s, leaf);
	if (!leaf || s->shift == 12)
		return 0;
	/* PSE-36: bits 20:13 are address bits 39:32, as far as the processor has them. */
	return bits(21, 21) | (s->w->phys_bits < 40 ? bits(20, s->w->phys_bits - 32 + 13) : 0);
}

static void take_rights(struct walk_state *s, uint64_t entry)
{
	if (s->format == FORMAT_PAE && s->shift == 30)
		return; /* a PDPTE has none */
	s->rights &= entry | ~(PTE_W | PTE_U);
	if (s->format != FORMAT_32)
		s->rights |= entry & PTE_NX;
}

static bool is_permitted(const struct walk_state *s)
{
	const struct page_walk *w = s->w;
	bool user = s->access & PAGE_FAULT_USER;
	bool user_page = s->rights & PTE_U;

	if (user && !user_page)
		return false;
	if (s->access & PAGE_FAULT_WRITE && !(s->rights & PTE_W) && (user || w->cr0 & CR0_WP))
		return false;
	if (s->access & PAGE_FAULT_FETCH)
		return !(s->rights & PTE_NX) && !(!user && user_page && w->cr4 & CR4_SMEP);
	return user || !user_page || !(w->cr4 & CR4_SMAP) || w->smap_suspended;
}

/* The error code's fetch bit exists only where a fetch can be forbidden. */
static uint32_t error_code(const struct walk_state *s, uint32_t why)
{
	bool nx = s->format != FORMAT_32 && s->w->efer & EFER_NXE;
	uint32_t error = s->access | why;

	if (!nx && !(s->w->cr4 & CR4_SMEP))
		error &= ~PAGE_FAULT_FETCH;
	return error;
}

static uint64_t leaf_address(const struct walk_state *s, uint64_t entry)
{
	uint64_t offset = s->linear & (bits(s->shift - 1, 0));
	uint64_t frame = entry & bits(51, s->shift);

	if (s->format == FORMAT_32 && s->shift == 22)
		frame = (entry & 0xffc00000) | (entry & bits(20, 13)) << 19;
	return frame | offset;
}

/* 0 at a leaf whose rights suffice, 1 with *ret_error. */
static int descend(struct walk_state *s, uint64_t table, unsigned top, uint32_t *ret_error)
{
	unsigned width = s->format == FORMAT_32 ? 10 : 9;
	unsigned size = s->format == FORMAT_32 ? 4 : 8;

	for (s->shift = top;; s->shift -= width) {
		uint64_t index = s->linear >> s->shift & bits(width - 1, 0);
		bool leaf;

		read_entry(s, table + index * size);
		uint64_t entry = s->steps[s->depth - 1].value;
		if (!(entry & PTE_P)) {
			*ret_error = error_code(s, 0);
			return 1;
		}
		leaf = is_leaf(s, entry);
		if (entry & reserved_bits(s, leaf)) {
			*ret_error = error_code(s, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED);
			return 1;
		}
		take_rights(s, entry);
		if (leaf)
			break;
		table = entry & bits(s->format == FORMAT_32 ? 31 : 51, 12);
	}
	if (is_permitted(s))
		return 0;
	*ret_error = error_code(s, PAGE_FAULT_PRESENT);
	return 1;
}

static bool set_bits(const struct walk_state *s, const struct step *step, uint64_t set)
{
	uint64_t wide = step->value;
	uint32_t narrow = (uint32_t)step->value;

	if (!step->host || (step->value & set) == set)
		return true;
	if (s->format == FORMAT_32)
		return __atomic_compare_exchange_n((uint32_t *)step->host, &narrow,
						   narrow | (uint32_t)set, false, __ATOMIC_SEQ_CST,
						   __ATOMIC_RELAXED);
	return __atomic_compare_exchange_n((uint64_t *)step->host, &wide, wide | set, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static bool mark_used(const struct walk_state *s)
{
	int first = s->format == FORMAT_PAE ? 1 : 0;

	for (int i = first; i < s->depth; i++) {
		bool dirty = i == s->depth - 1 && s->access & PAGE_FAULT_WRITE;

		if (!set_bits(s, &s->steps[i], dirty ? PTE_A | PTE_D : PTE_A))
			return false;
	}
	return true;
}

static int walk_once(struct walk_state *s, uint64_t *ret_gpa, uint32_t *ret_error)
{
	static const unsigned top[] = {[FORMAT_32] = 22, [FORMAT_PAE] = 30, [FORMAT_LONG] = 39};
	uint64_t root = s->w->cr3;

	root &= s->format == FORMAT_LONG  ? bits(51, 12)
		: s->format == FORMAT_PAE ? bits(31, 5)
					  : bits(31, 12);
	s->depth = 0;
	s->rights = PTE_W | PTE_U;
	if (descend(s, root, top[s->format], ret_error))
		return 1;
	if (!mark_used(s))
		return -EAGAIN;
	*ret_gpa = leaf_address(s, s->steps[s->depth - 1].value);
	return 0;
}

int page_walk_translate(const struct page_walk *w, uint64_t linear, uint32_t access,
			uint64_t *ret_gpa, uint32_t *ret_error)
{
	struct walk_state s = {.w = w, .format = format_of(w), .linear = linear, .access = access};
	int r = -EAGAIN;

	if (!(w->cr0 & CR0_PG)) {
		*ret_gpa = linear;
		return 0;
	}
	for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++)
		r = walk_once(&s, ret_gpa, ret_error);
	return r;
}
