/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One loop for all three formats: four levels, PAE's three and the old two differ in entry size,
 * bits per level and where large pages may be. Each entry is read once.
 */
#include "core/translate.h"
#include "core/format.h"
#include "core/partition.h"

#define CR0_WP       BIT(16)
#define CR0_PG       BIT(31)
#define CR4_PSE      BIT(4)
#define CR4_PAE      BIT(5)
#define EFER_LMA     BIT(10)
#define EFER_NXE     BIT(11)
#define PTE_P        BIT(0)
#define PTE_W        BIT(1)
#define PTE_U        BIT(2)
#define PTE_LARGE    BIT(7)
#define PTE_NX       BIT(63)

#define ADDRESS_LONG 0x000ffffffffff000ull
#define ADDRESS_32   0xfffff000ull

struct format {
	u8 levels, bits, entry_size;
	u8 large_levels; /* bit n: an entry of level n may be a page */
};

static struct format format_of(const struct vregs *r)
{
	if (r->efer & EFER_LMA)
		return (struct format){4, 9, 8, 0x6};
	if (r->cr4 & CR4_PAE)
		return (struct format){3, 9, 8, 0x2};
	return (struct format){2, 10, 4, r->cr4 & CR4_PSE ? 0x2 : 0};
}

static bool read_entry(struct vp *vp, u64 address, u8 size, u64 *ret_entry)
{
	const void *entry = partition_memory(vp->partition, GPA(address), size, GPA_READ);

	if (!entry)
		return false;
	*ret_entry = size == 8 ? __atomic_load_n((const u64 *)entry, __ATOMIC_RELAXED)
			       : __atomic_load_n((const u32 *)entry, __ATOMIC_RELAXED);
	return true;
}

static bool permitted(const struct vregs *r, u64 rights, bool no_execute, u32 access)
{
	if ((access & TRANSLATE_USER) && !(rights & PTE_U))
		return false;
	if ((access & TRANSLATE_WRITE) && !(rights & PTE_W) &&
	    ((access & TRANSLATE_USER) || (r->cr0 & CR0_WP)))
		return false;
	return !(access & TRANSLATE_EXECUTE) || !no_execute || !(r->efer & EFER_NXE);
}

static u64 table_address(const struct format *f, u64 entry)
{
	return entry & (f->entry_size == 8 ? ADDRESS_LONG : ADDRESS_32);
}

/* A 4 MiB page of the old format has address bits 39:32 in 20:13 (PSE-36). */
static u64 page_address(const struct format *f, u64 entry, u64 span)
{
	if (f->entry_size == 8)
		return entry & ADDRESS_LONG & ~(span - 1);
	return (entry & ADDRESS_32 & ~(span - 1)) |
	       (span > PAGE_SIZE ? (entry >> 13 & 0xff) << 32 : 0);
}

static bool is_page(const struct format *f, u64 entry, int level)
{
	return level == 0 || ((f->large_levels >> level & 1) && (entry & PTE_LARGE));
}

static enum translate_result walk(struct vp *vp, const struct vregs *r, u64 gva, u32 access,
				  u64 *ret_gpa)
{
	const struct format f = format_of(r);
	u64 table = f.levels == 3 ? r->cr3 & 0xffffffe0 : table_address(&f, r->cr3);
	u64 rights = PTE_W | PTE_U, entry, span;
	bool no_execute = false;
	int level;

	for (level = f.levels - 1;; level--) {
		u32 shift = PAGE_SHIFT + (u32)level * f.bits;
		u64 index = gva >> shift & ((1u << f.bits) - 1);

		if (!read_entry(vp, table + index * f.entry_size, f.entry_size, &entry))
			return TRANSLATE_UNMAPPED;
		if (!(entry & PTE_P))
			return TRANSLATE_NOT_PRESENT;
		span = 1ull << shift;
		/* PAE's top level has no rights. */
		if (!(f.levels == 3 && level == 2)) {
			rights &= entry;
			no_execute |= f.entry_size == 8 && (entry & PTE_NX);
		}
		if (is_page(&f, entry, level))
			break;
		if (level == 3 && (entry & PTE_LARGE))
			return TRANSLATE_RESERVED_BITS;
		table = table_address(&f, entry);
	}
	if (!permitted(r, rights, no_execute, access))
		return TRANSLATE_DENIED;
	*ret_gpa = page_address(&f, entry, span) | (gva & (span - 1));
	return TRANSLATE_OK;
}

enum translate_result translate(struct vp *vp, const struct vregs *r, gva_t gva, u32 access,
				gpa_t *ret_gpa)
{
	if (!(r->cr0 & CR0_PG)) {
		*ret_gpa = GPA(gva.v & 0xffffffff);
		return TRANSLATE_OK;
	}
	return walk(vp, r, r->efer & EFER_LMA ? gva.v : gva.v & 0xffffffff, access, &ret_gpa->v);
}

u32 translate_fetch(struct vp *vp, const struct vregs *r, u8 *buffer, u32 size)
{
	u32 user = r->segment[SEG_SS].attributes >> 5 & 3 ? TRANSLATE_USER : 0;
	u64 at = r->segment[SEG_CS].base + r->rip;
	u32 done = 0, n;
	const u8 *code;
	gpa_t gpa;

	for (; done < size; done += n) {
		n = (u32)min_u64(size - done, PAGE_SIZE - (at + done) % PAGE_SIZE);
		if (translate(vp, r, GVA(at + done), TRANSLATE_EXECUTE | user, &gpa) !=
		    TRANSLATE_OK)
			break;
		code = partition_memory(vp->partition, gpa, n, GPA_READ);
		if (!code)
			break;
		memcpy(buffer + done, code, n);
	}
	return done;
}
