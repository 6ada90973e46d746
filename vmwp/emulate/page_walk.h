/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's page tables, walked in software: what the processor would make of a linear address.
 * 32-bit paging (with 4 MiB pages), PAE and 4-level paging; APM volume 2 chapter 5, SDM volume 3
 * chapter 4. Protection keys and 5-level paging are not offered to guests and not known here.
 */
#ifndef VMWP_PAGE_WALK_H
#define VMWP_PAGE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CR0_PE              (1ull << 0)
#define CR0_EM              (1ull << 2)
#define CR0_TS              (1ull << 3)
#define CR0_WP              (1ull << 16)
#define CR0_PG              (1ull << 31)
#define CR4_PSE             (1ull << 4)
#define CR4_PAE             (1ull << 5)
#define CR4_OSFXSR          (1ull << 9)
#define CR4_SMEP            (1ull << 20)
#define CR4_SMAP            (1ull << 21)
#define EFER_LMA            (1ull << 10)
#define EFER_NXE            (1ull << 11)

/* What an access is, and the error code bits of #PF (SDM 4.7). */
#define PAGE_FAULT_PRESENT  (1u << 0)
#define PAGE_FAULT_WRITE    (1u << 1)
#define PAGE_FAULT_USER     (1u << 2)
#define PAGE_FAULT_RESERVED (1u << 3)
#define PAGE_FAULT_FETCH    (1u << 4)

/*
 * Where the guest's RAM is in this process. Returns the host address of [gpa, gpa + len), which
 * lies within one page, or NULL where there is no RAM (or, with write, no writable RAM).
 */
typedef void *page_walk_map_fn(void *ctx, uint64_t gpa, size_t len, bool write);

struct page_walk {
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
	uint8_t phys_bits;   /* MAXPHYADDR as the guest's CPUID says */
	bool smap_suspended; /* RFLAGS.AC */
	page_walk_map_fn *map;
	void *ctx;
};

/*
 * Translates one linear address. access is a mask of PAGE_FAULT_WRITE, _USER and _FETCH. Sets the
 * accessed and dirty bits as the processor does. Returns 0 with *ret_gpa, 1 with the #PF error code
 * in *ret_error, or -EAGAIN when the guest keeps changing the entries under the walk.
 */
int page_walk_translate(const struct page_walk *w, uint64_t linear, uint32_t access,
			uint64_t *ret_gpa, uint32_t *ret_error);

#endif
